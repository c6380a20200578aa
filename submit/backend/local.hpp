#pragma once

#include "submit/agent/agent.hpp"
#include "submit/backend/backend.hpp"
#include "submit/backend/environment.hpp"

/// Jobs on this machine. Private to this folder.
namespace act::backend {

class local_driver : public driver {
public:
    local_driver(cluster::config c, services s) : config_(std::move(c)), services_(std::move(s)) {}

    task<result<std::vector<runs::record>>> submit_all(std::vector<job>, unsigned max_parallel,
                                                       until) override;
    task<result<runs::record>> status(runs::record, until) override;
    task<result<void>> logs(runs::record, log_position&, std::function<void(stream, std::string_view)> sink,
                            until) override;
    task<result<runs::record>> cancel(runs::record, until) override;

private:
    /// The first of a queue makes it.
    struct queue {
        std::string folder;
        int places = 0;
    };
    /// The one that the job's details name.
    static queue queue_of(const job&);
    result<runs::record> start(job, const std::vector<agent::link>&, const std::vector<std::string>& gpus,
                               queue&);
    result<runs::record> look(const runs::record&);

    cluster::config config_;
    services services_;
};

}  // namespace act::backend

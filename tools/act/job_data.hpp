#pragma once

#include "submit/backend/backend.hpp"
#include "tools/act/session.hpp"

namespace act::cli {

/// Moves the data of jobs on this machine: what they read by a download of this process, what they make by
/// an `act cp` that their supervisor starts, long after this process has ended.
class job_data : public backend::data_source {
public:
    /// Both outlive this.
    job_data(invocation& call, session& s) : call_(call), session_(s) {}

    task<result<fetched>> fetch(cluster::location from, std::string to, act::until) override;
    result<backend::delivery> deliver(const cluster::location& to, const std::string& from) override;

private:
    invocation& call_;
    session& session_;
};

}  // namespace act::cli

#pragma once

#include "submit/agent/agent.hpp"
#include "submit/backend/backend.hpp"
#include "submit/backend/slurm_programs.hpp"
#include "submit/backend/slurm_script.hpp"
#include "submit/backend/slurm_state.hpp"

/// Jobs of a Slurm cluster. The state folder and the project lie on a file system that its nodes share, at
/// the same paths: that is where the nodes find code and data, and leave logs and outcome, so that no
/// accounting is needed. Private to this folder.
namespace act::backend::slurm {

class slurm_driver : public driver {
public:
    slurm_driver(cluster::config, settings, services);

    /// The jobs, which have one layout, become an array, or several when there are very many.
    task<result<std::vector<runs::record>>> submit_all(std::vector<job>, unsigned max_parallel,
                                                       until) override;
    task<result<runs::record>> status(runs::record, until) override;
    /// One question to squeue about all of them, and one to sacct about those that squeue has forgotten.
    task<std::vector<result<runs::record>>> status_all(std::vector<runs::record>, until) override;
    task<result<void>> logs(runs::record, log_position&, std::function<void(stream, std::string_view)> sink,
                            until) override;
    task<result<runs::record>> cancel(runs::record, until) override;

private:
    /// Records and specifications; the script is told what follows from them.
    result<std::vector<runs::record>> prepare(std::vector<job>, std::vector<agent::link>, script&);
    task<result<std::vector<runs::record>>> submit_array(std::vector<job>, std::vector<agent::link>,
                                                         unsigned max_parallel, std::string after, until);
    task<result<std::string>> hand_over(const std::vector<runs::record>&, script, until);
    result<runs::record> give_up(const runs::record&, const error&);
    /// The environment in a run's spec.json may hold secrets; once it has ended nobody else may remove it.
    static void forget_spec(const runs::record&);

    /// A look at a run, as far as its folder and the record tell.
    struct view {
        runs::record run;
        std::string id;  ///< of its job; empty: there is nothing more to be seen
        traces left;
        bool asks = false;  ///< what Slurm knows of the job matters
    };
    task<result<view>> begin_look(runs::record, until);
    task<result<runs::record>> end_look(view);
    task<result<runs::record>> look(runs::record, until);
    /// Leaves in answers_ what Slurm knows of the jobs.
    task<result<void>> ask(std::vector<std::string> ids, until);
    task<result<std::vector<job_info>>> ask_squeue(const std::vector<std::string>& ids, until);
    task<result<std::vector<job_info>>> ask_sacct(const std::vector<std::string>& ids, until);
    task<result<std::string>> find_again(runs::record, until);
    wall_time preparing_since(const runs::record&);
    result<runs::record> bring_up_to_date(const runs::record&, const std::string& id,
                                          const std::optional<job_info>&, const traces&);
    task<result<void>> end_job(std::string id, until);

    cluster::config config_;
    settings settings_;
    services services_;
    programs programs_;
    /// The controller is everybody's: it is asked about a job at most so often, the run's folder at any time.
    struct answer {
        steady::time_point at{};
        std::optional<job_info> job;
    };
    std::map<std::string, answer> answers_;
    std::vector<std::string> all_;  ///< the same for all jobs of the user, a line for each
    steady::time_point all_asked_{};
};

result<std::unique_ptr<driver>> make_driver(const cluster::config&, services);

/// What a record keeps of its cluster: enough to ask about the run without the cluster file.
void remember_cluster(const settings&, runs::record&);
void recall_cluster(const runs::record&, cluster::config&);

}  // namespace act::backend::slurm

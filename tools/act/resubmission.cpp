#include "tools/act/resubmission.hpp"

#include "engine/file/file.hpp"
#include "submit/stage/pack.hpp"
#include "tools/act/job_data.hpp"
#include "tools/act/world.hpp"

namespace act::cli {

namespace {

result<std::string> code_for(const job_state& state, const runs::record& old, const cluster::config& c,
                             bool fresh) {
    if (fresh) return stage::recall(state.archives, c);
    if (!file::stat_of(state.archives + "/" + old.code + ".zip")) {
        return error(kind::not_found, "the code of run " + old.id + " is no longer in " + state.archives,
                     "run `act init`, then add --fresh to take its code");
    }
    return old.code;
}

}  // namespace

resubmission resubmission_of(const options& given) {
    return {.cluster = given.resubmit_to,
            .gpus = given.num_gpu,
            .fresh = given.fresh,
            .single = given.single,
            .hold = given.hold,
            .details = {}};
}

result<planned_run> plan_again(invocation& call, const job_state& state, const runs::record& old,
                               const resubmission& how) {
    if (!file::stat_of(old.project)) {
        return error(kind::not_found, "the project of run " + old.id + ", " + old.project + ", is gone",
                     "submit the command anew from where the project is now");
    }
    ACT_TRY(cluster::config c,
            load_cluster(call, how.cluster.empty() ? old.cluster : how.cluster, old.project));
    ACT_TRY(std::string code, code_for(state, old, c, how.fresh));
    backend::job job{.command = old.command, .code = code, .archive = state.archives + "/" + code + ".zip"};
    job.env = old.env;
    job.name = old.name;
    job.group = old.group;
    job.point = old.point;
    if (!old.experiment.empty() && how.cluster.empty()) job.experiment = old.experiment;
    job.asked_gpus = how.gpus ? how.gpus : old.asked_gpus;
    job.single = old.single || how.single;
    job.hold = old.hold || how.hold;
    if (job.hold) c.sleep_if_fail = true;
    ACT_TRY(job.layout, backend::layout_of(c, job.asked_gpus, job.single));
    return planned_run{std::move(c), std::move(job)};
}

result<runs::record> submit_again(invocation& call, job_state& state, const runs::record& old,
                                  const resubmission& how) {
    ACT_TRY(planned_run plan, plan_again(call, state, old, how));
    session s(call, std::move(plan.config));
    job_data data(call, s);
    backend::services services = services_for(call, state.journal, s.runtime());
    services.data = &data;
    ACT_TRY(auto driver, backend::make_driver(s.cluster(), services));
    ACT_TRY(runs::record fresh, s.runtime().run(driver->submit(std::move(plan.job), s.until())));
    ACT_TRY(fresh, state.journal.update(fresh.id, [&](runs::record& r) {
        for (const auto& [key, value] : how.details) r.details[key] = value;
        r.details[detail::resubmit_of] = old.id;
    }));
    ACT_TRY(auto linked, state.journal.update(
                             old.id, [&](runs::record& r) { r.details[detail::resubmitted_as] = fresh.id; }));
    return fresh;
}

}  // namespace act::cli

#include "tools/act/resubmission.hpp"

#include <sstream>

#include <fmt/format.h>

#include "engine/file/file.hpp"
#include "submit/agent/supervise.hpp"
#include "submit/stage/pack.hpp"
#include "tools/act/job_data.hpp"
#include "tools/act/world.hpp"

namespace act::cli {

namespace {

result<std::string> code_for(const job_state& state, const runs::record& old, const cluster::config& c,
                             bool fresh) {
    if (fresh) return stage::recall(state.archives, c);
    // Used from now on, so that a concurrent `act init` does not make room by it.
    if (!stage::mark_used(state.archives + "/" + old.code + ".zip")) {
        return error(kind::not_found, "the code of run " + old.id + " is no longer in " + state.archives,
                     "run `act init`, then add --fresh to take its code");
    }
    return old.code;
}

// What the record does not keep is taken from here.
result<void> add_secrets(const world& w, const runs::record& old, std::map<std::string, std::string>& env) {
    std::istringstream names(detail_of(old, backend::detail::env_not_kept));
    for (std::string name; std::getline(names, name);) {
        auto here = w.environment.find(name);
        if (here == w.environment.end())
            return error(kind::usage,
                         fmt::format("run {} had --env {}, whose value is not kept", old.id, name),
                         fmt::format("export {} here, with the value that the run is to have", name));
        env[name] = here->second;
    }
    return {};
}

// The run that came of the old one since then, if any.
std::string successor(const runs::journal& journal, const std::string& old, wall_time since) {
    if (auto all = journal.list()) {
        for (const auto& r : *all) {
            if (r.submitted >= since && detail_of(r, detail::resubmit_of) == old) return r.id;
        }
    }
    return {};
}

result<runs::record> start(invocation& call, job_state& state, const runs::record& old,
                           const resubmission& how) {
    ACT_TRY(planned_run plan, plan_again(call, state, old, how));
    session s(call, std::move(plan.config));
    job_data data(call, s);
    backend::services services = services_for(call, state.journal, s.runtime());
    services.data = &data;
    ACT_TRY(auto driver, backend::make_driver(s.cluster(), services));
    return s.runtime().run(driver->submit(std::move(plan.job), s.until()));
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
    ACT_TRY_VOID(add_secrets(call.world, old, job.env));
    job.details = how.details;
    job.details[detail::resubmit_of] = old.id;
    job.name = old.name;
    job.group = old.group;
    job.point = old.point;
    if (!old.experiment.empty() && how.cluster.empty()) job.experiment = old.experiment;
    // One of a sweep stays in the sweep's queue.
    for (const char* key : {backend::detail::queue, backend::detail::places}) {
        if (auto value = detail_of(old, key); !value.empty() && how.cluster.empty()) job.details[key] = value;
    }
    job.asked_gpus = how.gpus ? how.gpus : old.asked_gpus;
    job.single = old.single || how.single;
    job.hold = old.hold || how.hold;
    if (job.hold) c.sleep_if_fail = true;
    ACT_TRY(job.layout, backend::layout_of(c, job.asked_gpus, job.single));
    return planned_run{std::move(c), std::move(job)};
}

result<void> claim(runs::journal& journal, const runs::record& old) {
    std::string next, by;
    ACT_TRY_VOID(journal.update(old.id, [&](runs::record& r) {
        next = detail_of(r, detail::resubmitted_as);
        by = detail_of(r, detail::claimed_by);
        // One that was killed does no more.
        if (agent::lives(by) == false) by.clear();
        if (next.empty() && by.empty()) r.details[detail::claimed_by] = agent::own_identity();
    }));
    if (!next.empty()) return error(kind::conflict, "it was submitted again as " + next);
    if (by.empty()) return {};
    const std::string who = agent::identity_in_words(by);
    if (agent::lives(by))
        return error(kind::conflict, "another `act monitor`, " + who + ", is submitting it again");
    return error(kind::unavailable, "an `act monitor` elsewhere, " + who + ", was submitting it again",
                 "if that was killed: act resubmit " + runs::short_id(old.id));
}

result<runs::record> submit_again(invocation& call, job_state& state, const runs::record& old,
                                  const resubmission& how) {
    const wall_time begin = now();
    auto fresh = start(call, state, old, how);
    // Also one that could not be started stands in the journal, as a try.
    const std::string next = fresh ? fresh->id : successor(state.journal, old.id, begin);
    auto linked = state.journal.update(old.id, [&](runs::record& r) {
        if (detail_of(r, detail::claimed_by) == agent::own_identity()) r.details.erase(detail::claimed_by);
        if (!next.empty()) r.details[detail::resubmitted_as] = next;
    });
    if (fresh && !linked) return linked.error();
    return fresh;
}

}  // namespace act::cli

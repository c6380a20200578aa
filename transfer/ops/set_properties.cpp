#include "transfer/ops/set_properties.hpp"

#include "transfer/mover/mover.hpp"
#include "transfer/ops/listed.hpp"
#include "transfer/ops/operation.hpp"
#include "transfer/ops/read_listing.hpp"

namespace act::ops {

namespace {

struct set_run {
    operation& op;
    act::mover& mover;
    remote at;
    set_options options;
};

/// One blob, as it was listed.
class property_change final : public job {
public:
    property_change(set_run& run, blob::properties info, bool tags_known)
        : run_(run), info_(std::move(info)), where_{run.at.container, info_.name}, tags_known_(tags_known) {}

    task<void> run() override {
        auto changed = co_await change();
        if (!changed) {
            run_.op.failed(info_.name, changed.error());
        } else if (*changed) {
            run_.op.done("set", info_.name, 0);
        } else {
            run_.op.skipped(info_.name, info_.size);
        }
    }

private:
    /// True when something had to be changed.
    task<result<bool>> change() {
        const until u = run_.op.patience();
        ACT_CO_TRY_VOID(u.check());
        ACT_CO_TRY(bool changed, co_await metadata(u));
        ACT_CO_TRY(const bool headers_changed, co_await headers(u));
        ACT_CO_TRY(const bool tags_changed, co_await tags(u));
        ACT_CO_TRY(const bool tier_changed, co_await tier(u));
        co_return changed || headers_changed || tags_changed || tier_changed;
    }

    bool archived() const { return info_.tier == "Archive"; }
    bool dry() const { return run_.options.dry_run; }

    task<result<bool>> metadata(until u) {
        const auto wanted = plan::merged(info_.metadata, run_.options.changes.metadata);
        if (wanted == info_.metadata) co_return false;
        if (dry()) co_return true;
        const auto when = blob::conditions::matching(info_.etag);
        auto written = co_await run_.at.client.set_metadata(where_, wanted, when, u, info_.encryption_scope);
        if (written) {
            info_.etag = written->etag;
            co_return true;
        }
        ACT_CO_TRY(const blob::properties now, co_await after_refusal(written.error(), u));
        if (now.metadata != wanted) co_return changed_meanwhile();
        info_.etag = now.etag;
        co_return true;
    }

    task<result<bool>> headers(until u) {
        const auto wanted = plan::merged_headers(info_.content, run_.options.changes.headers);
        if (plan::same_headers(wanted, info_.content)) co_return false;
        if (dry()) co_return true;
        const auto when = blob::conditions::matching(info_.etag);
        auto written = co_await run_.at.client.set_content_headers(where_, wanted, when, u);
        if (written) co_return true;
        ACT_CO_TRY(const blob::properties now, co_await after_refusal(written.error(), u));
        if (!plan::same_headers(now.content, wanted)) co_return changed_meanwhile();
        co_return true;
    }

    /// The blob as it is now, when a condition did not hold: the reply to an earlier try may have been lost
    /// after the service had done it.
    task<result<blob::properties>> after_refusal(error e, until u) {
        if (e.kind() != kind::precondition) co_return e;
        co_return co_await run_.at.client.head(where_, u);
    }

    error changed_meanwhile() const {
        return error(kind::precondition, "blob '" + where_.name + "' was changed by somebody else meanwhile",
                     "run the same command again");
    }

    task<result<bool>> tags(until u) {
        const auto& changes = run_.options.changes.tags;
        if (changes.empty()) co_return false;
        if (!tags_known_) {
            ACT_CO_TRY(info_.tags, co_await run_.at.client.get_tags(where_, u));
        }
        const auto wanted = plan::merged(info_.tags, changes);
        if (wanted == info_.tags) co_return false;
        if (!dry()) ACT_CO_TRY_VOID(co_await run_.at.client.set_tags(where_, wanted, u));
        co_return true;
    }

    task<result<bool>> tier(until u) {
        const auto& wanted = run_.options.changes.tier;
        if (wanted.empty() || wanted == info_.tier) co_return false;
        // On its way there already; only the priority can still be raised.
        const auto& rehydrate = run_.options.rehydrate;
        if (rehydrate.empty() && http::same_name(info_.archive_status, "rehydrate-pending-to-" + wanted))
            co_return false;
        if (!dry())
            ACT_CO_TRY_VOID(co_await run_.at.client.set_tier(where_, wanted, u, archived() ? rehydrate : ""));
        co_return true;
    }

    set_run& run_;
    blob::properties info_;
    blob::address where_;
    bool tags_known_;
};

task<result<std::uint64_t>> start(set_run& run, blob::properties info, bool tags_known) {
    if (info.is_directory) co_return 0;
    run.op.found(0);
    std::unique_ptr<job> next = std::make_unique<property_change>(run, std::move(info), tags_known);
    auto queued = co_await run.mover.submit(std::move(next));
    if (!queued) co_return queued.error();
    co_return 1;
}

task<result<std::uint64_t>> the_blob_itself(set_run& run) {
    if (run.at.path.empty()) co_return 0;
    ACT_CO_TRY(auto itself,
               co_await find_blob(run.at.client, {run.at.container, run.at.path}, run.op.patience()));
    if (!itself) co_return 0;
    co_return co_await start(run, std::move(*itself), false);
}

task<result<std::uint64_t>> all_below(set_run& run, plan::listing& pages) {
    std::uint64_t found = 0;
    for (;;) {
        ACT_CO_TRY(auto page, co_await pages.next());
        if (!page) co_return found;
        for (std::size_t i = 0; i < page->size(); ++i) {
            ACT_CO_TRY(const std::uint64_t one, co_await start(run, std::move((*page)[i]), true));
            found += one;
        }
    }
}

task<result<void>> set_all(set_run& run) {
    ACT_CO_TRY(std::uint64_t found, co_await the_blob_itself(run));
    blob::list_options query;
    query.prefix = run.at.path.empty() ? std::string() : run.at.path + '/';
    query.tags = !run.options.changes.tags.empty();
    auto read = [&](plan::listing& pages) { return all_below(run, pages); };
    const auto below = co_await read_listing(run.op, run.at, query, read);
    if (!below && !(found > 0 && may_not_list(below.error()))) co_return below.error();
    if (found == 0 && below && *below == 0) {
        co_return nothing_at(run.at);
    }
    run.op.context().progress.scan_finished = true;
    co_return result<void>();
}

/// What becomes of one line, now that it is known what stands there.
task<result<void>> set_one(set_run& run, const plan::listed_item& one, name_lookup::answer found,
                           bool tags_known) {
    const blob::address where{run.at.container, blob_name(run.at.path, one.source)};
    auto why = std::move(found.failed);
    if (!why && !found.there) why = not_there(where);
    if (!why) why = not_as_told(where, one, *found.there);
    if (why) {
        run.op.failed(where.name, std::move(*why));
        co_return result<void>();
    }
    found.there->name = where.name;
    ACT_CO_TRY_VOID(co_await start(run, std::move(*found.there), tags_known));
    co_return result<void>();
}

task<result<void>> set_listed(set_run& run) {
    const bool tags = !run.options.changes.tags.empty();
    name_lookup lookup(run.op, run.at, {.tags = tags, .absence_by_page = false});
    for (;;) {
        ACT_CO_TRY(auto listed, co_await next_items(run.op, *run.options.items));
        if (listed.empty()) break;
        std::vector<std::string> names;
        for (const auto& one : listed) names.push_back(one.source);
        ACT_CO_TRY(auto answers, co_await lookup.find(names));
        for (std::size_t i = 0; i < listed.size(); ++i) {
            ACT_CO_TRY_VOID(
                co_await set_one(run, listed[i], std::move(answers[i]), tags && !lookup.tags_refused()));
        }
    }
    run.op.context().progress.scan_finished = true;
    co_return result<void>();
}

}  // namespace

result<void> check(const set_options& options) {
    if (options.changes.empty()) {
        return error(kind::usage, "nothing to set", "give --tier, --metadata, --header or --tag");
    }
    const std::string& tier = options.changes.tier;
    if (!options.rehydrate.empty() && (tier.empty() || tier == "Archive")) {
        return error(kind::usage, "--rehydrate-priority is for what leaves the archive tier",
                     "say where to, as --tier Hot");
    }
    return plan::check(options.changes);
}

task<result<summary>> set_properties(context& ctx, remote at, set_options options) {
    ACT_CO_TRY_VOID(check(options));
    operation op(ctx);
    mover::options lanes;
    lanes.lanes = ctx.concurrency;
    mover scheduler(ctx.runtime, lanes, op.stop());
    set_run run{op, scheduler, std::move(at), std::move(options)};
    auto outcome = result<void>();
    if (run.options.items) {
        outcome = co_await set_listed(run);
    } else {
        outcome = co_await set_all(run);
    }
    if (!outcome) op.give_up(outcome.error());
    co_await scheduler.finish();
    co_return op.finish();
}

}  // namespace act::ops

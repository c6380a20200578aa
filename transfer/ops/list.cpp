#include "transfer/ops/all_of_one.hpp"
#include "transfer/ops/history.hpp"
#include "transfer/ops/operation.hpp"
#include "transfer/plan/listing.hpp"

namespace act::ops {

namespace {

using receiver = std::function<void(const blob::properties&)>;

/// Counts the blobs, page by page, and shows each entry; how many there were.
task<result<std::uint64_t>> report_pages(plan::listing& pages, operation& op, const receiver& each) {
    for (std::uint64_t seen = 0;;) {
        ACT_CO_TRY(const auto page, co_await pages.next());
        if (!page) co_return seen;
        std::uint64_t blobs = 0, bytes = 0;
        for (const auto& info : page->items) {
            blobs += !info.is_prefix;
            bytes += info.size;
            each(info);
        }
        op.done(blobs, bytes);
        seen += page->items.size();
    }
}

task<result<bool>> report_exact(const remote& at, operation& op, const receiver& each) {
    ACT_CO_TRY(const auto itself, co_await find_blob(at.client, {at.container, at.path}, op.patience()));
    if (!itself) co_return false;
    op.done(1, itself->size);
    each(*itself);
    co_return true;
}

/// What can be brought back.
task<result<std::uint64_t>> list_deleted(operation& op, const remote& at, const list_options& options,
                                         const receiver& each) {
    std::uint64_t seen = 0;
    auto show = [&](const blob::properties& one) {
        op.done(1, one.size);
        each(one);
        ++seen;
    };
    const history_receiver names = [&](name_history name, std::size_t) -> task<result<void>> {
        for (const auto& one : name.past) {
            // The youngest version stands for a blob that is gone.
            const bool shown_below =
                !name.there && !name.deleted && one.version_id == name.latest->version_id;
            if ((one.snapshot.empty() ? options.versions : options.snapshots) && !shown_below) show(one);
        }
        if (const blob::properties* gone = name.gone()) show(*gone);
        co_return result<void>();
    };
    ACT_CO_TRY_VOID(co_await each_history(op, at, options.raw_prefix, options.snapshots, names));
    co_return seen;
}

/// How many entries there were.
task<result<std::uint64_t>> list_all(operation& op, const remote& at, const list_options& options,
                                     const receiver& each) {
    blob::list_options query;
    query.prefix = at.path;
    query.snapshots = options.snapshots;
    query.versions = options.versions;
    query.copy = options.copy_state;
    query.detail = options.detail;
    std::uint64_t seen = 0;
    if (!at.path.empty() && !options.raw_prefix) {
        if (query.snapshots || query.versions) {
            auto one = [&](const blob::properties& info) -> task<result<void>> {
                op.done(1, info.size);
                each(info);
                ++seen;
                co_return result<void>();
            };
            ACT_CO_TRY_VOID(co_await all_of_one(at, query, op.patience(), one));
        } else {
            ACT_CO_TRY(const bool exact, co_await report_exact(at, op, each));
            seen += exact;
        }
        query.prefix += '/';
    }
    query.delimiter = options.delimiter;
    plan::listing pages(at.client, at.container, query, op.patience(), &op.context().buffers);
    task_group fetching;
    pages.start(op.context().runtime, fetching);
    auto outcome = co_await report_pages(pages, op, each);
    pages.abandon();
    co_await fetching.join();
    if (outcome) *outcome += seen;
    co_return outcome;
}

}  // namespace

task<result<summary>> list(context& ctx, remote at, list_options options, receiver each) {
    operation op(ctx);
    auto seen = result<std::uint64_t>(0);
    if (options.deleted) {
        seen = co_await list_deleted(op, at, options, each);
    } else {
        seen = co_await list_all(op, at, options, each);
    }
    if (!seen) {
        op.give_up(seen.error());
    } else if (*seen == 0 && !options.deleted) {
        op.give_up(nothing_at(at));
    }
    ctx.progress.scan_finished = true;
    co_return op.finish();
}

}  // namespace act::ops

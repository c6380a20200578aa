#include "transfer/ops/all_of_one.hpp"
#include "transfer/ops/history.hpp"
#include "transfer/ops/listed.hpp"
#include "transfer/ops/operation.hpp"
#include "transfer/ops/read_listing.hpp"

namespace act::ops {

namespace {

using receiver = std::function<void(const blob::properties&)>;

/// Counts the blobs, page by page, and shows each entry; how many there were.
task<result<std::uint64_t>> report_pages(plan::listing& pages, operation& op, const receiver& each) {
    for (std::uint64_t seen = 0;;) {
        ACT_CO_TRY(auto page, co_await pages.next());
        if (!page) co_return seen;
        std::uint64_t blobs = 0, bytes = 0;
        for (std::size_t i = 0; i < page->size(); ++i) {
            const blob::properties& info = (*page)[i];
            blobs += !info.is_prefix;
            bytes += info.size;
            each(info);
        }
        op.done(blobs, bytes);
        seen += page->size();
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
        const blob::properties* gone = name.gone();
        for (const auto& one : name.past) {
            // The youngest version stands for a blob that is gone.
            const bool shown_below = gone && !name.deleted && one.version_id == gone->version_id;
            if ((one.snapshot.empty() ? options.versions : options.snapshots) && !shown_below) show(one);
        }
        if (gone) show(*gone);
        co_return result<void>();
    };
    ACT_CO_TRY_VOID(co_await each_history(op, at, options.raw_prefix, options.snapshots, names));
    co_return seen;
}

/// The blob that has the very name, and its snapshots and versions where they are asked for; how many.
task<result<std::uint64_t>> list_itself(operation& op, const remote& at, blob::list_options query,
                                        const receiver& each) {
    if (!query.snapshots && !query.versions) {
        ACT_CO_TRY(const bool there, co_await report_exact(at, op, each));
        co_return there;
    }
    std::uint64_t seen = 0;
    auto one = [&](const blob::properties& info) -> task<result<void>> {
        op.done(1, info.size);
        each(info);
        ++seen;
        co_return result<void>();
    };
    ACT_CO_TRY_VOID(co_await all_of_one(at, std::move(query), op.patience(), one));
    co_return seen;
}

task<result<std::uint64_t>> list_both(operation& op, const remote& at, bool itself,
                                      const blob::list_options& query, plan::listing& pages,
                                      const receiver& each) {
    std::uint64_t seen = 0;
    if (itself) {
        ACT_CO_TRY(seen, co_await list_itself(op, at, query, each));
    }
    const auto below = co_await report_pages(pages, op, each);
    if (!below && seen > 0 && may_not_list(below.error())) co_return seen;
    if (!below) co_return below.error();
    co_return seen + *below;
}

/// How many entries there were.
task<result<std::uint64_t>> list_all(operation& op, const remote& at, const list_options& options,
                                     const receiver& each) {
    blob::list_options query;
    query.prefix = at.path;
    query.snapshots = options.snapshots;
    query.versions = options.versions;
    query.copy = options.copy_state;
    query.metadata = options.metadata;
    query.detail = options.detail;
    blob::list_options below = query;
    const bool itself = !at.path.empty() && !options.raw_prefix;
    if (itself) below.prefix += '/';
    below.delimiter = options.delimiter;
    // Most often it is a folder that is listed: what is below it is not asked for only after the rest.
    auto both = [&](plan::listing& pages) { return list_both(op, at, itself, query, pages, each); };
    co_return co_await read_listing(op, at, std::move(below), both, {.eager = true});
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

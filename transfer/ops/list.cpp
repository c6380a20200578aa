#include "transfer/ops/all_of_one.hpp"
#include "transfer/ops/operation.hpp"
#include "transfer/plan/listing.hpp"

namespace act::ops {

namespace {

task<result<void>> report_pages(plan::listing& pages, operation& op,
                                const std::function<void(const blob::properties&)>& each) {
    for (;;) {
        ACT_CO_TRY(auto page, co_await pages.next());
        if (!page) co_return result<void>();
        for (const auto& info : page->items) {
            if (!info.is_prefix) op.done("list", info.name, info.size);
            each(info);
        }
    }
}

task<result<bool>> report_exact(const remote& at, operation& op,
                                const std::function<void(const blob::properties&)>& each) {
    ACT_CO_TRY(const auto itself, co_await find_blob(at.client, {at.container, at.path}, op.patience()));
    if (!itself) co_return false;
    op.done("list", itself->name, itself->size);
    each(*itself);
    co_return true;
}

task<result<void>> list_all(operation& op, const remote& at, const list_options& options, std::uint64_t& seen,
                            const std::function<void(const blob::properties&)>& each) {
    blob::list_options query;
    query.prefix = at.path;
    query.snapshots = options.snapshots;
    query.versions = options.versions;
    query.copy = options.copy_state;
    if (!at.path.empty() && !options.raw_prefix) {
        if (query.snapshots || query.versions) {
            auto one = [&](const blob::properties& info) -> task<result<void>> {
                op.done("list", info.name, info.size);
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
    const std::function<void(const blob::properties&)> counted = [&](const blob::properties& p) {
        ++seen;
        each(p);
    };
    auto outcome = co_await report_pages(pages, op, counted);
    pages.abandon();
    co_await fetching.join();
    co_return outcome;
}

}  // namespace

task<result<summary>> list(context& ctx, remote at, list_options options,
                           std::function<void(const blob::properties&)> each) {
    operation op(ctx);
    std::uint64_t seen = 0;
    auto outcome = co_await list_all(op, at, options, seen, each);
    if (!outcome) {
        op.give_up(outcome.error());
    } else if (seen == 0) {
        op.give_up(nothing_at(at));
    }
    ctx.progress.scan_finished = true;
    co_return op.finish();
}

}  // namespace act::ops

#include "transfer/mover/mover.hpp"
#include "transfer/ops/operation.hpp"
#include "transfer/plan/listing.hpp"

namespace act::ops {

namespace {

struct remove_run {
    operation& op;
    act::mover& mover;
    remote from;
    remove_options options;
    /// Found out once: the service has no Blob Batch, so every blob is its own request.
    std::atomic<bool> one_by_one{false};
};

struct doomed {
    std::string name;
    std::uint64_t size = 0;
};

task<void> remove_one(remove_run& run, doomed item) {
    const blob::address where{run.from.container, item.name};
    auto outcome = co_await run.from.client.remove(where, run.options.snapshots, {}, run.op.patience());
    // Gone already is what was wanted.
    if (outcome || outcome.error().kind() == kind::not_found) {
        run.op.advance(item.size);
        run.op.done("remove", item.name, item.size);
    } else {
        run.op.failed(item.name, outcome.error());
    }
}

/// Up to 256 blobs in one request; those that the batch could not remove are tried alone, which also gives
/// each its own message.
class batch_removal final : public job {
public:
    batch_removal(remove_run& run, std::vector<doomed> items) : run_(run), items_(std::move(items)) {}

    task<void> run() override {
        if (run_.op.stop().requested()) co_return;
        std::vector<doomed> rest =
            items_.size() == 1 || run_.one_by_one ? std::move(items_) : co_await try_batch();
        for (auto& item : rest) {
            if (run_.op.stop().requested()) co_return;
            co_await remove_one(run_, std::move(item));
        }
    }

private:
    task<std::vector<doomed>> try_batch() {
        std::vector<blob::batch_item> parts;
        for (const auto& item : items_) parts.push_back({item.name, {}});
        auto outcomes = co_await run_.from.client.remove_batch(run_.from.container, std::move(parts),
                                                               run_.options.snapshots, run_.op.patience());
        std::vector<doomed> rest;
        if (!outcomes) {
            if (outcomes.error().kind() == kind::unsupported) {
                run_.one_by_one = true;
                co_return std::move(items_);
            }
            run_.op.failed(items_.front().name, outcomes.error());
            co_return rest;
        }
        for (std::size_t i = 0; i < items_.size(); ++i) {
            if (i < outcomes->size() && (*outcomes)[i].done()) {
                run_.op.advance(items_[i].size);
                run_.op.done("remove", items_[i].name, items_[i].size);
            } else {
                rest.push_back(std::move(items_[i]));
            }
        }
        co_return rest;
    }

    remove_run& run_;
    std::vector<doomed> items_;
};

class tree_removal {
public:
    explicit tree_removal(remove_run& run) : run_(run) {}

    task<result<void>> plan_and_remove() {
        ACT_CO_TRY_VOID(co_await the_blob_itself());
        blob::list_options query;
        query.prefix = run_.from.path;
        if (!query.prefix.empty() && !run_.options.raw_prefix) query.prefix += '/';
        query.metadata = true;  // tells folders of hierarchical accounts, which go last
        plan::listing pages(run_.from.client, run_.from.container, query, run_.op.patience(),
                            &run_.op.context().buffers);
        task_group fetching;
        pages.start(run_.op.context().runtime, fetching);
        auto outcome = co_await all(pages);
        pages.abandon();
        co_await fetching.join();
        ACT_CO_TRY_VOID(std::move(outcome));
        ACT_CO_TRY_VOID(co_await flush());
        if (found_ == 0) {
            co_return error(kind::not_found,
                            "there is no blob '" + run_.from.path + "' and none below it in container '" +
                                run_.from.container + "'",
                            "see what is there with `act ls`");
        }
        run_.op.context().progress.scan_finished = true;
        co_return result<void>();
    }

    /// Folders of hierarchical accounts can go only when they are empty: after their content, the deepest
    /// first.
    task<void> remove_folders() {
        for (auto it = folders_.rbegin(); it != folders_.rend() && !run_.op.stop().requested(); ++it) {
            co_await remove_one(run_, std::move(*it));
        }
    }

private:
    task<result<void>> the_blob_itself() {
        if (run_.from.path.empty() || run_.options.raw_prefix) co_return result<void>();
        const blob::address where{run_.from.container, run_.from.path};
        auto head = co_await run_.from.client.head(where, run_.op.patience());
        if (head) {
            head->name = run_.from.path;
            co_return co_await take(*head);
        }
        if (head.error().kind() == kind::not_found && head.error().code() != "ContainerNotFound") {
            co_return result<void>();
        }
        co_return head.error();
    }

    task<result<void>> all(plan::listing& pages) {
        for (;;) {
            ACT_CO_TRY(auto page, co_await pages.next());
            if (!page) co_return result<void>();
            for (const auto& info : page->items) ACT_CO_TRY_VOID(co_await take(info));
        }
    }

    task<result<void>> take(const blob::properties& info) {
        ++found_;
        run_.op.found(info.size);
        if (run_.options.dry_run) {
            run_.op.advance(info.size);
            run_.op.done("remove", info.name, info.size);
            co_return result<void>();
        }
        if (info.is_directory) {
            folders_.push_back({info.name, info.size});
            co_return result<void>();
        }
        batch_.push_back({info.name, info.size});
        if (batch_.size() == blob::max_batch) co_return co_await flush();
        co_return result<void>();
    }

    task<result<void>> flush() {
        if (batch_.empty()) co_return result<void>();
        std::unique_ptr<job> next = std::make_unique<batch_removal>(run_, std::move(batch_));
        batch_.clear();
        co_return co_await run_.mover.submit(std::move(next));
    }

    remove_run& run_;
    std::vector<doomed> batch_;
    std::vector<doomed> folders_;
    std::uint64_t found_ = 0;
};

}  // namespace

task<result<summary>> remove(context& ctx, remote from, remove_options options) {
    operation op(ctx);
    mover::options lanes;
    // A batch is much work for the service: a few in flight are as fast as many.
    lanes.lanes = std::min(ctx.concurrency, 8u);
    mover scheduler(ctx.runtime, lanes, op.stop());
    remove_run run{op, scheduler, std::move(from), options};
    tree_removal tree(run);
    auto outcome = co_await tree.plan_and_remove();
    if (!outcome) op.give_up(outcome.error());
    co_await scheduler.finish();
    if (outcome) co_await tree.remove_folders();
    co_return op.finish();
}

}  // namespace act::ops

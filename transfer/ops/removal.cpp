#include "transfer/ops/removal.hpp"

namespace act::ops {

class removal::batch final : public job {
public:
    batch(removal& owner, std::vector<doomed> items) : owner_(owner), items_(std::move(items)) {}

    task<void> run() override {
        if (owner_.op_.stop().requested()) co_return;
        std::vector<doomed> rest =
            items_.size() == 1 || owner_.one_by_one_ ? std::move(items_) : co_await together();
        for (auto& item : rest) {
            if (owner_.op_.stop().requested()) co_return;
            co_await owner_.remove_one(std::move(item));
        }
    }

private:
    /// What is left to be tried alone.
    task<std::vector<doomed>> together() {
        operation& op = owner_.op_;
        std::vector<blob::batch_item> parts;
        for (const auto& item : items_) parts.push_back({item.name, item.snapshot});
        auto outcomes = co_await owner_.from_.client.remove_batch(owner_.from_.container, std::move(parts),
                                                                  owner_.snapshots_, op.patience());
        std::vector<doomed> rest;
        if (!outcomes) {
            if (outcomes.error().kind() == kind::unsupported) {
                owner_.one_by_one_ = true;
                co_return std::move(items_);
            }
            for (auto& item : items_) op.failed(std::move(item.name), outcomes.error());
            co_return rest;
        }
        for (std::size_t i = 0; i < items_.size(); ++i) {
            if (i < outcomes->size() && (*outcomes)[i].was_absent()) {
                op.skipped(items_[i].name, items_[i].size);
            } else if (i < outcomes->size() && (*outcomes)[i].done()) {
                op.advance(items_[i].size);
                op.done("remove", items_[i].name, items_[i].size);
            } else {
                rest.push_back(std::move(items_[i]));
            }
        }
        co_return rest;
    }

    removal& owner_;
    std::vector<doomed> items_;
};

task<void> removal::remove_one(doomed item) {
    const blob::address where{from_.container, item.name};
    auto outcome = item.snapshot.empty()
                       ? co_await from_.client.remove(where, snapshots_, {}, op_.patience())
                       : co_await from_.client.remove_snapshot(where, item.snapshot, op_.patience());
    if (!outcome && outcome.error().kind() == kind::not_found) {
        op_.skipped(item.name, item.size);
    } else if (outcome) {
        op_.advance(item.size);
        op_.done("remove", item.name, item.size);
    } else {
        op_.failed(item.name, outcome.error());
    }
}

task<result<void>> removal::add(doomed item) {
    waiting_.push_back(std::move(item));
    if (waiting_.size() == blob::max_batch) co_return co_await flush();
    co_return result<void>();
}

task<result<void>> removal::flush() {
    if (waiting_.empty()) co_return result<void>();
    std::unique_ptr<job> next = std::make_unique<batch>(*this, std::move(waiting_));
    waiting_.clear();
    co_return co_await mover_.submit(std::move(next));
}

}  // namespace act::ops

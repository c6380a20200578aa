#include "transfer/ops/removal.hpp"

#include <utility>

#include "transfer/ops/listed.hpp"

namespace act::ops {

class removal::batch final : public job {
public:
    batch(removal& owner, std::vector<doomed> items) : owner_(owner), items_(std::move(items)) {}

    task<void> run() override {
        if (owner_.op_.stop().requested()) co_return;
        while (!items_.empty()) {
            std::vector<doomed> rest =
                items_.size() == 1 || owner_.one_by_one_ ? std::exchange(items_, {}) : co_await together();
            for (auto& item : rest) {
                if (owner_.op_.stop().requested()) co_return;
                co_await owner_.remove_one(std::move(item));
            }
        }
    }

private:
    /// What is left to be tried alone; in `items_` stays what comes next, now that the others have gone.
    task<std::vector<doomed>> together() {
        operation& op = owner_.op_;
        std::vector<doomed> items = std::exchange(items_, {});
        std::vector<blob::batch_item> parts;
        for (const auto& item : items)
            parts.push_back(
                {item.name, item.snapshot, item.current ? std::string() : item.version, item.etag});
        auto outcomes = co_await owner_.from_.client.remove_batch(owner_.from_.container, std::move(parts),
                                                                  owner_.snapshots_, op.patience());
        std::vector<doomed> rest;
        if (!outcomes) {
            if (outcomes.error().kind() == kind::unsupported) {
                owner_.one_by_one_ = true;
                co_return items;
            }
            for (const auto& item : items) op.failed(item.shown(), outcomes.error());
            co_return rest;
        }
        for (std::size_t i = 0; i < items.size(); ++i) {
            doomed& item = items[i];
            const bool answered = i < outcomes->size();
            if (answered && item.current && (*outcomes)[i].done()) {
                item.current = false;
                items_.push_back(std::move(item));
            } else if (answered && (*outcomes)[i].done()) {
                owner_.gone(item, !(*outcomes)[i].was_absent());
            } else {
                item.another = answered && !item.etag.empty() && (*outcomes)[i].status == 412;
                rest.push_back(std::move(item));
            }
        }
        co_return rest;
    }

    removal& owner_;
    std::vector<doomed> items_;
};

namespace {

error not_as_known() {
    return error(kind::precondition, "another version of the blob is there")
        .with_service("ConditionNotMet", 412, {});
}

}  // namespace

bool is_full_folder(const error& e) { return e.code() == "DirectoryIsNotEmpty"; }

std::string doomed::shown() const {
    if (!snapshot.empty()) return name + "?snapshot=" + snapshot;
    if (!version.empty() && !current) return name + "?versionid=" + version;
    return name;
}

task<result<void>> removal::send(const doomed& item) {
    const blob::address where{from_.container, item.name};
    blob::client& client = from_.client;
    if (!item.snapshot.empty()) {
        co_return co_await client.remove_snapshot(where, item.snapshot, op_.patience());
    }
    if (item.version.empty() || item.current) {
        // Of a real folder the service does not want to hear of snapshots.
        const auto asked = item.folder ? blob::snapshots::refuse : snapshots_;
        const auto when = item.etag.empty() ? blob::conditions() : blob::conditions::matching(item.etag);
        auto gone = co_await client.remove(where, asked, when, op_.patience());
        if (!gone || item.version.empty()) co_return gone;
    }
    co_return co_await client.remove_version(where, item.version, op_.patience());
}

task<result<bool>> removal::send_as_seen(const doomed& item) {
    const blob::address where{from_.container, item.name};
    ACT_CO_TRY(const auto seen, co_await find_blob(from_.client, where, op_.patience()));
    if (!seen) co_return not_there(where);
    if (decide_ && !decide_(item, *seen)) co_return false;
    doomed as_seen = item;
    as_seen.etag = seen->etag;
    ACT_CO_TRY_VOID(co_await send(as_seen));
    co_return true;
}

void removal::gone(const doomed& item, bool was_there) {
    if (was_there) {
        op_.advance(item.size);
        op_.done("remove", item.shown(), item.size);
    } else {
        op_.skipped(item.shown(), item.size);
    }
    if (gone_) gone_(item);
}

task<void> removal::remove_one(doomed item) {
    auto outcome = item.another ? result<void>(not_as_known()) : co_await send(item);
    const bool another = !outcome && !item.etag.empty() && refused_by_condition(outcome.error());
    if (another && item.exact) {
        outcome = not_the_listed_version({from_.container, item.name});
    } else if (another) {
        auto done = co_await send_as_seen(item);
        if (done && !*done) {
            op_.skipped(item.shown(), item.size);
            co_return;
        }
        outcome = done ? result<void>() : result<void>(done.error());
    }
    if (outcome || outcome.error().kind() == kind::not_found) {
        gone(item, outcome.has_value());
    } else if (item.folder && is_full_folder(outcome.error())) {
        op_.advance(item.size);
    } else {
        op_.failed(item.shown(), outcome.error());
    }
}

task<void> removal::remove_folders() {
    auto outcome = co_await folders_.each_deepest_first(op_, [this](folder_levels::folder f) -> task<void> {
        if (op_.stop().requested()) co_return;
        doomed item{.name = std::move(f.name), .folder = true};
        co_await remove_one(std::move(item));
    });
    if (!outcome) op_.give_up(outcome.error());
}

task<result<void>> removal::add(doomed item) {
    // Accounts with real folders keep no versions.
    if (item.folder) co_return folders_.add({std::move(item.name), {}});
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

#include "transfer/ops/tree_side.hpp"

#include <atomic>

#include "transfer/ops/known.hpp"
#include "transfer/plan/listing.hpp"
#include "transfer/plan/local_path.hpp"

namespace act::ops {

namespace {

class local_side final : public tree_side {
public:
    local_side(operation& op, std::string root, file::links links, const plan::selection& wanted)
        : op_(op), root_(std::move(root)), links_(links), wanted_(wanted) {}

    task<result<std::optional<name_order>>> order() override { co_return std::optional<name_order>(); }
    void come_by(name_order order) override { order_ = order; }

    task<result<std::optional<side_item>>> next() override {
        if (!begun_) ACT_CO_TRY_VOID(co_await begin());
        for (;;) {
            while (at_ < batch_.size()) {
                file::entry& entry = batch_[at_++];
                const bool folder = entry.info.type == file::type::directory;
                const bool wanted = folder ? wanted_.name(entry.name, true)
                                           : wanted_.file(entry.name, entry.info.size, entry.info.modified);
                if (wanted) co_return take(entry, folder);
            }
            if (!walk_) co_return std::optional<side_item>();
            auto more = [this] { return walk_->next(); };
            ACT_CO_TRY(batch_, co_await op_.context().runtime.blocking(more));
            at_ = 0;
            if (batch_.empty()) co_return std::optional<side_item>();
        }
    }

    task<void> close() override {
        auto end = [this] { walk_.reset(); };
        co_await op_.context().runtime.blocking(end);
    }
    bool complete() const override { return !incomplete_; }

private:
    task<result<void>> begin() {
        begun_ = true;
        auto look = [this] { return file::stat_of(root_); };
        ACT_CO_TRY(const file::status s, co_await op_.context().runtime.blocking(look));
        if (s.type != file::type::directory) {
            file::entry itself;
            itself.info = s;
            batch_.push_back(std::move(itself));
            co_return result<void>();
        }
        file::walk_options how;
        how.links = links_;
        how.order = order_;
        how.want = [this](std::string_view name, bool directory) {
            if (directory) return wanted_.enters(name.substr(0, name.size() - 1));
            return !plan::is_part_name(name.substr(name.rfind('/') + 1));
        };
        how.problem = [this](const std::string& path, const error& e) {
            incomplete_ = true;
            op_.failed(path, e);
        };
        walk_.emplace(root_, std::move(how), op_.stop());
        co_return result<void>();
    }

    static std::optional<side_item> take(file::entry& entry, bool folder) {
        side_item item;
        item.name = std::move(entry.name);
        item.folder = folder;
        item.size = folder ? 0 : entry.info.size;
        item.local = entry.info;
        item.link_target = std::move(entry.link_target);
        return item;
    }

    operation& op_;
    std::string root_;
    file::links links_;
    plan::selection wanted_;
    name_order order_ = name_order::bytes;
    bool begun_ = false;
    std::atomic<bool> incomplete_{false};
    std::optional<file::walker> walk_;
    std::vector<file::entry> batch_;
    std::size_t at_ = 0;
};

class remote_side final : public tree_side {
public:
    remote_side(operation& op, const remote& at, const plan::selection& wanted)
        : op_(op), at_(at), wanted_(wanted) {}

    task<result<std::optional<name_order>>> order() override {
        auto found = co_await first_page();
        // Said again by next(): what could not be read is never taken for what is empty.
        if (!found) failed_ = found.error();
        co_return found;
    }
    void come_by(name_order order) override { order_ = order; }

    task<result<std::optional<side_item>>> next() override {
        if (failed_) co_return *failed_;
        ACT_CO_TRY_VOID(co_await begin());
        if (itself_) co_return std::exchange(itself_, {});
        while (pages_) {
            ACT_CO_TRY(blob::properties * there, co_await cursor_->peek());
            if (!there) break;
            blob::properties info = std::move(*there);
            cursor_->advance();
            std::string_view name = std::string_view(info.name).substr(prefix_.size());
            if (name.empty()) continue;  // a stub of the root itself
            const bool stub = info.is_directory || name.ends_with('/');
            if (!last_.empty() && compare(order_, name, last_) < 0) {
                co_return error(kind::unsupported,
                                "container '" + at_.container + "' is listed in an order that is not known",
                                "compare its folders one at a time");
            }
            last_ = name;
            const bool takes = plan::takes(wanted_, name, info);
            side_item item;
            if (info.hierarchical && stub && takes) {
                ACT_CO_TRY(const blob::properties* after, co_await cursor_->peek());
                item.occupied = after && after->name.starts_with(info.name + '/');
            }
            if (!takes) continue;
            item.name = name;
            item.folder = stub;
            item.size = info.size;
            item.blob = std::move(info);
            co_return std::optional<side_item>(std::move(item));
        }
        co_return std::optional<side_item>();
    }

    task<void> close() override {
        if (!pages_) co_return;
        pages_->abandon();
        co_await fetching_.join();
    }
    bool complete() const override { return true; }

private:
    task<result<std::optional<name_order>>> first_page() {
        ACT_CO_TRY_VOID(co_await begin());
        if (!pages_) co_return std::optional<name_order>();
        ACT_CO_TRY(const blob::properties* first, co_await cursor_->peek());
        if (!first) co_return std::optional<name_order>();
        co_return std::optional(plan::order_of(first));
    }

    /// The first time: finds the blob at the path, when there is one; else the listing below it begins.
    task<result<void>> begin() {
        if (std::exchange(begun_, true)) co_return result<void>();
        const until u = op_.patience();
        if (!at_.path.empty()) {
            ACT_CO_TRY(auto itself, co_await find_blob(at_.client, {at_.container, at_.path}, u));
            if (itself && !itself->is_directory) {
                itself_.emplace();
                itself_->size = itself->size;
                itself_->blob = std::move(itself);
                co_return result<void>();
            }
            prefix_ = at_.path + '/';
        }
        blob::list_options options;
        options.prefix = prefix_;
        pages_.emplace(at_.client, at_.container, std::move(options), u, &op_.context().buffers);
        pages_->start(op_.context().runtime, fetching_);
        cursor_.emplace(*pages_);
        co_return result<void>();
    }

    operation& op_;
    remote at_;
    plan::selection wanted_;
    name_order order_ = name_order::bytes;
    bool begun_ = false;
    std::optional<error> failed_;
    std::optional<side_item> itself_;
    std::string prefix_, last_;
    std::optional<plan::listing> pages_;
    std::optional<plan::listing_cursor> cursor_;
    task_group fetching_;
};

/// A store's end by a manifest.
class known_side final : public tree_side {
public:
    known_side(operation& op, plan::manifest& from, const plan::selection& wanted)
        : items_(op, from), wanted_(wanted) {}

    task<result<std::optional<name_order>>> order() override { co_return std::optional(name_order::bytes); }
    void come_by(name_order) override {}

    task<result<std::optional<side_item>>> next() override {
        for (;;) {
            ACT_CO_TRY(const plan::listed_item* known, co_await items_.peek());
            if (!known) co_return std::optional<side_item>();
            const bool takes = ops::takes(wanted_, *known) && !known->etag.empty();
            side_item item;
            if (takes) {
                item.name = known->destination;
                item.folder = known->folder;
                item.size = known->size.value_or(0);
                item.blob = properties_of(*known, known->destination);
            }
            items_.advance();
            if (takes) co_return std::optional<side_item>(std::move(item));
        }
    }

    task<void> close() override { co_return; }
    bool complete() const override { return true; }

private:
    known_reader items_;
    plan::selection wanted_;
};

}  // namespace

task<result<name_order>> agree_on_order(tree_side& a, tree_side& b) {
    auto one = co_await a.order(), other = co_await b.order();
    const auto of = [](const auto& side) { return side ? *side : std::optional<name_order>(); };
    if (!one && one.error().kind() != kind::not_found) co_return one.error();
    if (!other && other.error().kind() != kind::not_found) co_return other.error();
    if (of(one) && of(other) && *of(one) != *of(other)) {
        co_return error(kind::unsupported,
                        "one account has a hierarchical namespace and the other has not: they list names in "
                        "different orders",
                        "compare each with a manifest: `act cp --manifest-out`, `act check --manifest`");
    }
    const name_order order = of(one).value_or(of(other).value_or(name_order::bytes));
    a.come_by(order);
    b.come_by(order);
    co_return order;
}

std::unique_ptr<tree_side> tree_side::open(operation& op, const tree_end& end,
                                           const plan::selection& wanted) {
    if (end.known) return std::make_unique<known_side>(op, *end.known, wanted);
    if (end.there) return std::make_unique<remote_side>(op, *end.there, wanted);
    return std::make_unique<local_side>(op, end.local, end.links, wanted);
}

}  // namespace act::ops

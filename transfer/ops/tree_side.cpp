#include "transfer/ops/tree_side.hpp"

#include <atomic>

#include "transfer/plan/listing.hpp"
#include "transfer/plan/local_path.hpp"

namespace act::ops {

namespace {

class local_side final : public tree_side {
public:
    local_side(operation& op, std::string root, file::links links, const plan::selection& wanted)
        : op_(op), root_(std::move(root)), links_(links), wanted_(wanted) {}

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

    task<result<std::optional<side_item>>> next() override {
        if (!begun_) {
            ACT_CO_TRY(auto itself, co_await begin());
            if (itself) co_return itself;
        }
        while (pages_) {
            ACT_CO_TRY(blob::properties * there, co_await cursor_->peek());
            if (!there) break;
            blob::properties info = std::move(*there);
            cursor_->advance();
            std::string_view name = std::string_view(info.name).substr(prefix_.size());
            if (name.empty()) continue;  // a stub of the root itself
            const bool stub = info.is_directory || name.ends_with('/');
            if (!last_.empty() && name < last_) {
                co_return error(kind::unsupported,
                                "container '" + at_.container + "' is not listed in the order of names",
                                "accounts with a hierarchical namespace cannot be compared yet");
            }
            last_ = name;
            if (!plan::takes(wanted_, name, info)) continue;
            side_item item;
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
    /// The blob at the path, when there is one; else the listing below it begins.
    task<result<std::optional<side_item>>> begin() {
        begun_ = true;
        const until u = op_.patience();
        if (!at_.path.empty()) {
            ACT_CO_TRY(auto itself, co_await find_blob(at_.client, {at_.container, at_.path}, u));
            if (itself && !itself->is_directory) {
                side_item item;
                item.size = itself->size;
                item.blob = std::move(itself);
                co_return std::optional<side_item>(std::move(item));
            }
            prefix_ = at_.path + '/';
        }
        blob::list_options options;
        options.prefix = prefix_;
        pages_.emplace(at_.client, at_.container, std::move(options), u, &op_.context().buffers);
        pages_->start(op_.context().runtime, fetching_);
        cursor_.emplace(*pages_);
        co_return std::optional<side_item>();
    }

    operation& op_;
    remote at_;
    plan::selection wanted_;
    bool begun_ = false;
    std::string prefix_, last_;
    std::optional<plan::listing> pages_;
    std::optional<plan::listing_cursor> cursor_;
    task_group fetching_;
};

}  // namespace

std::unique_ptr<tree_side> tree_side::open(operation& op, const tree_end& end,
                                           const plan::selection& wanted) {
    if (end.there) return std::make_unique<remote_side>(op, *end.there, wanted);
    return std::make_unique<local_side>(op, end.local, end.links, wanted);
}

}  // namespace act::ops

#include <cstring>
#include <set>

#include <fmt/format.h>

#include "engine/core/units.hpp"
#include "transfer/ops/compare.hpp"
#include "transfer/ops/prune_local.hpp"
#include "transfer/ops/removal.hpp"
#include "transfer/ops/spool.hpp"
#include "transfer/plan/item_list.hpp"

namespace act::ops {

namespace {

/// What is to be deleted, in order.
class doomed_list {
public:
    struct item {
        std::string name;  ///< relative
        bool folder = false;
        std::uint64_t size = 0;
        wall_time modified{};
        std::string etag{};  ///< empty: whichever it has
    };

    result<void> push(const item& i) {
        const head h{i.size, i.modified.time_since_epoch().count(), i.etag.size(), i.folder};
        std::string text(reinterpret_cast<const char*>(&h), sizeof h);
        return items_.push((text += i.etag) += i.name);
    }
    /// After the last push: the items in the order they came, nothing at the end.
    result<std::optional<item>> pop() {
        ACT_TRY(const auto text, items_.pop());
        if (!text) return std::optional<item>();
        head h;
        std::memcpy(&h, text->data(), sizeof h);
        return std::optional(item{text->substr(sizeof h + h.etag_length), h.folder, h.size,
                                  wall_time(std::chrono::nanoseconds(h.modified)),
                                  text->substr(sizeof h, h.etag_length)});
    }

private:
    struct head {
        std::uint64_t size;
        std::int64_t modified;
        std::uint64_t etag_length;
        bool folder;
    };
    spool items_;
};

/// Counts both ends and keeps what only the destination has.
class extras final : public pair_sink {
public:
    task<result<void>> pair(side_item* a, side_item* b) override {
        // A folder with something in it is no item of its own; where all of that goes it goes too.
        const bool occupied = b && b->occupied;
        if (a && !a->occupied) ++at_source;
        if ((a && a->name.empty()) || (b && b->name.empty())) {
            co_return error(kind::usage,
                            "deleting what is extra needs folders at both ends, and one is a file",
                            "leave --delete out, or name the folders");
        }
        if (!b) co_return result<void>();
        if (!occupied) ++at_destination;
        if (a) co_return result<void>();
        if (!occupied) ++count;
        const wall_time modified = b->local ? b->local->modified : wall_time{};
        // What only stands for a folder in a store is a blob like others.
        const bool folder = b->folder && (!b->blob || b->blob->hierarchical || by_manifest);
        std::string etag = by_manifest ? b->blob->etag.text : std::string();
        co_return found.push({b->name, folder, b->size, modified, std::move(etag)});
    }

    doomed_list found;
    bool by_manifest = false;  ///< the destination is what one says
    std::uint64_t count = 0, at_source = 0, at_destination = 0;
};

result<void> within_limits(const extras& e, const prune_options& options) {
    if (e.count == 0) return {};
    if (e.at_source == 0) {
        return error(
            kind::conflict,
            fmt::format("the source has nothing, so all {} items of the destination would be deleted",
                        human_count(e.at_destination)),
            "if that is what you want, use `act rm`");
    }
    const std::string would =
        fmt::format("{} of {} items would be deleted", human_count(e.count), human_count(e.at_destination));
    constexpr auto advice = "look at them with --dry-run; nothing was deleted";
    if (options.most && e.count > *options.most) {
        return error(kind::conflict, fmt::format("{}, more than --max-delete {}", would, *options.most),
                     advice);
    }
    const double share = 100.0 * static_cast<double>(e.count) / static_cast<double>(e.at_destination);
    if (options.most_percent && share > *options.most_percent) {
        return error(kind::conflict,
                     fmt::format("{}, more than --max-delete {}%", would, *options.most_percent), advice);
    }
    return {};
}

/// The folders that are left empty where what a manifest knows is deleted. Only an account with real folders
/// has them; the manifest does not name them.
class emptied_folders {
public:
    explicit emptied_folders(std::string local) : local_(std::move(local)) {}

    /// Whether above() has nothing to find out: most names share their folder with the one before.
    bool knows_above(std::string_view name) const {
        const auto end = name.rfind('/');
        return end == name.npos || knows(name.substr(0, end));
    }
    /// Blocks. Those above `name` that the source does not have.
    void above(std::string_view name) {
        for (auto end = name.rfind('/'); end != name.npos; end = name.rfind('/', end - 1)) {
            name = name.substr(0, end);
            if (knows(name)) return;
            if (file::stat_of(local_ + '/' + std::string(name))) {
                last_ = name;
                return;
            }
            names_.emplace(name);
        }
    }
    void add(std::string name) { names_.insert(std::move(name)); }
    /// Those above others come first.
    const std::set<std::string, std::less<>>& all() const { return names_; }

private:
    bool knows(std::string_view folder) const { return folder == last_ || names_.contains(folder); }

    const std::string local_;
    std::string last_;  ///< is there
    std::set<std::string, std::less<>> names_;
};

/// Whether the account has real folders, as far as its Blob endpoint tells (client::has_real_folders() may
/// need the other one); that it may not be asked means that none are removed.
task<result<bool>> has_folders(operation& op, const remote& at) {
    blob::list_options one;
    one.prefix = at.path.empty() ? std::string() : at.path + '/';
    one.max_results = 1;
    auto page = co_await at.client.list(at.container, one, op.patience());
    if (!page && page.error().kind() != kind::permission) co_return page.error();
    co_return page && !page->empty() && (*page)[0].hierarchical;
}

/// What a manifest knows: each while it has the ETag that it tells; what is another by now as the selection
/// takes that.
task<result<void>> delete_known(operation& op, const tree_end& source, const tree_end& destination,
                                doomed_list& found, const prune_options& options) {
    const remote& from = *destination.there;
    auto tell = [&] { return destination.known->changing(); };
    ACT_CO_TRY_VOID(co_await op.context().runtime.blocking(tell));
    std::optional<bool> folders;  // asked for where it makes a difference
    mover::options lanes;
    lanes.lanes = std::min(op.context().concurrency, 8u);
    mover m(op.context().runtime, lanes, op.stop());
    removal doing(op, m, from, options.snapshots);
    const std::size_t strip = from.path.empty() ? 0 : from.path.size() + 1;
    doing.decide([&options, strip](const doomed& item, const blob::properties& seen) {
        return plan::takes(options.wanted, std::string_view(item.name).substr(strip), seen);
    });
    doing.tell_gone([&op, strip](const doomed& item) {
        if (!op.records()) return;
        act::record what;
        what.item.source = what.item.destination = item.name.substr(strip);
        what.gone = true;
        op.context().observer.recorded(what);
    });
    emptied_folders emptied(source.local);
    auto outcome = result<void>();
    for (;;) {
        auto next = found.pop();
        if (!next) outcome = next.error();
        if (!next || !*next) break;
        doomed_list::item& one = **next;
        if (!emptied.knows_above(one.name)) {
            auto look = [&] { emptied.above(one.name); };
            co_await op.context().runtime.blocking(look);
        }
        if (one.folder && !folders) {
            auto asked = co_await has_folders(op, from);
            if (!asked) outcome = asked.error();
            if (!asked) break;
            folders = *asked;
        }
        // A request may have been carried out although it is answered with a failure, or by nobody; and what
        // is another by now and stays is not what the manifest tells either.
        destination.known->doubt(one.name);
        if (one.folder && *folders) {
            emptied.add(std::move(one.name));
            continue;
        }
        doomed item{.name = blob_name(from.path, one.name), .size = one.size};
        item.etag.text = std::move(one.etag);
        if (outcome = co_await doing.add(std::move(item)); !outcome) break;
    }
    if (outcome) outcome = co_await doing.flush();
    co_await m.finish();
    if (!outcome || emptied.all().empty()) co_return outcome;
    if (!folders) {
        ACT_CO_TRY(folders, co_await has_folders(op, from));
    }
    if (!*folders) co_return outcome;
    for (const auto& name : emptied.all()) {
        if (!outcome) break;
        outcome = co_await doing.add({.name = blob_name(from.path, name), .folder = true});
    }
    if (outcome) co_await doing.remove_folders();
    co_return outcome;
}

task<result<void>> delete_stored(operation& op, const remote& from, doomed_list& found,
                                 const prune_options& options) {
    mover::options lanes;
    lanes.lanes = std::min(op.context().concurrency, 8u);
    mover m(op.context().runtime, lanes, op.stop());
    removal doing(op, m, from, options.snapshots);
    auto outcome = result<void>();
    for (;;) {
        auto next = found.pop();
        if (!next) outcome = next.error();
        if (!next || !*next) break;
        std::string name = blob_name(from.path, (*next)->name);
        doomed item{.name = std::move(name), .size = (*next)->size, .folder = (*next)->folder};
        if (outcome = co_await doing.add(std::move(item)); !outcome) break;
    }
    if (outcome) outcome = co_await doing.flush();
    co_await m.finish();
    if (outcome) co_await doing.remove_folders();
    co_return outcome;
}

/// Blocks.
result<void> delete_local(operation& op, const std::string& root, doomed_list& found) {
    local_pruner doing(root);
    for (;;) {
        ACT_TRY_VOID(op.patience().check());
        ACT_TRY(auto next, found.pop());
        if (!next) break;
        auto gone = doing.remove(next->name, next->folder, next->size, next->modified);
        if (gone) {
            op.advance(next->size);
            op.done("remove", root + '/' + next->name, next->size);
        } else {
            op.failed(root + '/' + next->name, gone.error());
        }
    }
    doing.finish();
    return {};
}

result<void> only_tell(operation& op, doomed_list& found) {
    for (;;) {
        ACT_TRY(auto next, found.pop());
        if (!next) return {};
        op.advance(next->size);
        op.done("remove", next->name, next->size);
    }
}

}  // namespace

task<result<summary>> prune(context& ctx, tree_end source, tree_end destination, prune_options options) {
    operation op(ctx);
    // What lies behind a link to a folder is not this tree's.
    destination.links = file::links::report;
    extras found;
    found.by_manifest = destination.known != nullptr;
    auto outcome = co_await walk_pairs(op, source, destination, options.wanted, found);
    if (outcome) outcome = within_limits(found, options);
    ctx.progress.scan_finished = true;
    if (outcome && found.count > 0) {
        if (options.dry_run) {
            outcome = only_tell(op, found.found);
        } else if (destination.known) {
            outcome = co_await delete_known(op, source, destination, found.found, options);
        } else if (destination.there) {
            outcome = co_await delete_stored(op, *destination.there, found.found, options);
        } else {
            auto work = [&] { return delete_local(op, destination.local, found.found); };
            outcome = co_await ctx.runtime.blocking(work);
        }
    }
    if (!outcome) op.give_up(outcome.error());
    co_return op.finish();
}

}  // namespace act::ops

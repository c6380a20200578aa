#include "transfer/ops/operation.hpp"

#include "transfer/plan/attributes.hpp"

namespace act::ops {

namespace {

constexpr std::size_t failures_kept = 100;
// So many items in a row of events that did not get through: the service is gone, not the item.
constexpr unsigned unreachable_limit = 16;

bool concerns_everything(const error& e) {
    switch (e.kind()) {
        case kind::configuration:
            // Others may be under the key that was given, or under none.
            return !blob::is_of_encryption(e.code());
        case kind::authentication:
        case kind::disk_full:
        case kind::internal:
            return true;
        case kind::permission:
            return e.status() == 403;
        case kind::not_found:
            return e.code() == "ContainerNotFound" || e.code() == "ResourceNotFound";
        default:
            return false;
    }
}

/// What `path` is called below `root`; the container's root is empty.
std::optional<std::string> below(std::string_view path, std::string_view root) {
    if (root.empty()) return std::string(path);
    if (!path.starts_with(root)) return std::nullopt;
    path.remove_prefix(root.size());
    if (path.empty() || root.ends_with('/')) return std::string(path);
    if (!path.starts_with('/')) return std::nullopt;
    return std::string(path.substr(1));
}

bool unreachable(const error& e) {
    return e.kind() == kind::unavailable || e.kind() == kind::timeout || e.kind() == kind::throttled;
}

}  // namespace

void operation::found(std::uint64_t bytes) {
    context_.progress.files_found.fetch_add(1, std::memory_order_relaxed);
    context_.progress.bytes_found.fetch_add(bytes, std::memory_order_relaxed);
}

void operation::skipped(std::string_view path, std::uint64_t bytes) {
    context_.progress.files_skipped.fetch_add(1, std::memory_order_relaxed);
    context_.progress.bytes_skipped.fetch_add(bytes, std::memory_order_relaxed);
    {
        std::lock_guard lock(mutex_);
        ++tally_.skipped;
        tally_.bytes_skipped += bytes;
    }
    context_.observer.item("skip", path, bytes);
}

void operation::done(std::string_view action, std::string_view path, std::uint64_t bytes) {
    done(1, bytes);
    context_.observer.item(action, path, bytes);
}

void operation::done(std::uint64_t files, std::uint64_t bytes) {
    context_.progress.files_done.fetch_add(files, std::memory_order_relaxed);
    std::lock_guard lock(mutex_);
    tally_.files += files;
    tally_.bytes += bytes;
    unreachable_ = 0;
}

void operation::count(std::uint64_t summary::*what) {
    std::lock_guard lock(mutex_);
    ++(tally_.*what);
}

void operation::between(std::string source, std::string destination) {
    between_ = true;
    source_ = std::move(source);
    destination_ = std::move(destination);
}

std::optional<item_name> operation::name_of(item_ends at) const {
    if (!between_) return std::nullopt;
    auto source = below(at.source, source_), destination = below(at.destination, destination_);
    if (!source || !destination) return std::nullopt;
    return item_name{std::move(*source), std::move(*destination)};
}

std::optional<std::string> operation::below_an_end(std::string_view path) const {
    if (!between_) return std::nullopt;
    for (const std::string* end : {&source_, &destination_}) {
        if (auto name = end->empty() ? std::nullopt : below(path, *end)) return name;
    }
    // The whole of a container, of which everything but local paths is.
    const bool whole = source_.empty() || destination_.empty();
    return whole && !path.starts_with('/') ? std::optional(std::string(path)) : std::nullopt;
}

void operation::record(item_ends at, act::record what) {
    auto name = name_of(at);
    if (!name) return;
    what.item = std::move(*name);
    context_.observer.recorded(what);
}

failure operation::failure_of(std::string path, error e, item_ends at) const {
    failure what{path, std::move(e), std::nullopt};
    if (!at.source.empty()) {
        what.item = name_of(at);
    } else if (auto name = below_an_end(path)) {
        what.item = item_name{*name, *name};
    }
    return what;
}

void operation::failed(std::string path, error e, item_ends at) {
    failed(failure_of(std::move(path), std::move(e), at));
}

void operation::failed_alone(std::string path, error e, item_ends at) {
    failed(failure_of(std::move(path), std::move(e), at), true);
}

void operation::refused(std::string place, error e) {
    failed(failure{std::move(place), std::move(e), std::nullopt, true});
}

void operation::failed(failure what, bool alone) {
    const error& e = what.error;
    if (e.kind() == kind::stopped) return;
    bool ends_all = concerns_everything(e) && !(alone && e.kind() == kind::permission);
    {
        std::lock_guard lock(mutex_);
        if (fatal_) return;
        if (unreachable(e) && (tally_.files == 0 || ++unreachable_ >= unreachable_limit)) ends_all = true;
        if (!ends_all) {
            ++tally_.failed;
            if (tally_.failures.size() < failures_kept) tally_.failures.push_back(what);
        }
    }
    if (ends_all) {
        give_up(std::move(what.error));
        return;
    }
    context_.progress.files_failed.fetch_add(1, std::memory_order_relaxed);
    context_.observer.failed(what);
}

void operation::give_up(error e) {
    if (e.kind() == kind::stopped) return;
    {
        std::lock_guard lock(mutex_);
        if (!fatal_) fatal_ = std::move(e);
    }
    stop_.request();
}

bool operation::untroubled() {
    std::lock_guard lock(mutex_);
    return !fatal_ && tally_.failed == 0 && !stop_.requested();
}

result<summary> operation::finish() {
    std::lock_guard lock(mutex_);
    if (fatal_) return *fatal_;
    tally_.stopped = context_.stop.requested();
    return std::move(tally_);
}

task<bool> second_chances::after(error e, until u) {
    switch (e.kind()) {
        case kind::unavailable:
        case kind::timeout:
        case kind::throttled:
        case kind::integrity:
        case kind::protocol:
            break;
        default:
            co_return false;
    }
    const auto pause = backoff_.next({});
    if (!pause) co_return false;
    const auto slept = co_await sleep_for(*pause, std::move(u));
    co_return slept.has_value();
}

task<result<std::optional<blob::properties>>> find_blob(blob::client& client, blob::address where, until u) {
    std::optional<blob::properties> found;
    auto head = co_await client.head(where, u);
    if (head) {
        found = std::move(*head);
        found->name = where.name;
        co_return found;
    }
    const error& why = head.error();
    if (why.kind() == kind::not_found && why.code() != "ContainerNotFound") co_return found;
    if (!blob::is_of_encryption(why.code())) co_return why;
    // It is there, under a key that was not given: that shows itself to listings only. Of the names that
    // begin so, its own comes first.
    blob::list_options one;
    one.prefix = where.name;
    one.max_results = 1;
    one.copy = true;
    ACT_CO_TRY(auto page, co_await client.list(where.container, one, u));
    if (page.empty() || page.name(0) != where.name) co_return why;
    found = std::move(page[0]);
    co_return found;
}

task<result<bool>> anything_at(const remote& at, until u) {
    if (!at.path.empty()) {
        ACT_CO_TRY(const auto itself, co_await find_blob(at.client, {at.container, at.path}, u));
        if (itself) co_return true;
    }
    blob::list_options one;
    one.prefix = at.path.empty() ? std::string() : at.path + '/';
    one.max_results = 1;
    one.metadata = false;
    do {
        ACT_CO_TRY(auto page, co_await at.client.list(at.container, one, u));
        if (!page.empty()) co_return true;
        one.marker = std::move(page.next_marker);
    } while (!one.marker.empty());
    co_return false;
}

task<result<void>> make_container_of(const remote& at, until u) {
    auto made = co_await at.client.create_container(at.container, u);
    if (!made && made.error().kind() != kind::conflict) co_return made.error();
    co_return result<void>();
}

error nothing_at(const remote& at) {
    const std::string container = "container '" + at.container + "' of account " + at.client.account().name;
    return error(kind::not_found,
                 at.path.empty() ? container + " is empty"
                                 : "there is no blob '" + at.path + "' and none below it in " + container,
                 at.path.empty() ? "`act u` and `act cp` bring something there"
                                 : "look with `act ls` at the folder above");
}

std::optional<error> unreadable(const blob::properties& info) {
    if (plan::unfinished(info.metadata)) {
        return error(kind::conflict, "blob '" + info.name + "' is a copy that was not finished",
                     "copy it again from its source, or remove it with `act rm`");
    }
    if (info.tier != "Archive") return std::nullopt;
    std::string what = "blob '" + info.name + "' is in the archive tier, where it cannot be read";
    std::string advice =
        "bring it back with `act set --tier Hot PATH` (up to 15 hours; with --rehydrate-priority High mostly "
        "under one), then run the same command again";
    if (!info.archive_status.empty()) {
        what = "blob '" + info.name + "' is still on its way out of the archive tier (" +
               info.archive_status + ")";
        advice = "wait, up to 15 hours in all, then run the same command again";
    }
    error e(kind::conflict, std::move(what), std::move(advice));
    return std::move(e).with_service("BlobArchived", 0, {});
}

std::string blob_name(const std::string& path, std::string_view relative) {
    if (path.empty()) return std::string(relative);
    std::string name;
    name.reserve(path.size() + 1 + relative.size());
    name += path;
    name += '/';
    name += relative;
    return name;
}

}  // namespace act::ops

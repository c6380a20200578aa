#include <algorithm>

#include "transfer/plan/range_listing_parts.hpp"

namespace act::plan {

namespace {

/// Entries with their texts, roughly, where each is made into properties.
constexpr std::size_t most_bytes_per_name = sizeof(blob::properties) + 256;
/// Of the budget. An operation has two listings at most, and nothing takes more than half of the budget at
/// once, so that what waits for memory can always get it while the pages wait to be read.
constexpr std::size_t share_of_budget = 4;
/// Of one range: the one that is read and the one behind it.
constexpr std::size_t pages_ahead = 2;

bool is_ascending(const blob::list_page& page, std::string_view behind) {
    for (std::size_t i = 0; i < page.size(); ++i) {
        const std::string_view name = page.name(i);
        if ((i != 0 || !behind.empty()) && name <= behind) return false;
        behind = name;
    }
    return true;
}

/// Where `name` is in the page, or where it would be; the page's size when it is behind all.
std::size_t place_of(const blob::list_page& page, const std::string& name, bool ascending) {
    const auto names = page.names();
    const std::string_view wanted = name;
    const auto at = ascending ? std::ranges::lower_bound(names, wanted) : std::ranges::find(names, wanted);
    return static_cast<std::size_t>(at - names.begin());
}

}  // namespace

range_listing::range_listing(page_source& source, std::string prefix, limits l, buffer_pool* budget, until u)
    : source_(source),
      prefix_(std::move(prefix)),
      limits_(l),
      budget_(budget),
      ended_(u.stop),
      until_(u),
      split_(l.split),
      most_held_(l.pages_held),
      bytes_per_name_(most_bytes_per_name) {
    until_.stop = ended_.token();
    keep_to_budget();
}

void range_listing::keep_to_budget() {
    if (!budget_) return;
    const std::size_t page = limits_.page * bytes_per_name_;
    const std::size_t affordable = budget_->budget() / share_of_budget / page;
    most_held_ = std::clamp<std::size_t>(affordable, 2, std::max<std::size_t>(limits_.pages_held, 2));
    // Two pages there must be; a budget that has no room for them is not asked.
    budgeted_ = affordable >= 2;
}

/// Pages that stay in the form in which they come take a fraction of what others do.
void range_listing::weigh(const blob::list_page& page) {
    // Of a short one most may be what every page has besides its names.
    const bool telling =
        page.size() >= limits_.page / 4 || page.memory() > std::size_t(limits_.page) * bytes_per_name_;
    if (page.empty() || !telling) return;
    const std::size_t one = (page.memory() + page.size() - 1) / page.size();
    if (weighed_ && one <= bytes_per_name_) return;
    weighed_ = true;
    bytes_per_name_ = one;
    keep_to_budget();
}

spare_bytes range_listing::try_reserve(std::size_t bytes) {
    return budgeted_ ? budget_->try_reserve(bytes) : spare_bytes();
}

range_listing::~range_listing() = default;

void range_listing::start(runtime& rt, task_group& group) {
    runtime_ = &rt;
    group_ = &group;
    // Away from loop 0, where operations plan: parsing a page takes milliseconds.
    loop_ = rt.size() - 1;
    std::unique_lock lock(mutex_);
    ranges_.push_back(std::make_shared<range>());
    auto work = schedule();
    lock.unlock();
    launch(std::move(work));
}

void range_listing::launch(launches work) {
    for (auto& t : work) group_->spawn(runtime_->at(loop_++ % runtime_->size()), std::move(t));
}

std::size_t range_listing::pages_asked() const {
    std::lock_guard lock(mutex_);
    return pages_asked_;
}

std::size_t range_listing::guesses_asked() const {
    std::lock_guard lock(mutex_);
    return guesses_asked_;
}

task<result<std::optional<blob::list_page>>> range_listing::next() {
    for (;;) {
        event something;
        std::optional<blob::list_page> page;
        launches work;
        {
            std::lock_guard lock(mutex_);
            while (!ranges_.empty() && ranges_.front()->done && ranges_.front()->ready.empty()) drop(0);
            if (ranges_.empty()) co_return page;
            range& front = *ranges_.front();
            if (!front.ready.empty()) {
                page = std::move(front.ready.front().page);
                front.ready.pop_front();
                --pages_held_;
            } else if (front.failure) {
                co_return *front.failure;
            } else {
                waiting_ = &something;
            }
            work = schedule();
        }
        launch(std::move(work));
        if (page) co_return page;
        auto waited = co_await something.wait(until_);
        std::lock_guard lock(mutex_);
        waiting_ = nullptr;
        if (!waited) co_return waited.error();
    }
}

void range_listing::wake() {
    if (!waiting_) return;
    const range& front = *ranges_.front();
    if (front.ready.empty() && !front.failure && !front.done) return;
    waiting_->set();
    waiting_ = nullptr;
}

std::size_t range_listing::index_of(const range& r) const {
    auto at = std::find_if(ranges_.begin(), ranges_.end(), [&](const range_ptr& p) { return p.get() == &r; });
    return static_cast<std::size_t>(at - ranges_.begin());
}

range_listing::range* range_listing::next_of(const range& r) const {
    const std::size_t at = index_of(r) + 1;
    return at < ranges_.size() ? ranges_[at].get() : nullptr;
}

void range_listing::drop(std::size_t index) {
    range& r = *ranges_[index];
    r.dropped = true;
    pages_held_ -= r.ready.size();
    r.ready.clear();
    ranges_.erase(ranges_.begin() + static_cast<std::ptrdiff_t>(index));
}

void range_listing::drop_behind(range& r) {
    const std::size_t keep = index_of(r) + 1;
    while (ranges_.size() > keep) drop(ranges_.size() - 1);
}

void range_listing::list_serially_from(range& r) {
    split_ = false;
    drop_behind(r);
}

// ---- pages

range_listing::launches range_listing::schedule() {
    launches work;
    if (!until_.check()) return work;
    // What becomes a range now can be asked for now.
    if (split_) {
        for (std::size_t i = 0; i < ranges_.size() && i <= most_held_; ++i) try_split(ranges_[i], work);
    }
    for (std::size_t i = 0; i < ranges_.size(); ++i) {
        if (!try_fetch(ranges_[i], i == 0, work)) break;
    }
    return work;
}

/// False when nothing more may be fetched now. The first range may always, so that there is always progress.
bool range_listing::try_fetch(const range_ptr& r, bool front, launches& work) {
    if (!front && (requests_ >= limits_.requests_at_once || pages_held_ >= most_held_)) return false;
    if (r->done || r->fetching || r->failure || r->ready.size() >= pages_ahead) return true;
    // About to be cut short: wait for where.
    if (!front && r->splitting && r->untried && r->coarse == 0) return true;
    unsigned most = limits_.page;
    if (r->expected > 0 && !r->replay_to && next_of(*r)) {
        // A range that is a little longer than expected is not worth a whole page.
        const std::size_t guess =
            r->pages == 0 ? r->expected + r->expected / 20 + 16 : r->expected / 4 + limits_.page / 20;
        if (r->pages < 2) most = static_cast<unsigned>(std::clamp<std::size_t>(guess, 1, most));
    }
    spare_bytes room = try_reserve(most * bytes_per_name_);
    if (budgeted_ && !front && room.units() == 0) return false;
    r->fetching = true;
    ++requests_, ++pages_held_, ++pages_asked_;
    work.push_back(fetch(r, r->marker, most, std::move(room)));
    return true;
}

task<void> range_listing::fetch(range_ptr r, std::string marker, unsigned most, spare_bytes room) {
    auto page = co_await source_.fetch(prefix_, marker, most, until_);
    std::unique_lock lock(mutex_);
    --requests_, --pages_held_, ++pages_come_;
    r->fetching = false;
    if (!r->dropped) arrived(*r, std::move(page), marker, std::move(room));
    auto work = schedule();
    wake();
    lock.unlock();
    launch(std::move(work));
}

void range_listing::arrived(range& r, result<blob::list_page> page, const std::string& marker,
                            spare_bytes room) {
    const bool borrowed = r.untried && !r.first.empty() && !r.replay_to;
    if (!page && !(borrowed && page.error().status() == 400)) {
        r.failure = page.error();
        return;
    }
    const bool ascending = page && is_ascending(*page, r.seen);
    if (!page || (borrowed && !ascending)) {
        // Not a marker that the service takes here, after all. Its own are: from the beginning again.
        list_serially_from(r);
        r.replay_to = r.first;
        r.marker.clear();
        r.expected = 0;
        return;
    }
    if (!page->next_marker.empty() && page->next_marker == marker) {
        r.failure = error(kind::protocol, "the service gives the same page of a listing again and again");
        return;
    }
    weigh(*page);
    r.untried = false;
    ++r.pages;
    if (r.replay_to && !skip_replayed(r, *page)) return;
    r.marker = std::move(page->next_marker);
    page->next_marker.clear();
    if (!ascending && !r.replay_to) split_ = false;
    if (!page->empty()) {
        meet_next(r, *page, ascending);
        r.seen = page->name(page->size() - 1);
        if (!r.done) learn(r, *page);
    }
    if (r.marker.empty() && !r.done) {
        // The end of the whole prefix: what was thought to follow is gone.
        r.done = true;
        drop_behind(r);
    }
    if (page->empty()) return;
    // What it holds and nobody expected belongs to the budget too, if there is room.
    spare_bytes rest;
    if (page->memory() > room.units()) rest = try_reserve(page->memory() - room.units());
    r.ready.push_back({std::move(*page), std::move(room), std::move(rest)});
    ++pages_held_;
}

/// Drops what was delivered before; false when that is the whole page.
bool range_listing::skip_replayed(range& r, blob::list_page& page) {
    const std::size_t at = place_of(page, *r.replay_to, false);
    if (at == page.size()) {
        r.marker = page.next_marker;
        if (r.marker.empty()) {
            r.failure = error(kind::protocol, "what is listed changes too much to be listed in order",
                              "run the same command again");
        }
        return false;
    }
    page.drop_first(at + 1);
    r.replay_to.reset();
    return true;
}

void range_listing::meet_next(range& r, blob::list_page& page, bool ascending) {
    while (range* next = next_of(r)) {
        const std::size_t at = place_of(page, next->first, ascending);
        if (at != page.size() && page.name(at) == next->first) {
            page.keep_first(at + 1);
            r.done = true;
            return;
        }
        if (!ascending) {
            drop_behind(r);
        } else if (at != page.size()) {
            // The name at which the next range begins is gone, and this range goes on in its place.
            drop(index_of(*next));
        } else {
            return;
        }
    }
}

}  // namespace act::plan

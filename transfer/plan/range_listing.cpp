#include "transfer/plan/range_listing.hpp"

#include <algorithm>
#include <cmath>

namespace act::plan {

namespace {

/// Entries with their texts, roughly.
constexpr std::size_t bytes_per_name = sizeof(blob::properties) + 256;
/// Of the budget. An operation has two listings at most, and nothing takes more than half of the budget at
/// once, so that what waits for memory can always get it while the pages wait to be read.
constexpr std::size_t share_of_budget = 4;
/// Of one range: the one that is read and the one behind it.
constexpr std::size_t pages_ahead = 2;
/// Fewer guesses than this at a time are not worth the wait for them.
constexpr std::size_t fewest_guesses = 4;
/// So full should a range's one page be, that the next range's beginning still fits in.
constexpr double fill = 0.94;
/// Compared between the two ways to go on from a marker.
constexpr unsigned names_compared = 100;

struct ready_page {
    blob::list_page page;
    spare_bytes budget;
};

bool is_ascending(const std::vector<blob::properties>& items, const std::string& behind) {
    if (items.empty()) return true;
    if (!behind.empty() && items.front().name <= behind) return false;
    for (std::size_t i = 1; i < items.size(); ++i) {
        if (items[i].name <= items[i - 1].name) return false;
    }
    return true;
}

}  // namespace

/// What lies behind one name, up to and with the first of the next range.
struct range_listing::range {
    std::string first;   ///< begins behind this name; empty: at the beginning of all
    std::string seen;    ///< the last name fetched
    std::string marker;  ///< where to go on
    /// Set when the service did not take this range's marker: from the beginning again, up to this name.
    std::optional<std::string> replay_to;
    std::optional<name_shape> shape;  ///< when it is worth splitting
    std::string counted;              ///< the name or guess from which guesses go on
    std::size_t coarse = 0;
    unsigned barren = 0, rest = 0;  ///< fruitless attempts to split; pages to wait before the next
    std::size_t expected = 0;       ///< names; 0: unknown
    unsigned pages = 0;             ///< since `expected` was set
    bool untried = true;            ///< nothing has come yet
    bool fetching = false, splitting = false, done = false, dropped = false;
    std::deque<ready_page> ready;
    std::optional<error> failure;
};

/// Where a range can begin.
struct range_listing::found {
    std::size_t guess;  ///< by which it was found
    std::string name, marker;
};

range_listing::range_listing(page_source& source, std::string prefix, limits l, buffer_pool* budget, until u)
    : source_(source),
      prefix_(std::move(prefix)),
      limits_(l),
      budget_(budget),
      ended_(u.stop),
      until_(u),
      split_(l.split) {
    until_.stop = ended_.token();
    if (!budget_) return;
    const std::size_t page = limits_.page * bytes_per_name;
    const std::size_t affordable = budget_->budget() / share_of_budget / page;
    limits_.pages_held = std::clamp<std::size_t>(affordable, 2, limits_.pages_held);
    // Two pages there must be; a budget that has no room for them is not asked.
    if (affordable < 2) budget_ = nullptr;
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
        for (std::size_t i = 0; i < ranges_.size() && i <= limits_.pages_held; ++i)
            try_split(ranges_[i], work);
    }
    for (std::size_t i = 0; i < ranges_.size(); ++i) {
        if (!try_fetch(ranges_[i], i == 0, work)) break;
    }
    return work;
}

/// False when nothing more may be fetched now. The first range may always, so that there is always progress.
bool range_listing::try_fetch(const range_ptr& r, bool front, launches& work) {
    if (!front && (requests_ >= limits_.requests_at_once || pages_held_ >= limits_.pages_held)) return false;
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
    spare_bytes room;
    if (budget_) {
        room = budget_->try_reserve(most * bytes_per_name);
        if (!front && room.units() == 0) return false;
    }
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
    const bool ascending = page && is_ascending(page->items, r.seen);
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
    r.untried = false;
    ++r.pages;
    if (r.replay_to && !skip_replayed(r, *page)) return;
    r.marker = std::move(page->next_marker);
    page->next_marker.clear();
    if (!ascending && !r.replay_to) split_ = false;
    if (!page->items.empty()) {
        meet_next(r, page->items, ascending);
        r.seen = page->items.back().name;
        if (!r.done) learn(r, page->items);
    }
    if (r.marker.empty() && !r.done) {
        // The end of the whole prefix: what was thought to follow is gone.
        r.done = true;
        drop_behind(r);
    }
    if (page->items.empty()) return;
    r.ready.push_back({std::move(*page), std::move(room)});
    ++pages_held_;
}

/// Drops what was delivered before; false when that is the whole page.
bool range_listing::skip_replayed(range& r, blob::list_page& page) {
    auto& items = page.items;
    auto at = std::find_if(items.begin(), items.end(),
                           [&](const blob::properties& p) { return p.name == *r.replay_to; });
    if (at == items.end()) {
        r.marker = page.next_marker;
        if (r.marker.empty()) {
            r.failure = error(kind::protocol, "what is listed changes too much to be listed in order",
                              "run the same command again");
        }
        return false;
    }
    items.erase(items.begin(), at + 1);
    r.replay_to.reset();
    return true;
}

void range_listing::meet_next(range& r, std::vector<blob::properties>& items, bool ascending) {
    while (range* next = next_of(r)) {
        auto at = ascending ? std::lower_bound(items.begin(), items.end(), next->first,
                                               [](const blob::properties& p, const std::string& name) {
                                                   return p.name < name;
                                               })
                            : std::find_if(items.begin(), items.end(),
                                           [&](const blob::properties& p) { return p.name == next->first; });
        if (at != items.end() && at->name == next->first) {
            items.erase(at + 1, items.end());
            r.done = true;
            return;
        }
        if (!ascending) {
            drop_behind(r);
        } else if (at != items.end()) {
            // The name at which the next range begins is gone, and this range goes on in its place.
            drop(index_of(*next));
        } else {
            return;
        }
    }
}

// ---- splitting

std::size_t range_listing::guesses_left() const {
    const std::size_t granted =
        pages_come_ + pages_come_ / 4 + std::min<std::size_t>(proven_ ? 3 * pages_come_ : pages_come_, 16);
    return granted > guesses_asked_ ? granted - guesses_asked_ : 0;
}

void range_listing::learn(range& r, const std::vector<blob::properties>& items) {
    if (!split_ || r.splitting || r.marker.empty()) return;
    if (pages_come_ < limits_.pages_before_split) return;
    // As long as expected, or a little longer: it will end by itself.
    if (r.expected > 0 && r.pages < 2 && next_of(r)) return;
    if (r.rest > 0) {
        --r.rest;
        return;
    }
    auto shape = shape_of(items, prefix_.size());
    if (!shape) return;
    r.shape = std::move(shape);
    r.counted = items.back().name;
    r.coarse = 0;
    r.expected = 0;
}

void range_listing::try_split(const range_ptr& r, launches& work) {
    if (!r->shape || r->splitting || r->done || r->failure || r->replay_to) return;
    const std::size_t room =
        limits_.pages_held * 2 > ranges_.size() ? limits_.pages_held * 2 - ranges_.size() : 0;
    const std::size_t free = limits_.guesses_at_once > guesses_ ? limits_.guesses_at_once - guesses_ : 0;
    const std::size_t most = std::min({free, guesses_left(), room});
    if (most < fewest_guesses) return;
    const range* next = next_of(*r);
    const std::string_view before = next ? std::string_view(next->first) : std::string_view();
    const auto step =
        static_cast<unsigned>(std::max(1.0, std::floor(fill * limits_.page / r->shape->per_step)));
    std::vector<std::string> prefixes;
    while (prefixes.empty() && r->coarse <= r->shape->level) {
        prefixes = guesses(*r->shape, r->counted, before, prefix_.size(), step, r->coarse, most);
        if (prefixes.empty()) ++r->coarse;
    }
    if (prefixes.empty()) {
        // Nothing is left to guess; try again with a later page, and less and less often.
        r->shape.reset();
        r->rest = 1u << std::min(r->barren++, 16u);
        return;
    }
    r->splitting = true;
    guesses_ += static_cast<unsigned>(prefixes.size());
    guesses_asked_ += prefixes.size();
    work.push_back(split(r, std::move(prefixes), *r->shape, step));
}

task<void> range_listing::ask(std::string prefix, std::string marker, unsigned most, answer& out) {
    out = co_await source_.fetch(std::move(prefix), std::move(marker), most, until_);
}

/// Asks to go on from a marker in its own prefix and in the whole; both must give the same names.
task<bool> range_listing::markers_carry(std::string prefix, std::string marker) {
    answer own, whole;
    task_group asking;
    asking.spawn(loop::current(), ask(std::move(prefix), marker, names_compared, own));
    asking.spawn(loop::current(), ask(prefix_, marker, names_compared, whole));
    co_await asking.join();
    if (!*own || !*whole) co_return false;
    const auto& a = (*own)->items;
    const auto& b = (*whole)->items;
    const std::size_t both = std::min(a.size(), b.size());
    for (std::size_t i = 0; i < both; ++i) {
        if (a[i].name != b[i].name) co_return false;
    }
    co_return both > 0;
}

task<void> range_listing::split(range_ptr r, std::vector<std::string> prefixes, name_shape shape,
                                unsigned step) {
    std::vector<answer> answers(prefixes.size());
    task_group asking;
    for (std::size_t i = 0; i < prefixes.size(); ++i) {
        asking.spawn(loop::current(), ask(prefixes[i], {}, 1, answers[i]));
    }
    co_await asking.join();
    // A guess is no part of the listing: if it cannot be asked, the pages will say why, or do without.
    const bool failed = std::any_of(answers.begin(), answers.end(), [](const answer& a) { return !*a; });
    std::vector<found> hits;
    for (std::size_t i = 0; i < prefixes.size() && !failed; ++i) {
        auto& page = **answers[i];
        if (page.items.empty() || page.next_marker.empty()) continue;
        hits.push_back({i, std::move(page.items.front().name), std::move(page.next_marker)});
    }
    bool proven = is_proven();
    bool refuted = false;
    if (!proven && !hits.empty()) {
        proven = co_await markers_carry(prefixes[hits.front().guess], hits.front().marker);
        refuted = !proven;
    }
    std::unique_lock lock(mutex_);
    guesses_ -= static_cast<unsigned>(prefixes.size());
    r->splitting = false;
    proven_ = proven_ || proven;
    if (failed || refuted) split_ = false;
    if (split_ && !r->done && !r->dropped && !r->failure) {
        insert_behind(r, prefixes, std::move(hits), shape, step);
    }
    auto work = schedule();
    wake();
    lock.unlock();
    launch(std::move(work));
}

void range_listing::insert_behind(const range_ptr& r, const std::vector<std::string>& prefixes,
                                  std::vector<found> hits, const name_shape& shape, unsigned step) {
    const range* next = next_of(*r);
    const bool fine = r->coarse == 0;
    const double per_guess = shape.per_step * step;
    std::vector<range_ptr> fresh;
    range* before = r.get();
    std::size_t begun = 0;  // the guess from which on `before` is counted
    for (found& hit : hits) {
        if (hit.name <= before->seen || (next && hit.name >= next->first)) continue;
        auto made = std::make_shared<range>();
        made->first = made->seen = std::move(hit.name);
        made->marker = std::move(hit.marker);
        if (fine) {
            const double names = static_cast<double>(hit.guess + 1 - begun) * per_guess;
            before->expected = static_cast<std::size_t>(names) + 1;
            before->pages = 0;
        }
        begun = hit.guess + 1;
        before = made.get();
        fresh.push_back(std::move(made));
    }
    if (fresh.empty()) {
        ++r->coarse;
        return;
    }
    r->shape.reset();
    r->barren = 0;
    // Where guesses mostly hit, counting goes on at once; elsewhere the last range's own page will tell more.
    if (fine && fresh.size() * 2 >= prefixes.size()) {
        fresh.back()->shape = shape;
        fresh.back()->counted = prefixes.back();
    }
    ranges_.insert(ranges_.begin() + static_cast<std::ptrdiff_t>(index_of(*r)) + 1, fresh.begin(),
                   fresh.end());
}

bool range_listing::is_proven() const {
    std::lock_guard lock(mutex_);
    return proven_;
}

}  // namespace act::plan

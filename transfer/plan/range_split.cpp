// Where the ranges of a listing begin.
#include <algorithm>
#include <cmath>

#include "transfer/plan/range_listing_parts.hpp"

namespace act::plan {

namespace {

/// Fewer guesses than this at a time are not worth the wait for them.
constexpr std::size_t fewest_guesses = 4;
/// So full should a range's one page be, that the next range's beginning still fits in.
constexpr double fill = 0.94;
/// Compared between the two ways to go on from a marker.
constexpr unsigned names_compared = 100;

}  // namespace

std::size_t range_listing::guesses_left() const {
    // After a first look that was good, guesses go ahead of the pages; in the end they are in proportion.
    const std::size_t ahead =
        proven_ ? std::min<std::size_t>(4 * pages_come_, limits_.guesses_ahead) : fewest_guesses;
    const std::size_t granted = pages_come_ + pages_come_ / 4 + ahead;
    return granted > guesses_asked_ ? granted - guesses_asked_ : 0;
}

void range_listing::learn(range& r, const blob::list_page& page) {
    if (!split_ || r.splitting || r.marker.empty()) return;
    if (pages_come_ < limits_.pages_before_split) return;
    // As long as expected, or a little longer: it will end by itself.
    if (r.expected > 0 && r.pages < 2 && next_of(r)) return;
    if (r.rest > 0) {
        --r.rest;
        return;
    }
    // Guesses go on from the one by which it was found.
    if (r.shape && r.pages == 1) return;
    auto shape = shape_of(page, prefix_.size());
    if (!shape) return;
    r.shape = std::move(shape);
    r.counted = page.name(page.size() - 1);
    r.coarse = 0;
    r.expected = 0;
}

void range_listing::try_split(const range_ptr& r, launches& work) {
    if (!r->shape || r->splitting || r->done || r->failure || r->replay_to) return;
    const std::size_t room = most_held_ * 2 > ranges_.size() ? most_held_ * 2 - ranges_.size() : 0;
    const std::size_t free = limits_.guesses_at_once > guesses_ ? limits_.guesses_at_once - guesses_ : 0;
    const std::size_t most = std::min({free, guesses_left(), room});
    if (most < fewest_guesses) return;
    const range* next = next_of(*r);
    const std::string_view before = next ? std::string_view(next->first) : std::string_view();
    // Names of no order: so few that there are hardly ever more than a page holds.
    const double wanted = fill * limits_.page, chance = r->shape->even ? 0 : 2 * std::sqrt(wanted);
    const auto step =
        static_cast<unsigned>(std::max(1.0, std::floor((wanted - chance) / r->shape->per_step)));
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

/// Room for the first pages of ranges that begin there if markers may be carried.
std::vector<range_listing::hoped_for> range_listing::hope(const std::vector<found>& hits) {
    std::vector<hoped_for> out;
    std::lock_guard lock(mutex_);
    while (out.size() < hits.size() && requests_ < limits_.requests_at_once && pages_held_ < most_held_) {
        spare_bytes room = try_reserve(limits_.page * bytes_per_name_);
        if (budgeted_ && room.units() == 0) break;
        ++requests_, ++pages_held_, ++pages_asked_;
        const found& hit = hits[out.size()];
        out.push_back({hit.name, hit.marker, {}, std::move(room)});
    }
    return out;
}

/// Asks to go on from a marker in its own prefix and in the whole; both must give the same names. The pages
/// that would come next come meanwhile.
task<bool> range_listing::markers_carry(std::string prefix, const std::vector<found>& hits,
                                        std::vector<hoped_for>& pages) {
    answer own, few;
    task_group asking;
    const std::string& marker = hits.front().marker;
    asking.spawn(loop::current(), ask(std::move(prefix), marker, names_compared, own));
    if (pages.empty()) asking.spawn(loop::current(), ask(prefix_, marker, names_compared, few));
    for (hoped_for& one : pages)
        asking.spawn(loop::current(), ask(prefix_, one.marker, limits_.page, one.page));
    co_await asking.join();
    const answer& whole = pages.empty() ? few : pages.front().page;
    if (!*own || !*whole) co_return false;
    const blob::list_page &a = **own, &b = **whole;
    const std::size_t both = std::min(a.size(), b.size());
    for (std::size_t i = 0; i < both; ++i) {
        if (a.name(i) != b.name(i)) co_return false;
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
        if (page.empty() || page.next_marker.empty()) continue;
        hits.push_back({i, std::string(page.name(0)), std::move(page.next_marker)});
    }
    bool proven = is_proven();
    bool refuted = false;
    std::vector<hoped_for> early;
    if (!proven && !hits.empty()) {
        early = hope(hits);
        proven = co_await markers_carry(prefixes[hits.front().guess], hits, early);
        refuted = !proven;
    }
    std::unique_lock lock(mutex_);
    requests_ -= static_cast<unsigned>(early.size());
    pages_held_ -= early.size();
    pages_come_ += early.size();
    guesses_ -= static_cast<unsigned>(prefixes.size());
    r->splitting = false;
    proven_ = proven_ || proven;
    if (failed || refuted) split_ = false;
    if (split_ && !r->done && !r->dropped && !r->failure) {
        insert_behind(r, prefixes, std::move(hits), shape, step);
        accept(std::move(early));
    }
    auto work = schedule();
    wake();
    lock.unlock();
    launch(std::move(work));
}

void range_listing::accept(std::vector<hoped_for> pages) {
    for (hoped_for& one : pages) {
        // The pages before may have shown that it is not there any more.
        const auto begins = [&](const range_ptr& p) { return p->untried && p->first == one.first; };
        const auto at = std::ranges::find_if(ranges_, begins);
        if (at == ranges_.end()) continue;
        const range_ptr r = *at;
        arrived(*r, std::move(*one.page), one.marker, std::move(one.room));
    }
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

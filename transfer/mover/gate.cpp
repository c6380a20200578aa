#include "transfer/mover/gate.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "engine/core/log.hpp"
#include "engine/core/units.hpp"

namespace act {

using namespace std::chrono_literals;

namespace {

// The first in line looks again at the latest after this: the rate may have grown meanwhile.
constexpr auto patience = 50ms;
constexpr auto log_interval = 1s;
// Before a slow request is looked at again while the account takes no more of them.
constexpr auto held_back_pause = 1s;

controller::outcome outcome_of(int status) {
    if (status == 503 || status == 429) return controller::outcome::refused;
    return status == 0 || status >= 500 ? controller::outcome::failed : controller::outcome::ok;
}

}  // namespace

gate::gate(std::string name, controller::options o, std::atomic<unsigned>* lanes, bool hedge)
    : name_(std::move(name)), most_(o.most), lanes_(lanes), control_(o) {
    // One at a time is one at a time.
    if (hedge && most_ > 1) hedging_.emplace();
}

bool gate::try_enter(std::uint64_t bytes, steady::time_point at) {
    std::lock_guard lock(mutex_);
    return line_.empty() && control_.begin(at, bytes) == steady::duration();
}

void gate::wake_first() {
    if (!line_.empty() && line_.front()->turn) std::exchange(line_.front()->turn, nullptr)->set();
}

task<result<void>> gate::enter(std::uint64_t bytes, until u) {
    waiter me;
    {
        std::lock_guard lock(mutex_);
        line_.push_back(&me);
    }
    for (;;) {
        event turn;
        steady::duration pause = controller::never;
        {
            std::lock_guard lock(mutex_);
            if (line_.front() == &me) pause = control_.begin(steady::now(), bytes);
            if (pause == steady::duration()) {
                line_.pop_front();
                wake_first();
                co_return result<void>();
            }
            if (pause == controller::never) me.turn = &turn;
        }
        result<void> waited;
        if (pause == controller::never) {
            waited = co_await turn.wait(u);
        } else {
            waited = co_await sleep_for(std::min<steady::duration>(pause, patience), u);
        }
        if (waited) continue;
        std::lock_guard lock(mutex_);
        const bool first = line_.front() == &me;
        std::erase(line_, &me);
        if (first) wake_first();
        co_return waited.error();
    }
}

void gate::leave(const report& r) {
    const auto how = outcome_of(r.status);
    std::string text;
    {
        std::lock_guard lock(mutex_);
        control_.end({r.ended, how, r.bytes, r.expected, r.retry_after});
        // Not what was stopped on its way.
        if (hedging_ && how == controller::outcome::ok && r.bytes >= r.expected)
            hedging_->ended(r.expected, r.ended - r.begun);
        wake_first();
        // While requests are refused, some wait for their next try: others take their place.
        if (lanes_) {
            const unsigned wanted = control_.held_back() ? most_ : control_.limit();
            if (lanes_->load(std::memory_order_relaxed) != wanted)
                lanes_->store(wanted, std::memory_order_relaxed);
        }
        if (log::enabled(log::level::debug)) {
            if (tally_.since == steady::time_point()) tally_.since = r.begun;
            ++(how == controller::outcome::ok        ? tally_.ok
               : how == controller::outcome::refused ? tally_.refused
                                                     : tally_.failed);
            tally_.bytes += r.bytes;
            tally_.took += r.ended - r.begun;
            if (r.ended - tally_.since >= log_interval) text = line_for_log(r.ended);
        }
    }
    if (!text.empty()) log::write(log::level::debug, text);
}

steady::duration gate::repeat(std::uint64_t bytes, steady::duration age) {
    std::lock_guard lock(mutex_);
    if (!hedging_) return never;
    // What is slow because it may not begin, or because the service asks for less, would not be helped.
    if (!line_.empty() || control_.held_back() || control_.paused(steady::now())) return held_back_pause;
    const auto pause = hedging_->ask(bytes, age);
    if (pause == steady::duration()) ++tally_.repeated;
    return pause;
}

std::string gate::line_for_log(steady::time_point at) {
    const tally t = std::exchange(tally_, {.since = at});
    const double s = std::chrono::duration<double>(at - t.since).count();
    const auto n = std::max<std::uint64_t>(1, t.ok + t.refused + t.failed);
    const double ms = std::chrono::duration<double, std::milli>(t.took).count() / static_cast<double>(n);
    const auto rate = control_.rate();
    return fmt::format(
        "account {}: {} in flight of {}, {} waiting{}, {}; a second: {:.0f} done, {:.0f} refused, {:.0f} "
        "failed, {} sent once more, "
        "{}; {:.1f} ms each",
        name_, control_.in_flight(), control_.limit(), line_.size(), control_.paused(at) ? ", paused" : "",
        rate ? fmt::format("held to {:.0f}/s", *rate) : "not held back", static_cast<double>(t.ok) / s,
        static_cast<double>(t.refused) / s, static_cast<double>(t.failed) / s, t.repeated,
        human_size(static_cast<std::uint64_t>(static_cast<double>(t.bytes) / s)), ms);
}

}  // namespace act

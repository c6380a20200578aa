#pragma once

#include <atomic>
#include <condition_variable>
#include <ctime>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>

#include "engine/async/runtime.hpp"

/// Work on the blocking pool whose results are wanted in order. Private to this folder.
namespace act::stage {

/// What several threads of the pool do for in_order(). Each takes the next piece of work as long as there is
/// one, and whoever has finished the first that is missing uses it and all that follow: a result that had to
/// go through a loop to its turn would leave cores idle, which are slow to wake in virtual machines.
template <class R>
class ordered_work {
public:
    using weight_of = std::function<std::uint64_t(std::size_t)>;
    using work_on = std::function<result<R>(std::size_t)>;
    using use_of = std::function<result<void>(std::size_t, R)>;

    ordered_work(std::size_t count, std::uint64_t budget, const weight_of& weight, const work_on& work,
                 const use_of& use, until u)
        : count_(count), budget_(budget), weight_(weight), work_(work), use_(use), until_(std::move(u)) {}

    /// Blocks until there is nothing left to begin. Throws what `work` or `use` has thrown. `waits` is called
    /// after a piece of work that took time and little of the processor's.
    void lend_a_hand(const std::function<void()>& waits) {
        std::unique_lock lock(mutex_);
        try {
            while (const auto i = take(lock)) {
                lock.unlock();
                const steady::time_point begun = steady::now();
                const auto busy = processor_time();
                result<R> made = work_(*i);
                const auto taken = steady::now() - begun;
                if (taken > long_enough && (processor_time() - busy) * 2 < taken) waits();
                lock.lock();
                slots_[*i - first_] = std::move(made);
                use_all_there(lock);
            }
        } catch (...) {
            if (!lock.owns_lock()) lock.lock();
            over_ = true;
            went_on_.notify_all();
            throw;
        }
    }

    /// When all have returned.
    result<void> outcome() const { return failed_ ? result<void>(*failed_) : result<void>(); }

private:
    static constexpr std::size_t most = 128;
    static constexpr std::chrono::milliseconds long_enough{1};

    static std::chrono::nanoseconds processor_time() {
        timespec t{};
        ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
        return std::chrono::seconds(t.tv_sec) + std::chrono::nanoseconds(t.tv_nsec);
    }

    std::optional<std::size_t> take(std::unique_lock<std::mutex>& lock) {
        while (!over_ && next_ < count_ && !room()) went_on_.wait(lock);
        if (over_ || next_ == count_) return std::nullopt;
        if (auto go_on = until_.check(); !go_on) {
            fail(go_on.error());
            return std::nullopt;
        }
        held_ += weight_(next_);
        slots_.emplace_back();
        return next_++;
    }

    bool room() const {
        return slots_.empty() || (slots_.size() < most && held_ + weight_(next_) <= budget_);
    }

    /// One thread at a time.
    void use_all_there(std::unique_lock<std::mutex>& lock) {
        if (using_) return;
        using_ = true;
        while (!over_ && !slots_.empty() && slots_.front()) {
            result<R> made = std::move(*slots_.front());
            const std::size_t i = first_++;
            slots_.pop_front();
            lock.unlock();
            result<void> used = made ? use_(i, std::move(*made)) : result<void>(made.error());
            lock.lock();
            held_ -= weight_(i);
            if (!used) fail(used.error());
            went_on_.notify_all();
        }
        using_ = false;
    }

    void fail(error e) {
        if (!failed_) failed_ = std::move(e);
        over_ = true;
        went_on_.notify_all();
    }

    const std::size_t count_;
    const std::uint64_t budget_;
    const weight_of& weight_;
    const work_on& work_;
    const use_of& use_;
    const until until_;
    std::mutex mutex_;
    std::condition_variable went_on_;
    std::deque<std::optional<result<R>>> slots_;  ///< from first_ to next_
    std::size_t first_ = 0, next_ = 0;
    std::uint64_t held_ = 0;
    bool using_ = false, over_ = false;
    std::optional<error> failed_;
};

/// Calls `work(i)` for every i below `count` on the pool, as many at once as fit `budget` by `weight(i)` (at
/// least one), and `use(i, result)` in order, also on the pool, one at a time. Ends at the first error, after
/// all that runs has ended.
template <class R>
task<result<void>> in_order(act::runtime& rt, std::size_t count, std::uint64_t budget,
                            const std::function<std::uint64_t(std::size_t)>& weight,
                            const std::function<result<R>(std::size_t)>& work,
                            const std::function<result<void>(std::size_t, R)>& use, until u) {
    // More than there are cores only slows down, unless they wait for a disk.
    const std::size_t cores = std::min<std::size_t>(count, rt.size());
    const std::size_t most = std::min<std::size_t>(count, rt.size() + 2);
    ordered_work<R> all(count, budget, weight, work, use, std::move(u));
    task_group group;
    std::atomic<std::size_t> hands = cores;
    loop& home = loop::current();
    std::function<void()> one_more;
    auto hand = [](act::runtime& on, ordered_work<R>& what, const std::function<void()>& more) -> task<void> {
        auto lend = [&] { what.lend_a_hand(more); };
        co_await on.blocking(lend);
    };
    one_more = [&] {
        std::size_t n = hands.load();
        if (n < most && hands.compare_exchange_strong(n, n + 1)) group.spawn(home, hand(rt, all, one_more));
    };
    for (std::size_t i = 0; i < cores; ++i) group.spawn(home, hand(rt, all, one_more));
    co_await group.join();
    co_return all.outcome();
}

}  // namespace act::stage

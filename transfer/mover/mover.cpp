#include "transfer/mover/mover.hpp"

#include <deque>

#include "engine/async/semaphore.hpp"
#include "engine/core/log.hpp"

namespace act {

namespace {

/// Two bounded queues with one door out: parts leave first.
class work_queue {
public:
    explicit work_queue(std::size_t bound) : bound_(bound) {}

    enum class level { part, whole };

    task<result<void>> push(level l, std::unique_ptr<job> j, until u) {
        for (;;) {
            event room;
            std::deque<event*>& line = writers_of(l);
            {
                std::lock_guard lock(mutex_);
                auto& queue = queue_of(l);
                if (queue.size() < bound_) {
                    queue.push_back(std::move(j));
                    wake_one(readers_);
                    co_return result<void>();
                }
                line.push_back(&room);
            }
            auto waited = co_await room.wait(u);
            std::lock_guard lock(mutex_);
            std::erase(line, &room);
            if (!waited) {
                if (queue_of(l).size() < bound_) wake_one(line);
                co_return waited.error();
            }
        }
    }

    /// Null at the end.
    task<std::unique_ptr<job>> pop() {
        for (;;) {
            event work;
            {
                std::lock_guard lock(mutex_);
                for (level l : {level::part, level::whole}) {
                    auto& queue = queue_of(l);
                    if (queue.empty()) continue;
                    auto j = std::move(queue.front());
                    queue.pop_front();
                    wake_one(writers_of(l));
                    co_return j;
                }
                if (closed_) co_return nullptr;
                readers_.push_back(&work);
            }
            (void)co_await work.wait({});
            std::lock_guard lock(mutex_);
            std::erase(readers_, &work);
        }
    }

    std::pair<std::size_t, std::size_t> depths() {
        std::lock_guard lock(mutex_);
        return {parts_.size(), wholes_.size()};
    }

    void close() {
        std::lock_guard lock(mutex_);
        closed_ = true;
        while (!readers_.empty()) wake_one(readers_);
    }

private:
    std::deque<std::unique_ptr<job>>& queue_of(level l) { return l == level::part ? parts_ : wholes_; }
    std::deque<event*>& writers_of(level l) { return l == level::part ? part_writers_ : whole_writers_; }
    static void wake_one(std::deque<event*>& line) {
        if (line.empty()) return;
        event* e = line.front();
        line.pop_front();
        e->set();
    }

    std::mutex mutex_;
    std::deque<std::unique_ptr<job>> parts_, wholes_;
    std::deque<event*> readers_, part_writers_, whole_writers_;
    std::size_t bound_;
    bool closed_ = false;
};

}  // namespace

struct mover::impl {
    impl(runtime& r, mover::options o, stop_token s)
        : rt(r), wanted(o.wanted), queue(o.queued), whole(o.whole_at_once), stop(std::move(s)) {}

    runtime& rt;
    const std::atomic<unsigned>* const wanted;
    work_queue queue;
    semaphore whole;
    stop_token stop;
    task_group lanes;
    task_group wholes;
    unsigned next_loop = 0;
    std::atomic<unsigned> open{0};     ///< lanes
    std::atomic<unsigned> started{0};  ///< lanes, ever
    std::atomic<steady::rep> next_log{0};

    task<void> lane() {
        while (auto j = co_await queue.pop()) {
            add_lanes();
            co_await j->run();
            j.reset();
            log_depths();
            if (one_too_many()) co_return;
        }
    }

    void start_lane() {
        const unsigned n = started.fetch_add(1, std::memory_order_relaxed);
        lanes.spawn(rt.at(n % rt.size()), lane());
    }

    // By a lane that has work, so that an idle mover does not grow.
    void add_lanes() {
        if (!wanted) return;
        unsigned n = open.load(std::memory_order_relaxed);
        while (n < wanted->load(std::memory_order_relaxed)) {
            if (open.compare_exchange_weak(n, n + 1, std::memory_order_relaxed)) {
                start_lane();
                return;
            }
        }
    }

    // The last lane never goes.
    bool one_too_many() {
        if (!wanted) return false;
        unsigned n = open.load(std::memory_order_relaxed);
        while (n > std::max(1u, wanted->load(std::memory_order_relaxed))) {
            if (open.compare_exchange_weak(n, n - 1, std::memory_order_relaxed)) return true;
        }
        return false;
    }

    void log_depths() {
        if (!log::enabled(log::level::debug)) return;
        const auto at = steady::now().time_since_epoch().count();
        auto due = next_log.load(std::memory_order_relaxed);
        const auto next = at + steady::duration(std::chrono::seconds(1)).count();
        if (at < due || !next_log.compare_exchange_strong(due, next, std::memory_order_relaxed)) return;
        const auto [parts, files] = queue.depths();
        log::debug("mover: {} parts and {} files queued, {} lanes, {} large files open", parts, files,
                   open.load(std::memory_order_relaxed), wholes.running());
    }

    static task<void> run_whole(std::unique_ptr<job> j, permit) { co_await j->run(); }

    until patience() const { return {.stop = stop}; }
};

mover::mover(runtime& rt, options o, stop_token stop)
    : impl_(std::make_unique<impl>(rt, o, std::move(stop))) {
    impl_->open = std::max(1u, o.lanes);
    for (unsigned i = 0; i < std::max(1u, o.lanes); ++i) impl_->start_lane();
}

mover::~mover() = default;

task<result<void>> mover::submit(std::unique_ptr<job> j) {
    return impl_->queue.push(work_queue::level::whole, std::move(j), impl_->patience());
}

task<result<void>> mover::submit_part(std::unique_ptr<job> j) {
    return impl_->queue.push(work_queue::level::part, std::move(j), impl_->patience());
}

task<result<void>> mover::spawn(std::unique_ptr<job> j) {
    auto room = co_await impl_->whole.acquire(1, impl_->patience());
    if (!room) co_return room.error();
    loop& home = impl_->rt.at(impl_->next_loop++ % impl_->rt.size());
    impl_->wholes.spawn(home, impl::run_whole(std::move(j), std::move(*room)));
    co_return result<void>();
}

task<void> mover::finish() {
    co_await impl_->wholes.join();
    impl_->queue.close();
    co_await impl_->lanes.join();
}

void part_group::add() {
    std::lock_guard lock(mutex_);
    ++running_;
}

void part_group::done(result<void> r) {
    std::lock_guard lock(mutex_);
    if (!r && outcome_) {
        outcome_ = r;
        stop_.request();
    }
    if (--running_ == 0) all_done_.set();
}

task<result<void>> part_group::wait() {
    done({});
    (void)co_await all_done_.wait({});
    std::lock_guard lock(mutex_);
    co_return outcome_;
}

}  // namespace act

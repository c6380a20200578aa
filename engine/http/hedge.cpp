#include "engine/http/hedge.hpp"

#include "engine/core/log.hpp"

namespace act::http {

namespace {

// Below that nothing is slow, so that a request that is not costs an entry in its loop's list of waits and no
// more.
constexpr auto first_look = std::chrono::seconds(1);

bool may_pass(const error& e) {
    switch (e.kind()) {
        case kind::unavailable:
        case kind::timeout:
        case kind::throttled:
        case kind::integrity:
        case kind::protocol:
        case kind::stopped:
            return true;
        default:
            return false;
    }
}

/// One request and, perhaps, its repetition. Touched by its loop alone.
class race {
public:
    race(pipeline& p, std::uint64_t bytes, repeatable again, until u)
        : pipeline_(p), bytes_(bytes), again_(again), until_(std::move(u)), first_stop_(until_.stop) {
        look_again_in(first_look);
    }
    ~race() { forget(); }
    race(const race&) = delete;
    race& operator=(const race&) = delete;

    until first_until() const { return {first_stop_.token(), until_.deadline}; }

    /// Once the first has ended: the outcome of both.
    task<result<void>> settle(result<void> first, bool* by_second) {
        forget();
        first_over_ = true;
        if (!group_) co_return first;
        // Where the first has failed for good, the second would as well.
        if (first || !may_pass(first.error())) second_stop_->request();
        co_await group_->join();
        if (first || !second_) co_return first;
        if (by_second) *by_second = true;
        co_return second_;
    }

private:
    /// Fires on the loop's tick; what follows from it happens after the tick.
    class alarm final : public wait_node {
    public:
        alarm(loop& l, until u, race& r) : wait_node(l, std::move(u)), race_(r) {}

    protected:
        void cancel() override {
            race_.tie_ = std::make_shared<race*>(&race_);
            home().post([tie = race_.tie_] {
                if (*tie) (*tie)->look();
            });
        }

    private:
        race& race_;
    };

    void look_again_in(steady::duration pause) {
        until at;
        at.deadline = steady::now() + pause;
        alarm_.emplace(home_, std::move(at), *this);
    }

    void forget() {
        alarm_.reset();
        if (tie_) *tie_ = nullptr;
    }

    void look() {
        const auto age = steady::now() - begun_;
        const auto pause = pipeline_.admitted_by()->repeat(bytes_, age);
        if (pause == admission::never) return;
        if (pause != steady::duration()) return look_again_in(pause);
        pipeline_.transport().stats().hedged.fetch_add(1, std::memory_order_relaxed);
        log::debug("a request of {} bytes is slow ({:.1f} s): sent once more", bytes_,
                   std::chrono::duration<double>(age).count());
        second_stop_.emplace(until_.stop);
        group_.emplace();
        group_->spawn(home_, run_second());
    }

    task<void> run_second() {
        second_ = co_await again_({second_stop_->token(), until_.deadline});
        if (second_ && !first_over_) first_stop_.request();
    }

    loop& home_ = loop::current();
    pipeline& pipeline_;
    const std::uint64_t bytes_;
    const repeatable again_;
    const until until_;
    const steady::time_point begun_ = steady::now();
    stop_source first_stop_;
    bool first_over_ = false;
    std::optional<stop_source> second_stop_;
    std::optional<task_group> group_;
    result<void> second_ = error(kind::stopped, "stopped");
    std::shared_ptr<race*> tie_;
    std::optional<alarm> alarm_;
};

}  // namespace

task<result<void>> hedged(pipeline& p, std::uint64_t bytes, repeatable first, repeatable again, until u,
                          bool* by_second) {
    if (by_second) *by_second = false;
    if (!p.admitted_by()) co_return co_await first(std::move(u));
    race both(p, bytes, again, std::move(u));
    auto outcome = co_await first(both.first_until());
    co_return co_await both.settle(std::move(outcome), by_second);
}

}  // namespace act::http

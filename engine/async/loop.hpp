#pragma once

#include <atomic>
#include <functional>
#include <memory>

#include <boost/asio/io_context.hpp>

#include "engine/async/stop.hpp"
#include "engine/async/task.hpp"

namespace act {

class loop;

/// Something a coroutine waits for on its loop, known to the loop so that a stop or a deadline can end it.
/// Lives in the waiting coroutine's frame. `cancel` is called at most once per registration, on the loop's
/// thread, and must make the wait return soon; it may be called although the wait is just about to end by
/// itself. It must not resume the coroutine from within the call: post instead (socket and timer cancellation
/// do).
class wait_node {
public:
    wait_node(loop&, until);
    virtual ~wait_node();
    wait_node(const wait_node&) = delete;
    wait_node& operator=(const wait_node&) = delete;

    /// Why cancel() was called: kind::stopped or kind::timeout; ok when it was not.
    result<void> outcome() const;
    loop& home() const { return loop_; }

protected:
    virtual void cancel() = 0;

private:
    friend class loop;
    loop& loop_;
    until until_;
    wait_node* previous_ = nullptr;
    wait_node* next_ = nullptr;
    enum class state { waiting, stopped, timed_out } state_ = state::waiting;
};

/// One event loop and its thread. Sockets, timers and coroutines belong to one loop and never move.
class loop {
public:
    explicit loop(unsigned index);
    ~loop();
    loop(const loop&) = delete;
    loop& operator=(const loop&) = delete;

    boost::asio::io_context& context();
    boost::asio::io_context::executor_type executor();
    unsigned index() const { return index_; }
    /// The loop whose thread this is. A programming error (std::logic_error) on any other thread.
    static loop& current();
    static loop* current_or_null();
    /// Runs `f` on this loop's thread, soon. Thread-safe.
    void post(std::function<void()> f);
    /// Looks now at every wait for a requested stop. Thread-safe.
    void sweep_soon();

private:
    friend class wait_node;
    friend class runtime;
    struct impl;
    /// Runs until finish(); called by the thread that becomes this loop's.
    void run();
    void finish();
    void sweep();
    void arm_tick();
    std::unique_ptr<impl> impl_;
    unsigned index_;
    wait_node* waits_ = nullptr;
    wait_node* sweep_next_ = nullptr;  ///< kept valid while a sweep's cancel() unregisters nodes
};

/// A one-shot event: wait() suspends until set() (from any thread) or until the stop or deadline.
/// Set before wait: wait returns at once. One waiter. set() does not touch the event once the waiter may go
/// on, so the waiter may destroy it then; an owner whose wait ended early must make sure that no set() can
/// still come.
class event {
public:
    event();
    ~event();
    event(const event&) = delete;
    event& operator=(const event&) = delete;
    void set();
    bool is_set() const { return state_.load(std::memory_order_acquire) == state::set; }
    /// Ok, or kind::stopped / kind::timeout. After a failure set() may still come and is harmless while this
    /// lives.
    task<result<void>> wait(until);

private:
    friend struct event_wait;
    enum class state : int { idle, waiting, set, abandoned };
    std::atomic<state> state_{state::idle};
    struct waiter;
    std::unique_ptr<waiter> waiter_;
};

/// Sleeps; precise to a millisecond. Fails only by stop or deadline.
task<result<void>> sleep_for(steady::duration, until);

}  // namespace act

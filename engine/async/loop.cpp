#include "engine/async/loop.hpp"

#include <stdexcept>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "engine/async/registry.hpp"

namespace act {

namespace asio = boost::asio;

namespace {

constexpr auto tick = std::chrono::milliseconds(50);
thread_local loop* this_loop = nullptr;

using executor_type = asio::io_context::executor_type;
using token_type = asio::use_awaitable_t<executor_type>;
using timer_type = asio::basic_waitable_timer<steady, asio::wait_traits<steady>, executor_type>;

}  // namespace

struct loop::impl {
    asio::io_context context{1};
    asio::executor_work_guard<executor_type> work{context.get_executor()};
    timer_type timer{context.get_executor()};
    bool tick_armed = false;
    std::atomic<bool> sweep_posted{false};
};

loop::loop(unsigned index) : impl_(std::make_unique<impl>()), index_(index) { loop_registry::add(this); }

loop::~loop() { loop_registry::remove(this); }

asio::io_context& loop::context() { return impl_->context; }

executor_type loop::executor() { return impl_->context.get_executor(); }

loop& loop::current() {
    if (!this_loop) throw std::logic_error("not on a loop's thread");
    return *this_loop;
}

loop* loop::current_or_null() { return this_loop; }

void loop::post(std::function<void()> f) { asio::post(impl_->context, std::move(f)); }

void loop::sweep_soon() {
    if (impl_->sweep_posted.exchange(true)) return;
    asio::post(impl_->context, [this] {
        impl_->sweep_posted.store(false);
        sweep();
    });
}

void loop::run() {
    this_loop = this;
    impl_->context.run();
    this_loop = nullptr;
}

void loop::finish() {
    asio::post(impl_->context, [this] {
        impl_->work.reset();
        impl_->timer.cancel();
    });
}

// The tick runs only while something waits, so that an idle loop does not wake up.
void loop::arm_tick() {
    if (impl_->tick_armed) return;
    impl_->tick_armed = true;
    impl_->timer.expires_after(tick);
    impl_->timer.async_wait([this](boost::system::error_code failed) {
        impl_->tick_armed = false;
        if (failed) return;
        sweep();
        if (waits_) arm_tick();
    });
}

void loop::sweep() {
    const auto at = steady::now();
    for (wait_node* node = waits_; node; node = sweep_next_) {
        sweep_next_ = node->next_;
        if (node->state_ != wait_node::state::waiting) continue;
        if (node->until_.stop.requested()) {
            node->state_ = wait_node::state::stopped;
        } else if (node->until_.deadline <= at) {
            node->state_ = wait_node::state::timed_out;
        } else {
            continue;
        }
        node->cancel();
    }
    sweep_next_ = nullptr;
}

wait_node::wait_node(loop& home, until u) : loop_(home), until_(std::move(u)) {
    next_ = home.waits_;
    if (next_) next_->previous_ = this;
    home.waits_ = this;
    // A stop that came before the registration would find nobody to wake.
    if (until_.stop.requested()) home.sweep_soon();
    if (until_.deadline != steady::time_point::max()) home.arm_tick();
}

wait_node::~wait_node() {
    if (loop_.sweep_next_ == this) loop_.sweep_next_ = next_;
    if (previous_) {
        previous_->next_ = next_;
    } else {
        loop_.waits_ = next_;
    }
    if (next_) next_->previous_ = previous_;
}

result<void> wait_node::outcome() const {
    switch (state_) {
        case state::waiting:
            return {};
        case state::stopped:
            return error(kind::stopped, "stopped");
        case state::timed_out:
            return error(kind::timeout, "timed out");
    }
    return {};
}

// ---- event

using handler_type = asio::async_result<token_type, void()>::handler_type;

struct event::waiter {
    explicit waiter(handler_type h) : handler(std::move(h)) {}
    handler_type handler;
    loop* home = nullptr;

    static void resume(std::unique_ptr<waiter> w) {
        asio::io_context& context = w->home->context();
        asio::post(context, std::move(w->handler));
    }
};

event::event() = default;
event::~event() = default;

void event::set() {
    state expected = state::idle;
    if (state_.compare_exchange_strong(expected, state::set, std::memory_order_acq_rel)) return;
    if (expected != state::waiting) return;
    // From `waiting` only one of set() and cancel() wins; the winner takes the handler before anything can go
    // on.
    if (!state_.compare_exchange_strong(expected, state::abandoned, std::memory_order_acq_rel)) return;
    std::unique_ptr<waiter> taken = std::move(waiter_);
    state_.store(state::set, std::memory_order_release);
    waiter::resume(std::move(taken));
}

/// The registration of an event's waiter with its loop.
struct event_wait final : wait_node {
    event_wait(loop& l, until u, event& e) : wait_node(l, std::move(u)), target(e) {}
    void cancel() override {
        auto expected = event::state::waiting;
        if (!target.state_.compare_exchange_strong(expected, event::state::abandoned,
                                                   std::memory_order_acq_rel)) {
            return;
        }
        event::waiter::resume(std::move(target.waiter_));
    }
    event& target;
};

task<result<void>> event::wait(until u) {
    if (is_set()) co_return result<void>();
    loop& home = loop::current();
    event_wait registration(home, std::move(u), *this);
    token_type token;
    co_await asio::async_initiate<token_type, void()>(
        [this, &home](handler_type handler) {
            waiter_ = std::make_unique<waiter>(std::move(handler));
            waiter_->home = &home;
            auto expected = state::idle;
            if (!state_.compare_exchange_strong(expected, state::waiting, std::memory_order_acq_rel)) {
                waiter::resume(std::move(waiter_));
            }
        },
        token);
    if (is_set()) co_return result<void>();
    if (auto why = registration.outcome(); !why) co_return why.error();
    co_return error(kind::stopped, "stopped");
}

// ---- sleep

namespace {

struct timer_wait final : wait_node {
    timer_wait(loop& l, until u, timer_type& t) : wait_node(l, std::move(u)), timer(t) {}
    void cancel() override { timer.cancel(); }
    timer_type& timer;
};

}  // namespace

task<result<void>> sleep_for(steady::duration d, until u) {
    if (auto ok = u.check(); !ok) co_return ok.error();
    loop& home = loop::current();
    timer_type timer(home.executor());
    timer.expires_after(d);
    timer_wait registration(home, std::move(u), timer);
    co_await timer.async_wait(asio::as_tuple(token_type{}));
    co_return registration.outcome();
}

}  // namespace act

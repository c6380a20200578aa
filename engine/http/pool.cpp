#include "engine/http/pool.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace act::http {

namespace {

// A connection idle for longer is looked at before it is used again.
constexpr auto look_after = std::chrono::seconds(1);

}  // namespace

std::string endpoint::host_and_port() const {
    const bool v6 = host.find(':') != std::string::npos;
    return fmt::format("{}{}{}:{}", v6 ? "[" : "", host, v6 ? "]" : "", port);
}

bool endpoint::stays_here() const {
    address numeric;
    return parse_address(host, port, numeric) ? numeric.loopback() : host == "localhost";
}

std::string endpoint::authority() const {
    std::string text = host_and_port();
    if (port == (tls ? 443 : 80)) text.erase(text.rfind(':'));
    return text;
}

detail::connection::connection(loop& home, const endpoint& e, const client_options& o)
    : to(e),
      stream(home, e.host_and_port(), o.idle_timeout),
      host_line("Host: " + e.authority() + "\r\n"),
      agent_line("User-Agent: " + o.user_agent + "\r\n") {}

// ---- shared

result<void> client_shared::tls_maker::make() {
    std::lock_guard lock(mutex);
    if (context) return {};
    ACT_TRY(context, tls_client_context::make(ca_file));
    ready.store(context.get(), std::memory_order_release);
    return {};
}

void client_shared::prepare_tls() {
    if (tls_->ready.load(std::memory_order_acquire) || tls_->asked.exchange(true)) return;
    owner.post_blocking([maker = tls_] { (void)maker->make(); });
}

task<result<tls_client_context*>> client_shared::tls_context() {
    if (auto* ready = tls_->ready.load(std::memory_order_acquire)) co_return ready;
    auto make = [this] { return tls_->make(); };
    auto made = co_await owner.blocking(make);
    if (!made) co_return made.error();
    co_return tls_->ready.load(std::memory_order_acquire);
}

// ---- leases

loop_pool::lease loop_pool::take_idle(const endpoint& to) {
    const auto found = idle_.find(to);
    if (found == idle_.end()) return nullptr;
    auto& kept = found->second;
    const auto now = steady::now();
    while (!kept.empty()) {
        lease c = std::move(kept.back());
        kept.pop_back();
        const auto age = now - c->idle_since;
        if (age <= shared_.options.keep_idle && (age < look_after || c->stream.quiet())) return c;
        c.reset();
        --open_;
    }
    return nullptr;
}

bool loop_pool::evict_one() {
    for (auto& [to, kept] : idle_) {
        if (kept.empty()) continue;
        kept.erase(kept.begin());
        --open_;
        return true;
    }
    return false;
}

task<result<loop_pool::lease>> loop_pool::acquire(const endpoint& to, const until& u, attempt& report) {
    if (auto kept = take_idle(to)) {
        kept->reused = true;
        co_return kept;
    }
    if (open_ >= shared_.options.max_connections_per_loop && !evict_one()) {
        waiter me{to, {}, nullptr, false};
        waiters_.push_back(&me);
        const auto waited = co_await me.ready.wait(u);
        std::erase(waiters_, &me);
        if (!waited) {
            if (me.given) release(std::move(me.given), true);
            if (me.may_open) {
                --open_;
                pass_on();
            }
            if (waited.error().kind() != kind::timeout) co_return waited.error();
            co_return error(kind::timeout,
                            fmt::format("no connection to {} became free in time", to.host_and_port()));
        }
        if (me.given) {
            me.given->reused = true;
            co_return std::move(me.given);
        }
    } else {
        ++open_;
    }
    auto made = co_await open(to, u, report);
    if (!made) {
        --open_;
        pass_on();
    }
    co_return made;
}

void loop_pool::pass_on() {
    if (waiters_.empty() || open_ >= shared_.options.max_connections_per_loop) return;
    waiter* first = waiters_.front();
    waiters_.pop_front();
    ++open_;
    first->may_open = true;
    first->ready.set();
}

void loop_pool::release(lease c, bool reusable) {
    if (reusable && !waiters_.empty() && waiters_.front()->to == c->to) {
        waiter* first = waiters_.front();
        waiters_.pop_front();
        first->given = std::move(c);
        first->ready.set();
        return;
    }
    if (!reusable || !waiters_.empty()) {
        c.reset();
        --open_;
        pass_on();
        return;
    }
    c->idle_since = steady::now();
    auto& kept = idle_[c->to];
    kept.push_back(std::move(c));
}

void loop_pool::close_idle() {
    for (auto& [to, kept] : idle_) {
        open_ -= static_cast<unsigned>(kept.size());
        kept.clear();
    }
}

}  // namespace act::http

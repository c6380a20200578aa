#include "engine/http/pool.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace act::http {

namespace {

// A connection idle for longer is looked at before it is used again.
constexpr auto look_after = std::chrono::seconds(1);

std::string host_and_port(const endpoint& e) {
    const bool v6 = e.host.find(':') != std::string::npos;
    return fmt::format("{}{}{}:{}", v6 ? "[" : "", e.host, v6 ? "]" : "", e.port);
}

}  // namespace

std::string endpoint::authority() const {
    std::string text = host_and_port(*this);
    if (port == (tls ? 443 : 80)) text.erase(text.rfind(':'));
    return text;
}

detail::connection::connection(loop& home, const endpoint& e, const client_options& o)
    : to(e),
      stream(home, host_and_port(e), o.idle_timeout),
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
                            fmt::format("no connection to {} became free in time", host_and_port(to)));
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

// ---- opening

task<result<loop_pool::lease>> loop_pool::open_at(const endpoint& to, const address& where, const until& u) {
    auto made = std::make_unique<detail::connection>(home_, to, shared_.options);
    if (auto ok = co_await made->stream.connect(where, u); !ok) co_return ok.error();
    if (to.tls) {
        auto context = co_await shared_.tls_context();
        if (!context) co_return context.error();
        auto session = (*context)->connect(to.host, made->stream.peer());
        if (!session) co_return session.error();
        if (auto ok = co_await made->stream.start_tls(std::move(*session), u); !ok) {
            if (ok.error().kind() != kind::configuration) co_return ok.error();
            co_return error(ok.error())
                .with_advice(fmt::format(
                    "check that {} is the right host; if its certificate is issued by an authority of your "
                    "own, set SSL_CERT_FILE to that authority's PEM file (now used: {})",
                    to.host, (*context)->roots()));
        }
    }
    shared_.stats.connections_opened.fetch_add(1, std::memory_order_relaxed);
    co_return made;
}

task<result<loop_pool::lease>> loop_pool::open(endpoint to, const until& u, attempt& report) {
    if (to.tls) shared_.prepare_tls();
    const until all = u.within(shared_.options.connect_timeout);
    auto addresses = co_await shared_.names.resolve(to.host, to.port, all);
    if (!addresses) {
        report.hopeless =
            addresses.error().kind() == kind::unavailable && !shared_.names.ever_reached(to.host, to.port);
        co_return addresses.error();
    }
    error last;
    bool refused = true;
    for (std::size_t i = 0; i < addresses->size(); ++i) {
        const address& where = (*addresses)[i];
        // With others left to try, a silent address does not get all the time.
        const bool more = i + 1 < addresses->size();
        const until each = more ? all.within(shared_.options.connect_timeout / 4) : all;
        const auto begun = steady::now();
        auto made = co_await open_at(to, where, each);
        if (made) {
            shared_.names.note(where, true);
            shared_.names.reached(to.host, to.port);
            co_return made;
        }
        last = made.error();
        if (last.kind() != kind::unavailable && last.kind() != kind::timeout) co_return last;
        if (last.kind() == kind::timeout || steady::now() - begun > std::chrono::seconds(1)) refused = false;
        if (addresses->size() > 1) shared_.names.note(where, false);
        if (auto ok = u.check(); !ok) co_return last;
        if (all.deadline <= steady::now()) break;
    }
    report.hopeless = refused && !shared_.names.ever_reached(to.host, to.port);
    co_return std::move(last).with_advice("check the network, and that the endpoint is the right one");
}

}  // namespace act::http

#include <fmt/format.h>

#include "engine/core/log.hpp"
#include "engine/http/head.hpp"
#include "engine/http/pool.hpp"

/// How connections come into being: addresses, proxies, TLS.
namespace act::http {

namespace {

// An address that has not answered after this gets company.
constexpr auto head_start = std::chrono::milliseconds(250);
// Of the time for connecting: what one that has answered may take for the rest while others are left to try.
constexpr int share_of_time = 4;
constexpr auto quick = std::chrono::seconds(1);
constexpr std::size_t longest_refusal = 64 * 1024;

bool may_pass(const error& e) { return e.kind() == kind::unavailable || e.kind() == kind::timeout; }

error explained(error e, const endpoint& to, const std::optional<proxy>& via) {
    if (!e.advice().empty() || !may_pass(e)) return e;
    if (!via) return std::move(e).with_advice("check the network, and that the endpoint is the right one");
    return std::move(e).with_advice(fmt::format(
        "check {}; name {} in NO_PROXY if it can be reached without a proxy", via->variable, to.host));
}

}  // namespace

struct loop_pool::runner {
    lease made;
    address where;
    result<void> outcome;
    steady::time_point begun, ended;
    bool over = false;
};

loop_pool::lease loop_pool::fresh(const endpoint& to, const std::optional<proxy>& via) {
    auto made = std::make_unique<detail::connection>(home_, to, shared_.options);
    if (!via) return made;
    made->via = *via;
    made->stream.set_peer(via->name());
    if (!to.tls) {
        made->target_prefix = "http://" + to.authority();
        if (!via->authorization.empty())
            made->proxy_line = "Proxy-Authorization: " + via->authorization.reveal() + "\r\n";
    }
    return made;
}

task<void> loop_pool::try_one(runner& r, std::size_t index, channel<std::size_t>& ended, until u) {
    r.outcome = co_await r.made->stream.connect(r.where, u);
    r.ended = steady::now();
    // Never waits: there is room for all.
    (void)co_await ended.push(index, {});
}

task<result<loop_pool::dialled>> loop_pool::dial(const endpoint& to, const std::optional<proxy>& via,
                                                 std::vector<address>& left, bool& refused, const until& u) {
    if (left.size() == 1) {
        dialled one{fresh(to, via), left.front()};
        left.clear();
        const auto begun = steady::now();
        auto ok = co_await one.made->stream.connect(one.where, u);
        if (ok) co_return std::move(one);
        refused = refused && ok.error().kind() != kind::timeout && steady::now() - begun < quick;
        co_return ok.error();
    }

    stop_source losers(u.stop);
    const until each{losers.token(), u.deadline};
    std::vector<runner> runners;
    runners.reserve(left.size());
    channel<std::size_t> ended(left.size());
    task_group group;
    std::optional<std::size_t> winner;
    std::size_t over = 0;
    error last;
    while (!winner && over < left.size()) {
        const bool more = runners.size() < left.size();
        if (more) {
            runner& next = runners.emplace_back();
            next.made = fresh(to, via);
            next.where = left[runners.size() - 1];
            next.begun = steady::now();
            group.spawn(home_, try_one(next, runners.size() - 1, ended, each));
        }
        // When all are under way each ends by itself.
        const bool waiting_for_all = runners.size() == left.size();
        auto got = co_await ended.pop(waiting_for_all ? until{} : u.within(head_start));
        if (!got) {
            if (auto ok = u.check(); !ok) {
                last = got.error();
                break;
            }
            continue;
        }
        runner& r = runners[**got];
        r.over = true;
        ++over;
        if (r.outcome) {
            winner = **got;
            break;
        }
        last = r.outcome.error();
        if (last.kind() == kind::timeout || r.ended - r.begun > quick) refused = false;
        if (!may_pass(last)) break;
        shared_.names.failed(r.where);
    }
    const auto decided = steady::now();
    losers.request();
    co_await group.join();

    if (!winner) {
        left.clear();
        if (auto ok = u.check(); !ok && ok.error().kind() == kind::stopped) co_return ok.error();
        if (last.kind() == kind::timeout) refused = false;
        co_return last;
    }
    // Those that had their time and kept silent are not asked first the next time.
    std::vector<address> untried(left.begin() + static_cast<std::ptrdiff_t>(runners.size()), left.end());
    for (std::size_t i = 0; i < runners.size(); ++i) {
        if (i == *winner || runners[i].over) continue;
        if (decided - runners[i].begun >= head_start) shared_.names.failed(runners[i].where);
        untried.push_back(runners[i].where);
    }
    left = std::move(untried);
    co_return dialled{std::move(runners[*winner].made), runners[*winner].where};
}

task<result<void>> loop_pool::tunnel(detail::connection& c, const until& u) {
    const std::string target = c.to.host_and_port();
    std::string ask = fmt::format("CONNECT {} HTTP/1.1\r\nHost: {}\r\n{}", target, target, c.agent_line);
    if (!c.via->authorization.empty())
        ask.append("Proxy-Authorization: ").append(c.via->authorization.reveal()).append("\r\n");
    ask.append("\r\n");
    gather what;
    what.add(ask.data(), ask.size());
    ACT_CO_TRY_VOID(co_await c.stream.write(what, u));

    std::size_t scanned = 0;
    for (;;) {
        const std::size_t size = find_head(c.input.view(), scanned);
        if (size != 0) {
            response_head head;
            message_facts facts;
            const auto problem = parse_response(c.input.view().substr(0, size), head, facts);
            c.input.consume(size);
            scanned = 0;
            if (problem) {
                co_return error(kind::protocol,
                                fmt::format("{} sent a malformed answer: {}", c.via->name(), problem.reason));
            }
            if (head.status < 200) continue;
            if (head.status >= 300) co_return c.via->refusal(head.status, head.reason, target);
            // Nobody speaks before us in a tunnel.
            if (c.input.empty()) co_return result<void>();
            co_return error(kind::protocol,
                            c.via->name() + " sent something of its own into the tunnel to " + target);
        }
        const auto room = c.input.room(longest_refusal);
        if (room.empty()) {
            co_return error(kind::protocol, c.via->name() + " sent a head of more than 64 KiB");
        }
        ACT_CO_TRY(const std::size_t got, co_await c.stream.read_some(room, u, true));
        if (got == 0) {
            co_return error(kind::unavailable, fmt::format("{} closed the connection instead of opening a "
                                                           "tunnel to {}",
                                                           c.via->name(), target));
        }
        c.input.added(got);
    }
}

task<result<void>> loop_pool::prepare(detail::connection& c, const address& where, const until& u) {
    if (c.via) {
        if (c.to.tls) ACT_CO_TRY_VOID(co_await tunnel(c, u));
        c.stream.set_peer(c.to.host_and_port() + " through " + c.via->name());
    }
    if (!c.to.tls) co_return result<void>();
    auto context = co_await shared_.tls_context();
    if (!context) co_return context.error();
    auto session = (*context)->connect(c.to.host, c.to.host_and_port(), c.via ? std::string() : where.text());
    if (!session) co_return session.error();
    auto ok = co_await c.stream.start_tls(std::move(*session), u);
    if (ok || ok.error().kind() != kind::configuration) co_return ok;
    co_return error(ok.error())
        .with_advice(fmt::format(
            "check that {} is the right host; if its certificate is issued by an authority of your "
            "own{}, set SSL_CERT_FILE to that authority's PEM file (now used: {})",
            c.to.host, c.via ? " or of the proxy" : "", (*context)->roots()));
}

void loop_pool::tell(const detail::connection& c, const address& where, unsigned open_there) {
    log::debug("connected to {}{} at {}, {} open there{}", c.to.host_and_port(), c.via ? " by its proxy" : "",
               where.text(), open_there,
               !c.stream.is_tls()   ? ""
               : c.stream.resumed() ? ", TLS session resumed"
                                    : ", new TLS session");
}

task<result<loop_pool::lease>> loop_pool::open(endpoint to, const until& u, attempt& report) {
    if (to.tls) shared_.prepare_tls();
    const until all = u.within(shared_.options.connect_timeout);
    ACT_CO_TRY(const auto via, shared_.options.proxies.route(to.host, to.port, to.tls));
    const std::string& host = via ? via->host : to.host;
    const std::uint16_t port = via ? via->port : to.port;
    auto addresses = co_await shared_.names.resolve(host, port, all);
    if (!addresses) {
        report.hopeless =
            addresses.error().kind() == kind::unavailable && !shared_.names.ever_reached(host, port);
        error unknown = addresses.error();
        co_return via ? std::move(unknown).in(via->name()) : unknown;
    }
    if (via && log::enabled(log::level::debug))
        log::debug("connecting to {} through {}", to.host_and_port(), via->name());

    std::vector<address> left = std::move(addresses->addresses);
    const bool several = left.size() > 1;
    bool refused = true;
    error last;
    while (!left.empty()) {
        auto got = co_await dial(to, via, left, refused, all);
        if (!got) {
            last = got.error();
            break;
        }
        // With others left to try, one that answers and then says nothing does not get all the time.
        const auto begun = steady::now();
        const until each = left.empty() ? all : all.within(shared_.options.connect_timeout / share_of_time);
        auto ready = co_await prepare(*got->made, got->where, each);
        if (ready) {
            const unsigned open_there = addresses->held.settle(got->where);
            got->made->held = std::move(addresses->held);
            shared_.names.reached(host, port);
            shared_.stats.connections_opened.fetch_add(1, std::memory_order_relaxed);
            if (got->made->stream.resumed())
                shared_.stats.sessions_resumed.fetch_add(1, std::memory_order_relaxed);
            if (log::enabled(log::level::debug)) tell(*got->made, got->where, open_there);
            co_return std::move(got->made);
        }
        last = ready.error();
        if (last.kind() == kind::timeout || steady::now() - begun > quick) refused = false;
        if (!may_pass(last)) break;
        if (several) shared_.names.failed(got->where);
        if (!u.check() || all.deadline <= steady::now()) break;
    }
    report.hopeless = refused && !shared_.names.ever_reached(host, port);
    co_return explained(std::move(last), to, via);
}

}  // namespace act::http

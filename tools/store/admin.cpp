#include "tools/store/admin.hpp"

#include <fmt/format.h>

#include "engine/core/units.hpp"

namespace act::store {

namespace {

http::server_options options_for(std::string listen) {
    http::server_options o;
    // A port alone is one of loopback.
    o.listen = listen.starts_with(':') ? "127.0.0.1" + listen : std::move(listen);
    o.server_name = "act-store-admin";
    return o;
}

}  // namespace

admin::admin(runtime& r, std::string listen, service& s, http::server& of)
    : s_(s),
      of_(of),
      server_(r, options_for(std::move(listen)),
              [this](http::server_exchange& x) -> task<void> { return answer(x); }) {}

result<void> admin::start() {
    auto started = server_.start();
    if (!started) return error(started.error()).in("--admin");
    return {};
}

task<void> admin::stop() { return server_.stop(std::chrono::milliseconds(100)); }

std::string admin::stats() const {
    const auto& wire = of_.stats();
    constexpr auto relaxed = std::memory_order_relaxed;
    std::uint64_t total = 0;
    std::string requests;
    for (const auto& [name, by_status] : s_.meter->counts()) {
        std::string statuses;
        for (const auto& [status, n] : by_status) {
            statuses += fmt::format("{}\"{}\":{}", statuses.empty() ? "" : ",", status, n);
            total += n;
        }
        requests += fmt::format("{}\"{}\":{{{}}}", requests.empty() ? "" : ",", name, statuses);
    }
    const double limit = s_.network->limit();
    return fmt::format(
        "{{\"requests\":{{{}}},\"requests_total\":{},\"rejected\":{},\"bytes_in\":{},\"bytes_out\":{},"
        "\"connections_open\":{},\"connections_peak\":{},\"limit\":{},\"uptime_s\":{:.3f}}}\n",
        requests, total, s_.network->rejected() - rejected_.load(relaxed),
        wire.bytes_in.load(relaxed) - bytes_in_.load(relaxed),
        wire.bytes_out.load(relaxed) - bytes_out_.load(relaxed), wire.open.load(relaxed),
        wire.peak.load(relaxed), limit > 0 ? fmt::format("{}", limit) : "null",
        std::chrono::duration<double>(steady::now() - started_).count());
}

result<void> admin::change_limit(std::string_view query) {
    for (const auto& [name, value] : parse_query(query)) {
        if (name != "rate") continue;
        const auto rate = parse_rate(value);
        if (!rate) break;
        s_.network->set_limit(*rate);
        return {};
    }
    return error(kind::usage, "POST /limit needs ?rate=N/s, with 0 for none");
}

void admin::reset() {
    s_.meter->clear();
    bytes_in_ = of_.stats().bytes_in.load();
    bytes_out_ = of_.stats().bytes_out.load();
    rejected_ = s_.network->rejected();
    of_.forget_peak();
}

task<void> admin::answer(http::server_exchange& x) {
    const auto& head = x.request();
    const std::string_view target(head.target);
    const std::size_t mark = target.find('?');
    const std::string_view path = target.substr(0, mark);
    const std::string_view query = mark == std::string_view::npos ? "" : target.substr(mark + 1);
    int status = 200;
    std::string text;
    if (path == "/stats" && head.method == "GET") {
        text = stats();
    } else if (path == "/limit" && head.method == "POST") {
        const auto changed = change_limit(query);
        if (!changed) {
            status = 400;
            text = changed.error().message() + "\n";
        } else {
            text = stats();
        }
    } else if (path == "/reset" && head.method == "POST") {
        reset();
        text = stats();
    } else {
        status = 404;
        text = "there are GET /stats, POST /limit?rate=N/s and POST /reset\n";
    }
    http::fields f;
    f.add("Content-Type", status == 200 ? "application/json" : "text/plain");
    f.add("Cache-Control", "no-store");
    (void)co_await x.respond(status, f, http::body::text(text), s_.ends());
}

}  // namespace act::store

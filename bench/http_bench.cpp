// Requests and bytes a second over loopback: a client process against a server process, one machine.
//   http_bench [put|putfile|get|getfile] [--tls CERT KEY CA] [--size N] [--conns N] [--loops N] [--seconds N]
// Reports the client's CPU time too: wall rates here include the server, which shares the cores.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <string>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include "engine/http/client.hpp"
#include "engine/http/server.hpp"

using namespace act;

namespace {

struct setting {
    std::string mode = "put";
    std::string certificate, key, ca;
    std::size_t size = 4096;
    unsigned connections = 16;
    unsigned loops = 1;
    double seconds = 3;
};

std::string content;
int content_fd = -1;

task<void> handle(http::server_exchange& x) {
    thread_local std::vector<std::byte> scratch(1 << 20);
    while (true) {
        auto got = co_await x.read(scratch, {});
        if (!got) co_return;
        if (*got < scratch.size()) break;
    }
    const http::fields none;
    http::body answer;
    if (x.request().target == "/get") answer = http::body::text(content);
    if (x.request().target == "/getfile") answer = http::body::file(content_fd, 0, content.size());
    (void)co_await x.respond(x.request().method == "PUT" ? 201 : 200, none, answer, {});
}

double cpu_seconds() {
    rusage u{};
    ::getrusage(RUSAGE_SELF, &u);
    return static_cast<double>(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           static_cast<double>(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

task<void> serve_until_closed(runtime& threads, http::server& server, int pipe_fd) {
    auto wait = [pipe_fd] {
        char c;
        (void)!::read(pipe_fd, &c, 1);
    };
    co_await threads.blocking(wait);
    co_await server.stop(std::chrono::seconds(1));
}

void run_server(const setting& s, int to_client, int from_client) {
    runtime_options ro;
    ro.loops = s.loops;
    runtime threads(ro);
    http::server_options so;
    so.tls_certificate = s.certificate;
    so.tls_key = s.key;
    http::server server(threads, so, handle);
    if (auto ok = server.start(); !ok) {
        std::fprintf(stderr, "%s\n", ok.error().message().c_str());
        std::exit(1);
    }
    const std::uint16_t port = server.port();
    (void)!::write(to_client, &port, sizeof port);
    threads.run(serve_until_closed(threads, server, from_client));
}

struct totals {
    std::atomic<std::uint64_t> requests{0}, bytes{0};
    std::atomic<bool> failed{false};
};

task<void> ask(http::client& c, http::endpoint to, const setting& s, steady::time_point end, totals& sum) {
    http::request r;
    const bool up = s.mode.substr(0, 3) == "put";
    r.method = up ? http::verb::put : http::verb::get;
    r.target = "/" + s.mode;
    r.headers.add("x-ms-version", "2021-12-02");
    r.headers.add("x-ms-date", "Fri, 26 Jun 2015 23:39:12 GMT");
    r.headers.add("x-ms-blob-type", "BlockBlob");
    r.headers.add("Authorization", "SharedKey account:0123456789012345678901234567890123456789012=");
    http::body b;
    if (s.mode == "put") b = http::body::text(content);
    if (s.mode == "putfile") b = http::body::file(content_fd, 0, content.size());
    std::vector<std::byte> into(up ? 1 : std::min<std::size_t>(s.size, 1 << 20));
    while (steady::now() < end) {
        auto x = co_await c.send(to, r, b, {});
        if (!x) {
            std::fprintf(stderr, "%s\n", x.error().message().c_str());
            sum.failed = true;
            co_return;
        }
        while (!x->finished()) {
            auto got = co_await x->read(into, {});
            if (!got) {
                sum.failed = true;
                co_return;
            }
        }
        sum.requests.fetch_add(1, std::memory_order_relaxed);
        sum.bytes.fetch_add(s.size, std::memory_order_relaxed);
    }
}

task<void> run_client(runtime& threads, http::client& c, http::endpoint to, const setting& s, totals& sum) {
    task_group group;
    const auto end = steady::now() + std::chrono::milliseconds(static_cast<int>(s.seconds * 1000));
    for (unsigned i = 0; i < s.connections; ++i) {
        group.spawn(threads.at(i % threads.size()), ask(c, to, s, end, sum));
    }
    co_await group.join();
    co_await c.close();
}

}  // namespace

int main(int argc, char** argv) {
    setting s;
    for (int i = 1; i < argc; ++i) {
        const std::string a = argv[i];
        const auto next = [&] { return std::string(i + 1 < argc ? argv[++i] : ""); };
        if (a == "--tls") {
            s.certificate = next(), s.key = next(), s.ca = next();
        } else if (a == "--size") {
            s.size = std::strtoull(next().c_str(), nullptr, 10);
        } else if (a == "--conns") {
            s.connections = static_cast<unsigned>(std::atoi(next().c_str()));
        } else if (a == "--loops") {
            s.loops = static_cast<unsigned>(std::atoi(next().c_str()));
        } else if (a == "--seconds") {
            s.seconds = std::atof(next().c_str());
        } else {
            s.mode = a;
        }
    }
    content.assign(s.size, 'x');
    content_fd = ::memfd_create("content", MFD_CLOEXEC);
    if (::write(content_fd, content.data(), content.size()) != static_cast<ssize_t>(content.size())) return 1;

    int up[2], down[2];
    if (::pipe(up) != 0 || ::pipe(down) != 0) return 1;
    const pid_t child = ::fork();
    if (child == 0) {
        ::close(down[1]);
        run_server(s, up[1], down[0]);
        return 0;
    }
    std::uint16_t port = 0;
    if (::read(up[0], &port, sizeof port) != sizeof port) return 1;
    {
        runtime_options ro;
        ro.loops = s.loops;
        runtime threads(ro);
        http::client_options co;
        co.ca_file = s.ca;
        co.max_connections_per_loop = 1024;
        http::client client(threads, co);
        totals sum;
        const double cpu = cpu_seconds();
        const auto begun = steady::now();
        threads.run(run_client(threads, client, {"127.0.0.1", port, !s.ca.empty()}, s, sum));
        const double took = std::chrono::duration<double>(steady::now() - begun).count();
        const double used = cpu_seconds() - cpu;
        const double gib = static_cast<double>(sum.bytes) / (1 << 30);
        const auto n = static_cast<double>(sum.requests);
        std::printf(
            "%-8s %-5s size %9zu conns %3u loops %u: %9.0f req/s %6.2f us CPU/req %6.2f GiB/s %.3f CPU "
            "s/GiB%s\n",
            s.mode.c_str(), s.ca.empty() ? "plain" : "tls", s.size, s.connections, s.loops, n / took,
            used / n * 1e6, gib / took, used / gib, sum.failed ? " FAILED" : "");
    }
    ::close(down[1]);
    ::waitpid(child, nullptr, 0);
}

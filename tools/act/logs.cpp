#include <fmt/format.h>

#include "engine/file/file.hpp"
#include "submit/runs/log_files.hpp"
#include "tools/act/job_tools.hpp"
#include "tools/act/report.hpp"
#include "tools/act/screen.hpp"
#include "tools/act/verbs.hpp"
#include "tools/act/world.hpp"

namespace act::cli {

namespace {

using namespace std::chrono_literals;
using sink = std::function<void(backend::stream, std::string_view)>;

// What is new in the files of a process that is not the first: back ends tell of the first alone.
result<bool> pass_on(const runs::record& r, unsigned rank, backend::log_position& position, const sink& to) {
    std::vector<std::byte> buffer(64 << 10);
    bool news = false;
    for (const auto& log : runs::log_files(r, rank)) {
        std::uint64_t& at = position.offsets[log.name];
        if (log.size <= at) continue;
        ACT_TRY(auto fd, file::open_read(log.path));
        const auto from = log.name.starts_with("stderr") ? backend::stream::err : backend::stream::out;
        for (;;) {
            ACT_TRY(std::size_t n, file::read_at(fd.get(), buffer, at, log.path));
            if (n == 0) break;
            at += n;
            news = true;
            to(from, {reinterpret_cast<const char*>(buffer.data()), n});
        }
    }
    return news;
}

task<result<runs::record>> follow_rank(backend::driver& driver, runs::record r, unsigned rank,
                                       bool to_the_end, sink to, until u) {
    backend::log_position position;
    for (steady::duration pause = 5ms;;) {
        // The state first: what was written before the end is then sure to be seen.
        if (to_the_end) {
            auto newer = co_await driver.status(r, u);
            if (!newer) co_return newer.error();
            r = std::move(*newer);
        }
        ACT_CO_TRY(bool news, pass_on(r, rank, position, to));
        if (!to_the_end || runs::is_final(r.state)) {
            if (position.offsets.empty()) {
                co_return error(kind::not_found, fmt::format("run {} has no log of rank {} here", r.id, rank),
                                "`act q " + runs::short_id(r.id) + "` lists its logs");
            }
            co_return r;
        }
        pause = news ? 5ms : std::min<steady::duration>(pause * 3 / 2, 200ms);
        ACT_CO_TRY_VOID(co_await sleep_for(pause, u));
    }
}

task<result<runs::record>> show_now(backend::driver& driver, runs::record r, sink to, until u) {
    backend::log_position position;
    ACT_CO_TRY_VOID(co_await driver.logs(r, position, to, u));
    co_return r;
}

int run(invocation& call) {
    if (call.words.size() > 1)
        return give_up(call, error(kind::usage, "`act logs` shows one run", "give one id"));
    auto state = open_job_state(call.world);
    if (!state) return give_up(call, state.error());
    auto found = state->journal.find(call.words.front());
    if (!found) return give_up(call, found.error());
    runtime loops({.loops = 1, .blocking_threads = 1});
    auto driver = backend::make_driver(*found, services_for(call, state->journal, loops));
    if (!driver) return give_up(call, driver.error());
    const until u{.stop = call.world.stop.token()};
    auto shown =
        call.given.rank > 0
            ? loops.run(follow_rank(**driver, *found, call.given.rank, call.given.wait, output_sink(call), u))
        : call.given.wait ? loops.run(backend::follow(**driver, *found, output_sink(call), u))
                          : loops.run(show_now(**driver, *found, output_sink(call), u));
    return shown ? done(call, 0) : give_up(call, shown.error());
}

constexpr example examples[] = {
    {"act logs k3x9q2", "what the run has written so far: its output to stdout, its errors to stderr"},
    {"act logs -f k3x9q2", "until it ends"},
    {"act logs k3x9q2 --rank 3", "of its fourth process"},
};

}  // namespace

constinit const verb logs_verb{
    .name = "logs",
    .usage = "RUN",
    .sentence = "Show what a run writes.",
    .takes = takes::some,
    .run = run,
    .examples = examples,
};

}  // namespace act::cli

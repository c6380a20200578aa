#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "engine/core/log.hpp"
#include "engine/core/secret.hpp"
#include "engine/http/client_impl.hpp"

namespace act::http {

namespace {

constexpr auto longest_wait = std::chrono::minutes(5);
// What a body may take at the slowest rate that is still called working.
constexpr std::uint64_t slowest = 32 * 1024;
// An answer that is not wanted is read this far, to keep its connection.
constexpr std::size_t most_drained = 256 * 1024;
constexpr auto drain_time = std::chrono::seconds(2);
// Where nobody listens, or the name is unknown, a few quick tries must do.
constexpr unsigned hopeless_tries = 4;
constexpr auto hopeless_delay = std::chrono::milliseconds(1500);

bool worth_another_try(int status) {
    switch (status) {
        case 408:
        case 429:
        case 500:
        case 502:
        case 503:
        case 504:
            return true;
        default:
            return false;
    }
}

bool worth_another_try(const error& e) { return e.kind() == kind::unavailable || e.kind() == kind::timeout; }

std::uint64_t fresh_seed() {
    static std::atomic<std::uint64_t> next{
        static_cast<std::uint64_t>(steady::now().time_since_epoch().count())};
    return next.fetch_add(0x9e3779b97f4a7c15ULL, std::memory_order_relaxed);
}

void log_try(const endpoint& to, const request& r, unsigned number, int status, std::string_view failure,
             steady::duration took) {
    if (!log::enabled(log::level::debug)) return;
    const double ms = std::chrono::duration<double, std::milli>(took).count();
    const std::string again = number > 1 ? fmt::format(" (try {})", number) : "";
    const std::string outcome = status ? fmt::format("{}", status) : std::string(failure);
    log::debug("{} {}://{}{} {} {:.1f} ms{}", to_string(r.method), to.tls ? "https" : "http", to.authority(),
               redact(r.target), outcome, ms, again);
}

task<void> drain(exchange answer, until u) {
    const until soon = u.within(drain_time);
    std::vector<std::byte> scratch(16 * 1024);
    std::size_t sum = 0;
    while (!answer.finished() && sum <= most_drained) {
        auto got = co_await answer.read_some(scratch, soon);
        if (!got || *got == 0) break;
        sum += *got;
    }
}

std::optional<steady::duration> milliseconds_field(const fields& f, std::string_view name) {
    const auto number = parse_number(f.get(name));
    if (!number) return {};
    return std::chrono::milliseconds(std::min<std::uint64_t>(*number, 3'600'000));
}

error given_up(error last, unsigned tries) {
    if (tries < 2) return last;
    return std::move(last).in(fmt::format("given up after {} tries", tries));
}

}  // namespace

std::optional<steady::duration> retry_after(const fields& f, wall_time at) {
    std::optional<steady::duration> asked = milliseconds_field(f, "retry-after-ms");
    if (!asked) asked = milliseconds_field(f, "x-ms-retry-after-ms");
    if (!asked) {
        const auto value = f.get("Retry-After");
        if (value.empty()) return {};
        if (const auto seconds = parse_number(value)) {
            asked = std::chrono::seconds(std::min<std::uint64_t>(*seconds, 3600));
        } else if (const auto date = parse_http_date(value)) {
            asked =
                std::max(std::chrono::duration_cast<steady::duration>(*date - at), steady::duration::zero());
        } else {
            return {};
        }
    }
    return std::min<steady::duration>(*asked, longest_wait);
}

pipeline::pipeline(client& c, std::shared_ptr<authorizer> a, pipeline_options o)
    : client_(c), authorizer_(std::move(a)), options_(std::move(o)) {}

task<result<exchange>> pipeline::send(const endpoint& to, const request& r, const body& b, until u,
                                      unsigned* tries) {
    backoff waits(options_.retry, fresh_seed());
    bool refreshed = false;
    const auto allowed = options_.try_timeout + std::chrono::seconds(b.length / slowest);
    for (unsigned number = 1;; ++number) {
        if (tries) *tries = number;
        auto begun = steady::now();
        flight under_way;
        if (admission* gate = options_.admission.get()) {
            const std::uint64_t bytes = b.length + r.answer_bytes;
            if (!gate->try_enter(bytes, begun)) {
                ACT_CO_TRY_VOID(co_await gate->enter(bytes, u));
                begun = steady::now();
            }
            under_way = flight(*gate, bytes, begun);
        }
        attempt report;
        report.allowed = allowed;
        std::optional<result<exchange>> answer;
        if (authorizer_) {
            request signed_request = r;
            auto ok = co_await authorizer_->authorize(signed_request, to, b.length, u);
            if (!ok) co_return ok.error();
            answer.emplace(co_await client_.impl_->send(to, signed_request, b, u, report));
        } else {
            answer.emplace(co_await client_.impl_->send(to, r, b, u, report));
        }
        if (tries && report.resent) *tries = number + 1;
        const int status = *answer ? (*answer)->head().status : 0;
        log_try(to, r, number, status, status ? std::string_view() : (*answer).error().message(),
                steady::now() - begun);
        if (on_answer) on_answer(status);

        std::optional<steady::duration> asked;
        if (worth_another_try(status)) asked = retry_after((*answer)->head().headers, now());
        if (under_way) {
            under_way.answered(status, asked);
            if (status != 0) under_way.sent(b.length);
            if (status / 100 == 2 && !(*answer)->finished()) {
                (*answer)->impl_->under_way = std::move(under_way);
            } else {
                under_way.end();
            }
        }
        const bool final = status != 0 && (status == 401 || worth_another_try(status)) &&
                           options_.final_answer && options_.final_answer((*answer)->head());
        if (status == 401 && authorizer_ && !refreshed && !final) {
            refreshed = true;
            if (!co_await authorizer_->refresh(u)) co_return std::move(*answer);
            co_await drain(std::move(**answer), u);
            client_.stats().retries.fetch_add(1, std::memory_order_relaxed);
            continue;
        }
        if (status != 0) {
            if (final || !worth_another_try(status)) co_return std::move(*answer);
        } else {
            error failure = (*answer).error();
            if (!worth_another_try(failure)) co_return failure;
            if (!u.check()) co_return given_up(std::move(failure), number);
        }

        auto delay = waits.next(asked);
        if (delay && report.hopeless) {
            delay = number < hopeless_tries
                        ? std::optional(std::min<steady::duration>(*delay, hopeless_delay))
                        : std::nullopt;
        }
        // Waiting past the deadline would only lose what is known now.
        if (delay && u.deadline != steady::time_point::max() && steady::now() + *delay >= u.deadline)
            delay.reset();
        if (!delay) {
            if (status != 0) co_return std::move(*answer);
            co_return given_up((*answer).error(), number);
        }
        if (status != 0) co_await drain(std::move(**answer), u);
        answer.reset();
        client_.stats().retries.fetch_add(1, std::memory_order_relaxed);
        if (auto slept = co_await sleep_for(*delay, u); !slept) co_return slept.error();
    }
}

}  // namespace act::http

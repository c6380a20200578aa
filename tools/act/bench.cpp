#include <algorithm>
#include <condition_variable>
#include <filesystem>
#include <random>
#include <thread>

#include <fmt/format.h>

#include "engine/core/units.hpp"
#include "submit/runs/runs.hpp"
#include "tools/act/bench_rows.hpp"
#include "tools/act/forecast.hpp"
#include "tools/act/json.hpp"
#include "tools/act/location.hpp"
#include "tools/act/report.hpp"
#include "tools/act/screen.hpp"
#include "tools/act/signals.hpp"
#include "tools/act/text.hpp"
#include "tools/act/verbs.hpp"
#include "tools/act/world.hpp"
#include "tools/store/store.hpp"

namespace act::cli {

namespace {

using namespace std::chrono_literals;

// For removing what was stored, after a stop too.
constexpr auto cleaning_time = 60s;

/// Requests a stop after a time, unless it is gone before.
class patience {
public:
    patience(stop_source stop, steady::duration time)
        : thread_([this, stop, time]() mutable {
              std::unique_lock lock(mutex_);
              if (!wake_.wait_for(lock, time, [this] { return over_; })) stop.request();
          }) {}
    ~patience() {
        {
            std::lock_guard lock(mutex_);
            over_ = true;
        }
        wake_.notify_one();
        thread_.join();
    }
    patience(const patience&) = delete;
    patience& operator=(const patience&) = delete;

private:
    std::mutex mutex_;
    std::condition_variable wake_;
    bool over_ = false;
    std::thread thread_;
};

/// All that a run has begun and will undo.
struct stage {
    bench_target target;
    bench_sizes sizes;
    unsigned repeat = 1;
    bool own_store = false;  ///< of a folder that goes away
    bool own_container = false;
    std::unique_ptr<scratch> folder;
    std::unique_ptr<store_process> store;  ///< ends before its folder goes
    std::string where;                     ///< for people
};

struct found_place {
    cluster::account account;
    std::string container, path;
    bool embedded = false;
};

result<found_place> find_place(invocation& call, const cluster::config& c) {
    session s(call, c);
    found_place out;
    opened_account* account = nullptr;
    if (call.words.empty()) {
        if (c.mappings.empty()) {
            return error(kind::configuration, "cluster " + c.name + " has no folder in a container",
                         "name a place: act bench CLUSTER:path, or a URL");
        }
        ACT_TRY(account, s.account_of(c.mappings.front()));
        out.container = account->settings.container;
        out.path = c.mappings.front().path;
    } else {
        ACT_TRY(location at, parse_location(call.world, call.words.front(), plain::stored));
        if (!at.remote()) {
            return error(kind::usage, "standard input cannot be measured",
                         "name a path, CLUSTER:path or a URL");
        }
        location_opener opener(call, s);
        ACT_TRY(opened_location found, opener.open(at));
        account = found.account;
        out.container = found.container;
        out.path = found.path;
    }
    out.account = account->settings;
    out.account.warnings.clear();
    out.embedded = account->embedded;
    return out;
}

void choose_sizes(const options& given, stage& st, bool local) {
    auto chosen = [](std::uint64_t wanted, std::uint64_t otherwise) { return wanted ? wanted : otherwise; };
    st.sizes.large = chosen(given.large, local ? GiB : 256 * MiB);
    st.sizes.small_count = chosen(given.small_count, local ? 10'000 : 1'000);
    st.sizes.small_size = chosen(given.small_size, 4 * KiB);
    st.repeat = given.repeat > 0 ? given.repeat : local ? 3 : 1;
}

/// Makes do with the room that there is in a folder for `copies` of all files.
result<void> fit_into(const std::string& folder, std::uint64_t copies, invocation& call, stage& st) {
    const std::uint64_t room = room_in(folder);
    if (!shrink_to(st.sizes, copies, room)) return {};
    call.screen.problem(fmt::format("{} has room for {}: measuring with {} and {} of {}", folder,
                                    human_size(room), human_size(st.sizes.large),
                                    counted(st.sizes.small_count, "small file"),
                                    human_size(st.sizes.small_size)));
    if (copies * st.sizes.files() <= room) return {};
    return error(kind::disk_full, "there is too little room in " + folder, "make some, or try --folder");
}

result<void> choose_folder(invocation& call, stage& st) {
    // What is sent and what comes back; beside it what the store has of it, and its copy.
    const std::uint64_t copies = st.own_store ? 4 : 2;
    std::string base = call.world.absolute(call.given.folder);
    if (call.given.folder.empty()) {
        base = folder_with_room(call.world, copies * st.sizes.files());
    } else {
        ACT_TRY_VOID(file::stat_of(base));
    }
    ACT_TRY_VOID(fit_into(base, copies, call, st));
    ACT_TRY(st.folder, scratch::in(base));
    return {};
}

result<void> set_up(invocation& call, stage& st) {
    ACT_TRY(st.target.cluster, load_cluster(call, call.given.cluster));
    std::random_device random;
    const std::string unique = fmt::format("act-bench-{:08x}", random());
    st.own_store = call.words.empty() && st.target.cluster.builtin_local;
    found_place at;
    if (!st.own_store) {
        ACT_TRY(at, find_place(call, st.target.cluster));
    }
    const bool local = st.own_store || at.embedded;
    choose_sizes(call.given, st, local);
    std::string root;
    if (at.embedded) {
        ACT_TRY(root, default_store_root(call.world));
        ACT_TRY_VOID(fit_into(root, 2, call, st));
    }
    ACT_TRY_VOID(choose_folder(call, st));
    st.where = "an embedded store of its own";
    if (local) {
        if (st.own_store) root = st.folder->at("store");
        ACT_TRY(st.store, store_process::start(call.world, root, st.folder->at("store.log")));
        st.target.server = st.store->pid();
        at.account.name = store::emulator_account;
        at.account.key = secret(store::emulator_key);
        at.account.blob_endpoint = st.store->endpoint();
        if (st.own_store) at.container = "bench";
    }
    st.target.account = std::move(at.account);
    st.target.container = at.container;
    st.target.path = at.path.empty() ? unique : at.path + '/' + unique;
    return {};
}

/// True when it was not there.
result<bool> make_container(invocation& call, const bench_target& target, std::string& url) {
    session s(call, target.cluster);
    ACT_TRY(opened_account * account, s.account_at("bench", target.account));
    url = account->client->url({target.container, target.path});
    auto made = s.runtime().run(account->client->create_container(target.container, s.until()));
    if (made) return true;
    const error& e = made.error();
    // Who may not make containers may still use this one.
    if (e.code() == "ContainerAlreadyExists" || e.kind() == kind::permission) return false;
    return e;
}

result<void> delete_container(invocation& call, const bench_target& target) {
    session s(call, target.cluster);
    ACT_TRY(opened_account * account, s.account_at("bench", target.account));
    return s.runtime().run(account->client->delete_container(target.container, s.until()));
}

/// Undoes what is stored. With a stop of its own: the call's may have been requested.
void clean_up(invocation& call, stage& st, const std::set<std::string>& unfinished) {
    if (call.world.stop.requested()) call.screen.problem("interrupted; removing what was made");
    if (!st.own_store) {
        world calm(call.world);
        calm.stop = stop_source();
        invocation again{.verb = call.verb,
                         .called = call.called,
                         .given = call.given,
                         .words = {},
                         .world = calm,
                         .screen = call.screen};
        const patience limited(calm.stop, cleaning_time);
        auto gone = st.own_container ? delete_container(again, st.target)
                                     : bench_work::clear(again, st.target, unfinished);
        if (!gone) {
            call.screen.problem("left behind: what is below " + st.where + ": " + gone.error().describe());
            call.screen.detail("  remove it with `act rm --yes`, or it will be paid for");
        }
    }
    st.store.reset();
    st.folder.reset();
    set_last_words({});
}

double objects_rate(const measurement& m) {
    return static_cast<double>(m.seen.objects) / std::max(m.seen.seconds, 1e-9);
}
double mib_rate(const measurement& m) {
    return static_cast<double>(m.seen.bytes) / static_cast<double>(MiB) / std::max(m.seen.seconds, 1e-9);
}
bool by_bytes(std::string_view row) { return row.ends_with("-large"); }

void begin_lines(invocation& call, const stage& st) {
    if (call.given.json) {
        json_line line("bench");
        line.add("where", st.where).add("folder", st.folder->path()).add("large", st.sizes.large);
        line.add("small_count", st.sizes.small_count).add("small_size", st.sizes.small_size);
        call.screen.result(line.add("repeat", st.repeat).text());
    } else {
        call.screen.result(fmt::format(
            "{}: {}, {} of {}, files in {}; medians of {}", st.where, human_size(st.sizes.large),
            counted(st.sizes.small_count, "small file"), human_size(st.sizes.small_size),
            std::filesystem::path(st.folder->path()).parent_path().string(), counted(st.repeat, "round")));
    }
    call.screen.flush();
}

void run_line(invocation& call, std::string_view row, unsigned round, const measurement& m) {
    if (!call.given.json) return;
    json_line line("run");
    line.add("row", row).add("round", round).add("elapsed_s", m.seen.seconds);
    call.screen.result(line.text());
    call.screen.flush();
}

/// The one in the middle, with all that was seen of it.
const measurement& median(const std::vector<measurement>& all) {
    std::vector<const measurement*> sorted;
    for (const auto& m : all) sorted.push_back(&m);
    std::sort(sorted.begin(), sorted.end(),
              [](auto* a, auto* b) { return a->seen.seconds < b->seen.seconds; });
    return *sorted[(sorted.size() - 1) / 2];
}

json_line json_row(std::string_view row, const measurement& m, std::size_t rounds) {
    const finding why = limiting_factor(m.seen);
    const auto objects = static_cast<double>(std::max<std::uint64_t>(1, m.seen.objects));
    const auto gib = static_cast<double>(m.seen.bytes) / static_cast<double>(GiB);
    json_line line("row");
    line.add("row", row).add("rounds", rounds).add("objects", m.seen.objects).add("bytes", m.seen.bytes);
    line.add("elapsed_s", m.seen.seconds).add("mib_per_s", mib_rate(m)).add("objects_per_s", objects_rate(m));
    line.add("p50_ms", m.requests.times.at(0.5)).add("p90_ms", m.requests.times.at(0.9));
    line.add("p99_ms", m.requests.times.at(0.99)).add("cpu_s", m.seen.client_cpu);
    if (by_bytes(row)) {
        line.add("cpu_s_per_gib", m.seen.client_cpu / std::max(gib, 1e-12));
    } else {
        line.add("cpu_s_per_1000", m.seen.client_cpu / objects * 1000);
    }
    line.add("peak_bytes", m.peak).add("requests", m.requests.requests);
    line.add("requests_per_object", static_cast<double>(m.requests.requests) / objects);
    line.add("refused", m.requests.refused).add("in_flight", m.seen.in_flight());
    return line.add("limited_by", to_string(why.factor)).add("evidence", why.evidence);
}

std::string text_row(std::string_view row, const measurement& m) {
    const bool bulk = by_bytes(row);
    const auto objects = static_cast<double>(std::max<std::uint64_t>(1, m.seen.objects));
    const double cpu = bulk
                           ? m.seen.client_cpu /
                                 std::max(static_cast<double>(m.seen.bytes) / static_cast<double>(GiB), 1e-12)
                           : m.seen.client_cpu / objects * 1000;
    const std::string rate =
        bulk ? fmt::format("{:.0f} MiB/s", mib_rate(m)) : fmt::format("{:.0f}/s", objects_rate(m));
    return fmt::format("{:<15} {:>11} {:>8.2f} {:>8.2f} {:>8.2f} {:>6.2f} s/{:<5} {:>8} {:>9.3f}  {}", row,
                       rate, m.requests.times.at(0.5), m.requests.times.at(0.9), m.requests.times.at(0.99),
                       cpu, bulk ? "GiB" : "1000", human_size(m.peak),
                       static_cast<double>(m.requests.requests) / objects,
                       to_string(limiting_factor(m.seen).factor));
}

void table(invocation& call, const bench_work& work) {
    std::vector<std::string> reasons;
    bool first = true;
    for (const std::string_view row : bench_rows()) {
        const auto found = work.results().find(row);
        if (found == work.results().end()) continue;
        const measurement& m = median(found->second);
        if (call.given.json) {
            call.screen.result(json_row(row, m, found->second.size()).text());
            continue;
        }
        if (std::exchange(first, false)) {
            call.screen.result(fmt::format("\n{:<15} {:>11} {:>8} {:>8} {:>8} {:>14} {:>8} {:>9}  {}", "",
                                           "rate", "p50 ms", "p90 ms", "p99 ms", "client CPU", "memory",
                                           "requests", "limited by"));
        }
        call.screen.result(text_row(row, m));
        reasons.push_back(fmt::format("  {:<15} {}", row, limiting_factor(m.seen).evidence));
    }
    if (reasons.empty()) return;
    call.screen.result(
        "\nlatencies are those of requests, requests those of an object; the limits, because:");
    for (const auto& reason : reasons) call.screen.result(reason);
}

// For what dry runs foretell. A folder that cannot be written is no reason to fail what was measured.
void keep_rates(invocation& call, const stage& st, const bench_work& work) {
    bench_rates rates{.day = to_iso8601(now()).substr(0, 10)};
    for (const auto& [row, measured] : work.results()) {
        const measurement& m = median(measured);
        rates.rows[row] = by_bytes(row) ? mib_rate(m) : objects_rate(m);
    }
    auto folder = runs::state_folder(call.world.environment);
    if (!folder || rates.rows.empty()) return;
    const auto kept = keep_rates(*folder, rates_name(st.target.account, st.store != nullptr), rates);
    if (!kept) call.screen.problem("warning: the rates are not kept: " + kept.error().describe());
}

int summary_line(invocation& call, const bench_work* work, int code) {
    if (!call.given.json) return code;
    summary all;
    all.failed = code == 0 || code == exit_code(kind::stopped) ? 0 : 1;
    http::counters wire;
    auto add = [&](const measurement& m) {
        all.files += m.seen.objects;
        all.bytes += m.seen.bytes;
        wire.requests += m.requests.requests;
        wire.body_bytes_sent += m.requests.sent;
        wire.body_bytes_received += m.requests.received;
    };
    if (work) {
        for (const auto& [row, some] : work->results()) std::for_each(some.begin(), some.end(), add);
    }
    const double seconds = std::chrono::duration<double>(steady::now() - call.started).count();
    const json_line line = summary_json(call.verb.name, all, &wire, seconds);
    call.screen.result(line.text());
    return code;
}

int run(invocation& call) {
    if (call.words.size() > 1)
        return give_up(call, error(kind::usage, "`act bench` measures one place", "name one, or none"));
    auto rows = chosen_rows(call.given.only);
    if (!rows) return give_up(call, rows.error());
    stage st;
    if (auto ready = set_up(call, st); !ready) return give_up(call, ready.error());
    std::string url;
    auto made = make_container(call, st.target, url);
    if (!made) return give_up(call, made.error());
    st.own_container = *made;
    if (!st.own_store) st.where = url;
    set_last_words(fmt::format("act: ended at once; left behind: {}{}\n", st.folder->path(),
                               st.own_store ? "" : " and what is below " + url));
    begin_lines(call, st);

    bench_work work(
        call, st.target, st.sizes, st.folder->path(), std::move(*rows),
        [&](std::string_view row, unsigned round, const measurement& m) { run_line(call, row, round, m); });
    result<void> outcome = work.make_files();
    for (unsigned i = 1; outcome && i <= st.repeat; ++i) outcome = work.round(i);
    call.screen.status({});
    table(call, work);
    call.screen.flush();
    if (outcome) keep_rates(call, st, work);
    int code = 0;
    if (!outcome) {
        code = exit_code(outcome.error().kind());
        if (outcome.error().kind() != kind::stopped) tell(call, outcome.error());
    }
    clean_up(call, st, work.unfinished());
    return summary_line(call, &work, code);
}

constexpr example examples[] = {
    {"act bench", "an embedded store: what act itself can do here"},
    {"act bench eu:data", "the account that holds data of cluster eu"},
    {"act bench --only large --large 4GiB eu:data", "one large file up, down and copied"},
    {"act bench --only put,get --repeat 5 eu:data", "how long one tiny object takes"},
    {"act bench --folder . eu:data", "with the files on this disk"},
    {"act bench --json | jq 'select(.type == \"row\")'", "for a script"},
};

}  // namespace

constinit const verb bench_verb{
    .name = "bench",
    .usage = "[PATH|CLUSTER:PATH|URL]",
    .sentence = "Measure an account, and say what limits it.",
    .takes = takes::any,
    .run = run,
    .examples = examples,
    .note =
        "One large file and many small ones go up, come down and are copied within the account, the small\n"
        "ones are listed and deleted, and single requests of 1 KiB are timed. Everything is stored below\n"
        "PATH/act-bench-RANDOM/ and removed at the end, also after Ctrl-C (a second one ends at once and "
        "says\n"
        "what is left). With nothing configured, a store is started as a process of its own, so that the "
        "CPU\n"
        "and memory shown are the client's alone, and nothing of yours is touched. An account may charge "
        "for\n"
        "requests and for what is downloaded. The rates are kept: --dry-run of other verbs tells the time by "
        "them.",
};

}  // namespace act::cli

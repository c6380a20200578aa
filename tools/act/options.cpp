#include "tools/act/options.hpp"

#include <charconv>
#include <limits>

#include <fmt/format.h>

#include "engine/core/units.hpp"

namespace act::cli {

namespace {

using outcome = result<void>;

error bad_value(const option& o, std::string_view value, std::string_view wanted) {
    return error(kind::usage, fmt::format("{} cannot be `{}`", o.name, value),
                 fmt::format("give {}", wanted));
}

template <bool options::*Field>
outcome flag(options& to, const option&, std::string_view) {
    to.*Field = true;
    return {};
}

template <auto Field>
outcome text(options& to, const option&, std::string_view value) {
    to.*Field = std::string(value);
    return {};
}

template <auto Field, std::uint64_t Least, std::uint64_t Most>
outcome number(options& to, const option& o, std::string_view value) {
    std::uint64_t parsed = 0;
    auto [end, problem] = std::from_chars(value.data(), value.data() + value.size(), parsed);
    if (problem != std::errc() || end != value.data() + value.size() || parsed < Least || parsed > Most) {
        return bad_value(o, value, fmt::format("a whole number from {} to {}", Least, Most));
    }
    using field = std::remove_reference_t<decltype(to.*Field)>;
    if constexpr (std::is_integral_v<field>) {
        to.*Field = static_cast<field>(parsed);
    } else {
        to.*Field = static_cast<typename field::value_type>(parsed);
    }
    return {};
}

template <std::uint64_t options::*Field, std::uint64_t Least, std::uint64_t Most>
outcome size(options& to, const option& o, std::string_view value) {
    auto parsed = parse_size(value);
    if (!parsed || *parsed < Least || *parsed > Most) {
        return bad_value(
            o, value,
            fmt::format("a size from {} to {}, such as 64MiB", human_size(Least), human_size(Most)));
    }
    to.*Field = *parsed;
    return {};
}

// A SAS may live for ten years, which is more than anybody should want.
template <double options::*Field>
outcome duration(options& to, const option& o, std::string_view value) {
    auto parsed = parse_duration(value);
    if (!parsed || *parsed < 1 || *parsed > 3650 * 86400.0) {
        return bad_value(o, value, "a time from 1s to 3650d, such as 12h or 7d");
    }
    to.*Field = *parsed;
    return {};
}

outcome cap_operations(options& to, const option& o, std::string_view value) {
    const auto parsed = parse_rate(value);
    if (!parsed || *parsed < 0.1 || *parsed > 1e9)
        return bad_value(o, value, "a rate of at least 0.1/s, such as 500/s");
    to.cap_operations = *parsed;
    return {};
}

// The unit, and so the name, is azcopy's.
outcome cap_megabits(options& to, const option& o, std::string_view value) {
    const auto parsed = parse_rate(value);
    if (!parsed || *parsed < 0.1 || *parsed > 1e7)
        return bad_value(o, value, "megabits a second, at least 0.1, such as 200");
    to.cap_bytes = *parsed * 1e6 / 8;
    return {};
}

outcome latency(options& to, const option& o, std::string_view value) {
    const auto parsed = parse_duration(value);
    if (!parsed || *parsed > 60) return bad_value(o, value, "a time up to 60s, such as 30ms");
    to.network.latency = std::chrono::duration_cast<steady::duration>(std::chrono::duration<double>(*parsed));
    return {};
}

outcome bandwidth(options& to, const option& o, std::string_view value) {
    auto read = store::read_bandwidth(to.network, value);
    if (!read) return error(read.error()).in(o.name);
    return {};
}

outcome limit(options& to, const option& o, std::string_view value) {
    const auto parsed = parse_rate(value);
    if (!parsed || *parsed <= 0 || *parsed > 1e9) return bad_value(o, value, "a rate such as 500/s");
    to.network.limit = *parsed;
    return {};
}

outcome faults(options& to, const option& o, std::string_view value) {
    auto read = store::read_faults(to.network.faults, value);
    if (!read) return error(read.error()).in(o.name);
    return {};
}

outcome fault_seed(options& to, const option& o, std::string_view value) {
    auto& seed = to.network.faults.seed;
    auto [end, problem] = std::from_chars(value.data(), value.data() + value.size(), seed);
    if (problem != std::errc() || end != value.data() + value.size())
        return bad_value(o, value, "a whole number");
    return {};
}

outcome log_level(options& to, const option& o, std::string_view value) {
    using log::level;
    static constexpr std::pair<std::string_view, level> levels[] = {{"error", level::error},
                                                                    {"warning", level::warning},
                                                                    {"info", level::info},
                                                                    {"debug", level::debug},
                                                                    {"trace", level::trace}};
    for (auto [name, level] : levels) {
        if (name == value) {
            to.log_level = level;
            return {};
        }
    }
    return bad_value(o, value, "one of error, warning, info, debug, trace");
}

outcome dropped(options& to, const option& o, std::string_view) {
    to.warnings.push_back(fmt::format("{} does nothing here, as it did nothing in ACT", o.name));
    return {};
}

outcome not_a_dry_run(options& to, const option& o, std::string_view) {
    to.warnings.push_back(
        fmt::format("{} never kept a job from being submitted and is ignored; use --dry-run", o.name));
    return {};
}

constexpr std::string_view data_verbs = "upload download";
constexpr std::string_view data_verbs_and_rm = "upload download rm";

constexpr option table[] = {
    {"--cluster", "-c", "NAME", "", "the cluster file aux_data/aml/NAME.yaml", text<&options::cluster>},
    {"--from_cluster", "-f", "NAME", "", "with upload: copy from that cluster's storage",
     text<&options::from_cluster>},
    {"--json", "", "", "", "one JSON object a line, a summary last", flag<&options::json>},
    {"--threads", "", "N", "", "event loops (default: one per core, at most 16)",
     number<&options::threads, 1, 256>},
    {"--memory", "", "SIZE", "", "bytes held in memory at once (default 256MiB)",
     size<&options::memory, 16 * MiB, 1024 * GiB>},
    {"--concurrency", "", "N", "", "requests in flight (default: found out, from 32 up to 256)",
     number<&options::concurrency, 1, 4096>},
    {"--log-level", "", "LEVEL", "", "error, warning, info, debug or trace", log_level},
    {"--help", "-h", "", "", "this text", flag<&options::help>},
    {"--version", "", "", "", "the version", flag<&options::version>},

    {"--dry-run", "", "", "upload download rm init submit", "show what would be done and do nothing",
     flag<&options::dry_run>},
    {"--yes", "-y", "", "rm", "remove without asking", flag<&options::yes>},
    {"--force", "", "", data_verbs, "transfer also what looks unchanged", flag<&options::force>},
    {"--hash", "", "", data_verbs, "compare by content instead of size and time", flag<&options::hash>},
    {"--cap-ops", "", "N/s", data_verbs_and_rm, "send no more requests a second to one account",
     cap_operations},
    {"--cap-mbps", "", "N", data_verbs_and_rm, "move no more megabits a second to and from one account",
     cap_megabits},
    {"--block-size", "", "SIZE", data_verbs, "size of the parts of large files (default 8MiB)",
     size<&options::block_size, 64 * KiB, 4000 * MiB>},

    {"--prefix", "", "", "ls rm", "PATH is a plain string prefix, as in ACT", flag<&options::raw_prefix>},
    {"--one-level", "", "", "ls", "fold what is below the next slash", flag<&options::one_level>},
    {"--expires", "", "TIME", "url", "how long the link works (default 30d)", duration<&options::expires>},

    {"--root", "", "DIR", "serve", "the folder that holds the data", text<&options::root>},
    {"--listen", "", "HOST:PORT", "serve", "where to listen (default 127.0.0.1:10000; port 0 picks one)",
     text<&options::listen>},
    {"--account", "", "NAME", "serve", "the account (default: the emulator's, devstoreaccount1)",
     text<&options::account>},
    {"--key", "", "KEY", "serve",
     "its key: base64, or better env:NAME or file:PATH (default: the emulator's)", text<&options::key>},
    {"--tls-cert", "", "FILE", "serve", "certificate chain (PEM); with --tls-key: serve https",
     text<&options::tls_certificate>},
    {"--tls-key", "", "FILE", "serve", "private key (PEM)", text<&options::tls_key>},
    {"--latency", "", "TIME", "serve", "begin each answer no earlier than this after its request", latency},
    {"--bandwidth", "", "RATE[:account]", "serve", "of each connection, or of all together (60MiB/s)",
     bandwidth},
    {"--limit", "", "N/s", "serve", "answer more requests than this with 503 ServerBusy", limit},
    {"--fault", "", "NAME=VALUE,...", "serve", "imitate faults; see above", faults},
    {"--fault-seed", "", "N", "serve", "which requests meet the faults (default 1)", fault_seed},
    {"--admin", "", "HOST:PORT", "serve", "counters, and the limit at run time; see above",
     text<&options::admin>},

    {"--wait", "", "", "submit", "stream the output and exit with the command's own code",
     flag<&options::wait>},
    {"--num_gpu", "-n", "N", "", "with submit: GPUs, or processes on a machine without",
     number<&options::num_gpu, 0, 1'000'000>},
    {"--resubmit_to", "-rt", "NAME", "", "", text<&options::resubmit_to>},
    {"--compile_args", "-ca", "TEXT", "", "", text<&options::compile_args>},
    {"-single", "", "", "submit", "one process per node", flag<&options::single>},
    {"-hold", "", "", "submit", "keep the node after a failure", flag<&options::hold>},
    {"--max", "", "N", "query", "list at most N runs", number<&options::max, 1, 1'000'000>},
    {"-no-wl", "", "", "", "", flag<&options::no_logs>},
    {"-no-dt", "", "", "query", "do not ask the back end: what is known here", flag<&options::no_details>},
    {"-no-lf", "", "", "", "", flag<&options::no_full_logs>},

    {"--param", "-p", "TEXT", "", "", dropped},
    {"--with_gpu", "-no-wg", "", "", "", dropped},
    {"--with_meta", "-no-m", "", "", "", dropped},
    {"--real_submit", "-no-s", "", "", "", not_a_dry_run},
    {"--inject_collection", "-ic", "TEXT", "", "", dropped},
};

}  // namespace

// ACT took its own options with every verb; they stay harmless.
bool option::fits(std::string_view verb) const { return verbs.empty() || name[1] != '-' || belongs_to(verb); }

bool option::belongs_to(std::string_view verb) const {
    for (std::size_t at = 0; (at = verbs.find(verb, at)) != std::string_view::npos; at += verb.size()) {
        bool starts = at == 0 || verbs[at - 1] == ' ';
        bool ends = at + verb.size() == verbs.size() || verbs[at + verb.size()] == ' ';
        if (starts && ends) return true;
    }
    return false;
}

std::span<const option> all_options() { return table; }

}  // namespace act::cli

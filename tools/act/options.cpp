#include "tools/act/options.hpp"

#include "tools/act/option_values.hpp"
#include "transfer/blob/encryption.hpp"

namespace act::cli {

namespace {

// KEY=VALUE. Names of metadata and headers compare without case; those of tags do not.
template <std::map<std::string, std::string> plan::property_changes::*Field, bool LowerCase>
outcome entry(options& to, const option& o, std::string_view value) {
    const std::size_t equals = value.find('=');
    if (equals == 0 || equals == std::string_view::npos)
        return bad_value(o, value, "KEY=VALUE, or KEY= to take it away");
    std::string key(value.substr(0, equals));
    for (char& c : key) {
        if (LowerCase && c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    }
    (to.changes.*Field)[key] = value.substr(equals + 1);
    return {};
}

outcome job_variable(options& to, const option& o, std::string_view value) {
    const std::size_t equals = value.find('=');
    const std::string name(value.substr(0, equals));
    if (name.empty()) return bad_value(o, value, "NAME=VALUE, or NAME for the value that it has here");
    if (equals == std::string_view::npos) {
        to.job_env[name] = std::nullopt;
    } else {
        to.job_env[name] = std::string(value.substr(equals + 1));
    }
    return {};
}

outcome parameter(options& to, const option&, std::string_view value) {
    to.sweep.emplace_back(value);
    return {};
}

outcome tier(options& to, const option& o, std::string_view value) {
    using word = std::pair<std::string_view, std::string_view>;
    static constexpr word words[] = {
        {"Hot", "Hot"}, {"Cool", "Cool"}, {"Cold", "Cold"}, {"Archive", "Archive"}};
    ACT_TRY(to.changes.tier, one_of(o, value, words));
    return {};
}

outcome rehydrate(options& to, const option& o, std::string_view value) {
    using word = std::pair<std::string_view, std::string_view>;
    static constexpr word words[] = {{"Standard", "Standard"}, {"High", "High"}};
    ACT_TRY(to.rehydrate, one_of(o, value, words));
    return {};
}

outcome check_md5(options& to, const option& o, std::string_view value) {
    using check = ops::md5_check;
    static constexpr std::pair<std::string_view, check> words[] = {
        {"no", check::no},
        {"log", check::log},
        {"fail", check::fail},
        {"require", check::require},
        // azcopy's names
        {"NoCheck", check::no},
        {"LogOnly", check::log},
        {"FailIfDifferent", check::fail},
        {"FailIfDifferentOrMissing", check::require}};
    ACT_TRY(to.check_md5, one_of(o, value, words, 4));
    return {};
}

outcome blob_type(options& to, const option& o, std::string_view value) {
    using type = blob::blob_type;
    static constexpr std::pair<std::string_view, type> words[] = {{"block", type::block},
                                                                  {"page", type::page},
                                                                  {"append", type::append},
                                                                  // azcopy's names
                                                                  {"BlockBlob", type::block},
                                                                  {"PageBlob", type::page},
                                                                  {"AppendBlob", type::append}};
    ACT_TRY(to.blob_type, one_of(o, value, words, 3));
    return {};
}

outcome scope(options& to, const option& o, std::string_view value) {
    if (!blob::check_scope(value))
        return bad_value(o, value, "3 to 63 lower-case letters, digits and single hyphens between them");
    to.encryption_scope = std::string(value);
    return {};
}

outcome overwriting(options& to, const option& o, std::string_view value) {
    using plan::overwrite;
    static constexpr std::pair<std::string_view, overwrite> words[] = {{"different", overwrite::different},
                                                                       {"always", overwrite::always},
                                                                       {"newer", overwrite::newer},
                                                                       {"never", overwrite::never}};
    ACT_TRY(to.overwrite, one_of(o, value, words));
    return {};
}

outcome most_deleted(options& to, const option& o, std::string_view value) {
    const bool percent = value.ends_with('%');
    std::string_view digits = percent ? value.substr(0, value.size() - 1) : value;
    std::uint64_t parsed = 0;
    auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), parsed);
    const bool whole = problem == std::errc() && end == digits.data() + digits.size() && !digits.empty();
    if (!whole || (percent && parsed > 100)) return bad_value(o, value, "a count, as 100, or a share, as 5%");
    if (percent) {
        to.most_deleted_percent = static_cast<double>(parsed);
    } else {
        to.most_deleted = parsed;
    }
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
    const auto parsed = value == "0" ? 0.0 : duration_with_unit(value);
    if (!parsed || *parsed > 60) return bad_value(o, value, "a time up to 60s, such as 30ms");
    to.network.latency = std::chrono::duration_cast<steady::duration>(std::chrono::duration<double>(*parsed));
    return {};
}

outcome bandwidth(options& to, const option& o, std::string_view value) {
    auto read = store::read_bandwidth(to.network, value);
    if (!read) return error(read.error()).in(o.name);
    return {};
}

outcome versioning(options& to, const option& o, std::string_view value) {
    static constexpr std::pair<std::string_view, bool> words[] = {{"on", true}, {"off", false}};
    ACT_TRY(to.versioning, one_of(o, value, words));
    return {};
}

outcome request_limit(options& to, const option& o, std::string_view value) {
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

outcome run_state(options& to, const option& o, std::string_view value) {
    using runs::state;
    static constexpr std::pair<std::string_view, state> words[] = {{"queued", state::queued},
                                                                   {"running", state::running},
                                                                   {"completed", state::completed},
                                                                   {"failed", state::failed},
                                                                   {"canceled", state::canceled}};
    ACT_TRY(to.run_state, one_of(o, value, words));
    return {};
}

outcome log_level(options& to, const option& o, std::string_view value) {
    using log::level;
    static constexpr std::pair<std::string_view, level> words[] = {{"error", level::error},
                                                                   {"warning", level::warning},
                                                                   {"info", level::info},
                                                                   {"debug", level::debug},
                                                                   {"trace", level::trace}};
    ACT_TRY(to.log_level, one_of(o, value, words));
    return {};
}

outcome sort_key(options& to, const option& o, std::string_view value) {
    using order = options::order;
    static constexpr std::pair<std::string_view, order> words[] = {
        {"name", order::name}, {"size", order::size}, {"time", order::time}};
    ACT_TRY(to.sort, one_of(o, value, words));
    return {};
}

outcome snapshot_fate(options& to, const option& o, std::string_view value) {
    using fate = options::snapshot_fate;
    static constexpr std::pair<std::string_view, fate> words[] = {
        {"include", fate::include}, {"only", fate::only}, {"refuse", fate::refuse}};
    ACT_TRY(to.delete_snapshots, one_of(o, value, words));
    return {};
}

outcome version_fate(options& to, const option& o, std::string_view value) {
    using fate = ops::remove_options::version_fate;
    static constexpr std::pair<std::string_view, fate> words[] = {{"old", fate::old}, {"all", fate::all}};
    ACT_TRY(to.delete_versions, one_of(o, value, words));
    return {};
}

outcome delimiter(options& to, const option& o, std::string_view value) {
    if (value.empty()) return bad_value(o, value, "one or more characters, such as /");
    to.delimiter = std::string(value);
    return {};
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

constexpr std::string_view select_verbs = "upload download cp sync check rm undelete";
constexpr std::string_view data_verbs = "upload download cp sync";
constexpr std::string_view listed_verbs = "upload download cp rm undelete set cat";
constexpr std::string_view moving_verbs = "upload download cp mv sync";
constexpr std::string_view attribute_verbs = "set upload cp sync";
constexpr std::string_view capped_verbs = "upload download cp mv sync rm undelete run cap";

constexpr option table[] = {
    {"--cluster", "-c", "NAME", "", "the cluster file aux_data/aml/NAME.yaml",
     cluster_name<&options::cluster>},
    {"--from_cluster", "-f", "NAME", "upload", "copy from that cluster's storage instead of from here",
     cluster_name<&options::from_cluster>},
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

    {"--dry-run", "", "",
     "upload download cp mv sync mkcontainer set rm undelete run init submit resubmit "
     "monitor ssh prune",
     "show what would be done and do nothing", flag<&options::dry_run>},
    {"--yes", "-y", "", "rm submit", "do not ask: remove; submit a sweep of more than 1000 runs",
     flag<&options::yes>},
    {"--delete-snapshots", "", "FATE", "rm",
     "include (default), only (the blobs stay) or refuse (those that have any)", snapshot_fate},
    {"--delete-versions", "", "WHICH", "rm",
     "old (previous versions; the blobs stay) or all (the blobs, and every version)", version_fate},
    {"--force", "", "", data_verbs, "transfer also what looks unchanged: --overwrite always",
     flag<&options::force>},
    {"--overwrite", "", "WHEN", moving_verbs,
     "replace what is there: different (the default), always, newer, never", overwriting},
    {"--hash", "", "", "upload download cp sync check", "compare by content instead of size and time",
     flag<&options::hash>},
    {"--block-size", "", "SIZE", "upload download cp mv sync",
     "size of the parts of large files (default 8MiB)", size<&options::block_size, 64 * KiB, 4000 * MiB>},

    {"--blob-type", "", "TYPE", "upload cp mv sync", "what files become: block (the default), page or append",
     blob_type},
    {"--customer-key", "", "", "upload download cp mv sync check cat set",
     "encrypt, and open, blobs with the key in CPK_ENCRYPTION_KEY (base64)", flag<&options::customer_key>},
    {"--encryption-scope", "", "NAME", "upload cp mv sync mkcontainer",
     "the encryption scope of new blobs; mkcontainer: of all that come without one", scope},
    {"--only-scope", "", "", "mkcontainer", "with --encryption-scope: let nothing in under another one",
     flag<&options::only_scope>},
    {"--put-md5", "", "", "upload cp mv sync", "store the MD5 of each uploaded file's content with its blob",
     flag<&options::put_md5>},
    {"--check-md5", "", "MODE", "download cat cp mv sync",
     "a blob's stored MD5: no, log, fail, require (default: fail for others' blobs)", check_md5},
    {"--decompress", "", "", "download cat cp", "unpack blobs whose Content-Encoding is gzip or deflate",
     flag<&options::decompress>},
    {"--preserve-symlinks", "", "", "upload download cp mv sync check",
     "symbolic links travel as links, not as what they lead to", flag<&options::keep_links>},
    {"--follow-symlinks", "", "", "upload download cp mv sync check",
     "send what they lead to (the default); down: write through them", flag<&options::follow_links>},
    {"--unsafe-symlinks", "", "", "download cp mv sync",
     "with --preserve-symlinks: make also links that are absolute or lead out", flag<&options::unsafe_links>},
    {"--preserve-owner", "", "", moving_verbs, "record user and group; on download, restore them",
     flag<&options::keep_owner>},
    {"--preserve-permissions", "", "", "upload cp mv sync",
     "store to store, both hierarchical: keep owner, group and ACL", flag<&options::keep_permissions>},
    {"--no-guess-content-type", "", "", "upload cp mv sync",
     "do not tell content types by the extensions of names", flag<&options::no_guess>},

    {"--cap-ops", "", "N/s", capped_verbs, "send no more requests a second to one account", cap_operations},
    {"--cap-mbps", "", "N", capped_verbs, "move no more megabits a second to and from one account",
     cap_megabits},
    {"--off", "", "", "cap", "lift the caps", flag<&options::off>},

    {"--no-hedge", "", "", "upload download cp mv sync check cat ls rm run bench",
     "never send a slow request once more beside itself", flag<&options::no_hedge>},

    {"--delete", "", "", "sync", "delete at the destination what the source does not have",
     flag<&options::delete_extras>},
    {"--max-delete", "", "N|P%", "sync", "delete nothing when it would be more than that", most_deleted},

    {"--include", "", "GLOB", select_verbs, "what takes part, as in .gitignore: '*.jpg', 'train/**'",
     choose<options::choice::how::include>},
    {"--exclude", "", "GLOB", select_verbs, "what does not; the last rule that matches decides",
     choose<options::choice::how::exclude>},
    {"--include-regex", "", "RE", select_verbs, "the same by an expression of grep -E",
     choose<options::choice::how::include_regex>},
    {"--exclude-regex", "", "RE", select_verbs, "", choose<options::choice::how::exclude_regex>},
    {"--include-from", "", "FILE", select_verbs, "a glob a line; '!' turns it around, '#' is a comment",
     choose<options::choice::how::include_from>},
    {"--exclude-from", "", "FILE", select_verbs, "", choose<options::choice::how::exclude_from>},
    {"--min-size", "", "SIZE", select_verbs, "only files of at least this size", limit<&options::least_size>},
    {"--max-size", "", "SIZE", select_verbs, "only files of at most this size", limit<&options::most_size>},
    {"--newer-than", "", "TIME", select_verbs, "only what changed since: a date, or an age such as 7d",
     moment<&options::newer_than>},
    {"--older-than", "", "TIME", "upload download cp sync check rm undelete prune",
     "only what did not change since; with prune: runs that ended before (default 30d)",
     moment<&options::older_than>},

    {"--from-list", "", "FILE", listed_verbs, "only what FILE (-: standard input) names, one a line",
     file_name<&options::from_list>},
    {"--null", "-0", "", listed_verbs, "the list's names end with NUL, as those of find -print0",
     flag<&options::null_separated>},
    {"--manifest-out", "", "FILE", data_verbs, "write a line for each object: name, size, ETag, hash",
     output_name<&options::manifest_out>},
    {"--manifest-in", "", "FILE", "upload cp sync",
     "believe FILE, of --manifest-out, instead of listing the destination", file_name<&options::manifest_in>},
    {"--failed-out", "", "FILE", "upload download cp mv sync rm undelete",
     "write the items that failed, as a list for --from-list", output_name<&options::failed_out>},
    {"--manifest", "", "FILE", "check", "compare PATH with what --manifest-out wrote",
     file_name<&options::manifest>},
    {"--extra", "", "", "check", "with --manifest: tell also what it does not name", flag<&options::extra>},

    {"--prefix", "", "", "ls rm undelete", "PATH is a plain string prefix, as in ACT",
     flag<&options::raw_prefix>},
    {"--one-level", "", "", "ls", "fold what is below the next slash", flag<&options::one_level>},
    {"--offset", "", "SIZE", "cat", "begin so many bytes after the start of each",
     size<&options::offset, 0, ~0ull>},
    {"--count", "", "SIZE", "cat", "at most so many bytes of each", size<&options::count, 1, ~0ull>},
    {"--tier", "", "TIER", attribute_verbs, "Hot, Cool, Cold or Archive", tier},
    {"--rehydrate-priority", "", "PRIORITY", "set",
     "out of the archive tier: Standard (up to 15 hours) or High", rehydrate},
    {"--metadata", "", "KEY=VALUE", attribute_verbs, "an entry of the metadata (several: give it again)",
     entry<&plan::property_changes::metadata, true>},
    {"--header", "", "KEY=VALUE", attribute_verbs,
     "content-type, -encoding, -language, -disposition, or cache-control",
     entry<&plan::property_changes::headers, true>},
    {"--tag", "", "KEY=VALUE", attribute_verbs, "an index tag", entry<&plan::property_changes::tags, false>},
    {"--delimiter", "", "TEXT", "ls", "fold what is behind the next TEXT", delimiter},
    {"--long", "-l", "", "ls", "type, tier, checksum (or ETag) and state of each as well",
     flag<&options::details>},
    {"--sort", "", "KEY", "ls",
     "by name, size or time: largest and newest first; kept in memory until the end", sort_key},
    {"--reverse", "", "", "ls", "the other way round; by name if there is no --sort",
     flag<&options::reverse>},
    {"--snapshots", "", "", "ls", "each blob's snapshots as well", flag<&options::snapshots>},
    {"--versions", "", "", "ls", "each blob's earlier versions as well", flag<&options::versions>},
    {"--deleted", "", "", "ls", "what was deleted and can be brought back, and nothing else",
     flag<&options::deleted>},
    {"--past", "", "", "undelete", "also deleted snapshots and versions of blobs that are there",
     flag<&options::past>},
    {"--bytes", "", "", "ls du tree", "exact sizes", flag<&options::exact_sizes>},
    {"--depth", "", "N", "du tree", "show folders down to this level (du: default 1)",
     number<&options::depth, 0, 1'000'000>},
    {"--expires", "", "TIME", "url", "how long the link works (default 30d)", duration<&options::expires>},

    {"--jobs", "", "N", "run", "commands at a time (default 16)", number<&options::jobs, 1, 256>},
    {"--large", "", "SIZE", "bench",
     "the large file (default 1GiB; 256MiB with an account that is not local)",
     size<&options::large, 1, 100 * TiB>},
    {"--small-count", "", "N", "bench", "small files (default 10000; 1000)",
     number<&options::small_count, 1, 10'000'000>},
    {"--small-size", "", "SIZE", "bench", "of each (default 4KiB)", size<&options::small_size, 1, GiB>},
    {"--repeat", "", "N", "bench", "rounds; the medians count (default 3; 1)",
     number<&options::repeat, 1, 1000>},
    {"--only", "", "NAME,...", "bench", "these rows, or those with this in their name: large, copy, get",
     text<&options::only>},
    {"--folder", "", "DIR", "bench", "where its files are (default: in memory, /dev/shm, if there is room)",
     text<&options::folder>},

    {"--root", "", "DIR", "serve", "the folder that holds the data", text<&options::root>},
    {"--listen", "", "HOST:PORT", "serve", "where to listen (default 127.0.0.1:10000; port 0 picks one)",
     text<&options::listen>},
    {"--account", "", "NAME", "serve", "the account (default: the emulator's, devstoreaccount1)",
     text<&options::account>},
    {"--key", "", "KEY", "serve",
     "its key: base64, or better env:NAME or file:PATH (default: the emulator's)", text<&options::key>},
    {"--bearer-token-file", "", "FILE", "serve",
     "also let in, as the account's owner, who shows the access token in FILE",
     text<&options::bearer_token_file>},
    {"--tls-cert", "", "FILE", "serve", "certificate chain (PEM); with --tls-key: serve https",
     text<&options::tls_certificate>},
    {"--tls-key", "", "FILE", "serve", "private key (PEM)", text<&options::tls_key>},
    {"--soft-delete", "", "DAYS", "serve", "from now on keep what is deleted for 1 to 365 days; 0: do not",
     number<&options::soft_delete_days, 0, 365>},
    {"--versioning", "", "on|off", "serve", "from now on keep what is overwritten or deleted as a version",
     versioning},
    {"--hierarchical", "", "", "serve", "an account with a hierarchical namespace; see above",
     flag<&options::hierarchical>},
    {"--latency", "", "TIME", "serve", "begin each answer no earlier than this after its request", latency},
    {"--bandwidth", "", "RATE[:account]", "serve", "of each connection, or of all together (60MiB/s)",
     bandwidth},
    {"--limit", "", "N/s", "serve", "answer more requests than this with 503 ServerBusy", request_limit},
    {"--fault", "", "NAME=VALUE,...", "serve", "imitate faults; see above", faults},
    {"--fault-seed", "", "N", "serve", "which requests meet the faults (default 1)", fault_seed},
    {"--admin", "", "HOST:PORT", "serve", "counters, and the limit at run time; see above",
     text<&options::admin>},

    {"--wait", "", "", "submit", "stream the output and exit with the command's own code",
     flag<&options::wait>},
    {"--follow", "", "", "submit", "the same", flag<&options::wait>},
    {"--shell", "", "LINE", "submit local", "instead of COMMAND: a line for the shell, 'a | b'",
     text<&options::shell_line>},
    {"--init", "", "", "submit", "pack the code first, as `act init` does (nothing new: nothing to do)",
     flag<&options::pack_first>},
    {"--env", "", "NAME[=VALUE]", "submit local",
     "a variable of the command; alone: as it is set here (repeatable)", job_variable},
    {"--no-init", "", "", "local", "with the code of the last `act init`, without packing it now",
     flag<&options::as_packed>},
    {"--keep", "", "", "local", "leave the tree of the run, and say where it is", flag<&options::keep>},
    {"--undelivered", "", "", "prune", "also outputs and logs of RUN... that did not get to the store",
     flag<&options::undelivered>},
    {"--no-docker", "", "", "local", "outside of the cluster's image", flag<&options::no_docker>},
    {"--name", "", "TEXT", "submit query", "what to call the run; with query: only runs of this name",
     text<&options::run_name>},
    {"--experiment", "", "NAME", "submit", "instead of the cluster's experiment_name",
     text<&options::experiment>},
    {"--sweep", "", "NAME=VALUES", "submit",
     "a run for each: lr=0.1,0.01, seed=1..5, n=0..100..25 (repeatable)", parameter},
    {"--sweep-file", "", "FILE", "submit", "the same from a .csv with a header, or a .yaml list of mappings",
     file_name<&options::sweep_file>},
    {"--max-parallel", "", "N", "submit", "at most N of the runs at a time; the others wait",
     number<&options::max_parallel, 1, 1'000'000>},
    {"--num_gpu", "-n", "N", "", "with submit and local: GPUs, or processes on a machine without",
     number<&options::num_gpu, 0, 1'000'000>},
    {"--resubmit_to", "-rt", "NAME", "", "with resubmit: the cluster that the run goes to",
     cluster_name<&options::resubmit_to>},
    {"--compile_args", "-ca", "TEXT", "", "", text<&options::compile_args>},
    {"-single", "", "", "submit", "one process per node", flag<&options::single>},
    {"-hold", "", "", "submit", "keep the node after a failure", flag<&options::hold>},
    {"--state", "", "STATE", "query", "only runs that are queued, running, completed, failed or canceled",
     run_state},
    {"--since", "", "TIME", "query monitor", "only runs submitted since: a date, or an age such as 2d",
     moment<&options::since>},
    {"--text", "", "TEXT", "query", "only runs with this in command, name, sweep point, reason or errors",
     text<&options::run_text>},
    {"--group", "", "GROUP", "query wait abort resubmit monitor parse", "the runs of a sweep",
     group_name<&options::run_group>},
    {"--follow", "-f", "", "logs", "go on until the run ends", flag<&options::wait>},
    {"--rank", "", "N", "logs", "of another process than the first", number<&options::rank, 0, 1'000'000>},
    {"--fresh", "", "", "resubmit", "with the code of the last `act init` instead of the run's own",
     flag<&options::fresh>},
    {"--retries", "", "N", "monitor", "try a run again at most N times (default 2)",
     number<&options::retries, 0, 1000>},
    {"--watch", "", "", "monitor", "go on when all runs have ended", flag<&options::watch>},
    {"--max", "", "N", "query blame", "list at most N runs", number<&options::max, 1, 1'000'000>},
    {"-no-wl", "", "", "query", "no lines of logs", flag<&options::no_logs>},
    {"-no-dt", "", "", "query summary blame", "do not ask the back end: what is known here",
     flag<&options::no_details>},
    {"-no-lf", "", "", "", "", flag<&options::no_full_logs>},

    {"--param", "-p", "TEXT", "", "", dropped},
    {"--with_gpu", "-no-wg", "", "", "", dropped},
    {"--with_meta", "-no-m", "", "", "", dropped},
    {"--real_submit", "-no-s", "", "", "", not_a_dry_run},
    {"--inject_collection", "-ic", "TEXT", "", "", dropped},
};

}  // namespace

// ACT took its own options with every verb; those that change nothing but how a job runs stay harmless. Not
// so -f: who gives a cluster with `rm` means that one.
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

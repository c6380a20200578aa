#include "tools/act/report.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "engine/core/log.hpp"
#include "engine/core/secret.hpp"
#include "engine/core/units.hpp"
#include "engine/core/utf8.hpp"
#include "engine/http/client.hpp"
#include "tools/act/json.hpp"
#include "tools/act/progress_bar.hpp"
#include "tools/act/screen.hpp"
#include "tools/act/text.hpp"
#include "tools/act/world.hpp"

namespace act::cli {

namespace {

constexpr std::size_t paths_shown = 5;
constexpr unsigned told_at_once = 3;
// What fails sooner than this is told at the end, which is near.
constexpr double worth_telling_at_once = 2;

double seconds_since(steady::time_point start) {
    return std::chrono::duration<double>(steady::now() - start).count();
}

// The shell line that does the same again.
std::string again(const invocation& call) { return "act " + shell_quoted(call.world.arguments); }

bool takes_lists(std::string_view verb) {
    const auto all = all_options();
    return std::any_of(all.begin(), all.end(),
                       [&](const option& o) { return o.name == "--from-list" && o.belongs_to(verb); });
}

bool worth_repeating(kind k) {
    switch (k) {
        case kind::usage:
        case kind::configuration:
        case kind::not_found:
        case kind::unsupported:
            return false;
        default:
            return true;
    }
}

}  // namespace

json_line summary_json(std::string_view verb, const summary& s, const http::counters* wire, double seconds) {
    constexpr auto relaxed = std::memory_order_relaxed;
    json_line line("summary");
    line.add("verb", verb).add("files", s.files).add("bytes", s.bytes);
    line.add("skipped", s.skipped).add("failed", s.failed);
    line.add("requests", wire ? wire->requests.load(relaxed) : 0);
    line.add("bytes_sent", wire ? wire->body_bytes_sent.load(relaxed) : 0);
    line.add("bytes_received", wire ? wire->body_bytes_received.load(relaxed) : 0);
    line.add("hedged", wire ? wire->hedged.load(relaxed) : 0);
    line.add("elapsed_s", seconds);
    return line;
}

json_line failure_line(const std::string& path, const error& e, const item_name& item) {
    json_line line("failure");
    // A URL may hold a SAS; names of files and blobs are told as they are.
    const bool url = path.starts_with("http://") || path.starts_with("https://");
    const bool local = e.names_errno();
    line.add("path", url ? redact(path) : path)
        .add("code", e.code().empty() || local ? std::string(to_string(e.kind())) : e.code());
    line.add("status", e.status()).add("request_id", e.request_id());
    line.add("message", redact(e.message())).add("advice", redact(e.advice()));
    if (local) line.add("errno", e.code());
    if (item.source.empty()) return line;
    if (item.source == item.destination) return line.add("name", item.source);
    line.add("source", item.source).add("destination", item.destination);
    return line;
}

void tell(invocation& call, const error& e) {
    if (e.kind() == kind::stopped) {
        call.screen.problem("interrupted");
        return;
    }
    if (call.given.json) call.screen.result(failure_line("", e).text());
    call.screen.problem(e.describe());
    if (!e.advice().empty()) call.screen.detail("  " + e.advice());
}

int give_up(invocation& call, const error& e) {
    tell(call, e);
    if (call.given.json) {
        summary nothing;
        nothing.failed = e.kind() == kind::stopped ? 0 : 1;
        call.screen.result(
            summary_json(call.verb.name, nothing, nullptr, seconds_since(call.started)).text());
    }
    return exit_code(e.kind());
}

int done(invocation& call, int code) {
    if (call.given.json) {
        call.screen.result(summary_json(call.verb.name, {}, nullptr, seconds_since(call.started)).text());
    }
    return code;
}

report::report(invocation& call, std::string_view action, std::string_view thing)
    : call_(call), action_(action), thing_(thing) {}

void report::show_in(progress_bar* bar) {
    std::lock_guard lock(mutex_);
    bar_ = bar;
}

void report::item(std::string_view action, std::string_view path, std::uint64_t size) {
    if (call_.given.dry_run) {
        if (call_.given.keep_permissions && (action == "skip" || action == "copy")) {
            std::lock_guard lock(mutex_);
            forecast_.add_permissions(action == "skip");
        }
        if (action == "skip") return;
        if (call_.given.json) {
            call_.screen.result(
                json_line("item").add("action", action).add("path", path).add("size", size).text());
        } else {
            call_.screen.result(fmt::format("would {} {} ({})", action, printable(path), human_size(size)));
        }
        std::lock_guard lock(mutex_);
        forecast_.add(action, size, call_.given.block_size);
        // What a manifest knows is listed nowhere, and no large file is sent without a look.
        if (known() && action == "upload" && size > ops::upload_options().single_request)
            forecast_.look_at_one();
        return;
    }
    std::lock_guard lock(mutex_);
    if (bar_) bar_->name(path);
}

void report::failed(const failure& f) {
    if (f.error.kind() == kind::stopped) return;
    const std::string line =
        failure_line(f.path, f.error, f.item ? files_.full(*f.item) : item_name()).text();
    if (call_.given.json) call_.screen.result(line);
    // A line that names nothing would name nothing in another list, too.
    if (!f.of_list) files_.failed(line);
    if (f.item) files_.doubt(*f.item);
    std::lock_guard lock(mutex_);
    remember(f);
}

void report::remember(const failure& f) {
    group& g = groups_[{f.error.kind(), f.error.code()}];
    if (g.count++ == 0) g.first = f.error;
    if (g.paths.size() < paths_shown) g.paths.push_back(f.path);
    if (call_.given.json || !f.item || told_ == told_at_once) return;
    if (seconds_since(call_.started) < worth_telling_at_once) return;
    ++told_;
    call_.screen.problem(f.path + ": " + f.error.describe());
    if (told_ == told_at_once) call_.screen.detail("  more failures are told at the end");
}

void report::add(const std::string& path, const result<summary>& outcome) {
    if (!outcome) {
        gave_up_ = true;
        return fail(path, outcome.error());
    }
    total_.files += outcome->files;
    total_.bytes += outcome->bytes;
    total_.skipped += outcome->skipped;
    total_.bytes_skipped += outcome->bytes_skipped;
    total_.failed += outcome->failed;
    total_.server_side += outcome->server_side;
    total_.deleted += outcome->deleted;
    total_.through_client += outcome->through_client;
    total_.permissions_set += outcome->permissions_set;
    total_.stopped |= outcome->stopped;
}

void report::fail(const std::string& path, const error& e) {
    if (e.kind() == kind::stopped) {
        total_.stopped = true;
        return;
    }
    ++total_.failed;
    failed({path, e, std::nullopt});
}

result<plan::manifest*> report::goes_to(const std::string& destination, until u) {
    ACT_TRY_VOID(files_.goes_to(call_, destination, std::move(u)));
    return files_.before();
}

void report::tell_failures(bool can_continue) {
    bool repeat = total_.stopped;
    for (const auto& [key, g] : groups_) {
        repeat |= worth_repeating(std::get<kind>(key));
        if (g.count == 1) {
            bool named = g.paths[0].empty() || g.first.message().find(g.paths[0]) != std::string::npos;
            call_.screen.problem(named ? g.first.describe() : g.paths[0] + ": " + g.first.describe());
        } else {
            call_.screen.problem(
                fmt::format("{} failed, the first one: {}", counted(g.count, thing_), g.first.describe()));
            for (const auto& path : g.paths) call_.screen.detail("    " + path);
            if (g.count > g.paths.size()) {
                call_.screen.detail(fmt::format("    and {} more", human_count(g.count - g.paths.size())));
            }
        }
        if (!g.first.advice().empty()) call_.screen.detail("  " + g.first.advice());
    }
    if (total_.stopped) call_.screen.problem("interrupted");
    // There is something to continue only where something was begun.
    const bool begun = total_.files + total_.skipped > 0 || total_.stopped;
    if (can_continue && repeat && !call_.given.dry_run && begun) {
        const std::string line = again(call_);
        call_.screen.detail("  run the same command again to continue: " + redact(line));
        if (redact(line) != line) call_.screen.detail("  with the secret in place of ***");
    }
    if (files_.has_failures() && !total_.stopped && takes_lists(call_.verb.name)) {
        call_.screen.detail("  or only what failed, by: --from-list " + shell_quoted(call_.given.failed_out));
    }
}

void report::publish_files() {
    if (total_.stopped) {
        const error rest(kind::stopped, "interrupted: what was not begun is not in this list",
                         "run the whole command again");
        files_.failed(failure_line("", rest).text());
    }
    // What goes on from a manifest replaces it only when it came to its end: what was not begun is in none.
    const bool ended = call_.given.manifest_in.empty() || (!total_.stopped && !gave_up_);
    // One of the files may be standard output: a line of results must not be cut in two there.
    call_.screen.flush();
    auto published = files_.publish(total_.failed == 0 && !total_.stopped, ended);
    if (!ended && files_.records())
        call_.screen.detail("  " + printable(call_.given.manifest_out) + " was left as it was");
    if (const std::string mark = files_.mark_left(); !mark.empty())
        call_.screen.detail("  " + printable(call_.given.manifest_in) +
                            " does not tell of what was changed: while " + printable(mark) +
                            " is there it is not believed");
    if (published) return;
    unwritten_ = true;
    tell(call_, published.error());
}

std::string report::sentence(double seconds) const {
    std::string line;
    if (call_.given.dry_run) {
        line = fmt::format("would have {} {}, {}", action_, counted(total_.files, thing_),
                           human_size(total_.bytes));
        if (call_.given.keep_permissions) line += ", with owners, groups and access control lists";
    } else {
        line = fmt::format("{} {}, {} in {}", action_, counted(total_.files, thing_),
                           human_size(total_.bytes), human_duration(seconds));
        if (total_.bytes > 0 && seconds > 0) {
            auto rate = static_cast<std::uint64_t>(static_cast<double>(total_.bytes) / seconds);
            line += fmt::format(" ({}/s)", human_size(rate));
        }
    }
    if (deletions_ && call_.given.delete_extras) {
        line += fmt::format("; {} {}", human_count(total_.deleted),
                            call_.given.dry_run ? "to be deleted" : "deleted");
    }
    if (ways_ && !call_.given.dry_run && total_.files > 0) {
        line += fmt::format("; {} server side, {} through this machine", human_count(total_.server_side),
                            human_count(total_.through_client));
    }
    if (call_.given.keep_permissions && !call_.given.dry_run)
        line += fmt::format("; permissions of {} set", counted(total_.permissions_set, "item"));
    if (total_.skipped > 0) line += fmt::format("; {} {}", human_count(total_.skipped), skipped_);
    line += fmt::format("; {} failed", human_count(total_.failed));
    return line;
}

std::string report::summary_line(const http::counters* wire, double seconds) const {
    json_line line = summary_json(call_.verb.name, total_, wire, seconds);
    if (deletions_) line.add("deleted", total_.deleted);
    if (ways_) line.add("server_side", total_.server_side).add("through_client", total_.through_client);
    if (call_.given.keep_permissions) line.add("permissions_set", total_.permissions_set);
    return line.text();
}

int report::exit_status() const {
    if (total_.stopped) return exit_code(kind::stopped);
    if (total_.failed == 0) return unwritten_ ? 1 : 0;
    if (total_.files + total_.skipped > 0) return 1;
    // Nothing worked: the cause, where there is but one.
    std::set<int> codes;
    for (const auto& [key, g] : groups_) codes.insert(exit_code(std::get<kind>(key)));
    return codes.size() == 1 ? *codes.begin() : 1;
}

int report::finish(const http::counters* wire) {
    double seconds = seconds_since(call_.started);
    publish_files();
    tell_failures(true);
    if (const auto repeated = wire ? wire->hedged.load() : 0; repeated > 0)
        log::debug("{} sent once more for being slow", counted(repeated, "request"));
    const bool foretell = foretells_ && !total_.stopped && !forecast_.empty();
    if (foretell) forecast_.looked(wire ? wire->requests.load() : 0);
    if (call_.given.json) {
        if (foretell) call_.screen.result(forecast_.line(prices_, rates_).text());
        call_.screen.result(summary_line(wire, seconds));
    } else if (total_.files + total_.skipped > 0 || total_.failed == 0) {
        call_.screen.result(sentence(seconds));
        if (foretell) call_.screen.result(forecast_.sentence(prices_, rates_));
    }
    return exit_status();
}

int report::finish_quietly(const http::counters* wire) {
    publish_files();
    tell_failures(false);
    if (call_.given.json) {
        call_.screen.result(summary_line(wire, seconds_since(call_.started)));
    }
    return exit_status();
}

}  // namespace act::cli

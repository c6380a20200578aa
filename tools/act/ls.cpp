#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "engine/core/utf8.hpp"
#include "tools/act/json.hpp"
#include "tools/act/listed.hpp"
#include "tools/act/location.hpp"
#include "tools/act/report.hpp"
#include "tools/act/screen.hpp"
#include "tools/act/session.hpp"
#include "tools/act/text.hpp"
#include "tools/act/verbs.hpp"
#include "tools/act/world.hpp"

namespace act::cli {

namespace {

std::string_view name_of(blob::blob_type t) {
    return t == blob::blob_type::append ? "append" : t == blob::blob_type::page ? "page" : "block";
}

// What is out of the ordinary: "leased, copy pending".
std::string state_of(const blob::properties& b) {
    std::string out;
    auto add = [&](std::string_view what, std::string_view value = {}) {
        out.append(out.empty() ? "" : ", ").append(what).append(value);
    };
    if (b.deleted && b.deleted_at) {
        const std::string at = to_iso8601(std::chrono::floor<std::chrono::seconds>(*b.deleted_at));
        out = fmt::format("deleted {} {}, kept for {} more", at.substr(0, 10), at.substr(11, 8),
                          counted(b.remaining_days, "day"));
    } else if (b.deleted) {
        add("deleted");
    }
    if (!b.key_sha256.empty()) add("customer key");
    if (!b.encryption_scope.empty()) add("scope " + b.encryption_scope);
    if (!b.lease_state.empty() && b.lease_state != "available") add(b.lease_state);
    if (!b.copy_status.empty() && b.copy_status != "success") add("copy ", b.copy_status);
    if (!b.version_id.empty())
        add(b.current_version ? "current version" : "version ", b.current_version ? "" : b.version_id);
    if (!b.snapshot.empty()) add("snapshot ", b.snapshot);
    return out;
}

std::string_view unquoted(std::string_view etag) {
    if (etag.size() >= 2 && etag.starts_with('"')) return etag.substr(1, etag.size() - 2);
    return etag;
}

void append_padded(std::string& line, std::size_t width, std::string_view text) {
    line.append(width - std::min(width, text.size()), ' ').append(text);
}

/// Writes a line for each entry. Lines that nobody is watching come in blocks, and what neighbours mostly
/// have in common is made into text once: a listing may have millions of them.
class printer {
public:
    explicit printer(invocation& call) : call_(call) {}

    /// True when lines were handed out.
    bool show(const blob::properties& blob, const std::string& path) {
        append(lines_, blob, path);
        return end_line();
    }
    bool show(std::string_view line) {
        lines_ += line;
        return end_line();
    }
    std::string line_of(const blob::properties& blob, const std::string& path) {
        std::string line;
        append(line, blob, path);
        return line;
    }

    void flush() {
        if (lines_.empty()) return;
        lines_.pop_back();
        call_.screen.result(lines_);
        lines_.clear();
    }

private:
    static constexpr std::size_t block = 64 * 1024;

    void append(std::string& to, const blob::properties& blob, const std::string& path) {
        if (call_.given.json) {
            to += json_of(blob, path);
        } else {
            append_line(to, blob, call_.world.out_is_terminal ? printable(path) : path);
        }
    }

    bool end_line() {
        lines_ += '\n';
        if (!call_.world.out_is_terminal && lines_.size() < block) return false;
        flush();
        return true;
    }

    const std::string& size_of(const blob::properties& b) {
        if (size_.empty() || b.size != bytes_) {
            bytes_ = b.size;
            size_ = size_text(b.size, call_.given);
        }
        return size_;
    }

    /// "2026-01-02T03:04:05Z"
    const std::string& time_of(const blob::properties& b) {
        const auto second = std::chrono::floor<std::chrono::seconds>(b.modified);
        if (time_.empty() || second != second_) {
            second_ = second;
            time_ = to_iso8601(b.modified);
        }
        return time_;
    }

    void append_line(std::string& to, const blob::properties& b, std::string_view path) {
        const options& given = call_.given;
        append_padded(to, 10, b.is_prefix ? std::string_view() : size_of(b));
        if (b.is_prefix) {
            to.append(23, ' ');
        } else {
            const std::string_view time = time_of(b);
            to.append("  ").append(time.substr(0, 10)).append(" ").append(time.substr(11, 8)).append("  ");
        }
        if (given.details) {
            const std::string_view sum = b.content.md5.empty() ? unquoted(b.etag.text) : b.content.md5;
            to += fmt::format("{:6}  {:7}  {:24}  ", b.is_prefix ? "" : name_of(b.type), b.tier, sum);
        }
        to += path;
        if (!given.details && b.snapshot.empty() && b.version_id.empty() && !b.deleted) return;
        if (const std::string state = state_of(b); !state.empty()) to += fmt::format("  ({})", state);
    }

    std::string json_of(const blob::properties& b, const std::string& path) {
        json_line line(b.is_prefix ? "prefix" : "blob");
        line.add("name", b.name).add("path", path);
        if (b.is_prefix) return line.text();
        line.add("size", b.size).add("modified", time_of(b)).add("etag", b.etag.text);
        if (!b.snapshot.empty()) line.add("snapshot", b.snapshot);
        if (!b.version_id.empty())
            line.add("version", b.version_id).add("current_version", b.current_version);
        if (b.deleted) {
            line.add("deleted", true).add("remaining_days", b.remaining_days);
            if (b.deleted_at)
                line.add("deleted_at", to_iso8601(std::chrono::floor<std::chrono::seconds>(*b.deleted_at)));
        }
        if (b.is_directory) line.add("directory", true);
        if (!call_.given.details) return line.text();
        line.add("blob_type", name_of(b.type)).add("tier", b.tier).add("md5", b.content.md5);
        line.add("content_type", b.content.type).add("lease_state", b.lease_state);
        if (!b.key_sha256.empty()) line.add("customer_key_sha256", b.key_sha256);
        if (!b.encryption_scope.empty()) line.add("encryption_scope", b.encryption_scope);
        if (!b.copy_status.empty()) {
            line.add("copy_status", b.copy_status).add("copy_progress", b.copy_progress);
        }
        return line.text();
    }

    invocation& call_;
    std::string lines_;
    // The last ones, and their texts.
    std::uint64_t bytes_ = 0;
    std::string size_;
    std::chrono::time_point<std::chrono::system_clock, std::chrono::seconds> second_{};
    std::string time_;
};

/// What is kept of an entry until all can be sorted: there may be millions.
struct listed {
    std::uint64_t rank;  // the highest first
    std::string path, line;
};

std::uint64_t rank_of(const blob::properties& blob, options::order by) {
    if (by == options::order::size) return blob.size;
    // Also before 1970.
    constexpr std::uint64_t sign = 1ull << 63;
    if (by == options::order::time)
        return static_cast<std::uint64_t>(blob.modified.time_since_epoch().count()) ^ sign;
    return 0;
}

void sort(std::vector<listed>& all, const options& given) {
    auto before = [&](const listed& a, const listed& b) {
        return a.rank != b.rank ? a.rank > b.rank : a.path < b.path;
    };
    std::stable_sort(all.begin(), all.end(), before);
    if (given.reverse) std::reverse(all.begin(), all.end());
}

blob::detail detail_for(const options& given) {
    // A lease is told of with --long, and beside a snapshot or version.
    if (given.details || given.snapshots || given.versions) return blob::detail::full;
    return given.json ? blob::detail::etag : blob::detail::brief;
}

result<ops::list_options> wanted(const options& given) {
    ops::list_options how{.raw_prefix = given.raw_prefix,
                          .delimiter = given.delimiter.empty() && given.one_level ? "/" : given.delimiter,
                          .snapshots = given.snapshots,
                          .versions = given.versions,
                          .deleted = given.deleted,
                          .copy_state = given.details,
                          .metadata = given.json,  // lines show no folders, and it is most of the answer
                          .detail = detail_for(given)};
    if (!how.delimiter.empty() && how.deleted) {
        return error(kind::usage, "what was deleted is listed with whole names only",
                     "leave out --one-level and --delimiter");
    }
    if (!how.delimiter.empty() && (how.snapshots || how.versions)) {
        return error(kind::usage, "snapshots and versions are listed with whole names only",
                     "leave out --one-level and --delimiter, or --snapshots and --versions");
    }
    return how;
}

int run(invocation& call) {
    auto how = wanted(call.given);
    if (!how) return give_up(call, how.error());
    auto places = stored_locations(call);
    if (!places) return give_up(call, places.error());
    auto cluster = load_cluster(call, call.given.cluster);
    if (!cluster) return give_up(call, cluster.error());
    session s(call, std::move(*cluster));
    location_opener opener(call, s);
    report r(call, "listed", "blob");
    const bool sorted = call.given.sort != options::order::stored || call.given.reverse;
    std::vector<listed> kept;
    printer out(call);
    std::string shown;
    std::uint64_t folded = 0;
    for (const location& place : *places) {
        if (r.stopped()) break;
        auto at = opener.open(place);
        if (!at) {
            r.fail(place.text, at.error());
            continue;
        }
        auto context = s.context(r);
        auto each = [&](const blob::properties& blob) {
            folded += blob.is_prefix;
            shown.clear();
            at->append_shown(shown, blob.name);
            if (sorted) {
                kept.push_back({rank_of(blob, call.given.sort), shown, out.line_of(blob, shown)});
                return;
            }
            // `act ls data | head`: nobody reads on.
            if (out.show(blob, shown) && call.screen.results_gone()) s.stop();
        };
        auto outcome = s.runtime().run(ops::list(context, at->remote(), *how, each));
        out.flush();
        r.add(place.text, outcome);
    }
    sort(kept, call.given);
    for (const listed& one : kept) out.show(one.line);
    out.flush();
    call.screen.flush();
    if (call.screen.results_gone()) return 0;
    if (!call.given.json && r.total().files + folded > 0) {
        std::string total =
            fmt::format("{}, {}", counted(r.total().files, "blob"), size_text(r.total().bytes, call.given));
        if (folded > 0) total += fmt::format(", {}", counted(folded, "folder"));
        call.screen.result(total);
    }
    return r.finish_quietly(s.wire());
}

constexpr example examples[] = {
    {"act ls data/voc20", "every blob below data/voc20/, and the total"},
    {"act ls --one-level data", "what is directly in data"},
    {"act ls --long --sort size data", "the largest first, with tier, checksum and state"},
    {"act ls --snapshots data/voc20/a.txt", "one blob and its snapshots"},
    {"act ls --deleted data/voc20", "what `act undelete` would bring back, and for how long it can"},
    {"act ls --prefix data/voc", "data/voc20, data/vocab.txt, ... as ACT did"},
    {"act ls --json data | jq -r .path", "paths for a script"},
};

}  // namespace

constinit const verb ls_verb{
    .name = "ls",
    .usage = "PATH|CLUSTER:PATH|URL...",
    .sentence = "List what is stored: size, time of change (UTC), path, then the total.",
    .takes = takes::some,
    .run = run,
    .examples = examples,
    .note =
        "Without --sort lines come as the service lists them, by the bytes of names, and nothing is kept in\n"
        "memory. --long shows the MD5 that is stored with a blob or else its ETag, and behind the path what "
        "is\n"
        "out of the ordinary: a lease, a copy that is not done. --deleted lists blobs that are kept though "
        "they\n"
        "were deleted; with --snapshots and --versions deleted ones of those too. Where the account keeps\n"
        "versions, a deleted blob is shown as the youngest version that it left.",
};

}  // namespace act::cli

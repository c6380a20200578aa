#include "tools/act/manifest_file.hpp"

#include <cerrno>

#include "engine/core/units.hpp"
#include "engine/file/stream.hpp"
#include "tools/act/json.hpp"
#include "tools/act/output_place.hpp"

namespace act::cli {

namespace {

constexpr std::size_t piece_size = 256 * KiB;
// Sorting it takes some milliseconds, for which one loop stands still.
constexpr std::size_t sort_memory = 8 * MiB;

// What became of a name; where there are several, the first in this order counts.
constexpr char gone = '0', object = '1', doubtful = '2';

/// An entry as the sorter keeps it.
struct kept_entry {
    explicit kept_entry(std::string_view text) {
        const auto end = std::min(text.find('\0'), text.size());
        name = text.substr(0, end);
        if (end == text.size()) return;
        fate = text[end + 1];
        line = text.substr(end + 2);
    }
    std::string_view name, line;
    char fate = gone;
};

std::string object_line(const std::string& name, const std::string& source, const record& r,
                        std::string_view state) {
    json_line line("object");
    line.add("name", name);
    if (source != name) line.add("source", source);
    line.add("size", r.size);
    if (r.folder) line.add("folder", true);
    if (r.link) line.add("link", true);
    if (!r.blob_type.empty()) line.add("blob_type", r.blob_type);
    if (!r.etag.empty()) line.add("etag", r.etag);
    if (r.modified) line.add("modified", to_iso8601_nanos(*r.modified));
    if (!r.hash.empty()) line.add("hash", r.hash);
    line.add("state", state);
    return line.text();
}

std::string carried_line(const plan::listed_item& item) {
    record r;
    r.size = item.size.value_or(0);
    r.etag = item.etag.text;
    r.modified = item.modified;
    r.hash = item.hash;
    r.folder = item.folder;
    r.link = item.link;
    if (item.type != blob::blob_type::block)
        r.blob_type = item.type == blob::blob_type::page ? "page" : "append";
    return object_line(item.destination, item.source, r, item.doubtful ? "failed" : "unchanged");
}

}  // namespace

result<lines_aside> lines_aside::create(const std::string& path, const until& u) {
    lines_aside out;
    out.name_ = path;
    ACT_TRY(output_place place, find_output(path, u));
    if (place.file.empty()) {
        out.in_place_ = std::move(place.open);
        ACT_TRY(out.waiting_, file::unnamed_file());
    } else {
        ACT_TRY(out.to_, file::aside::create(std::move(place.file)));
    }
    return out;
}

void lines_aside::add(std::string_view line) {
    buffer_ += line;
    buffer_ += '\n';
    if (buffer_.size() >= piece_size) flush();
}

void lines_aside::flush() {
    if (outcome_)
        outcome_ = file::write_at(to_ ? to_->fd() : waiting_.get(), std::as_bytes(std::span(buffer_)),
                                  written_, name_);
    written_ += buffer_.size();
    buffer_.clear();
}

result<void> lines_aside::publish() {
    flush();
    ACT_TRY_VOID(outcome_);
    return to_ ? to_->publish(0, now(), file::aside::durability::synced) : hand_over();
}

result<void> lines_aside::hand_over() {
    file::stream_writer out(in_place_.get(), name_);
    std::vector<std::byte> piece(piece_size);
    for (std::uint64_t at = 0; at < written_;) {
        ACT_TRY(const std::size_t size, file::read_at(waiting_.get(), piece, at, name_));
        if (size == 0) return error(kind::io, "what was to go to " + name_ + " could not be read back");
        // A list of which somebody has only the beginning is not there.
        ACT_TRY(const bool read, out.write_all(std::span(piece).first(size), {}));
        if (!read) return error::from_errno(EPIPE, "cannot write to " + name_);
        at += size;
    }
    return {};
}

manifest_file::manifest_file(lines_aside to, std::string_view verb)
    : to_(std::move(to)), verb_(verb), names_(sort_memory) {}

result<std::unique_ptr<manifest_file>> manifest_file::create(const std::string& path, std::string_view verb,
                                                             const until& u) {
    ACT_TRY(lines_aside to, lines_aside::create(path, u));
    return std::unique_ptr<manifest_file>(new manifest_file(std::move(to), verb));
}

void manifest_file::add(const std::string& name, const std::string& source, const record& r) {
    if (r.gone) return keep(name, gone, {});
    keep(name, object, object_line(name, source, r, r.unchanged ? "unchanged" : "written"));
}

void manifest_file::doubt(const std::string& name) { keep(name, doubtful, {}); }

void manifest_file::keep(const std::string& name, char fate, std::string_view line) {
    // The name sorts, and a NUL before all that another name could go on with.
    std::string entry = name;
    entry += '\0';
    entry += fate;
    entry += line;
    std::lock_guard lock(mutex_);
    names_.add(entry, file::name_kind::file);
}

void manifest_file::write(std::string_view line) {
    to_.add(line);
    ++objects_;
}

void manifest_file::write_all(file::sorted_names& sorted) {
    for (; const auto* next = sorted.peek(); sorted.pop()) {
        const kept_entry entry(next->name);
        if (entry.fate == object) write(entry.line);
    }
}

result<void> manifest_file::write_merged(file::sorted_names& sorted, plan::manifest& before) {
    ACT_TRY_VOID(before.begin());
    ACT_TRY(auto old, before.next());
    std::string last;
    for (;;) {
        const auto* next = sorted.peek();
        if (!next && !old) return {};
        const kept_entry entry(next ? next->name : std::string_view());
        if (next && (!old || entry.name <= old->destination)) {
            const bool known = old && entry.name == old->destination;
            // Of several with one name the first says what became of it.
            const bool first = last.empty() || entry.name != last;
            if (first && entry.fate == object) write(entry.line);
            if (first && entry.fate == doubtful && known) {
                old->doubtful = true;
                write(carried_line(*old));
            }
            if (known) {
                ACT_TRY(old, before.next());
            }
            last = entry.name;
            sorted.pop();
        } else {
            write(carried_line(*old));
            ACT_TRY(old, before.next());
        }
    }
}

result<void> manifest_file::publish(bool complete, const std::string& destination, plan::manifest* before) {
    std::lock_guard lock(mutex_);
    json_line head("manifest");
    head.add("version", 1).add("verb", verb_);
    if (!destination.empty()) head.add("destination", destination);
    to_.add(head.text());
    file::sorted_names sorted = names_.finish();
    if (before) {
        ACT_TRY_VOID(write_merged(sorted, *before));
    } else {
        write_all(sorted);
    }
    if (!sorted.whole()) {
        return error(kind::io, "the manifest could not be read back from a temporary file",
                     "see whether TMPDIR has space");
    }
    to_.add(json_line("end").add("objects", objects_).add("complete", complete).text());
    return to_.publish();
}

}  // namespace act::cli

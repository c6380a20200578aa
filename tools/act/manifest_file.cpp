#include "tools/act/manifest_file.hpp"

#include "engine/core/units.hpp"
#include "tools/act/json.hpp"

namespace act::cli {

namespace {

constexpr std::size_t piece_size = 256 * KiB;
// Sorting it takes some milliseconds, for which one loop stands still.
constexpr std::size_t sort_memory = 8 * MiB;

}  // namespace

result<lines_aside> lines_aside::create(const std::string& path) {
    ACT_TRY(file::aside to, file::aside::create(path));
    return lines_aside(std::move(to));
}

void lines_aside::add(std::string_view line) {
    buffer_ += line;
    buffer_ += '\n';
    if (buffer_.size() >= piece_size) flush();
}

void lines_aside::flush() {
    if (outcome_)
        outcome_ = file::write_at(to_.fd(), std::as_bytes(std::span(buffer_)), written_, to_.target());
    written_ += buffer_.size();
    buffer_.clear();
}

result<void> lines_aside::publish() {
    flush();
    ACT_TRY_VOID(outcome_);
    return to_.publish(0, now(), file::aside::durability::synced);
}

manifest_file::manifest_file(lines_aside to, std::string_view verb)
    : to_(std::move(to)), verb_(verb), names_(sort_memory) {}

result<std::unique_ptr<manifest_file>> manifest_file::create(const std::string& path, std::string_view verb) {
    ACT_TRY(lines_aside to, lines_aside::create(path));
    return std::unique_ptr<manifest_file>(new manifest_file(std::move(to), verb));
}

void manifest_file::add(const std::string& name, const std::string& source, const record& r) {
    json_line line("object");
    line.add("name", name);
    if (source != name) line.add("source", source);
    line.add("size", r.size);
    if (r.folder) line.add("folder", true);
    if (!r.etag.empty()) line.add("etag", r.etag);
    if (r.modified) line.add("modified", to_iso8601_nanos(*r.modified));
    if (!r.hash.empty()) line.add("hash", r.hash);
    line.add("state", r.unchanged ? "unchanged" : "written");
    // The name sorts, and a NUL before all that another name could go on with.
    std::string entry = name;
    entry += '\0';
    entry += line.text();
    std::lock_guard lock(mutex_);
    names_.add(entry, file::name_kind::file);
    ++objects_;
}

result<void> manifest_file::publish(bool complete) {
    std::lock_guard lock(mutex_);
    to_.add(json_line("manifest").add("version", 1).add("verb", verb_).text());
    file::sorted_names sorted = names_.finish();
    while (const auto* entry = sorted.peek()) {
        to_.add(entry->name.substr(entry->name.find('\0') + 1));
        sorted.pop();
    }
    if (!sorted.whole()) {
        return error(kind::io, "the manifest could not be read back from a temporary file",
                     "see whether TMPDIR has space");
    }
    to_.add(json_line("end").add("objects", objects_).add("complete", complete).text());
    return to_.publish();
}

}  // namespace act::cli

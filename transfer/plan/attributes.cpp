#include "transfer/plan/attributes.hpp"

#include <charconv>

namespace act::plan {

namespace {

constexpr std::uint32_t regular_file = 0100000;

bool same_time(wall_time recorded, wall_time file) {
    using namespace std::chrono;
    if (recorded == file) return true;
    const auto coarse = recorded.time_since_epoch();
    const auto fine = file.time_since_epoch();
    if (coarse == floor<seconds>(coarse)) return floor<seconds>(fine) == coarse;
    if (coarse == floor<microseconds>(coarse)) return floor<microseconds>(fine) == coarse;
    return false;
}

}  // namespace

blob::metadata to_metadata(const file::status& s) {
    char mode[16];
    const auto end = std::to_chars(mode, mode + sizeof mode, regular_file | s.mode, 8).ptr;
    return {{"mode", std::string(mode, end)}, {"mtime", to_iso8601_nanos(s.modified)}};
}

std::optional<wall_time> modified_of(const blob::metadata& m) {
    const auto it = m.find("mtime");
    return it == m.end() ? std::nullopt : parse_iso8601(it->second);
}

std::optional<std::uint32_t> mode_of(const blob::metadata& m) {
    const auto it = m.find("mode");
    if (it == m.end()) return std::nullopt;
    std::uint32_t mode = 0;
    const char* end = it->second.data() + it->second.size();
    const auto [stop, failed] = std::from_chars(it->second.data(), end, mode, 8);
    if (failed != std::errc() || stop != end) return std::nullopt;
    // Set-user-id and its kin do not come from a blob store.
    return mode & 0777;
}

bool written_by_us(const blob::metadata& m) { return m.contains("mtime") && m.contains("mode"); }

bool unfinished(const blob::metadata& m) { return m.contains(unfinished_mark); }

wall_time file_time(const blob::properties& remote) {
    return modified_of(remote.metadata).value_or(remote.modified);
}

bool unchanged_for_upload(const file::status& local, const blob::properties& remote) {
    if (local.size != remote.size || remote.uncommitted || unfinished(remote.metadata)) return false;
    if (const auto recorded = modified_of(remote.metadata)) return same_time(*recorded, local.modified);
    return remote.modified >= local.modified;
}

bool unchanged_for_download(const blob::properties& remote, const file::status& local) {
    if (local.type != file::type::regular || local.size != remote.size || unfinished(remote.metadata))
        return false;
    if (const auto recorded = modified_of(remote.metadata)) return same_time(*recorded, local.modified);
    return local.modified >= remote.modified;
}

bool unchanged_unpacked(const blob::properties& remote, const file::status& local) {
    return local.type == file::type::regular && local.size != remote.size && !unfinished(remote.metadata) &&
           same_time(file_time(remote), local.modified);
}

bool same_attributes(const blob::properties& source, const blob::properties& copy) {
    const auto& a = source.content;
    const auto& b = copy.content;
    return source.metadata == copy.metadata && a.type == b.type && a.encoding == b.encoding &&
           a.language == b.language && a.disposition == b.disposition && a.cache_control == b.cache_control;
}

bool same_checksum(const blob::properties& source, const blob::properties& copy) {
    return source.size == copy.size && !source.content.md5.empty() && source.content.md5 == copy.content.md5;
}

bool unchanged_for_copy(const blob::properties& source, const blob::properties& copy) {
    if (source.type != copy.type || source.size != copy.size || copy.uncommitted) return false;
    // A copy within the service that has not ended, or not well.
    if (!copy.copy_status.empty() && copy.copy_status != "success") return false;
    if (!same_attributes(source, copy)) return false;
    if (!source.content.md5.empty() && !copy.content.md5.empty()) return same_checksum(source, copy);
    // Dates are of whole seconds: in the same one the source may have been written after its copy. And append
    // and page blobs change in place, under the metadata they have.
    const bool dated = source.type == blob::blob_type::block && modified_of(source.metadata).has_value();
    return dated || copy.modified > source.modified;
}

}  // namespace act::plan

#include "transfer/plan/attributes.hpp"

#include <charconv>

#include "engine/http/message.hpp"

namespace act::plan {

namespace {

constexpr std::uint32_t regular_file = 0100000, symbolic_link = 0120000;

bool same_time(wall_time recorded, wall_time file) {
    using namespace std::chrono;
    if (recorded == file) return true;
    const auto coarse = recorded.time_since_epoch();
    const auto fine = file.time_since_epoch();
    if (coarse == floor<seconds>(coarse)) return floor<seconds>(fine) == coarse;
    if (coarse == floor<microseconds>(coarse)) return floor<microseconds>(fine) == coarse;
    return false;
}

std::optional<std::uint32_t> number_of(const blob::metadata& m, const char* key, int base) {
    const auto it = m.find(key);
    if (it == m.end()) return std::nullopt;
    std::uint32_t number = 0;
    const char* end = it->second.data() + it->second.size();
    const auto [stop, failed] = std::from_chars(it->second.data(), end, number, base);
    if (failed != std::errc() || stop != end) return std::nullopt;
    return number;
}

bool same_kind(const blob::properties& remote, const file::status& local) {
    return local.type == (is_link(remote) ? file::type::symlink : file::type::regular);
}

}  // namespace

blob::metadata to_metadata(const file::status& s, bool with_owner) {
    const bool link = s.type == file::type::symlink;
    char mode[16];
    const auto end =
        std::to_chars(mode, mode + sizeof mode, (link ? symbolic_link : regular_file) | s.mode, 8).ptr;
    blob::metadata m = {{"mode", std::string(mode, end)}, {"mtime", to_iso8601_nanos(s.modified)}};
    if (link) m["is_symlink"] = "true";
    if (with_owner) {
        m["uid"] = std::to_string(s.owner.user);
        m["gid"] = std::to_string(s.owner.group);
    }
    return m;
}

std::optional<wall_time> modified_of(const blob::metadata& m) {
    const auto it = m.find("mtime");
    return it == m.end() ? std::nullopt : parse_iso8601(it->second);
}

std::optional<std::uint32_t> mode_of(const blob::metadata& m, bool special) {
    const auto mode = number_of(m, "mode", 8);
    if (!mode) return std::nullopt;
    return *mode & (special ? 07777 : 0777);
}

std::optional<file::owner> owner_of(const blob::metadata& m) {
    const auto user = number_of(m, "uid", 10), group = number_of(m, "gid", 10);
    if (!user && !group) return std::nullopt;
    file::owner o;
    if (user) o.user = *user;
    o.group = group ? *group : *user;
    return o;
}

bool is_link(const blob::properties& info) {
    const auto it = info.metadata.find("is_symlink");
    return it != info.metadata.end() && http::same_name(it->second, "true");
}

bool written_by_us(const blob::metadata& m) { return m.contains("mtime") && m.contains("mode"); }

bool unfinished(const blob::metadata& m) { return m.contains(unfinished_mark); }

wall_time file_time(const blob::properties& remote) {
    return modified_of(remote.metadata).value_or(remote.modified);
}

bool unchanged_for_upload(const file::status& local, const blob::properties& remote) {
    if (!same_kind(remote, local) || local.size != remote.size) return false;
    if (remote.uncommitted || unfinished(remote.metadata)) return false;
    if (const auto recorded = modified_of(remote.metadata)) return same_time(*recorded, local.modified);
    return remote.modified >= local.modified;
}

bool unchanged_for_download(const blob::properties& remote, const file::status& local) {
    if (!same_kind(remote, local) || local.size != remote.size || unfinished(remote.metadata)) return false;
    if (const auto recorded = modified_of(remote.metadata)) return same_time(*recorded, local.modified);
    return local.modified >= remote.modified;
}

bool unchanged_unpacked(const blob::properties& remote, const file::status& local) {
    return local.type == file::type::regular && local.size != remote.size && !unfinished(remote.metadata) &&
           same_time(file_time(remote), local.modified);
}

bool newer(const file::status& source, const blob::properties& there) {
    const wall_time recorded = file_time(there);
    return source.modified > recorded && !same_time(recorded, source.modified);
}

bool newer(const blob::properties& source, const file::status& there) {
    const wall_time recorded = file_time(source);
    return recorded > there.modified && !same_time(recorded, there.modified);
}

bool newer(const blob::properties& source, const blob::properties& there) {
    return file_time(source) > file_time(there);
}

bool same_attributes(const blob::properties& source, const blob::properties& copy,
                     const property_changes& given) {
    if (given.metadata.empty() && given.headers.empty())
        return source.metadata == copy.metadata && same_headers(source.content, copy.content);
    return merged(source.metadata, given.metadata) == merged(copy.metadata, given.metadata) &&
           same_headers(merged_headers(source.content, given.headers),
                        merged_headers(copy.content, given.headers));
}

bool is_whole(const blob::properties& p) {
    return !p.uncommitted && !unfinished(p.metadata) && (p.copy_status.empty() || p.copy_status == "success");
}

bool same_checksum(const blob::properties& source, const blob::properties& copy) {
    return is_whole(source) && is_whole(copy) && source.size == copy.size && !source.content.md5.empty() &&
           source.content.md5 == copy.content.md5;
}

bool unchanged_for_copy(const blob::properties& source, const blob::properties& copy,
                        const property_changes& given) {
    if (source.type != copy.type || source.size != copy.size || !is_whole(copy)) return false;
    if (!same_attributes(source, copy, given)) return false;
    if (!source.content.md5.empty() && !copy.content.md5.empty()) return same_checksum(source, copy);
    // Dates are of whole seconds: in the same one the source may have been written after its copy. And append
    // and page blobs change in place, under the metadata they have.
    const bool dated = source.type == blob::blob_type::block && modified_of(source.metadata).has_value();
    return dated || copy.modified > source.modified;
}

}  // namespace act::plan

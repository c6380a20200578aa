#include <algorithm>
#include <cerrno>
#include <optional>
#include <sys/stat.h>
#include <unistd.h>
#include <unordered_set>

#include "engine/codec/zip.hpp"
#include "engine/codec/zip_format.hpp"
#include "engine/core/utf8.hpp"

namespace act::codec {

using namespace zip_format;

namespace {

error damaged(const std::string& what, const std::string& reason) {
    return error(kind::integrity, "zip archive " + what + ": " + reason, "fetch or make the archive again");
}
error beyond(const std::string& what, const std::string& reason) {
    return error(kind::unsupported, "zip archive " + what + ": " + reason,
                 "make the archive with another tool");
}
std::string quoted(std::string_view name) { return "'" + printable(name) + "'"; }

std::string_view text_of(bytes_view bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// The archive while its directory is read.
struct archive {
    const zip_source& source;
    std::uint64_t size;
    const std::string& what;

    result<void> read(std::uint64_t offset, std::span<std::byte> into) const {
        while (!into.empty()) {
            ACT_TRY(const std::size_t n, source(offset, into));
            if (n == 0 || n > into.size()) return damaged(what, "it ends early");
            into = into.subspan(n);
            offset += n;
        }
        return {};
    }
};

struct directory_place {
    std::uint64_t offset = 0, size = 0, entries = 0;
    bool split = false;
};

/// Where the end record stands in the last bytes of the archive: the last that ends with its own comment.
std::optional<std::size_t> find_end(bytes_view tail) {
    for (std::size_t at = tail.size() - end_size + 1; at-- > 0;) {
        decoder in(tail.subspan(at));
        if (in.u32() != end_signature) continue;
        in.skip(16);
        if (in.u16() == in.left()) return at;
    }
    return std::nullopt;
}

result<directory_place> read_end64(const archive& a, std::uint64_t end_offset,
                                   const directory_place& narrow) {
    std::byte raw[end64_size];
    if (end_offset < locator64_size) return narrow;
    ACT_TRY_VOID(a.read(end_offset - locator64_size, std::span(raw, locator64_size)));
    decoder locator(std::span(raw, locator64_size));
    // Without the record the saturated values stand for themselves.
    if (locator.u32() != locator64_signature) return narrow;
    const std::uint32_t disk = locator.u32();
    const std::uint64_t offset = locator.u64();
    if (end_offset - locator64_size < end64_size || offset > end_offset - locator64_size - end64_size) {
        return damaged(a.what, "the zip64 end record lies outside");
    }
    ACT_TRY_VOID(a.read(offset, raw));
    decoder in(raw);
    if (in.u32() != end64_signature) return damaged(a.what, "the zip64 end record is missing");
    in.skip(12);  // record size, versions
    directory_place place;
    place.split = disk != 0;
    place.split |= in.u32() != 0;
    place.split |= in.u32() != 0;
    const std::uint64_t entries_here = in.u64();
    place.entries = in.u64();
    place.split |= entries_here != place.entries;
    place.size = in.u64();
    place.offset = in.u64();
    if (place.offset > offset) return damaged(a.what, "the directory lies outside");
    return place;
}

result<directory_place> find_directory(const archive& a) {
    if (a.size < end_size) return damaged(a.what, "too short");
    std::vector<std::byte> tail(static_cast<std::size_t>(std::min<std::uint64_t>(a.size, end_size + 0xFFFF)));
    ACT_TRY_VOID(a.read(a.size - tail.size(), tail));
    const auto at = find_end(tail);
    if (!at) return damaged(a.what, "the end record is missing: not a zip archive, or cut short");
    const std::uint64_t end_offset = a.size - tail.size() + *at;

    decoder in(bytes_view(tail).subspan(*at + 4));
    directory_place place;
    place.split = in.u16() != 0;
    place.split |= in.u16() != 0;
    const std::uint16_t entries_here = in.u16();
    place.entries = in.u16();
    place.split |= entries_here != place.entries;
    place.size = in.u32();
    place.offset = in.u32();
    if (place.entries == count_in_zip64 || place.size == in_zip64 || place.offset == in_zip64) {
        ACT_TRY(place, read_end64(a, end_offset, place));
    }
    if (place.split) return beyond(a.what, "it is split into parts");
    if (place.offset > end_offset || place.size > end_offset - place.offset) {
        return damaged(a.what, "the directory lies outside");
    }
    if (place.entries > place.size / central_size)
        return damaged(a.what, "more entries than its directory can hold");
    return place;
}

/// Takes the fields that did not fit from the zip64 extra field.
bool widen(zip_entry& entry, decoder extra) {
    const bool want_size = entry.size == in_zip64, want_stored = entry.stored_size == in_zip64;
    const bool want_offset = entry.header_offset == in_zip64;
    if (!want_size && !want_stored && !want_offset) return true;
    while (extra.left() >= 4) {
        const std::uint16_t id = extra.u16(), length = extra.u16();
        decoder field(extra.bytes(length));
        if (!extra.ok()) return false;
        if (id != extra_zip64) continue;
        if (want_size) entry.size = field.u64();
        if (want_stored) entry.stored_size = field.u64();
        if (want_offset) entry.header_offset = field.u64();
        return field.ok();
    }
    return true;
}

std::uint32_t mode_of(std::uint16_t made_by, std::uint32_t attributes, std::string_view name) {
    const std::uint32_t host = made_by >> 8;
    const std::uint32_t mode = host == 3 || host == 19 ? attributes >> 16 : 0;
    if ((mode & S_IFMT) != 0) return mode;
    const bool directory = !name.empty() && name.back() == '/';
    const std::uint32_t permissions = mode != 0 ? mode & 07777U : directory ? 0755U : 0644U;
    return (directory ? S_IFDIR : S_IFREG) | permissions;
}

result<zip_entry> read_entry(decoder& in, const std::string& what) {
    zip_entry entry;
    if (in.u32() != central_signature) return damaged(what, "the directory is damaged");
    const std::uint16_t made_by = in.u16();
    in.skip(2);
    const std::uint16_t flags = in.u16(), method = in.u16();
    in.skip(4);  // date
    entry.crc32 = in.u32();
    entry.stored_size = in.u32();
    entry.size = in.u32();
    const std::uint16_t name_size = in.u16(), extra_size = in.u16(), comment_size = in.u16();
    const std::uint16_t disk = in.u16();
    in.skip(2);
    const std::uint32_t attributes = in.u32();
    entry.header_offset = in.u32();
    entry.name = text_of(in.bytes(name_size));
    const decoder extra(in.bytes(extra_size));
    in.skip(comment_size);
    if (!in.ok() || !widen(entry, extra)) return damaged(what, "the directory is damaged");

    entry.mode = mode_of(made_by, attributes, entry.name);
    entry.deflated = method == method_deflated;
    const std::string named = "entry " + quoted(entry.name) + ": ";
    if (const auto reason = objection(entry.name, entry.mode); !reason.empty()) {
        return damaged(what, named + std::string(reason));
    }
    if (disk != 0) return beyond(what, named + "it is in another part");
    if (flags & flag_encrypted) return beyond(what, named + "it is encrypted");
    if (method != method_stored && method != method_deflated) {
        return beyond(what, named + "compression method " + std::to_string(method));
    }
    if (method == method_stored && entry.size != entry.stored_size) {
        return damaged(what, named + "the sizes do not agree");
    }
    return entry;
}

/// No name twice, and none that leads through a symbolic link.
result<void> check_names(const std::vector<zip_entry>& entries, const std::string& what) {
    std::unordered_set<std::string_view> names, symlinks;
    names.reserve(entries.size());
    for (const zip_entry& entry : entries) {
        std::string_view name = entry.name;
        if (name.back() == '/') name.remove_suffix(1);
        if (!names.insert(name).second) return damaged(what, "entry " + quoted(name) + " is there twice");
        if (S_ISLNK(entry.mode)) symlinks.insert(name);
    }
    if (symlinks.empty()) return {};
    for (const zip_entry& entry : entries) {
        const std::string_view name = entry.name;
        for (std::size_t at = name.find('/'); at != std::string_view::npos; at = name.find('/', at + 1)) {
            if (symlinks.contains(name.substr(0, at))) {
                return damaged(what, "entry " + quoted(name) + " leads through a symbolic link");
            }
        }
    }
    return {};
}

/// Data used twice is how a small archive unpacks to petabytes.
result<void> check_places(const std::vector<zip_entry>& entries, std::uint64_t directory,
                          const std::string& what) {
    std::vector<const zip_entry*> ordered;
    ordered.reserve(entries.size());
    for (const zip_entry& entry : entries) ordered.push_back(&entry);
    std::ranges::sort(ordered, {}, &zip_entry::header_offset);
    for (std::size_t i = 0; i < ordered.size(); ++i) {
        const zip_entry& entry = *ordered[i];
        const std::uint64_t end = i + 1 < ordered.size() ? ordered[i + 1]->header_offset : directory;
        const std::uint64_t header = local_size + entry.name.size();
        if (end > directory || end < entry.header_offset || end - entry.header_offset < header ||
            end - entry.header_offset - header < entry.stored_size) {
            return damaged(what, "entry " + quoted(entry.name) + " overlaps another or lies outside");
        }
    }
    return {};
}

}  // namespace

zip_source zip_source_of(int fd) {
    return [fd](std::uint64_t offset, std::span<std::byte> into) -> result<std::size_t> {
        for (;;) {
            const ssize_t n = ::pread(fd, into.data(), into.size(), static_cast<off_t>(offset));
            if (n >= 0) return static_cast<std::size_t>(n);
            if (errno != EINTR) return error::from_errno(errno, "cannot read the archive");
        }
    };
}

result<zip_reader> zip_reader::open(zip_source source, std::uint64_t size, std::string what,
                                    const limits& limit) {
    zip_reader reader;
    reader.source_ = std::move(source);
    reader.what_ = std::move(what);
    const archive a{reader.source_, size, reader.what_};
    ACT_TRY(const directory_place place, find_directory(a));
    if (place.size > limit.directory_bytes) {
        return beyond(a.what, "its directory has " + std::to_string(place.size) +
                                  " bytes, more than the limit of " + std::to_string(limit.directory_bytes));
    }
    std::vector<std::byte> raw(static_cast<std::size_t>(place.size));
    ACT_TRY_VOID(a.read(place.offset, raw));
    decoder in(raw);
    reader.entries_.reserve(static_cast<std::size_t>(place.entries));
    for (std::uint64_t i = 0; i < place.entries; ++i) {
        ACT_TRY(zip_entry entry, read_entry(in, a.what));
        reader.entries_.push_back(std::move(entry));
    }
    if (in.left() != 0) return damaged(a.what, "its directory holds more than its entries");
    reader.directory_offset_ = place.offset;
    ACT_TRY_VOID(check_names(reader.entries_, a.what));
    ACT_TRY_VOID(check_places(reader.entries_, place.offset, a.what));
    return reader;
}

}  // namespace act::codec

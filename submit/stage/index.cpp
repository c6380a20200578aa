#include "submit/stage/index.hpp"

#include <algorithm>
#include <fcntl.h>
#include <sys/stat.h>

#include "engine/codec/hash.hpp"
#include "engine/codec/zip_format.hpp"
#include "engine/file/file.hpp"

namespace act::stage {
namespace {

using codec::zip_format::decoder;
using codec::zip_format::encoder;

/// Counts up when the form changes, and when secrets are looked for in another way: what was let pass then
/// has to be read again.
constexpr std::string_view magic = "act-index-2\n";
constexpr std::size_t hash_digits = 64, sha_bytes = 32, check_bytes = 16;
constexpr std::size_t most = std::size_t{1} << 30;
constexpr std::uint32_t is_settled = 1, is_deflated = 2;

stamp stamp_from(const struct stat& s) {
    auto time = [](const timespec& t) {
        return wall_time(std::chrono::seconds(t.tv_sec) + std::chrono::nanoseconds(t.tv_nsec));
    };
    return {static_cast<std::uint64_t>(s.st_size), s.st_ino, time(s.st_mtim), time(s.st_ctim)};
}

std::uint64_t number(wall_time t) { return static_cast<std::uint64_t>(t.time_since_epoch().count()); }
wall_time time_of(std::uint64_t n) {
    return wall_time(std::chrono::nanoseconds(static_cast<std::int64_t>(n)));
}

std::string text(std::span<const std::byte> bytes) {
    return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

}  // namespace

std::optional<stamp> stamp_in(int folder, const char* name) {
    struct stat s;
    if (::fstatat(folder, name, &s, AT_SYMLINK_NOFOLLOW) != 0) return std::nullopt;
    return stamp_from(s);
}

std::optional<stamp> stamp_of(int fd) {
    struct stat s;
    if (::fstat(fd, &s) != 0) return std::nullopt;
    return stamp_from(s);
}

std::uint64_t check_of(std::span<const std::byte> data) { return codec::xxh3_of(data).low; }

tree_index tree_index::load(const std::string& path) {
    tree_index out;
    auto read = file::read_all(path, most);
    if (!read || !out.parse(codec::as_bytes(*read))) return tree_index();
    return out;
}

bool tree_index::parse(std::span<const std::byte> all) {
    if (all.size() < magic.size() + check_bytes) return false;
    auto body = all.first(all.size() - check_bytes);
    if (codec::hash128::from_bytes(all.last<check_bytes>()) != codec::xxh3_of(body)) return false;
    decoder in(body);
    if (text(in.bytes(magic.size())) != magic) return false;
    archive = text(in.bytes(hash_digits));
    archive_bytes = in.u64();
    const std::uint64_t count = in.u64();
    files_.reserve(std::min<std::uint64_t>(count, all.size() / (sha_bytes + 8)));
    for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
        indexed_file f;
        f.stamp.size = in.u64();
        f.stamp.inode = in.u64();
        f.stamp.modified = time_of(in.u64());
        f.stamp.changed = time_of(in.u64());
        f.sha256 = text(in.bytes(sha_bytes));
        f.packed.offset = in.u64();
        f.packed.stored_size = in.u64();
        f.packed.size = in.u64();
        f.packed.crc32 = in.u32();
        f.packed.check = in.u64();
        const std::uint32_t flags = in.u32();
        f.settled = (flags & is_settled) != 0;
        f.packed.deflated = (flags & is_deflated) != 0;
        f.name = text(in.bytes(in.u32()));
        files_.push_back(std::move(f));
    }
    if (!in.ok()) return false;
    by_content_.reserve(files_.size());
    for (std::size_t i = 0; i < files_.size(); ++i) {
        if (files_[i].packed.offset > 0) by_content_.emplace(files_[i].sha256, i);
    }
    return true;
}

result<void> tree_index::save(const std::string& path) const {
    std::string out(magic);
    out += archive;
    encoder numbers(out);
    numbers.u64(archive_bytes).u64(files_.size());
    for (const auto& f : files_) {
        numbers.u64(f.stamp.size).u64(f.stamp.inode);
        numbers.u64(number(f.stamp.modified)).u64(number(f.stamp.changed));
        out += f.sha256;
        numbers.u64(f.packed.offset).u64(f.packed.stored_size).u64(f.packed.size);
        numbers.u32(f.packed.crc32).u64(f.packed.check);
        numbers.u32((f.settled ? is_settled : 0) | (f.packed.deflated ? is_deflated : 0));
        numbers.u32(f.name.size());
        out += f.name;
    }
    out += text(codec::xxh3_of(codec::as_bytes(out)).bytes());
    ACT_TRY(auto target, file::aside::create(path));
    ACT_TRY_VOID(file::write_at(target.fd(), codec::as_bytes(out), 0, path));
    return target.publish(0600, now());
}

const indexed_file* tree_index::find(std::string_view name) const {
    auto at = std::lower_bound(files_.begin(), files_.end(), name,
                               [](const indexed_file& f, std::string_view n) { return f.name < n; });
    return at != files_.end() && at->name == name ? &*at : nullptr;
}

const packed_form* tree_index::form_of(const std::string& sha256) const {
    auto found = by_content_.find(sha256);
    return found == by_content_.end() ? nullptr : &files_[found->second].packed;
}

}  // namespace act::stage

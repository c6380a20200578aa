#include "submit/stage/contents.hpp"

#include <algorithm>
#include <cerrno>

#include "engine/core/units.hpp"
#include "submit/stage/secrets.hpp"

namespace act::stage {
namespace {

constexpr std::size_t tile = 256 * KiB;
constexpr std::size_t kept_room = 4 * MiB;  ///< of a workspace, from one file to the next
constexpr const char* unreadable = "make it readable, or leave it out in .actignore";

/// Calls `each` with the file's bytes, tile by tile; how many there were.
result<std::uint64_t> read_tiles(int fd, const std::string& path, const stop_token& stop,
                                 const std::function<result<void>(codec::bytes_view)>& each) {
    std::vector<std::byte> buffer(tile);
    std::uint64_t at = 0;
    for (;;) {
        if (stop.requested()) return error(kind::stopped, "stopped");
        ACT_TRY(std::size_t n, file::read_at(fd, buffer, at, path));
        if (n > 0) ACT_TRY_VOID(each(codec::bytes_view(buffer).first(n)));
        at += n;
        if (n < buffer.size()) return at;
    }
}

content of_text(const std::string& text) {
    content out;
    auto bytes = codec::as_bytes(text);
    out.sha256 = codec::sha256_of(bytes);
    out.size = text.size();
    out.crc = codec::crc32(0, bytes);
    out.data.assign(bytes.begin(), bytes.end());
    return out;
}

}  // namespace

contents::contents(const pack_options& o, omissions& left_out, stop_token stop)
    : options_(o), omissions_(left_out), stop_(std::move(stop)) {}

void contents::use(tree_index index) {
    index_ = std::move(index);
    archive_.reset();
    if (index_.archive.empty()) return;
    std::string path = options_.folder + "/" + index_.archive + ".zip";
    auto fd = file::open_read(path);
    if (!fd) return;
    auto there = file::stat_of(fd->get(), path);
    if (there && there->size == index_.archive_bytes) archive_ = std::move(*fd);
}

result<content> contents::identify(const tree_entry& e, workspace& space) {
    if (!is_file(e.kind)) return of_text(e.link_target);
    const indexed_file* known = index_.find(e.name);
    if (known && known->settled) {
        auto seen = space.files.look(e.name);
        if (seen && *seen == known->stamp) {
            content out;
            out.sha256 = known->sha256;
            out.size = seen->size;
            out.seen = seen;
            return out;
        }
    }
    return read(e, space, false);
}

result<content> contents::packed(const tree_entry& e, workspace& space) {
    if (!is_file(e.kind)) return of_text(e.link_target);
    if (auto known = from_archive(e)) return std::move(*known);
    return read(e, space, true);
}

std::optional<content> contents::from_archive(const tree_entry& e) const {
    const packed_form* form = index_.form_of(e.sha256);
    if (!form) return std::nullopt;
    content out;
    out.sha256 = e.sha256;
    out.size = form->size;
    out.crc = form->crc32;
    out.deflated = form->deflated;
    if (form->size > options_.whole_in_memory && !form->deflated) return out;
    if (!archive_) return std::nullopt;
    out.data.resize(form->stored_size);
    auto n = file::read_at(archive_.get(), out.data, form->offset, index_.archive);
    if (!n || *n != out.data.size() || check_of(out.data) != form->check) return std::nullopt;
    return out;
}

result<content> contents::read(const tree_entry& e, workspace& space, bool packed) {
    auto fd = space.files.open(e.name);
    if (!fd && fd.error().kind() == kind::not_found) {
        omissions_.add(e.name, "it went away meanwhile");
        return content{};
    }
    if (!fd) return error(fd.error()).with_advice(unreadable);
    content out;
    out.read = true;
    // Before the bytes: what changes while they are read gets another stamp.
    out.seen = stamp_of(fd->get());
    const std::string path = path_of(e.name);
    if (!out.seen) return error::from_errno(errno, "cannot look at " + path);
    if (out.seen->size > options_.whole_in_memory) {
        return read_large(fd->get(), path, packed, std::move(out));
    }
    if (space.file.size() < out.seen->size) space.file.resize(out.seen->size);
    const std::span room(space.file.data(), out.seen->size);
    ACT_TRY(const std::size_t n, file::read_at(fd->get(), room, 0, path));
    const codec::bytes_view bytes = room.first(n);
    // What was identified before is what is packed now, or else the archive is dropped.
    if (e.sha256.empty() && n <= scanned_size) {
        auto why = secret_content(bytes);
        if (why.empty()) why = secret_setting(e.name, bytes);
        if (!why.empty()) {
            omissions_.add(e.name, std::string(why), true);
            return content{};
        }
    }
    out.sha256 = codec::sha256_of(bytes);
    out.size = n;
    if (packed) {
        out.crc = codec::crc32(0, bytes);
        (n < options_.small ? space.small : space.large).compress(bytes, out.data);
        out.deflated = out.data.size() < bytes.size();
        if (!out.deflated) out.data.assign(bytes.begin(), bytes.end());
    }
    if (space.file.size() > kept_room) std::vector<std::byte>().swap(space.file);
    return out;
}

result<content> contents::read_large(int fd, const std::string& path, bool checksum, content out) {
    codec::digest sha(codec::digest::algorithm::sha256);
    ACT_TRY(out.size, read_tiles(fd, path, stop_, [&](codec::bytes_view bytes) -> result<void> {
                sha.update(bytes);
                if (checksum) out.crc = codec::crc32(out.crc, bytes);
                return {};
            }));
    out.sha256 = sha.finish();
    return out;
}

result<void> contents::stream(const codec::zip_entry& entry, const std::string& sha256,
                              codec::zip_writer& zip) {
    std::string path = path_of(entry.name);
    ACT_TRY(auto fd, file::open_read(path));
    ACT_TRY_VOID(zip.begin(entry));
    codec::digest sha(codec::digest::algorithm::sha256);
    std::uint64_t left = entry.size;
    ACT_TRY(std::uint64_t read,
            read_tiles(fd.get(), path, stop_, [&](codec::bytes_view bytes) -> result<void> {
                sha.update(bytes);
                bytes = bytes.first(static_cast<std::size_t>(std::min<std::uint64_t>(left, bytes.size())));
                left -= bytes.size();
                return bytes.empty() ? result<void>() : zip.append(bytes);
            }));
    if (read != entry.size || sha.finish() != sha256) {
        return error(kind::conflict, path + " changes while it is packed",
                     "wait until what writes there has ended, then run the same command again");
    }
    return {};
}

}  // namespace act::stage

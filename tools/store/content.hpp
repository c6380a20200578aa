#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tools/store/files.hpp"
#include "tools/store/record.hpp"

/// What blobs are made of. A piece is bytes that were written once: a data file, or up to `small_piece` bytes
/// in the index. Blobs, block lists and extents refer to pieces and to each other's contents; references are
/// counted, so that a copy, a snapshot or a commit moves no bytes.
namespace act::store {

/// Above this, opening a file costs less than carrying the bytes through the index.
inline constexpr std::size_t small_piece = 32 * 1024;

/// A stretch of a blob: `length` bytes of a piece from `offset`. Piece 0: zeros.
struct segment {
    id piece = 0;
    std::uint64_t offset = 0, length = 0;
};

/// One block of a committed list; `block_id` is decoded.
struct list_entry {
    std::string_view block_id;
    id piece = 0;
    std::uint64_t offset = 0, length = 0;
};

/// A row of table::lists: the number of blocks, then for each the end of its bytes in the blob, its piece and
/// offset; then the block ids, each with its length before it and filled up to one size. Thus a range is
/// found by bisection.
class list_view {
public:
    list_view() = default;
    explicit list_view(std::string_view row);
    std::size_t size() const { return count_; }
    list_entry operator[](std::size_t) const;
    /// The first block that ends after `offset`.
    std::size_t find(std::uint64_t offset) const;
    std::uint64_t end_of(std::size_t) const;

private:
    std::string_view row_;
    std::size_t count_ = 0, id_size_ = 0;
};

/// The first reference to a new piece.
void add_small_piece(writer&, id, std::string_view bytes);
void add_file_piece(writer&, id);
/// One reference more, or less; the last one removes the piece.
void share_piece(writer&, id);
void release_piece(writer&, id);

/// Writes the row of a list; its references to pieces must have been counted already.
void write_list(writer&, id list, std::span<const list_entry>);

/// The same content for one blob more. Extents, which change, become a list.
content_ref share(writer&, files&, const content_ref&, std::uint64_t size);
/// A blob lets go of its content.
void release(writer&, const content_ref&);

/// [offset, offset + length) of a blob of `size` bytes.
std::vector<segment> segments(const reader&, const content_ref&, std::uint64_t size, std::uint64_t offset,
                              std::uint64_t length);

/// For append and page blobs: content that can be changed, taken over from what is shared with others.
content_ref make_extents(writer&, files&, const content_ref&, std::uint64_t size);
/// Extents. put_extent() takes over a reference to the piece; what was there before is cut away.
void put_extent(writer&, id content, std::uint64_t at, const segment&);
void clear_extents(writer&, id content, std::uint64_t from, std::uint64_t to);

}  // namespace act::store

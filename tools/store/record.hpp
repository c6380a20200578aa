#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "engine/core/clock.hpp"
#include "transfer/blob/types.hpp"

/// The values of the index: what is known of a container, a blob, an upload and a block. Decoded values are
/// views into the encoded bytes, which live as long as the transaction (or the string) they were read from.
namespace act::store {

/// Nanoseconds since 1970; 0: never.
using nanos = std::int64_t;
inline nanos to_nanos(wall_time t) { return t.time_since_epoch().count(); }
inline wall_time from_nanos(nanos n) { return wall_time(std::chrono::nanoseconds(n)); }

/// Name and value pairs in one string: metadata, tags.
namespace packed {
void add(std::string& out, std::string_view name, std::string_view value);
/// The first pair, taken off the front; false at the end.
bool next(std::string_view& rest, std::string_view& name, std::string_view& value);
std::size_t count(std::string_view pairs);
}  // namespace packed

/// Where a blob's bytes are.
struct content_ref {
    enum class form : std::uint8_t {
        none,     ///< empty
        piece,    ///< one piece, from its start
        list,     ///< an immutable list of segments (table::lists)
        extents,  ///< rows that append and page blobs change (table::extents)
    };
    content_ref::form form = form::none;
    std::uint64_t id = 0;
};

struct lease {
    enum class phase : std::uint8_t { none, held, breaking };
    enum class state { available, leased, expired, breaking, broken };
    lease::phase phase = phase::none;
    std::string_view id;
    std::int32_t seconds = 0;  ///< -1: without end
    nanos until = 0;           ///< end of the lease, or of its breaking

    lease::state at(nanos now) const;
};
std::string_view to_string(lease::state);

struct copy_state {
    std::string_view id, source, status, description;
    std::uint64_t done = 0, total = 0;
    nanos completed = 0;
    std::uint64_t owner = 0;  ///< the session that works on a pending copy
};

enum class tier : std::uint8_t { none, hot, cool, cold, archive };
std::string_view to_string(tier);
tier parse_tier(std::string_view);

/// What a blob is encrypted with, if not with the account's own key: the customer's key of that SHA-256
/// (base64), or an encryption scope.
struct encryption {
    std::string_view key_sha256{}, scope{};

    bool none() const { return key_sha256.empty() && scope.empty(); }
    friend bool operator==(const encryption&, const encryption&) = default;
};

struct blob_record {
    blob::blob_type type = blob::blob_type::block;
    std::uint64_t etag = 0, size = 0;
    nanos created = 0, modified = 0;
    content_ref content;
    struct {
        std::string_view type, encoding, language, disposition, cache_control, md5;
    } headers;
    std::string_view metadata, tags;                 ///< packed
    act::store::tier tier = act::store::tier::none;  ///< none: inferred (Hot)
    nanos tier_changed = 0;
    act::store::lease lease;
    std::uint32_t append_blocks = 0;
    bool sealed = false;
    std::uint64_t sequence_number = 0;
    std::uint32_t snapshots = 0;  ///< how many there are (base blobs)
    copy_state copy;
    nanos version = 0;       ///< when it became what it is, in an account that keeps versions; 0: not in one
    bool directory = false;  ///< in a hierarchical account
    std::string_view
        access;  ///< packed, of a path there: what was set of its access control (access_control.hpp)
    act::store::encryption encryption;
};

/// What was deleted, as long as it can be brought back.
struct trash_record {
    nanos deleted = 0, until = 0;
    std::string_view blob;  ///< the blob_record
};

struct container_record {
    std::uint64_t id = 0, etag = 0;
    nanos modified = 0;
    std::string_view metadata;       ///< packed
    std::string_view public_access;  ///< "", "blob" or "container"
    std::string_view policies;       ///< the ACL document as it was set
    act::store::lease lease;
    std::string_view default_scope;  ///< of what is written without key and scope
    bool only_default_scope = false;
    std::string_view access;  ///< packed, of the root folder: as blob_record has it
};

/// Blocks staged for a blob that are not committed yet.
struct upload_record {
    std::uint64_t id = 0;
    std::uint32_t id_size = 0;  ///< of the decoded block ids, all alike
    std::uint32_t blocks = 0;
    nanos touched = 0;
    act::store::encryption encryption;  ///< all blocks alike
};

struct block_record {
    std::uint64_t piece = 0, offset = 0, size = 0;
};

std::string encode(const blob_record&);
std::string encode(const container_record&);
std::string encode(const upload_record&);
std::string encode(const block_record&);
std::string encode(const trash_record&);
/// False: the index is damaged or of a newer version.
bool decode(std::string_view, blob_record&);
bool decode(std::string_view, container_record&);
bool decode(std::string_view, upload_record&);
bool decode(std::string_view, block_record&);
bool decode(std::string_view, trash_record&);

/// Decodes one blob's record after the other. Neighbours have most in common: it is compared as bytes, and
/// decoded only where it differs. The encoded bytes outlive the decoder.
class blob_decoder {
public:
    /// False as in decode().
    bool next(std::string_view);
    const blob_record& record() const { return record_; }
    /// True when the content headers, but for the MD5, are as in the record before.
    bool same_headers() const { return same_headers_; }
    /// True when the type, whether it is a directory, what it is encrypted with, and all from the tags on
    /// are, but for the version and what access control was set.
    bool same_state() const { return same_state_; }

private:
    blob_record record_;
    std::string_view headers_, state_;  // their bytes, of the last record
    bool same_headers_ = false, same_state_ = false;
};

/// An ETag as listings tell it, without quotes: 0x8DC0FFEE...
class etag_digits {
public:
    explicit etag_digits(std::uint64_t number) {
        write_digits(text_ + 2, static_cast<std::uint32_t>(number >> 32));
        write_digits(text_ + 10, static_cast<std::uint32_t>(number));
        first_ = text_ + std::countl_zero(number | 1) / 4;
        first_[0] = '0';
        first_[1] = 'x';
    }
    etag_digits(const etag_digits&) = delete;
    std::string_view view() const { return {first_, std::end(text_)}; }

private:
    /// Eight, side by side in a word: each listed name has an ETag.
    static void write_digits(char* to, std::uint32_t number) {
        std::uint64_t n = number;
        n = (n << 16 | n) & 0x0000'ffff'0000'ffff;
        n = (n << 8 | n) & 0x00ff'00ff'00ff'00ff;
        n = (n << 4 | n) & 0x0f0f'0f0f'0f0f'0f0f;
        const std::uint64_t letters = (n + 0x0606'0606'0606'0606) >> 4 & 0x0101'0101'0101'0101;
        n = __builtin_bswap64(n + 0x3030'3030'3030'3030 + letters * ('A' - '9' - 1));
        std::memcpy(to, &n, sizeof n);
    }
    char text_[18];
    char* first_;
};
/// `"0x8DC0FFEE..."`, with quotes.
std::string etag_text(std::uint64_t);
/// The next ETag of something that had `previous`: the time in units of 100 ns, always growing.
std::uint64_t next_etag(nanos now, std::uint64_t previous);

/// "2026-01-02T03:04:05.0670000Z": how the service writes the time of a snapshot, always seven digits.
std::string snapshot_time(nanos);

}  // namespace act::store

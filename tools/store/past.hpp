#pragma once

#include <string>
#include <vector>

#include "tools/store/call.hpp"
#include "tools/store/catalog.hpp"

/// What writes and deletes leave behind in an account that protects its data: previous versions
/// (table::versions), and what was soft-deleted (table::trash).
namespace act::store {

struct protection {
    std::uint32_t days = 0;   ///< how long what was deleted can be brought back; 0: not at all
    bool versioning = false;  ///< what is overwritten or deleted becomes a previous version
    bool any() const { return days > 0 || versioning; }
};
protection protection_of(const reader&);
void set_protection(writer&, const protection&);

/// The second part of a key of table::trash: what it was, and the snapshot's or version's time.
namespace trash {
inline constexpr char blob = 'b', snapshot = 's', version = 'v';
/// In a hierarchical account, where in place of a time there is the DeletionId: a path of its own, and what
/// was below a directory that was deleted with all in it, which nobody sees until that is back.
inline constexpr char path = 'p', below = 'q';
std::string key(char what, std::string_view time = {});
}  // namespace trash

/// The record that a request names: the blob's, or that of its snapshot or version.
std::optional<std::string_view> find_asked(const reader&, std::uint64_t container, const call&);
std::optional<blob_record> load_asked(const reader&, std::uint64_t container, const call&);

/// The time of the version that is written now; none of that name had it.
nanos next_version(const reader&, std::uint64_t container, std::string_view name, nanos now);
std::uint32_t count_snapshots(const reader&, std::uint64_t container, std::string_view name);

// These take over the record's content. Records are not views into the index.

/// A DeletionId that no deletion of that name has: the time in units of 100 ns since 1601, as the service's
/// are.
std::string new_deletion_id(const reader&, std::uint64_t container, std::string_view name, nanos now);

/// The blob becomes a previous version of itself.
void keep_version(writer&, std::uint64_t container, std::string_view name, blob_record);
/// With `days` 0 it is let go of at once.
void put_in_trash(writer&, const call&, std::uint32_t days, std::uint64_t container, std::string_view name,
                  char what, std::string_view time, blob_record);
/// Of the call's blob.
inline void put_in_trash(writer& w, const call& c, std::uint32_t days, std::uint64_t container, char what,
                         std::string_view time, const blob_record& r) {
    put_in_trash(w, c, days, container, c.blob, what, time, r);
}

/// Before the call's blob is overwritten: keeps what stands there, if the account does; true when its content
/// must not be released. Where nothing stands, see trash_as_snapshot().
bool keep_replaced(writer&, const call&, const protection&, std::uint64_t container);
/// The deleted blob of that name, if any, becomes a deleted snapshot of what now stands in its place.
void trash_as_snapshot(writer&, const call&, std::uint64_t container);

/// A row of the trash, copied.
struct trashed {
    std::string key, record;  ///< of the table; the blob_record
    nanos until = 0;
    char what() const { return key[0]; }
    std::string_view time() const { return std::string_view(key).substr(1); }
};
std::vector<trashed> trash_of(const reader&, std::uint64_t container, std::string_view name);

}  // namespace act::store

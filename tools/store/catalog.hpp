#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "tools/store/index.hpp"
#include "tools/store/keys.hpp"
#include "tools/store/record.hpp"

/// Records by name. A blob's name may be longer than a key of LMDB, so the rows of table::blobs, snapshots,
/// uploads, versions and trash are buckets: the key is the container's id and the name's first `key_part`
/// bytes, the value a sorted list of entries, each with the rest of the name, the snapshot's time ("" in
/// table::blobs and uploads; see index.hpp for the others) and the record. Nearly always there is one entry.
/// Byte order of keys, then of entries, is the byte order of whole names. In a hierarchical account names lie
/// turned (paths.hpp), which nobody outside of the catalog sees.
namespace act::store {

inline constexpr std::size_t key_part = 480;

key name_key(std::uint64_t container, std::string_view name);

std::optional<std::string_view> find(const reader&, table, std::uint64_t container, std::string_view name,
                                     std::string_view snapshot = {});
/// Adds or replaces.
void save(writer&, table, std::uint64_t container, std::string_view name, std::string_view snapshot,
          std::string_view record);
bool erase(writer&, table, std::uint64_t container, std::string_view name, std::string_view snapshot = {});

/// find() and decode() in one: nothing when there is none. A record that cannot be read fails the reader.
template <class Record>
std::optional<Record> load(const reader& r, table t, std::uint64_t container, std::string_view name,
                           std::string_view snapshot = {}) {
    auto bytes = find(r, t, container, name, snapshot);
    if (!bytes) return {};
    Record record;
    if (decode(*bytes, record)) return record;
    r.fail(EBADMSG);
    return {};
}
std::optional<container_record> load_container(const reader&, std::string_view name);

/// One entry of a bucket; `next` takes it off the front.
struct bucket_entry {
    std::string_view tail, snapshot, record;
    static bool next(std::string_view& rest, bucket_entry&);
};

/// Walks the records of one container in one table, in the order of (name, snapshot).
class record_cursor {
public:
    record_cursor(const reader&, table, std::uint64_t container);

    /// The first entry at or after (name, snapshot); false at the end.
    bool seek(std::string_view name, std::string_view snapshot = {});
    bool next();
    bool valid() const { return valid_; }
    /// The whole name. Valid until the next move.
    std::string_view name() const { return name_; }
    /// Whether its name is listed before the other's.
    bool precedes(const record_cursor& o) const { return listed_before(space_, name_, o.name_); }
    std::string_view snapshot() const { return entry_.snapshot; }
    std::string_view record() const { return entry_.record; }

private:
    bool enter();
    bool take();
    cursor rows_;
    const name_space space_;
    std::uint64_t container_;
    std::string_view rest_;
    bucket_entry entry_;
    std::string_view name_;
    std::string long_name_;
    bool valid_ = false;
};

}  // namespace act::store

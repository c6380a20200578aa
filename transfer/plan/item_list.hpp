#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/core/clock.hpp"
#include "engine/core/result.hpp"
#include "transfer/blob/types.hpp"

namespace act::plan {

/// One item of a list: a name below the source and one below the destination, with what is known of it.
struct listed_item {
    std::string source, destination;
    std::optional<std::uint64_t> size;
    blob::etag etag{};  ///< of the blob that is meant; empty: whichever is there
    std::optional<wall_time> modified{};
    std::string hash{};  ///< see content_hash.hpp
    bool folder = false, link = false;
    blob::blob_type type = blob::blob_type::block;
    /// The run that wrote the manifest failed with it: this is what was there before.
    bool doubtful = false;
    std::string place{};           ///< "list.txt:17"
    std::optional<error> wrong{};  ///< the line names no item, for this reason; nothing else is set then
};

/// A list of items, read as it is worked on. One thread at a time.
class item_list {
public:
    virtual ~item_list() = default;
    /// The next one, nothing at the end. May block. An error is the end.
    virtual result<std::optional<listed_item>> next() = 0;
    /// Whether next() would not have to wait for more of the list.
    virtual bool ready() const = 0;
};

/// What stands at a destination, as the manifest of the last run tells: in the order of the bytes of names,
/// each of them once. Whole and checked before it is given away. One thread at a time.
class manifest {
public:
    virtual ~manifest() = default;
    /// From the first item on, once more.
    virtual result<void> begin() = 0;
    /// The next one, nothing at the end. `destination` is its name there.
    virtual result<std::optional<listed_item>> next() = 0;

    /// Before the first request that changes the destination, which makes untrue what this tells; where it
    /// fails nothing may be changed. May block. Called from any thread, by some operations more than once.
    virtual result<void> changing() { return {}; }
    /// Before the request that deletes what has this name: whatever becomes of that, what is told of it here
    /// is not to be believed any more, unless it is known to be gone. Called from any thread.
    virtual void doubt(const std::string& name) { (void)name; }
};

/// Reads one line that begins with '{'. Nothing for a line that holds no item but belongs to act's own output
/// (a manifest's first and last line, summaries, what `check` found to be extra). kind::usage for all else.
result<std::optional<listed_item>> read_item(std::string_view json);
/// The same for a plain name.
result<listed_item> read_name(std::string_view name);

/// The first and last line of a manifest.
struct manifest_mark {
    bool begins = false;  ///< else it ends
    bool complete = false;
    std::uint64_t version = 0;  ///< of the first line
    std::string destination{};  ///< of the first line; empty: it does not tell
    std::uint64_t objects = 0;  ///< of the last line
};
/// Nothing for any other line.
std::optional<manifest_mark> read_mark(std::string_view json);

}  // namespace act::plan

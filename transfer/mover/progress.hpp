#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "engine/core/clock.hpp"
#include "engine/core/error.hpp"

namespace act {

/// What is going on, as counters that a renderer reads on its own clock. The engine only adds to them.
struct progress {
    std::atomic<std::uint64_t> files_found{0}, bytes_found{0};  ///< to be done, as far as known
    std::atomic<bool> scan_finished{false};                     ///< files_found and bytes_found are final
    std::atomic<std::uint64_t> files_done{0}, bytes_done{0};    ///< finished; bytes also of parts of files
    std::atomic<std::uint64_t> files_skipped{0}, bytes_skipped{0};  ///< unchanged
    std::atomic<std::uint64_t> files_failed{0};
};

/// What an item is called below the two ends of an operation; mostly the same. Both empty: it is what the
/// ends name themselves.
struct item_name {
    std::string source, destination;
    friend bool operator==(const item_name&, const item_name&) = default;
};

/// One item that failed, or that was left out with a reason worth telling.
struct failure {
    std::string path;
    act::error error;
    std::optional<item_name> item{};  ///< none: it is not of one item
    bool of_list = false;             ///< of a line of a list that names no item
};

/// What stands at the destination now: written by this operation, or found there unchanged; or, if it is
/// `gone`, nothing more.
struct record {
    item_name item{};
    std::uint64_t size = 0;
    std::string etag{};  ///< of the blob, as headers carry it; empty: not known
    std::optional<wall_time> modified{};
    std::string hash{};       ///< see plan/content_hash.hpp; empty: none is known
    std::string blob_type{};  ///< "page" or "append"; empty: a block blob
    bool folder = false, link = false, unchanged = false, gone = false;
};

/// Events of one operation; called from any loop, so implementations lock. The defaults do nothing.
class observer {
public:
    virtual ~observer() = default;
    /// An item was finished: "upload", "download", "copy", "remove", "skip", "mkdir"; size in bytes.
    virtual void item(std::string_view action, std::string_view path, std::uint64_t size) {
        (void)action, (void)path, (void)size;
    }
    virtual void failed(const failure&) {}
    /// True: recorded() is wanted, which costs a hash of what is in memory anyway.
    virtual bool records() const { return false; }
    virtual void recorded(const record&) {}
};

/// How an operation ended.
struct summary {
    std::uint64_t files = 0, bytes = 0;  ///< moved (or removed)
    std::uint64_t skipped = 0, failed = 0;
    std::uint64_t bytes_skipped = 0;
    std::uint64_t deleted = 0;  ///< of a sync: what only the destination had
    /// Of a copy: how many of `files` the service moved by itself, and how many came through this machine.
    std::uint64_t server_side = 0, through_client = 0;
    /// Of a copy with permissions: files and folders whose owner, group or list were set.
    std::uint64_t permissions_set = 0;
    /// Set when the whole operation could not be done (missing container, wrong key) or was stopped.
    std::vector<failure> failures;  ///< the first hundred
    bool stopped = false;
};

}  // namespace act

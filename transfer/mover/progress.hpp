#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

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

/// One item that failed, or that was left out with a reason worth telling.
struct failure {
    std::string path;
    act::error error;
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
};

/// How an operation ended.
struct summary {
    std::uint64_t files = 0, bytes = 0;  ///< moved (or removed)
    std::uint64_t skipped = 0, failed = 0;
    std::uint64_t bytes_skipped = 0;
    std::uint64_t deleted = 0;  ///< of a sync: what only the destination had
    /// Of a copy: how many of `files` the service moved by itself, and how many came through this machine.
    std::uint64_t server_side = 0, through_client = 0;
    /// Set when the whole operation could not be done (missing container, wrong key) or was stopped.
    std::vector<failure> failures;  ///< the first hundred
    bool stopped = false;
};

}  // namespace act

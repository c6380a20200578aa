#pragma once

#include <functional>
#include <memory>
#include <string>

#include "engine/async/runtime.hpp"
#include "engine/file/walk.hpp"
#include "engine/memory/buffer_pool.hpp"
#include "transfer/client/client.hpp"
#include "transfer/mover/progress.hpp"

/// The operations on trees: thin over plan and mover. Every one streams, ends soon after its stop signal, and
/// leaves the old content of a target untouched unless the new one is whole.
namespace act::ops {

/// What every operation works with. All of it outlives the call.
struct context {
    act::runtime& runtime;
    buffer_pool& buffers;
    act::progress& progress;
    act::observer& observer;
    stop_token stop;
    /// Requests in flight over all loops.
    unsigned concurrency = 32;
    /// If given: how many there should be now, as whoever admits the requests found out.
    const std::atomic<unsigned>* wanted = nullptr;
};

/// A container and what is below a path in it. `path` has no slash at either end and may be empty (the whole
/// container).
struct remote {
    blob::client& client;
    std::string container;
    std::string path;
};

struct upload_options {
    /// 0: 8 MiB, larger where the file would need more than 50,000 blocks.
    std::uint64_t block_size = 0;
    /// Files up to this size go in one request.
    std::uint64_t single_request = 4ull << 20;
    bool always = false;           ///< send also what is unchanged
    bool compare_content = false;  ///< --hash: by content where the blob tells it, instead of by time
    bool dry_run = false;
    file::links links = file::links::follow;
    bool create_container = true;
};

/// Uploads the file or directory at `local` to `to.path` (of the same shape: a file to that blob, a tree
/// below it).
task<result<summary>> upload(context&, std::string local, remote to, upload_options);

struct download_options {
    std::uint64_t part_size = 8ull << 20;
    bool always = false;
    bool compare_content = false;
    bool dry_run = false;
};

/// Downloads the blob at `from.path`, or what is below "from.path/", to `local`. When both exist both come:
/// the service allows it, a file system does not, so the blob is reported as failed. kind::not_found when
/// there is neither.
task<result<summary>> download(context&, remote from, std::string local, download_options);

struct list_options {
    bool raw_prefix = false;  ///< path is a plain string prefix, as in ACT
    bool one_level = false;   ///< fold what is below the next slash
    bool snapshots = false;
};
/// Calls `each` in order of names, on one loop; the blob at the path itself comes first. Returns what was
/// seen. kind::not_found when nothing matches.
task<result<summary>> list(context&, remote at, list_options,
                           std::function<void(const blob::properties&)> each);

struct remove_options {
    bool raw_prefix = false;
    bool dry_run = false;
    blob::snapshots snapshots = blob::snapshots::include;
};
/// Removes the blob at the path and all below "path/", never siblings that merely share the prefix.
task<result<summary>> remove(context&, remote at, remove_options);

}  // namespace act::ops

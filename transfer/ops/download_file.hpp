#pragma once

#include <string>
#include <vector>

#include "engine/file/file.hpp"
#include "transfer/mover/mover.hpp"
#include "transfer/ops/local_target.hpp"
#include "transfer/ops/operation.hpp"

namespace act::ops {

/// What all jobs of one download share.
struct download_run {
    operation& op;
    act::mover& mover;
    remote from;
    download_options options;
    local_target target;
    std::vector<blob::properties> folders{};   ///< of a move: stubs that go when all below them has gone
    std::atomic<std::uint64_t> links_left{0};  ///< blobs that stand for links, which were not asked for
};

/// One blob on its way down.
struct download_item {
    blob::properties info;
    std::string local;
    bool looked =
        true;  ///< false: of a list, which tells the size and perhaps the ETag; the rest comes along
};

/// The job for a blob whose range the service checks as a whole: one request (none when it is empty).
std::unique_ptr<job> download_small(download_run&, download_item);
/// To be given to mover::spawn: waits for its parts.
std::unique_ptr<job> download_large(download_run&, download_item);

/// Takes what the first answer tells of an item that nobody looked at. kind::precondition when it is of
/// another size than was listed.
result<void> learn(download_item&, const blob::address&, const blob::download&);
/// Tells what is in the item's file now.
void record(const download_run&, const download_item&, std::string hash, bool unchanged);

/// What is left to do with a blob that is whole in its file: nothing, or removing it when it is moved.
task<result<void>> finish_source(download_run&, blob::address, blob::etag seen);
/// How a file is published: what is moved must be on the disk before its blob goes.
file::aside::durability durability_of(const download_run&);

}  // namespace act::ops

#pragma once

#include <atomic>

#include "transfer/ops/operation.hpp"

namespace act::ops {

/// Owner, group and access control list of files and folders on their way from one account with a
/// hierarchical namespace to another. Thread-safe.
class permissions {
public:
    permissions(operation& op, remote from, remote to)
        : op_(op), from_(std::move(from)), to_(std::move(to)) {}

    /// Whether both accounts have such: kind::usage, naming the one that has not. `create` the destination's
    /// container first where only that can tell.
    task<result<void>> check(bool create);

    /// Has `target` have what `source` has; both are full names, empty ones mean the container's root folder.
    /// Of what is `fresh`, which this run has written, nothing is read at the destination before. Gives the
    /// ETag when something had to be set, else an empty one.
    task<result<blob::etag>> carry(std::string source, std::string target, bool fresh);

    /// Reports what carry() said, of one item alone: others may well be allowed. Where nothing at all is, the
    /// operation ends.
    void failed(const std::string& path, error, item_ends = {});

private:
    task<result<void>> check(const remote&, std::string_view role, bool create);

    operation& op_;
    remote from_, to_;
    std::atomic<bool> any_ = false;  ///< has been set
    std::atomic<unsigned> refused_ = 0;
};

}  // namespace act::ops

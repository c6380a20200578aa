#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "transfer/mover/mover.hpp"
#include "transfer/ops/folder_levels.hpp"
#include "transfer/ops/operation.hpp"

namespace act::ops {

/// One blob to remove.
struct doomed {
    std::string name;  ///< full blob name
    std::uint64_t size = 0;
    std::string snapshot{};  ///< just that one; empty: the blob, with its snapshots as the removal was told
    std::string version{};   ///< just that one, if it is a previous one
    /// `version` is the current one: the blob goes, which leaves it as a previous version, and then that.
    bool current = false;
    bool folder = false;  ///< a real one; what only stands for a folder is a blob like others
    /// Goes while it has this one. Else it is looked at, and goes as it is then if that is wanted; see
    /// removal::decide(). Empty: whichever.
    blob::etag etag{};
    bool exact = false;    ///< with an ETag: what has another is a failure, and stays
    bool another = false;  ///< it was found to have another ETag
    /// For messages: as an URL would name it, for what is no blob must not be taken for the blob.
    std::string shown() const;
};

/// A real folder was not removed because something is in it.
bool is_full_folder(const error&);

/// Removes blobs of one container through the mover, 256 to a request as they come in; those that a batch
/// could not remove are tried alone, which also gives each its own message. Where the service has no Blob
/// Batch, every blob is its own request. Outlives the jobs that it submits: the mover's finish() comes first.
class removal {
public:
    removal(operation& op, act::mover& m, remote from, blob::snapshots snapshots)
        : op_(op), mover_(m), from_(std::move(from)), snapshots_(snapshots) {}

    /// What is gone already is skipped. Fails by stop, or where the list of folders cannot be kept; what
    /// cannot be removed is reported to `op`. Folders are kept for remove_folders().
    task<result<void>> add(doomed);
    /// Asked, from any loop, whether what has another ETag than expected goes all the same.
    void decide(std::function<bool(const doomed&, const blob::properties&)> by) { decide_ = std::move(by); }
    /// Told, from any loop, of what is not there any more.
    void tell_gone(std::function<void(const doomed&)> gone) { gone_ = std::move(gone); }
    /// Submits what has been added and is not on its way yet.
    task<result<void>> flush();
    /// To be called when the mover has finished: real folders go only when they are empty, so after their
    /// content, all of one depth at the same time, the deepest first. Those with something left stay.
    task<void> remove_folders();

private:
    class batch;
    task<result<void>> send(const doomed&);
    /// Of one that has another ETag: kind::not_found where nothing is there, nothing where it stays.
    task<result<bool>> send_as_seen(const doomed&);
    void gone(const doomed&, bool was_there);
    /// At once, in a request of its own.
    task<void> remove_one(doomed);

    operation& op_;
    act::mover& mover_;
    remote from_;
    blob::snapshots snapshots_;
    std::vector<doomed> waiting_;
    folder_levels folders_;
    std::function<bool(const doomed&, const blob::properties&)> decide_;
    std::function<void(const doomed&)> gone_;
    /// Found out once: the service has no Blob Batch.
    std::atomic<bool> one_by_one_{false};
};

}  // namespace act::ops

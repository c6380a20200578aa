#pragma once

#include <mutex>

#include "transfer/ops/ops.hpp"

namespace act::ops {

/// An item by its full names at both ends: a local path, or a blob's name.
struct item_ends {
    std::string_view source, destination;
};

/// What the jobs of one running operation share: its stop, its tally, and the decision whether a failure is
/// of one item or of the whole. Thread-safe.
class operation {
public:
    explicit operation(context& c) : context_(c), stop_(c.stop) {}

    ops::context& context() { return context_; }
    stop_token stop() const { return stop_.token(); }
    until patience() const { return {.stop = stop_.token()}; }

    void found(std::uint64_t bytes);
    void skipped(std::string_view path, std::uint64_t bytes);
    /// Counts a finished item. Its bytes are counted by advance(), as they move.
    void done(std::string_view action, std::string_view path, std::uint64_t bytes);
    /// Counts many at once, of which the observer is not told.
    void done(std::uint64_t files, std::uint64_t bytes);
    /// Counts it once more, by what else there is to tell.
    void count(std::uint64_t summary::*what);
    void advance(std::uint64_t bytes) {
        context_.progress.bytes_done.fetch_add(bytes, std::memory_order_relaxed);
    }
    void retreat(std::uint64_t bytes) {
        context_.progress.bytes_done.fetch_sub(bytes, std::memory_order_relaxed);
    }
    /// The operation is between these: what records and failures call an item is relative to them.
    void between(std::string source, std::string destination);
    /// Whether record() has a listener.
    bool records() const { return context_.observer.records(); }
    /// Tells what stands at the destination now; the item's name is filled in.
    void record(item_ends, act::record);

    /// Records a failed item. What would fail for every other item too (credentials, a full disk, an
    /// unreachable service) ends the operation. Stops of our own making are not recorded.
    /// Without `at` the item is found by its path, if that is below one of the ends.
    void failed(std::string path, error, item_ends at = {});
    /// The same for what another item may be allowed.
    void failed_alone(std::string path, error, item_ends at = {});
    /// The same for what is no item: a line of a list, say.
    void refused(std::string place, error);
    /// Ends the operation with this failure.
    void give_up(error);

    /// Nothing has failed, and nobody wants it to stop.
    bool untroubled();

    /// After all jobs have ended: the tally, or the failure that ended the operation.
    result<summary> finish();

private:
    void failed(failure, bool alone = false);
    failure failure_of(std::string path, error, item_ends) const;
    std::optional<item_name> name_of(item_ends) const;
    std::optional<std::string> below_an_end(std::string_view path) const;

    ops::context& context_;
    stop_source stop_;
    bool between_ = false;  ///< the ends are known
    std::string source_, destination_;
    std::mutex mutex_;
    summary tally_;
    std::optional<error> fatal_;
    unsigned unreachable_ = 0;
};

/// Tries again, with growing pauses, what may succeed the next time: a body that broke off or arrived
/// damaged.
class second_chances {
public:
    explicit second_chances(std::uint64_t seed) : backoff_({.max_tries = 5}, seed) {}
    /// True after the pause when another try is worth it; false when `e` is final or the tries are used up.
    task<bool> after(error e, until);

private:
    backoff backoff_;
};

/// What stands at just that name; nothing when it is not there. That the container is missing is an error.
task<result<std::optional<blob::properties>>> find_blob(blob::client&, blob::address, until);
/// Is there a blob at the path, or anything below it? Two small requests, however much there is.
task<result<bool>> anything_at(const remote&, until);
/// Makes the container; that it is there already is as good.
task<result<void>> make_container_of(const remote&, until);
/// kind::not_found: there is neither a blob at the path nor one below it.
error nothing_at(const remote&);

/// Why a blob that was found cannot be read now, if so: it is archived, or a copy of it was never finished.
std::optional<error> unreadable(const blob::properties&);

/// The blob name of a relative name below a remote path.
std::string blob_name(const std::string& path, std::string_view relative);

}  // namespace act::ops

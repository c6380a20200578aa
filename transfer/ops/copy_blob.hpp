#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/async/semaphore.hpp"
#include "transfer/mover/mover.hpp"
#include "transfer/ops/copied_folders.hpp"
#include "transfer/ops/copy.hpp"
#include "transfer/ops/operation.hpp"
#include "transfer/ops/permissions.hpp"
#include "transfer/plan/block_id.hpp"

namespace act::ops {

/// What all jobs of one copy share.
struct copy_run {
    operation& op;
    act::mover& mover;
    copy_source from;
    remote to;
    copy_options options;
    wall_time began = now();
    copied_folders folders{};
    ops::permissions* permissions = nullptr;  ///< null: they are not kept
    /// Blobs whose block lists take megabytes, at the same time.
    semaphore long_lists{8};
};

/// One blob to be copied.
struct copy_item {
    blob::properties source;
    std::string blob;                          ///< its full name at the destination
    std::optional<blob::properties> existing;  ///< what stands there
    bool permit_later = false;                 ///< a folder named by itself: it may have something in it
};

/// How a blob came over.
enum class way { server_side, through_client };

class blob_builder;

/// The copy of one blob, in whatever form: reports to run.op, and looks again where the listing did not show
/// what stands in the way.
class blob_copy : public job {
public:
    blob_copy(copy_run& run, copy_item item);
    task<void> run() final;

protected:
    /// Copies and says how it went by done() or unchanged().
    virtual task<result<void>> send() = 0;

    void done(way w) { way_ = w; }
    /// What the service called the blob that it wrote.
    void wrote(blob::etag e) { written_ = std::move(e); }
    void unchanged() {
        retreat();
        way_.reset();
    }
    /// What is known of the content; by default the MD5 that the source has.
    virtual std::string hash() const;
    void advance(std::uint64_t bytes) {
        advanced_ += bytes;
        run_.op.advance(bytes);
    }
    void retreat() { run_.op.retreat(advanced_.exchange(0)); }
    /// All that is kept of the source, and the condition that nobody else wrote meanwhile.
    blob::write_options description() const;
    /// Has the destination's service read the source: `ask` sends the request. Once more where the source
    /// refused a token that another one can take the place of. kind::unsupported, without a request, when the
    /// link has learnt meanwhile that this form is refused.
    using request_to_copy = std::function<task<result<void>>(blob::copy_origin)>;
    task<result<void>> by_service(copy_link::form, const request_to_copy& ask, until);
    /// The key that the source is under, to be shown to the destination's service; null where it is under
    /// none. kind::unsupported, without a request, where that is not to be.
    result<std::shared_ptr<const blob::customer_key>> source_key(copy_link::form) const;
    /// Put Blob From URL.
    task<result<void>> put_from_url(until);
    /// An append or page blob through this machine, piece by piece. It stands at the destination from the
    /// beginning, marked as unfinished, and is taken back when it does not become whole.
    task<result<void>> rebuild(until);
    /// Reads a range of the source into `into` (of its length), checked by `hash` where given, else by the
    /// service's checksums; with the CRC64 of the whole where it is known then.
    task<result<blob::body_checksum>> read_source(plan::block_range,
                                                  const std::optional<codec::hash128>& hash,
                                                  std::span<std::byte> into, until);

    copy_run& run_;
    copy_item item_;
    blob::address from_, to_;

private:
    task<result<void>> look_again(error why);
    task<result<void>> part_with_source();
    task<result<void>> carry_permissions();
    task<result<void>> fill(blob_builder&, const std::vector<plan::block_range>& pieces, until);
    void report();
    task<result<blob::body_checksum>> read_once(plan::block_range, const std::optional<codec::hash128>& hash,
                                                std::span<std::byte> into, until);
    error explained(error) const;

    std::atomic<std::uint64_t> advanced_{0};
    std::optional<way> way_;  ///< none: it was there already
    blob::etag written_;
};

/// Tells what is at the destination now.
void record(const copy_run&, const copy_item&, const blob::etag&, std::string hash, bool unchanged);

/// The blob is at the destination already, unchanged: of a move the source is left to go, and permissions are
/// left to compare where they are kept.
std::unique_ptr<job> copy_not_needed(copy_run&, copy_item);
/// For what one request moves either way: folders, empty blobs, blobs up to the longest checked range.
std::unique_ptr<job> copy_small(copy_run&, copy_item);
/// Larger block blobs. To be given to mover::spawn: waits for its blocks.
std::unique_ptr<job> copy_large(copy_run&, copy_item);
/// Append and page blobs. To be given to mover::spawn: waits for the service.
std::unique_ptr<job> copy_whole(copy_run&, copy_item);

}  // namespace act::ops

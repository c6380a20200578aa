#pragma once

#include <functional>
#include <memory>
#include <string>

#include "engine/async/runtime.hpp"
#include "engine/file/walk.hpp"
#include "engine/memory/buffer_pool.hpp"
#include "transfer/client/client.hpp"
#include "transfer/mover/progress.hpp"
#include "transfer/ops/new_blob.hpp"
#include "transfer/plan/policy.hpp"
#include "transfer/plan/selection.hpp"

namespace act::plan {
class item_list;
class manifest;
}  // namespace act::plan

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

/// What a blob's Content-MD5 is good for when it is read.
enum class md5_check {
    automatic,  ///< as `fail`, but for what act wrote, whose content its own hashes and checksums prove
    no,
    log,      ///< a difference is a warning
    fail,     ///< a difference fails the item
    require,  ///< and so does a blob without
};

struct upload_options {
    /// 0: 8 MiB, larger where the file would need more than 50,000 blocks.
    std::uint64_t block_size = 0;
    /// Files up to this size go in one request.
    std::uint64_t single_request = 4ull << 20;
    plan::overwrite overwrite = plan::overwrite::different;
    bool compare_content = false;  ///< --hash: by content where the blob tells it, instead of by time
    bool dry_run = false;
    plan::selection wanted{};  ///< of a tree; a file named by itself is always taken
    /// `report`: a link becomes a blob that tells where it leads. What is named by itself is followed.
    file::links links = file::links::follow;
    new_blob_options blobs{};
    bool keep_owner = false;  ///< record user and group
    bool create_container = true;
    /// Store the MD5 of the whole content with each blob that is written.
    bool put_md5 = false;
    /// What files become; folders and links are block blobs always. Not given: block blobs, and what stands
    /// there unchanged stays, whatever its type. Page and append blobs grow in place: what stood there is
    /// gone when they begin, and what does not become whole is taken back.
    std::optional<blob::blob_type> type{};
    /// Remove each file once its blob is written, or is known by its content to be there (set
    /// compare_content), if the file is still what was read; then the folders that are empty.
    bool remove_source = false;
    /// If given: only these, each below `local` and `to.path`. Nothing is listed; files whose size the list
    /// tells are sent on condition that nothing stands there, and looked at only if something does.
    plan::item_list* items = nullptr;
    /// If given, and without `items`: what stands below `to.path`, so that nothing is listed where a tree is
    /// sent. What it knows is replaced
    /// only while it has the ETag that it tells, what it does not know goes only to where nothing stands; a
    /// name of which that is not so is looked up. Of what is unchanged by it nothing is recorded.
    plan::manifest* known = nullptr;
};

/// Uploads the file or directory at `local` to `to.path` (of the same shape: a file to that blob, a tree
/// below it).
task<result<summary>> upload(context&, std::string local, remote to, upload_options);

struct download_options {
    std::uint64_t part_size = 8ull << 20;
    plan::overwrite overwrite = plan::overwrite::different;
    bool compare_content = false;
    bool dry_run = false;
    plan::selection wanted{};  ///< of a tree; a blob named by itself is always taken
    md5_check md5 = md5_check::automatic;
    /// Blobs whose Content-Encoding is gzip or deflate become files with what was compressed, under the same
    /// names. Such a file is unchanged when it has the time that it would get.
    bool decompress = false;
    /// Blobs that stand for symbolic links are left out, with a warning, unless they are to become links. A
    /// link that is absolute or may lead out of the tree is a failure unless `outside` is allowed as well.
    struct links_down {
        bool restore = false, outside = false;
        /// Write through links of the local tree even where they lead out of it.
        bool write_through = false;
    } links{};
    /// Give files the recorded user and group, and then set-user-id and its kin too. One warning when that is
    /// not permitted.
    bool keep_owner = false;
    /// Remove each blob once its file is on the disk, on condition that it is still the one that was read.
    /// Blobs with snapshots stay, as failures. Set compare_content: what only seems unchanged must be read.
    bool remove_source = false;
    /// If given: only these, each below `from.path` and `local`. What the list tells the size of is fetched
    /// without a look; its ETag, where told, must still hold.
    plan::item_list* items = nullptr;
};

/// Downloads the blob at `from.path`, or what is below "from.path/", to `local`. When both exist both come:
/// the service allows it, a file system does not, so the blob is reported as failed. kind::not_found when
/// there is neither.
task<result<summary>> download(context&, remote from, std::string local, download_options);

struct list_options {
    bool raw_prefix = false;  ///< path is a plain string prefix, as in ACT
    std::string
        delimiter{};  ///< fold what goes on behind its next occurrence; not with snapshots or versions
    bool snapshots = false, versions = false;
    /// Only what was deleted and can be brought back: blobs, also those of which only versions are left, and
    /// snapshots and versions if asked for. Not with a delimiter.
    bool deleted = false;
    bool copy_state = false;  ///< also what is known of a copy to each blob
    bool metadata = true;     ///< without it a stub of a folder cannot be told from an empty blob
    blob::detail detail = blob::detail::full;
};
/// Calls `each` in order of names, on one loop; the blob at the path itself comes first. Returns what was
/// seen; the observer is not told of single items. kind::not_found when nothing matches.
task<result<summary>> list(context&, remote at, list_options,
                           std::function<void(const blob::properties&)> each);

struct remove_options {
    bool raw_prefix = false;
    bool dry_run = false;
    plan::selection wanted{};  ///< of what is below the path, and of the blob there by its last name
    /// `refuse`: blobs that have snapshots are failures; `only`: the snapshots go and the blobs stay.
    blob::snapshots snapshots = blob::snapshots::include;
    /// `old`: previous versions go and the blobs stay; `all`: the blobs go with all their versions. Where the
    /// account keeps versions, a blob that is removed otherwise stays as one.
    enum class version_fate { keep, old, all } versions = version_fate::keep;
    /// If one is given: just that snapshot, or previous version, of the blob at the path.
    std::string snapshot{}, version{};
    /// If given: only these, each below the path, without a look at any. Gone already is what was wanted.
    plan::item_list* items = nullptr;
};
/// Removes the blob at the path and all below "path/", never siblings that merely share the prefix.
task<result<summary>> remove(context&, remote at, remove_options);

/// One end of a comparison: a local file or folder, or (with `there`) what is stored at a path.
struct tree_end {
    std::string local;
    std::optional<remote> there;
    file::links links = file::links::follow;  ///< of a local tree
    /// If given: what is `there`, in place of a listing.
    plan::manifest* known = nullptr;
};

struct check_options {
    plan::selection wanted{};
    /// By content instead of by size and time, where the store tells it (our block ids, or an MD5).
    bool compare_content = false;
};
/// What a comparison found; `missing`: only at the source, `extra`: only at the destination.
struct check_summary {
    std::uint64_t same = 0, bytes_same = 0;
    std::uint64_t differ = 0, missing = 0, extra = 0;
    std::uint64_t failed = 0;  ///< could not be looked at
    /// Of `same`, by a manifest: those of which it says no more than the size.
    std::uint64_t by_size = 0;
    bool stopped = false;
    bool equal() const { return differ + missing + extra + failed == 0 && !stopped; }
};
/// Compares two trees in constant memory and changes nothing. Every item that is not the same goes to the
/// observer as "differ", "missing" or "extra".
task<result<check_summary>> check(context&, tree_end source, tree_end destination, check_options);

/// Compares a tree with a manifest, a list of what should be there (in any order), and changes nothing. What
/// is not as the list says goes to the observer as "missing", "size", "etag", "content" or, if asked for,
/// "extra". Local files are read and hashed. Of blobs ETags are compared, by a listing; with
/// `compare_content` what their hashes say counts, and ETags only prove that nothing changed.
struct manifest_options {
    bool compare_content = false;
    bool extra = false;
};
task<result<check_summary>> check_manifest(context&, plan::item_list&, tree_end, manifest_options);

struct prune_options {
    plan::selection wanted{};
    bool dry_run = false;
    /// Nothing is deleted when more than this would be: a count, and a share of the destination's items.
    std::optional<std::uint64_t> most;
    std::optional<double> most_percent;
    blob::snapshots snapshots = blob::snapshots::include;
};
/// Deletes at the destination what the source does not have. Begins only after both ends have been read to
/// their clean end and the limits hold; else nothing is touched. Local folders that become empty go too. What
/// a manifest knows goes only while it has the ETag that it tells; else it is looked up first.
task<result<summary>> prune(context&, tree_end source, tree_end destination, prune_options);

}  // namespace act::ops

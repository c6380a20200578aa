#pragma once

#include <atomic>
#include <optional>
#include <string>

#include "engine/file/file.hpp"
#include "transfer/mover/mover.hpp"
#include "transfer/ops/operation.hpp"
#include "transfer/plan/content_hash.hpp"

namespace act::ops {

/// What all jobs of one upload share.
struct upload_run {
    operation& op;
    act::mover& mover;
    remote to;
    upload_options options;
    std::string root;               ///< what is uploaded: the tree or the file
    bool container_missing;         ///< a dry run to a container that would be made: nothing is there
    std::atomic<bool> told{false};  ///< the manifest knows that the destination changes; see before_change()
};

/// One file on its way up.
struct upload_item {
    std::string local;  ///< path to open
    std::string blob;   ///< full blob name
    file::status info;
    std::string link_target;                   ///< of a link that travels as one
    bool directory_stub = false;               ///< an empty folder
    std::optional<blob::properties> existing;  ///< what the listing saw there
    bool looked = true;                        ///< false: of a list, nothing is known of what is there
    /// `existing` is what a manifest says (nothing: it does not know the name), until somebody looks.
    bool by_manifest = false;
    struct hearsay {
        std::string hash{};
        bool dated = false;     ///< `existing` has the time that the file had
        bool doubtful = false;  ///< listed_item::doubtful
    } known{};
};

/// The job for one item: one request, or blocks. It reports to run.op.
std::unique_ptr<job> upload_small(upload_run&, upload_item);
/// To be given to mover::spawn: waits for its blocks.
std::unique_ptr<job> upload_large(upload_run&, upload_item);
/// As a page or append blob. To be given to mover::spawn when it is large.
std::unique_ptr<job> upload_built(upload_run&, upload_item);

/// Whichever of these it is; to be given to mover::spawn unless it is sent_whole().
std::unique_ptr<job> upload_any(upload_run&, upload_item);
bool sent_whole(const upload_run&, const upload_item&);
/// The same after a look at what is there, for an item that a manifest tells too little of.
std::unique_ptr<job> upload_looking(upload_run&, upload_item);
/// Of an item by a manifest that is to be sent: a write under a condition would come too late, or would not
/// do, to find out what is there.
bool must_look(const upload_run&, const upload_item&);
/// The form of hash by which the file is compared with what a manifest tells, if it is to be by content.
std::optional<plan::content_hash> known_content(const upload_run&, const upload_item&, std::uint64_t size);

/// To be called before each request that changes a blob: by the first one a manifest that is believed is told
/// that it will not be true any more. Where that fails the whole upload ends.
task<result<void>> before_change(upload_run&);

/// The type of blob that the item becomes.
blob::blob_type type_of(const upload_run&, const upload_item&);
/// A type was asked for, and `there` is of another: its content does not make it the same.
bool of_other_type(const upload_run&, const upload_item&, const blob::properties& there);

/// kind::conflict: a file is to go where the stub of a folder is.
error folder_in_the_way(const upload_item&);

/// Tells what is in the item's blob now, whose content `file` describes.
void record(const upload_run&, const upload_item&, const file::status& file, const blob::etag&,
            std::string hash, bool unchanged);
/// Tells that `there` stays, which need not be what the file is.
void record_left(const upload_run&, const upload_item&, const file::status& file,
                 const blob::properties& there);

/// What is left to do with a file whose content, as `read` describes it, is in its blob.
result<void> finish_source(const upload_run&, const upload_item&, const file::status& read);

/// By what the listing tells, `there` is to be left as it is.
bool stays(const upload_run&, const upload_item&, const blob::properties& there);
/// A write under its condition was refused, perhaps because something has come there since the listing.
bool may_have_come(const upload_item&, const error& why);
/// What that is: something that stays (with its properties, if they were looked at), or what is to be
/// replaced after all; nothing seen that stays: there is nothing by now. `why`, if the item was seen before,
/// and not only by a manifest, and is another now.
struct came_since {
    bool stays = false;
    std::optional<blob::properties> seen{};
};
task<result<came_since>> look_again(const upload_run&, const upload_item&, error why, until);
/// What goes with the blob of a file that was read as `read`.
blob::write_options description(const upload_run&, const upload_item&, const file::status& read);

/// The condition under which the item may be written: what the listing saw is still there. None when nobody
/// looked and everything is to be sent.
blob::conditions when_to_write(const upload_run&, const upload_item&);
blob::conditions as_seen(const std::optional<blob::properties>& existing);

}  // namespace act::ops

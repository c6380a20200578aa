#pragma once

#include "transfer/ops/copy_link.hpp"
#include "transfer/ops/ops.hpp"

namespace act::ops {

struct undelete_options {
    bool raw_prefix = false;
    bool dry_run = false;
    plan::selection wanted{};  ///< of what is below the path, and of the blob there by its last name
    /// Also the deleted snapshots and versions of blobs that are there, which stay as they are.
    bool past = false;
    /// If given: only these, each below the path.
    plan::item_list* items = nullptr;
};

/// Brings back what was deleted at the path and below "path/", with its deleted snapshots. A blob that is
/// there is skipped, and never written over. In an account that keeps versions the service brings back only
/// deleted versions: there the youngest one is copied to be the blob again, within the account, read by
/// `link`. kind::not_found when nothing that was deleted is kept; it says so if the account keeps nothing.
task<result<summary>> undelete(context&, remote at, copy_link& link, undelete_options);

}  // namespace act::ops

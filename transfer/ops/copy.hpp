#pragma once

#include "transfer/ops/copy_link.hpp"
#include "transfer/ops/ops.hpp"

namespace act::ops {

/// Where a copy comes from: as `remote`, and how its account lets the destination's read it.
struct copy_source {
    blob::client& client;
    std::string container;
    std::string path;
    copy_link& link;
};

struct copy_options {
    /// Of another tool's large blobs; 0: 8 MiB, larger where 50,000 blocks would not do. Ours keep their own.
    std::uint64_t block_size = 0;
    plan::overwrite overwrite = plan::overwrite::different;
    bool compare_content = false;  ///< --hash: by checksums and block ids instead of times and attributes
    /// What the copies get instead of what their sources have. What it names is not compared, so that it does
    /// not make copies differ.
    plan::property_changes given{};
    bool dry_run = false;
    plan::selection wanted{};
    bool create_container = true;
    /// Remove each blob once it is at the destination, on condition that it is still the one that was read.
    /// Blobs with snapshots stay, as failures. Set compare_content: what only seems unchanged must be copied.
    bool remove_source = false;
    /// Keep owner, group and access control list of files and folders, of the tree's own folder too: what is
    /// there unchanged gets them where they differ. Folders get theirs when all in them is there. Both
    /// accounts need a hierarchical namespace.
    bool keep_permissions = false;
    /// If given: only these, each below both paths; every one is looked at, for what travels with it.
    plan::item_list* items = nullptr;
};

/// Copies the blob at `from.path`, and what is below "from.path/", to the same place at `to`: within the
/// service where it can read the source, through this machine where it cannot. kind::not_found when there is
/// nothing; kind::usage when one of the places lies within the other.
task<result<summary>> copy(context&, copy_source from, remote to, copy_options);

}  // namespace act::ops

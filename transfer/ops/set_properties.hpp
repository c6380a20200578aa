#pragma once

#include "transfer/ops/ops.hpp"
#include "transfer/plan/property_changes.hpp"

namespace act::ops {

struct set_options {
    plan::property_changes changes;
    /// How soon what is archived gets there: "Standard", "High"; empty: as the service likes, Standard.
    std::string rehydrate;
    bool dry_run = false;
    /// If given: only these, each below the path. They are looked up in batches; what the list tells of size
    /// and ETag must hold.
    plan::item_list* items = nullptr;
};

/// kind::usage for what the service would refuse of every blob.
result<void> check(const set_options&);

/// Changes the blob at the path and all below "path/", in parallel; folders stay as they are, and what is so
/// already costs no request (of tags: when they are listed, so below the path). Metadata and headers are
/// written on condition that the blob is the one that was listed: kind::precondition when somebody else
/// changed it meanwhile. The service has no such condition for tags and tiers. kind::not_found when there is
/// nothing.
task<result<summary>> set_properties(context&, remote at, set_options);

}  // namespace act::ops

#pragma once

#include <map>

#include "transfer/ops/ops.hpp"

namespace act::ops {

/// What is to become of blobs' properties. Keys that are not named stay as they are; an empty value takes a
/// key away.
struct set_options {
    std::string tier;  ///< "Hot", ...; empty: as it is
    /// How soon what is archived gets there: "Standard", "High"; empty: as the service likes, Standard.
    std::string rehydrate;
    /// Keys in lower case. Headers: content-type, content-encoding, content-language, content-disposition,
    /// cache-control; content-type cannot be taken away.
    std::map<std::string, std::string> metadata, headers, tags;
    bool dry_run = false;
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

#pragma once

#include <map>
#include <string>

#include "engine/core/result.hpp"
#include "transfer/blob/types.hpp"

namespace act::plan {

/// What is to become of blobs' properties, or what new blobs get on top of what they have by themselves. Keys
/// that are not named stay as they are; an empty value takes a key away.
struct property_changes {
    std::string tier;  ///< "Hot", ...; empty: as it is
    /// Keys of metadata and headers in lower case. Headers: content-type, content-encoding, content-language,
    /// content-disposition, cache-control; content-type cannot be taken away.
    std::map<std::string, std::string> metadata, headers, tags;

    bool empty() const { return tier.empty() && metadata.empty() && headers.empty() && tags.empty(); }
};

/// kind::usage for what the service would refuse of every blob.
result<void> check(const property_changes&);
/// As well for keys under which act itself records files (mtime, mode, ...): what a transfer writes there
/// tells later whether a file is unchanged.
result<void> check_for_transfer(const property_changes&);

/// `now` with the changes to metadata, or to tags.
std::map<std::string, std::string> merged(std::map<std::string, std::string> now,
                                          const std::map<std::string, std::string>& changes);
/// `now` with the changes to headers.
blob::content_headers merged_headers(blob::content_headers now,
                                     const std::map<std::string, std::string>& changes);
/// Whether blobs are served with the same headers (the MD5 is not one of them).
bool same_headers(const blob::content_headers&, const blob::content_headers&);

}  // namespace act::plan

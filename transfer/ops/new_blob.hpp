#pragma once

#include <string>

#include "transfer/client/client.hpp"
#include "transfer/plan/property_changes.hpp"

namespace act::ops {

/// What blobs made of files and streams get besides their content.
struct new_blob_options {
    plan::property_changes given{};  ///< wins over what would be found out
    bool guess_content_type = true;  ///< by the extension of the blob's name
};

/// `own`: what the transfer itself records.
blob::write_options describe(const new_blob_options&, const std::string& name, blob::metadata own);

/// A write under a condition was refused because of what stands there.
bool refused_by_condition(const error&);

}  // namespace act::ops

#pragma once

#include "tools/act/verb.hpp"
#include "transfer/ops/copy.hpp"
#include "transfer/ops/stream.hpp"

namespace act::cli {

/// kind::usage for options that contradict each other, or that would be refused of every blob.
result<void> check_policy(std::string_view verb, const options&);

/// What --overwrite and --force ask for.
plan::overwrite overwrite_of(const options&);
file::links links_of(const options&);

/// The call's options, as each kind of transfer takes them.
ops::upload_options upload_options_of(const options&, plan::selection wanted);
ops::download_options download_options_of(const options&, plan::selection wanted);
ops::copy_options copy_options_of(const options&, plan::selection wanted);
ops::stream_in_options stream_options_of(const options&);

/// kind::usage when the call gives attributes of blobs (--metadata and its like) and `text`, where it all
/// goes, is no store.
result<void> check_attributes_fit(const options&, const std::string& text);

}  // namespace act::cli

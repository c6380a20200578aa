#pragma once

#include <vector>

#include "transfer/client/client.hpp"
#include "transfer/plan/block_id.hpp"

namespace act::ops {

/// The parts of a page blob that hold anything: up to blob::max_checked_range long, in order, on pages. Short
/// gaps are part of them, as a request costs more than the zeros. A service that does not tell gets all
/// of the blob read.
task<result<std::vector<plan::block_range>>> page_parts(blob::client&, blob::address, const blob::properties&,
                                                        until);

/// The same of what is known to be written.
std::vector<plan::block_range> parts_of_pages(const std::vector<blob::range>& written);

}  // namespace act::ops

#pragma once

#include "transfer/ops/tree_side.hpp"

namespace act::ops {

/// Told of every item of two trees, in order. Null: that end does not have it.
class pair_sink {
public:
    virtual ~pair_sink() = default;
    virtual task<result<void>> pair(side_item* source, side_item* destination) = 0;
};

/// Reads both ends side by side. A folder that only one end lists, while the other (a local one) has it as a
/// folder with something in it, is left out: it is on both.
task<result<void>> walk_pairs(operation&, const tree_end& source, const tree_end& destination,
                              const plan::selection&, pair_sink&);

/// Same size, and by its times (or, between stores, checksums) the destination is what a transfer of the
/// source would make.
bool unchanged(const side_item& source, const side_item& destination);

/// Whether two files of equal size have the same content, by what the store knows of it: the hashes in our
/// block ids, else an MD5. Nothing when it knows neither. Local content is read.
task<result<std::optional<bool>>> same_content(operation&, const tree_end& source, const side_item& a,
                                               const tree_end& destination, const side_item& b);

}  // namespace act::ops

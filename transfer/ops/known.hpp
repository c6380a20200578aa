#pragma once

#include <vector>

#include "transfer/ops/operation.hpp"
#include "transfer/plan/item_list.hpp"

/// What a manifest says of a destination, in place of a listing.
namespace act::ops {

/// Reads a manifest from its beginning, some items ahead, on the blocking pool.
class known_reader {
public:
    known_reader(operation& op, plan::manifest& from) : op_(op), from_(from) {}

    /// The next item, or null at the end. Valid until advance().
    task<result<const plan::listed_item*>> peek();
    void advance() { ++at_; }

private:
    operation& op_;
    plan::manifest& from_;
    std::vector<plan::listed_item> batch_;
    std::size_t at_ = 0;
    bool begun_ = false, ended_ = false;
};

/// The item as a listing would tell it, of the blob `name`. Without a recorded time it is older than
/// everything.
blob::properties properties_of(const plan::listed_item&, std::string name);

/// Whether the selection takes it; what depends on a time that is not known is not taken.
bool takes(const plan::selection&, const plan::listed_item&);

}  // namespace act::ops

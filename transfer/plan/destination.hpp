#pragma once

#include <optional>
#include <string>
#include <unordered_map>

#include "transfer/plan/listing.hpp"

namespace act::plan {

/// The target's side of a merge: tells, for names that come in order, what its listing has there now.
/// Constant memory as long as the listing keeps the same order; else what it has is remembered as it is
/// passed.
class destination {
public:
    /// `prefix` is what the listing was asked for; names are looked up without it. `missing`: the container
    /// is not there, so nothing stands anywhere and the listing is not read.
    destination(listing& source, std::string prefix, bool missing)
        : cursor_(source), prefix_(std::move(prefix)), missing_(missing) {}

    /// Fails as the listing does: a missing container shows here, before the other side has reported
    /// anything.
    task<result<void>> open();
    /// The order of the listing, once it is open: an account with real folders has another one. Names may
    /// come in any if there is nothing to be found.
    name_order order() const { return order_; }
    /// The names will come in this order, if it is not the listing's.
    void names_come_by(name_order);
    /// What the listing has under this relative name. Empty folders have their place by their plain names,
    /// which is that of their stubs.
    task<result<std::optional<blob::properties>>> find(const std::string& name);

private:
    listing_cursor cursor_;
    std::string prefix_;
    std::string last_;
    bool missing_;
    name_order order_ = name_order::bytes;
    bool unordered_ = false;
    std::unordered_map<std::string, blob::properties> late_;
};

}  // namespace act::plan

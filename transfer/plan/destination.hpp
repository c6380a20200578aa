#pragma once

#include <optional>
#include <string>
#include <unordered_map>

#include "transfer/plan/listing.hpp"

namespace act::plan {

/// The target's side of a merge: tells, for names that come in the order of blob names, what its listing has
/// there now. Constant memory as long as the listing keeps that order too.
class destination {
public:
    /// `prefix` is what the listing was asked for; names are looked up without it. `missing`: the container
    /// is not there, so nothing stands anywhere and the listing is not read.
    destination(listing& source, std::string prefix, bool missing)
        : cursor_(source), prefix_(std::move(prefix)), missing_(missing) {}

    /// Fails as the listing does: a missing container shows here, before the other side has reported
    /// anything.
    task<result<void>> open();
    /// What the listing has under this relative name. Empty folders come in the order of their plain names,
    /// which is that of their stubs.
    task<result<std::optional<blob::properties>>> find(const std::string& name);

private:
    listing_cursor cursor_;
    std::string prefix_;
    std::string last_;
    bool missing_;
    bool unordered_ = false;
    std::unordered_map<std::string, blob::properties> late_;
};

}  // namespace act::plan

#pragma once

#include <memory>

#include "transfer/ops/upload_file.hpp"
#include "transfer/plan/listing.hpp"

namespace act::ops {

/// What stands at the names of an upload, which come in order.
class upload_target {
public:
    virtual ~upload_target() = default;
    /// Fails where the destination cannot be looked at, before anything is done.
    virtual task<result<void>> open() = 0;
    /// In which names are to come, once it is open.
    virtual name_order order() const = 0;
    /// Tells the item what is known of its blob, which has this name below the destination.
    virtual task<result<void>> look(const std::string& name, upload_item&) = 0;

    /// By a listing of what begins with `prefix`, read if the container is there.
    static std::unique_ptr<upload_target> listed(plan::listing&, std::string prefix, bool missing);
    /// By a manifest.
    static std::unique_ptr<upload_target> known(operation&, plan::manifest&);
};

}  // namespace act::ops

#pragma once

#include "tools/store/failure.hpp"

namespace act::store {

/// What befalls one request, to imitate a fault.
struct misfortune {
    enum kind_of { none, reset, error, truncate, stall };
    kind_of form = none;
    /// Before the operation, which is then not carried out; else only its answer is lost.
    bool before = false;
    act::store::code code = codes::internal_error;  ///< of an error
};

}  // namespace act::store

#pragma once

#include <type_traits>

#include "transfer/ops/operation.hpp"
#include "transfer/plan/listing.hpp"

namespace act::ops {

struct listing_use {
    bool eager = false;   ///< nothing but the listing is waited for (plan::listing)
    bool fetched = true;  ///< false: it is known that nothing is there, and nothing is asked
};

/// Gives `read` a listing of the container of `at`, a remote or copy_source, that is fetched meanwhile.
/// However that ends, the fetching has ended too when this returns what it did.
template <class At, class Read>
std::invoke_result_t<Read&, plan::listing&> read_listing(operation& op, const At& at,
                                                         blob::list_options query, Read read,
                                                         listing_use use = {}) {
    plan::listing pages(at.client, at.container, std::move(query), op.patience(), &op.context().buffers,
                        use.eager);
    task_group fetching;
    if (use.fetched) pages.start(op.context().runtime, fetching);
    auto outcome = co_await read(pages);
    pages.abandon();
    co_await fetching.join();
    co_return outcome;
}

}  // namespace act::ops

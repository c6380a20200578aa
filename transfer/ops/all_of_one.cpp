#include "transfer/ops/all_of_one.hpp"

namespace act::ops {

task<result<void>> all_of_one(const remote& at, blob::list_options query, until u,
                              const std::function<task<result<void>>(const blob::properties&)>& each) {
    query.prefix = at.path;
    for (;;) {
        ACT_CO_TRY(auto page, co_await at.client.list(at.container, query, u));
        for (std::size_t i = 0; i < page.size(); ++i) {
            const blob::properties& info = page[i];
            if (info.name != at.path) co_return result<void>();
            ACT_CO_TRY_VOID(co_await each(info));
        }
        if (page.next_marker.empty()) co_return result<void>();
        query.marker = std::move(page.next_marker);
    }
}

}  // namespace act::ops

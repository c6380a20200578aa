#include "transfer/plan/destination.hpp"

namespace act::plan {

task<result<void>> destination::open() {
    if (missing_) co_return result<void>();
    auto first = co_await cursor_.peek();
    if (!first) co_return first.error();
    order_ = order_of(*first);
    co_return result<void>();
}

void destination::names_come_by(name_order o) { unordered_ |= o != order_; }

task<result<std::optional<blob::properties>>> destination::find(const std::string& name) {
    if (missing_) co_return std::optional<blob::properties>();
    for (;;) {
        ACT_CO_TRY(blob::properties * next, co_await cursor_.peek());
        if (!next) break;
        const std::string_view there = std::string_view(next->name).substr(prefix_.size());
        if (!last_.empty() && compare(order_, there, last_) < 0) unordered_ = true;
        if (!unordered_ && compare(order_, there, name) > 0) break;
        last_ = there;
        if (there == name) {
            std::optional<blob::properties> found(std::move(*next));
            cursor_.advance();
            co_return found;
        }
        if (unordered_) {
            // From here on look names up instead of merging.
            std::string key(there);
            late_.emplace(std::move(key), std::move(*next));
        }
        cursor_.advance();
    }
    if (auto it = late_.find(name); it != late_.end()) {
        std::optional<blob::properties> found(std::move(it->second));
        late_.erase(it);
        co_return found;
    }
    co_return std::optional<blob::properties>();
}

}  // namespace act::plan

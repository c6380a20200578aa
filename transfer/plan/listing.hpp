#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "engine/async/runtime.hpp"
#include "engine/core/name_order.hpp"
#include "transfer/client/client.hpp"

namespace act {
class buffer_pool;
}

namespace act::plan {

class range_listing;

/// A listing whose pages are fetched ahead, in bounded number and, where it is a long one, in many places at
/// once; in the service's order all the same. start() once, then next() until it is empty; the group it runs
/// in must be joined while this still lives.
class listing {
public:
    /// `budget`, where given, is drawn on for the pages that are held. `eager`: nothing but the listing is
    /// waited for, which is worth a few requests more also where it is short.
    listing(blob::client&, std::string container, blob::list_options, until, buffer_pool* budget = nullptr,
            bool eager = false);
    ~listing();

    void start(runtime&, task_group&);
    /// The next page (without its marker), nothing at the end. A failed page is an error, and the end.
    task<result<std::optional<blob::list_page>>> next();
    /// Ends the fetching without waiting for it.
    void abandon();

private:
    class client_pages;
    std::unique_ptr<client_pages> source_;
    std::unique_ptr<range_listing> ranges_;
};

/// The order of the listing that has this as its first entry (null: as its end).
inline name_order order_of(const blob::properties* first) {
    return first && first->hierarchical ? name_order::components : name_order::bytes;
}

/// The same, one blob at a time, with a look at the next.
class listing_cursor {
public:
    explicit listing_cursor(listing& source) : source_(source) {}
    /// The current blob, or null at the end; it may be moved away. Valid until advance().
    task<result<blob::properties*>> peek();
    void advance() { ++at_, current_ = nullptr; }

private:
    listing& source_;
    blob::list_page page_;
    std::size_t at_ = 0;
    blob::properties* current_ = nullptr;  // once it was asked for
    bool finished_ = false;
};

}  // namespace act::plan

#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "engine/async/channel.hpp"
#include "engine/async/runtime.hpp"
#include "transfer/client/client.hpp"

namespace act::plan {

/// A listing whose pages are fetched ahead, on a loop of its own, in bounded number.
/// start() once, then next() until it is empty; the group it runs in must be joined while this still lives.
class listing {
public:
    listing(blob::client&, std::string container, blob::list_options, until);

    void start(runtime&, task_group&);
    /// The next page, nothing at the end. A failed page is an error, and the end.
    task<result<std::optional<blob::list_page>>> next();
    /// Ends the fetching without waiting for it.
    void abandon();

private:
    task<void> fetch();

    blob::client& client_;
    std::string container_;
    blob::list_options options_;
    stop_source ended_;
    until until_;
    /// A page, or why there is none. (A result would be ambiguous inside the channel's own.)
    struct fetched {
        blob::list_page page;
        std::optional<error> failure;
    };
    channel<fetched> pages_;
};

/// The same, one blob at a time, with a look at the next.
class listing_cursor {
public:
    explicit listing_cursor(listing& source) : source_(source) {}
    /// The current blob, or null at the end. Valid until advance().
    task<result<blob::properties*>> peek();
    void advance() { ++at_; }

private:
    listing& source_;
    std::vector<blob::properties> page_;
    std::size_t at_ = 0;
    bool finished_ = false;
};

}  // namespace act::plan

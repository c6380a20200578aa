#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/core/result.hpp"
#include "transfer/blob/detail.hpp"
#include "transfer/blob/types.hpp"

namespace act::blob {

/// Reads a List Blobs answer (blob-rest.md section 11) as it arrives: no document tree, and nothing is kept
/// but the entries and a tag cut in two. Unknown elements are passed over; what is not well-formed, not a
/// listing, or without an entry's necessary fields is an error of kind::protocol, and stays one.
class listing_scanner {
public:
    /// `expected`: for how many entries to take memory when the first one comes.
    explicit listing_scanner(detail wanted = detail::full, std::size_t expected = 0);
    ~listing_scanner();
    listing_scanner(listing_scanner&&) noexcept;
    listing_scanner& operator=(listing_scanner&&) noexcept;

    /// Room for the next bytes, at least `size`; commit() takes the first `count` of them.
    std::span<std::byte> prepare(std::size_t size);
    result<void> commit(std::size_t count);
    /// prepare, copy and commit.
    result<void> feed(std::string_view chunk);
    /// Must be called at the end of the answer: a listing that stops early is an error, never a short
    /// listing.
    result<void> finish();

    /// The entries so far, in the listing's order; may be taken between chunks.
    std::vector<properties>& items();
    /// Empty: there is no further page. Valid after finish().
    const std::string& next_marker() const;

private:
    struct impl;
    std::unique_ptr<impl> impl_;
};

}  // namespace act::blob

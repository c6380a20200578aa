#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "transfer/blob/list_page.hpp"

namespace act::plan {

/// How the names of a page go on, for guessing where the following ones are. A guess decides only how evenly
/// a listing is split, never what is in it.
struct name_shape {
    std::size_t level = 0;  ///< the first byte in which the page's names differ: the one that is counted up
    std::string alphabet;   ///< the characters in use there and just behind it, ascending; ASCII
    double per_step = 1;    ///< names to one character at that place, in the mean
    bool even = true;       ///< to every one as many; else as many as chance will have it
};

/// Nothing when the page has too few different names to tell.
std::optional<name_shape> shape_of(const blob::list_page& page, std::size_t prefix_size);

/// Where to look for names behind `from` (a name or an earlier guess) and before `before` (empty: no bound),
/// all below the first `prefix_size` bytes of `from`: at most `most` prefixes, ascending, each a whole number
/// of UTF-8 characters. With `coarse` 0 they count up at the shape's level, `step` characters at a time; with
/// more they are the next siblings so many levels above it.
std::vector<std::string> guesses(const name_shape&, std::string_view from, std::string_view before,
                                 std::size_t prefix_size, unsigned step, std::size_t coarse,
                                 std::size_t most);

}  // namespace act::plan

#pragma once

#include <deque>
#include <optional>
#include <string>

#include "transfer/plan/range_listing.hpp"

/// Internal to range_listing.cpp (pages) and range_split.cpp (where they begin).
namespace act::plan {

/// What lies behind one name, up to and with the first of the next range.
struct range_listing::range {
    struct ready_page {
        blob::list_page page;
        spare_bytes room, more_room;  // of the budget
    };
    std::string first;   ///< begins behind this name; empty: at the beginning of all
    std::string seen;    ///< the last name fetched
    std::string marker;  ///< where to go on
    /// Set when the service did not take this range's marker: from the beginning again, up to this name.
    std::optional<std::string> replay_to;
    std::optional<name_shape> shape;  ///< when it is worth splitting
    std::string counted;              ///< the name or guess from which guesses go on
    std::size_t coarse = 0;
    unsigned barren = 0, rest = 0;  ///< fruitless attempts to split; pages to wait before the next
    std::size_t expected = 0;       ///< names; 0: unknown
    unsigned pages = 0;             ///< since `expected` was set
    bool untried = true;            ///< nothing has come yet
    bool fetching = false, splitting = false, done = false, dropped = false;
    std::deque<ready_page> ready;
    std::optional<error> failure;
};

/// Where a range can begin.
struct range_listing::found {
    std::size_t guess;  ///< by which it was found
    std::string name, marker;
};

/// A page of a range that there will be if markers may be carried.
struct range_listing::hoped_for {
    std::string first, marker;
    answer page;
    spare_bytes room;
};

}  // namespace act::plan

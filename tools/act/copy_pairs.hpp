#pragma once

#include <vector>

#include "tools/act/location.hpp"
#include "tools/act/report.hpp"
#include "transfer/ops/copy.hpp"

namespace act::cli {

/// One source of `cp` or `mv` and the name that it gets.
struct copy_pair {
    location from, to;
    std::string name{};  ///< among several: what it is called in the destination
};

/// What SOURCE... DESTINATION means, the same in every direction. With several sources, or a destination that
/// is a folder (location::folder, or a whole container), each goes into it under its own last component,
/// which a source that is "." or ends in "/." or is a whole container has not: then what is in it goes there.
/// Else the source gets just that name. One of the two ends is in a store. kind::usage otherwise.
result<std::vector<copy_pair>> copy_pairs_of(invocation&, location_opener&);

/// Copies (or moves) from one store to another, within the service where it can.
result<summary> copy_between_stores(session&, report&, location_opener&, const copy_pair&,
                                    const ops::copy_options&);

/// Brings the source's tree (or file) to the destination; neither end is a stream. By the call's options
/// (policy.hpp). With `items` only those.
result<summary> transfer_tree(invocation&, session&, report&, location_opener&, const copy_pair&,
                              const plan::selection&, plan::item_list* items = nullptr);
/// One end of a comparison. A stream is kind::usage.
result<ops::tree_end> tree_of(invocation&, location_opener&, const location&);
/// Neither of the two is in a store: kind::usage, with what to use instead.
result<void> check_stored(const copy_pair&, std::string_view instead);
/// Tells the report what the items of a pair are called.
void enter(report&, const copy_pair&);

/// The two ends of `sync` and `check`: just what was named, no "into". For anything but two words, or a
/// stream, kind::usage.
struct tree_pair {
    copy_pair locations;
    ops::tree_end source, destination;
};
result<tree_pair> two_trees(invocation&, location_opener&);

/// The last component of what a location names, decoded; empty when it names what is in a folder.
std::string last_component(const location&, const std::string& opened_path);
/// `name` below a location.
location below(location, const std::string& name);

}  // namespace act::cli

#pragma once

#include <boost/json/object.hpp>

#include "submit/runs/runs.hpp"

/// A record as JSON: a line of the journal holds all members, or `id` and those that changed. Private to this
/// folder.
namespace act::runs {

boost::json::object to_json(const record&);
/// Takes over the members that are there; unknown ones, of a newer version, are passed over.
void apply(record&, const boost::json::object&);

}  // namespace act::runs

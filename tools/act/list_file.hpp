#pragma once

#include <memory>
#include <string>

#include "engine/async/stop.hpp"
#include "tools/act/verb.hpp"
#include "transfer/plan/item_list.hpp"

namespace act::cli {

/// Opens a list of items: a file, or "-" for standard input. A line is a name, or, if it begins with '{',
/// JSON (plan::read_item), which may be act's own output; lines end with LF (CRLF), or with NUL when the call
/// says
/// --null, and then all are names. A manifest that ends before its last line is an error at its end.
result<std::unique_ptr<plan::item_list>> open_list(invocation&, const std::string& file, until);

/// What --from-list asks for; null when it is not given. kind::usage with what else was asked for and does
/// not go together with it: several paths, or a selection.
result<std::unique_ptr<plan::item_list>> list_of(invocation&, std::size_t most_words, until);

}  // namespace act::cli

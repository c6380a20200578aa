#pragma once

#include <string>

#include "engine/async/stop.hpp"
#include "engine/file/file.hpp"

namespace act::cli {

/// What stands behind a path that is to be written: a regular file, which is replaced as a whole, or anything
/// else (a pipe, a terminal, a device), which is open.
struct output_place {
    std::string file;       ///< without links at its end; empty when there is no such file to replace
    file::descriptor open;  ///< then this one
};

/// Follows the links at the end of `path`, so that a link stays and its target is written. Makes nothing: a
/// folder that is missing is an error. Waits for the reader of a FIFO.
result<output_place> find_output(const std::string& path, const until&);

}  // namespace act::cli

#pragma once

#include <string>

#include "submit/stage/pack.hpp"

/// The code tree after its compile script has run, packed once more.
namespace act::stage {

struct compile_options {
    std::string image;      ///< the job's docker image
    std::string arguments;  ///< one argument for the script; empty: none
};

inline constexpr const char* compile_script = "compile.aml.sh";

/// Unpacks `code`, the outcome of pack() with the same options, into a temporary folder, runs compile.aml.sh
/// there in a container of the image, and packs what there is then: build results too, whatever zip_options
/// and .actignore say, but still no secrets. The tree itself stays as it is. What the script and docker print
/// goes to standard error. kind::configuration without an image, a script, docker or podman.
task<result<report>> compile(runtime&, pack_options, report code, compile_options, until);

}  // namespace act::stage

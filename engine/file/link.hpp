#pragma once

#include <optional>
#include <string>

#include "engine/file/file.hpp"

/// Symbolic links as things of their own.
namespace act::file {

struct new_link {
    std::string target;
    wall_time modified{};
    std::optional<file::owner> owner;  ///< set where permitted
    bool replace = true;               ///< what stands there (never a folder); false: leave it
};

/// Makes a symbolic link, at once with its time; `path` names it in messages, and with its last component in
/// `folder`. False when something stands there that is not to be replaced. `owned` tells, if an owner was
/// given, whether it could be set.
result<bool> make_link(int folder, const std::string& path, const new_link&, bool& owned);

result<std::string> read_link(const std::string& path);

}  // namespace act::file

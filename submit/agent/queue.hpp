#pragma once

#include <optional>
#include <string>

#include "engine/core/result.hpp"
#include "engine/file/file.hpp"

/// Runs that may not all be at work at once: a folder has so many places, each a file that whoever has the
/// place keeps locked. Nobody manages it: a place is free again when its owner has ended, however that came
/// about. Private to this folder.
namespace act::agent {

/// Held until this is destroyed or the process ends.
struct queue_place {
    file::descriptor lock;
    int number = 0;
};

/// A place if one is free and nobody waits for it already.
result<std::optional<queue_place>> try_place(const std::string& folder, int places);
/// Waits for one. Signals end the process as they do by default: a run that waits has nothing to lose.
result<queue_place> wait_for_place(const std::string& folder, int places);

}  // namespace act::agent

#pragma once

#include <string>

/// The end of a run's container, which is not that of the client: what is in it is no descendant of ours.
/// Private to this folder. All calls block, for a bounded time.
namespace act::agent {

struct named_container {
    std::string program;  ///< docker or podman
    std::string name;
};

/// At once, whatever is in it.
void kill_container(const named_container&);
/// The same, and true only when there is none of that name any more.
bool remove_container(const named_container&);
/// What a person types to do so.
std::string removal_of(const named_container&);

}  // namespace act::agent

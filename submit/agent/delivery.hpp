#pragma once

#include <string>
#include <sys/types.h>

#include "submit/agent/agent.hpp"

/// Brings the outputs and logs of a run to the store. Private to this folder; for a process without threads.
namespace act::agent {

/// Starts a delivery, in a process that ends with this one: the copy, if it has one, then its command. What
/// they say goes to logs/delivery.txt.
pid_t start_delivery(const spec&, const delivery&);

/// After the last one.
void forget_copy(const delivery&);

/// What is told of one that ended with `code`.
std::string undelivered(const spec&, const delivery&, int code);

/// `act agent deliver SPEC`: all of them, one after the other. 1 if one failed, with the reason in
/// work/failure.txt and on stderr.
int deliver_all(const spec&);

}  // namespace act::agent

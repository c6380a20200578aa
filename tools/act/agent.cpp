#include "submit/agent/agent.hpp"

#include "tools/act/verbs.hpp"

namespace act::cli {

// On the node of a job; started by back ends, not by people.
constinit const verb agent_verb{
    .name = "agent",
    .usage = "ARGUMENT...",
    .sentence = "Run the part of a job that is on its node.",
    .takes = takes::raw,
    .run = [](invocation& call) { return agent::entry(call.words); },
    .examples = {},
    .hidden = true,
};

}  // namespace act::cli

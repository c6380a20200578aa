#pragma once

#include <thread>

#include "engine/async/stop.hpp"

namespace act::cli {

/// While it lives: the first SIGINT or SIGTERM requests a stop, the second ends the process at once with 130,
/// and writing to a closed pipe is an error instead of a death. Handlers, not SIG_IGN, so that child
/// processes start with the defaults. One at a time.
class signal_watch {
public:
    explicit signal_watch(stop_source);
    ~signal_watch();
    signal_watch(const signal_watch&) = delete;
    signal_watch& operator=(const signal_watch&) = delete;

private:
    std::thread thread_;
};

/// What a second signal, which ends the process at once, says on standard error: what is left behind then.
/// Empty: nothing.
void set_last_words(std::string);

}  // namespace act::cli

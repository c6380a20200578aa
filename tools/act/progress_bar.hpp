#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <thread>

#include "engine/core/clock.hpp"
#include "transfer/mover/progress.hpp"

namespace act::cli {

struct world;
class screen;

/// A reading of the counters at one moment.
struct progress_view {
    std::uint64_t files_done = 0, files_found = 0;
    std::uint64_t bytes_done = 0, bytes_found = 0;
    std::uint64_t failed = 0;
    bool found_all = false;
    /// Per second, over the last few seconds.
    double byte_rate = 0, file_rate = 0;
    std::string name;  ///< what was finished last
};

/// The status line, at most `columns` wide: share, amounts, rate, count, time left, name; what does not fit
/// is left out from the end. No share and no time left before everything has been found.
std::string progress_line(const progress_view&, unsigned columns);

/// A rate over the last five seconds, from samples of a growing counter. No clock inside.
class rate_meter {
public:
    /// Units a second, after taking in that the counter stood at `total` at `at`.
    double sample(steady::time_point at, std::uint64_t total);

private:
    struct point {
        steady::time_point at;
        std::uint64_t total;
    };
    std::deque<point> points_;
};

/// Redraws the status line five times a second on a thread of its own, from counters that the engine adds to.
/// Draws nothing unless `problems` is a terminal that can redraw (TERM=dumb cannot).
class progress_bar {
public:
    progress_bar(const world&, screen&, const act::progress&);
    /// Removes the line.
    ~progress_bar();
    progress_bar(const progress_bar&) = delete;
    progress_bar& operator=(const progress_bar&) = delete;

    void name(std::string_view finished);
    /// More will be looked for when the present search has ended.
    void expect_more(bool);

private:
    void draw_until_told();
    progress_view read(steady::time_point);

    const world& world_;
    screen& screen_;
    const act::progress& progress_;
    rate_meter bytes_, files_;
    std::mutex mutex_;
    std::condition_variable wake_;
    bool ending_ = false;
    bool more_ = false;
    std::string name_;
    std::thread thread_;
};

}  // namespace act::cli

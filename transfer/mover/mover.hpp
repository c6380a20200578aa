#pragma once

#include <atomic>
#include <memory>
#include <mutex>

#include "engine/async/runtime.hpp"

namespace act {

/// One piece of work. Runs once, as a coroutine of whichever loop is free; the job object lives until it
/// ends.
class job {
public:
    virtual ~job() = default;
    virtual task<void> run() = 0;
};

/// The one scheduler: what may start, be in flight, and finish. Lanes, spread over all loops, take work from
/// two bounded queues. Parts of things already begun go first: they unblock other work. An operation that
/// must wait for parts runs in spawn(), which has its own small bound, so that such waits never use up the
/// lanes. finish() must be awaited before destruction.
class mover {
public:
    struct options {
        unsigned lanes = 32;
        /// Large files open at the same time.
        unsigned whole_at_once = 8;
        std::size_t queued = 1024;
        /// If given, there are as many lanes as it says, whenever one of them is between two jobs.
        const std::atomic<unsigned>* wanted = nullptr;
    };
    mover(runtime&, options, stop_token);
    ~mover();
    mover(const mover&) = delete;
    mover& operator=(const mover&) = delete;

    /// Waits while the queue is full. Fails only by stop.
    task<result<void>> submit(std::unique_ptr<job>);
    task<result<void>> submit_part(std::unique_ptr<job>);
    /// Starts a coroutine that may wait for parts; waits while `whole_at_once` of them run.
    task<result<void>> spawn(std::unique_ptr<job>);
    /// No more submissions; waits until all that were taken have ended. Every job runs, also after a stop:
    /// jobs look at the stop signal first, so that whoever counts them can rely on the count.
    task<void> finish();

private:
    struct impl;
    std::unique_ptr<impl> impl_;
};

/// Parts of one thing, waited for together. Parts report; wait() returns the first failure when all have
/// reported.
class part_group {
public:
    explicit part_group(stop_token parent) : stop_(parent) {}

    /// One more part is on its way.
    void add();
    /// A part has ended. The first failure stops the others (stop()).
    void done(result<void>);
    /// Call once, after the last add().
    task<result<void>> wait();
    /// For the parts: requested when one failed.
    stop_token stop() const { return stop_.token(); }

private:
    std::mutex mutex_;
    std::size_t running_ = 1;  // wait() itself, so that the count cannot touch zero early
    result<void> outcome_;
    stop_source stop_;
    event all_done_;
};

}  // namespace act

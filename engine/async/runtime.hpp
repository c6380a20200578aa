#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <variant>
#include <vector>

#include "engine/async/loop.hpp"

namespace act {

struct runtime_options {
    /// 0: min(cores, 16).
    unsigned loops = 0;
    /// Threads for calls that block (disk misses, name look-ups, walks).
    unsigned blocking_threads = 4;
};

/// The loops of the process and its pool for blocking calls. Made by main (or a test), outlives everything
/// async.
class runtime {
public:
    explicit runtime(runtime_options = {});
    /// Everything spawned must have been joined. Stops and joins the threads.
    ~runtime();
    runtime(const runtime&) = delete;
    runtime& operator=(const runtime&) = delete;

    unsigned size() const;
    loop& at(unsigned index);

    /// Runs one coroutine on loop 0 and waits for it, from a thread that is not a loop's. Exceptions come
    /// through.
    template <class T>
    T run(task<T> t);

    /// Calls `f` on the blocking pool; the coroutine goes on, on its own loop, when it has returned. Not
    /// interruptible: `f` should be short, or look at a stop_token itself.
    template <class F>
    task<std::invoke_result_t<F>> blocking(F f);
    /// Runs `f` on the blocking pool, in no relation to any coroutine. Thread-safe.
    void post_blocking(std::function<void()> f);

private:
    void run_until_done(task<void>);
    struct impl;
    std::unique_ptr<impl> impl_;
};

/// Joins the coroutines it started, on whichever loop they run. join() must be awaited before destruction.
/// A child's exception is rethrown by join(), after all have ended.
class task_group {
public:
    task_group();
    ~task_group();
    task_group(const task_group&) = delete;
    task_group& operator=(const task_group&) = delete;

    /// Starts `t` on the given loop. From any thread, but not after join() has returned.
    void spawn(loop&, task<void> t);
    /// Waits until every child has ended; children may spawn more meanwhile.
    task<void> join();
    std::size_t running() const;

private:
    struct impl;
    std::shared_ptr<impl> impl_;
};

// ---- implementation of the templates

template <class T>
T runtime::run(task<T> t) {
    std::exception_ptr failure;
    if constexpr (std::is_void_v<T>) {
        auto body = [](task<void> inner, std::exception_ptr& out) -> task<void> {
            try {
                co_await std::move(inner);
            } catch (...) {
                out = std::current_exception();
            }
        };
        run_until_done(body(std::move(t), failure));
        if (failure) std::rethrow_exception(failure);
    } else {
        std::optional<T> value;
        auto body = [](task<T> inner, std::optional<T>& value_out, std::exception_ptr& out) -> task<void> {
            try {
                value_out.emplace(co_await std::move(inner));
            } catch (...) {
                out = std::current_exception();
            }
        };
        run_until_done(body(std::move(t), value, failure));
        if (failure) std::rethrow_exception(failure);
        return std::move(*value);
    }
}

template <class F>
task<std::invoke_result_t<F>> runtime::blocking(F f) {
    using R = std::invoke_result_t<F>;
    event done;
    std::exception_ptr failure;
    if constexpr (std::is_void_v<R>) {
        post_blocking([&] {
            try {
                f();
            } catch (...) {
                failure = std::current_exception();
            }
            done.set();
        });
        (void)co_await done.wait({});
        if (failure) std::rethrow_exception(failure);
    } else {
        std::optional<R> value;
        post_blocking([&] {
            try {
                value.emplace(f());
            } catch (...) {
                failure = std::current_exception();
            }
            done.set();
        });
        (void)co_await done.wait({});
        if (failure) std::rethrow_exception(failure);
        co_return std::move(*value);
    }
}

}  // namespace act

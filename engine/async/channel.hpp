#pragma once

#include <deque>
#include <mutex>
#include <optional>

#include "engine/async/loop.hpp"

namespace act {

/// A bounded queue between coroutines on any loops. push() waits while it is full, pop() while it is empty.
/// After close(): push fails with kind::stopped, pop drains what is left and then returns nothing.
template <class T>
class channel {
public:
    explicit channel(std::size_t bound) : bound_(bound) {}

    task<result<void>> push(T value, until u) {
        for (;;) {
            event* wake = nullptr;
            event room;
            {
                std::lock_guard lock(mutex_);
                if (closed_) co_return error(kind::stopped, "queue closed");
                if (items_.size() < bound_) {
                    items_.push_back(std::move(value));
                    if (!readers_.empty()) wake = take(readers_);
                    if (wake) wake->set();
                    co_return result<void>();
                }
                writers_.push_back(&room);
            }
            auto waited = co_await room.wait(u);
            forget(writers_, &room);
            if (!waited) {
                pass_on(writers_, items_.size() < bound_);
                co_return waited.error();
            }
        }
    }

    /// A value, nothing at the end, or the reason why the wait ended.
    task<result<std::optional<T>>> pop(until u) {
        for (;;) {
            event data;
            {
                std::lock_guard lock(mutex_);
                if (!items_.empty()) {
                    std::optional<T> out(std::move(items_.front()));
                    items_.pop_front();
                    if (!writers_.empty()) take(writers_)->set();
                    co_return out;
                }
                if (closed_) co_return std::optional<T>();
                readers_.push_back(&data);
            }
            auto waited = co_await data.wait(u);
            forget(readers_, &data);
            if (!waited) {
                pass_on(readers_, !items_.empty());
                co_return waited.error();
            }
        }
    }

    void close() {
        std::lock_guard lock(mutex_);
        closed_ = true;
        for (auto* e : readers_) e->set();
        for (auto* e : writers_) e->set();
        readers_.clear();
        writers_.clear();
    }

    std::size_t size() const {
        std::lock_guard lock(mutex_);
        return items_.size();
    }

private:
    using waiters = std::deque<event*>;
    static event* take(waiters& w) {
        event* e = w.front();
        w.pop_front();
        return e;
    }
    void forget(waiters& w, event* e) {
        std::lock_guard lock(mutex_);
        std::erase(w, e);
    }
    // A waiter that gave up may have swallowed a wake-up meant for the next one.
    void pass_on(waiters& w, bool worth_it) {
        std::lock_guard lock(mutex_);
        if (worth_it && !w.empty()) take(w)->set();
    }

    mutable std::mutex mutex_;
    std::deque<T> items_;
    waiters readers_;
    waiters writers_;
    std::size_t bound_;
    bool closed_ = false;
};

}  // namespace act

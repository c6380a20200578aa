#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "engine/async/runtime.hpp"

/// Work on the blocking pool whose results are wanted in order. Private to this folder.
namespace act::stage {

/// Calls `work(i)` for every i below `count` on the pool, as many at once as fit `budget` by `weight(i)` (at
/// least one), and `use(i, result)` in order, also on the pool, one at a time. Ends at the first error, after
/// all that runs has ended.
template <class R>
task<result<void>> in_order(act::runtime& rt, std::size_t count, std::uint64_t budget,
                            const std::function<std::uint64_t(std::size_t)>& weight,
                            const std::function<result<R>(std::size_t)>& work,
                            const std::function<result<void>(std::size_t, R)>& use, until u) {
    struct slot {
        std::size_t index;
        std::uint64_t weight;
        event done;
        std::optional<result<R>> value;
        std::exception_ptr thrown;
    };
    constexpr std::size_t most = 32;
    std::deque<std::unique_ptr<slot>> running;
    std::uint64_t held = 0;
    std::size_t next = 0;
    std::optional<error> failed;
    std::exception_ptr thrown;
    for (;;) {
        while (!failed && !thrown && next < count && running.size() < most &&
               (running.empty() || held + weight(next) <= budget)) {
            auto s = std::make_unique<slot>();
            s->index = next;
            s->weight = weight(next);
            held += s->weight;
            rt.post_blocking([raw = s.get(), &work] {
                try {
                    raw->value.emplace(work(raw->index));
                } catch (...) {
                    raw->thrown = std::current_exception();
                }
                raw->done.set();
            });
            running.push_back(std::move(s));
            ++next;
        }
        if (running.empty()) break;
        auto front = std::move(running.front());
        running.pop_front();
        // Without a limit of its own: the work refers to this frame, so it is always waited for.
        (void)co_await front->done.wait({});
        held -= front->weight;
        if (front->thrown && !thrown) thrown = front->thrown;
        if (thrown || failed) continue;
        if (auto go_on = u.check(); !go_on) {
            failed = go_on.error();
        } else if (!*front->value) {
            failed = front->value->error();
        } else {
            auto call = [&] { return use(front->index, std::move(**front->value)); };
            result<void> used = co_await rt.blocking(call);
            if (!used) failed = used.error();
        }
    }
    if (thrown) std::rethrow_exception(thrown);
    if (failed) co_return *failed;
    co_return result<void>();
}

}  // namespace act::stage

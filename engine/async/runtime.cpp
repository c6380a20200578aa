#include "engine/async/runtime.hpp"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <pthread.h>
#include <thread>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>

namespace act {

namespace asio = boost::asio;

// ---- runtime

struct runtime::impl {
    std::vector<std::unique_ptr<loop>> loops;
    std::vector<std::thread> loop_threads;

    std::mutex mutex;
    std::condition_variable work_came;
    std::deque<std::function<void()>> queue;
    bool ending = false;
    std::vector<std::thread> pool;

    void pool_thread() {
        std::unique_lock lock(mutex);
        for (;;) {
            work_came.wait(lock, [this] { return ending || !queue.empty(); });
            if (queue.empty()) return;
            auto f = std::move(queue.front());
            queue.pop_front();
            lock.unlock();
            f();
            f = nullptr;
            lock.lock();
        }
    }
};

runtime::runtime(runtime_options options) : impl_(std::make_unique<impl>()) {
    unsigned count = options.loops;
    if (count == 0) count = std::min(std::max(1u, std::thread::hardware_concurrency()), 16u);
    for (unsigned i = 0; i < count; ++i) impl_->loops.push_back(std::make_unique<loop>(i));
    for (auto& l : impl_->loops) {
        impl_->loop_threads.emplace_back([target = l.get()] { target->run(); });
    }
    for (unsigned i = 0; i < std::max(1u, options.blocking_threads); ++i) {
        impl_->pool.emplace_back([this] { impl_->pool_thread(); });
    }
}

runtime::~runtime() {
    {
        std::lock_guard lock(impl_->mutex);
        impl_->ending = true;
    }
    impl_->work_came.notify_all();
    for (auto& t : impl_->pool) t.join();
    for (auto& l : impl_->loops) l->finish();
    for (auto& t : impl_->loop_threads) t.join();
}

unsigned runtime::size() const { return static_cast<unsigned>(impl_->loops.size()); }

loop& runtime::at(unsigned index) { return *impl_->loops.at(index); }

void runtime::post_blocking(std::function<void()> f) {
    {
        std::lock_guard lock(impl_->mutex);
        impl_->queue.push_back(std::move(f));
    }
    impl_->work_came.notify_one();
}

void runtime::run_until_done(task<void> t) {
    std::mutex mutex;
    std::condition_variable changed;
    bool done = false;
    // The lock is held while notifying: this frame may be gone as soon as `done` is seen.
    asio::co_spawn(at(0).executor(), std::move(t), [&](std::exception_ptr) {
        std::lock_guard lock(mutex);
        done = true;
        changed.notify_all();
    });
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return done; });
}

// ---- task_group

struct task_group::impl {
    std::mutex mutex;
    std::size_t running = 0;
    std::exception_ptr failure;
    event* idle = nullptr;

    void ended(std::exception_ptr e) {
        std::lock_guard lock(mutex);
        if (e && !failure) failure = e;
        if (--running == 0 && idle) idle->set();
    }
};

task_group::task_group() : impl_(std::make_shared<impl>()) {}
task_group::~task_group() = default;

void task_group::spawn(loop& home, task<void> t) {
    {
        std::lock_guard lock(impl_->mutex);
        ++impl_->running;
    }
    asio::co_spawn(home.executor(), std::move(t), [state = impl_](std::exception_ptr e) { state->ended(e); });
}

task<void> task_group::join() {
    for (;;) {
        event idle;
        {
            std::lock_guard lock(impl_->mutex);
            if (impl_->running == 0) break;
            impl_->idle = &idle;
        }
        (void)co_await idle.wait({});
        std::lock_guard lock(impl_->mutex);
        impl_->idle = nullptr;
    }
    std::exception_ptr failure;
    {
        std::lock_guard lock(impl_->mutex);
        std::swap(failure, impl_->failure);
    }
    if (failure) std::rethrow_exception(failure);
}

std::size_t task_group::running() const {
    std::lock_guard lock(impl_->mutex);
    return impl_->running;
}

}  // namespace act

#include "engine/async/semaphore.hpp"

#include <deque>
#include <mutex>

namespace act {

struct semaphore::impl {
    struct waiter {
        std::uint64_t units;
        event granted;
    };
    mutable std::mutex mutex;
    std::uint64_t total = 0;
    std::uint64_t free = 0;
    std::deque<waiter*> waiting;

    // What is larger than the whole counts as the whole, so that it can be served at all.
    std::uint64_t clamp(std::uint64_t units) const { return std::min(units, total); }

    void serve() {
        while (!waiting.empty() && waiting.front()->units <= free) {
            waiter* next = waiting.front();
            waiting.pop_front();
            free -= next->units;
            next->granted.set();
        }
    }
};

permit& permit::operator=(permit&& o) noexcept {
    if (this != &o) {
        release();
        owner_ = o.owner_, units_ = o.units_;
        o.owner_ = nullptr, o.units_ = 0;
    }
    return *this;
}

void permit::release() {
    if (owner_) owner_->give_back(units_);
    owner_ = nullptr;
    units_ = 0;
}

semaphore::semaphore(std::uint64_t units) : impl_(std::make_unique<impl>()) {
    impl_->total = impl_->free = units;
}

semaphore::~semaphore() = default;

task<result<permit>> semaphore::acquire(std::uint64_t units, until u) {
    units = impl_->clamp(units);
    impl::waiter self{units, {}};
    {
        std::lock_guard lock(impl_->mutex);
        if (impl_->waiting.empty() && units <= impl_->free) {
            impl_->free -= units;
            co_return permit(this, units);
        }
        impl_->waiting.push_back(&self);
    }
    auto waited = co_await self.granted.wait(std::move(u));
    if (waited) co_return permit(this, units);
    std::lock_guard lock(impl_->mutex);
    if (std::erase(impl_->waiting, &self) == 0) {
        impl_->free += units;  // granted just as the wait ended
    }
    impl_->serve();
    co_return waited.error();
}

permit semaphore::try_acquire(std::uint64_t units) {
    units = impl_->clamp(units);
    std::lock_guard lock(impl_->mutex);
    if (!impl_->waiting.empty() || units > impl_->free) return {};
    impl_->free -= units;
    return permit(this, units);
}

void semaphore::give_back(std::uint64_t units) {
    std::lock_guard lock(impl_->mutex);
    impl_->free += units;
    impl_->serve();
}

std::uint64_t semaphore::available() const {
    std::lock_guard lock(impl_->mutex);
    return impl_->free;
}

std::uint64_t semaphore::total() const { return impl_->total; }

}  // namespace act

#include "engine/async/stop.hpp"

#include <mutex>
#include <vector>

#include "engine/async/loop.hpp"
#include "engine/async/registry.hpp"

namespace act {

stop_source::stop_source() : state_(std::make_shared<state>()) {}

stop_source::stop_source(const stop_token& parent) : stop_source() { state_->parent = parent.state_; }

void stop_source::request() {
    state_->requested.store(true, std::memory_order_release);
    loop_registry::sweep_all();
}

bool stop_source::requested() const { return token().requested(); }

stop_token stop_source::token() const { return stop_token(state_); }

bool stop_token::requested() const {
    for (const stop_source::state* s = state_.get(); s; s = s->parent.get()) {
        if (s->requested.load(std::memory_order_acquire)) return true;
    }
    return false;
}

until until::within(steady::duration d) const {
    until narrowed = *this;
    const auto limit = steady::now() + d;
    if (limit < narrowed.deadline) narrowed.deadline = limit;
    return narrowed;
}

result<void> until::check() const {
    if (stop.requested()) return error(kind::stopped, "stopped");
    if (deadline != steady::time_point::max() && steady::now() >= deadline) {
        return error(kind::timeout, "timed out");
    }
    return {};
}

namespace {
std::mutex registry_mutex;
std::vector<loop*> registered;
}  // namespace

void loop_registry::add(loop* l) {
    std::lock_guard lock(registry_mutex);
    registered.push_back(l);
}

void loop_registry::remove(loop* l) {
    std::lock_guard lock(registry_mutex);
    std::erase(registered, l);
}

void loop_registry::sweep_all() {
    std::lock_guard lock(registry_mutex);
    for (loop* l : registered) l->sweep_soon();
}

}  // namespace act

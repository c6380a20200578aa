#include "transfer/client/checksum_choice.hpp"

#include <algorithm>

namespace act::blob {
namespace {

/// Longer than a probe takes on this machine or in this region; on a slow line MD5 does meanwhile, which all
/// take.
constexpr auto longest_wait = std::chrono::milliseconds(250);

}  // namespace

checksum_choice::turn::~turn() {
    if (owner_) owner_->give_up();
}

void checksum_choice::turn::accepted() {
    if (!owner_) return;
    std::exchange(owner_, nullptr)->decide(kind_);
}

void checksum_choice::turn::refused() {
    owner_ = nullptr;
    // A late refusal must not overrule a later step.
    if (all_->decided_ && all_->current() != kind_) return;
    all_->decide(kind_ == checksum::crc64 ? checksum::md5 : checksum::none);
}

void checksum_choice::wake() {
    for (auto* e : waiting_) e->set();
    waiting_.clear();
}

void checksum_choice::decide(checksum k) {
    std::lock_guard lock(mutex_);
    kind_ = k;
    decided_ = true;
    probing_ = false;
    wake();
}

void checksum_choice::give_up() {
    std::lock_guard lock(mutex_);
    probing_ = false;
    wake();
}

void checksum_choice::hint(std::string_view server) {
    if (decided_.load(std::memory_order_relaxed)) return;
    if (server.starts_with("Azurite-")) {
        decide(checksum::md5);
    } else if (server.starts_with("Windows-Azure-Blob/") || server == "act-store") {
        decide(checksum::crc64);
    }
}

task<result<checksum_choice::turn>> checksum_choice::choose(until u) {
    const auto patience = steady::now() + longest_wait;
    for (;;) {
        if (decided_.load(std::memory_order_acquire)) co_return turn(nullptr, *this, current());
        event concluded;
        {
            std::lock_guard lock(mutex_);
            if (decided_) co_return turn(nullptr, *this, current());
            if (!probing_) {
                probing_ = true;
                co_return turn(this, *this, current());
            }
            waiting_.push_back(&concluded);
        }
        until limited = u;
        limited.deadline = std::min(u.deadline, patience);
        auto waited = co_await concluded.wait(limited);
        {
            std::lock_guard lock(mutex_);
            std::erase(waiting_, &concluded);
        }
        if (waited) continue;
        ACT_CO_TRY_VOID(u.check());
        co_return turn(nullptr, *this, checksum::md5);
    }
}

}  // namespace act::blob

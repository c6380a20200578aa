#pragma once

#include <atomic>
#include <mutex>
#include <string_view>
#include <vector>

#include "engine/async/loop.hpp"
#include "transfer/client/client.hpp"

namespace act::blob {

/// Finds out once which checksum an endpoint takes. The service takes CRC64; Azurite, unless loose, answers
/// 500 FeatureNotSupported. While that is not known, one request tries CRC64 and the others wait a little for
/// what becomes of it, so that one request fails at most; a Server header that is known decides without any
/// failing.
class checksum_choice {
public:
    /// What one request carries. Who holds a turn says what became of it, else it counts as not known.
    class turn {
    public:
        turn(turn&& o) noexcept : owner_(o.owner_), all_(o.all_), kind_(o.kind_) { o.owner_ = nullptr; }
        turn& operator=(turn&&) = delete;
        ~turn();
        checksum kind() const { return kind_; }
        bool probing() const { return owner_ != nullptr; }
        /// The service took it.
        void accepted();
        /// The service has no such thing: from now on the next kind is used, by everybody.
        void refused();

    private:
        friend class checksum_choice;
        turn(checksum_choice* prober, checksum_choice& all, checksum k)
            : owner_(prober), all_(&all), kind_(k) {}
        checksum_choice* owner_;  // set: this turn is the one that finds out
        checksum_choice* all_ = nullptr;
        checksum kind_;
    };

    task<result<turn>> choose(until);
    /// Takes what the Server header tells; cheap once decided.
    void hint(std::string_view server);
    checksum current() const { return kind_.load(std::memory_order_relaxed); }

private:
    void decide(checksum);
    void give_up();
    void wake();

    std::atomic<bool> decided_{false};
    std::atomic<checksum> kind_{checksum::crc64};
    std::mutex mutex_;
    bool probing_ = false;
    std::vector<event*> waiting_;
};

}  // namespace act::blob

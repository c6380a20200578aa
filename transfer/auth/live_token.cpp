#include <algorithm>
#include <mutex>
#include <optional>

#include "engine/async/semaphore.hpp"
#include "engine/core/log.hpp"
#include "transfer/auth/token.hpp"

namespace act::auth {
namespace {

using namespace std::chrono_literals;

constexpr auto renewed_before_end = 5min;
// A renewal that failed, or that brought a token of a short life, is done again after so long at the
// earliest, or after a part of that life.
constexpr steady::duration next_renewal = 30s;
constexpr int part_of_life = 8;
// Refused requests do not have it renewed more often than this.
constexpr auto young = 10s;

class kept_token final : public live_token {
public:
    explicit kept_token(std::shared_ptr<token_source> from) : source_(std::move(from)) {}

    task<result<secret>> current(until u) override {
        secret token;
        const auto begun = steady::now();
        const state first = look(token);
        if (first == state::good) co_return token;
        permit turn;
        if (first == state::due) {
            // The others go on with what they have.
            turn = one_at_a_time_.try_acquire(1);
            if (turn.units() == 0) co_return token;
        } else {
            ACT_CO_TRY(turn, co_await one_at_a_time_.acquire(1, u));
        }
        const state second = look(token);
        if (second == state::good) co_return token;
        if (second == state::none) {
            // What has just failed for one would fail for all who waited with it, one after the other.
            std::lock_guard lock(mutex_);
            if (failure_ && failed_at_ >= begun) co_return *failure_;
        }
        auto ok = co_await renew(u);
        if (!ok && second == state::none) co_return ok.error();
        if (!ok) {
            log::warning("the access token could not be renewed yet: {}", ok.error().message());
            co_return token;
        }
        // Whatever this machine's clock makes of its end.
        std::lock_guard lock(mutex_);
        co_return token_.text;
    }

    task<bool> refresh(until u) override {
        auto turn = co_await one_at_a_time_.acquire(1, u);
        if (!turn) co_return false;
        {
            std::lock_guard lock(mutex_);
            // Many are refused at once; the first of them has renewed it for all.
            if (refreshed_ && steady::now() - *refreshed_ < young) co_return true;
        }
        const auto renewed = co_await renew(u);
        if (!renewed) {
            log::warning("the access token was refused, and there is no other: {}",
                         renewed.error().message());
            co_return false;
        }
        std::lock_guard lock(mutex_);
        refreshed_ = steady::now();
        co_return true;
    }

private:
    enum class state { good, due, none };
    state look(secret& into) {
        std::lock_guard lock(mutex_);
        const auto at = now();
        if (at >= token_.expires) return state::none;
        into = token_.text;
        const bool due = at + renewed_before_end >= token_.expires && steady::now() >= not_before_;
        return due ? state::due : state::good;
    }

    task<result<void>> renew(until u) {
        auto fresh = co_await source_->obtain(u);
        std::lock_guard lock(mutex_);
        not_before_ = steady::now() + next_renewal;
        if (!fresh) {
            // The patience of one caller is not that of the others.
            if (fresh.error().kind() != kind::stopped && u.check()) {
                failure_ = fresh.error();
                failed_at_ = steady::now();
            }
            co_return fresh.error();
        }
        failure_.reset();
        token_ = std::move(*fresh);
        const auto life = std::chrono::duration_cast<steady::duration>(token_.expires - now());
        not_before_ = steady::now() + std::min(next_renewal, life / part_of_life);
        co_return result<void>();
    }

    const std::shared_ptr<token_source> source_;
    semaphore one_at_a_time_{1};
    std::mutex mutex_;
    access_token token_;
    steady::time_point not_before_{};
    std::optional<steady::time_point> refreshed_;
    std::optional<error> failure_;  ///< of the last renewal
    steady::time_point failed_at_{};
};

}  // namespace

std::shared_ptr<live_token> keep(std::shared_ptr<token_source> from) {
    return std::make_shared<kept_token>(std::move(from));
}

}  // namespace act::auth

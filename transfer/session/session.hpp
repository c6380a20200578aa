#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "engine/async/runtime.hpp"
#include "engine/core/secret.hpp"
#include "engine/http/client.hpp"
#include "engine/memory/buffer_pool.hpp"
#include "transfer/client/client.hpp"
#include "transfer/mover/gate.hpp"
#include "transfer/mover/progress.hpp"
#include "transfer/ops/ops.hpp"

namespace act {

struct session_options {
    unsigned threads = 0;               ///< 0: min(cores, 16)
    std::size_t memory = 256ull << 20;  ///< the bytes that everything may hold together
    controller::options requests{};     ///< in flight, and caps, of each account
    std::string user_agent = "act-library";
    /// Proxies are taken from it (HTTPS_PROXY and its kin); empty: none.
    std::map<std::string, std::string> environment{};
};

/// All that operations work with, for a program that has just one of it. Operations run one after the other
/// or at once, from any thread that is none of the loops; all have ended before the session does.
class session {
public:
    explicit session(session_options = {});
    ~session();
    session(const session&) = delete;
    session& operator=(const session&) = delete;

    /// The container or what is below a path in it, by its URL. The credential is the account's key, else the
    /// SAS behind '?', else none (public containers). Remotes hold for the session's life, and each one that
    /// is opened is paced by itself: open an account once. kind::usage: not the URL of a container or of what
    /// is in one.
    result<ops::remote> open(std::string_view url, const secret& account_key = {});
    /// With any other credential: transfer/auth/token.hpp has those that renew themselves.
    result<ops::remote> open(std::string_view url, std::shared_ptr<http::authorizer>);

    /// What an operation is given. It and `o` outlive the operation; one may serve several.
    ops::context context(observer& o);
    /// Runs one operation and waits for it; not on a loop.
    template <class T>
    T run(task<T> t) {
        return runtime_.run(std::move(t));
    }
    /// Ends all operations soon, from any thread; they return as stopped.
    void stop() { stop_.request(); }

    act::runtime& runtime() { return runtime_; }
    /// For those who show it, on their own clock.
    const act::progress& progress() const { return progress_; }
    const http::counters& wire() const { return transport_.stats(); }
    http::client& transport() { return transport_; }

private:
    const session_options options_;
    act::runtime runtime_;
    buffer_pool buffers_;
    http::client transport_;
    act::progress progress_;
    stop_source stop_;
    std::atomic<unsigned> lanes_;
    std::mutex opening_;
    std::vector<std::unique_ptr<blob::client>> clients_;
};

/// An observer that hands each failure to `tell`, one at a time.
class failure_observer final : public observer {
public:
    explicit failure_observer(std::function<void(const failure&)> tell) : tell_(std::move(tell)) {}
    void failed(const failure& f) override {
        std::lock_guard lock(mutex_);
        tell_(f);
    }

private:
    std::mutex mutex_;
    std::function<void(const failure&)> tell_;
};

}  // namespace act

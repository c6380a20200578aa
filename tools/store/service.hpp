#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "engine/codec/hash.hpp"
#include "engine/http/client.hpp"
#include "engine/http/server.hpp"
#include "engine/memory/buffer_pool.hpp"
#include "tools/store/call.hpp"
#include "tools/store/files.hpp"
#include "tools/store/index.hpp"
#include "tools/store/meter.hpp"
#include "tools/store/network.hpp"
#include "tools/store/store.hpp"
#include "tools/store/volume.hpp"

namespace act::store {

/// The account's key, set up once per loop.
class account_key {
public:
    account_key(std::string_view raw, unsigned loops);
    /// Base64 of the HMAC-SHA256 of `message`. On a loop's thread.
    std::string sign(std::string_view message);

private:
    std::vector<codec::hmac_sha256> macs_;
};

/// What the operations share. Lives from start() to stop().
struct service {
    service(runtime& r, const act::store::options& o, std::string_view raw_key, statistics& counts)
        : run(r),
          options(o),
          key(raw_key, r.size()),
          memory(o.memory),
          http(r, client_options()),
          stats(counts) {}
    static http::client_options client_options();

    runtime& run;
    const act::store::options& options;
    account_key key;
    buffer_pool memory;
    std::shared_ptr<volume> folder;
    act::store::index* index = nullptr;  ///< the folder's
    act::store::files* files = nullptr;
    http::client http;  ///< for copy sources elsewhere
    std::string url;    ///< of the account, without credentials
    statistics& stats;
    std::unique_ptr<act::store::network> network;  ///< null: nothing is imitated
    std::unique_ptr<act::store::meter> meter;      ///< null: nobody asks

    stop_source stop;
    stop_source stalls;  ///< requested first: what only imitates a slow service is not waited for
    task_group background;
    std::atomic<bool> removing{false};  ///< a task that unlinks data files is under way

    /// Copies that this process works on, by copy id.
    struct running_copy {
        explicit running_copy(const stop_token& parent) : stop(parent) {}
        stop_source stop;
        std::atomic<std::uint64_t> done{0}, total{0};
    };
    std::mutex copies_mutex;
    std::map<std::string, std::shared_ptr<running_copy>, std::less<>> copies;

    until ends() const { return {stop.token()}; }
};

/// Unlinks retired data files in the background.
void remove_files_soon(service&);

/// Runs `change` (an `answer(writer&)`) in a group commit. A failure answer must mean that nothing was
/// changed.
template <class F>
task<answer> change_index(service& s, F change) {
    answer out = failure();
    auto run = [&](writer& w) { out = change(w); };
    auto done = co_await s.index->write(run, s.options.sync ? &s.run : nullptr);
    if (!done) co_return from_error(done.error());
    if (s.files->retired()) remove_files_soon(s);
    co_return std::move(out);
}

/// A random version 4 UUID.
std::string new_uuid();

}  // namespace act::store

#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "engine/async/runtime.hpp"
#include "engine/memory/buffer_pool.hpp"
#include "submit/cluster/cluster.hpp"
#include "tools/act/cap.hpp"
#include "tools/act/verb.hpp"
#include "transfer/client/client.hpp"
#include "transfer/mover/gate.hpp"
#include "transfer/mover/progress.hpp"
#include "transfer/ops/copy_link.hpp"
#include "transfer/ops/ops.hpp"

namespace act::store {
class store;
}

namespace act::auth {
class live_token;
}

namespace act::cli {

class progress_bar;
class report;

/// Reads the cluster file that the call names, lays the command line's values over it, and prints its
/// warnings. It is looked for from the working directory, or from the folder `from`.
result<cluster::config> load_cluster(invocation&, const std::string& name, const std::string& from = {});

/// The account of one folder: as configured, and a client for it.
struct opened_account {
    cluster::account settings;
    std::unique_ptr<blob::client> client;
    std::shared_ptr<http::admission> gate;    ///< all requests to the account pass it
    std::shared_ptr<auth::live_token> token;  ///< where `auth` asks for one, else null
    bool embedded = false;                    ///< served by this process
    const opened_account* origin = this;      ///< the one of `resources` that this is for
};

/// A path of the command line, found.
struct place {
    cluster::location location;
    opened_account* account = nullptr;  ///< the session's

    ops::remote remote() const { return {*account->client, account->settings.container, location.blob_path}; }
};

/// What all commands of a process share, each part made when first used: loops, byte budget, connections,
/// cluster files, and the accounts that paths led to. For the built-in cluster, and for `platform: local`
/// accounts without endpoint or credential, it runs the embedded store in this process, on a port of loopback
/// that nobody is told. Thread-safe; not to be called on a loop.
class resources {
public:
    /// `given`: its threads, memory, concurrency and caps count, for all commands together.
    resources(const world&, screen&, const options& given);
    ~resources();
    resources(const resources&) = delete;
    resources& operator=(const resources&) = delete;

    act::runtime& runtime();
    buffer_pool& buffers();
    act::progress& progress() { return progress_; }
    /// How many requests are wanted at work at once.
    const std::atomic<unsigned>& lanes() const { return lanes_; }
    /// What all commands of this machine keep to together now.
    host_cap::caps common_cap() const { return cap_ ? cap_->get() : host_cap::caps(); }
    /// Null before the first request.
    const http::counters* wire() const;

    /// The cluster file, read once; prints its warnings when it is read.
    result<cluster::config> load(const cluster::load_options&);
    /// The account of a mapping, opened on first use; reads files.
    result<opened_account*> account_of(const cluster::config&, const cluster::mapping&);
    /// An account that no mapping names, opened on first use; `key` tells it from others.
    result<opened_account*> account_at(const std::string& key, cluster::account);
    /// What is known of copying from one of these accounts to another.
    ops::copy_link& link(const opened_account& from, const opened_account& to);

private:
    result<std::unique_ptr<opened_account>> open(cluster::account, bool embedded);
    /// Null where `auth` asks for none.
    result<std::shared_ptr<auth::live_token>> token_for(const cluster::account&);
    result<std::shared_ptr<http::authorizer>> authorizer_for(const opened_account&);
    result<void> start_store(cluster::account&);
    http::client& transport();

    const world& world_;
    screen& screen_;
    const unsigned threads_;
    const std::uint64_t memory_;
    const bool hedge_;
    const bool customer_key_;
    const std::string encryption_scope_;
    act::progress progress_;
    const std::unique_ptr<host_cap> cap_;  ///< null where it cannot be kept
    const controller::options control_;    ///< of each account
    std::atomic<unsigned> lanes_;
    std::recursive_mutex making_;
    std::optional<act::runtime> runtime_;
    std::optional<buffer_pool> buffers_;
    std::unique_ptr<store::store> store_;
    std::unique_ptr<http::client> transport_;
    std::map<std::string, cluster::config> clusters_;
    std::map<std::string, std::unique_ptr<opened_account>> accounts_;
    std::map<std::pair<const opened_account*, const opened_account*>, ops::copy_link> links_;
};

/// All that a verb which talks to a store needs: resources (its own, or those of the `act run` that it is a
/// line of), and a stop, accounts and counts for this call alone.
class session {
public:
    session(invocation&, cluster::config);
    ~session();
    session(const session&) = delete;
    session& operator=(const session&) = delete;

    const cluster::config& cluster() const { return cluster_; }
    act::runtime& runtime() { return shared_->runtime(); }
    act::progress& progress() { return shared_->progress(); }
    /// The bytes that everything may hold together.
    buffer_pool& buffers() { return shared_->buffers(); }
    /// What all operations of this call are given, but for the observer.
    ops::context context(observer&);
    /// For the wait of anything else.
    act::until until() const { return {.stop = stop_.token()}; }
    /// Ends everything that context() and until() were given to.
    void stop() { stop_.request(); }

    /// Where the path lives, its account opened.
    result<place> find(const std::string& path) { return find(cluster_, path); }
    /// The same in another cluster, which outlives the place.
    result<place> find(const cluster::config&, const std::string& path);
    /// The account of a mapping, opened on first use; reads files, so not to be called on a loop.
    result<opened_account*> account_of(const cluster::mapping& m) { return account_of(cluster_, m); }
    result<opened_account*> account_of(const cluster::config&, const cluster::mapping&);
    /// An account that no mapping names, opened on first use; `key` tells it from others.
    result<opened_account*> account_at(const std::string& key, cluster::account);
    /// What is known of copying from one account to the other.
    ops::copy_link& link(const opened_account& from, const opened_account& to);
    /// What this call has moved; null before the first request.
    const http::counters* wire() const;
    host_cap::caps common_cap() const { return shared_->common_cap(); }
    /// The account that a path led to last; of a copy the destination's. Null before the first.
    const opened_account* latest() const { return latest_; }

private:
    result<opened_account*> mine(opened_account&);

    invocation& call_;
    cluster::config cluster_;
    stop_source stop_;
    std::unique_ptr<resources> own_;
    resources* shared_;
    const opened_account* latest_ = nullptr;
    // With resources that others use too: clients whose requests are counted for this call.
    http::counters counters_;
    std::map<const opened_account*, std::unique_ptr<opened_account>> accounts_;
};

/// $XDG_DATA_HOME/act/store, or ~/.local/share/act/store: what the embedded store serves unless told
/// otherwise.
result<std::string> default_store_root(const world&);

/// The account of `platform: local` that names no other store.
bool is_embedded(const cluster::config&, const cluster::account&);

/// The full address of a blob endpoint, the public cloud's if the account names none.
result<uri> endpoint_of(const cluster::account&);

/// By what name the rates that `act bench` measures of an account are kept.
std::string rates_name(const cluster::account&, bool embedded);

/// What is written to the account is encrypted with, as the account's file or else the command line has it.
/// `from_environment`: the key in CPK_ENCRYPTION_KEY, which has the hash in CPK_ENCRYPTION_KEY_SHA256 where
/// that is set, as in azcopy.
result<blob::encryption> encryption_of(const cluster::account&, bool from_environment,
                                       const std::string& scope,
                                       const std::map<std::string, std::string>& environment);

/// Calls `each` for every word of the call, with a progress bar, until one was stopped; the exit code. `each`
/// returns how the operation on that path ended. Items are called by their names below the folder that all
/// words share, unless `each` tells the report otherwise.
int for_each_path(invocation&, session&, report&,
                  const std::function<result<summary>(const std::string& path)>& each);

}  // namespace act::cli

#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "engine/async/runtime.hpp"
#include "engine/core/secret.hpp"
#include "engine/core/units.hpp"
#include "tools/store/network_model.hpp"

/// The embedded Blob service: the Blob REST protocol over a folder (DESIGN section 5).
namespace act::store {

/// The account, key and port that every Azure storage emulator uses; public knowledge, hence fit for loopback
/// only.
inline constexpr const char* emulator_account = "devstoreaccount1";
inline constexpr const char* emulator_key =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

struct options {
    /// The folder that holds everything; made when missing. Several processes may serve the same folder at
    /// once.
    std::string root;
    /// "127.0.0.1:10000", "[::1]:0"; port 0 picks a free one.
    std::string listen = "127.0.0.1:10000";
    std::string account = emulator_account;
    secret key{emulator_key};  ///< base64
    /// Who shows it as `Authorization: Bearer ...` is the account's owner, as who has the key; empty: nobody.
    secret bearer_token;
    /// PEM files; both (https) or neither (http).
    std::string tls_certificate, tls_key;
    /// A write is acknowledged when it survives the death of this process; true: also that of the machine
    /// (slow).
    bool sync = false;
    /// What the account keeps of what is deleted or overwritten, from now on and for all who serve the
    /// folder; not given: as it is (nothing, in a new one). Days: as Set Blob Service Properties sets them,
    /// 0: off.
    std::optional<std::uint32_t> soft_delete_days;
    std::optional<bool> versioning;
    /// The account has a hierarchical namespace: directories are real. A folder stays what it was made as.
    bool hierarchical = false;
    /// What request bodies and listings may hold in memory. The store's own: a client in the same process
    /// that waits for an answer with all of a shared budget in its hands would never get one.
    std::size_t memory = 128 * MiB;
    /// The network and the service under stress that it imitates; nothing as it is.
    network_model network;
    /// Where to answer about itself (admin.hpp), as `listen`; empty: nowhere.
    std::string admin;
};

/// Since start. Bytes are those of bodies.
struct statistics {
    std::atomic<std::uint64_t> requests{0}, failures{0}, bytes_received{0}, bytes_sent{0};
    /// Index transactions, and the writes in them: their ratio is the mean size of a group commit.
    std::atomic<std::uint64_t> commits{0}, writes{0};
};

/// Serves from start() to stop(). stop() must be awaited before destruction if start() succeeded.
class store {
public:
    store(runtime&, options);
    ~store();
    store(const store&) = delete;
    store& operator=(const store&) = delete;

    /// Opens the folder and listens. kind::conflict: the port is in use; kind::configuration: a bad address,
    /// account, key or certificate, or a folder of the other kind of account; kind::io, permission,
    /// disk_full: the folder. Call it off the loops: it does disk work.
    result<void> start();
    /// "http://127.0.0.1:PORT/ACCOUNT", valid after start().
    std::string endpoint() const;
    /// "http://127.0.0.1:PORT", valid after start(); empty without one.
    std::string admin() const;
    std::uint16_t port() const;
    /// "DefaultEndpointsProtocol=...;AccountName=...;AccountKey=...;BlobEndpoint=...;" for other clients.
    secret connection_string() const;
    /// Lets requests in progress end for up to `grace`, then closes and writes the index through to the disk.
    task<void> stop(steady::duration grace = std::chrono::seconds(5));
    const statistics& stats() const;

private:
    struct impl;
    std::unique_ptr<impl> impl_;
};

}  // namespace act::store

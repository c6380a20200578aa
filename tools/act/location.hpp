#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/core/secret.hpp"
#include "engine/core/uri.hpp"
#include "tools/act/session.hpp"

namespace act::cli {

struct world;

/// One end of a transfer, as the command line names it. The rule, in this order:
///
///   `-`                   standard input or output
///   `https://...`         a blob, a folder or a container by its URL; http for emulators; a SAS may follow
///   '?' `CLUSTER:path`        where `act -c CLUSTER d path` would look; `local:` is the built-in cluster
///   anything else         a path: on this machine for some verbs, of the cluster chosen with -c for others
///
/// A colon makes a cluster only behind letters, digits, '_', '-' and '.', so behind no slash, and only when
/// nothing of that whole name exists here: `./a:b` is always a path.
struct location {
    enum class type { local, stored, url, stream };
    location::type what = type::local;
    std::string text;               ///< for messages: as written, but without the SAS
    std::string path;               ///< local: as written; stored: behind the colon
    std::string cluster;            ///< stored: empty is the one chosen with -c
    uri url;                        ///< without the query
    secret sas;                     ///< what stood behind '?'; may be empty
    std::string snapshot, version;  ///< of a URL that names one, where that was allowed
    /// It names a folder that things go into: see names_folder(), or it is a whole container.
    bool folder = false;

    bool remote() const { return what == type::stored || what == type::url; }
};

/// A slash or a component "." or ".." stands at the end: things go into it.
bool names_folder(std::string_view path);

/// What a plain path is.
enum class plain { local, stored };
/// Whether a URL may name a snapshot or version of a blob.
enum class past { refused, allowed };
/// kind::usage for what cannot be one; never holds a SAS.
result<location> parse_location(const world&, const std::string& word, plain, past = past::refused);

/// A location in a store, found: account opened, container and path known.
struct opened_location {
    opened_account* account = nullptr;  ///< the session's
    std::string container;
    std::string path;                       ///< no slash at either end; empty: the whole container
    const cluster::mapping* map = nullptr;  ///< by which it was found; null for a URL
    std::string before;                     ///< stands before each path shown: "CLUSTER:", or the endpoint

    ops::remote remote() const { return {*account->client, container, path}; }
    /// How the command line would name the blob, or the folder, of this name; without a SAS.
    std::string shown(std::string_view name) const;
    void append_shown(std::string& out, std::string_view name) const;
};

/// The words of a call whose words are all in stores (plain ones of the cluster chosen with -c); in the call
/// they are replaced by what may be shown of them. kind::usage also for `-`.
result<std::vector<location>> stored_locations(invocation&, past = past::refused);

/// Finds clusters, accounts and credentials of locations, each once. Not to be used on a loop.
class location_opener {
public:
    location_opener(invocation& call, session& s) : call_(call), session_(s) {}

    /// For remote() ones. The credential of a URL is its SAS; else that of an account file of the project
    /// (named by the cluster file, or in aux_data/configs) with the same endpoint; else that of the
    /// environment (AZURE_STORAGE_ACCOUNT and so on) if its endpoint is the same; else, for the emulators'
    /// account, its well-known key.
    result<opened_location> open(const location&);
    /// The named cluster's file; the session's own for an empty name.
    result<const cluster::config*> cluster_of(const std::string& name);

private:
    result<opened_location> open_stored(const location&);
    result<opened_location> open_url(const location&);
    void read_account_files();
    const cluster::account* find_account(const uri&, std::string& endpoint_path);

    invocation& call_;
    session& session_;
    std::map<std::string, std::unique_ptr<cluster::config>> clusters_;
    std::optional<std::vector<cluster::account>> accounts_;
    std::string unreadable_;  ///< why an account file could not be read, for the message
};

}  // namespace act::cli

#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/core/result.hpp"
#include "engine/core/secret.hpp"

/// Cluster files as ACT wrote them (act-behaviour.md section 2), plus the keys of DESIGN section 8.
///
/// With no cluster file anywhere, or with `-c local` and no local.yaml, there is the built-in cluster
/// `local`: its root is the nearest folder upwards that has aux_data/ or .git, else the working directory; it
/// has one wildcard mapping (folder "*", path "") so that `data/x` is the blob "data/x" of the embedded
/// store's container `builtin_container`, and a code_path ".act/code"; its account file is empty.
///
/// A cluster file is searched as aux_data/aml/NAME.yaml from the working directory upwards; the folder that
/// holds aux_data is the root. Folders above that anybody may write into (/tmp) are not searched.
namespace act::cluster {

inline constexpr const char* builtin_container = "act";

/// One blob account file, secrets resolved (env:NAME, file:PATH).
struct account {
    std::string source;  ///< the file it was read from
    std::string name;
    secret key;
    secret sas;
    std::string container;
    std::string blob_endpoint;     ///< full URL; empty: the public cloud's
    secret customer_key;           ///< base64; what is written there is encrypted with it
    std::string encryption_scope;  ///< instead of a key
    enum class method { automatic, key, sas, cli, msi, sp, workload } auth = method::automatic;
    std::vector<std::string> warnings;  ///< misspelt keys
};

/// One `X_folder` (or `code_path`) entry of config_param.
struct mapping {
    std::string key;           ///< "data_folder", "code_path"
    std::string folder;        ///< "data"; empty for code_path
    std::string account_file;  ///< opened only when a verb needs it
    std::string path;          ///< inside the container, no leading or trailing slash
    std::string storage_type = "blob";
    std::string mode;  ///< mount, download, upload, link; empty: the back end's default
};

/// Where an effective value came from, for `act config`.
struct setting {
    std::string name, value, origin;
    bool hidden = false;  ///< a secret: value is "***"
};

struct config {
    std::string name;                ///< "eu", "local"
    std::string file;                ///< empty for the built-in cluster
    std::vector<std::string> files;  ///< the file and those it is based on
    std::string root;                ///< the project's root, absolute: relative paths count from here
    std::string platform = "aml";    ///< local, slurm, aml, batch, itp, singularity
    bool builtin_local = false;      ///< no file anywhere: embedded store, every first component mapped
    std::vector<mapping> mappings;
    std::map<std::string, std::string> env;
    std::string experiment_name;
    std::string interpreter_path = "python";
    int gpu_per_node = 4;
    std::optional<int> num_gpu;
    bool multi_process = true;
    std::optional<int> process_count_per_node;
    bool sleep_if_fail = false, sleep_if_succeed = false;
    std::string compile_args;
    std::vector<std::string> zip_options;
    bool zip_options_given = false;
    /// Keys a back end reads (compute_target, docker.image, slurm.partition, ...), flattened with '.'.
    std::map<std::string, std::string> other;
    std::vector<std::string> warnings;  ///< misspelt keys with the nearest known one, dropped options
    std::vector<setting> settings;
};

struct load_options {
    std::string name;  ///< -c; empty: AML_CONFIG_PATH, aux_data/aml/aml.yaml, else the built-in cluster
    std::string working_directory;  ///< search starts here and goes up
    std::map<std::string, std::string> environment;
};

/// Finds and reads the cluster file; account files stay closed.
result<config> load(const load_options&);
/// Reads one account file (path relative to the project's root, or a short name as ACT allows). An empty name
/// gives the built-in cluster's account: no secrets, container `builtin_container`.
result<account> load_account(const config&, const std::string& file,
                             const std::map<std::string, std::string>& environment);

/// The account that the variables of the Azure tools name: AZURE_STORAGE_CONNECTION_STRING, or
/// AZURE_STORAGE_ACCOUNT with AZURE_STORAGE_KEY or AZURE_STORAGE_SAS_TOKEN. Without a container. Nothing if
/// they do not name one and a credential.
result<std::optional<account>> account_of_environment(const std::map<std::string, std::string>& environment);

/// The workspace JSON that `aml_config` names (or holds in line).
struct workspace {
    std::string subscription_id, resource_group, workspace_name;
};
result<workspace> load_workspace(const config&);

/// The X of every X_folder. Of the built-in cluster: the folders that hold data by convention ("data",
/// "models", "output").
std::vector<std::string> data_folders(const config&);
/// Does a key or variable of this name hold a secret?
bool names_secret(std::string_view name);
/// The code_path entry, or null.
const mapping* code_path(const config&);

/// Where a local path lives: which mapping, and the blob path under it.
struct location {
    const mapping* map = nullptr;
    std::string relative;   ///< relative to the root, '/' separated, no trailing slash
    std::string local;      ///< absolute local path
    std::string blob_path;  ///< container-relative
    bool trailing_slash = false;
};
/// Relative paths count from the working directory, absolute ones must lie under the root; a sub-folder
/// works. The error lists the folders that are mapped.
result<location> locate(const config&, const std::string& path, const std::string& working_directory);

}  // namespace act::cluster

#include "submit/cluster/keys.hpp"

#include <algorithm>
#include <cctype>

#include "submit/cluster/suggest.hpp"

namespace act::cluster {

const std::vector<std::string>& known_keys(section s) {
    // act-behaviour.md section 2.2, then ours.
    static const std::vector<std::string> cluster = {
        "aks_compute", "aks_compute_global_dispatch", "aks_compute_global_dispatch_arg", "aml_config",
        "azure_blob_config_file", "cluster", "compile_args", "compute_target", "config_param",
        "datastore_name", "docker", "elastic_num_gpu", "entry_script", "env", "experiment_name",
        "from_cluster", "gpu_per_node", "inject_collection", "interpreter_path", "is_ssh_scheduler",
        "multi_process", "num_gpu", "platform", "preemption_allowed", "process_count_per_node", "resubmit_to",
        "singularity_instance_type", "singularity_sla_tier", "sleep_if_fail", "sleep_if_succeed",
        "source_directory", "unique_gjd_cluster", "use_cli_auth", "use_custom_docker", "with_log",
        "zip_options",
        // ours, of them one mapping of settings for each back end
        "aml", "batch", "data_cache", "gpu_monitor", "local", "node_check", "prices", "slurm",
        "std_out_err_path_prefix"};
    static const std::vector<std::string> docker = {"address", "image", "password", "username"};
    static const std::vector<std::string> local = {"mpirun", "upload_seconds"};
    static const std::vector<std::string> node_check = {"disk", "gpus"};
    static const std::vector<std::string> prices = {"currency", "egress",    "list", "other",
                                                    "read",     "retrieval", "write"};
    static const std::vector<std::string> slurm = {
        "account",   "constraint", "container_image", "container_mounts", "gres", "mem",  "mpi",
        "partition", "qos",        "reservation",     "sbatch_options",   "ssh",  "time", "upload_seconds"};
    static const std::vector<std::string> entry = {
        "azure_blob_config_file", "blob_cache_timeout", "datastore_name", "file_share", "mode", "path",
        "storage_type",           "submit_with_url"};
    static const std::vector<std::string> account = {"account_key",   "account_name",      "auth",
                                                     "blob_endpoint", "connection_string", "container_name",
                                                     "customer_key",  "encryption_scope",  "sas_token"};
    switch (s) {
        case section::cluster:
            return cluster;
        case section::docker:
            return docker;
        case section::local:
            return local;
        case section::node_check:
            return node_check;
        case section::prices:
            return prices;
        case section::slurm:
            return slurm;
        case section::entry:
            return entry;
        case section::account:
            return account;
    }
    return cluster;
}

void report_unknown(const yaml::node& map, section s, std::string_view inside,
                    std::vector<std::string>& warnings) {
    const auto& known = known_keys(s);
    for (const auto& f : map.fields) {
        const std::string& key = f.key;
        if (std::find(known.begin(), known.end(), key) != known.end()) continue;
        std::string near = nearest(key, known);
        std::string text = f.where() + ": unknown key '" + key + "'";
        if (!inside.empty()) text += " in " + std::string(inside);
        text += near.empty() ? "; it has no effect" : "; did you mean '" + near + "'?";
        warnings.push_back(std::move(text));
    }
}

bool names_secret(std::string_view name) {
    std::string low(name);
    std::transform(low.begin(), low.end(), low.begin(), [](unsigned char c) { return std::tolower(c); });
    for (std::string_view word :
         {"key", "token", "secret", "password", "passwd", "credential", "sas", "connection_string"}) {
        for (std::size_t at = 0; (at = low.find(word, at)) != std::string::npos; at += word.size()) {
            // TOKENIZERS_PARALLELISM, which half of all trainings set.
            if (low.compare(at, 7, "tokeniz") != 0) return true;
        }
    }
    return false;
}

}  // namespace act::cluster

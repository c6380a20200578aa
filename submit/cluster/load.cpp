#include <algorithm>

#include "engine/core/text.hpp"
#include "engine/file/file.hpp"
#include "submit/cluster/cluster.hpp"
#include "submit/cluster/find.hpp"
#include "submit/cluster/keys.hpp"
#include "submit/cluster/suggest.hpp"
#include "submit/cluster/yaml.hpp"

namespace act::cluster {
namespace {

const std::vector<std::string> platforms = {"aml", "batch", "itp", "local", "singularity", "slurm"};
const std::vector<std::string> modes = {"download", "link", "mount", "upload"};

std::string trim_slashes(std::string path) {
    while (!path.empty() && path.back() == '/') path.pop_back();
    while (path.starts_with("./")) path.erase(0, 2);
    while (!path.empty() && path.front() == '/') path.erase(0, 1);
    return path == "." ? std::string() : path;
}

std::string origin_of(const yaml::node& n) {
    return "file " + (n.file ? *n.file : std::string()) + ":" + std::to_string(n.line);
}

/// ACT's users write extra zip arguments as a list, or as one line for the shell.
std::vector<std::string> split_words(const std::string& line) {
    std::vector<std::string> out;
    std::string word;
    bool any = false;
    char quote = 0;
    for (char c : line) {
        if (quote) {
            if (c == quote)
                quote = 0;
            else
                word += c;
        } else if (c == '\'' || c == '"') {
            quote = c, any = true;
        } else if (c == ' ' || c == '\t' || c == '\n') {
            if (any) out.push_back(std::move(word));
            word.clear(), any = false;
        } else {
            word += c, any = true;
        }
    }
    if (any) out.push_back(std::move(word));
    return out;
}

/// Fills a config from the merged file, each key once: reads it, checks its type, notes where it came from.
class builder {
public:
    builder(config& c, const yaml::node& root) : config_(c), root_(root) {}

    result<void> build() {
        ACT_TRY_VOID(scalars());
        ACT_TRY_VOID(environment());
        ACT_TRY_VOID(zip_options());
        ACT_TRY_VOID(entries());
        rest();
        dropped();
        return {};
    }

private:
    const yaml::node* present(std::string_view key) const {
        const yaml::node* n = root_.find(key);
        return n && !n->is_null() ? n : nullptr;
    }
    void note(std::string name, std::string value, std::string origin, bool hidden = false) {
        if (hidden) value = "***";
        config_.settings.push_back({std::move(name), std::move(value), std::move(origin), hidden});
    }
    result<void> take(const char* key, std::string& into) {
        const auto* n = present(key);
        if (n) {
            ACT_TRY(into, yaml::text(*n, key));
        }
        note(key, into, n ? origin_of(*n) : "default");
        return {};
    }
    result<void> take(const char* key, bool& into) {
        const auto* n = present(key);
        if (n) {
            ACT_TRY(into, yaml::boolean(*n, key));
        }
        note(key, into ? "true" : "false", n ? origin_of(*n) : "default");
        return {};
    }
    result<void> take(const char* key, std::optional<int>& into) {
        const auto* n = present(key);
        if (!n) return {};
        ACT_TRY(into, yaml::integer(*n, key));
        note(key, std::to_string(*into), origin_of(*n));
        return {};
    }

    result<void> scalars() {
        std::optional<int> per_node;
        ACT_TRY_VOID(platform());
        ACT_TRY_VOID(take("experiment_name", config_.experiment_name));
        ACT_TRY_VOID(take("interpreter_path", config_.interpreter_path));
        ACT_TRY_VOID(take("gpu_per_node", per_node));
        if (per_node)
            config_.gpu_per_node = *per_node;
        else
            note("gpu_per_node", std::to_string(config_.gpu_per_node), "default");
        ACT_TRY_VOID(take("num_gpu", config_.num_gpu));
        ACT_TRY_VOID(take("multi_process", config_.multi_process));
        ACT_TRY_VOID(take("process_count_per_node", config_.process_count_per_node));
        ACT_TRY_VOID(take("sleep_if_fail", config_.sleep_if_fail));
        ACT_TRY_VOID(take("sleep_if_succeed", config_.sleep_if_succeed));
        // Its place is looked for when a job is submitted.
        if (const auto* n = present("std_out_err_path_prefix"))
            ACT_TRY_VOID(yaml::text(*n, "std_out_err_path_prefix"));
        if (const auto* n = present("data_cache")) ACT_TRY_VOID(yaml::text(*n, "data_cache"));
        return take("compile_args", config_.compile_args);
    }

    result<void> platform() {
        if (!present("platform") && present("aks_compute")) {
            const auto& n = *present("aks_compute");
            ACT_TRY(bool kubernetes, yaml::boolean(n, "aks_compute"));
            if (kubernetes) config_.platform = "itp";
            note("platform", config_.platform, kubernetes ? origin_of(n) : "default");
            return {};
        }
        ACT_TRY_VOID(take("platform", config_.platform));
        if (std::find(platforms.begin(), platforms.end(), config_.platform) != platforms.end()) return {};
        std::string near = nearest(config_.platform, platforms);
        return error(kind::configuration,
                     present("platform")->where() + ": unknown platform '" + config_.platform +
                         "'; known: " + join(platforms, ", "),
                     near.empty() ? "" : "did you mean '" + near + "'?");
    }

    result<void> environment() {
        const auto* n = present("env");
        if (!n) return {};
        if (n->kind != yaml::node::type::map)
            return yaml::wrong_type(*n, "env", "a mapping of names to values");
        for (const auto& [key, value, line, column] : n->fields) {
            if (value.is_null()) continue;
            ACT_TRY(std::string text, yaml::text(value, "env." + key));
            if (key.empty() || key.find('=') != std::string::npos) {
                return error(kind::configuration, value.where() + ": '" + key + "' cannot name a variable");
            }
            note("env." + key, text, origin_of(value), names_secret(key));
            config_.env[key] = std::move(text);
        }
        return {};
    }

    result<void> zip_options() {
        const auto* n = present("zip_options");
        if (!n) return {};
        config_.zip_options_given = true;
        if (n->kind == yaml::node::type::scalar)
            config_.zip_options = split_words(n->text);
        else if (n->kind != yaml::node::type::list)
            return yaml::wrong_type(*n, "zip_options", "a list of zip's arguments");
        for (const auto& item : n->items) {
            ACT_TRY(std::string word, yaml::text(item, "an item of zip_options"));
            config_.zip_options.push_back(std::move(word));
        }
        std::string all;
        for (const auto& w : config_.zip_options) all += (all.empty() ? "" : " ") + w;
        note("zip_options", all, origin_of(*n));
        return {};
    }

    result<void> entries() {
        const auto* n = present("config_param");
        if (!n) {
            if (config_.platform == "local" || config_.platform == "slurm") return {};
            return error(
                kind::configuration, config_.file + ": the key 'config_param' is missing",
                "it maps folders to blob storage: config_param: {data_folder: {azure_blob_config_file: "
                "aux_data/configs/NAME.yaml, path: PATH}}");
        }
        if (n->kind != yaml::node::type::map) return yaml::wrong_type(*n, "config_param", "a mapping");
        for (const auto& [key, value, line, column] : n->fields) {
            if (key == "code_path" || (key.ends_with("_folder") && key.size() > 7)) {
                ACT_TRY_VOID(entry(key, value));
            } else {
                config_.warnings.push_back(value.where() + ": config_param." + key +
                                           " has no effect: names end in '_folder', or are 'code_path'");
            }
        }
        return {};
    }

    result<void> entry(const std::string& key, const yaml::node& value) {
        std::string name = "config_param." + key;
        mapping m;
        m.key = key;
        if (key != "code_path") m.folder = key.substr(0, key.size() - 7);
        const yaml::node* account = present("azure_blob_config_file");
        const yaml::node* path = &value;
        if (value.kind == yaml::node::type::map) {
            report_unknown(value, section::entry, name, config_.warnings);
            auto in = [&](std::string_view k) {
                const yaml::node* f = value.find(k);
                return f && !f->is_null() ? f : nullptr;
            };
            if (in("azure_blob_config_file")) account = in("azure_blob_config_file");
            path = in("path");
            if (!path)
                return error(kind::configuration, value.where() + ": " + name + " lacks the key 'path'",
                             "it is the path inside the container, without the container's name");
            if (const auto* f = in("storage_type")) {
                ACT_TRY(m.storage_type, yaml::text(*f, name + ".storage_type"));
                if (m.storage_type != "blob" && m.storage_type != "file") {
                    return yaml::wrong_type(*f, name + ".storage_type", "'blob' or 'file'");
                }
            }
            if (const auto* f = in("mode")) {
                ACT_TRY(m.mode, yaml::text(*f, name + ".mode"));
                if (std::find(modes.begin(), modes.end(), m.mode) == modes.end()) {
                    return yaml::wrong_type(*f, name + ".mode", "one of " + join(modes, ", "));
                }
            }
            for (const char* extra :
                 {"datastore_name", "file_share", "blob_cache_timeout", "submit_with_url"}) {
                if (const auto* f = in(extra)) {
                    ACT_TRY(config_.other[name + "." + extra], yaml::text(*f, name + "." + extra));
                }
            }
        } else if (value.kind != yaml::node::type::scalar) {
            return yaml::wrong_type(value, name, "a path or a mapping");
        }
        if (!account) {
            return error(kind::configuration,
                         value.where() + ": " + name + " lacks the key 'azure_blob_config_file'",
                         "name the account's file there, or once for all at the top of the file");
        }
        ACT_TRY(m.account_file, yaml::text(*account, "azure_blob_config_file"));
        ACT_TRY(m.path, yaml::text(*path, name + ".path"));
        m.path = trim_slashes(m.path);
        note(name, m.path + " in " + m.account_file + (m.mode.empty() ? "" : " (" + m.mode + ")"),
             origin_of(value));
        config_.mappings.push_back(std::move(m));
        return {};
    }

    /// What only a back end reads, flattened.
    void rest() {
        static const std::vector<std::string> taken = {"platform",
                                                       "aks_compute",
                                                       "experiment_name",
                                                       "interpreter_path",
                                                       "gpu_per_node",
                                                       "num_gpu",
                                                       "env",
                                                       "multi_process",
                                                       "process_count_per_node",
                                                       "sleep_if_fail",
                                                       "sleep_if_succeed",
                                                       "compile_args",
                                                       "zip_options",
                                                       "config_param"};
        report_unknown(root_, section::cluster, "", config_.warnings);
        const auto& known = known_keys(section::cluster);
        for (const auto& [key, value, line, column] : root_.fields) {
            if (value.is_null() || std::find(taken.begin(), taken.end(), key) != taken.end()) continue;
            if (std::find(known.begin(), known.end(), key) == known.end()) continue;
            if (key == "docker") report_unknown(value, section::docker, key, config_.warnings);
            if (key == "local") report_unknown(value, section::local, key, config_.warnings);
            if (key == "node_check") report_unknown(value, section::node_check, key, config_.warnings);
            if (key == "prices") report_unknown(value, section::prices, key, config_.warnings);
            if (key == "slurm") report_unknown(value, section::slurm, key, config_.warnings);
            flatten(key, value);
        }
    }
    void flatten(const std::string& name, const yaml::node& value) {
        if (value.kind == yaml::node::type::scalar) {
            config_.other[name] = value.text;
            note(name, value.text, origin_of(value), names_secret(name.substr(name.rfind('.') + 1)));
        }
        for (std::size_t i = 0; i < value.items.size(); ++i)
            flatten(name + "." + std::to_string(i), value.items[i]);
        for (const auto& f : value.fields) flatten(name + "." + f.key, f.value);
    }

    /// Keys that ACT acted on and act does not. Those that had no effect in ACT either are passed over.
    void dropped() {
        auto on = [&](const char* key, bool value) {
            const auto* n = present(key);
            auto is = n ? yaml::boolean(*n, key) : result<bool>(!value);
            return is && *is == value;
        };
        auto say = [&](const char* key, const char* text) {
            config_.warnings.push_back(root_.find(key)->where() + ": " + key + " " + text);
        };
        if (on("use_custom_docker", false))
            say("use_custom_docker", "is always true: the estimator path is gone");
        if (on("is_ssh_scheduler", true))
            say("is_ssh_scheduler", "has no effect; `platform: slurm` is what comes nearest");
        if (present("entry_script"))
            say("entry_script", "has no effect: act itself starts the command on the node");
    }

    config& config_;
    const yaml::node& root_;
};

config builtin(const found& f) {
    config c;
    c.name = "local";
    c.root = f.root;
    c.platform = "local";
    c.builtin_local = true;
    c.mappings.push_back({.key = "code_path", .folder = "", .account_file = "", .path = ".act/code"});
    c.mappings.push_back({.key = "*_folder", .folder = "*", .account_file = "", .path = ""});
    c.settings = {{"platform", c.platform, "default"},
                  {"interpreter_path", c.interpreter_path, "default"},
                  {"config_param.*_folder", "every first component, in the embedded store", "default"}};
    return c;
}

}  // namespace

result<config> load(const load_options& options) {
    ACT_TRY(found at, find_cluster(options));
    config c;
    if (at.file.empty()) {
        c = builtin(at);
    } else {
        c.name = at.name;
        c.file = at.file;
        c.root = at.root;
        auto doc = yaml::load(at.file);
        if (!doc) return error(doc.error()).in("cluster " + at.name);
        c.files = doc->files;
        c.warnings = std::move(doc->warnings);
        ACT_TRY_VOID(builder(c, doc->root).build());
    }
    std::vector<setting> head = {{"cluster", c.name, at.origin},
                                 {"file", c.file.empty() ? "(built in)" : c.file, at.origin},
                                 {"root", c.root, "found from the working directory"}};
    c.settings.insert(c.settings.begin(), head.begin(), head.end());
    return c;
}

std::vector<std::string> data_folders(const config& c) {
    if (c.builtin_local) return {"data", "models", "output"};
    std::vector<std::string> out;
    for (const auto& m : c.mappings) {
        if (!m.folder.empty()) out.push_back(m.folder);
    }
    return out;
}

const mapping* code_path(const config& c) {
    for (const auto& m : c.mappings) {
        if (m.key == "code_path") return &m;
    }
    return nullptr;
}

}  // namespace act::cluster

#include "submit/backend/environment.hpp"

#include <algorithm>
#include <charconv>

#include "engine/core/units.hpp"
#include "engine/file/file.hpp"

namespace act::backend {
namespace {

/// "my-data" is MY_DATA.
std::string id_of_folder(const std::string& name) {
    std::string id = name;
    for (char& c : id) {
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
        bool plain = (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!plain) c = '_';
    }
    return id;
}

/// An output folder of one run.
struct output {
    std::string name;  ///< the X of X_folder
    std::string path;
    std::string url;  ///< where it will be in the store; may be empty
};

bool is_output(const cluster::mapping& m) { return m.mode == "upload" && !m.folder.empty(); }

constexpr const char* logs_key = "std_out_err_path_prefix";

/// Where the logs of the run go; nothing where the cluster file does not say. Its path is one of the project,
/// also in the form that Batch AI's users had: below the root of what is mounted, which is the code root
/// here.
result<std::optional<cluster::location>> place_of_logs(const cluster::config& c, const std::string& run) {
    auto given = c.other.find(logs_key);
    if (given == c.other.end() || given->second.empty()) return std::optional<cluster::location>();
    std::string path = given->second + "/" + run;
    for (const char* root :
         {"$AZ_BATCHAI_MOUNT_ROOT/", "${AZ_BATCHAI_MOUNT_ROOT}/", "$AZ_BATCHAI_JOB_MOUNT_ROOT/",
          "${AZ_BATCHAI_JOB_MOUNT_ROOT}/", "$ACT_MOUNT_ROOT/", "${ACT_MOUNT_ROOT}/"}) {
        if (path.starts_with(root)) path.erase(0, std::string_view(root).size());
    }
    auto at = cluster::locate(c, path, c.root);
    if (at) return std::optional(std::move(*at));
    return error(kind::configuration,
                 c.file + ": " + logs_key + " is '" + given->second + "': " + at.error().message(),
                 "give a path below a mapped folder, as output/logs is where output_folder is mapped");
}

result<delivery> delivery_to(const services& with, const cluster::location& to, const std::string& from) {
    if (with.data) return with.data->deliver(to, from);
    return error(kind::unsupported, "nothing brings what a run makes to " + to.relative + " in the store",
                 "take `mode: upload` and std_out_err_path_prefix out of the cluster file");
}

bool below(const std::string& path, const std::string& folder) { return path.starts_with(folder + "/"); }

result<output> make_output(const cluster::mapping& m, std::string path, agent::spec& s) {
    output o{.name = m.folder, .path = std::move(path), .url = {}};
    ACT_TRY_VOID(file::make_directories(o.path));
    // It takes the place of the folder of that name that all runs would share.
    std::erase_if(s.links, [&](const agent::link& l) { return l.name == o.name; });
    s.links.push_back({o.name, o.path});
    return o;
}

result<std::vector<output>> make_outputs(const cluster::config& c, const services& with,
                                         const runs::record& r, agent::spec& s) {
    std::vector<output> out;
    for (const auto& m : c.mappings) {
        if (!is_output(m)) continue;
        ACT_TRY(output o, make_output(m, r.folder + "/" + outputs_folder + "/" + m.folder, s));
        ACT_TRY(const auto to, cluster::locate(c, m.folder + "/" + r.id, c.root));
        ACT_TRY(delivery d, delivery_to(with, to, o.path));
        o.url = d.url;
        s.deliveries.push_back({o.path, std::move(d.command)});
        out.push_back(std::move(o));
    }
    return out;
}

/// After the outputs, so that at the end the logs tell of them, too.
result<void> send_logs(const cluster::config& c, const services& with, const runs::record& r,
                       agent::spec& s) {
    ACT_TRY(const auto to, place_of_logs(c, r.id));
    if (!to) return {};
    // Beforehand, as outputs: while it is there, the logs are not in the store.
    const std::string copy = r.folder + "/" + logs_copy;
    ACT_TRY_VOID(file::make_directories(copy));
    ACT_TRY(delivery d, delivery_to(with, *to, copy));
    s.deliveries.push_back({s.logs, std::move(d.command), copy});
    return {};
}

std::map<std::string, std::string> environment_of(const cluster::config& c, const runs::record& r,
                                                  const agent::spec& s, const std::vector<output>& outputs) {
    const std::string code = s.work + "/code", temporary = s.work + "/tmp";
    std::map<std::string, std::string> out = {
        {"ACT_CLUSTER", c.name},
        {"ACT_RUN_NAME", r.name},
        {"ACT_NODES", std::to_string(r.nodes)},
        {"ACT_MOUNT_ROOT", code},
        {"AZ_BATCHAI_MOUNT_ROOT", code},
        {"AZ_BATCHAI_JOB_MOUNT_ROOT", code},
        {"AZ_BATCHAI_STDOUTERR_DIR", s.logs},
        {"AZ_BATCHAI_JOB_TEMP", temporary},
        {"AZ_BATCHAI_JOB_TEMP_DIR", temporary},
        {"AZ_BATCHAI_SHARED_JOB_TEMP", temporary},
        {"AZ_BATCHAI_NUM_GPUS", std::to_string(r.gpus / std::max(1, r.nodes))},
    };
    auto put = [&](const char* what, const std::string& name, const std::string& path) {
        const std::string id = what + id_of_folder(name);
        out["ACT_" + id] = path;
        out["AZ_BATCHAI_" + id] = path;
    };
    for (const auto& o : outputs) {
        put("OUTPUT_", o.name, o.path);
        if (!o.url.empty()) out["ACT_OUTPUT_" + id_of_folder(o.name) + "_URL"] = o.url;
    }
    for (const auto& link : s.links) {
        bool output_too =
            std::any_of(outputs.begin(), outputs.end(), [&](const output& o) { return o.name == link.name; });
        if (output_too) continue;
        put("INPUT_", link.name, link.target);
        // What is written into a folder of the project stays there.
        if (below(link.target, c.root)) put("OUTPUT_", link.name, link.target);
    }
    return out;
}

/// Of the cluster file's `node_check:`.
result<agent::node_check> node_check_of(const cluster::config& c, const runs::record& r) {
    agent::node_check out;
    auto given = [&](const char* key) {
        auto found = c.other.find(key);
        return found == c.other.end() ? std::string() : found->second;
    };
    auto wrong = [](const std::string& key, const std::string& text, const char* advice) {
        return error(kind::configuration, key + " cannot be '" + text + "'", advice);
    };
    if (const auto all = given("node_check"); !all.empty())
        return wrong("node_check", all, "say what to look at: node_check: {disk: 20G, gpus: true}");
    if (const auto disk = given("node_check.disk"); !disk.empty()) {
        const auto bytes = parse_size(disk);
        if (!bytes) return wrong("node_check.disk", disk, "give the size that has to be free, such as 20G");
        out.disk = *bytes;
    }
    const auto gpus = given("node_check.gpus");
    if (!gpus.empty() && gpus != "true" && gpus != "false")
        return wrong("node_check.gpus", gpus, "give true or false");
    if (gpus == "true") out.gpus = r.gpus / std::max(1, r.nodes);
    return out;
}

/// Of what the cluster file says of its platform: `local: {upload_seconds: 5}`.
result<int> delivery_seconds(const cluster::config& c) {
    const std::string key = c.platform + ".upload_seconds";
    const auto given = c.other.find(key);
    if (given == c.other.end() || given->second.empty()) return agent::spec().delivery_seconds;
    const std::string& text = given->second;
    int seconds = 0;
    auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (problem == std::errc() && end == text.data() + text.size() && seconds > 0) return seconds;
    return error(kind::configuration, key + " cannot be '" + text + "'",
                 "give the seconds from one upload of outputs to the next");
}

/// The cluster file's `gpu_monitor: 5m`; nothing to watch where no GPU was asked for.
result<int> gpu_monitor_seconds(const cluster::config& c, const runs::record& r) {
    constexpr double usual = 300, most = 86400;
    const auto given = c.other.find("gpu_monitor");
    const std::string text = given == c.other.end() ? std::string() : given->second;
    const auto asked = text.empty() ? usual : text == "false" || text == "off" ? 0.0 : parse_duration(text);
    if (!asked || *asked > most || (*asked > 0 && *asked < 1))
        return error(kind::configuration, "gpu_monitor cannot be '" + text + "'",
                     "give the time between two looks at the GPUs, such as 5m, or 0 for none");
    return r.gpus > 0 ? static_cast<int>(*asked) : 0;
}

/// All is set but this, which looks at it.
result<void> set_environment(const cluster::config& c, const runs::record& r,
                             const std::map<std::string, std::string>& given,
                             const std::vector<output>& outputs, agent::spec& s) {
    ACT_TRY_VOID(file::make_directories(s.work + "/tmp"));
    s.env = environment_of(c, r, s, outputs);
    for (const auto& [key, value] : c.env) s.env[key] = value;
    for (const auto& [key, value] : given) s.env[key] = value;
    return {};
}

}  // namespace

agent::spec spec_of(const cluster::config& c, const job& j, const runs::record& r,
                    std::vector<agent::link> links) {
    agent::spec s;
    s.run = r.id;
    s.archive = j.archive;
    s.hash = j.code;
    s.work = r.folder;
    s.logs = r.logs;
    s.links = std::move(links);
    s.command = j.command;
    s.compile_args = c.compile_args;
    s.interpreter_path = c.interpreter_path;
    return s;
}

result<void> furnish(const cluster::config& c, const services& with, const runs::record& r,
                     const std::map<std::string, std::string>& given, agent::spec& s) {
    s.project = c.root;
    ACT_TRY(s.check, node_check_of(c, r));
    ACT_TRY(s.gpu_monitor_seconds, gpu_monitor_seconds(c, r));
    ACT_TRY(const auto outputs, make_outputs(c, with, r, s));
    ACT_TRY_VOID(send_logs(c, with, r, s));
    ACT_TRY(s.delivery_seconds, delivery_seconds(c));
    return set_environment(c, r, given, outputs, s);
}

result<void> furnish_here(const cluster::config& c, const runs::record& r,
                          const std::map<std::string, std::string>& given, agent::spec& s) {
    s.project = c.root;
    std::vector<output> outputs;
    for (const auto& m : c.mappings) {
        if (!is_output(m)) continue;
        ACT_TRY(output o, make_output(m, c.root + "/" + m.folder + "/" + r.id, s));
        s.outputs.push_back(o.path);
        outputs.push_back(std::move(o));
    }
    return set_environment(c, r, given, outputs, s);
}

result<std::string> logs_in_store(const cluster::config& c) {
    ACT_TRY(const auto to, place_of_logs(c, ""));
    return to ? to->relative : std::string();
}

result<void> check_deliveries(const cluster::config& c, const services& with,
                              const std::map<std::string, std::string>& carried) {
    using method = cluster::account::method;
    auto check = [&](const cluster::mapping& m, const std::string& what,
                     const std::string& otherwise) -> result<void> {
        ACT_TRY(const cluster::account here, cluster::load_account(c, m.account_file, with.environment));
        auto there = cluster::load_account(c, m.account_file, carried);
        const bool by_variables = here.auth == method::sp || here.auth == method::workload;
        if (there && !by_variables) return {};
        return error(kind::configuration,
                     "the job could not bring " + what +
                         " to the store: variables that hold credentials do not reach it, and " +
                         (by_variables ? here.source + " has auth: sp or workload, which needs them"
                                       : there.error().message()),
                     "give the account a key or SAS by file:PATH, or auth: cli; or " + otherwise);
    };
    for (const auto& m : c.mappings) {
        if (!is_output(m)) continue;
        ACT_TRY_VOID(check(m, m.folder, "give " + m.key + " another mode than upload"));
    }
    ACT_TRY(const auto logs, place_of_logs(c, ""));
    if (!logs) return {};
    return check(*logs->map, "its logs", std::string("take ") + logs_key + " out of the cluster file");
}

}  // namespace act::backend

#include "submit/backend/environment.hpp"

#include <algorithm>

namespace act::backend {
namespace {

bool below(const std::string& path, const std::string& folder) { return path.starts_with(folder + "/"); }

}  // namespace

std::string id_of_folder(const std::string& name) {
    std::string id = name;
    for (char& c : id) {
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
        bool plain = (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!plain) c = '_';
    }
    return id;
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
        bool is_output =
            std::any_of(outputs.begin(), outputs.end(), [&](const output& o) { return o.name == link.name; });
        if (is_output) continue;
        put("INPUT_", link.name, link.target);
        // What is written into a folder of the project stays there.
        if (below(link.target, c.root)) put("OUTPUT_", link.name, link.target);
    }
    return out;
}

}  // namespace act::backend

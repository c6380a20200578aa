#include "submit/runs/runs.hpp"

namespace act::runs {
namespace {

result<std::string> folder_of(const std::map<std::string, std::string>& environment,
                              const std::string& variable, const std::string& below_home) {
    // The XDG specification: a relative path there counts as not set.
    if (auto v = environment.find(variable); v != environment.end() && v->second.starts_with('/')) {
        return v->second + "/act";
    }
    if (auto v = environment.find("HOME"); v != environment.end() && v->second.starts_with('/')) {
        return v->second + below_home;
    }
    return error(kind::configuration, "neither " + variable + " nor HOME is set to an absolute path",
                 "set " + variable + " to a folder that you may write into");
}

}  // namespace

result<std::string> state_folder(const std::map<std::string, std::string>& environment) {
    return folder_of(environment, "XDG_STATE_HOME", "/.local/state/act");
}

result<std::string> cache_folder(const std::map<std::string, std::string>& environment) {
    return folder_of(environment, "XDG_CACHE_HOME", "/.cache/act");
}

result<std::string> data_folder(const std::map<std::string, std::string>& environment) {
    return folder_of(environment, "XDG_DATA_HOME", "/.local/share/act");
}

}  // namespace act::runs

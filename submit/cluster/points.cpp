#include "submit/cluster/points.hpp"

#include "submit/cluster/yaml.hpp"

namespace act::cluster {

result<std::vector<std::vector<std::pair<std::string, std::string>>>> load_points(const std::string& path) {
    ACT_TRY(yaml::node root, yaml::load_list(path));
    std::vector<std::vector<std::pair<std::string, std::string>>> out;
    for (const auto& item : root.items) {
        if (item.kind != yaml::node::type::map)
            return yaml::wrong_type(item, "an item of the list", "a mapping, such as {lr: 0.1}");
        out.emplace_back();
        for (const auto& f : item.fields) {
            ACT_TRY(std::string value, yaml::text(f.value, f.key));
            out.back().emplace_back(f.key, std::move(value));
        }
    }
    return out;
}

}  // namespace act::cluster

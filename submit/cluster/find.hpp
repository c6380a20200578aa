#pragma once

#include <string>

#include "submit/cluster/cluster.hpp"

/// Which cluster file is meant, and where the project's root is. Private to this folder.
namespace act::cluster {

struct found {
    std::string file;  ///< empty: the built-in cluster
    std::string root;
    std::string name;
    std::string origin;  ///< of the choice: "flag -c", "environment AML_CONFIG_PATH", "default"
};

result<found> find_cluster(const load_options&);

/// `path` made absolute from `base`, without "." and "..", and without a trailing slash (but for "/").
std::string absolute_from(const std::string& path, const std::string& base);

}  // namespace act::cluster

#pragma once

#include <string>
#include <vector>

#include "engine/core/result.hpp"

namespace act::cluster {

/// A project's own class of failures.
struct error_rule {
    std::string name, pattern;
    bool retriable = false;
};

/// ROOT/aux_data/error_classes.yaml: names of classes, each with a `pattern` (or a list of them) as for grep
/// -E and, where another try may help, `retriable: true`. Nothing where there is no such file.
result<std::vector<error_rule>> load_error_rules(const std::string& root);

}  // namespace act::cluster

#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/core/result.hpp"

/// YAML files as plain data: no objects, no surprises in size. Private to this folder.
namespace act::cluster::yaml {

struct field;

struct node {
    enum class type { null, scalar, list, map };
    node::type kind = type::null;
    std::string text;  ///< of a scalar, as written
    std::vector<node> items;
    std::vector<field> fields;  ///< in the file's order, each key once
    std::shared_ptr<const std::string> file;
    int line = 0, column = 0;  ///< from 1

    bool is_null() const { return kind == type::null; }
    const node* find(std::string_view key) const;
    field& field_or_new(const std::string& key);
    /// "FILE:LINE:COLUMN", for messages.
    std::string where() const;
};

struct field {
    std::string key;
    node value;
    int line = 0, column = 0;  ///< of the key

    std::string where() const;
};

struct document {
    node root;                       ///< a map
    std::vector<std::string> files;  ///< the file itself, then its bases
    std::vector<std::string> warnings;
};

/// Reads a file and what it is based on: `_base_` names another file relative to its own (chains allowed,
/// circles refused), whose leaves the file's own leaves override; lists replace whole. Keys with `$` are
/// nested paths, `<<` merges. Errors are kind::configuration with file, line and column, kind::not_found for
/// a missing file.
result<document> load(const std::string& path);

/// The same of one text alone, without its bases; messages name it `name`.
result<document> parse(const std::string& text, const std::string& name);

/// Reads a file that is a list; it has no `_base_`.
result<node> load_list(const std::string& path);

/// A value of the wrong type: "FILE:3:5: KEY must be a whole number, not "four"".
error wrong_type(const node&, std::string_view key, std::string_view wanted);
result<std::string> text(const node&, std::string_view key);
/// Also the numbers and words that YAML 1.1 (Python's loader) takes.
result<bool> boolean(const node&, std::string_view key);
result<int> integer(const node&, std::string_view key);

}  // namespace act::cluster::yaml

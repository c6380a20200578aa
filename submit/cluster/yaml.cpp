#include "submit/cluster/yaml.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>

#include <yaml-cpp/yaml.h>

#include "engine/core/units.hpp"
#include "engine/file/file.hpp"

namespace act::cluster::yaml {
namespace {

// Bounds for what is always a page or two; aliases of aliases can make a small file huge when expanded.
constexpr std::size_t max_file = MiB;
constexpr unsigned max_nodes = 20000;
constexpr unsigned max_depth = 40;
constexpr unsigned max_bases = 20;

struct problem {
    std::string text;
};

class converter {
public:
    converter(std::shared_ptr<const std::string> file, std::vector<std::string>& warnings)
        : file_(std::move(file)), warnings_(warnings) {}

    node convert(const YAML::Node& from, unsigned depth) {
        node out;
        out.file = file_;
        out.line = from.Mark().line + 1;
        out.column = from.Mark().column + 1;
        if (++nodes_ > max_nodes || depth > max_depth)
            throw problem{out.where() + ": too deeply nested or too large"};
        check_tag(from, out);
        if (from.IsScalar()) {
            out.kind = node::type::scalar;
            out.text = from.Scalar();
        } else if (from.IsSequence()) {
            out.kind = node::type::list;
            for (const auto& item : from) out.items.push_back(convert(item, depth + 1));
        } else if (from.IsMap()) {
            out.kind = node::type::map;
            convert_map(from, out, depth);
        }
        return out;
    }

private:
    void check_tag(const YAML::Node& from, const node& at) {
        const std::string& tag = from.Tag();
        if (tag.empty() || tag == "?" || tag == "!") return;
        static constexpr std::string_view standard = "tag:yaml.org,2002:";
        if (tag.starts_with(standard)) {
            static constexpr std::string_view plain[] = {"str", "int", "float", "bool", "null", "map", "seq"};
            std::string name = tag.substr(standard.size());
            if (std::find(std::begin(plain), std::end(plain), name) != std::end(plain)) return;
        }
        throw problem{at.where() + ": the tag '" + tag + "' asks for an object; only plain data is read"};
    }

    void convert_map(const YAML::Node& from, node& out, unsigned depth) {
        std::vector<node> merged;
        for (const auto& pair : from) {
            if (!pair.first.IsScalar()) throw problem{out.where() + ": a key here is not plain text"};
            const std::string& key = pair.first.Scalar();
            node value = convert(pair.second, depth + 1);
            if (key == "<<") {
                if (value.kind == node::type::list) {
                    for (auto& v : value.items) merged.push_back(std::move(v));
                } else {
                    merged.push_back(std::move(value));
                }
                continue;
            }
            put(out, key, std::move(value), pair.first.Mark());
        }
        for (auto& m : merged) {
            if (m.kind != node::type::map) throw problem{m.where() + ": '<<' merges mappings only"};
            for (auto& f : m.fields) {
                if (!out.find(f.key)) out.fields.push_back(std::move(f));
            }
        }
    }

    // "a$b$c: 1" is "a: {b: {c: 1}}".
    void put(node& out, const std::string& key, node value, YAML::Mark mark) {
        node* at = &out;
        std::size_t from = 0;
        for (std::size_t cut; (cut = key.find('$', from)) != std::string::npos; from = cut + 1) {
            field& step = at->field_or_new(key.substr(from, cut - from));
            if (step.line == 0) step.line = mark.line + 1, step.column = mark.column + 1;
            node& next = step.value;
            if (next.kind != node::type::map) {
                next = node{};
                next.kind = node::type::map;
                next.file = value.file, next.line = value.line, next.column = value.column;
            }
            at = &next;
        }
        std::string last = key.substr(from);
        if (at->find(last))
            warnings_.push_back(value.where() + ": '" + key + "' stands twice; the later one counts");
        field& f = at->field_or_new(last);
        f.value = std::move(value);
        f.line = mark.line + 1, f.column = mark.column + 1;
    }

    std::shared_ptr<const std::string> file_;
    std::vector<std::string>& warnings_;
    unsigned nodes_ = 0;
};

void merge_over(node& base, node&& child) {
    if (base.kind != node::type::map || child.kind != node::type::map) {
        base = std::move(child);
        return;
    }
    for (auto& own : child.fields) {
        field& f = base.field_or_new(own.key);
        f.line = own.line, f.column = own.column;
        merge_over(f.value, std::move(own.value));
    }
}

// yaml-cpp's reasons begin with "yaml-cpp: error at line 3, column 5: "; ours begin with the file.
error syntax_error(const std::string& path, const YAML::Exception& e) {
    std::string where = path;
    if (!e.mark.is_null())
        where += ":" + std::to_string(e.mark.line + 1) + ":" + std::to_string(e.mark.column + 1);
    return error(kind::configuration, where + ": not valid YAML: " + e.msg,
                 "check the indentation, quotes and colons of that line and the one before");
}

result<node> parse_text(const std::string& content, const std::string& path,
                        std::vector<std::string>& warnings, node::type wanted) {
    auto name = std::make_shared<const std::string>(path);
    try {
        YAML::Node parsed = YAML::Load(content);
        node root = converter(name, warnings).convert(parsed, 0);
        if (root.is_null()) root.kind = wanted, root.file = name, root.line = root.column = 1;
        if (root.kind != wanted) {
            return error(kind::configuration, path + ": must hold " +
                                                  (wanted == node::type::map ? "`key: value` lines"
                                                                             : "a list of `- {key: value}`"));
        }
        return root;
    } catch (const YAML::Exception& e) {
        return syntax_error(path, e);
    } catch (const problem& p) {
        return error(kind::configuration, p.text);
    }
}

result<node> parse(const std::string& path, std::vector<std::string>& warnings, node::type wanted) {
    ACT_TRY(std::string content, file::read_all(path, max_file));
    return parse_text(content, path, warnings, wanted);
}

result<void> load_into(document& doc, const std::string& path) {
    std::error_code ignored;
    std::string real = std::filesystem::weakly_canonical(path, ignored).string();
    for (const auto& seen : doc.files) {
        if (std::filesystem::weakly_canonical(seen, ignored).string() == real) {
            std::string circle;
            for (const auto& f : doc.files) circle += f + " -> ";
            return error(kind::configuration, "`_base_` goes round in a circle: " + circle + path);
        }
    }
    if (doc.files.size() >= max_bases) {
        return error(kind::configuration,
                     path + ": more than " + std::to_string(max_bases) + " files in a chain of `_base_`");
    }
    doc.files.push_back(path);
    ACT_TRY(node own, parse(path, doc.warnings, node::type::map));
    auto base = std::find_if(own.fields.begin(), own.fields.end(), [](auto& f) { return f.key == "_base_"; });
    if (base == own.fields.end() || base->value.is_null()) {
        if (base != own.fields.end()) own.fields.erase(base);
        doc.root = std::move(own);
        return {};
    }
    ACT_TRY(std::string name, text(base->value, "_base_"));
    std::string at = base->value.where();
    own.fields.erase(base);
    std::string base_path = (std::filesystem::path(path).parent_path() / name).lexically_normal().string();
    if (auto loaded = load_into(doc, base_path); !loaded) {
        if (loaded.error().kind() != kind::not_found) return loaded.error();
        return error(kind::configuration, at + ": the `_base_` file " + base_path + " does not exist",
                     "the name counts from the folder of the file that names it");
    }
    merge_over(doc.root, std::move(own));
    return {};
}

}  // namespace

const node* node::find(std::string_view key) const {
    for (const auto& f : fields) {
        if (f.key == key) return &f.value;
    }
    return nullptr;
}

field& node::field_or_new(const std::string& key) {
    for (auto& f : fields) {
        if (f.key == key) return f;
    }
    fields.push_back({key, node{}});
    return fields.back();
}

std::string field::where() const {
    return (value.file ? *value.file : std::string("?")) + ":" + std::to_string(line) + ":" +
           std::to_string(column);
}

std::string node::where() const {
    return (file ? *file : std::string("?")) + ":" + std::to_string(line) + ":" + std::to_string(column);
}

result<document> load(const std::string& path) {
    document doc;
    ACT_TRY_VOID(load_into(doc, path));
    return doc;
}

result<document> parse(const std::string& text, const std::string& name) {
    document doc;
    ACT_TRY(doc.root, parse_text(text, name, doc.warnings, node::type::map));
    return doc;
}

result<node> load_list(const std::string& path) {
    std::vector<std::string> warnings;
    return parse(path, warnings, node::type::list);
}

error wrong_type(const node& n, std::string_view key, std::string_view wanted) {
    std::string got = n.kind == node::type::null   ? "empty"
                      : n.kind == node::type::list ? "a list"
                      : n.kind == node::type::map  ? "a mapping"
                                                   : "'" + n.text.substr(0, 40) + "'";
    return error(kind::configuration,
                 n.where() + ": " + std::string(key) + " must be " + std::string(wanted) + ", not " + got);
}

result<std::string> text(const node& n, std::string_view key) {
    if (n.kind != node::type::scalar) return wrong_type(n, key, "text");
    return n.text;
}

result<bool> boolean(const node& n, std::string_view key) {
    std::string low = n.text;
    std::transform(low.begin(), low.end(), low.begin(), [](unsigned char c) { return std::tolower(c); });
    if (n.kind == node::type::scalar) {
        if (low == "true" || low == "yes" || low == "on" || low == "1") return true;
        if (low == "false" || low == "no" || low == "off" || low == "0") return false;
    }
    return wrong_type(n, key, "true or false");
}

result<int> integer(const node& n, std::string_view key) {
    int value = 0;
    const char* end = n.text.data() + n.text.size();
    auto [stop, code] = std::from_chars(n.text.data(), end, value);
    if (n.kind != node::type::scalar || code != std::errc() || stop != end || value < 0) {
        return wrong_type(n, key, "a whole number from 0 up");
    }
    return value;
}

}  // namespace act::cluster::yaml

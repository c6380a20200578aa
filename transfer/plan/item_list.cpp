#include "transfer/plan/item_list.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include "engine/core/utf8.hpp"

namespace act::plan {

namespace {

namespace json = boost::json;

constexpr std::size_t longest_name = 4096;

error bad_line(std::string why, std::string advice = {}) {
    if (advice.empty()) advice = R"(write a name, or {"name":"a/b","size":123})";
    return error(kind::usage, std::move(why), std::move(advice));
}

/// A name that stays below whatever it is put behind. A slash at the end is another tool's stub of a folder.
result<void> check_name(std::string_view name) {
    auto refuse = [&](std::string_view why) {
        return bad_line(fmt::format("name '{}' {}", printable(name.substr(0, 200)), why),
                        "names are relative to the source and the destination of the command");
    };
    std::string_view rest = name;
    if (rest.ends_with('/')) rest.remove_suffix(1);
    if (rest.empty()) return refuse("is empty");
    if (rest.front() == '/') return refuse("is absolute");
    if (name.size() > longest_name) return refuse("is too long");
    if (!is_utf8(name)) return refuse("is not UTF-8");
    if (name.find('\0') != name.npos) return refuse("holds a NUL");
    for (std::size_t at = 0; at <= rest.size();) {
        const std::size_t end = std::min(rest.find('/', at), rest.size());
        const auto component = rest.substr(at, end - at);
        if (component == "..") return refuse("leads out of the folder");
        if (component.empty() || component == ".") return refuse("has an empty or '.' component");
        at = end + 1;
    }
    return {};
}

/// A member of the object; kind::usage when it is of another type. Null counts as absent.
class members {
public:
    explicit members(const json::object& o) : object_(o) {}

    result<std::string> text(std::string_view key) const {
        const json::value* v = object_.if_contains(key);
        if (!v || v->is_null()) return std::string();
        if (!v->is_string()) return bad_line(fmt::format("\"{}\" is not a text", key));
        return std::string(v->get_string());
    }
    result<std::optional<std::uint64_t>> number(std::string_view key) const {
        const json::value* v = object_.if_contains(key);
        if (!v || v->is_null()) return std::optional<std::uint64_t>();
        if (v->is_uint64()) return std::optional(v->get_uint64());
        if (!v->is_int64() || v->get_int64() < 0)
            return bad_line(fmt::format("\"{}\" is not a whole number of bytes", key));
        return std::optional(static_cast<std::uint64_t>(v->get_int64()));
    }
    bool flag(std::string_view key) const {
        const json::value* v = object_.if_contains(key);
        return v && v->is_bool() && v->get_bool();
    }

private:
    const json::object& object_;
};

/// Enough for a line of our own; longer ones go on in the heap.
struct line_memory {
    unsigned char first[4096];
    json::monotonic_resource resource{first, sizeof first};
};

result<json::object> parse(std::string_view line, line_memory& memory) {
    boost::system::error_code failed;
    json::value v = json::parse(json::string_view(line.data(), line.size()), failed, &memory.resource);
    if (failed) return bad_line(fmt::format("not JSON: {}", failed.message()));
    return std::move(v.get_object());  // it begins with '{'
}

}  // namespace

result<listed_item> read_name(std::string_view name) {
    ACT_TRY_VOID(check_name(name));
    listed_item out;
    out.source = out.destination = name;
    return out;
}

result<std::optional<listed_item>> read_item(std::string_view line) {
    using nothing = std::optional<listed_item>;
    line_memory memory;
    ACT_TRY(const json::object object, parse(line, memory));
    const members in(object);
    ACT_TRY(const std::string type, in.text("type"));
    ACT_TRY(std::string name, in.text("name"));
    ACT_TRY(std::string source, in.text("source"));
    ACT_TRY(std::string destination, in.text("destination"));
    listed_item out;
    if (type == "manifest" || type == "end" || type == "summary") return nothing();
    if (type == "difference") {
        ACT_TRY(const std::string what, in.text("what"));
        if (what == "extra") return nothing();
        ACT_TRY(name, in.text("path"));
    } else if (type == "failure") {
        if (name.empty() && source.empty()) {
            return bad_line("this failure is not of one item: items that were not begun are in no list",
                            "run the whole command again; what is done already is not done twice");
        }
    } else if (type.empty() || type == "object") {
        ACT_TRY(out.size, in.number("size"));
        ACT_TRY(const std::string etag, in.text("etag"));
        if (!etag.empty()) out.etag = blob::etag::from_listing(etag);
        if (etag.find_first_of("\r\n") != etag.npos) return bad_line("\"etag\" is none");
        ACT_TRY(out.hash, in.text("hash"));
        ACT_TRY(const std::string modified, in.text("modified"));
        if (!modified.empty()) out.modified = parse_iso8601(modified);
        if (!modified.empty() && !out.modified) return bad_line("\"modified\" is not a date of ISO 8601");
        out.folder = in.flag("folder");
        out.link = in.flag("link");
        ACT_TRY(const std::string kind, in.text("blob_type"));
        if (kind == "page") out.type = blob::blob_type::page;
        if (kind == "append") out.type = blob::blob_type::append;
        ACT_TRY(const std::string state, in.text("state"));
        out.doubtful = state == "failed";
    } else {
        return bad_line(fmt::format("a line of type '{}' is not an item", printable(type.substr(0, 40))));
    }
    out.source = source.empty() ? name : std::move(source);
    out.destination = !destination.empty() ? std::move(destination) : name.empty() ? out.source : name;
    if (out.source.empty()) return bad_line(R"(neither "name" nor "source" is there)");
    ACT_TRY_VOID(check_name(out.source));
    ACT_TRY_VOID(check_name(out.destination));
    return nothing(std::move(out));
}

std::optional<manifest_mark> read_mark(std::string_view line) {
    // Few lines are worth parsing twice.
    const bool begins = line.starts_with(R"({"type":"manifest")");
    if (!begins && !line.starts_with(R"({"type":"end")")) return std::nullopt;
    line_memory memory;
    const auto object = parse(line, memory);
    if (!object) return std::nullopt;
    const members in(*object);
    manifest_mark out{.begins = begins, .complete = in.flag("complete")};
    const auto number = [&in](std::string_view key) {
        const auto value = in.number(key);
        return value && *value ? **value : 0;
    };
    out.version = number("version");
    out.objects = number("objects");
    if (auto text = in.text("destination")) out.destination = std::move(*text);
    return out;
}

}  // namespace act::plan

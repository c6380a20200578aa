#include "submit/runs/record.hpp"

#include "submit/runs/json.hpp"

namespace act::runs {
namespace {

constexpr std::pair<state, std::string_view> names[] = {{state::queued, "queued"},
                                                        {state::running, "running"},
                                                        {state::completed, "completed"},
                                                        {state::failed, "failed"},
                                                        {state::canceled, "canceled"}};

boost::json::value time_or_null(wall_time t) {
    if (t == wall_time{}) return nullptr;
    return boost::json::string(to_iso8601_nanos(t));
}

wall_time time_of(const boost::json::object& o, std::string_view key) {
    return parse_iso8601(json::text(o, key)).value_or(wall_time{});
}

}  // namespace

std::string_view to_string(state s) {
    for (const auto& [value, name] : names) {
        if (value == s) return name;
    }
    return "queued";
}

std::optional<state> parse_state(std::string_view text) {
    for (const auto& [value, name] : names) {
        if (name == text) return value;
    }
    return std::nullopt;
}

std::string short_id(const std::string& id) { return id.size() > 5 ? id.substr(id.size() - 5) : id; }

std::optional<double> duration(const record& r, wall_time now) {
    if (r.started == wall_time{}) return std::nullopt;
    wall_time end = r.ended != wall_time{} ? r.ended : now;
    return std::chrono::duration<double>(end - r.started).count();
}

boost::json::object to_json(const record& r) {
    boost::json::array command(r.command.begin(), r.command.end());
    boost::json::object o;
    o["id"] = r.id;
    o["cluster"] = r.cluster;
    o["platform"] = r.platform;
    o["project"] = r.project;
    o["experiment"] = r.experiment;
    o["command"] = std::move(command);
    o["code"] = r.code;
    o["name"] = r.name;
    o["group"] = r.group;
    o["point"] = r.point;
    o["env"] = json::object_of(r.env);
    o["asked_gpus"] = r.asked_gpus ? boost::json::value(*r.asked_gpus) : boost::json::value(nullptr);
    o["single"] = r.single;
    o["hold"] = r.hold;
    o["gpus"] = r.gpus;
    o["nodes"] = r.nodes;
    o["processes_per_node"] = r.processes_per_node;
    o["state"] = boost::json::string(to_string(r.state));
    o["submitted"] = time_or_null(r.submitted);
    o["started"] = time_or_null(r.started);
    o["ended"] = time_or_null(r.ended);
    o["exit_code"] = r.exit_code ? boost::json::value(*r.exit_code) : boost::json::value(nullptr);
    o["reason"] = r.reason;
    o["node"] = r.node;
    o["pid"] = r.pid;
    o["pid_started"] = static_cast<std::int64_t>(r.pid_started);
    o["folder"] = r.folder;
    o["logs"] = r.logs;
    o["backend_id"] = r.backend_id;
    o["details"] = json::object_of(r.details);
    return o;
}

void apply(record& r, const boost::json::object& o) {
    auto text = [&](const char* key, std::string& into) {
        if (o.contains(key)) into = json::text(o, key);
    };
    text("id", r.id);
    text("cluster", r.cluster);
    text("platform", r.platform);
    text("project", r.project);
    text("experiment", r.experiment);
    text("code", r.code);
    text("name", r.name);
    text("group", r.group);
    text("point", r.point);
    text("reason", r.reason);
    text("node", r.node);
    text("folder", r.folder);
    text("logs", r.logs);
    text("backend_id", r.backend_id);
    if (const auto* v = o.if_contains("command"); v && v->is_array()) {
        r.command.clear();
        for (const auto& word : v->get_array()) {
            r.command.push_back(word.is_string() ? std::string(word.get_string()) : std::string());
        }
    }
    if (o.contains("state")) r.state = parse_state(json::text(o, "state")).value_or(r.state);
    if (o.contains("submitted")) r.submitted = time_of(o, "submitted");
    if (o.contains("started")) r.started = time_of(o, "started");
    if (o.contains("ended")) r.ended = time_of(o, "ended");
    auto maybe = [&](const char* key, std::optional<int>& into) {
        if (const auto* v = o.if_contains(key))
            into = v->is_int64() ? std::optional<int>(static_cast<int>(v->get_int64())) : std::nullopt;
    };
    maybe("exit_code", r.exit_code);
    maybe("asked_gpus", r.asked_gpus);
    auto number = [&](const char* key, int& into) {
        if (o.contains(key)) into = static_cast<int>(json::number(o, key));
    };
    number("gpus", r.gpus);
    number("nodes", r.nodes);
    number("processes_per_node", r.processes_per_node);
    if (o.contains("single")) r.single = json::boolean(o, "single");
    if (o.contains("hold")) r.hold = json::boolean(o, "hold");
    if (o.contains("pid")) r.pid = json::number(o, "pid");
    if (o.contains("pid_started")) r.pid_started = static_cast<std::uint64_t>(json::number(o, "pid_started"));
    json::take_object(o, "details", r.details);
    json::take_object(o, "env", r.env);
}

}  // namespace act::runs

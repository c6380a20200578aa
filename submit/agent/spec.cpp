#include "engine/file/file.hpp"
#include "submit/agent/agent.hpp"
#include "submit/runs/json.hpp"

namespace act::agent {

namespace json = runs::json;

result<void> write_spec(const std::string& path, const spec& s) {
    boost::json::array links;
    for (const auto& l : s.links)
        links.push_back(boost::json::object{{"name", l.name}, {"target", l.target}});
    boost::json::object env;
    for (const auto& [key, value] : s.env) env[key] = value;
    boost::json::object o;
    o["run"] = s.run;
    o["archive"] = s.archive;
    o["hash"] = s.hash;
    o["work"] = s.work;
    o["logs"] = s.logs;
    o["links"] = std::move(links);
    o["env"] = std::move(env);
    o["command"] = boost::json::array(s.command.begin(), s.command.end());
    o["compile_args"] = s.compile_args;
    o["interpreter_path"] = s.interpreter_path;
    o["sudo"] = s.sudo;
    o["sleep_if_fail"] = s.sleep_if_fail;
    o["sleep_if_succeed"] = s.sleep_if_succeed;
    o["ranked"] = s.ranked;
    o["grace_seconds"] = s.grace_seconds;
    std::string text = boost::json::serialize(o);
    ACT_TRY(auto out, file::aside::create(path));
    ACT_TRY_VOID(file::write_at(out.fd(), std::as_bytes(std::span(text)), 0, path));
    return out.publish(0600, now());
}

result<spec> read_spec(const std::string& path) {
    ACT_TRY(std::string text, file::read_all(path, 64 << 20));
    ACT_TRY(boost::json::object o, json::parse(text, path));
    spec s;
    s.run = json::text(o, "run");
    s.archive = json::text(o, "archive");
    s.hash = json::text(o, "hash");
    s.work = json::text(o, "work");
    s.logs = json::text(o, "logs");
    s.compile_args = json::text(o, "compile_args");
    s.interpreter_path = json::text(o, "interpreter_path");
    s.sudo = json::boolean(o, "sudo");
    s.sleep_if_fail = json::boolean(o, "sleep_if_fail");
    s.sleep_if_succeed = json::boolean(o, "sleep_if_succeed");
    s.ranked = json::boolean(o, "ranked");
    s.grace_seconds = static_cast<int>(json::number(o, "grace_seconds"));
    if (const auto* v = o.if_contains("command"); v && v->is_array()) {
        for (const auto& word : v->get_array()) {
            if (word.is_string()) s.command.emplace_back(word.get_string());
        }
    }
    if (const auto* v = o.if_contains("links"); v && v->is_array()) {
        for (const auto& l : v->get_array()) {
            if (l.is_object())
                s.links.push_back({json::text(l.get_object(), "name"), json::text(l.get_object(), "target")});
        }
    }
    if (const auto* v = o.if_contains("env"); v && v->is_object()) {
        for (const auto& [key, value] : v->get_object()) {
            if (value.is_string()) s.env[std::string(key)] = std::string(value.get_string());
        }
    }
    if (s.run.empty() || s.work.empty() || s.hash.empty() || s.command.empty()) {
        return error(kind::protocol,
                     path + " is not an agent's specification: run, work, hash or command is missing");
    }
    return s;
}

}  // namespace act::agent

#include <algorithm>

#include "engine/file/file.hpp"
#include "submit/agent/agent.hpp"
#include "submit/runs/json.hpp"

namespace act::agent {

namespace json = runs::json;

namespace {

boost::json::array array_of(const std::vector<std::string>& words) {
    return boost::json::array(words.begin(), words.end());
}

std::vector<std::string> words_of(const boost::json::object& o, std::string_view key) {
    std::vector<std::string> out;
    if (const auto* v = o.if_contains(key); v && v->is_array()) {
        for (const auto& word : v->get_array()) {
            if (word.is_string()) out.emplace_back(word.get_string());
        }
    }
    return out;
}

int int_of(const boost::json::object& o, std::string_view key) {
    return static_cast<int>(json::number(o, key));
}

}  // namespace

std::string to_text(const spec& s) {
    boost::json::array links, deliveries;
    for (const auto& d : s.deliveries)
        deliveries.push_back(
            boost::json::object{{"folder", d.folder}, {"command", array_of(d.command)}, {"copy", d.copy}});
    for (const auto& l : s.links)
        links.push_back(boost::json::object{{"name", l.name}, {"target", l.target}});
    boost::json::object o;
    o["run"] = s.run;
    o["archive"] = s.archive;
    o["hash"] = s.hash;
    o["work"] = s.work;
    o["logs"] = s.logs;
    o["links"] = std::move(links);
    o["env"] = json::object_of(s.env);
    o["command"] = array_of(s.command);
    o["compile_args"] = s.compile_args;
    o["interpreter_path"] = s.interpreter_path;
    o["sudo"] = s.sudo;
    o["sleep_if_fail"] = s.sleep_if_fail;
    o["sleep_if_succeed"] = s.sleep_if_succeed;
    o["ranked"] = s.ranked;
    o["check_disk"] = s.check.disk;
    o["check_gpus"] = s.check.gpus;
    o["gpu_monitor_seconds"] = s.gpu_monitor_seconds;
    o["grace_seconds"] = s.grace_seconds;
    o["nodes"] = s.nodes;
    o["processes_per_node"] = s.processes_per_node;
    o["gpus"] = s.gpus;
    o["gpu_names"] = array_of(s.gpu_names);
    o["mpirun"] = s.mpirun;
    o["queue"] = s.queue;
    o["gpu_folder"] = s.gpu_folder;
    o["places"] = s.places;
    o["project"] = s.project;
    o["deliveries"] = std::move(deliveries);
    o["delivery_seconds"] = s.delivery_seconds;
    o["foreground"] = s.foreground;
    o["keep"] = s.keep;
    o["outputs"] = array_of(s.outputs);
    o["container"] = array_of(s.container);
    o["container_name"] = s.container_name;
    o["carried"] = array_of(s.carried);
    return boost::json::serialize(o);
}

result<void> write_spec(const std::string& path, const spec& s) {
    std::string text = to_text(s);
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
    s.check.disk = static_cast<std::uint64_t>(json::number(o, "check_disk"));
    s.check.gpus = int_of(o, "check_gpus");
    s.gpu_monitor_seconds = int_of(o, "gpu_monitor_seconds");
    s.grace_seconds = int_of(o, "grace_seconds");
    s.nodes = std::max(1, int_of(o, "nodes"));
    s.processes_per_node = std::max(1, int_of(o, "processes_per_node"));
    s.gpus = int_of(o, "gpus");
    s.gpu_names = words_of(o, "gpu_names");
    s.mpirun = json::boolean(o, "mpirun");
    s.queue = json::text(o, "queue");
    s.gpu_folder = json::text(o, "gpu_folder");
    s.places = int_of(o, "places");
    s.project = json::text(o, "project");
    s.delivery_seconds = int_of(o, "delivery_seconds");
    s.foreground = json::boolean(o, "foreground");
    s.keep = json::boolean(o, "keep");
    s.outputs = words_of(o, "outputs");
    s.container = words_of(o, "container");
    s.container_name = json::text(o, "container_name");
    s.carried = words_of(o, "carried");
    s.command = words_of(o, "command");
    if (const auto* v = o.if_contains("deliveries"); v && v->is_array()) {
        for (const auto& d : v->get_array()) {
            if (!d.is_object()) continue;
            const auto& each = d.get_object();
            s.deliveries.push_back(
                {json::text(each, "folder"), words_of(each, "command"), json::text(each, "copy")});
        }
    }
    if (const auto* v = o.if_contains("links"); v && v->is_array()) {
        for (const auto& l : v->get_array()) {
            if (l.is_object())
                s.links.push_back({json::text(l.get_object(), "name"), json::text(l.get_object(), "target")});
        }
    }
    json::take_object(o, "env", s.env);
    if (s.run.empty() || s.work.empty() || s.hash.empty() || s.command.empty()) {
        return error(kind::protocol,
                     path + " is not an agent's specification: run, work, hash or command is missing");
    }
    return s;
}

}  // namespace act::agent

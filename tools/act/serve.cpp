#include <fmt/format.h>

#include "engine/file/file.hpp"
#include "tools/act/json.hpp"
#include "tools/act/report.hpp"
#include "tools/act/screen.hpp"
#include "tools/act/session.hpp"
#include "tools/act/verbs.hpp"
#include "tools/act/world.hpp"
#include "tools/store/store.hpp"

namespace act::cli {

namespace {

result<secret> secret_in(const world& w, const std::string& file, const char* option) {
    auto text = file::read_all(w.absolute(file), 64 * 1024);
    if (!text) return error(text.error()).in(option);
    text->erase(text->find_last_not_of(" \t\r\n") + 1);
    return secret(std::move(*text));
}

// A key on a command line shows in the list of processes, so it may be named instead.
result<secret> key_from(const world& w, const std::string& given) {
    if (given.starts_with("env:")) {
        std::string name = given.substr(4);
        std::string value = w.variable(name);
        if (value.empty()) {
            return error(kind::configuration, "--key: the variable " + name + " is not set",
                         "set it: export " + name + "=...");
        }
        return secret(value);
    }
    if (given.starts_with("file:")) return secret_in(w, given.substr(5), "--key");
    return secret(given);
}

bool only_loopback(std::string_view listen) {
    return listen.starts_with("127.") || listen.starts_with("[::1]") || listen.starts_with("localhost");
}

result<store::options> options_of(invocation& call) {
    const options& given = call.given;
    store::options o;
    if (given.root.empty()) {
        ACT_TRY(o.root, default_store_root(call.world));
    } else {
        o.root = call.world.absolute(given.root);
    }
    if (!given.listen.empty()) o.listen = given.listen;
    if (!given.account.empty()) o.account = given.account;
    if (!given.key.empty()) {
        ACT_TRY(o.key, key_from(call.world, given.key));
    }
    if (!given.bearer_token_file.empty()) {
        constexpr const char* option = "--bearer-token-file";
        ACT_TRY(o.bearer_token, secret_in(call.world, given.bearer_token_file, option));
        if (o.bearer_token.empty()) {
            return error(kind::configuration,
                         fmt::format("{}: {} holds no token", option, given.bearer_token_file),
                         "write one into it: it is any text, as `az account get-access-token` gives one");
        }
    }
    auto path = [&](const std::string& name) { return name.empty() ? name : call.world.absolute(name); };
    o.tls_certificate = path(given.tls_certificate);
    o.tls_key = path(given.tls_key);
    if (o.tls_certificate.empty() != o.tls_key.empty()) {
        return error(kind::usage, "--tls-cert and --tls-key belong together",
                     "give both, or neither for plain http");
    }
    o.soft_delete_days = given.soft_delete_days;
    o.versioning = given.versioning;
    o.hierarchical = given.hierarchical;
    o.memory = given.memory;
    o.network = given.network;
    o.admin = given.admin;
    return o;
}

task<void> until_stopped(stop_token stop) {
    event never;
    (void)co_await never.wait({.stop = stop});
}

void announce(invocation& call, const store::options& o, const store::store& service) {
    if (call.given.json) {
        json_line line("listening");
        line.add("endpoint", service.endpoint()).add("account", o.account).add("root", o.root);
        if (!o.admin.empty()) line.add("admin", service.admin());
        call.screen.result(line.text());
    } else {
        call.screen.result("listening on " + service.endpoint());
        if (!o.admin.empty()) call.screen.result("admin at " + service.admin());
    }
    call.screen.flush();
    if (!only_loopback(o.listen) && o.key == secret(store::emulator_key)) {
        call.screen.problem(
            "warning: the emulator's key is known to everybody, and other machines can reach " + o.listen);
        call.screen.detail("  give --key env:NAME or file:PATH with a key of your own");
    }
    if (!o.admin.empty() && !o.admin.starts_with(':') && !only_loopback(o.admin)) {
        call.screen.problem("warning: whoever reaches " + o.admin +
                            " can read the counters and set the limit");
    }
}

void finish(invocation& call, const store::statistics& stats) {
    if (!call.given.json) return;
    json_line line("summary");
    line.add("verb", call.verb.name).add("files", 0).add("bytes", 0).add("skipped", 0);
    line.add("failed", 0).add("requests", stats.requests.load()).add("bytes_sent", stats.bytes_sent.load());
    line.add("bytes_received", stats.bytes_received.load());
    line.add("elapsed_s", std::chrono::duration<double>(steady::now() - call.started).count());
    call.screen.result(line.text());
}

int run(invocation& call) {
    auto o = options_of(call);
    if (!o) return give_up(call, o.error());
    runtime loops({.loops = call.given.threads});
    store::store service(loops, *o);
    if (auto started = service.start(); !started) return give_up(call, started.error());
    announce(call, *o, service);
    loops.run(until_stopped(call.world.stop.token()));
    loops.run(service.stop());
    finish(call, service.stats());
    return 0;
}

constexpr example examples[] = {
    {"act serve", "the store of the built-in cluster, at 127.0.0.1:10000"},
    {"act serve --root DIR --listen 127.0.0.1:0 --json", "any free port; the first line names it"},
    {"act serve --account me --key file:key.txt --listen 0.0.0.0:10000",
     "for other machines, with a key of your own"},
    {"act serve --tls-cert cert.pem --tls-key key.pem", "https"},
    {"act serve --soft-delete 7", "what is deleted can be brought back for a week"},
    {"act serve --hierarchical --root DIR", "as an account of Azure Data Lake Storage Gen2"},
    {"act serve --latency 30ms --bandwidth 60MiB/s --limit 500/s", "a distant and busy service"},
    {"act serve --fault reset=0.01,error500=0.02,stall=0.001:5s", "an unreliable one"},
};

}  // namespace

constinit const verb serve_verb{
    .name = "serve",
    .usage = "",
    .sentence = "Serve a folder as a Blob service, until interrupted.",
    .takes = takes::nothing,
    .run = run,
    .examples = examples,
    .note =
        "Clients use the emulator's well-known account and key unless --account and --key say otherwise.\n"
        "One line on stdout names the endpoint once it is ready.\n"
        "\n"
        "--soft-delete and --versioning are kept with the folder, for all who use it. `act ls --deleted` "
        "shows\n"
        "what was deleted, `act undelete` brings it back; `act ls --versions` shows versions.\n"
        "\n"
        "--hierarchical is for a folder of its own, which stays of that kind. Directories are real there:\n"
        "made with what is written below them, listed, and there until they are deleted, which takes empty\n"
        "ones. Requests for the account's DFS endpoint (delete whole, rename, access control) are answered "
        "at\n"
        "the same address.\n"
        "\n"
        "Faults are parts of all requests, between 0 and 1; a request meets one at most. The same seed "
        "gives\n"
        "the same fate to the n-th request. With reset and error500 half of the requests are carried out.\n"
        "  reset=P      the connection is reset instead of an answer\n"
        "  error500=P   InternalError\n"
        "  error503=P   ServerBusy\n"
        "  truncate=P   the connection ends in the middle of the answer's body\n"
        "  stall=P:T    the answer waits for T (default 30s)\n"
        "  list=N:S     from the N-th on, listings fail with status S: 403, 500 or 503 (default 500)\n"
        "\n"
        "--admin answers, without a credential, GET /stats (JSON: requests by operation and status, bytes "
        "of\n"
        "bodies, connections), POST /limit?rate=N/s (0 lifts it) and POST /reset. HOST may be left out.",
};

}  // namespace act::cli

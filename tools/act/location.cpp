#include "tools/act/location.hpp"

#include <algorithm>
#include <filesystem>
#include <sys/stat.h>

#include <fmt/format.h>

#include "engine/core/log.hpp"
#include "tools/act/listed.hpp"
#include "tools/act/world.hpp"
#include "tools/store/store.hpp"
#include "transfer/blob/blob_url.hpp"
#include "transfer/blob/names.hpp"

namespace act::cli {

namespace {

bool begins_url(std::string_view word) {
    const auto scheme = word.substr(0, word.find("://"));
    return scheme.size() < word.size() &&
           (http::same_name(scheme, "http") || http::same_name(scheme, "https"));
}

/// CLUSTER of "CLUSTER:path"; empty when the word is no such thing.
std::string cluster_name(const world& w, const std::string& word) {
    const std::size_t colon = word.find(':');
    if (colon == std::string::npos || colon == 0) return {};
    for (const char c : word.substr(0, colon)) {
        const bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                          c == '_' || c == '-' || c == '.';
        if (!fine) return {};
    }
    struct stat s {};
    if (::lstat(w.absolute(word).c_str(), &s) == 0) return {};
    return word.substr(0, colon);
}

/// The query without the parts of that name; they are no part of a SAS.
std::string without(std::string_view query, std::string_view name) {
    std::string out;
    while (!query.empty()) {
        const std::string_view part = query.substr(0, query.find('&'));
        query.remove_prefix(std::min(part.size() + 1, query.size()));
        if (part.substr(0, part.find('=')) == name) continue;
        if (!out.empty()) out += '&';
        out += part;
    }
    return out;
}

result<location> parse_url(const std::string& word, past allowed) {
    location out;
    out.what = location::type::url;
    ACT_TRY(out.url, parse_uri(word));
    std::string query = std::exchange(out.url.query, {});
    out.text = out.url.str();
    bool is_signed = false;
    for (const auto& [name, value] : parse_query(query)) {
        is_signed |= name == "sig" && !value.empty();
        const bool snapshot = name == "snapshot", version = name == "versionid";
        if ((snapshot || version) && allowed == past::allowed && !value.empty()) {
            (snapshot ? out.snapshot : out.version) = value;
            query = without(query, name);
        } else if (snapshot || version || name == "comp" || name == "restype") {
            return error(
                kind::unsupported,
                fmt::format("URL '{}': the part '{}=' of its query is not supported", out.text, name),
                "leave it out; act works on current blobs");
        }
    }
    if (!query.empty() && !is_signed) {
        return error(kind::usage,
                     "URL '" + out.text + "': what stands behind '?' is not a SAS (it has no sig=)",
                     "put the URL in single quotes: a shell cuts it at '&'");
    }
    if (!out.snapshot.empty() && !out.version.empty()) {
        return error(kind::usage, "URL '" + out.text + "' names a snapshot and a version",
                     "leave one of them out");
    }
    if (!out.snapshot.empty()) out.text += "?snapshot=" + out.snapshot;
    if (!out.version.empty()) out.text += "?versionid=" + out.version;
    out.sas = secret(query);
    return out;
}

bool same_server(const uri& a, const uri& b) {
    return a.tls == b.tls && a.host == b.host && a.port == b.port;
}

bool below(const std::string& path, const std::string& base) {
    return path.starts_with(base) && (path.size() == base.size() || path[base.size()] == '/');
}

}  // namespace

bool names_folder(std::string_view path) {
    const auto last = path.substr(path.rfind('/') + 1);  // npos + 1 is 0
    return last == "." || last == ".." || (last.empty() && !path.empty());
}

result<location> parse_location(const world& w, const std::string& word, plain meaning, past allowed) {
    if (word.empty()) {
        return error(kind::usage, "a path is empty", "name a path, CLUSTER:path or a blob URL");
    }
    if (begins_url(word)) {
        ACT_TRY(location out, parse_url(word, allowed));
        const std::string decoded = decode_component(out.url.path).value_or(out.url.path);
        out.folder = decoded.ends_with('/');
        return out;
    }
    location out;
    out.text = out.path = word;
    if (word == "-") {
        out.what = location::type::stream;
        return out;
    }
    out.cluster = cluster_name(w, word);
    if (!out.cluster.empty()) {
        out.what = location::type::stored;
        out.path = word.substr(out.cluster.size() + 1);
        out.folder = out.path.empty() || names_folder(out.path);
        return out;
    }
    out.what = meaning == plain::local ? location::type::local : location::type::stored;
    out.folder = names_folder(word);
    return out;
}

void opened_location::append_shown(std::string& out, std::string_view name) const {
    out += before;
    if (map) {
        append_path(out, name, *map);
    } else {
        out += blob::encode_blob_path(container, name);
    }
}

std::string opened_location::shown(std::string_view name) const {
    std::string out;
    append_shown(out, name);
    return out;
}

result<std::vector<location>> stored_locations(invocation& call, past allowed) {
    std::vector<location> out;
    for (auto& word : call.words) {
        ACT_TRY(location at, parse_location(call.world, word, plain::stored, allowed));
        if (!at.remote()) {
            return error(kind::usage, "'-' is not in a store", "name what is stored; `act ls` shows it");
        }
        word = at.text;
        out.push_back(std::move(at));
    }
    return out;
}

result<const cluster::config*> location_opener::cluster_of(const std::string& name) {
    if (name.empty()) return &session_.cluster();
    auto found = clusters_.find(name);
    if (found == clusters_.end()) {
        auto loaded = load_cluster(call_, name);
        if (!loaded) {
            return error(loaded.error())
                .with_advice(fmt::format("{}; write ./{}:... for a local name with a colon",
                                         loaded.error().advice(), name));
        }
        found = clusters_.emplace(name, std::make_unique<cluster::config>(std::move(*loaded))).first;
    }
    return found->second.get();
}

result<opened_location> location_opener::open(const location& at) {
    return at.what == location::type::url ? open_url(at) : open_stored(at);
}

result<opened_location> location_opener::open_stored(const location& at) {
    ACT_TRY(const cluster::config* c, cluster_of(at.cluster));
    opened_location out;
    if (at.path.empty() && c->builtin_local) {
        out.map = &c->mappings.front();
        ACT_TRY(out.account, session_.account_of(*c, *out.map));
    } else {
        // Nothing behind the colon is the project's root, about which locate() says what is mapped.
        const std::string path = at.path.empty() ? c->root : at.path;
        ACT_TRY(place found, session_.find(*c, path));
        out.account = found.account;
        out.path = found.location.blob_path;
        out.map = found.location.map;
    }
    if (!at.cluster.empty()) out.before = at.cluster + ':';
    out.container = out.account->settings.container;
    return out;
}

/// The project's accounts, and behind them the environment's. What does not read as one is passed over: other
/// things may lie in that folder.
void location_opener::read_account_files() {
    accounts_.emplace();
    const cluster::config& c = session_.cluster();
    std::vector<std::string> names;
    for (const auto& m : c.mappings) {
        if (!m.account_file.empty() && std::find(names.begin(), names.end(), m.account_file) == names.end())
            names.push_back(m.account_file);
    }
    std::error_code failed;
    std::vector<std::string> others;
    for (std::filesystem::directory_iterator i(c.root + "/aux_data/configs", failed), end;
         !failed && i != end; i.increment(failed)) {
        if (i->path().extension() == ".yaml") others.push_back(i->path().string());
    }
    std::sort(others.begin(), others.end());
    names.insert(names.end(), others.begin(), others.end());
    for (const auto& name : names) {
        auto loaded = cluster::load_account(c, name, call_.world.environment);
        if (loaded) {
            accounts_->push_back(std::move(*loaded));
        } else {
            log::debug("passed over: {}", loaded.error().message());
            if (unreadable_.empty()) unreadable_ = loaded.error().message();
        }
    }
    auto given = cluster::account_of_environment(call_.world.environment);
    if (!given) {
        unreadable_ = given.error().message();
    } else if (*given) {
        accounts_->push_back(std::move(**given));
    }
}

/// The account that the URL leads to; one with the same container first.
const cluster::account* location_opener::find_account(const uri& u, std::string& endpoint_path) {
    if (!accounts_) read_account_files();
    const cluster::account* best = nullptr;
    std::size_t best_score = 0;
    for (const auto& a : *accounts_) {
        const auto endpoint = endpoint_of(a);
        if (!endpoint || !same_server(*endpoint, u) || !below(u.path, endpoint->path)) continue;
        const bool same_container = below(u.path, endpoint->path + blob::encode_blob_path(a.container, {}));
        const std::size_t score = 1 + 2 * endpoint->path.size() + same_container;
        if (score <= best_score) continue;
        best = &a;
        best_score = score;
        endpoint_path = endpoint->path;
    }
    return best;
}

result<opened_location> location_opener::open_url(const location& at) {
    std::string base;
    const cluster::account* known = find_account(at.url, base);
    if (!known) base = blob::endpoint_path(at.url);
    ACT_TRY(blob::blob_url url, blob::split_url(at.url, base));
    cluster::account a;
    if (known) {
        a = *known;
    } else {
        a.name = url.account;
        a.source = "URL " + at.text;
    }
    opened_location out;
    out.container = a.container = url.container;
    out.path = url.path;
    a.blob_endpoint = out.before = url.endpoint.str();
    if (!at.sas.empty()) {
        a.key = {};
        a.sas = at.sas;
        a.auth = cluster::account::method::sas;
        a.source = "the SAS in the URL";
    } else if (!known && a.name == store::emulator_account) {
        a.key = secret(store::emulator_key);
    } else if (!known) {
        return error(
            kind::configuration,
            fmt::format("no credential for account {} at {}{}", a.name, a.blob_endpoint,
                        unreadable_.empty() ? "" : " (not read: " + unreadable_ + ")"),
            "write a SAS behind '?', or an account file in aux_data/configs with that account_name, or set "
            "AZURE_STORAGE_ACCOUNT and AZURE_STORAGE_KEY");
    }
    const std::string key = "url\n" + a.blob_endpoint + '\n' + a.source + '\n' + at.sas.reveal();
    ACT_TRY(out.account, session_.account_at(key, std::move(a)));
    return out;
}

}  // namespace act::cli

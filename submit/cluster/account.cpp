#include <algorithm>
#include <cctype>
#include <filesystem>

#include <boost/json.hpp>

#include "engine/core/units.hpp"
#include "engine/file/file.hpp"
#include "submit/cluster/cluster.hpp"
#include "submit/cluster/find.hpp"
#include "submit/cluster/keys.hpp"
#include "submit/cluster/suggest.hpp"
#include "submit/cluster/yaml.hpp"

namespace act::cluster {
namespace {

// The emulators' public account (blob-rest.md section 1).
constexpr const char* development_name = "devstoreaccount1";
constexpr const char* development_key =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
constexpr const char* development_endpoint = "http://127.0.0.1:10000/devstoreaccount1";

using environment = std::map<std::string, std::string>;

/// "env:NAME" and "file:PATH" stand for what they name; anything else for itself.
result<std::string> resolve(std::string text, const yaml::node& n, const std::string& key, const config& c,
                            const environment& env) {
    if (text.starts_with("env:")) {
        auto v = env.find(text.substr(4));
        if (v != env.end() && !v->second.empty()) return v->second;
        return error(
            kind::configuration,
            n.where() + ": " + key + " stands in the variable " + text.substr(4) + ", which is not set",
            "set it: export " + text.substr(4) + "=...");
    }
    if (text.starts_with("file:")) {
        std::string path = absolute_from(text.substr(5), c.root);
        auto content = file::read_all(path, 64 * KiB);
        if (!content) {
            // Not "account_key: ...": what follows that is taken for the key and hidden.
            const error& why = content.error();
            return error(kind::configuration, n.where() + ": " + key + " stands in a file: " + why.message(),
                         why.advice().empty() ? "write it there, or say in which file it is" : why.advice());
        }
        while (!content->empty() && std::isspace(static_cast<unsigned char>(content->back())))
            content->pop_back();
        return std::move(*content);
    }
    return text;
}

std::string without_question_mark(std::string sas) {
    if (sas.starts_with('?')) sas.erase(0, 1);
    return sas;
}

std::string lower(std::string s) {
    std::transform(s.begin(), s.end(), s.begin(), [](unsigned char ch) { return std::tolower(ch); });
    return s;
}

/// "AccountName=...;AccountKey=...": what is given there, unless a key of the file says otherwise.
result<void> apply_connection_string(account& a, const std::string& text, const std::string& where) {
    std::string protocol = "https", suffix;
    std::size_t from = 0;
    while (from < text.size()) {
        std::size_t end = std::min(text.find(';', from), text.size());
        std::string piece = text.substr(from, end - from);
        from = end + 1;
        if (piece.find_first_not_of(" \t\r\n") == std::string::npos) continue;
        std::size_t equals = piece.find('=');
        if (equals == std::string::npos) {
            return error(kind::configuration, where + ": the connection string has a piece without '='",
                         "copy it again, whole, from the account's page of access keys");
        }
        std::string key = lower(
            piece.substr(piece.find_first_not_of(" \t\r\n"), equals - piece.find_first_not_of(" \t\r\n")));
        std::string value = piece.substr(equals + 1);
        if (key == "usedevelopmentstorage" && lower(value) == "true") {
            if (a.name.empty()) a.name = development_name;
            if (a.key.empty()) a.key = secret(development_key);
            if (a.blob_endpoint.empty()) a.blob_endpoint = development_endpoint;
        } else if (key == "accountname") {
            if (a.name.empty()) a.name = value;
        } else if (key == "accountkey") {
            if (a.key.empty()) a.key = secret(value);
        } else if (key == "sharedaccesssignature") {
            if (a.sas.empty()) a.sas = secret(without_question_mark(value));
        } else if (key == "blobendpoint") {
            if (a.blob_endpoint.empty()) a.blob_endpoint = value;
        } else if (key == "defaultendpointsprotocol") {
            protocol = value;
        } else if (key == "endpointsuffix") {
            suffix = value;
        }
    }
    bool elsewhere = protocol != "https" || (!suffix.empty() && suffix != "core.windows.net");
    if (a.blob_endpoint.empty() && elsewhere && !a.name.empty()) {
        a.blob_endpoint =
            protocol + "://" + a.name + ".blob." + (suffix.empty() ? "core.windows.net" : suffix);
    }
    return {};
}

result<account::method> method_of(const yaml::node& n, const std::string& text) {
    static const std::vector<std::pair<std::string, account::method>> known = {
        {"automatic", account::method::automatic},
        {"key", account::method::key},
        {"sas", account::method::sas},
        {"cli", account::method::cli},
        {"msi", account::method::msi},
        {"sp", account::method::sp},
        {"workload", account::method::workload}};
    for (const auto& [name, method] : known) {
        if (text == name) return method;
    }
    return yaml::wrong_type(n, "auth", "one of key, sas, cli, msi, sp, workload");
}

/// The file meant: a path from the root, or a short name in aux_data/configs ("vig" for
/// vigblob_account.yaml).
std::string find_account_file(const config& c, const std::string& name) {
    std::vector<std::string> tries = {absolute_from(name, c.root)};
    if (name.find('/') == std::string::npos) {
        std::string folder = c.root + "/aux_data/configs/";
        for (const char* ending : {"", ".yaml", "blob_account.yaml", "_blob_account.yaml"})
            tries.push_back(folder + name + ending);
    }
    for (const auto& t : tries) {
        std::error_code failed;
        if (std::filesystem::is_regular_file(t, failed)) return t;
    }
    return {};
}

}  // namespace

result<account> load_account(const config& c, const std::string& name, const environment& env) {
    account a;
    if (name.empty()) {
        a.source = "(built in)";
        a.name = "local";
        a.container = builtin_container;
        return a;
    }
    a.source = find_account_file(c, name);
    if (a.source.empty()) {
        return error(
            kind::configuration, "the account file " + absolute_from(name, c.root) + " does not exist",
            "write it with account_name, container_name and account_key or sas_token; paths count from " +
                c.root);
    }
    ACT_TRY(yaml::document doc, yaml::load(a.source));

    std::string connection, auth, connection_at;
    auto field = [&](const char* key, auto&& use) -> result<void> {
        const yaml::node* n = doc.root.find(key);
        if (!n || n->is_null()) return {};
        ACT_TRY(std::string written, yaml::text(*n, key));
        ACT_TRY(std::string value, resolve(std::move(written), *n, key, c, env));
        use(std::move(value));
        return {};
    };
    ACT_TRY_VOID(field("account_name", [&](std::string v) { a.name = std::move(v); }));
    ACT_TRY_VOID(field("container_name", [&](std::string v) { a.container = std::move(v); }));
    ACT_TRY_VOID(field("account_key", [&](std::string v) { a.key = secret(std::move(v)); }));
    ACT_TRY_VOID(
        field("sas_token", [&](std::string v) { a.sas = secret(without_question_mark(std::move(v))); }));
    ACT_TRY_VOID(field("customer_key", [&](std::string v) { a.customer_key = secret(std::move(v)); }));
    ACT_TRY_VOID(field("encryption_scope", [&](std::string v) { a.encryption_scope = std::move(v); }));
    ACT_TRY_VOID(field("blob_endpoint", [&](std::string v) { a.blob_endpoint = std::move(v); }));
    ACT_TRY_VOID(field("connection_string", [&](std::string v) { connection = std::move(v); }));
    ACT_TRY_VOID(field("auth", [&](std::string v) { auth = std::move(v); }));
    if (!connection.empty()) ACT_TRY_VOID(apply_connection_string(a, connection, a.source));
    if (!auth.empty()) {
        ACT_TRY(a.auth, method_of(*doc.root.find("auth"), auth));
    }
    while (a.blob_endpoint.ends_with('/')) a.blob_endpoint.pop_back();

    std::vector<std::string> unknown;
    report_unknown(doc.root, section::account, "", unknown);
    auto missing = [&](const char* key, const char* advice) {
        std::string text = a.source + ": the key '" + key + "' is missing";
        if (!unknown.empty()) text += " (" + unknown.front() + ")";
        return error(kind::configuration, text, advice);
    };
    if (a.name.empty())
        return missing("account_name", "it is the storage account's name; a connection_string does as well");
    if (a.container.empty()) return missing("container_name", "name the container that holds the data");
    a.warnings = std::move(doc.warnings);
    a.warnings.insert(a.warnings.end(), unknown.begin(), unknown.end());
    return a;
}

result<std::optional<account>> account_of_environment(const environment& env) {
    auto value = [&](const char* name) {
        auto found = env.find(name);
        return found == env.end() ? std::string() : found->second;
    };
    account a;
    a.name = value("AZURE_STORAGE_ACCOUNT");
    a.key = secret(value("AZURE_STORAGE_KEY"));
    a.sas = secret(without_question_mark(value("AZURE_STORAGE_SAS_TOKEN")));
    a.source = "the environment (AZURE_STORAGE_ACCOUNT)";
    if (const std::string connection = value("AZURE_STORAGE_CONNECTION_STRING"); !connection.empty()) {
        a.source = "the environment (AZURE_STORAGE_CONNECTION_STRING)";
        ACT_TRY_VOID(apply_connection_string(a, connection, a.source));
    }
    while (a.blob_endpoint.ends_with('/')) a.blob_endpoint.pop_back();
    if (a.name.empty() || (a.key.empty() && a.sas.empty())) return std::optional<account>();
    return std::optional<account>(std::move(a));
}

result<workspace> load_workspace(const config& c) {
    workspace w;
    std::pair<const char*, std::string*> fields[] = {{"subscription_id", &w.subscription_id},
                                                     {"resource_group", &w.resource_group},
                                                     {"workspace_name", &w.workspace_name}};
    std::string source = c.file + ": aml_config";
    if (auto path = c.other.find("aml_config"); path != c.other.end()) {
        source = absolute_from(path->second, c.root);
        auto content = file::read_all(source, 64 * KiB);
        if (!content)
            return error(kind::configuration, content.error().message()).in("aml_config in " + c.file);
        boost::system::error_code bad;
        boost::json::value parsed = boost::json::parse(*content, bad);
        if (bad || !parsed.is_object()) {
            return error(kind::configuration, source + ": not a JSON object",
                         "download config.json again from the workspace's page");
        }
        for (auto& [key, into] : fields) {
            const auto* v = parsed.get_object().if_contains(key);
            if (v && v->is_string()) *into = v->get_string().c_str();
        }
    } else {
        for (auto& [key, into] : fields) {
            auto v = c.other.find(std::string("aml_config.") + key);
            if (v != c.other.end()) *into = v->second;
        }
    }
    for (auto& [key, into] : fields) {
        if (into->empty()) return error(kind::configuration, source + ": the key '" + key + "' is missing");
    }
    return w;
}

}  // namespace act::cluster

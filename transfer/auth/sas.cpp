#include "transfer/auth/sas.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

#include "engine/codec/base64.hpp"
#include "engine/core/uri.hpp"
#include "transfer/auth/credential.hpp"

namespace act::auth {
namespace {

/// The version that act mints: before the user delegation strings began to change (blob-rest.md section 2).
constexpr const char* minted_version = "2021-12-02";

constexpr std::array<std::string_view, 33> fields = {
    "sv",     "ss",    "srt",   "sp",   "st",   "se",   "sip",  "spr",   "si",       "sr",        "sdd",
    "ses",    "skoid", "sktid", "skt",  "ske",  "sks",  "skv",  "saoid", "suoid",    "scid",      "skdutid",
    "sduoid", "srh",   "srq",   "rscc", "rscd", "rsce", "rscl", "rsct",  "snapshot", "versionid", "sig"};

bool in_url_anyway(std::string_view name) { return name == "snapshot" || name == "versionid"; }

std::string_view leading_segments(std::string_view name, unsigned count) {
    if (count == 0) return {};
    for (std::size_t i = 0; i < name.size(); ++i) {
        if (name[i] == '/' && --count == 0) return name.substr(0, i);
    }
    return name;
}

/// What a service or user delegation SAS is for, of the names in a request.
std::string canonical_resource(const sas& s, std::string_view account, std::string_view container,
                               std::string_view blob) {
    auto out = fmt::format("/blob/{}/{}", account, container);
    const auto& resource = s.get("sr");
    if (resource == "c") return out;
    if (resource == "d") {
        unsigned depth = 0;
        const auto& sdd = s.get("sdd");
        std::from_chars(sdd.data(), sdd.data() + sdd.size(), depth);
        blob = leading_segments(blob, depth);
    }
    if (!blob.empty()) out.append("/").append(blob);
    return out;
}

std::string account_string(const sas& s, std::string_view account) {
    std::string out(account);
    for (const char* name : {"sp", "ss", "srt", "st", "se", "sip", "spr", "sv"})
        out.append("\n").append(s.get(name));
    if (s.get("sv") >= "2020-12-06") out.append("\n").append(s.get("ses"));
    out.push_back('\n');
    return out;
}

result<void> sign(sas& s, const std::string& account, const secret& key, std::string_view container,
                  std::string_view blob) {
    auto raw = codec::base64_decode(key.reveal());
    if (!raw || raw->empty()) {
        return error(kind::configuration, fmt::format("the key of account '{}' is not base64", account));
    }
    codec::hmac_sha256 mac(*raw);
    s.signature = secret(codec::base64_encode(mac.sign(string_to_sign(s, account, container, blob))));
    return {};
}

/// The letters in the order that the service demands; kind::usage for a letter that it does not know.
result<std::string> in_order(std::string_view letters, std::string_view order, std::string_view what) {
    std::string out;
    for (char c : order) {
        if (letters.find(c) != letters.npos) out.push_back(c);
    }
    for (char c : letters) {
        if (order.find(c) == order.npos)
            return error(kind::usage, fmt::format("SAS {}: '{}' is not known", what, c));
    }
    if (out.empty()) return error(kind::usage, fmt::format("SAS {}: none given", what));
    return out;
}

result<void> set_times(sas& s, const std::optional<wall_time>& start, wall_time expiry) {
    if (start && *start >= expiry) return error(kind::usage, "a SAS would end before it starts");
    if (start) s.parameters["st"] = to_iso8601(*start);
    s.parameters["se"] = to_iso8601(expiry);
    return {};
}

class sas_authorizer final : public http::authorizer {
public:
    sas_authorizer(std::string query, bool https_only) : query_(std::move(query)), https_only_(https_only) {}

    task<result<void>> authorize(http::request& r, const http::endpoint& to, std::uint64_t, until) override {
        if (https_only_ && !to.tls) {
            co_return error(kind::configuration, fmt::format("the SAS for {} allows https only", to.host),
                            "Use an https endpoint, or a SAS with spr=https,http.");
        }
        if (r.target.ends_with(query_)) co_return result<void>();
        r.target.push_back(r.target.find('?') == r.target.npos ? '?' : '&');
        r.target += query_;
        co_return result<void>();
    }

private:
    std::string query_;
    bool https_only_;
};

}  // namespace

enum sas::form sas::form() const {
    if (parameters.contains("srt")) return form::account;
    return parameters.contains("skoid") ? form::user_delegation : form::service;
}

const std::string& sas::get(const std::string& name) const {
    static const std::string none;
    auto at = parameters.find(name);
    return at == parameters.end() ? none : at->second;
}

std::optional<wall_time> sas::starts() const { return parse_iso8601(get("st")); }
std::optional<wall_time> sas::expires() const { return parse_iso8601(get("se")); }

secret sas::query() const {
    std::string out;
    for (const auto& [name, value] : parameters) {
        if (in_url_anyway(name)) continue;
        out.append(name).append("=").append(encode_component(value)).push_back('&');
    }
    out.append("sig=").append(encode_component(signature.reveal()));
    return secret(std::move(out));
}

std::optional<sas> parse_sas(std::string_view query) {
    if (auto question = query.find('?'); question != query.npos) query.remove_prefix(question + 1);
    sas out;
    for (auto& [name, value] : parse_query(query)) {
        if (std::find(fields.begin(), fields.end(), name) == fields.end()) continue;
        if (name == "sig") {
            if (!out.signature.empty()) return std::nullopt;
            out.signature = secret(std::move(value));
        } else if (!out.parameters.emplace(std::move(name), std::move(value)).second) {
            return std::nullopt;  // given twice: which one counts is nobody's guess
        }
    }
    if (out.signature.empty()) return std::nullopt;
    return out;
}

std::string string_to_sign(const sas& s, std::string_view account, std::string_view container,
                           std::string_view blob) {
    const auto& version = s.get("sv");
    if (s.form() == sas::form::account)
        return version < "2015-04-05" ? std::string() : account_string(s, account);

    bool delegated = s.form() == sas::form::user_delegation;
    if (version < (delegated ? "2018-11-09" : "2015-04-05")) return {};
    std::string out;
    out.reserve(512);
    bool first = true;
    auto line = [&](std::string_view value) {
        if (!first) out.push_back('\n');
        first = false;
        out.append(value);
    };
    auto lines = [&](std::initializer_list<const char*> names) {
        for (const char* name : names) line(s.get(name));
    };

    lines({"sp", "st", "se"});
    line(canonical_resource(s, account, container, blob));
    if (delegated) {
        lines({"skoid", "sktid", "skt", "ske", "sks", "skv"});
        if (version >= "2020-02-10") lines({"saoid", "suoid", "scid"});
        if (version >= "2025-07-05") lines({"skdutid", "sduoid"});
    } else {
        line(s.get("si"));
    }
    lines({"sip", "spr", "sv"});
    if (version >= "2018-11-09") {
        line(s.get("sr"));
        line(s.get("sr") == "bs" ? s.get("snapshot") : s.get("sr") == "bv" ? s.get("versionid") : "");
    }
    if (version >= "2020-12-06") line(s.get("ses"));
    if (delegated && version >= "2026-04-06") lines({"srh", "srq"});
    lines({"rscc", "rscd", "rsce", "rscl", "rsct"});
    return out;
}

result<sas> mint_service_sas(const std::string& account, const secret& key, const sas_request& wanted) {
    sas out;
    ACT_TRY(out.parameters["sp"], in_order(wanted.permissions, "racwdxyltmeopfi", "permissions"));
    ACT_TRY_VOID(set_times(out, wanted.start, wanted.expiry));
    out.parameters["sv"] = minted_version;
    out.parameters["sr"] = wanted.blob.empty() ? "c" : "b";
    out.parameters["spr"] = wanted.https_only ? "https" : "https,http";
    if (!wanted.ip.empty()) out.parameters["sip"] = wanted.ip;
    ACT_TRY_VOID(sign(out, account, key, wanted.container, wanted.blob));
    return out;
}

result<sas> mint_account_sas(const std::string& account, const secret& key,
                             const account_sas_request& wanted) {
    sas out;
    ACT_TRY(out.parameters["sp"], in_order(wanted.permissions, "rwdxylacupitf", "permissions"));
    ACT_TRY(out.parameters["ss"], in_order(wanted.services, "bqtf", "services"));
    ACT_TRY(out.parameters["srt"], in_order(wanted.resource_types, "sco", "resource types"));
    ACT_TRY_VOID(set_times(out, wanted.start, wanted.expiry));
    out.parameters["sv"] = minted_version;
    out.parameters["spr"] = wanted.https_only ? "https" : "https,http";
    if (!wanted.ip.empty()) out.parameters["sip"] = wanted.ip;
    ACT_TRY_VOID(sign(out, account, key, {}, {}));
    return out;
}

result<std::shared_ptr<http::authorizer>> shared_access_signature(const secret& text, wall_time at) {
    auto parsed = parse_sas(text.reveal());
    if (!parsed) {
        return error(kind::configuration, "the SAS has no 'sig'",
                     "Copy the whole token: it looks like sv=...&se=...&sig=...");
    }
    if (auto end = parsed->expires(); end && *end <= at) {
        return error(kind::authentication, fmt::format("the SAS expired at {}", to_iso8601(*end)),
                     "Get a new SAS, or check that this machine's clock is right.");
    }
    bool https_only = parsed->get("spr") == "https";
    return std::make_shared<sas_authorizer>(parsed->query().reveal(), https_only);
}

}  // namespace act::auth

#include "tools/store/access.hpp"

#include <arpa/inet.h>
#include <cstdlib>

#include <fmt/format.h>

#include "engine/codec/base64.hpp"
#include "tools/store/catalog.hpp"
#include "transfer/auth/credential.hpp"
#include "transfer/auth/sas.hpp"
#include "transfer/blob/xml.hpp"

namespace act::store {

namespace {

constexpr auto clock_skew = std::chrono::minutes(15);

failure refused(std::string detail) {
    return failure(codes::authentication_failed).with("AuthenticationErrorDetail", std::move(detail));
}

// In a time that does not tell how much of it was right.
bool same_signature(std::string_view a, std::string_view b) {
    unsigned difference = a.size() != b.size();
    for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
        difference |= static_cast<unsigned char>(a[i] ^ b[i]);
    }
    return difference == 0;
}

// ---- SharedKey

outcome<identity> check_shared_key(service& s, const call& c, std::string_view authorization) {
    constexpr std::string_view scheme = "SharedKey ";
    if (!authorization.starts_with(scheme)) {
        return refused("Of the schemes of the Authorization header this store knows SharedKey and Bearer.");
    }
    authorization.remove_prefix(scheme.size());
    const std::size_t colon = authorization.find(':');
    if (colon == std::string_view::npos || authorization.substr(0, colon) != s.options.account) {
        return refused("The Authorization header names another account.");
    }
    const std::string_view date = c.has_header("x-ms-date") ? c.header("x-ms-date") : c.header("Date");
    const auto sent = parse_http_date(date);
    if (!sent) return refused("There is no valid x-ms-date or Date header.");
    if (*sent > c.now + clock_skew || *sent < c.now - clock_skew) {
        return refused(fmt::format("Request date header too old: '{}'", date));
    }
    const std::string text = auth::shared_key_string(c.method, s.options.account, c.target, *c.headers,
                                                     c.content_length.value_or(0));
    if (!same_signature(s.key.sign(text), authorization.substr(colon + 1))) {
        return refused(
            "The MAC signature found in the HTTP request is not the same as any computed signature. "
            "Server used following string to sign: '" +
            text + "'.");
    }
    identity who;
    who.form = identity::form::key;
    return who;
}

// ---- bearer token

constexpr std::string_view bearer = "Bearer ";

outcome<identity> check_bearer(const service& s, std::string_view authorization) {
    const secret& known = s.options.bearer_token;
    if (known.empty()) return refused("This store knows no tokens: it was started without one.");
    if (!same_signature(known.reveal(), authorization.substr(bearer.size()))) {
        return failure(codes::invalid_authentication_info)
            .with("AuthenticationErrorDetail", "The access token is not the one that this store was given.")
            .header("WWW-Authenticate", "Bearer");
    }
    identity who;
    who.form = identity::form::key;
    return who;
}

// ---- SAS

outcome<> check_times(const std::string& start, const std::string& expiry, wall_time now) {
    const auto from = parse_iso8601(start), to = parse_iso8601(expiry);
    if ((!start.empty() && !from) || !to)
        return refused("The times of the signature (st, se) are not valid.");
    // Clocks differ a little: the start is not taken by the second.
    if ((from && *from > now + clock_skew) || *to <= now) {
        return refused(fmt::format(
            "Signature not valid in the specified time frame: Start [{}] - Expiry [{}] - Current [{}]",
            from ? to_http_date(*from) : "", to_http_date(*to), to_http_date(now)));
    }
    return {};
}

bool in_addresses(const std::string& allowed, const std::string& peer) {
    auto number = [](const std::string& text) -> std::optional<std::uint32_t> {
        in_addr a{};
        if (::inet_pton(AF_INET, text.c_str(), &a) != 1) return {};
        return ntohl(a.s_addr);
    };
    const std::size_t dash = allowed.find('-');
    const auto low = number(allowed.substr(0, dash));
    const auto high = dash == std::string::npos ? low : number(allowed.substr(dash + 1));
    const auto mine = number(peer.starts_with("::ffff:") ? peer.substr(7) : peer);
    if (!low || !high || !mine) return allowed == peer;
    return *low <= *mine && *mine <= *high;
}

outcome<> check_form(const auth::sas& sas, const operation& op, const call& c) {
    if (sas.form() == auth::sas::form::account) {
        if (sas.get("ss").find('b') == std::string::npos) return failure(codes::service_mismatch);
        const char resource = op.level == operation::level::account     ? 's'
                              : op.level == operation::level::container ? 'c'
                                                                        : 'o';
        if (sas.get("srt").find(resource) == std::string::npos) return failure(codes::resource_mismatch);
        return {};
    }
    const std::string& covers = sas.get("sr");
    if (covers != "c" && covers != "b" && covers != "bs" && covers != "bv" && covers != "d") {
        return refused("The signed resource (sr) is not valid.");
    }
    if (covers == "bs" && !c.has_param("snapshot")) return refused("The signature is for a snapshot.");
    if (op.level == operation::level::blob) {
        if (covers == "d" && std::atoi(sas.get("sdd").c_str()) <= 0) {
            return refused("The depth of the signed directory (sdd) is not valid.");
        }
        return {};
    }
    if (covers != "c" || !op.in_container_sas) return failure(codes::authorization_failure);
    return {};
}

outcome<std::string> sas_signature(service& s, const auth::sas& sas, const call& c, std::string_view text) {
    if (sas.form() != auth::sas::form::user_delegation) return s.key.sign(text);
    const auto ends = parse_iso8601(sas.get("ske"));
    if (!ends || *ends <= c.now)
        return refused("The user delegation key (skt, ske) is not valid at this time.");
    codec::hmac_sha256 mac(delegation_key(s, sas.get("skoid"), sas.get("sktid"), sas.get("skt"),
                                          sas.get("ske"), sas.get("sks"), sas.get("skv")));
    return codec::base64_encode(mac.sign(text));
}

outcome<identity> check_sas(service& s, const reader& r, const operation& op, const call& c) {
    const std::size_t mark = c.target.find('?');
    const auto sas = auth::parse_sas(std::string_view(c.target).substr(mark + 1));
    if (!sas) return refused("The signature (sig) is given twice, or not well formed.");
    ACT_TRY_VOID(check_form(*sas, op, c));
    const std::string text = auth::string_to_sign(*sas, s.options.account, c.container, c.blob);
    if (text.empty()) return refused("The signed version (sv) is not supported.");
    ACT_TRY(const std::string expected, sas_signature(s, *sas, c, text));
    if (!same_signature(expected, sas->signature.reveal())) {
        return refused("Signature did not match. String to sign used was " + text);
    }

    std::string start = sas->get("st"), expiry = sas->get("se");
    identity who;
    who.form = identity::form::sas;
    who.permissions = sas->get("sp");
    if (const std::string& name = sas->get("si"); !name.empty() && sas->form() == auth::sas::form::service) {
        const auto container = load_container(r, c.container);
        if (!container) return failure(codes::container_not_found);
        ACT_TRY(const auto policies, read_policies(container->policies));
        const access_policy* found = nullptr;
        for (const auto& p : policies) {
            if (p.id == name) found = &p;
        }
        if (!found) return refused("The stored access policy (si) does not exist.");
        // A field may be in the policy or in the signature, not in both.
        auto merge = [](std::string& mine, const std::string& stored) {
            if (!mine.empty() && !stored.empty()) return false;
            if (mine.empty()) mine = stored;
            return true;
        };
        if (!merge(start, found->start) || !merge(expiry, found->expiry) ||
            !merge(who.permissions, found->permissions)) {
            return refused("A field is given by both the stored access policy and the signature.");
        }
    }
    ACT_TRY_VOID(check_times(start, expiry, c.now));
    if (sas->get("spr") == "https" && !c.tls) return failure(codes::protocol_mismatch);
    if (const std::string& allowed = sas->get("sip"); !allowed.empty() && !in_addresses(allowed, c.peer)) {
        return failure(codes::source_ip_mismatch).with("SourceIP", c.peer);
    }
    if (std::string_view(op.permissions) != "*" &&
        who.permissions.find_first_of(op.permissions) == std::string::npos) {
        return failure(codes::permission_mismatch);
    }
    return who;
}

outcome<identity> check_anonymous(const reader& r, const operation& op, const call& c) {
    const failure none = failure(codes::no_authentication).header("WWW-Authenticate", "SharedKey");
    if (op.open == operation::open::never) return none;
    const auto container = load_container(r, c.container);
    if (!container || container->public_access.empty()) return none;
    if (op.open == operation::open::container && container->public_access != "container") {
        return failure(codes::resource_not_found);
    }
    return identity();
}

}  // namespace

outcome<> authorize(service& s, const reader& r, const operation& op, call& c) {
    const std::string_view header = c.header("Authorization");
    if (header.starts_with(bearer)) {
        ACT_TRY(c.who, check_bearer(s, header));
    } else if (!header.empty()) {
        ACT_TRY(c.who, check_shared_key(s, c, header));
    } else if (c.has_param("sig")) {
        ACT_TRY(c.who, check_sas(s, r, op, c));
    } else {
        ACT_TRY(c.who, check_anonymous(r, op, c));
    }
    return {};
}

outcome<> authorize_source(service& s, const reader& r, call& source, const call& request,
                           bool key_is_enough) {
    source.now = request.now;
    source.peer = request.peer;
    source.tls = request.tls;
    ACT_TRY(const operation* get, find_operation(source));
    if (source.has_param("sig")) {
        ACT_TRY(source.who, check_sas(s, r, *get, source));
        return {};
    }
    if (const std::string_view header = source.header("Authorization"); !header.empty()) {
        const auto who = check_bearer(s, header);
        if (who) return {};
        const failure& why = who.error();
        return unverified_source(why.status(), why.name(), why.message());
    }
    if (key_is_enough && request.who.form == identity::form::key) return {};
    if (check_anonymous(r, *get, source)) return {};
    return failure(codes::cannot_verify_source, "The specified resource does not exist.")
        .header("x-ms-copy-source-status-code", "404")
        .header("x-ms-copy-source-error-code", codes::resource_not_found.name);
}

std::string delegation_key(service& s, std::string_view oid, std::string_view tid, std::string_view start,
                           std::string_view expiry, std::string_view service_letter,
                           std::string_view version) {
    const std::string text = s.key.sign(
        fmt::format("delegation\n{}\n{}\n{}\n{}\n{}\n{}", oid, tid, start, expiry, service_letter, version));
    return codec::base64_decode(text).value_or(std::string());
}

outcome<std::vector<access_policy>> read_policies(std::string_view document) {
    std::vector<access_policy> out;
    if (document.empty()) return out;
    blob::xml::reader x(document);
    const failure bad(codes::invalid_xml);
    if (x.next() != blob::xml::reader::event::open || x.name() != "SignedIdentifiers") return bad;
    for (;;) {
        auto more = blob::xml::next_child(x);
        if (!more) return bad;
        if (!*more) break;
        access_policy p;
        for (;;) {
            auto field = blob::xml::next_child(x);
            if (!field) return bad;
            if (!*field) break;
            if (x.name() == "Id") {
                auto text = x.content();
                if (!text || text->empty() || text->size() > 64) return bad;
                p.id = std::move(*text);
                continue;
            }
            if (x.name() != "AccessPolicy") return bad;
            for (;;) {
                auto part = blob::xml::next_child(x);
                if (!part) return bad;
                if (!*part) break;
                const std::string name(x.name());
                auto text = x.content();
                if (!text) return bad;
                if (name == "Start") p.start = std::move(*text);
                if (name == "Expiry") p.expiry = std::move(*text);
                if (name == "Permission") p.permissions = std::move(*text);
            }
        }
        out.push_back(std::move(p));
    }
    if (out.size() > 5)
        return failure(codes::invalid_input, "A container may have five stored access policies.");
    return out;
}

}  // namespace act::store

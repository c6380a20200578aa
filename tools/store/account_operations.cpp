// Operations on the account: List Containers, service properties, account information, user delegation keys.
#include <fmt/format.h>

#include "engine/codec/base64.hpp"
#include "tools/store/access.hpp"
#include "tools/store/headers.hpp"
#include "tools/store/listing.hpp"
#include "tools/store/past.hpp"
#include "transfer/blob/documents.hpp"
#include "transfer/blob/encryption.hpp"
#include "transfer/blob/xml.hpp"

namespace act::store {

namespace {

constexpr const char* default_properties =
    "<?xml version=\"1.0\" "
    "encoding=\"utf-8\"?><StorageServiceProperties><Logging><Version>1.0</Version><Read>false"
    "</Read><Write>false</Write><Delete>false</Delete><RetentionPolicy><Enabled>false</Enabled></"
    "RetentionPolicy>"
    "</Logging><HourMetrics><Version>1.0</Version><Enabled>false</Enabled><RetentionPolicy><Enabled>false</"
    "Enabled>"
    "</RetentionPolicy></HourMetrics><MinuteMetrics><Version>1.0</Version><Enabled>false</"
    "Enabled><RetentionPolicy>"
    "<Enabled>false</Enabled></RetentionPolicy></MinuteMetrics><Cors /><DefaultServiceVersion>2021-12-02"
    "</DefaultServiceVersion><DeleteRetentionPolicy><Enabled>false</Enabled></"
    "DeleteRetentionPolicy><StaticWebsite>"
    "<Enabled>false</Enabled></StaticWebsite></StorageServiceProperties>";

// The element of that name in a document of properties; where it would stand if it is not there.
std::pair<std::size_t, std::size_t> element_in(const std::string& document, std::string_view name) {
    const std::size_t begin = document.find(fmt::format("<{}>", name));
    const std::string closing = fmt::format("</{}>", name);
    const std::size_t end = document.find(closing, begin);
    if (begin != std::string::npos && end != std::string::npos) return {begin, end + closing.size() - begin};
    return {document.rfind("</"), 0};
}

}  // namespace

answer list_containers(service& s, const reader& r, call& c) {
    ACT_TRY(const std::uint64_t limit, page_limit(c));
    ACT_TRY(const std::string marker, read_marker(c));
    const std::string_view prefix = c.param("prefix");
    const bool metadata = includes(c, "metadata");

    std::string out = begin_listing(s, {}, 4096);
    element(out, "Prefix", prefix);
    element(out, "Marker", c.param("marker"));
    element(out, "MaxResults", limit);
    out += "<Containers>";
    http_dates dates;
    cursor rows(r, table::containers);
    std::uint64_t count = 0;
    std::string next;
    // LMDB knows no empty key.
    const std::string start =
        marker.empty() ? prefix.empty() ? std::string(1, '\0') : std::string(prefix) : marker;
    for (bool more = rows.seek(start); more && rows.key().starts_with(prefix); more = rows.next(), ++count) {
        if (count == limit || out.size() > largest_page_text) {
            next = make_marker(rows.key());
            break;
        }
        container_record k;
        if (!decode(rows.value(), k)) return failure();
        out += "<Container>";
        element(out, "Name", rows.key());
        out += "<Properties>";
        element(out, "Last-Modified", dates.text(k.modified));
        element(out, "Etag", etag_text(k.etag));
        add_lease(out, k.lease, c.at());
        optional_element(out, "PublicAccess", k.public_access);
        out += "<HasImmutabilityPolicy>false</HasImmutabilityPolicy><HasLegalHold>false</HasLegalHold>";
        element(out, "DefaultEncryptionScope",
                k.default_scope.empty() ? blob::account_scope : k.default_scope);
        element(out, "DenyEncryptionScopeOverride", k.only_default_scope ? "true" : "false");
        out += "</Properties>";
        if (metadata) add_metadata(out, k.metadata);
        out += "</Container>";
    }
    out += "</Containers>";
    element(out, "NextMarker", next);
    out += "</EnumerationResults>";
    return reply::xml(200, std::move(out));
}

answer get_service_properties(service&, const reader& r, call&) {
    const auto stored = r.get(table::meta, "properties");
    std::string document(stored.value_or(default_properties));
    const std::uint32_t days = protection_of(r).days;
    const std::string policy =
        days == 0 ? "<Enabled>false</Enabled>" : fmt::format("<Enabled>true</Enabled><Days>{}</Days>", days);
    const auto [at, size] = element_in(document, "DeleteRetentionPolicy");
    if (at != std::string::npos)
        document.replace(at, size, "<DeleteRetentionPolicy>" + policy + "</DeleteRetentionPolicy>");
    return reply::xml(200, std::move(document));
}

answer set_service_properties(service&, writer& w, call& c) {
    // Kept as it is, for whoever asks; soft delete alone means something here.
    const auto read = blob::read_soft_delete(c.body);
    if (!read) return failure(codes::invalid_xml);
    if (const auto& days = *read) {
        protection kept = protection_of(w);
        kept.days = *days;
        set_protection(w, kept);
    }
    w.put(table::meta, "properties", c.body);
    return reply::of(202);
}

answer get_service_stats(service&, const reader&, call& c) {
    return reply::xml(
        200,
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><StorageServiceStats><GeoReplication><Status>live"
        "</Status><LastSyncTime>" +
            to_http_date(c.now) + "</LastSyncTime></GeoReplication></StorageServiceStats>");
}

answer get_account_information(service&, const reader& r, call&) {
    reply out;
    out.headers.add("x-ms-sku-name", "Standard_LRS");
    out.headers.add("x-ms-account-kind", "StorageV2");
    out.headers.add("x-ms-is-hns-enabled", r.hierarchical() ? "true" : "false");
    return out;
}

// The real service wants a bearer token here. This one takes the account key too, so that clients of user
// delegation SAS can be tried on it.
answer get_user_delegation_key(service& s, const reader&, call& c) {
    if (c.who.form != identity::form::key) return failure(codes::authorization_failure);
    blob::xml::reader x(c.body);
    std::string start, expiry;
    if (x.next() != blob::xml::reader::event::open || x.name() != "KeyInfo")
        return failure(codes::invalid_xml);
    for (;;) {
        auto more = blob::xml::next_child(x);
        if (!more) return failure(codes::invalid_xml);
        if (!*more) break;
        const bool is_start = x.name() == "Start";
        auto text = x.content();
        if (!text) return failure(codes::invalid_xml);
        (is_start ? start : expiry) = std::move(*text);
    }
    const auto ends = parse_iso8601(expiry);
    if (!ends || *ends <= c.now || *ends > c.now + std::chrono::days(7)) return failure(codes::invalid_input);
    if (start.empty()) start = to_iso8601(c.now);
    constexpr std::string_view oid = "00000000-0000-0000-0000-000000000001";
    constexpr std::string_view tid = "00000000-0000-0000-0000-000000000002";
    std::string out = "<?xml version=\"1.0\" encoding=\"utf-8\"?><UserDelegationKey>";
    element(out, "SignedOid", oid);
    element(out, "SignedTid", tid);
    element(out, "SignedStart", start);
    element(out, "SignedExpiry", expiry);
    element(out, "SignedService", "b");
    element(out, "SignedVersion", c.version);
    element(
        out, "Value",
        codec::base64_encode(codec::as_bytes(delegation_key(s, oid, tid, start, expiry, "b", c.version))));
    out += "</UserDelegationKey>";
    return reply::xml(200, std::move(out));
}

}  // namespace act::store

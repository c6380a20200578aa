#include "tools/store/headers.hpp"

#include <algorithm>

#include "engine/codec/base64.hpp"
#include "engine/core/uri.hpp"
#include "transfer/blob/documents.hpp"

namespace act::store {

namespace {

constexpr std::string_view meta_prefix = "x-ms-meta-";
constexpr std::size_t largest_metadata = 8 * 1024;

bool identifier(std::string_view name) {
    auto letter = [](unsigned char c) { return std::isalpha(c) || c == '_' || c >= 0x80; };
    if (name.empty() || !letter(static_cast<unsigned char>(name.front()))) return false;
    return std::all_of(name.begin(), name.end(), [&](char c) {
        return letter(static_cast<unsigned char>(c)) || std::isdigit(static_cast<unsigned char>(c));
    });
}

outcome<std::string> pack_tags(const blob::tags& tags) {
    if (auto good = blob::check_tags(tags); !good)
        return failure(codes::invalid_tags, good.error().message());
    std::string out;
    for (const auto& [name, value] : tags) packed::add(out, name, value);
    return out;
}

}  // namespace

outcome<container_record> existing_container(const reader& r, const call& c) {
    auto found = load_container(r, c.container);
    if (!found) return failure(codes::container_not_found);
    return *found;
}

outcome<std::string> read_metadata(const call& c) {
    std::string out;
    std::size_t size = 0;
    for (std::size_t i = 0; i < c.headers->size(); ++i) {
        const auto [name, value] = c.headers->at(i);
        if (name.size() < meta_prefix.size() ||
            !http::same_name(name.substr(0, meta_prefix.size()), meta_prefix)) {
            continue;
        }
        const std::string_view key = name.substr(meta_prefix.size());
        if (key.empty()) return failure(codes::empty_metadata_key);
        if (!identifier(key)) return failure(codes::invalid_metadata);
        size += key.size() + value.size();
        packed::add(out, key, value);
    }
    if (size > largest_metadata) return failure(codes::metadata_too_large);
    return out;
}

outcome<std::string> read_tags_header(const call& c) {
    if (c.header("x-ms-tags").empty()) return std::string();
    // Some clients write it as a form, where a plus is a space.
    std::string text;
    for (char ch : c.header("x-ms-tags")) ch == '+' ? text += "%20" : text += ch;
    blob::tags tags;
    for (auto& [name, value] : parse_query(text)) tags[name] = std::move(value);
    return pack_tags(tags);
}

outcome<std::string> read_tags_document(const call& c) {
    auto tags = blob::read_tags(c.body);
    if (!tags) return failure(codes::invalid_xml, tags.error().message());
    return pack_tags(*tags);
}

outcome<tier> read_tier(const call& c) {
    const std::string_view text = c.header("x-ms-access-tier");
    if (text.empty()) return tier::none;
    const tier t = parse_tier(text);
    if (t == tier::none) return invalid_header("x-ms-access-tier", text);
    return t;
}

outcome<description> read_description(const call& c) {
    description d;
    ACT_TRY(d.metadata, read_metadata(c));
    ACT_TRY(d.tags, read_tags_header(c));
    ACT_TRY(d.tier, read_tier(c));
    const std::string_view md5 = c.header("x-ms-blob-content-md5");
    if (!md5.empty()) {
        const auto raw = codec::base64_decode(md5);
        if (!raw || raw->size() != 16) return failure(codes::invalid_md5);
    }
    return d;
}

void description::apply(const call& c, blob_record& r) const {
    r.metadata = metadata;
    r.tags = tags;
    r.tier = tier;
    r.tier_changed = tier == act::store::tier::none ? 0 : c.at();
}

void apply_content_headers(const call& c, blob_record& r, bool plain) {
    auto pick = [&](const char* own, const char* general) {
        return c.has_header(own) || !plain ? c.header(own) : c.header(general);
    };
    r.headers.type = pick("x-ms-blob-content-type", "Content-Type");
    r.headers.encoding = pick("x-ms-blob-content-encoding", "Content-Encoding");
    r.headers.language = pick("x-ms-blob-content-language", "Content-Language");
    r.headers.cache_control = pick("x-ms-blob-cache-control", "Cache-Control");
    r.headers.disposition = pick("x-ms-blob-content-disposition", "Content-Disposition");
    r.headers.md5 = c.header("x-ms-blob-content-md5");
    if (r.headers.type.empty()) r.headers.type = "application/octet-stream";
}

void add_version_headers(http::fields& f, std::uint64_t etag, nanos modified) {
    f.add("ETag", etag_text(etag));
    f.add("Last-Modified", to_http_date(from_nanos(modified)));
}

void add_version_id(http::fields& f, const blob_record& r) {
    if (r.version != 0) f.add("x-ms-version-id", snapshot_time(r.version));
}

void add_lease_headers(http::fields& f, const lease& l, nanos now) {
    const lease::state s = l.at(now);
    if (s == lease::state::leased) f.add("x-ms-lease-duration", l.seconds < 0 ? "infinite" : "fixed");
    f.add("x-ms-lease-state", to_string(s));
    const bool locked = s == lease::state::leased || s == lease::state::breaking;
    f.add("x-ms-lease-status", locked ? "locked" : "unlocked");
}

void add_metadata_headers(http::fields& f, std::string_view metadata) {
    std::string_view name, value;
    std::string header(meta_prefix);
    while (packed::next(metadata, name, value)) {
        header.resize(meta_prefix.size());
        header += name;
        f.add(header, value);
    }
}

reply changed(int status, const blob_record& r) {
    reply out = reply::of(status);
    add_version_headers(out.headers, r.etag, r.modified);
    add_version_id(out.headers, r);
    return out;
}

}  // namespace act::store

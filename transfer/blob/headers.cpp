#include "transfer/blob/headers.hpp"

#include <charconv>

#include <fmt/format.h>

namespace act::blob {
namespace {

constexpr std::string_view meta = "x-ms-meta-";

std::string lower(std::string_view s) {
    std::string out(s);
    for (char& c : out) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    }
    return out;
}

std::optional<std::uint64_t> number(std::string_view s) {
    std::uint64_t value = 0;
    auto [at, ec] = std::from_chars(s.data(), s.data() + s.size(), value);
    if (ec != std::errc() || at != s.data() + s.size()) return std::nullopt;
    return value;
}

void add_if(http::fields& f, std::string_view name, std::string_view value) {
    if (!value.empty()) f.add(name, value);
}

error unreadable(std::string_view header, std::string_view value) {
    return error(kind::protocol, fmt::format("header {} does not parse: '{}'", header, value.substr(0, 100)));
}

}  // namespace

void add_conditions(http::fields& f, const conditions& c) {
    add_if(f, "If-Match", c.if_match);
    add_if(f, "If-None-Match", c.if_none_match);
    if (c.if_modified_since) f.add("If-Modified-Since", to_http_date(*c.if_modified_since));
    if (c.if_unmodified_since) f.add("If-Unmodified-Since", to_http_date(*c.if_unmodified_since));
    add_if(f, "x-ms-lease-id", c.lease_id);
}

void add_content(http::fields& f, const content_headers& c) {
    add_if(f, "x-ms-blob-content-type", c.type);
    add_if(f, "x-ms-blob-content-encoding", c.encoding);
    add_if(f, "x-ms-blob-content-language", c.language);
    add_if(f, "x-ms-blob-content-disposition", c.disposition);
    add_if(f, "x-ms-blob-cache-control", c.cache_control);
    add_if(f, "x-ms-blob-content-md5", c.md5);
}

void add_metadata(http::fields& f, const metadata& m) {
    std::string name(meta);
    for (const auto& [key, value] : m) {
        name.resize(meta.size());
        name += key;
        f.add(name, value);
    }
}

result<void> check_metadata(const metadata& m) {
    std::size_t total = 0;
    for (const auto& [key, value] : m) {
        auto bad = [&](std::string_view why) {
            return error(kind::usage, fmt::format("metadata '{}': {}", key, why),
                         "Metadata names are letters, digits and underscores; values are printable ASCII.");
        };
        if (key.empty() || (key[0] >= '0' && key[0] <= '9')) return bad("the name must begin with a letter");
        for (char c : key) {
            bool word =
                (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
            if (!word) return bad("the name holds a character that is not allowed");
        }
        for (char c : value) {
            if ((c < ' ' && c != '\t') || c > '~')
                return bad("the value holds a character that a header cannot carry");
        }
        total += key.size() + value.size();
    }
    if (total > 8192)
        return error(kind::usage, fmt::format("{} bytes of metadata: the limit is 8 KiB", total));
    return {};
}

metadata read_metadata(const http::fields& f) {
    metadata out;
    for (std::size_t i = 0; i < f.size(); ++i) {
        auto [name, value] = f.at(i);
        if (name.size() > meta.size() && http::same_name(name.substr(0, meta.size()), meta)) {
            out[lower(name.substr(meta.size()))] = value;
        }
    }
    return out;
}

result<properties> read_properties(const http::fields& f, int status,
                                   std::optional<std::uint64_t> content_length) {
    properties p;
    p.size = content_length.value_or(0);
    if (status == 206) {
        auto header = f.get("Content-Range");
        auto range = parse_content_range(header);
        if (!range) return unreadable("Content-Range", header);
        p.size = range->total;
    }
    p.etag.text = f.get("ETag");
    if (auto text = f.get("Last-Modified"); !text.empty()) {
        auto date = parse_http_date(text);
        if (!date) return unreadable("Last-Modified", text);
        p.modified = *date;
    }
    if (auto text = f.get("x-ms-creation-time"); !text.empty()) p.created = parse_http_date(text);
    auto type = f.get("x-ms-blob-type");
    p.type = type == "AppendBlob" ? blob_type::append
             : type == "PageBlob" ? blob_type::page
                                  : blob_type::block;
    p.content.type = f.get("Content-Type");
    p.content.encoding = f.get("Content-Encoding");
    p.content.language = f.get("Content-Language");
    p.content.disposition = f.get("Content-Disposition");
    p.content.cache_control = f.get("Cache-Control");
    // In a 206 the plain header speaks of the range.
    p.content.md5 = f.get("x-ms-blob-content-md5");
    if (p.content.md5.empty() && status != 206) p.content.md5 = f.get("Content-MD5");
    p.metadata = read_metadata(f);
    p.tier = f.get("x-ms-access-tier");
    p.tier_inferred = http::same_name(f.get("x-ms-access-tier-inferred"), "true");
    p.archive_status = f.get("x-ms-archive-status");
    p.lease_status = f.get("x-ms-lease-status");
    p.lease_state = f.get("x-ms-lease-state");
    p.snapshot = f.get("x-ms-snapshot");
    p.version_id = f.get("x-ms-version-id");
    p.current_version = http::same_name(f.get("x-ms-is-current-version"), "true");
    p.copy_id = f.get("x-ms-copy-id");
    p.copy_status = f.get("x-ms-copy-status");
    p.copy_progress = f.get("x-ms-copy-progress");
    p.copy_description = f.get("x-ms-copy-status-description");
    p.key_sha256 = f.get("x-ms-encryption-key-sha256");
    p.encryption_scope = f.get("x-ms-encryption-scope");
    auto folder = p.metadata.find("hdi_isfolder");
    const std::string_view resource = f.get("x-ms-resource-type");
    p.hierarchical = !resource.empty();
    p.is_directory =
        resource == "directory" || (folder != p.metadata.end() && http::same_name(folder->second, "true"));
    return p;
}

std::optional<byte_range> parse_range(std::string_view s) {
    if (!s.starts_with("bytes=")) return std::nullopt;
    s.remove_prefix(6);
    auto dash = s.find('-');
    if (dash == s.npos) return std::nullopt;
    auto first = number(s.substr(0, dash));
    if (!first) return std::nullopt;
    byte_range out{.first = *first};
    if (auto rest = s.substr(dash + 1); !rest.empty()) {
        auto last = number(rest);
        if (!last || *last < *first) return std::nullopt;
        out.last = *last;
    }
    return out;
}

std::string range_header(const range& r) {
    return fmt::format("bytes={}-{}", r.offset, r.offset + r.length - 1);
}

std::optional<content_range> parse_content_range(std::string_view s) {
    if (!s.starts_with("bytes ")) return std::nullopt;
    s.remove_prefix(6);
    auto dash = s.find('-'), slash = s.find('/');
    if (dash == s.npos || slash == s.npos || slash < dash) return std::nullopt;
    auto first = number(s.substr(0, dash)), last = number(s.substr(dash + 1, slash - dash - 1)),
         total = number(s.substr(slash + 1));
    if (!first || !last || !total || *last < *first || *last >= *total) return std::nullopt;
    return content_range{*first, *last, *total};
}

}  // namespace act::blob

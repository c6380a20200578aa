// List Blobs (blob-rest.md section 11).
#include <fmt/format.h>

#include "tools/store/copy.hpp"
#include "tools/store/headers.hpp"
#include "tools/store/listing.hpp"

namespace act::store {

namespace {

constexpr const char* known_includes[] = {"copy",       "deleted",
                                          "metadata",   "snapshots",
                                          "versions",   "uncommittedblobs",
                                          "tags",       "immutabilitypolicy",
                                          "legalhold",  "deletedwithversions",
                                          "permissions"};

struct wanted {
    bool metadata, tags, copy, snapshots, uncommitted;
};

outcome<wanted> read_include(const call& c) {
    std::string_view list = c.param("include");
    while (!list.empty()) {
        const std::size_t comma = list.find(',');
        std::string_view one = list.substr(0, comma);
        while (one.starts_with(' ')) one.remove_prefix(1);
        const bool known = one.empty() || std::any_of(std::begin(known_includes), std::end(known_includes),
                                                      [&](const char* k) { return http::same_name(k, one); });
        if (!known) return invalid_query("include", c.param("include"));
        list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
    }
    return wanted{includes(c, "metadata"), includes(c, "tags"), includes(c, "copy"), includes(c, "snapshots"),
                  includes(c, "uncommittedblobs")};
}

const char* type_name(blob::blob_type t) {
    return t == blob::blob_type::append ? "AppendBlob"
           : t == blob::blob_type::page ? "PageBlob"
                                        : "BlockBlob";
}

class blob_writer {
public:
    blob_writer(service& s, const call& c, const wanted& w, std::string& out)
        : s_(s), now_(c.at()), wanted_(w), out_(out) {}

    void add(const item_cursor& item, const blob_record& r) {
        out_ += "<Blob>";
        element(out_, "Name", item.name());
        optional_element(out_, "Snapshot", item.snapshot());
        out_ += "<Properties>";
        element(out_, "Creation-Time", created_.text(r.created));
        element(out_, "Last-Modified", modified_.text(r.modified));
        const std::string etag = etag_text(r.etag);
        element(out_, "Etag", std::string_view(etag).substr(1, etag.size() - 2));
        element(out_, "Content-Length", r.size);
        element(out_, "Content-Type", r.headers.type);
        element(out_, "Content-Encoding", r.headers.encoding);
        element(out_, "Content-Language", r.headers.language);
        out_ += "<Content-CRC64 />";
        element(out_, "Content-MD5", r.headers.md5);
        element(out_, "Cache-Control", r.headers.cache_control);
        element(out_, "Content-Disposition", r.headers.disposition);
        if (r.type == blob::blob_type::page) element(out_, "x-ms-blob-sequence-number", r.sequence_number);
        out_.append("<BlobType>").append(type_name(r.type)).append("</BlobType>");
        if (r.type == blob::blob_type::block) {
            element(out_, "AccessTier", to_string(r.tier));
            if (r.tier == tier::none) {
                out_ += "<AccessTierInferred>true</AccessTierInferred>";
            } else {
                element(out_, "AccessTierChangeTime", tier_changed_.text(r.tier_changed));
            }
        }
        if (r.sealed) out_ += "<Sealed>true</Sealed>";
        if (item.snapshot().empty()) add_lease(out_, r.lease, now_);
        out_ += "<ServerEncrypted>true</ServerEncrypted>";
        if (wanted_.copy) add_copy(r);
        if (!r.tags.empty()) element(out_, "TagCount", packed::count(r.tags));
        out_ += "</Properties>";
        if (wanted_.metadata) add_metadata(out_, r.metadata);
        if (wanted_.tags && !r.tags.empty()) add_tags(out_, r.tags);
        out_ += "<OrMetadata /></Blob>";
    }

    void add_uncommitted(std::string_view name) {
        out_ += "<Blob>";
        element(out_, "Name", name);
        out_ +=
            "<Properties><Content-Length>0</Content-Length><Content-Type>application/octet-stream</"
            "Content-Type>"
            "<BlobType>BlockBlob</BlobType><AccessTier>Hot</AccessTier><AccessTierInferred>true"
            "</AccessTierInferred><LeaseStatus>unlocked</LeaseStatus><LeaseState>available</LeaseState>"
            "<ServerEncrypted>true</ServerEncrypted></Properties></Blob>";
    }

    void add_prefix(std::string_view name) {
        out_ += "<BlobPrefix>";
        element(out_, "Name", name);
        out_ += "</BlobPrefix>";
    }

private:
    void add_copy(const blob_record& r) {
        if (r.copy.id.empty()) return;
        const copy_progress p = progress_of(s_, r);
        element(out_, "CopyId", r.copy.id);
        element(out_, "CopySource", without_query(r.copy.source));
        element(out_, "CopyStatus", p.status);
        element(out_, "CopyProgress", fmt::format("{}/{}", p.done, p.total));
        if (r.copy.completed != 0)
            element(out_, "CopyCompletionTime", to_http_date(from_nanos(r.copy.completed)));
        optional_element(out_, "CopyStatusDescription", p.description);
    }

    service& s_;
    nanos now_;
    const wanted& wanted_;
    std::string& out_;
    http_dates created_, modified_, tier_changed_;
};

// The smallest name behind all that begin with `prefix`; nothing when there is none.
std::optional<std::string> behind(std::string prefix) {
    while (!prefix.empty() && static_cast<unsigned char>(prefix.back()) == 0xff) prefix.pop_back();
    if (prefix.empty()) return {};
    prefix.back() = static_cast<char>(prefix.back() + 1);
    return prefix;
}

answer build_page(service& s, const reader& r, const call& c, const wanted& w, std::uint64_t limit) {
    const std::string prefix(c.param("prefix")), delimiter(c.param("delimiter"));
    ACT_TRY(const std::string marker, read_marker(c));
    ACT_TRY(const auto container, existing_container(r, c));

    std::string out =
        begin_listing(s, c.container, std::min<std::size_t>(limit * 800 + 1024, largest_page_text));
    element(out, "Prefix", prefix);
    element(out, "Marker", c.param("marker"));
    element(out, "MaxResults", limit);
    if (!delimiter.empty()) element(out, "Delimiter", delimiter);
    out += "<Blobs>";

    item_cursor item(r, container.id, w.snapshots, w.uncommitted);
    if (!marker.empty()) {
        item.seek_position(marker);
    } else {
        item.seek(std::max<std::string_view>(prefix, c.param("startFrom")));
    }
    blob_writer to(s, c, w, out);
    std::uint64_t count = 0;
    std::string next;
    for (; item.valid() && item.name().starts_with(prefix); ++count) {
        if (count == limit || out.size() > largest_page_text) {
            next = make_marker(item.position());
            break;
        }
        const std::size_t cut =
            delimiter.empty() ? std::string_view::npos : item.name().find(delimiter, prefix.size());
        if (cut != std::string_view::npos) {
            std::string group(item.name().substr(0, cut + delimiter.size()));
            to.add_prefix(group);
            const auto after = behind(std::move(group));
            if (!after) break;
            item.seek(*after);
            continue;
        }
        if (item.is_upload()) {
            to.add_uncommitted(item.name());
        } else {
            blob_record record;
            if (!decode(item.record(), record)) return failure();
            to.add(item, record);
        }
        item.next();
    }
    out += "</Blobs>";
    element(out, "NextMarker", next);
    out += "</EnumerationResults>";
    return reply::xml(200, std::move(out));
}

}  // namespace

task<answer> list_blobs(service& s, call& c, http::server_exchange&) {
    ACT_CO_TRY(const wanted w, read_include(c));
    ACT_CO_TRY(const std::uint64_t limit, page_limit(c));
    if (w.snapshots && !c.param("delimiter").empty())
        co_return invalid_query("delimiter", c.param("delimiter"));
    // The page is kept until it has been sent, which the budget should know.
    auto budget =
        co_await s.memory.reserve(std::min<std::size_t>(limit * KiB + 4 * KiB, largest_page_text), s.ends());
    if (!budget) co_return from_error(budget.error());
    auto r = s.index->read();
    if (!r) co_return from_error(r.error());
    answer out = build_page(s, *r, c, w, limit);
    if (r->failed()) co_return failure();
    if (out) out->budget = std::move(*budget);
    co_return out;
}

}  // namespace act::store

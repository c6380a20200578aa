// List Blobs (blob-rest.md section 11).
#include <fmt/format.h>

#include "tools/store/copy.hpp"
#include "tools/store/headers.hpp"
#include "tools/store/list_columns.hpp"
#include "tools/store/listing.hpp"
#include "transfer/blob/listing_arrow.hpp"

namespace act::store {

namespace {

constexpr const char* known_includes[] = {"copy",       "deleted",
                                          "metadata",   "snapshots",
                                          "versions",   "uncommittedblobs",
                                          "tags",       "immutabilitypolicy",
                                          "legalhold",  "deletedwithversions",
                                          "permissions"};

struct wanted {
    bool metadata, tags, copy;
    item_cursor::kinds kinds;
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
    return wanted{includes(c, "metadata"), includes(c, "tags"), includes(c, "copy"),
                  item_cursor::kinds{.snapshots = includes(c, "snapshots"),
                                     .uncommitted = includes(c, "uncommittedblobs"),
                                     .versions = includes(c, "versions"),
                                     .deleted = includes(c, "deleted")}};
}

class blob_writer {
public:
    blob_writer(service& s, const call& c, const wanted& w, std::string& out)
        : s_(s), now_(c.at()), wanted_(w), out_(out) {}

    void add(const item_cursor& item, const blob_decoder& decoded) {
        const blob_record& r = decoded.record();
        out_ += "<Blob>";
        element(out_, "Name", item.name());
        optional_element(out_, "Snapshot", item.snapshot());
        if (item.deleted()) out_ += "<Deleted>true</Deleted>";
        if (wanted_.kinds.versions) add_version(item, r);
        out_ += times(r);
        out_ += etag_digits(r.etag).view();
        out_ += "</Etag>";
        element(out_, "Content-Length", r.size);
        out_ += kind_of_content(r, decoded.same_headers());
        element(out_, "Content-MD5", r.headers.md5);
        add_state(item, r, decoded.same_headers() && decoded.same_state());
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

    std::size_t size() const { return out_.size(); }

private:
    // Most blobs of a page have most in common: that is written once, and again where it changes.

    std::string_view times(const blob_record& r) {
        const std::int64_t created = r.created / 1'000'000'000, modified = r.modified / 1'000'000'000;
        if (times_.empty() || created != created_ || modified != modified_) {
            created_ = created;
            modified_ = modified;
            times_ = "<Properties>";
            element(times_, "Creation-Time", to_http_date(from_nanos(r.created)));
            element(times_, "Last-Modified", to_http_date(from_nanos(r.modified)));
            times_ += "<Etag>";
        }
        return times_;
    }

    std::string_view kind_of_content(const blob_record& r, bool as_before) {
        if (!as_before) {
            content_.clear();
            element(content_, "Content-Type", r.headers.type);
            element(content_, "Content-Encoding", r.headers.encoding);
            element(content_, "Content-Language", r.headers.language);
            content_ += "<Content-CRC64 />";
        }
        return content_;
    }

    void add_state(const item_cursor& item, const blob_record& r, bool as_before) {
        if (!as_before) state_.clear();
        if (!item.is_current()) return write_state(out_, item, r);
        if (state_.empty()) write_state(state_, item, r);
        out_ += state_;
    }

    void write_state(std::string& out, const item_cursor& item, const blob_record& r) {
        element(out, "Cache-Control", r.headers.cache_control);
        element(out, "Content-Disposition", r.headers.disposition);
        if (r.type == blob::blob_type::page) element(out, "x-ms-blob-sequence-number", r.sequence_number);
        out.append("<BlobType>").append(type_name(r.type)).append("</BlobType>");
        if (r.type == blob::blob_type::block) {
            element(out, "AccessTier", to_string(r.tier));
            if (r.tier == tier::none) {
                out += "<AccessTierInferred>true</AccessTierInferred>";
            } else {
                element(out, "AccessTierChangeTime", tier_changed_.text(r.tier_changed));
            }
        }
        if (r.sealed) out += "<Sealed>true</Sealed>";
        if (item.snapshot().empty() && item.version().empty()) add_lease(out, r.lease, now_);
        if (const trash_record* gone = item.deleted()) add_deletion(out, *gone);
        out += "<ServerEncrypted>true</ServerEncrypted>";
        optional_element(out, "CustomerProvidedKeySha256", r.encryption.key_sha256);
        optional_element(out, "EncryptionScope", r.encryption.scope);
        if (wanted_.copy) add_copy(out, r);
        if (!r.tags.empty()) element(out, "TagCount", packed::count(r.tags));
        out += "</Properties>";
    }

    void add_version(const item_cursor& item, const blob_record& r) {
        if (!item.version().empty()) {
            element(out_, "VersionId", item.version());
        } else if (r.version != 0 && item.snapshot().empty() && !item.deleted()) {
            element(out_, "VersionId", snapshot_time(r.version));
            out_ += "<IsCurrentVersion>true</IsCurrentVersion>";
        }
    }

    void add_deletion(std::string& out, const trash_record& gone) {
        element(out, "DeletedTime", to_http_date(from_nanos(gone.deleted)));
        element(out, "RemainingRetentionDays", days_of(gone, now_));
    }

    void add_copy(std::string& out, const blob_record& r) {
        if (r.copy.id.empty()) return;
        const copy_progress p = progress_of(s_, r);
        element(out, "CopyId", r.copy.id);
        element(out, "CopySource", without_query(r.copy.source));
        element(out, "CopyStatus", p.status);
        element(out, "CopyProgress", fmt::format("{}/{}", p.done, p.total));
        if (r.copy.completed != 0)
            element(out, "CopyCompletionTime", to_http_date(from_nanos(r.copy.completed)));
        optional_element(out, "CopyStatusDescription", p.description);
    }

    service& s_;
    nanos now_;
    const wanted& wanted_;
    std::string& out_;
    std::int64_t created_ = 0, modified_ = 0;
    std::string times_;
    std::string content_, state_;
    http_dates tier_changed_;
};

// The smallest name behind all that begin with `prefix`; nothing when there is none.
std::optional<std::string> behind(std::string prefix) {
    while (!prefix.empty() && static_cast<unsigned char>(prefix.back()) == 0xff) prefix.pop_back();
    if (prefix.empty()) return {};
    prefix.back() = static_cast<char>(prefix.back() + 1);
    return prefix;
}

// Writes the entries of one page, those before `end` if there is one; gives the marker of the next page,
// empty where the listing ends.
template <class Writer>
outcome<std::string> fill_page(item_cursor& item, const call& c, std::uint64_t limit, std::string_view end,
                               Writer& to) {
    const std::string_view prefix = c.param("prefix"), delimiter = c.param("delimiter");
    std::uint64_t count = 0;
    blob_decoder decoded;
    for (; item.valid() && item.name().starts_with(prefix); ++count) {
        if (!end.empty() && item.name() >= end) break;
        if (count == limit || to.size() > largest_page_text) return make_marker(item.position());
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
            if (!decoded.next(item.record())) return failure();
            to.add(item, decoded);
        }
        item.next();
    }
    return std::string();
}

answer build_page(service& s, const reader& r, const call& c, const wanted& w, std::uint64_t limit) {
    const std::string_view prefix = c.param("prefix"), delimiter = c.param("delimiter");
    ACT_TRY(const std::string marker, read_marker(c));
    ACT_TRY(const auto container, existing_container(r, c));
    item_cursor item(r, container.id, w.kinds, c.at());
    if (!marker.empty()) {
        item.seek_position(marker);
    } else {
        item.seek(std::max(prefix, c.param("startFrom")));
    }
    if (wants_columns(c)) {
        column_page page(s, c.at(), {w.metadata, w.tags, w.copy, w.kinds.versions});
        ACT_TRY(const std::string next, fill_page(item, c, limit, c.param("endBefore"), page));
        reply out = reply::xml(200, page.finish(next));
        out.headers.set("Content-Type", blob::arrow_type);
        return out;
    }

    std::string out =
        begin_listing(s, c.container, std::min<std::size_t>(limit * 800 + 1024, largest_page_text));
    element(out, "Prefix", prefix);
    element(out, "Marker", c.param("marker"));
    element(out, "MaxResults", limit);
    if (!delimiter.empty()) element(out, "Delimiter", delimiter);
    out += "<Blobs>";
    blob_writer to(s, c, w, out);
    ACT_TRY(const std::string next, fill_page(item, c, limit, {}, to));
    out += "</Blobs>";
    element(out, "NextMarker", next);
    out += "</EnumerationResults>";
    return reply::xml(200, std::move(out));
}

}  // namespace

task<answer> list_blobs(service& s, call& c, http::server_exchange&) {
    ACT_CO_TRY(const wanted w, read_include(c));
    ACT_CO_TRY(const std::uint64_t limit, page_limit(c));
    if (w.kinds.snapshots && !c.param("delimiter").empty())
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

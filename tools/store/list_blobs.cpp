// List Blobs (blob-rest.md section 11).
#include <fmt/format.h>

#include "tools/store/access_control.hpp"
#include "tools/store/copy.hpp"
#include "tools/store/directories.hpp"
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

/// showonly, which hierarchical accounts alone know.
enum class kind_of_path { any, file, directory, deleted };

struct wanted {
    bool metadata, tags, copy;
    item_cursor::kinds kinds;
    bool access;
    kind_of_path only = kind_of_path::any;
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
                                     .deleted = includes(c, "deleted")},
                  includes(c, "permissions")};
}

outcome<> read_show_only(const call& c, wanted& w) {
    const std::string_view text = c.param("showonly");
    if (text.empty()) return {};
    if (http::same_name(text, "files")) {
        w.only = kind_of_path::file;
    } else if (http::same_name(text, "directories")) {
        w.only = kind_of_path::directory;
    } else if (http::same_name(text, "deleted")) {
        w.only = kind_of_path::deleted;
        w.kinds.deleted = true;
    } else {
        return invalid_query("showonly", text);
    }
    return {};
}

class blob_writer {
public:
    blob_writer(service& s, const call& c, const wanted& w, std::string& out)
        : s_(s),
          now_(c.at()),
          typed_(s.options.hierarchical && c.version >= typed_from),
          wanted_(w),
          out_(out) {}

    void add(const item_cursor& item, const blob_decoder& decoded) {
        const blob_record& r = decoded.record();
        out_ += "<Blob>";
        element(out_, "Name", item.name());
        optional_element(out_, "Snapshot", item.snapshot());
        if (item.deleted()) {
            out_ += "<Deleted>true</Deleted>";
            optional_element(out_, "DeletionId", item.deletion_id());
        }
        if (wanted_.kinds.versions) add_version(item, r);
        out_ += times(r);
        out_ += etag_digits(r.etag).view();
        out_ += "</Etag>";
        element(out_, "Content-Length", r.size);
        out_ += kind_of_content(r, decoded.same_headers());
        element(out_, "Content-MD5", r.headers.md5);
        if (typed_ && wanted_.access) add_access(r);
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

    /// `directory`: the directory that it is, or null.
    void add_prefix(std::string_view name, const blob_record* directory) {
        out_ += "<BlobPrefix>";
        element(out_, "Name", name);
        if (directory && typed_) {
            out_ += times(*directory);
            out_ += etag_digits(directory->etag).view();
            out_ += "</Etag><ResourceType>directory</ResourceType><Content-Length>0</Content-Length>";
            if (wanted_.access) add_access(*directory);
            out_ += "</Properties>";
        }
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
        if (typed_) element(out, "ResourceType", r.directory ? "directory" : "file");
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

    // Learn, "List Blobs": with include=permissions.
    void add_access(const blob_record& r) {
        const access_control access = access_control::of(r);
        element(out_, "Owner", access.owner);
        element(out_, "Group", access.group);
        element(out_, "Permissions", access.permissions());
        element(out_, "Acl", access.text());
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

    /// The first version that tells which paths are directories (of prefixes a little earlier).
    static constexpr const char* typed_from = "2020-10-02";
    service& s_;
    nanos now_;
    const bool typed_;
    const wanted& wanted_;
    std::string& out_;
    std::int64_t created_ = 0, modified_ = 0;
    std::string times_;
    std::string content_, state_;
    http_dates tier_changed_;
};

// The smallest name that is listed behind all that begin with `prefix`; nothing when there is none.
std::optional<std::string> behind(name_space space, std::string prefix) {
    const bool paths = space == name_space::hierarchical;
    if (paths) turn_path(prefix);
    while (!prefix.empty() && static_cast<unsigned char>(prefix.back()) == 0xff) prefix.pop_back();
    if (prefix.empty()) return {};
    prefix.back() = static_cast<char>(prefix.back() + 1);
    if (paths) turn_path(prefix);
    return prefix;
}

// What a page is made of.
struct page_plan {
    name_space space;
    std::string_view prefix, delimiter;
    std::string_view end;  // only what is listed before it; empty: no end
    std::uint64_t limit;
    kind_of_path only;
};

// In a hierarchical account: what an item is, and whether it is asked for.
class path_filter {
public:
    explicit path_filter(kind_of_path only) : only_(only) {}
    /// False: the record is damaged.
    bool look(const item_cursor& item) { return item.is_upload() || decode(item.record(), record_); }
    bool directory(const item_cursor& item) const { return item.is_current() && record_.directory; }
    const blob_record& record() const { return record_; }
    bool wants(const item_cursor& item) const {
        const bool directory = !item.is_upload() && record_.directory;
        switch (only_) {
            case kind_of_path::file:
                return !directory;
            case kind_of_path::directory:
                return directory;
            case kind_of_path::deleted:
                return item.deleted() != nullptr;
            case kind_of_path::any:
                break;
        }
        return true;
    }

private:
    const kind_of_path only_;
    blob_record record_;
};

// Writes the entries of one page; gives the marker of the next page, empty where the listing ends.
template <class Writer>
outcome<std::string> fill_page(item_cursor& item, const page_plan& plan, Writer& to) {
    const bool paths = plan.space == name_space::hierarchical;
    path_filter filter(plan.only);
    std::uint64_t count = 0;
    blob_decoder decoded;
    while (item.valid() && item.name().starts_with(plan.prefix)) {
        if (!plan.end.empty() && !listed_before(plan.space, item.name(), plan.end)) break;
        bool directory = false;
        if (paths) {
            if (!filter.look(item)) return failure();
            directory = !plan.delimiter.empty() && filter.directory(item);
            // Below a directory there may be what is asked for, but with a delimiter it is not shown.
            if (!filter.wants(item) && !(directory && plan.only == kind_of_path::file)) {
                item.next();
                continue;
            }
        }
        if (count == plan.limit || to.size() > largest_page_text) return make_marker(item.position());
        std::size_t cut = plan.delimiter.empty() ? std::string_view::npos
                                                 : item.name().find(plan.delimiter, plan.prefix.size());
        if (directory && cut == std::string_view::npos) cut = item.name().size();
        if (cut != std::string_view::npos) {
            std::string group(item.name().substr(0, cut));
            group += plan.delimiter;
            // Of files alone there are no groups.
            if (plan.only != kind_of_path::file) {
                to.add_prefix(group, directory ? &filter.record() : nullptr);
                ++count;
            }
            const auto after = behind(plan.space, std::move(group));
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
        ++count;
        item.next();
    }
    return std::string();
}

// In a hierarchical account nothing can be below a file, and to ask for it is a failure (Learn, "List Blobs";
// the code is UNCONFIRMED).
outcome<> check_prefix(const reader& r, std::uint64_t container, std::string_view prefix) {
    return check_place(r, container, prefix, nullptr, false);
}

answer build_page(service& s, const reader& r, const call& c, const wanted& w, std::uint64_t limit) {
    const std::string_view prefix = c.param("prefix"), delimiter = c.param("delimiter");
    ACT_TRY(const std::string marker, read_marker(c));
    ACT_TRY(const auto container, existing_container(r, c));
    ACT_TRY_VOID(check_prefix(r, container.id, prefix));
    item_cursor item(r, container.id, w.kinds, c.at());
    const std::string_view start = c.param("startFrom");
    if (!marker.empty()) {
        item.seek_position(marker);
    } else {
        item.seek(listed_before(r.space(), prefix, start) ? start : prefix);
    }
    page_plan plan{r.space(), prefix, delimiter, {}, limit, w.only};
    if (wants_columns(c)) {
        plan.end = c.param("endBefore");
        column_page page(s, c.at(), {w.metadata, w.tags, w.copy, w.kinds.versions});
        ACT_TRY(const std::string next, fill_page(item, plan, page));
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
    ACT_TRY(const std::string next, fill_page(item, plan, to));
    out += "</Blobs>";
    element(out, "NextMarker", next);
    out += "</EnumerationResults>";
    return reply::xml(200, std::move(out));
}

}  // namespace

task<answer> list_blobs(service& s, call& c, http::server_exchange&) {
    ACT_CO_TRY(wanted w, read_include(c));
    ACT_CO_TRY(const std::uint64_t limit, page_limit(c));
    const std::string_view delimiter = c.param("delimiter");
    if (w.kinds.snapshots && !delimiter.empty()) co_return invalid_query("delimiter", delimiter);
    if (s.options.hierarchical) {
        ACT_CO_TRY_VOID(read_show_only(c, w));
        // The only one that such accounts support (Learn, "Known issues"; the code is UNCONFIRMED).
        if (!delimiter.empty() && delimiter != "/") co_return invalid_query("delimiter", delimiter);
    }
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

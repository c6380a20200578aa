#include "tools/store/listing.hpp"

#include <cstring>

#include <fmt/format.h>

#include "engine/codec/base64.hpp"
#include "engine/core/uri.hpp"
#include "tools/store/past.hpp"
#include "transfer/blob/xml.hpp"

namespace act::store {

namespace {

constexpr std::string_view marker_head = "2!";
// Sorts behind every snapshot's time: the blob itself.
constexpr std::string_view base = "\x7f";
// Before what a marker says of a deleted item, or of a version; a snapshot's time begins with a digit.
constexpr char trash_mark = 'd', version_mark = 'v';

char* put(char* to, std::string_view s) {
    std::memcpy(to, s.data(), s.size());
    return to + s.size();
}

// Of text that needs no escaping, with memory taken once.
void plain_element(std::string& out, std::string_view name, std::string_view text) {
    const std::size_t before = out.size();
    out.resize(before + name.size() * 2 + text.size() + 5);
    char* to = out.data() + before;
    *to++ = '<';
    to = put(to, name);
    *to++ = '>';
    to = put(to, text);
    to = put(to, "</");
    to = put(to, name);
    *to = '>';
}

}  // namespace

outcome<std::uint64_t> page_limit(const call& c) {
    ACT_TRY(const auto asked, param_number(c, "maxresults"));
    if (asked && *asked == 0) {
        return failure(codes::out_of_range_query)
            .with("QueryParameterName", "maxresults")
            .with("QueryParameterValue", std::string(c.param("maxresults")));
    }
    return std::min(asked.value_or(largest_page), largest_page);
}

std::string make_marker(std::string_view position) {
    std::string text = codec::base64_encode(codec::as_bytes(position));
    // Clients put markers into URLs with more or less care.
    for (char& ch : text) ch = ch == '+' ? '-' : ch == '/' ? '_' : ch == '=' ? '!' : ch;
    return std::string(marker_head) + text;
}

outcome<std::string> read_marker(const call& c, const char* parameter) {
    std::string text(c.param(parameter));
    if (text.empty()) return text;
    if (!text.starts_with(marker_head)) return invalid_query(parameter, text);
    for (char& ch : text) ch = ch == '-' ? '+' : ch == '_' ? '/' : ch == '!' ? '=' : ch;
    auto raw = codec::base64_decode(std::string_view(text).substr(marker_head.size()));
    if (!raw) return invalid_query(parameter, c.param(parameter));
    return std::move(*raw);
}

bool includes(const call& c, std::string_view what) {
    std::string_view list = c.param("include");
    while (!list.empty()) {
        const std::size_t comma = list.find(',');
        std::string_view one = list.substr(0, comma);
        while (one.starts_with(' ')) one.remove_prefix(1);
        if (http::same_name(one, what)) return true;
        list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
    }
    return false;
}

void element(std::string& out, std::string_view name, std::string_view text) {
    if (!text.empty() && blob::xml::plain(text)) return plain_element(out, name, text);
    out.append("<").append(name);
    if (text.empty()) {
        out += " />";
        return;
    }
    out += '>';
    if (blob::xml::representable(text)) {
        blob::xml::escape(out, text);
    } else {
        out += encode_component(text);
    }
    out.append("</").append(name).append(">");
}

void element(std::string& out, std::string_view name, std::uint64_t number) {
    const fmt::format_int text(number);
    plain_element(out, name, {text.data(), text.size()});
}

void optional_element(std::string& out, std::string_view name, std::string_view text) {
    if (!text.empty()) element(out, name, text);
}

std::string_view http_dates::text(nanos n) {
    const std::int64_t second = n / 1'000'000'000;
    if (second != second_) {
        second_ = second;
        text_ = to_http_date(from_nanos(n));
    }
    return text_;
}

void add_metadata(std::string& out, std::string_view metadata) {
    out += "<Metadata>";
    std::string_view name, value;
    while (packed::next(metadata, name, value)) {
        const bool plain =
            std::all_of(name.begin(), name.end(), [](char ch) { return static_cast<signed char>(ch) > 0; });
        if (plain) {
            element(out, name, value);
        } else {
            element(out, "x-ms-invalid-name", name);
        }
    }
    out += "</Metadata>";
}

void add_tags(std::string& out, std::string_view tags) {
    out += "<Tags><TagSet>";
    std::string_view name, value;
    while (packed::next(tags, name, value)) {
        out += "<Tag>";
        element(out, "Key", name);
        element(out, "Value", value);
        out += "</Tag>";
    }
    out += "</TagSet></Tags>";
}

lease_words words_of(const lease& l, nanos now) {
    const lease::state s = l.at(now);
    const bool locked = s == lease::state::leased || s == lease::state::breaking;
    return {locked ? "locked" : "unlocked", to_string(s),
            s != lease::state::leased ? ""
            : l.seconds < 0           ? "infinite"
                                      : "fixed"};
}

void add_lease(std::string& out, const lease& l, nanos now) {
    const lease_words words = words_of(l, now);
    element(out, "LeaseStatus", words.status);
    element(out, "LeaseState", words.state);
    optional_element(out, "LeaseDuration", words.duration);
}

const char* type_name(blob::blob_type t) {
    return t == blob::blob_type::append ? "AppendBlob"
           : t == blob::blob_type::page ? "PageBlob"
                                        : "BlockBlob";
}

std::string begin_listing(const service& s, std::string_view container, std::size_t reserve) {
    std::string out;
    out.reserve(reserve);
    out += "<?xml version=\"1.0\" encoding=\"utf-8\"?><EnumerationResults ServiceEndpoint=\"";
    blob::xml::escape(out, s.url);
    out += "/\"";
    if (!container.empty()) out.append(" ContainerName=\"").append(container).append("\"");
    return out += '>';
}

// ---- item_cursor

item_cursor::item_cursor(const reader& r, std::uint64_t container, kinds with, nanos now)
    : blobs_(r, table::blobs, container),
      snapshots_(r, table::snapshots, container),
      uploads_(r, table::uploads, container),
      versions_(r, table::versions, container),
      trash_(r, table::trash, container),
      with_(with),
      only_blobs_(!with.snapshots && !with.uncommitted && !with.versions && !with.deleted),
      now_(now) {}

void item_cursor::seek(std::string_view name, std::string_view snapshot) {
    // Of the kinds behind the one that `snapshot` is of, all.
    const bool in_trash = snapshot.starts_with(trash_mark), in_versions = snapshot.starts_with(version_mark);
    const bool at_snapshot = !in_trash && !in_versions && snapshot != base;
    blobs_.seek(name);
    if (with_.snapshots) snapshots_.seek(name, at_snapshot ? snapshot : base);
    if (with_.deleted) trash_.seek(name, in_trash ? snapshot.substr(1) : at_snapshot ? "" : base);
    if (with_.versions) versions_.seek(name, in_versions ? snapshot.substr(1) : snapshot == base ? base : "");
    if (with_.uncommitted) uploads_.seek(name);
    choose();
}

bool item_cursor::shows_deleted() {
    const char what = trash_.snapshot().empty() ? '\0' : trash_.snapshot()[0];
    const bool wanted = what == trash::below      ? false
                        : what == trash::snapshot ? with_.snapshots
                        : what == trash::version  ? with_.versions
                                                  : true;
    return wanted && decode(trash_.record(), deleted_) && deleted_.until > now_;
}

void item_cursor::choose() {
    if (only_blobs_) {
        current_ = blobs_.valid() ? &blobs_ : nullptr;
        return;
    }
    // A blob with uncommitted blocks beside its committed ones is listed once.
    while (uploads_.valid() && blobs_.valid() && uploads_.name() == blobs_.name()) uploads_.next();
    while (trash_.valid() && !shows_deleted()) trash_.next();
    current_ = nullptr;
    for (record_cursor* c : {&snapshots_, &trash_, &versions_, &blobs_, &uploads_}) {
        if (c->valid() && (!current_ || c->precedes(*current_))) current_ = c;
    }
}

void item_cursor::next() {
    current_->next();
    choose();
}

std::string_view item_cursor::snapshot() const {
    if (current_ == &snapshots_) return current_->snapshot();
    const bool mine = deleted() && trash_.snapshot().starts_with(trash::snapshot);
    return mine ? trash_.snapshot().substr(1) : std::string_view();
}

std::string_view item_cursor::version() const {
    if (current_ == &versions_) return current_->snapshot();
    const bool mine = deleted() && trash_.snapshot().starts_with(trash::version);
    return mine ? trash_.snapshot().substr(1) : std::string_view();
}

std::string_view item_cursor::deletion_id() const {
    const bool mine = deleted() && trash_.snapshot().starts_with(trash::path);
    return mine ? trash_.snapshot().substr(1) : std::string_view();
}

std::string item_cursor::position() const {
    std::string out(name());
    out += '\0';
    if (current_ == &snapshots_) return out.append(current_->snapshot());
    if (current_ == &trash_) return (out += trash_mark).append(current_->snapshot());
    if (current_ == &versions_) return (out += version_mark).append(current_->snapshot());
    return out.append(base);
}

void item_cursor::seek_position(std::string_view position) {
    const std::size_t zero = position.find('\0');
    if (zero == std::string_view::npos) {
        seek(position);
    } else {
        seek(position.substr(0, zero), position.substr(zero + 1));
    }
}

}  // namespace act::store

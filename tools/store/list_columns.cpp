#include "tools/store/list_columns.hpp"

#include <fmt/format.h>

#include "engine/codec/arrow_write.hpp"
#include "tools/store/copy.hpp"
#include "tools/store/headers.hpp"
#include "transfer/blob/listing_arrow.hpp"

namespace act::store {

struct column_page::columns {
    arrow::text_builder name{"Name"}, snapshot{"Snapshot"}, version{"VersionId"}, etag{"Etag"},
        type{"Content-Type"}, encoding{"Content-Encoding"}, language{"Content-Language"}, md5{"Content-MD5"},
        cache_control{"Cache-Control"}, disposition{"Content-Disposition"}, blob_type{"BlobType"},
        tier{"AccessTier"}, lease_status{"LeaseStatus"}, lease_state{"LeaseState"},
        lease_duration{"LeaseDuration"}, copy_id{"CopyId"}, copy_source{"CopySource"},
        copy_status{"CopyStatus"}, copy_progress{"CopyProgress"}, copy_description{"CopyStatusDescription"},
        resource{"ResourceType"}, deletion{"DeletionId"}, key_sha256{"CustomerProvidedKeySha256"},
        scope{"EncryptionScope"};
    arrow::timestamp_builder created{"Creation-Time"}, modified{"Last-Modified"},
        tier_changed{"AccessTierChangeTime"}, copy_completed{"CopyCompletionTime"},
        deleted_time{"DeletedTime"};
    arrow::integer_builder length{"Content-Length"}, sequence{"x-ms-blob-sequence-number"},
        tag_count{"TagCount"}, days_left{"RemainingRetentionDays"};
    arrow::boolean_builder tier_inferred{"AccessTierInferred"}, sealed{"Sealed"},
        encrypted{"ServerEncrypted"}, deleted{"Deleted"}, current{"IsCurrentVersion"};
    arrow::map_builder metadata{"Metadata"}, tags{"Tags"};

    /// What add_common() sets, for `count` rows from `row` on as in the row before.
    void repeat(std::size_t row, std::size_t count) {
        for (auto* c : {&type, &encoding, &language, &cache_control, &disposition, &blob_type, &tier,
                        &lease_status, &lease_state, &lease_duration, &key_sha256, &scope})
            c->repeat(row, count);
        for (auto* c : {&sequence, &tag_count}) c->repeat(row, count);
        tier_changed.repeat(row, count);
        for (auto* c : {&tier_inferred, &sealed, &encrypted}) c->repeat(row, count);
    }
};

namespace {

constexpr std::string_view accept_separators = ", ;";

std::uint64_t seconds(nanos n) { return static_cast<std::uint64_t>(n / 1'000'000'000); }

void set_given(arrow::text_builder& to, std::size_t row, std::string_view text) {
    if (!text.empty()) to.set(row, text);
}

void set_pairs(arrow::map_builder& to, std::size_t row, std::string_view pairs) {
    to.set(row);
    std::string_view name, value;
    while (packed::next(pairs, name, value)) to.add(name, value);
}

}  // namespace

bool wants_columns(const call& c) {
    if (c.version < blob::arrow_version) return false;
    std::string_view accept = c.header("Accept");
    while (!accept.empty()) {
        const std::size_t end = std::min(accept.find_first_of(accept_separators), accept.size());
        if (http::same_name(accept.substr(0, end), blob::arrow_type)) return true;
        accept.remove_prefix(std::min(end + 1, accept.size()));
    }
    return false;
}

column_page::column_page(service& s, nanos now, parts wanted)
    : s_(s), now_(now), wanted_(wanted), to_(std::make_unique<columns>()) {}
column_page::~column_page() = default;

void column_page::add(const item_cursor& item, const blob_decoder& decoded) {
    columns& to = *to_;
    const blob_record& r = decoded.record();
    to.name.set(row_, item.name());
    to.created.set(row_, seconds(r.created));
    to.modified.set(row_, seconds(r.modified));
    to.etag.set(row_, etag_digits(r.etag).view());
    to.length.set(row_, r.size);
    set_given(to.md5, row_, r.headers.md5);
    if (s_.options.hierarchical) to.resource.set(row_, r.directory ? "directory" : "file");
    if (wanted_.metadata && !r.metadata.empty()) set_pairs(to.metadata, row_, r.metadata);
    if (wanted_.tags && !r.tags.empty()) set_pairs(to.tags, row_, r.tags);
    if (wanted_.copy && !r.copy.id.empty()) add_copy(r);
    if (!item.is_current() || wanted_.versions) add_past(item, r);
    const bool leasable = item.is_current() || (item.snapshot().empty() && item.version().empty());
    if (decoded.same_headers() && decoded.same_state() && leasable_ == leasable) {
        ++repeats_;
    } else {
        write_repeats();
        add_common(r, leasable);
        leasable_ = leasable;
    }
    size_ += item.name().size() + r.metadata.size() + r.headers.md5.size() + common_size_;
    ++row_;
}

void column_page::add_past(const item_cursor& item, const blob_record& r) {
    columns& to = *to_;
    set_given(to.snapshot, row_, item.snapshot());
    if (const trash_record* gone = item.deleted()) {
        to.deleted.set(row_, true);
        set_given(to.deletion, row_, item.deletion_id());
        to.deleted_time.set(row_, seconds(gone->deleted));
        to.days_left.set(row_, days_of(*gone, now_));
    }
    if (!wanted_.versions) return;
    if (!item.version().empty()) {
        to.version.set(row_, item.version());
    } else if (r.version != 0 && item.snapshot().empty() && !item.deleted()) {
        to.version.set(row_, snapshot_time(r.version));
        to.current.set(row_, true);
    }
}

void column_page::add_common(const blob_record& r, bool leasable) {
    columns& to = *to_;
    const auto& h = r.headers;
    set_given(to.type, row_, h.type);
    set_given(to.encoding, row_, h.encoding);
    set_given(to.language, row_, h.language);
    set_given(to.cache_control, row_, h.cache_control);
    set_given(to.disposition, row_, h.disposition);
    to.blob_type.set(row_, type_name(r.type));
    if (r.type == blob::blob_type::page) to.sequence.set(row_, r.sequence_number);
    if (r.type == blob::blob_type::block) {
        to.tier.set(row_, to_string(r.tier));
        if (r.tier == tier::none) {
            to.tier_inferred.set(row_, true);
        } else {
            to.tier_changed.set(row_, seconds(r.tier_changed));
        }
    }
    if (r.sealed) to.sealed.set(row_, true);
    if (leasable) {
        const lease_words l = words_of(r.lease, now_);
        to.lease_status.set(row_, l.status);
        to.lease_state.set(row_, l.state);
        set_given(to.lease_duration, row_, l.duration);
    }
    to.encrypted.set(row_, true);
    set_given(to.key_sha256, row_, r.encryption.key_sha256);
    set_given(to.scope, row_, r.encryption.scope);
    if (!r.tags.empty()) to.tag_count.set(row_, packed::count(r.tags));
    common_size_ = r.tags.size() + h.type.size() + h.encoding.size() + h.language.size() +
                   h.cache_control.size() + h.disposition.size() + 160;
}

void column_page::write_repeats() {
    if (repeats_ != 0) to_->repeat(row_ - repeats_, repeats_);
    repeats_ = 0;
    leasable_.reset();
}

void column_page::add_copy(const blob_record& r) {
    columns& to = *to_;
    const copy_progress p = progress_of(s_, r);
    to.copy_id.set(row_, r.copy.id);
    set_given(to.copy_source, row_, without_query(r.copy.source));
    set_given(to.copy_status, row_, p.status);
    to.copy_progress.set(row_, fmt::format("{}/{}", p.done, p.total));
    if (r.copy.completed != 0) to.copy_completed.set(row_, seconds(r.copy.completed));
    set_given(to.copy_description, row_, p.description);
    size_ += r.copy.source.size() + 128;
}

void column_page::add_uncommitted(std::string_view name) {
    write_repeats();
    columns& to = *to_;
    to.name.set(row_, name);
    to.length.set(row_, 0);
    to.type.set(row_, "application/octet-stream");
    to.blob_type.set(row_, type_name(blob::blob_type::block));
    to.tier.set(row_, to_string(tier::none));
    to.tier_inferred.set(row_, true);
    to.lease_status.set(row_, "unlocked");
    to.lease_state.set(row_, "available");
    to.encrypted.set(row_, true);
    size_ += name.size() + 128;
    ++row_;
}

void column_page::add_prefix(std::string_view name, const blob_record* directory) {
    write_repeats();
    columns& to = *to_;
    to.name.set(row_, name);
    to.resource.set(row_, "blobprefix");
    if (directory) {
        to.created.set(row_, seconds(directory->created));
        to.modified.set(row_, seconds(directory->modified));
        to.etag.set(row_, etag_digits(directory->etag).view());
        to.length.set(row_, 0);
    }
    size_ += name.size() + 16;
    ++row_;
}

std::string column_page::finish(std::string_view next) {
    write_repeats();
    columns& to = *to_;
    arrow::table_builder table(row_);
    // Without these there is no listing; the others are there when there is something in them.
    table.add_always(to.name);
    table.add_always(to.etag);
    table.add_always(to.modified);
    table.add_always(to.length);
    for (auto* c : {&to.snapshot,       &to.version,       &to.type,
                    &to.encoding,       &to.language,      &to.md5,
                    &to.cache_control,  &to.disposition,   &to.blob_type,
                    &to.tier,           &to.lease_status,  &to.lease_state,
                    &to.lease_duration, &to.copy_id,       &to.copy_source,
                    &to.copy_status,    &to.copy_progress, &to.copy_description,
                    &to.resource,       &to.deletion,      &to.key_sha256,
                    &to.scope}) {
        table.add(*c);
    }
    for (auto* c : {&to.created, &to.tier_changed, &to.copy_completed, &to.deleted_time}) table.add(*c);
    for (auto* c : {&to.sequence, &to.tag_count, &to.days_left}) table.add(*c);
    for (auto* c : {&to.tier_inferred, &to.sealed, &to.encrypted, &to.deleted, &to.current}) table.add(*c);
    for (auto* c : {&to.metadata, &to.tags}) table.add(*c);
    const std::string count = std::to_string(row_);
    const std::pair<std::string_view, std::string_view> about[] = {{"NextMarker", next},
                                                                   {"NumberOfRecords", count}};
    return table.finish(about);
}

}  // namespace act::store

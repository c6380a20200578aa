// Changes of a blob that leave its content alone, and snapshots (blob-rest.md section 9).
#include "tools/store/directories.hpp"
#include "tools/store/encryption.hpp"
#include "tools/store/put_blob.hpp"
#include "transfer/blob/documents.hpp"

namespace act::store {

namespace {

struct target {
    container_record container;
    blob_record record;
};

// The blob that a change is for, after its checks.
outcome<target> changeable(const reader& r, const call& c) {
    target t;
    ACT_TRY(t.container, existing_container(r, c));
    auto record = load<blob_record>(r, table::blobs, t.container.id, c.blob);
    if (!record) return failure(codes::blob_not_found);
    ACT_TRY_VOID(check_change(c, &*record));
    t.record = *record;
    return t;
}

void save_changed(writer& w, const call& c, target& t) {
    t.record.etag = next_etag(c.at(), t.record.etag);
    t.record.modified = c.at();
    t.record.lease = after_change(t.record.lease, c.at());
    save(w, table::blobs, t.container.id, c.blob, {}, encode(t.record));
}

outcome<> check_page_size(std::uint64_t size) {
    if (size % 512 == 0 && size <= 8 * TiB) return {};
    return invalid_header("x-ms-blob-content-length", std::to_string(size));
}

// x-ms-sequence-number-action.
outcome<std::uint64_t> new_sequence_number(const call& c, std::uint64_t old) {
    const std::string_view action = c.header("x-ms-sequence-number-action");
    if (action.empty()) return old;
    ACT_TRY(const auto given, header_number(c, "x-ms-blob-sequence-number"));
    if (http::same_name(action, "increment")) return old + 1;
    if (!given) return missing_header("x-ms-blob-sequence-number");
    if (http::same_name(action, "max")) return std::max(old, *given);
    if (http::same_name(action, "update")) return *given;
    return invalid_header("x-ms-sequence-number-action", action);
}

}  // namespace

answer set_blob_metadata(service& s, writer& w, call& c) {
    ACT_TRY(target t, changeable(w, c));
    ACT_TRY(const encryption asked, encryption_of_write(c, t.container));
    ACT_TRY_VOID(check_change_in_place(asked, t.record.encryption));
    ACT_TRY(std::string metadata, read_metadata(c));
    // A path stays what it is. That a file cannot be given the mark is UNCONFIRMED.
    if (t.record.directory) {
        metadata = with_folder_mark(std::move(metadata));
    } else if (makes_directory(w, c)) {
        return failure(codes::resource_type_mismatch);
    }
    std::string before;
    if (protection_of(w).versioning) {
        // What the record views is about to change.
        before = encode(t.record);
        if (!decode(before, t.record)) return failure();
        const nanos version = next_version(w, t.container.id, c.blob, c.at());
        blob_record previous = t.record;
        previous.content = share(w, *s.files, previous.content, previous.size);
        keep_version(w, t.container.id, c.blob, previous);
        t.record.version = version;
    }
    t.record.metadata = metadata;
    // As long as what the record views is there.
    http::fields about;
    add_encrypted_write(about, t.record.encryption);
    save_changed(w, c, t);
    reply out = changed(200, t.record);
    for (std::size_t i = 0; i < about.size(); ++i) out.headers.add(about.at(i).name, about.at(i).value);
    return out;
}

answer set_blob_properties(service&, writer& w, call& c) {
    ACT_TRY(target t, changeable(w, c));
    ACT_TRY(const auto size, header_number(c, "x-ms-blob-content-length"));
    ACT_TRY(const std::uint64_t sequence, new_sequence_number(c, t.record.sequence_number));
    const bool page = t.record.type == blob::blob_type::page;
    const bool resizes_only = page && (size || c.has_header("x-ms-sequence-number-action"));
    if (size && !page) return failure(codes::invalid_blob_type);
    if (size) ACT_TRY_VOID(check_page_size(*size));
    // Omitted headers are cleared, except when a page blob is only resized or renumbered.
    bool any = false;
    for (const char* name :
         {"x-ms-blob-content-type", "x-ms-blob-content-encoding", "x-ms-blob-content-language",
          "x-ms-blob-content-md5", "x-ms-blob-cache-control", "x-ms-blob-content-disposition"}) {
        any |= c.has_header(name);
    }
    if (any || !resizes_only) apply_content_headers(c, t.record, false);
    t.record.sequence_number = sequence;
    const std::uint64_t old_size = t.record.size;
    if (size) t.record.size = *size;
    save_changed(w, c, t);
    reply out = changed(200, t.record);
    if (page) out.headers.add("x-ms-blob-sequence-number", sequence);
    if (size && *size < old_size) clear_extents(w, t.record.content.id, *size, UINT64_MAX);
    return out;
}

answer set_blob_tags(service&, writer& w, call& c) {
    if (w.hierarchical()) return failure(codes::not_for_hierarchical);
    ACT_TRY(const auto container, existing_container(w, c));
    auto record = load<blob_record>(w, table::blobs, container.id, c.blob);
    if (!record) return failure(codes::blob_not_found);
    ACT_TRY_VOID(check_lease(c, record->lease, leased::blob, false));
    ACT_TRY_VOID(check_conditions(c, state::of(&*record), purpose::write));
    ACT_TRY(const std::string tags, read_tags_document(c));
    record->tags = tags;
    save(w, table::blobs, container.id, c.blob, {}, encode(*record));
    return reply::of(204);
}

answer get_blob_tags(service&, const reader& r, call& c) {
    if (r.hierarchical()) return failure(codes::not_for_hierarchical);
    ACT_TRY(const auto container, existing_container(r, c));
    const auto record = load_asked(r, container.id, c);
    if (!record) return failure(codes::blob_not_found);
    ACT_TRY_VOID(check_lease(c, record->lease, leased::blob, false));
    ACT_TRY_VOID(check_conditions(c, state::of(&*record), purpose::read));
    blob::tags tags;
    std::string_view rest = record->tags, name, value;
    while (packed::next(rest, name, value)) tags[std::string(name)] = value;
    return reply::xml(200, blob::write_tags(tags));
}

answer set_blob_tier(service&, writer& w, call& c) {
    ACT_TRY(const tier wanted, read_tier(c));
    if (wanted == tier::none) return missing_header("x-ms-access-tier");
    ACT_TRY(const auto container, existing_container(w, c));
    const std::string_view snapshot = c.param("snapshot");
    const table where = snapshot.empty() ? table::blobs : table::snapshots;
    auto record = load<blob_record>(w, where, container.id, c.blob, snapshot);
    if (!record) return failure(codes::blob_not_found);
    if (record->type != blob::blob_type::block) return failure(codes::invalid_blob_type);
    if (record->directory) return failure(codes::not_for_directories);  // UNCONFIRMED
    ACT_TRY_VOID(check_lease(c, record->lease, leased::blob, false));
    ACT_TRY_VOID(check_conditions(c, state::of(&*record), purpose::write));
    // Rehydration, which takes hours, is over at once here; its status tells that it began.
    const bool rehydrated = record->tier == tier::archive && wanted != tier::archive;
    record->tier = wanted;
    record->tier_changed = c.at();
    save(w, where, container.id, c.blob, snapshot, encode(*record));
    return reply::of(rehydrated ? 202 : 200);
}

answer snapshot_blob(service& s, writer& w, call& c) {
    ACT_TRY(const auto container, existing_container(w, c));
    // Measured by others against such an account; tags are told the same.
    if (w.hierarchical()) return failure(codes::not_for_hierarchical);
    auto found = find(w, table::blobs, container.id, c.blob);
    if (!found) return failure(codes::blob_not_found);
    // The views of the record must outlive the changes below.
    const std::string bytes(*found);
    blob_record base;
    if (!decode(bytes, base)) return failure();
    ACT_TRY_VOID(check_lease(c, base.lease, leased::blob, false));
    ACT_TRY_VOID(check_conditions(c, state::of(&base), purpose::write));
    if (base.tier == tier::archive) return failure(codes::blob_archived);
    ACT_TRY(const encryption asked, encryption_of_write(c, container));
    ACT_TRY_VOID(check_change_in_place(asked, base.encryption));
    ACT_TRY(const std::string metadata, read_metadata(c));

    blob_record copy = base;
    copy.lease = {};
    copy.snapshots = 0;
    copy.version = 0;
    if (!metadata.empty()) {
        copy.metadata = metadata;
        copy.etag = next_etag(c.at(), base.etag);
        copy.modified = c.at();
    }
    // Times of 100 ns, and no two alike.
    std::string time;
    for (nanos at = c.at() / 100 * 100;; at += 100) {
        time = snapshot_time(at);
        if (!find(w, table::snapshots, container.id, c.blob, time)) break;
    }
    copy.content = share(w, *s.files, base.content, base.size);
    save(w, table::snapshots, container.id, c.blob, time, encode(copy));
    ++base.snapshots;
    save(w, table::blobs, container.id, c.blob, {}, encode(base));
    reply out = changed(201, copy);
    out.headers.add("x-ms-snapshot", time);
    out.headers.add("x-ms-request-server-encrypted", "true");
    return out;
}

}  // namespace act::store

#pragma once

#include "tools/store/catalog.hpp"
#include "tools/store/operation.hpp"

/// What the listings have in common: markers, page sizes and XML.
namespace act::store {

inline constexpr std::uint64_t largest_page = 5000;
/// A page ends early at this much text, so that much metadata cannot make it any size.
inline constexpr std::size_t largest_page_text = 8 * MiB;

/// maxresults: 1 to 5000, larger ones are cut.
outcome<std::uint64_t> page_limit(const call&);

/// A marker is opaque to clients: base64 of where the next page starts.
std::string make_marker(std::string_view position);
outcome<std::string> read_marker(const call&, const char* parameter = "marker");

/// True when `include` names `what`.
bool includes(const call&, std::string_view what);

/// <name>text</name>, or <name /> for nothing.
void element(std::string& out, std::string_view name, std::string_view text);
void element(std::string& out, std::string_view name, std::uint64_t number);
void optional_element(std::string& out, std::string_view name, std::string_view text);
/// RFC 1123; neighbours in a listing often have the same, so the last one is kept.
class http_dates {
public:
    std::string_view text(nanos);

private:
    std::int64_t second_ = INT64_MIN;
    std::string text_;
};
void add_metadata(std::string& out, std::string_view metadata);
void add_tags(std::string& out, std::string_view tags);
void add_lease(std::string& out, const lease&, nanos now);
/// What a listing tells of a lease; no duration unless it is held.
struct lease_words {
    std::string_view status, state, duration;
};
lease_words words_of(const lease&, nanos now);
/// For how many more whole days what was deleted is kept.
inline std::uint64_t days_of(const trash_record& gone, nanos now) {
    constexpr nanos day = 86'400'000'000'000;
    return static_cast<std::uint64_t>((gone.until - now) / day);
}
/// "BlockBlob" and the like.
const char* type_name(blob::blob_type);
/// The declaration and <EnumerationResults ServiceEndpoint="...">, with `container` where there is one.
std::string begin_listing(const service&, std::string_view container, std::size_t reserve);

/// Items of one container in order: by name; of a name its snapshots, what of it was deleted, its previous
/// versions, and last the blob itself.
class item_cursor {
public:
    struct kinds {
        bool snapshots = false, uncommitted = false, versions = false, deleted = false;
    };
    item_cursor(const reader&, std::uint64_t container, kinds, nanos now);
    /// The first item at or after `name` (and, of that name, the snapshot). An empty snapshot: from its first
    /// item on.
    void seek(std::string_view name, std::string_view snapshot = {});
    void next();
    bool valid() const { return current_ != nullptr; }
    std::string_view name() const { return current_->name(); }
    /// The time of a snapshot, or of a previous version; else empty.
    std::string_view snapshot() const;
    std::string_view version() const;
    std::string_view record() const { return deleted() ? deleted_.blob : current_->record(); }
    /// Of what was deleted in a hierarchical account: which deletion it was; else empty.
    std::string_view deletion_id() const;
    /// When it was deleted, and until when it is kept; null for what is there.
    const trash_record* deleted() const { return current_ == &trash_ ? &deleted_ : nullptr; }
    bool is_upload() const { return current_ == &uploads_; }
    /// The blob itself, and nothing that was.
    bool is_current() const { return current_ == &blobs_; }
    /// For the marker of a page that begins here.
    std::string position() const;
    void seek_position(std::string_view);

private:
    void choose();
    bool shows_deleted();
    record_cursor blobs_, snapshots_, uploads_, versions_, trash_;
    const kinds with_;
    const bool only_blobs_;
    const nanos now_;
    trash_record deleted_;
    record_cursor* current_ = nullptr;
};

}  // namespace act::store

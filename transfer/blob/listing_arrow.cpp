#include "transfer/blob/listing_arrow.hpp"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include "engine/codec/arrow.hpp"
#include "transfer/blob/listing_fields.hpp"

namespace act::blob {
namespace {

using arrow::column;

/// The service gives 5,000 at most; an entry takes much more memory here than it may take there.
constexpr std::size_t longest_page = 100'000;
/// Nearly always there is one.
constexpr std::size_t most_batches = 1000;

error malformed(std::string_view why) {
    return error(kind::protocol, fmt::format("the listing is malformed: {}", why));
}

/// What a column is to an entry; its name alone says it, for here there is no nesting. A column that an entry
/// needs has the type that it is known by, or it is not understood.
struct meaning {
    enum class part : std::uint8_t { none, property, metadata, tags } to = part::none;
    field what = field::none;
    arrow::type expected = arrow::type::text;
};

meaning meaning_of(std::string_view name, detail wanted) {
    if (name == "Metadata") return {meaning::part::metadata, field::none, arrow::type::map};
    if (name == "Tags")
        return {wanted == detail::full ? meaning::part::tags : meaning::part::none, field::none,
                arrow::type::map};
    field what = entry_field(name);
    if (what == field::none) what = field_of(place::properties, name, wanted);
    // Whether there is an ETag tells committed blobs from others, whatever is kept of it.
    if (name == "Etag") what = field::etag;
    switch (what) {
        case field::none:
            return {};
        case field::content_length:
        case field::remaining_days:
            return {meaning::part::property, what, arrow::type::integer};
        case field::last_modified:
        case field::creation_time:
        case field::deleted_time:
            return {meaning::part::property, what, arrow::type::timestamp};
        case field::deleted:
        case field::current_version:
        case field::tier_inferred:
            return {meaning::part::property, what, arrow::type::boolean};
        default:
            return {meaning::part::property, what, arrow::type::text};
    }
}

/// Of whole seconds, as in XML and headers: times are compared.
wall_time time_of(const column& c, std::size_t row) {
    constexpr std::int64_t second = 1'000'000'000;
    const std::int64_t n = c.timestamp(row);
    // The earliest there is has no whole second before it.
    const std::int64_t past = n % second >= 0 ? n % second : n % second + second;
    return wall_time(std::chrono::nanoseconds(n < INT64_MIN + second ? n : n - past));
}

/// Passes over what has no proper name, as XML does, where such a one cannot be told.
bool is_named(std::string_view key) {
    return !key.empty() && key != "x-ms-invalid-name" &&
           std::all_of(key.begin(), key.end(), [](char c) { return static_cast<signed char>(c) > 0; });
}

/// The mark of a stub that stands for a folder.
bool marks_folder(std::string_view key, std::string_view value) {
    constexpr std::string_view mark = "hdi_isfolder";
    const auto alike = [](char k, char m) { return (k >= 'A' && k <= 'Z' ? k + 32 : k) == m; };
    return key.size() == mark.size() && std::equal(key.begin(), key.end(), mark.begin(), alike) &&
           (value == "true" || value == "True");
}

/// The rows of one batch: the columns that mean something, of the types that they need to have.
class rows {
public:
    static result<rows> open(const arrow::batch& batch, const std::vector<meaning>& meanings) {
        rows out;
        out.count_ = batch.rows;
        for (std::size_t i = 0; i < batch.columns.size(); ++i) {
            const column& c = batch.columns[i];
            const meaning& m = meanings[i];
            if (m.to == meaning::part::none || c.what() == arrow::type::nothing) continue;
            if (c.what() != m.expected) return malformed("a column of another type than expected");
            if (m.what == field::name) out.name_ = out.columns_.size();
            if (m.what == field::content_length) out.size_ = out.columns_.size();
            out.columns_.push_back({c, m});
        }
        return out;
    }

    std::size_t count() const { return count_; }
    std::string_view name(std::size_t row) const { return columns_[name_].values.text(row); }

    /// Sets all that the columns tell. What no column tells is left alone: it is the same for all rows.
    void read(std::size_t row, properties& p, detail wanted) const {
        p.is_prefix = p.is_directory = p.hierarchical = false;
        p.uncommitted = true;
        for (const auto& [values, is] : columns_) {
            switch (is.to) {
                case meaning::part::metadata:
                    read_metadata(values, row, p, wanted);
                    break;
                case meaning::part::tags:
                    p.tags.clear();
                    for (auto [at, end] = values.entries(row); at < end; ++at)
                        p.tags[std::string(values.keys().text(at))] = values.map_values().text(at);
                    break;
                default:
                    read_property(values, is.what, row, p, wanted);
            }
        }
        p.uncommitted = p.uncommitted && !p.is_prefix;
    }

    /// Whether each row has what every entry has.
    result<void> check() const {
        if (count_ == 0) return {};
        if (!has(name_)) return malformed("an entry without a name");
        for (std::size_t row = 0; row < count_; ++row) {
            if (name(row).empty()) return malformed("an entry without a name");
            if (has(size_) && columns_[size_].values.has(row)) continue;
            properties p;
            read(row, p, detail::brief);
            if (!p.is_prefix && !p.is_directory)
                return malformed(fmt::format("'{}' has no Content-Length", p.name));
        }
        return {};
    }

private:
    struct known {
        column values;
        meaning is;
    };

    bool has(std::size_t column) const { return column != none; }

    static void read_property(const column& c, field what, std::size_t row, properties& p, detail wanted) {
        switch (what) {
            case field::content_length:
                p.size = c.integer(row);
                break;
            case field::remaining_days:
                p.remaining_days = static_cast<unsigned>(c.integer(row));
                break;
            case field::last_modified:
                p.modified = c.has(row) ? time_of(c, row) : wall_time();
                break;
            case field::creation_time:
                p.created = maybe_time(c, row);
                break;
            case field::deleted_time:
                p.deleted_at = maybe_time(c, row);
                break;
            case field::deleted:
                p.deleted = c.boolean(row);
                break;
            case field::current_version:
                p.current_version = c.boolean(row);
                break;
            case field::tier_inferred:
                p.tier_inferred = c.boolean(row);
                break;
            case field::name:
                p.name = c.text(row);
                break;
            case field::etag:
                read_etag(c.text(row), p, wanted);
                break;
            case field::resource_type:
                p.is_prefix = c.text(row) == "blobprefix" || c.text(row) == "BlobPrefix";
                if (c.text(row) == "directory") p.is_directory = true;
                p.hierarchical = c.text(row) == "directory" || c.text(row) == "file";
                break;
            default:
                assign_text(p, what, c.text(row));
        }
    }

    static std::optional<wall_time> maybe_time(const column& c, std::size_t row) {
        return c.has(row) ? std::optional(time_of(c, row)) : std::nullopt;
    }

    static void read_etag(std::string_view text, properties& p, detail wanted) {
        p.uncommitted = text.empty();
        if (wanted == detail::brief) return;
        p.etag = text.empty() ? etag() : etag::from_listing(text);
    }

    static void read_metadata(const column& c, std::size_t row, properties& p, detail wanted) {
        if (wanted == detail::full) p.metadata.clear();
        for (auto [at, end] = c.entries(row); at < end; ++at) {
            const std::string_view key = c.keys().text(at), value = c.map_values().text(at);
            if (marks_folder(key, value)) p.is_directory = true;
            if (wanted != detail::full || !is_named(key)) continue;
            std::string lower(key);
            for (char& k : lower) k = static_cast<char>(k >= 'A' && k <= 'Z' ? k + 32 : k);
            p.metadata[std::move(lower)] = value;
        }
    }

    static constexpr std::size_t none = SIZE_MAX;
    std::size_t count_ = 0, name_ = none, size_ = none;
    std::vector<known> columns_;
};

class column_entries final : public packed_entries {
public:
    column_entries(column_bytes bytes, detail wanted) : bytes_(std::move(bytes)), wanted_(wanted) {}

    std::string_view view() const { return bytes_.view(); }
    std::size_t count() const { return ends_.empty() ? 0 : ends_.back(); }
    std::size_t batches() const { return batches_.size(); }
    void add(rows batch) {
        ends_.push_back(count() + batch.count());
        batches_.push_back(std::move(batch));
    }

    std::string_view name(std::size_t i) const override {
        const auto [batch, row] = place_of(i);
        return batch->name(row);
    }
    std::size_t memory() const override { return bytes_.size; }
    properties& read(std::size_t i) override {
        const auto [batch, row] = place_of(i);
        // What the columns of one batch tell, those of another may not.
        if (batch != last_) entry_ = {};
        last_ = batch;
        batch->read(row, entry_, wanted_);
        return entry_;
    }

private:
    std::pair<const rows*, std::size_t> place_of(std::size_t i) const {
        std::size_t at = 0;
        while (i >= ends_[at]) ++at;
        return {&batches_[at], at == 0 ? i : i - ends_[at - 1]};
    }

    const column_bytes bytes_;
    const detail wanted_;
    std::vector<rows> batches_;
    std::vector<std::size_t> ends_;
    const rows* last_ = nullptr;
    properties entry_;
};

}  // namespace

column_bytes column_bytes::copy_of(std::string_view text) {
    column_bytes out{std::unique_ptr<char[]>(new char[text.size() + 1]), text.size()};
    std::copy(text.begin(), text.end(), out.memory.get());
    return out;
}

result<list_page> read_arrow_listing(column_bytes stream, detail wanted) {
    auto entries = std::make_unique<column_entries>(std::move(stream), wanted);
    ACT_TRY(auto table, arrow::table_reader::open(entries->view()));
    std::vector<meaning> meanings;
    for (const auto& name : table.names()) meanings.push_back(meaning_of(name, wanted));
    const auto tells = [&](field what) {
        return std::any_of(meanings.begin(), meanings.end(),
                           [&](const meaning& m) { return m.what == what; });
    };
    for (std::size_t i = 0; i < meanings.size(); ++i) {
        const auto same = [&](const meaning& m) {
            return m.to == meanings[i].to && m.what == meanings[i].what && m.to != meaning::part::none;
        };
        if (std::count_if(meanings.begin(), meanings.end(), same) > 1)
            return malformed("a column is there twice");
    }
    const bool complete = tells(field::name) && tells(field::etag) && tells(field::last_modified) &&
                          tells(field::content_length);
    arrow::batch batch;
    for (;;) {
        ACT_TRY(const bool more, table.next(batch));
        if (!more) break;
        if (batch.rows > longest_page || entries->count() > longest_page)
            return malformed("more entries than a page has");
        if (batch.rows != 0 && !complete) return malformed("a column that every listing has is missing");
        ACT_TRY(rows all, rows::open(batch, meanings));
        ACT_TRY_VOID(all.check());
        if (batch.rows == 0) continue;
        entries->add(std::move(all));
        if (entries->batches() > most_batches) return malformed("more batches than a page has");
    }
    const std::size_t rows_there = entries->count();
    // Entries must not get lost between the batches: the number of them is told, or the end is.
    const auto count = table.metadata("NumberOfRecords");
    if (count ? *count != std::to_string(rows_there) : !table.closed()) return malformed("it stops early");
    std::string next(table.metadata("NextMarker").value_or(std::string_view()));
    return list_page(std::move(entries), rows_there, std::move(next));
}

}  // namespace act::blob

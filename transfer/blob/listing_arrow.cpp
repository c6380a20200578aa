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
    return wall_time(std::chrono::duration_cast<wall_time::duration>(
        std::chrono::floor<std::chrono::seconds>(std::chrono::nanoseconds(c.timestamp(row)))));
}

/// All entries of one batch.
class rows {
public:
    rows(std::vector<properties>& items, std::size_t first, std::size_t count, detail wanted)
        : items_(items), first_(first), count_(count), wanted_(wanted), sized_(count), tagged_(count) {}

    result<void> fill(const column& c, const meaning& m) {
        if (m.to == meaning::part::none || c.what() == arrow::type::nothing) return {};
        if (c.what() != m.expected) return malformed("a column of another type than expected");
        if (m.to == meaning::part::metadata) {
            metadata(c);
        } else if (m.to == meaning::part::tags) {
            tags(c);
        } else {
            property(c, m.what);
        }
        return {};
    }

    result<void> finish() {
        for (std::size_t row = 0; row < count_; ++row) {
            properties& p = item(row);
            if (p.name.empty()) return malformed("an entry without a name");
            if (p.is_prefix) continue;
            if (!sized_[row] && !p.is_directory)
                return malformed(fmt::format("'{}' has no Content-Length", p.name));
            p.uncommitted = !tagged_[row];
        }
        return {};
    }

private:
    properties& item(std::size_t row) { return items_[first_ + row]; }

    template <class Set>
    void each(const column& c, Set set) {
        for (std::size_t row = 0; row < count_; ++row) {
            if (c.has(row)) set(row, item(row));
        }
    }

    void property(const column& c, field what) {
        switch (what) {
            case field::content_length:
                return each(c, [&](std::size_t row, properties& p) {
                    p.size = c.integer(row);
                    sized_[row] = true;
                });
            case field::remaining_days:
                return each(c, [&](std::size_t row, properties& p) {
                    p.remaining_days = static_cast<unsigned>(c.integer(row));
                });
            case field::last_modified:
                return each(c, [&](std::size_t row, properties& p) { p.modified = time_of(c, row); });
            case field::creation_time:
                return each(c, [&](std::size_t row, properties& p) { p.created = time_of(c, row); });
            case field::deleted_time:
                return each(c, [&](std::size_t row, properties& p) { p.deleted_at = time_of(c, row); });
            case field::deleted:
                return each(c, [&](std::size_t row, properties& p) { p.deleted = c.boolean(row); });
            case field::current_version:
                return each(c, [&](std::size_t row, properties& p) { p.current_version = c.boolean(row); });
            case field::tier_inferred:
                return each(c, [&](std::size_t row, properties& p) { p.tier_inferred = c.boolean(row); });
            case field::name:
                return each(c, [&](std::size_t row, properties& p) { p.name = c.text(row); });
            case field::etag:
                return each(c, [&](std::size_t row, properties& p) {
                    tagged_[row] = !c.text(row).empty();
                    if (wanted_ != detail::brief) p.etag = etag::from_listing(c.text(row));
                });
            case field::resource_type:
                return each(c, [&](std::size_t row, properties& p) {
                    p.is_prefix = c.text(row) == "blobprefix" || c.text(row) == "BlobPrefix";
                    if (c.text(row) == "directory") p.is_directory = true;
                });
            default:
                return each(c, [&](std::size_t row, properties& p) { assign_text(p, what, c.text(row)); });
        }
    }

    /// Passes over what has no proper name, as XML does, where such a one cannot be told.
    static bool is_named(std::string_view key) {
        return !key.empty() && key != "x-ms-invalid-name" &&
               std::all_of(key.begin(), key.end(), [](char c) { return static_cast<signed char>(c) > 0; });
    }

    void metadata(const column& c) {
        std::string key;
        each(c, [&](std::size_t row, properties& p) {
            for (auto [at, end] = c.entries(row); at < end; ++at) {
                const std::string_view value = c.map_values().text(at);
                key = c.keys().text(at);
                if (!is_named(key)) continue;
                for (char& k : key) k = static_cast<char>(k >= 'A' && k <= 'Z' ? k + 32 : k);
                if (key == "hdi_isfolder" && (value == "true" || value == "True")) p.is_directory = true;
                if (wanted_ == detail::full) p.metadata[key] = value;
            }
        });
    }

    void tags(const column& c) {
        each(c, [&](std::size_t row, properties& p) {
            for (auto [at, end] = c.entries(row); at < end; ++at)
                p.tags[std::string(c.keys().text(at))] = c.map_values().text(at);
        });
    }

    std::vector<properties>& items_;
    const std::size_t first_, count_;
    const detail wanted_;
    std::vector<bool> sized_, tagged_;
};

}  // namespace

result<list_page> read_arrow_listing(std::string_view stream, detail wanted) {
    ACT_TRY(auto table, arrow::table_reader::open(stream));
    list_page out;
    if (auto marker = table.metadata("NextMarker")) out.next_marker = *marker;
    std::vector<meaning> meanings;
    for (const auto& name : table.names()) meanings.push_back(meaning_of(name, wanted));
    const auto tells = [&](field what) {
        return std::any_of(meanings.begin(), meanings.end(),
                           [&](const meaning& m) { return m.what == what; });
    };
    const bool complete = tells(field::name) && tells(field::etag) && tells(field::last_modified) &&
                          tells(field::content_length);
    arrow::batch batch;
    for (;;) {
        ACT_TRY(const bool more, table.next(batch));
        if (!more) break;
        if (batch.rows > longest_page || out.items.size() > longest_page)
            return malformed("more entries than a page has");
        if (batch.rows != 0 && !complete) return malformed("a column that every listing has is missing");
        const std::size_t first = out.items.size();
        out.items.resize(first + batch.rows);
        rows all(out.items, first, batch.rows, wanted);
        for (std::size_t i = 0; i < batch.columns.size(); ++i)
            ACT_TRY_VOID(all.fill(batch.columns[i], meanings[i]));
        ACT_TRY_VOID(all.finish());
    }
    // Entries must not get lost between the batches: the number of them is told, or the end is.
    const auto count = table.metadata("NumberOfRecords");
    if (count ? *count != std::to_string(out.items.size()) : !table.closed())
        return malformed("it stops early");
    return out;
}

}  // namespace act::blob

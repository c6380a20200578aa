#include "transfer/blob/listing_arrow.hpp"

#include <charconv>

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

/// What a column is to an entry; its name alone says it, for here there is no nesting.
struct meaning {
    enum class part : std::uint8_t { none, property, metadata, tags } to = part::none;
    field what = field::none;
};

meaning meaning_of(std::string_view name, detail wanted) {
    if (name == "Metadata") return {meaning::part::metadata};
    if (name == "Tags") return {wanted == detail::full ? meaning::part::tags : meaning::part::none};
    field what = entry_field(name);
    if (what == field::none) what = field_of(place::properties, name, wanted);
    // Whether there is an ETag tells committed blobs from others, whatever is kept of it.
    if (name == "Etag") what = field::etag;
    return {what == field::none ? meaning::part::none : meaning::part::property, what};
}

/// All entries of one batch.
class rows {
public:
    rows(std::vector<properties>& items, std::size_t first, std::size_t count, detail wanted)
        : items_(items), first_(first), count_(count), wanted_(wanted), sized_(count), tagged_(count) {}

    result<void> fill(const column& c, const meaning& m) {
        if (c.what() == arrow::type::other) return {};
        switch (m.to) {
            case meaning::part::property:
                return property(c, m.what);
            case meaning::part::metadata:
                if (c.what() == arrow::type::map) metadata(c);
                return {};
            case meaning::part::tags:
                if (c.what() == arrow::type::map) tags(c);
                return {};
            case meaning::part::none:
                return {};
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

    result<void> property(const column& c, field what) {
        switch (c.what()) {
            case arrow::type::text:
                return text(c, what);
            case arrow::type::boolean:
                each(c, [&](std::size_t row, properties& p) {
                    assign_text(p, what, c.boolean(row) ? "true" : "false");
                });
                return {};
            case arrow::type::integer:
                if (what != field::content_length) return {};
                each(c, [&](std::size_t row, properties& p) {
                    p.size = c.integer(row);
                    sized_[row] = true;
                });
                return {};
            case arrow::type::timestamp:
                each(c, [&](std::size_t row, properties& p) {
                    const wall_time at{std::chrono::duration_cast<wall_time::duration>(
                        std::chrono::nanoseconds(c.timestamp(row)))};
                    if (what == field::last_modified) p.modified = at;
                    if (what == field::creation_time) p.created = at;
                });
                return {};
            case arrow::type::map:
            case arrow::type::other:
                return {};
        }
        return {};
    }

    result<void> text(const column& c, field what) {
        switch (what) {
            case field::name:
                each(c, [&](std::size_t row, properties& p) { p.name = c.text(row); });
                return {};
            case field::etag:
                each(c, [&](std::size_t row, properties& p) {
                    tagged_[row] = !c.text(row).empty();
                    if (wanted_ != detail::brief) p.etag = etag::from_listing(c.text(row));
                });
                return {};
            case field::resource_type:
                each(c, [&](std::size_t row, properties& p) {
                    p.is_prefix = c.text(row) == "blobprefix" || c.text(row) == "BlobPrefix";
                    if (c.text(row) == "directory") p.is_directory = true;
                });
                return {};
            case field::content_length:
            case field::last_modified:
            case field::creation_time:
                return malformed("a number or a time is a text");
            default:
                each(c, [&](std::size_t row, properties& p) { assign_text(p, what, c.text(row)); });
                return {};
        }
    }

    void metadata(const column& c) {
        std::string key;
        each(c, [&](std::size_t row, properties& p) {
            for (auto [at, end] = c.entries(row); at < end; ++at) {
                const std::string_view value = c.map_values().text(at);
                key = c.keys().text(at);
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
    arrow::batch batch;
    for (;;) {
        ACT_TRY(const bool more, table.next(batch));
        if (!more) return out;
        if (batch.rows > longest_page) return malformed("more entries than a page has");
        const std::size_t first = out.items.size();
        out.items.resize(first + batch.rows);
        rows all(out.items, first, batch.rows, wanted);
        for (std::size_t i = 0; i < batch.columns.size(); ++i)
            ACT_TRY_VOID(all.fill(batch.columns[i], meanings[i]));
        ACT_TRY_VOID(all.finish());
    }
}

}  // namespace act::blob

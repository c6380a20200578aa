#pragma once

#include <memory>
#include <optional>
#include <string>

#include "tools/store/listing.hpp"

namespace act::store {

/// True when the client takes a page in columns (listing_arrow.hpp) and speaks a version that has them.
bool wants_columns(const call&);

/// A page of List Blobs in columns. What is not asked for, or not set in any row, is no column.
class column_page {
public:
    struct parts {
        bool metadata, tags, copy, versions;
    };
    column_page(service&, nanos now, parts);
    ~column_page();

    void add(const item_cursor&, const blob_decoder&);
    void add_uncommitted(std::string_view name);
    /// `directory`: the directory that it is, or null.
    void add_prefix(std::string_view name, const blob_record* directory);
    /// About how much text it will be.
    std::size_t size() const { return size_; }
    /// The document; `next`: where the next page begins, or nothing.
    std::string finish(std::string_view next);

private:
    void add_past(const item_cursor&, const blob_record&);
    void add_common(const blob_record&, bool leasable);
    void add_copy(const blob_record&);
    void write_repeats();
    struct columns;
    service& s_;
    const nanos now_;
    const parts wanted_;
    const std::unique_ptr<columns> to_;
    std::size_t row_ = 0, size_ = 0;
    // Columns in which neighbours are mostly alike: how many rows, the last ones, are as those before them
    // and not written yet; whether the next one may be, as the last was a blob, and of one that could be
    // leased.
    std::size_t repeats_ = 0, common_size_ = 0;
    std::optional<bool> leasable_;
};

}  // namespace act::store

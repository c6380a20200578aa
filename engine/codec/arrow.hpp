#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/core/result.hpp"

/// Tables in the stream format of Apache Arrow (its columnar format, "IPC Streaming Format"), as far as
/// services use it to answer: plain columns and maps of texts. No dictionaries, no compression,
/// little-endian.
namespace act::arrow {

enum class type : std::uint8_t {
    boolean,
    integer,    ///< of any width, signed or not
    timestamp,  ///< of any unit
    text,       ///< UTF-8, not verified
    map,        ///< of texts to texts
    nothing,    ///< no row has a value
    other,      ///< not read: no row seems to have a value
};

/// One column of a batch: views of the stream's bytes. Rows must be below the batch's.
class column {
public:
    type what() const { return what_; }
    std::size_t rows() const { return rows_; }
    /// Whether the row has a value; the functions below ask this first where it matters to them.
    bool has(std::size_t row) const {
        return what_ < type::nothing && (!valid_ || (valid_[row / 8] >> (row % 8) & 1));
    }
    /// False, 0 or nothing where the row has no value.
    bool boolean(std::size_t row) const { return has(row) && (values_[row / 8] >> (row % 8) & 1); }
    std::uint64_t integer(std::size_t row) const;
    /// Nanoseconds since 1970; the nearest one for what does not fit.
    std::int64_t timestamp(std::size_t row) const;
    std::string_view text(std::size_t row) const;
    /// The entries of a map: rows [first, second) of keys() and map_values().
    std::pair<std::size_t, std::size_t> entries(std::size_t row) const;
    const column& keys() const { return inner_[0]; }
    const column& map_values() const { return inner_[1]; }

private:
    friend class batch_reader;
    std::int32_t offset(std::size_t i) const;

    type what_ = type::other;
    std::size_t rows_ = 0;
    std::uint8_t width_ = 8;  // of an integer, in bytes
    bool is_signed_ = false;
    std::int64_t unit_ = 1;                 // of a timestamp, in nanoseconds
    const unsigned char* valid_ = nullptr;  // null: all rows are
    const unsigned char* offsets_ = nullptr;
    const unsigned char* values_ = nullptr;
    std::vector<column> inner_;  // of a map
};

struct batch {
    std::size_t rows = 0;
    std::vector<column> columns;  ///< as table_reader::names()
};

/// Reads a stream that is in memory. All of its structure is checked, so that no bytes can do worse than give
/// an error: kind::protocol where they are not Arrow, kind::unsupported for what is said above.
class table_reader {
public:
    /// The bytes must outlive all that is read of them, and begin where malloc would have them.
    static result<table_reader> open(std::string_view bytes);

    const std::vector<std::string>& names() const { return names_; }
    /// What the schema says of the table besides; nothing if there is no such key.
    std::optional<std::string_view> metadata(std::string_view key) const;
    /// False at the end of the table: where the stream says so, or stops between two messages, as it may.
    result<bool> next(batch&);
    /// Whether it was the stream that said so.
    bool closed() const { return closed_; }

    /// How a field lies in memory: of the schema, for each batch.
    struct layout {
        type what = type::other;
        std::uint8_t buffers = 2;
        std::uint8_t width = 8;
        bool is_signed = false, is_struct = false;
        std::int64_t unit = 1;
        std::vector<layout> inner;
    };

private:
    std::string_view rest_;
    bool closed_ = false;
    std::vector<std::string> names_;
    std::vector<layout> layouts_;
    std::vector<std::pair<std::string_view, std::string_view>> metadata_;
};

}  // namespace act::arrow

#pragma once

#include <flatbuffers/flatbuffers.h>

/// Internal to arrow_*.cpp: the tables of Arrow's messages (its format/Message.fbs and Schema.fbs), where
/// each field has its place by number.
namespace act::arrow::wire {

namespace fb = flatbuffers;

/// The place of the n-th field in a table's vtable.
constexpr fb::voffset_t slot(int n) { return static_cast<fb::voffset_t>(4 + 2 * n); }

constexpr std::uint32_t continuation = 0xffffffff;
constexpr std::int16_t metadata_v5 = 4;
enum : std::uint8_t { header_schema = 1, header_dictionary = 2, header_batch = 3 };

enum type_number : std::uint8_t {
    t_null = 1,
    t_int,
    t_float,
    t_binary,
    t_utf8,
    t_bool,
    t_decimal,
    t_date,
    t_time,
    t_timestamp,
    t_interval,
    t_list,
    t_struct,
    t_union,
    t_fixed_binary,
    t_fixed_list,
    t_map,
    t_duration,
    t_large_binary,
    t_large_utf8,
    t_large_list,
};
enum : std::int16_t { seconds, milliseconds, microseconds, nanoseconds };

struct key_value {
    enum { key = slot(0), value = slot(1) };
};
struct int_type {
    enum { bit_width = slot(0), is_signed = slot(1) };
};
struct timestamp_type {
    enum { unit = slot(0), timezone = slot(1) };
};
struct field {
    enum {
        name = slot(0),
        nullable = slot(1),
        type_type = slot(2),
        type = slot(3),
        dictionary = slot(4),
        children = slot(5),
    };
};
struct schema {
    enum { endianness = slot(0), fields = slot(1), custom_metadata = slot(2) };
};
struct record_batch {
    enum { length = slot(0), nodes = slot(1), buffers = slot(2), compression = slot(3) };
};
struct message {
    enum { version = slot(0), header_type = slot(1), header = slot(2), body_length = slot(3) };
};
/// Of a column: rows, and how many of them have no value. Of a buffer: its place in the body, and its size.
struct pair {
    std::int64_t first, second;
};

}  // namespace act::arrow::wire

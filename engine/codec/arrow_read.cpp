#include <cstring>
#include <limits>

#include <fmt/format.h>

#include "engine/codec/arrow.hpp"
#include "engine/codec/arrow_schema.hpp"

namespace act::arrow {
namespace {

error malformed(std::string_view why) {
    return error(kind::protocol, fmt::format("the Arrow stream is malformed: {}", why));
}
error unsupported(std::string_view what) {
    return error(kind::unsupported, fmt::format("the Arrow stream has {}, which is not read here", what));
}

template <class T>
T load(const void* at) {
    T value;
    std::memcpy(&value, at, sizeof value);
    return value;
}

/// A table of a message, and how it verifies itself: with that, the accessors cannot leave the bytes.
struct table : wire::fb::Table {
    template <class T>
    const T* pointer(int slot) const {
        return GetPointer<const T*>(static_cast<wire::fb::voffset_t>(slot));
    }
    template <class T>
    T number(int slot, T otherwise) const {
        return GetField<T>(static_cast<wire::fb::voffset_t>(slot), otherwise);
    }
    std::string_view text(int slot) const {
        auto* s = pointer<wire::fb::String>(slot);
        return s ? std::string_view(s->data(), s->size()) : std::string_view();
    }

protected:
    template <class T>
    bool has_number(wire::fb::Verifier& v, int slot) const {
        return VerifyField<T>(v, static_cast<wire::fb::voffset_t>(slot), sizeof(T));
    }
    bool has_offset(wire::fb::Verifier& v, int slot) const {
        return VerifyOffset(v, static_cast<wire::fb::voffset_t>(slot));
    }
    bool has_text(wire::fb::Verifier& v, int slot) const {
        return has_offset(v, slot) && v.VerifyString(pointer<wire::fb::String>(slot));
    }
    template <class T>
    bool has_table(wire::fb::Verifier& v, int slot) const {
        return has_offset(v, slot) && v.VerifyTable(pointer<T>(slot));
    }
    template <class T>
    bool has_tables(wire::fb::Verifier& v, int slot) const {
        if (!has_offset(v, slot)) return false;
        auto* all = pointer<wire::fb::Vector<wire::fb::Offset<T>>>(slot);
        return v.VerifyVector(all) && v.VerifyVectorOfTables(all);
    }
    bool has_pairs(wire::fb::Verifier& v, int slot) const {
        return has_offset(v, slot) && v.VerifyVector(pointer<wire::fb::Vector<const wire::pair*>>(slot));
    }
};

struct key_value : table, wire::key_value {
    bool Verify(wire::fb::Verifier& v) const {
        return VerifyTableStart(v) && has_text(v, key) && has_text(v, value) && v.EndTable();
    }
};
struct int_type : table, wire::int_type {
    bool Verify(wire::fb::Verifier& v) const {
        return VerifyTableStart(v) && has_number<std::int32_t>(v, bit_width) &&
               has_number<std::uint8_t>(v, is_signed) && v.EndTable();
    }
};
struct timestamp_type : table, wire::timestamp_type {
    bool Verify(wire::fb::Verifier& v) const {
        return VerifyTableStart(v) && has_number<std::int16_t>(v, unit) && v.EndTable();
    }
};
/// Of which nothing but its being there is asked.
struct any_table : table {
    bool Verify(wire::fb::Verifier& v) const { return VerifyTableStart(v) && v.EndTable(); }
};

struct field : table, wire::field {
    using list = wire::fb::Vector<wire::fb::Offset<field>>;
    bool Verify(wire::fb::Verifier& v) const {
        if (!VerifyTableStart(v) || !has_text(v, name) || !has_number<std::uint8_t>(v, type_type))
            return false;
        const auto which = number<std::uint8_t>(type_type, 0);
        const bool typed = which == wire::t_int         ? has_table<int_type>(v, type)
                           : which == wire::t_timestamp ? has_table<timestamp_type>(v, type)
                                                        : has_table<any_table>(v, type);
        return typed && has_table<any_table>(v, dictionary) && has_tables<field>(v, children) && v.EndTable();
    }
};

struct schema : table, wire::schema {
    bool Verify(wire::fb::Verifier& v) const {
        return VerifyTableStart(v) && has_number<std::int16_t>(v, endianness) &&
               has_tables<field>(v, fields) && has_tables<key_value>(v, custom_metadata) && v.EndTable();
    }
};

struct record_batch : table, wire::record_batch {
    bool Verify(wire::fb::Verifier& v) const {
        return VerifyTableStart(v) && has_number<std::int64_t>(v, length) && has_pairs(v, nodes) &&
               has_pairs(v, buffers) && has_table<any_table>(v, compression) && v.EndTable();
    }
};

struct message : table, wire::message {
    bool Verify(wire::fb::Verifier& v) const {
        if (!VerifyTableStart(v) || !has_number<std::uint8_t>(v, header_type) ||
            !has_number<std::int64_t>(v, body_length)) {
            return false;
        }
        const auto which = number<std::uint8_t>(header_type, 0);
        const bool known = which == wire::header_schema  ? has_table<schema>(v, header)
                           : which == wire::header_batch ? has_table<record_batch>(v, header)
                                                         : has_table<any_table>(v, header);
        return known && v.EndTable();
    }
};

struct framed {
    const message* head = nullptr;  // null: the stream's end
    std::string_view body;
};

/// Takes one message off the front.
result<framed> take_message(std::string_view& rest) {
    if (rest.size() < 8) return malformed("it is cut short");
    if (load<std::uint32_t>(rest.data()) != wire::continuation)
        return malformed("no message where one begins");
    const std::size_t size = load<std::uint32_t>(rest.data() + 4);
    rest.remove_prefix(8);
    if (size == 0) return framed{};
    if (size > rest.size()) return malformed("it is cut short");
    // Everything is padded, so that all parts lie where their numbers need to.
    if (size % 8 != 0) return malformed("a message is not padded");
    const std::string_view text = rest.substr(0, size);
    rest.remove_prefix(size);
    auto* bytes = reinterpret_cast<const std::uint8_t*>(text.data());
    wire::fb::Verifier verifier(bytes, text.size());
    if (!verifier.VerifyBuffer<message>(nullptr)) return malformed("a message does not hold together");
    auto* head = wire::fb::GetRoot<message>(bytes);
    if (!head->pointer<table>(message::header)) return malformed("a message without content");
    const auto body = head->number<std::int64_t>(message::body_length, 0);
    if (body < 0 || body % 8 != 0) return malformed("the size of a body");
    if (static_cast<std::uint64_t>(body) > rest.size()) return malformed("it is cut short");
    framed out{head, rest.substr(0, static_cast<std::size_t>(body))};
    rest.remove_prefix(static_cast<std::size_t>(body));
    return out;
}

constexpr std::size_t max_fields = 1000;

result<table_reader::layout> layout_of(const field& f, std::size_t& seen) {
    if (++seen > max_fields) return malformed("more fields than any table has");
    if (f.pointer<any_table>(field::dictionary)) return unsupported("a dictionary");
    table_reader::layout out;
    if (auto* children = f.pointer<field::list>(field::children)) {
        for (auto* child : *children) {
            ACT_TRY(auto inner, layout_of(*child, seen));
            out.inner.push_back(std::move(inner));
        }
    }
    const auto which = f.number<std::uint8_t>(field::type_type, 0);
    const bool nested = which == wire::t_map || which == wire::t_struct || which == wire::t_list ||
                        which == wire::t_large_list || which == wire::t_fixed_list;
    if (!nested && !out.inner.empty()) return malformed("a plain column with others below it");
    switch (which) {
        case wire::t_null:
            out.what = type::nothing;
            out.buffers = 0;
            return out;
        case wire::t_bool:
            out.what = type::boolean;
            return out;
        case wire::t_int: {
            auto* number = f.pointer<int_type>(field::type);
            const int bits = number ? number->number<std::int32_t>(int_type::bit_width, 0) : 0;
            if (bits != 8 && bits != 16 && bits != 32 && bits != 64)
                return malformed("the width of a number");
            out.what = type::integer;
            out.width = static_cast<std::uint8_t>(bits / 8);
            out.is_signed = number->number<std::uint8_t>(int_type::is_signed, 0) != 0;
            return out;
        }
        case wire::t_timestamp: {
            auto* time = f.pointer<timestamp_type>(field::type);
            constexpr std::int64_t units[] = {1'000'000'000, 1'000'000, 1'000, 1};
            const auto unit = time ? time->number<std::int16_t>(timestamp_type::unit, 0) : -1;
            if (unit < 0 || unit > 3) return malformed("the unit of a time");
            out.what = type::timestamp;
            out.unit = units[unit];
            return out;
        }
        case wire::t_utf8:
            out.what = type::text;
            out.buffers = 3;
            return out;
        case wire::t_binary:
        case wire::t_large_binary:
        case wire::t_large_utf8:
            out.buffers = 3;
            return out;
        case wire::t_map: {
            // One child: the entries, a structure of the key and the value.
            const bool whole =
                out.inner.size() == 1 && out.inner[0].is_struct && out.inner[0].inner.size() == 2;
            if (!whole) return malformed("a map without keys and values");
            const auto& pair = out.inner[0].inner;
            if (pair[0].what == type::text && pair[1].what == type::text) out.what = type::map;
            return out;
        }
        case wire::t_struct:
            out.is_struct = true;
            [[fallthrough]];
        case wire::t_fixed_list:
            out.buffers = 1;
            return out;
        case wire::t_float:
        case wire::t_decimal:
        case wire::t_date:
        case wire::t_time:
        case wire::t_interval:
        case wire::t_duration:
        case wire::t_fixed_binary:
        case wire::t_list:
        case wire::t_large_list:
            return out;
        default:
            return unsupported("a column of an unknown type");
    }
}

}  // namespace

/// Hands out the nodes and buffers of one batch, field by field in the schema's order, and checks that all
/// that a column will read is there.
class batch_reader {
public:
    using pairs = wire::fb::Vector<const wire::pair*>;
    batch_reader(const pairs* nodes, const pairs* buffers, std::string_view body)
        : nodes_(nodes), buffers_(buffers), body_(body) {}

    result<column> take(const table_reader::layout& l) {
        if (!nodes_ || node_ >= nodes_->size()) return malformed("too few columns");
        const wire::pair node = at(nodes_, node_++);
        if (node.first < 0 || node.first > std::numeric_limits<std::int32_t>::max())
            return malformed("the rows of a column");
        const auto rows = static_cast<std::size_t>(node.first);
        column out;
        out.what_ = l.what;
        out.rows_ = rows;
        out.width_ = l.width;
        out.is_signed_ = l.is_signed;
        out.unit_ = l.unit;
        for (unsigned i = 0; i < l.buffers; ++i) {
            ACT_TRY(const std::string_view bytes, buffer());
            ACT_TRY_VOID(set(out, i, bytes, rows, node.second));
        }
        for (const auto& child : l.inner) {
            ACT_TRY(column inner, take(child));
            out.inner_.push_back(std::move(inner));
        }
        if (l.what == type::map) ACT_TRY_VOID(open_entries(out));
        return out;
    }

private:
    /// Not by the vector's own pointer, for a body and its sizes may lie at any place.
    static wire::pair at(const pairs* all, std::size_t i) {
        return load<wire::pair>(all->Data() + i * sizeof(wire::pair));
    }

    result<std::string_view> buffer() {
        if (!buffers_ || buffer_ >= buffers_->size()) return malformed("too few buffers");
        const wire::pair b = at(buffers_, buffer_++);
        const auto size = static_cast<std::int64_t>(body_.size());
        if (b.first < 0 || b.second < 0 || b.first > size || b.second > size - b.first)
            return malformed("a buffer outside of its body");
        return body_.substr(static_cast<std::size_t>(b.first), static_cast<std::size_t>(b.second));
    }

    /// The `i`-th buffer of a column: which rows are valid; then the offsets, or the values; then a text's
    /// bytes.
    result<void> set(column& c, unsigned i, std::string_view bytes, std::size_t rows, std::int64_t nulls) {
        auto* data = reinterpret_cast<const unsigned char*>(bytes.data());
        if (c.what_ >= type::nothing) return {};
        if (i == 0) {
            if (bytes.empty() && nulls == 0) return {};
            if (bytes.size() < (rows + 7) / 8) return malformed("too few marks of valid rows");
            c.valid_ = data;
            return {};
        }
        if (c.what_ == type::boolean || c.what_ == type::integer || c.what_ == type::timestamp) {
            const std::size_t need = c.what_ == type::boolean ? (rows + 7) / 8 : rows * c.width_;
            if (bytes.size() < need) return malformed("too few values");
            c.values_ = data;
            return {};
        }
        if (i == 1) {
            // A table of no rows may leave out even the first offset.
            if (rows == 0 && bytes.empty()) return {};
            if (bytes.size() / 4 < rows + 1) return malformed("too few offsets");
            c.offsets_ = data;
            std::int32_t last = c.offset(0);
            bool rising = last >= 0;
            for (std::size_t row = 1; row <= rows && rising; ++row) {
                const std::int32_t here = c.offset(row);
                rising = here >= last;
                last = here;
            }
            if (!rising) return malformed("offsets that go back");
            return {};
        }
        if (rows != 0 && static_cast<std::size_t>(c.offset(rows)) > bytes.size())
            return malformed("a text outside of its buffer");
        c.values_ = data;
        return {};
    }

    /// Puts keys and values in the place of the structure that holds them.
    static result<void> open_entries(column& map) {
        std::vector<column> pair = std::move(map.inner_.front().inner_);
        const std::size_t entries = map.rows_ == 0 ? 0 : static_cast<std::size_t>(map.offset(map.rows_));
        if (entries > std::min(pair[0].rows_, pair[1].rows_))
            return malformed("a map outside of its entries");
        map.inner_ = std::move(pair);
        return {};
    }

    const pairs* nodes_;
    const pairs* buffers_;
    std::string_view body_;
    std::size_t node_ = 0, buffer_ = 0;
};

std::int32_t column::offset(std::size_t i) const { return load<std::int32_t>(offsets_ + 4 * i); }

std::uint64_t column::integer(std::size_t row) const {
    if (!has(row)) return 0;
    const unsigned char* at = values_ + row * width_;
    switch (width_) {
        case 1:
            return is_signed_ ? static_cast<std::uint64_t>(load<std::int8_t>(at)) : load<std::uint8_t>(at);
        case 2:
            return is_signed_ ? static_cast<std::uint64_t>(load<std::int16_t>(at)) : load<std::uint16_t>(at);
        case 4:
            return is_signed_ ? static_cast<std::uint64_t>(load<std::int32_t>(at)) : load<std::uint32_t>(at);
        default:
            return load<std::uint64_t>(at);
    }
}

std::int64_t column::timestamp(std::size_t row) const {
    if (!has(row)) return 0;
    const auto count = load<std::int64_t>(values_ + row * 8);
    std::int64_t out;
    if (!__builtin_mul_overflow(count, unit_, &out)) return out;
    return count < 0 ? std::numeric_limits<std::int64_t>::min() : std::numeric_limits<std::int64_t>::max();
}

std::string_view column::text(std::size_t row) const {
    if (!has(row)) return {};
    const std::int32_t first = offset(row);
    return {reinterpret_cast<const char*>(values_) + first,
            static_cast<std::size_t>(offset(row + 1) - first)};
}

std::pair<std::size_t, std::size_t> column::entries(std::size_t row) const {
    if (!has(row)) return {};
    return {static_cast<std::size_t>(offset(row)), static_cast<std::size_t>(offset(row + 1))};
}

result<table_reader> table_reader::open(std::string_view bytes) {
    if (reinterpret_cast<std::uintptr_t>(bytes.data()) % 8 != 0)
        return error(kind::internal, "an Arrow stream does not begin where its numbers need it to");
    table_reader out;
    out.rest_ = bytes;
    ACT_TRY(const framed first, take_message(out.rest_));
    if (!first.head || first.head->number<std::uint8_t>(message::header_type, 0) != wire::header_schema)
        return malformed("it does not begin with a schema");
    auto* about = first.head->pointer<schema>(message::header);
    if (about->number<std::int16_t>(schema::endianness, 0) != 0) return unsupported("big-endian numbers");
    std::size_t seen = 0;
    if (auto* fields = about->pointer<field::list>(schema::fields)) {
        for (auto* f : *fields) {
            ACT_TRY(auto one, layout_of(*f, seen));
            out.names_.emplace_back(f->text(field::name));
            out.layouts_.push_back(std::move(one));
        }
    }
    using pairs = wire::fb::Vector<wire::fb::Offset<key_value>>;
    if (auto* all = about->pointer<pairs>(schema::custom_metadata)) {
        for (auto* one : *all)
            out.metadata_.emplace_back(one->text(key_value::key), one->text(key_value::value));
    }
    return out;
}

std::optional<std::string_view> table_reader::metadata(std::string_view key) const {
    for (const auto& [k, v] : metadata_) {
        if (k == key) return v;
    }
    return {};
}

result<bool> table_reader::next(batch& out) {
    if (rest_.empty()) return false;
    ACT_TRY(const framed one, take_message(rest_));
    if (!one.head) {
        closed_ = true;
        return false;
    }
    const auto which = one.head->number<std::uint8_t>(message::header_type, 0);
    if (which == wire::header_dictionary) return unsupported("a dictionary");
    if (which != wire::header_batch) return malformed("a message that is no batch of rows");
    auto* rows = one.head->pointer<record_batch>(message::header);
    if (rows->pointer<any_table>(record_batch::compression)) return unsupported("compressed columns");
    const auto length = rows->number<std::int64_t>(record_batch::length, 0);
    if (length < 0) return malformed("the rows of a batch");
    out.rows = static_cast<std::size_t>(length);
    out.columns.clear();
    batch_reader from(rows->pointer<batch_reader::pairs>(record_batch::nodes),
                      rows->pointer<batch_reader::pairs>(record_batch::buffers), one.body);
    for (const auto& l : layouts_) {
        ACT_TRY(column c, from.take(l));
        if (c.rows() != out.rows) return malformed("columns of different lengths");
        out.columns.push_back(std::move(c));
    }
    return true;
}

}  // namespace act::arrow

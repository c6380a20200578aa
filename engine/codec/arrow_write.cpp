#include "engine/codec/arrow_write.hpp"

#include <algorithm>

#include "engine/codec/arrow_schema.hpp"

namespace act::arrow {
namespace {

using wire::fb::Offset;
using wire::fb::uoffset_t;

/// Numbers lie at multiples of their size.
constexpr std::size_t up_to_number(std::size_t size) { return (size + 7) / 8 * 8; }
void padded(std::string& out) { out.resize(up_to_number(out.size())); }

bool has_bit(std::string_view bits, std::size_t at) {
    return at / 8 < bits.size() && (bits[at / 8] >> (at % 8) & 1) != 0;
}

void set_bits(std::string& bits, std::size_t from, std::size_t count) {
    const std::size_t end = from + count;
    if (bits.size() < (end + 7) / 8) bits.resize((end + 7) / 8);
    for (; from < end && from % 8 != 0; ++from) bits[from / 8] |= static_cast<char>(1 << from % 8);
    for (; from + 8 <= end; from += 8) bits[from / 8] = static_cast<char>(0xff);
    for (; from < end; ++from) bits[from / 8] |= static_cast<char>(1 << from % 8);
}

/// A message with its frame; its body follows.
void add_message(std::string& out, wire::fb::FlatBufferBuilder& b, std::uint8_t header_type,
                 Offset<void> header, std::size_t body_size) {
    const uoffset_t start = b.StartTable();
    b.AddElement<std::int64_t>(wire::message::body_length, static_cast<std::int64_t>(body_size), 0);
    b.AddOffset(wire::message::header, header);
    b.AddElement<std::int16_t>(wire::message::version, wire::metadata_v5, 0);
    b.AddElement<std::uint8_t>(wire::message::header_type, header_type, 0);
    b.Finish(Offset<void>(b.EndTable(start)));
    const std::size_t size = up_to_number(b.GetSize());
    const std::uint32_t frame[] = {wire::continuation, static_cast<std::uint32_t>(size)};
    out.append(reinterpret_cast<const char*>(frame), sizeof frame);
    out.append(reinterpret_cast<const char*>(b.GetBufferPointer()), b.GetSize());
    padded(out);
}

Offset<void> add_type(wire::fb::FlatBufferBuilder& b, std::uint8_t type) {
    const Offset<wire::fb::String> utc =
        type == wire::t_timestamp ? b.CreateString("UTC") : Offset<wire::fb::String>();
    const uoffset_t start = b.StartTable();
    if (type == wire::t_int) b.AddElement<std::int32_t>(wire::int_type::bit_width, 64, 0);
    if (type == wire::t_timestamp) b.AddOffset(wire::timestamp_type::timezone, utc);
    return Offset<void>(b.EndTable(start));
}

}  // namespace

void column_builder::spell_out() { set_bits(valid_, 0, values_); }

void column_builder::mark_apart(std::size_t row, std::size_t count) {
    if (valid_.empty()) spell_out();
    set_bits(valid_, row, count);
}

bool column_builder::mark_again(std::size_t row, std::size_t count) {
    if (values_ == 0 || behind_ != row) return false;
    if (!valid_.empty()) mark_apart(row, count);
    values_ += count;
    behind_ += count;
    return true;
}

void text_builder::repeat(std::size_t row, std::size_t count) {
    if (!mark_again(row, count)) return;
    const std::size_t from = static_cast<std::size_t>(ends_[row - 1]), size = bytes_.size() - from;
    char* const to = bytes_.extend(size * count);
    // Ever longer pieces of what is there already.
    for (std::size_t done = 0; done < size * count;) {
        const std::size_t piece = std::min(size + done, size * count - done);
        std::memcpy(to + done, to - size, piece);
        done += piece;
    }
    std::int32_t end = ends_.back();
    std::int32_t* const ends = ends_.extend(count);
    for (std::size_t i = 0; i < count; ++i) ends[i] = end += static_cast<std::int32_t>(size);
}

void integer_builder::repeat(std::size_t row, std::size_t count) {
    if (mark_again(row, count)) numbers_.fill_up(row + count, numbers_.back());
}

void boolean_builder::set(std::size_t row, bool value) {
    mark(row);
    if (value) set_bits(bits_, row, 1);
}

void boolean_builder::repeat(std::size_t row, std::size_t count) {
    if (!mark_again(row, count)) return;
    if (has_bit(bits_, row - 1)) set_bits(bits_, row, count);
}

void table_builder::begin(column_builder& c, std::uint8_t type, std::size_t rows, bool nullable,
                          int children) {
    fields_.push_back({c.name_, type, nullable, children});
    nodes_.emplace_back(rows, rows - c.values_);
    // Where all rows have a value, nothing need be marked.
    if (c.values_ == rows) return add_buffer({});
    // Rows behind the last one that was set have none either.
    if (c.valid_.empty()) c.spell_out();
    c.valid_.resize((rows + 7) / 8);
    add_buffer(c.valid_);
}

void table_builder::add_buffer(std::string_view bytes) {
    buffers_.emplace_back(body_size_, bytes.size());
    body_.push_back(bytes);
    body_size_ += up_to_number(bytes.size());
}

void table_builder::text(text_builder& c, std::size_t rows, bool nullable) {
    begin(c, wire::t_utf8, rows, nullable);
    c.pass_over(rows);
    add_buffer(c.ends_);
    add_buffer(c.bytes_);
}

void table_builder::put(text_builder& c) { text(c, rows_, true); }

void table_builder::put(integer_builder& c) {
    begin(c, wire::t_int, rows_, true);
    c.numbers_.fill_up(rows_, 0);
    add_buffer(c.numbers_);
}

void table_builder::put(timestamp_builder& c) {
    put(static_cast<integer_builder&>(c));
    fields_.back().type = wire::t_timestamp;
}

void table_builder::put(boolean_builder& c) {
    begin(c, wire::t_bool, rows_, true);
    c.bits_.resize((rows_ + 7) / 8);
    add_buffer(c.bits_);
}

void table_builder::put(map_builder& c) {
    begin(c, wire::t_map, rows_, true, 1);
    c.end_rows(rows_);
    add_buffer(c.ends_);
    column_builder entries("entries");
    entries.values_ = c.entries_;
    begin(entries, wire::t_struct, c.entries_, false, 2);
    text(c.keys_, c.entries_, false);
    text(c.items_, c.entries_, true);
}

std::string table_builder::finish(std::span<const std::pair<std::string_view, std::string_view>> metadata) {
    wire::fb::FlatBufferBuilder b(4096);
    const auto string = [&](std::string_view s) { return b.CreateString(s.data(), s.size()); };
    // What is pointed to comes first: so the fields from the last one to the first.
    std::vector<Offset<void>> waiting;
    for (std::size_t i = fields_.size(); i-- > 0;) {
        const field& f = fields_[i];
        const std::vector<Offset<void>> children(waiting.rbegin(), waiting.rbegin() + f.children);
        waiting.resize(waiting.size() - static_cast<std::size_t>(f.children));
        const auto name = string(f.name);
        const auto type = add_type(b, f.type);
        const auto below = b.CreateVector(children);
        const uoffset_t start = b.StartTable();
        b.AddOffset(wire::field::name, name);
        b.AddElement<std::uint8_t>(wire::field::nullable, f.nullable, 0);
        b.AddElement<std::uint8_t>(wire::field::type_type, f.type, 0);
        b.AddOffset(wire::field::type, type);
        b.AddOffset(wire::field::children, below);
        waiting.emplace_back(b.EndTable(start));
    }
    const auto fields = b.CreateVector(std::vector<Offset<void>>(waiting.rbegin(), waiting.rend()));
    std::vector<Offset<void>> pairs;
    for (const auto& [key, value] : metadata) {
        const auto k = string(key), v = string(value);
        const uoffset_t start = b.StartTable();
        b.AddOffset(wire::key_value::key, k);
        b.AddOffset(wire::key_value::value, v);
        pairs.emplace_back(b.EndTable(start));
    }
    const auto about = b.CreateVector(pairs);
    const uoffset_t schema = b.StartTable();
    b.AddOffset(wire::schema::fields, fields);
    b.AddOffset(wire::schema::custom_metadata, about);
    const Offset<void> schema_end(b.EndTable(schema));
    std::string out;
    add_message(out, b, wire::header_schema, schema_end, 0);

    b.Clear();
    const auto structs = [&](const auto& all) {
        std::vector<wire::pair> copy;
        for (const auto& [first, second] : all) copy.push_back({first, second});
        return b.CreateVectorOfStructs(copy);
    };
    const auto nodes = structs(nodes_);
    const auto buffers = structs(buffers_);
    const uoffset_t batch = b.StartTable();
    b.AddElement<std::int64_t>(wire::record_batch::length, static_cast<std::int64_t>(rows_), 0);
    b.AddOffset(wire::record_batch::nodes, nodes);
    b.AddOffset(wire::record_batch::buffers, buffers);
    const Offset<void> batch_end(b.EndTable(batch));
    add_message(out, b, wire::header_batch, batch_end, body_size_);
    const std::uint32_t end[] = {wire::continuation, 0};
    out.reserve(out.size() + body_size_ + sizeof end);
    for (const std::string_view bytes : body_) {
        out += bytes;
        padded(out);
    }
    out.append(reinterpret_cast<const char*>(end), sizeof end);
    return out;
}

}  // namespace act::arrow

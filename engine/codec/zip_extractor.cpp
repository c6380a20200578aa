#include <algorithm>
#include <optional>

#include "engine/codec/deflate.hpp"
#include "engine/codec/inflate_stream.hpp"
#include "engine/codec/zip.hpp"
#include "engine/codec/zip_format.hpp"
#include "engine/core/utf8.hpp"

namespace act::codec {

using namespace zip_format;

namespace {

/// Entries up to this go through libdeflate in one piece, two to three times faster; larger ones stream
/// through zlib.
constexpr std::uint64_t whole_limit = 4U << 20;
constexpr std::size_t input_tile = 128U << 10, output_tile = 256U << 10;

}  // namespace

struct zip_extractor::state {
    const zip_reader* reader;
    inflater whole;
    inflate_stream stream{inflate_stream::format::raw};
    std::vector<std::byte> in, out;

    // What follows is about one entry.

    error damaged(const zip_entry& entry, const std::string& reason) const {
        return error(kind::integrity,
                     "zip archive " + reader->what_ + ": entry '" + printable(entry.name) + "': " + reason,
                     "fetch or make the archive again");
    }

    result<void> read(const zip_entry& entry, std::uint64_t offset, std::span<std::byte> into) const {
        while (!into.empty()) {
            ACT_TRY(const std::size_t n, reader->source_(offset, into));
            if (n == 0 || n > into.size()) return damaged(entry, "the archive ends early");
            into = into.subspan(n);
            offset += n;
        }
        return {};
    }

    result<std::uint64_t> data_offset(const zip_entry&);
    result<std::uint32_t> copy(const zip_entry&, std::uint64_t offset, const zip_sink&);
    result<std::uint32_t> inflate_whole(const zip_entry&, std::uint64_t offset, const zip_sink&);
    result<std::uint32_t> inflate_in_tiles(const zip_entry&, std::uint64_t offset, const zip_sink&);
};

/// Where the data begins, by the entry's own header, which must name the same entry.
result<std::uint64_t> zip_extractor::state::data_offset(const zip_entry& entry) {
    in.resize(std::max(in.size(), local_size + entry.name.size()));
    const auto header = std::span(in).first(local_size + entry.name.size());
    ACT_TRY_VOID(read(entry, entry.header_offset, header));
    decoder d(header);
    const bool signature = d.u32() == local_signature;
    d.skip(22);
    const std::uint16_t name_size = d.u16(), extra_size = d.u16();
    const bytes_view name = d.bytes(entry.name.size());
    if (!signature || name_size != entry.name.size() || !std::ranges::equal(name, as_bytes(entry.name))) {
        return damaged(entry, "its own header disagrees with the directory");
    }
    const std::uint64_t offset = entry.header_offset + header.size() + extra_size;
    if (offset > reader->directory_offset_ || entry.stored_size > reader->directory_offset_ - offset) {
        return damaged(entry, "its data lies outside");
    }
    return offset;
}

result<std::uint32_t> zip_extractor::state::copy(const zip_entry& entry, std::uint64_t offset,
                                                 const zip_sink& sink) {
    std::uint32_t crc = 0;
    in.resize(std::max(in.size(), output_tile));
    for (std::uint64_t left = entry.size; left > 0;) {
        const auto tile =
            std::span(in).first(static_cast<std::size_t>(std::min<std::uint64_t>(left, output_tile)));
        ACT_TRY_VOID(read(entry, offset, tile));
        crc = crc32(crc, tile);
        ACT_TRY_VOID(sink(tile));
        offset += tile.size();
        left -= tile.size();
    }
    return crc;
}

result<std::uint32_t> zip_extractor::state::inflate_whole(const zip_entry& entry, std::uint64_t offset,
                                                          const zip_sink& sink) {
    in.resize(std::max<std::size_t>(in.size(), entry.stored_size));
    out.resize(std::max<std::size_t>(out.size(), entry.size));
    const auto input = std::span(in).first(static_cast<std::size_t>(entry.stored_size));
    const auto output = std::span(out).first(static_cast<std::size_t>(entry.size));
    ACT_TRY_VOID(read(entry, offset, input));
    if (!whole.inflate(input, output)) return damaged(entry, "the compressed data is damaged");
    if (!output.empty()) ACT_TRY_VOID(sink(output));
    return crc32(0, output);
}

result<std::uint32_t> zip_extractor::state::inflate_in_tiles(const zip_entry& entry, std::uint64_t offset,
                                                             const zip_sink& sink) {
    in.resize(std::max(in.size(), input_tile));
    stream.restart();
    std::uint32_t crc = 0;
    std::uint64_t unread = entry.stored_size, unmade = entry.size;
    std::optional<error> refused;
    const inflate_stream::sink take = [&](bytes_view made) -> result<void> {
        if (made.size() > unmade) return error(kind::integrity, "longer than it said");
        unmade -= made.size();
        crc = crc32(crc, made);
        auto taken = sink(made);
        if (!taken) refused = taken.error();
        return taken;
    };
    while (unread > 0) {
        const auto tile =
            std::span(in).first(static_cast<std::size_t>(std::min<std::uint64_t>(unread, input_tile)));
        ACT_TRY_VOID(read(entry, offset, tile));
        offset += tile.size();
        unread -= tile.size();
        if (auto fed = stream.feed(tile, take); !fed)
            return refused ? *refused : damaged(entry, "the compressed data is damaged");
    }
    if (unmade != 0 || !stream.finish()) return damaged(entry, "the compressed data is damaged");
    return crc;
}

zip_extractor::zip_extractor(const zip_reader& reader) : state_(std::make_unique<state>()) {
    state_->reader = &reader;
}
zip_extractor::~zip_extractor() = default;
zip_extractor::zip_extractor(zip_extractor&&) noexcept = default;
zip_extractor& zip_extractor::operator=(zip_extractor&&) noexcept = default;

result<void> zip_extractor::extract(const zip_entry& entry, const zip_sink& sink) {
    state& s = *state_;
    ACT_TRY(const std::uint64_t offset, s.data_offset(entry));
    const bool small = entry.size <= whole_limit && entry.stored_size <= whole_limit;
    auto crc = !entry.deflated ? s.copy(entry, offset, sink)
               : small         ? s.inflate_whole(entry, offset, sink)
                               : s.inflate_in_tiles(entry, offset, sink);
    if (!crc) return crc.error();
    if (*crc != entry.crc32) return s.damaged(entry, "the checksum does not match");
    return {};
}

}  // namespace act::codec

#pragma once

#include <cstring>
#include <string>
#include <vector>

#include "engine/codec/deflate.hpp"
#include "engine/codec/zip.hpp"

namespace act::codec {

inline std::string text_of(bytes_view bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// An archive in memory.
class archive_builder {
public:
    archive_builder()
        : writer_([this](bytes_view data) -> result<void> {
              bytes_ += text_of(data);
              return {};
          }) {}

    archive_builder& stored(std::string name, std::string_view content, std::uint32_t mode = 0100644) {
        zip_entry entry{.name = std::move(name), .mode = mode};
        entry.crc32 = crc32(0, as_bytes(content));
        entry.size = entry.stored_size = content.size();
        writer_.add(entry, as_bytes(content)).value();
        return *this;
    }
    archive_builder& deflated(std::string name, std::string_view content, std::uint32_t mode = 0100644) {
        std::vector<std::byte> packed;
        deflater().compress(as_bytes(content), packed);
        zip_entry entry{.name = std::move(name), .mode = mode, .deflated = true};
        entry.crc32 = crc32(0, as_bytes(content));
        entry.size = content.size();
        entry.stored_size = packed.size();
        writer_.add(entry, packed).value();
        return *this;
    }
    std::string finish() {
        writer_.finish().value();
        return bytes_;
    }
    zip_writer& writer() { return writer_; }

private:
    std::string bytes_;
    zip_writer writer_;
};

/// `bytes` must outlive the source.
inline zip_source source_of(const std::string& bytes) {
    return [&bytes](std::uint64_t offset, std::span<std::byte> into) -> result<std::size_t> {
        if (offset >= bytes.size()) return std::size_t{0};
        const std::size_t n = std::min<std::size_t>(into.size(), bytes.size() - offset);
        std::memcpy(into.data(), bytes.data() + offset, n);
        return n;
    };
}

inline result<zip_reader> open_bytes(const std::string& bytes) {
    return zip_reader::open(source_of(bytes), bytes.size(), "test.zip");
}

inline result<std::string> content_of(const zip_reader& reader, const zip_entry& entry) {
    std::string content;
    zip_extractor extractor(reader);
    const auto done = extractor.extract(entry, [&](bytes_view piece) -> result<void> {
        content += text_of(piece);
        return {};
    });
    if (!done) return done.error();
    return content;
}

}  // namespace act::codec

#include <map>

#include <gtest/gtest.h>

#include "engine/codec/zip.hpp"
#include "zip_fixture.hpp"

namespace {

using namespace act;
using namespace act::codec;

/// Stands in for an archive of many gigabytes: zeros are not kept.
class sparse_archive {
public:
    zip_sink sink() {
        return [this](bytes_view data) -> result<void> {
            if (data.size() < zeros_from) pieces_[size_] = text_of(data);
            size_ += data.size();
            return {};
        };
    }
    zip_source source() const {
        return [this](std::uint64_t offset, std::span<std::byte> into) -> result<std::size_t> {
            const std::size_t n =
                static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), size_ - offset));
            std::fill_n(into.begin(), n, std::byte{0});
            for (auto at = first_touching(offset); at != pieces_.end() && at->first < offset + n; ++at) {
                const auto& [begin, text] = *at;
                const std::uint64_t from = std::max(begin, offset),
                                    to = std::min(begin + text.size(), offset + n);
                if (from < to)
                    std::memcpy(into.data() + (from - offset), text.data() + (from - begin), to - from);
            }
            return n;
        };
    }
    std::uint64_t size() const { return size_; }

    static constexpr std::size_t zeros_from = 16U << 20;

private:
    std::map<std::uint64_t, std::string>::const_iterator first_touching(std::uint64_t offset) const {
        auto at = pieces_.upper_bound(offset);
        return at == pieces_.begin() ? at : std::prev(at);
    }
    std::map<std::uint64_t, std::string> pieces_;
    std::uint64_t size_ = 0;
};

TEST(large_zip, entries_and_offsets_beyond_four_gigabytes) {
    const std::vector<std::byte> zeros(64U << 20);
    const std::uint64_t huge = 5ULL << 30;
    sparse_archive archive;
    zip_writer writer(archive.sink());
    const auto small = [&](const char* name) {
        return writer.add({.name = name, .crc32 = crc32(0, as_bytes("text")), .size = 4, .stored_size = 4},
                          as_bytes("text"));
    };
    ASSERT_TRUE(small("first"));
    ASSERT_TRUE(writer.begin({.name = "huge", .crc32 = 0x12345678, .size = huge, .stored_size = huge}));
    for (std::uint64_t given = 0; given < huge; given += zeros.size()) ASSERT_TRUE(writer.append(zeros));
    ASSERT_TRUE(small("last"));
    ASSERT_TRUE(writer.finish());
    EXPECT_EQ(writer.size(), archive.size());
    EXPECT_GT(archive.size(), huge);

    const auto reader = zip_reader::open(archive.source(), archive.size(), "huge.zip");
    ASSERT_TRUE(reader) << reader.error().describe();
    ASSERT_EQ(reader->entries().size(), 3U);
    EXPECT_EQ(reader->entries()[1].size, huge);
    EXPECT_GT(reader->entries()[2].header_offset, huge);
    EXPECT_EQ(content_of(*reader, reader->entries()[0]).value(), "text");
    EXPECT_EQ(content_of(*reader, reader->entries()[2]).value(), "text");

    // The huge one is found, too; that its checksum was made up is noticed at the end, so the receiver stops
    // before.
    zip_extractor extractor(*reader);
    const auto done = extractor.extract(reader->entries()[1], [](bytes_view piece) -> result<void> {
        EXPECT_EQ(piece.front(), std::byte{0});
        return error(kind::stopped, "enough");
    });
    EXPECT_EQ(done.error().kind(), kind::stopped);
}

TEST(large_zip, more_entries_than_sixteen_bits_count) {
    for (const unsigned count : {65'534U, 65'535U, 70'000U}) {
        archive_builder b;
        for (unsigned i = 0; i < count; ++i) ASSERT_TRUE(b.writer().add({.name = std::to_string(i)}, {}));
        const std::string bytes = b.finish();
        const auto reader = open_bytes(bytes);
        ASSERT_TRUE(reader) << count << ": " << reader.error().describe();
        ASSERT_EQ(reader->entries().size(), count);
        EXPECT_EQ(reader->entries().back().name, std::to_string(count - 1));
    }
}

TEST(large_zip, damage_in_the_wide_records_is_refused) {
    archive_builder b;
    for (unsigned i = 0; i < 70'000; ++i) ASSERT_TRUE(b.writer().add({.name = std::to_string(i)}, {}));
    const std::string good = b.finish();
    const std::size_t records = 56 + 20 + 22;
    for (std::size_t at = good.size() - records; at < good.size(); at += 3) {
        std::string bytes = good;
        bytes[at] = static_cast<char>(bytes[at] ^ 0xFF);
        const auto reader = open_bytes(bytes);
        if (reader) EXPECT_EQ(reader->entries().size(), 70'000U) << at;
    }
}

}  // namespace

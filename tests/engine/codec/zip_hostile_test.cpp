#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/codec/zip.hpp"
#include "engine/codec/zip_format.hpp"
#include "random_bytes.hpp"
#include "zip_fixture.hpp"

namespace {

using namespace act;
using namespace act::codec;
using testing::AnyOf;
using testing::HasSubstr;

/// Where the directory's record of entry `index` begins, and the fields in it.
struct places {
    std::size_t end, directory;
    explicit places(const std::string& bytes) : end(bytes.size() - zip_format::end_size) {
        directory = static_cast<unsigned char>(bytes[end + 16]) | static_cast<unsigned char>(bytes[end + 17])
                                                                      << 8;
    }
};

void put(std::string& bytes, std::size_t at, std::uint64_t value, int size) {
    for (int i = 0; i < size; ++i)
        bytes[at + static_cast<std::size_t>(i)] = static_cast<char>(value >> (8 * i));
}

std::string refusal(const std::string& bytes) {
    const auto reader = open_bytes(bytes);
    if (!reader) return reader.error().message();
    for (const zip_entry& entry : reader->entries()) {
        const auto content = content_of(*reader, entry);
        if (!content) return content.error().message();
    }
    return "accepted";
}

TEST(hostile_zip, no_archive_at_all) {
    EXPECT_THAT(refusal(""), HasSubstr("too short"));
    EXPECT_THAT(refusal("PK"), HasSubstr("too short"));
    EXPECT_THAT(refusal(std::string(100'000, 'x')), HasSubstr("not a zip archive"));
}

TEST(hostile_zip, every_truncation_is_refused) {
    const std::string bytes = archive_builder().stored("a", "some text").deflated("b", "more text").finish();
    ASSERT_EQ(refusal(bytes), "accepted");
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        EXPECT_NE(refusal(bytes.substr(0, size)), "accepted") << size;
    }
}

TEST(hostile_zip, any_single_damaged_byte_is_refused_or_harmless) {
    const std::string bytes = archive_builder()
                                  .stored("a/b", "some text")
                                  .deflated("c", "more text more text")
                                  .stored("l", "c", 0120777)
                                  .finish();
    for (std::size_t at = 0; at < bytes.size(); ++at) {
        for (const int flip : {0x01, 0x80, 0xFF}) {
            std::string changed = bytes;
            changed[at] = static_cast<char>(changed[at] ^ flip);
            const auto reader = open_bytes(changed);
            if (!reader) continue;
            for (const zip_entry& entry : reader->entries()) {
                const auto content = content_of(*reader, entry);
                if (!content) continue;
                EXPECT_THAT(*content, AnyOf("some text", "more text more text", "c", "")) << at;
            }
        }
    }
}

/// The builder refuses such names, so an innocent one of the same length is replaced in the finished archive.
std::string renamed(std::string bytes, const std::string& from, const std::string& to) {
    for (std::size_t at = bytes.find(from); at != std::string::npos; at = bytes.find(from, at + to.size())) {
        bytes.replace(at, from.size(), to);
    }
    return bytes;
}

TEST(hostile_zip, names_that_lead_outside_are_refused) {
    const std::string bytes = archive_builder().stored("aaaaa/bbb", "x").finish();
    for (const char* name : {"/etc/pass", "../x/bbbb", "aa/../bbb", "aaaaa//bb", "aaaaaa/..", "./aaa/bbb",
                             "aaaaa/b\xff"
                             "b"}) {
        EXPECT_NE(refusal(renamed(bytes, "aaaaa/bbb", name)), "accepted") << name;
    }
    EXPECT_THAT(refusal(renamed(bytes, "aaaaa/bbb", std::string("aaaaa/b\0b", 9))), HasSubstr("zero byte"));
}

TEST(hostile_zip, names_below_a_symbolic_link_are_refused) {
    EXPECT_THAT(refusal(archive_builder().stored("a", "/etc", 0120777).stored("a/passwd", "x").finish()),
                HasSubstr("symbolic link"));
    EXPECT_THAT(refusal(archive_builder().stored("x/y/z", "x").stored("x/y", "/etc", 0120777).finish()),
                HasSubstr("symbolic link"));
}

TEST(hostile_zip, a_name_twice_is_refused) {
    EXPECT_THAT(refusal(archive_builder().stored("a", "x").stored("a", "y").finish()), HasSubstr("twice"));
    EXPECT_THAT(refusal(archive_builder().stored("a/", "", 040755).stored("a", "/etc", 0120777).finish()),
                HasSubstr("twice"));
}

TEST(hostile_zip, overlapping_entries_are_refused) {
    std::string bytes = archive_builder().stored("a", "xxxx").stored("b", "xxxx").finish();
    const places p(bytes);
    const std::size_t second = p.directory + zip_format::central_size + 1;
    put(bytes, second + 42, 0, 4);  // the second entry uses the first one's place
    EXPECT_THAT(refusal(bytes), HasSubstr("overlaps"));
}

TEST(hostile_zip, offsets_and_sizes_outside_are_refused) {
    const std::string good = archive_builder().stored("a", "xxxx").finish();
    const places p(good);
    for (const std::uint64_t value : {5ULL, 0x7FFFFFFFULL, 0xFFFFFFF0ULL, 0xFFFFFFFFULL}) {
        std::string bytes = good;
        put(bytes, p.directory + 20, value, 4);
        put(bytes, p.directory + 24, value, 4);
        EXPECT_NE(refusal(bytes), "accepted") << "stored size " << value;
        bytes = good;
        put(bytes, p.directory + 42, value, 4);
        EXPECT_NE(refusal(bytes), "accepted") << "header offset " << value;
        bytes = good;
        put(bytes, p.end + 16, value, 4);
        EXPECT_NE(refusal(bytes), "accepted") << "directory offset " << value;
        bytes = good;
        put(bytes, p.end + 12, value, 4);
        EXPECT_NE(refusal(bytes), "accepted") << "directory size " << value;
    }
    std::string bytes = good;
    put(bytes, p.end + 8, 0xFFFE, 2);
    put(bytes, p.end + 10, 0xFFFE, 2);
    EXPECT_THAT(refusal(bytes), HasSubstr("more entries than"));
}

TEST(hostile_zip, a_wrong_checksum_or_size_is_noticed) {
    for (const bool deflate : {false, true}) {
        archive_builder b;
        const std::string good =
            (deflate ? b.deflated("a", "text text text") : b.stored("a", "text")).finish();
        const places p(good);
        std::string bytes = good;
        bytes[p.directory + 16] = static_cast<char>(bytes[p.directory + 16] ^ 1);
        EXPECT_THAT(refusal(bytes), HasSubstr("checksum"));
        bytes = good;
        put(bytes, p.directory + 24, 3, 4);
        EXPECT_NE(refusal(bytes), "accepted");
    }
}

TEST(hostile_zip, a_large_entry_that_lies_about_its_size_gives_no_more_than_it_said) {
    const std::string zeros(20'000'000, '\0');
    const std::string good = archive_builder().deflated("a", zeros).finish();
    const places p(good);
    for (const std::uint64_t claimed : {5'000'000ULL, 19'999'999ULL, 20'000'001ULL, 4'000'000'000ULL}) {
        std::string bytes = good;
        put(bytes, p.directory + 24, claimed, 4);
        const auto reader = open_bytes(bytes);
        ASSERT_TRUE(reader);
        std::uint64_t taken = 0;
        zip_extractor extractor(*reader);
        const auto done = extractor.extract(reader->entries()[0], [&](bytes_view piece) -> result<void> {
            taken += piece.size();
            return {};
        });
        EXPECT_FALSE(done) << claimed;
        EXPECT_LE(taken, claimed);
    }
}

TEST(hostile_zip, encryption_methods_and_parts_are_beyond_us) {
    const std::string good = archive_builder().stored("a", "text").finish();
    const places p(good);
    const auto kind_of = [](const std::string& bytes) { return open_bytes(bytes).error().kind(); };
    std::string bytes = good;
    put(bytes, p.directory + 8, zip_format::flag_encrypted, 2);
    EXPECT_EQ(kind_of(bytes), kind::unsupported);
    bytes = good;
    put(bytes, p.directory + 10, 14, 2);
    EXPECT_EQ(kind_of(bytes), kind::unsupported);
    bytes = good;
    put(bytes, p.end + 4, 1, 2);
    EXPECT_EQ(kind_of(bytes), kind::unsupported);
}

TEST(hostile_zip, a_directory_beyond_the_limit_is_refused_before_it_is_read) {
    const std::string bytes = archive_builder().stored("a", "text").finish();
    const auto reader = zip_reader::open(source_of(bytes), bytes.size(), "x", {.directory_bytes = 46});
    ASSERT_FALSE(reader);
    EXPECT_EQ(reader.error().kind(), kind::unsupported);
}

TEST(hostile_zip, a_source_that_fails_or_ends_early_is_an_error) {
    const std::string bytes = archive_builder().stored("a", "text").finish();
    EXPECT_FALSE(zip_reader::open(source_of(bytes), bytes.size() + 1000, "x"));
    const auto failing = zip_reader::open(
        [](std::uint64_t, std::span<std::byte>) -> result<std::size_t> {
            return error(kind::io, "bad disk");
        },
        1000, "x");
    ASSERT_FALSE(failing);
    EXPECT_EQ(failing.error().message(), "bad disk");
}

TEST(hostile_zip, modes_of_other_systems_are_filled_in) {
    std::string bytes = archive_builder().stored("d/", "", 040700).stored("f", "x", 0100600).finish();
    const places p(bytes);
    const std::size_t second = p.directory + zip_format::central_size + 2;
    for (const std::size_t at : {p.directory, second}) bytes[at + 5] = 0;  // made by MS-DOS
    const auto reader = open_bytes(bytes);
    ASSERT_TRUE(reader);
    EXPECT_EQ(reader->entries()[0].mode, 040755U);
    EXPECT_EQ(reader->entries()[1].mode, 0100644U);
}

TEST(hostile_zip, random_changes_never_break_the_reader) {
    const std::string good = archive_builder()
                                 .stored("a/", "", 040755)
                                 .stored("a/b", "some text")
                                 .deflated("c", std::string(3000, 'z'))
                                 .stored("l", "c", 0120777)
                                 .finish();
    std::mt19937_64 random(17);
    for (int round = 0; round < 20'000; ++round) {
        std::string bytes = good;
        for (int change = 0; change < 4; ++change)
            bytes[random() % bytes.size()] = static_cast<char>(random());
        refusal(bytes);
    }
}

}  // namespace

#include "engine/codec/zip.hpp"

#include <cstdlib>
#include <fstream>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/codec/base64.hpp"
#include "random_bytes.hpp"
#include "zip_fixture.hpp"

namespace {

using namespace act;
using namespace act::codec;
using testing::HasSubstr;

std::string noise(std::size_t size) { return text_of(random_bytes(size)); }

std::string repeated(std::size_t size) {
    std::string text;
    while (text.size() < size) text += "line " + std::to_string(text.size()) + "\n";
    text.resize(size);
    return text;
}

TEST(zip, entries_come_back) {
    const std::string big = repeated(9'000'000), middle = repeated(300'000), random = noise(600'001);
    const std::string bytes = archive_builder()
                                  .stored("dir/", "", 040750)
                                  .stored("dir/a.txt", "hello", 0100640)
                                  .deflated("dir/\xc3\xbc.txt", "hello hello hello", 0100755)
                                  .stored("link", "dir/a.txt", 0120777)
                                  .deflated("empty", "")
                                  .stored("nothing", "")
                                  .deflated("big", big)
                                  .deflated("middle", middle)
                                  .stored("random", random)
                                  .deflated("noise", random)
                                  .finish();
    const auto reader = open_bytes(bytes);
    ASSERT_TRUE(reader) << reader.error().describe();
    const auto& e = reader->entries();
    ASSERT_EQ(e.size(), 10U);
    EXPECT_EQ(e[0].name, "dir/");
    EXPECT_EQ(e[0].mode, 040750U);
    EXPECT_EQ(e[1].mode, 0100640U);
    EXPECT_EQ(e[2].name, "dir/\xc3\xbc.txt");
    EXPECT_EQ(e[2].mode, 0100755U);
    EXPECT_TRUE(e[2].deflated);
    EXPECT_EQ(e[3].mode, 0120777U);
    const std::string contents[] = {"",     "hello", "hello hello hello", "dir/a.txt", "", "", big, middle,
                                    random, random};
    for (std::size_t i = 0; i < e.size(); ++i) {
        EXPECT_EQ(e[i].size, contents[i].size());
        const auto content = content_of(*reader, e[i]);
        ASSERT_TRUE(content) << content.error().describe();
        EXPECT_TRUE(*content == contents[i]) << e[i].name;
    }
}

TEST(zip, equal_content_makes_equal_archives) {
    const auto make = [] { return archive_builder().stored("a", "x").deflated("b/c", "yyyyyyyy").finish(); };
    EXPECT_EQ(make(), make());
    EXPECT_EQ(hex(as_bytes(archive_builder().stored("a", "x").finish())),
              "504b0304"
              "1400"
              "0008"
              "0000"
              "0000"
              "2100"
              "8316dc8c"
              "01000000"
              "01000000"
              "0100"
              "0000"
              "61"
              "78"
              "504b0102"
              "1403"
              "1400"
              "0008"
              "0000"
              "0000"
              "2100"
              "8316dc8c"
              "01000000"
              "01000000"
              "0100"
              "0000"
              "0000"
              "0000"
              "0000"
              "0000a481"
              "00000000"
              "61"
              "504b0506"
              "0000"
              "0000"
              "0100"
              "0100"
              "2f000000"
              "20000000"
              "0000");
}

TEST(zip, an_archive_may_be_empty) {
    const std::string bytes = archive_builder().finish();
    EXPECT_EQ(bytes.size(), 22U);
    const auto reader = open_bytes(bytes);
    ASSERT_TRUE(reader);
    EXPECT_TRUE(reader->entries().empty());
}

TEST(zip, a_comment_after_the_end_is_no_harm) {
    std::string bytes = archive_builder().stored("a", "x").finish();
    // A comment that itself looks like an end record.
    const std::string comment = "PK\5\6 some comment that is long enough to look like a record";
    bytes[bytes.size() - 2] = static_cast<char>(comment.size());
    bytes += comment;
    const auto reader = open_bytes(bytes);
    ASSERT_TRUE(reader) << reader.error().describe();
    EXPECT_EQ(content_of(*reader, reader->entries().at(0)).value(), "x");
}

TEST(zip, pieces_are_the_same_as_a_whole) {
    const std::string content = noise(10'000);
    archive_builder pieces;
    zip_entry entry{.name = "a", .crc32 = crc32(0, as_bytes(content)), .size = 10'000, .stored_size = 10'000};
    ASSERT_TRUE(pieces.writer().begin(entry));
    for (std::size_t at = 0; at < content.size(); at += 1000) {
        ASSERT_TRUE(pieces.writer().append(as_bytes(std::string_view(content).substr(at, 1000))));
    }
    const std::uint64_t before = pieces.writer().size();
    const std::string bytes = pieces.finish();
    EXPECT_EQ(before, 31U + 10'000U);
    EXPECT_EQ(pieces.writer().size(), bytes.size());
    EXPECT_EQ(bytes, archive_builder().stored("a", content).finish());
}

TEST(zip, the_writer_refuses_what_the_reader_would) {
    for (const char* name : {"", "/a", "../a", "a/../b", "a//b", "./a", "a/.", "a\xff", "..", ".", "//"}) {
        archive_builder b;
        const auto done = b.writer().add({.name = name}, {});
        ASSERT_FALSE(done) << name;
        EXPECT_EQ(done.error().kind(), kind::usage);
    }
    archive_builder b;
    EXPECT_FALSE(b.writer().add({.name = std::string("a\0b", 3)}, {}));
    EXPECT_FALSE(b.writer().add({.name = std::string(70'000, 'a')}, {}));
    EXPECT_FALSE(b.writer().add({.name = "dir", .mode = 040755}, {}));
    EXPECT_FALSE(b.writer().add({.name = "file/", .mode = 0100644}, {}));
    EXPECT_FALSE(b.writer().add({.name = "pipe", .mode = 0010644}, {}));
    EXPECT_FALSE(b.writer().add({.name = "a", .size = 5, .stored_size = 5}, as_bytes("four")));
    EXPECT_FALSE(b.writer().add({.name = "a", .size = 5, .stored_size = 4}, as_bytes("four")));
    EXPECT_EQ(b.writer().size(), 0U) << "nothing was written for any of them";
}

TEST(zip, a_file_that_shrinks_or_grows_meanwhile_is_noticed) {
    archive_builder b;
    const zip_entry entry{.name = "a", .size = 4, .stored_size = 4};
    ASSERT_TRUE(b.writer().begin(entry));
    EXPECT_FALSE(b.writer().append(as_bytes("12345")));
    ASSERT_TRUE(b.writer().append(as_bytes("123")));
    EXPECT_FALSE(b.writer().finish());
    EXPECT_FALSE(b.writer().begin({.name = "b"}));
    ASSERT_TRUE(b.writer().append(as_bytes("4")));
    EXPECT_TRUE(b.writer().finish());
    EXPECT_FALSE(b.writer().begin({.name = "b"})) << "finished";
}

TEST(zip, a_failing_sink_ends_the_writer) {
    int calls = 0;
    zip_writer writer([&](bytes_view) -> result<void> {
        ++calls;
        return error(kind::disk_full, "no room");
    });
    EXPECT_EQ(writer.add({.name = "a"}, {}).error().kind(), kind::disk_full);
    EXPECT_FALSE(writer.add({.name = "b"}, {}));
    EXPECT_FALSE(writer.finish());
    EXPECT_EQ(calls, 1);
}

TEST(zip, a_failing_receiver_ends_the_extraction) {
    const std::string bytes = archive_builder().stored("a", "x").deflated("b", repeated(9'000'000)).finish();
    const auto reader = open_bytes(bytes);
    ASSERT_TRUE(reader);
    zip_extractor extractor(*reader);
    for (const zip_entry& entry : reader->entries()) {
        int calls = 0;
        const auto done = extractor.extract(entry, [&](bytes_view) -> result<void> {
            ++calls;
            return error(kind::disk_full, "no room");
        });
        ASSERT_FALSE(done);
        EXPECT_EQ(done.error().kind(), kind::disk_full);
        EXPECT_EQ(calls, 1);
    }
    EXPECT_TRUE(content_of(*reader, reader->entries()[1])) << "and the next one works";
}

/// Other people's programs are the judges of the format.
TEST(zip, info_zip_accepts_it) {
    if (std::system("unzip -v >/dev/null 2>&1") != 0) GTEST_SKIP() << "no unzip here";
    char path[] = "/tmp/act-zip-XXXXXX";
    const int fd = ::mkstemp(path);
    ASSERT_GE(fd, 0);
    const std::string bytes = archive_builder()
                                  .stored("dir/", "", 040755)
                                  .deflated("dir/\xc3\xbc", repeated(100'000))
                                  .stored("link", "dir", 0120777)
                                  .finish();
    ASSERT_EQ(::write(fd, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
    EXPECT_EQ(std::system(("unzip -tqq " + std::string(path)).c_str()), 0);

    const auto reader = zip_reader::open(zip_source_of(fd), bytes.size(), path);
    ASSERT_TRUE(reader);
    EXPECT_EQ(content_of(*reader, reader->entries()[2]).value(), "dir");
    ::close(fd);
    ::unlink(path);
}

}  // namespace

#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/codec/zip.hpp"
#include "packing.hpp"
#include "submit/stage/content_hash.hpp"

namespace act::testing {
namespace {

using ::testing::HasSubstr;

struct member {
    std::string name, data;
    std::uint32_t mode = 0100644;
};

class stage_unpack : public packing_test {
protected:
    /// An archive with these members and the hash that they have.
    std::string archive_of(const std::vector<member>& members) {
        std::string bytes;
        codec::zip_writer zip([&](codec::bytes_view b) -> result<void> {
            bytes.append(reinterpret_cast<const char*>(b.data()), b.size());
            return {};
        });
        stage::content_hash hash;
        for (const auto& m : members) {
            codec::zip_entry e;
            e.name = m.name;
            e.mode = m.mode;
            e.size = e.stored_size = m.data.size();
            e.crc32 = codec::crc32(0, codec::as_bytes(m.data));
            auto added = zip.add(e, codec::as_bytes(m.data));
            EXPECT_TRUE(added) << added.error().describe();
            hash.add(stage::kind_of(m.mode), m.name, codec::sha256_of(codec::as_bytes(m.data)));
        }
        EXPECT_TRUE(zip.finish());
        hash_ = hash.finish();
        return out_.write("a.zip", bytes);
    }
    /// The message of a refusal, after which nothing may be left.
    std::string refused(const std::string& archive, const std::string& hash, std::uint64_t cap = 1 << 30) {
        auto done = stage::unpack(archive, out_ / "to/there", hash, cap);
        EXPECT_FALSE(done);
        EXPECT_FALSE(out_.has("to/there"));
        if (out_.has("to")) EXPECT_TRUE(std::filesystem::is_empty(out_ / "to"));
        EXPECT_FALSE(std::filesystem::exists(out_ / "evil"));
        return done ? std::string() : done.error().message();
    }
    std::string hash_;
};

TEST_F(stage_unpack, what_is_sound_is_unpacked) {
    auto archive = archive_of({{"a", "1"}, {"d/", "", 0040755}, {"l", "a", 0120777}});
    auto done = stage::unpack(archive, out_ / "to/there", hash_);
    ASSERT_TRUE(done) << done.error().describe();
    EXPECT_EQ(done->files, 1u);
    EXPECT_EQ(out_.read("to/there/l"), "1");
    EXPECT_TRUE(std::filesystem::is_directory(out_ / "to/there/d"));
    EXPECT_EQ(stage::unpack(archive, out_ / "to/there", hash_).error().kind(), kind::conflict);
}

TEST_F(stage_unpack, links_that_lead_out_are_refused) {
    for (const char* target : {"/etc/passwd", "..", "../x", "a/../../x", ""}) {
        auto archive = archive_of({{"a", "1"}, {"l", target, 0120777}});
        EXPECT_THAT(refused(archive, hash_), HasSubstr("leads out of the tree")) << target;
    }
    auto inside = archive_of({{"a", "1"}, {"d/l", "../a", 0120777}});
    EXPECT_TRUE(stage::unpack(inside, out_ / "fine", hash_));
}

TEST_F(stage_unpack, names_that_lead_out_are_refused) {
    // The writer refuses such names, so one that it takes is changed afterwards, in both places.
    for (std::string evil : {"../evil", "/tmp/eve", "a/../../"}) {
        std::string plain(evil.size(), 'n');
        archive_of({{plain, "1"}});
        std::string bytes = out_.read("a.zip");
        for (std::size_t at = 0; (at = bytes.find(plain, at)) != std::string::npos; at += evil.size()) {
            bytes.replace(at, evil.size(), evil);
        }
        refused(out_.write("a.zip", bytes), hash_);
    }
}

TEST_F(stage_unpack, a_name_below_a_link_is_refused) {
    auto archive = archive_of({{"l", "d", 0120777}, {"m/x", "1"}});
    std::string bytes = out_.read("a.zip");
    for (std::size_t at = 0; (at = bytes.find("m/x", at)) != std::string::npos; ++at) bytes[at] = 'l';
    refused(out_.write("a.zip", bytes), hash_);
}

TEST_F(stage_unpack, another_content_than_the_hash_says_is_refused) {
    auto archive = archive_of({{"a", "1"}});
    std::string right = hash_;
    EXPECT_THAT(refused(archive, std::string(64, '0')), HasSubstr("not what its name says"));
    archive_of({{"a", "2"}});
    EXPECT_THAT(refused(archive, right), HasSubstr("not what its name says"));
    archive_of({{"a", "1", 0100755}});
    EXPECT_THAT(refused(archive, right), HasSubstr("not what its name says"));
    archive_of({{"a", "1"}, {"b", ""}});
    EXPECT_THAT(refused(archive, right), HasSubstr("not what its name says"));
}

TEST_F(stage_unpack, damage_is_refused) {
    tree_.write("a", std::string(5000, 'a'));
    tree_.write("b", "bbbbbbbbbbbbbb");
    auto r = pack();
    std::string bytes = out_.read("code/" + r.hash + ".zip");
    for (std::size_t i = 0; i < bytes.size(); i += 7) {
        std::string broken = bytes;
        broken[i] = static_cast<char>(broken[i] ^ 0x55);
        auto done = stage::unpack(out_.write("broken.zip", broken), out_ / "to/there", r.hash);
        // Bytes that no reader looks at (dates) may differ; the content never does.
        if (done) {
            EXPECT_EQ(out_.read("to/there/b"), "bbbbbbbbbbbbbb");
            std::filesystem::remove_all(out_ / "to/there");
        }
    }
    for (std::size_t cut : {std::size_t{0}, std::size_t{1}, bytes.size() / 2, bytes.size() - 1}) {
        refused(out_.write("broken.zip", bytes.substr(0, cut)), r.hash);
    }
    EXPECT_EQ(stage::unpack(out_ / "nowhere.zip", out_ / "to/there", r.hash).error().kind(), kind::not_found);
}

TEST_F(stage_unpack, a_bomb_is_refused) {
    tree_.write("zeros", std::string(4 << 20, '\0'));
    auto r = pack();
    EXPECT_LT(r.archive_bytes, 100000u);
    EXPECT_THAT(refused(r.archive, r.hash, 1 << 20), HasSubstr("more than is allowed"));
}

}  // namespace
}  // namespace act::testing

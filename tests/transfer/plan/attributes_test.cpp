#include "transfer/plan/attributes.hpp"

#include <gtest/gtest.h>

namespace act::plan {
namespace {

using namespace std::chrono_literals;

file::status file_of(std::uint64_t size, wall_time modified) {
    file::status s;
    s.type = file::type::regular;
    s.size = size;
    s.mode = 0755;
    s.modified = modified;
    return s;
}

const wall_time noon = *parse_iso8601("2026-03-04T12:00:00.123456789Z");

blob::properties blob_of(std::uint64_t size, wall_time modified) {
    blob::properties p;
    p.size = size;
    p.modified = modified;
    return p;
}

TEST(Metadata, CarriesTimeAndModeUnderRclonesKeys) {
    const auto m = to_metadata(file_of(3, noon));
    EXPECT_EQ(m.at("mtime"), "2026-03-04T12:00:00.123456789Z");
    EXPECT_EQ(m.at("mode"), "100755");
    EXPECT_EQ(modified_of(m), noon);
    EXPECT_EQ(mode_of(m), 0755u);
}

TEST(Metadata, CarriesOwnersAndMarksLinks) {
    auto s = file_of(3, noon);
    s.mode = 04755;
    s.owner = {1000, 100};
    EXPECT_FALSE(to_metadata(s).contains("uid"));
    const auto m = to_metadata(s, true);
    EXPECT_EQ(m.at("uid"), "1000");
    EXPECT_EQ(m.at("gid"), "100");
    EXPECT_EQ(owner_of(m), s.owner);
    EXPECT_EQ(mode_of(m), 0755u);
    EXPECT_EQ(mode_of(m, true), 04755u);
    EXPECT_EQ(owner_of({{"uid", "7"}}), (file::owner{7, 7})) << "as rclone does";
    EXPECT_EQ(owner_of({{"gid", "7"}}), (file::owner{file::owner::unknown, 7}));
    EXPECT_FALSE(owner_of({{"uid", "-1"}}));
    s.type = file::type::symlink;
    blob::properties link;
    link.metadata = to_metadata(s);
    EXPECT_EQ(link.metadata.at("mode").substr(0, 3), "124");
    EXPECT_TRUE(is_link(link));
}

TEST(Newer, IsByTheRecordedTimeInItsPrecision) {
    using namespace std::chrono_literals;
    auto remote = blob_of(3, noon + 24h);
    remote.metadata["mtime"] = "2026-03-04T12:00:00Z";
    EXPECT_FALSE(newer(file_of(3, noon), remote)) << "the same second";
    EXPECT_TRUE(newer(file_of(3, noon + 1s), remote));
    EXPECT_FALSE(newer(file_of(3, noon - 1s), remote));
    EXPECT_TRUE(newer(remote, file_of(3, noon - 1s)));
    EXPECT_FALSE(newer(remote, file_of(3, noon + 1s)));
    remote.metadata.clear();
    EXPECT_FALSE(newer(file_of(3, noon + 1h), remote));
    EXPECT_TRUE(newer(file_of(3, noon + 25h), remote));
}

TEST(Metadata, NonsenseIsIgnored) {
    EXPECT_FALSE(modified_of({{"mtime", "yesterday"}}));
    EXPECT_FALSE(mode_of({{"mode", "rwx"}}));
    EXPECT_EQ(mode_of({{"mode", "104755"}}), 0755u) << "no set-user-id from a store";
}

TEST(Unchanged, RecordedTimeDecidesWhereThereIsOne) {
    auto remote = blob_of(3, noon + 24h);
    remote.metadata = to_metadata(file_of(3, noon));
    EXPECT_TRUE(unchanged_for_upload(file_of(3, noon), remote));
    EXPECT_FALSE(unchanged_for_upload(file_of(4, noon), remote)) << "size";
    EXPECT_FALSE(unchanged_for_upload(file_of(3, noon + 1ns), remote)) << "newer file";
    EXPECT_FALSE(unchanged_for_upload(file_of(3, noon - 1h), remote))
        << "older file: a restored copy must go up";
    EXPECT_TRUE(unchanged_for_download(remote, file_of(3, noon)));
    EXPECT_FALSE(unchanged_for_download(remote, file_of(3, noon + 1h))) << "locally touched";
}

TEST(Unchanged, CoarserClocksCompareInTheirOwnPrecision) {
    auto remote = blob_of(3, noon);
    remote.metadata["mtime"] = "2026-03-04T12:00:00Z";
    EXPECT_TRUE(unchanged_for_upload(file_of(3, noon), remote));
    remote.metadata["mtime"] = "2026-03-04T12:00:00.123456Z";
    EXPECT_TRUE(unchanged_for_upload(file_of(3, noon), remote));
    remote.metadata["mtime"] = "2026-03-04T12:00:00.123457Z";
    EXPECT_FALSE(unchanged_for_upload(file_of(3, noon), remote));
}

TEST(Unchanged, OtherToolsBlobsCompareByAge) {
    EXPECT_TRUE(unchanged_for_upload(file_of(3, noon), blob_of(3, noon + 1h)));
    EXPECT_FALSE(unchanged_for_upload(file_of(3, noon), blob_of(3, noon - 1h)));
    EXPECT_TRUE(unchanged_for_download(blob_of(3, noon), file_of(3, noon)));
    EXPECT_FALSE(unchanged_for_download(blob_of(3, noon), file_of(3, noon - 1h)));
}

TEST(Unchanged, AFolderIsNoFile) {
    auto folder = file_of(3, noon);
    folder.type = file::type::directory;
    EXPECT_FALSE(unchanged_for_download(blob_of(3, noon), folder));
}

TEST(UnchangedCopy, IsToldByChecksumThenByRecordedTimeThenByAge) {
    const auto source = blob_of(3, noon);
    auto copy = blob_of(3, noon + 1h);
    EXPECT_TRUE(unchanged_for_copy(source, copy)) << "younger";
    copy.modified = noon;
    EXPECT_FALSE(unchanged_for_copy(source, copy)) << "of the same second, so the source may be the younger";

    auto dated = source, dated_copy = copy;
    dated.metadata = dated_copy.metadata = to_metadata(file_of(3, noon));
    dated_copy.modified = noon - 1h;
    EXPECT_TRUE(unchanged_for_copy(dated, dated_copy));
    dated.type = dated_copy.type = blob::blob_type::page;
    EXPECT_FALSE(unchanged_for_copy(dated, dated_copy)) << "pages change under the metadata they have";

    auto checked = source, checked_copy = copy;
    checked.content.md5 = checked_copy.content.md5 = "AAAA";
    EXPECT_TRUE(unchanged_for_copy(checked, checked_copy));
    checked_copy.content.md5 = "BBBB";
    checked_copy.modified = noon + 1h;
    EXPECT_FALSE(unchanged_for_copy(checked, checked_copy));
}

TEST(UnchangedCopy, NeedsAllThatIsCopied) {
    const auto source = blob_of(3, noon);
    auto differs = [&](auto change) {
        auto copy = blob_of(3, noon + 1h);
        change(copy);
        return !unchanged_for_copy(source, copy);
    };
    EXPECT_TRUE(differs([](auto& c) { c.size = 4; }));
    EXPECT_TRUE(differs([](auto& c) { c.type = blob::blob_type::append; }));
    EXPECT_TRUE(differs([](auto& c) { c.metadata["a"] = "b"; }));
    EXPECT_TRUE(differs([](auto& c) { c.content.type = "text/x"; }));
    EXPECT_TRUE(differs([](auto& c) { c.content.cache_control = "no-store"; }));
    EXPECT_TRUE(differs([](auto& c) { c.copy_status = "pending"; }));
    EXPECT_TRUE(differs([](auto& c) { c.uncommitted = true; }));
    EXPECT_FALSE(differs([](auto& c) { c.copy_status = "success"; }));
    EXPECT_FALSE(differs([](auto& c) { c.tier = "Cool"; }));
}

}  // namespace
}  // namespace act::plan

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

}  // namespace
}  // namespace act::plan

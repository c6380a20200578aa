#include "tools/store/record.hpp"

#include <functional>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "engine/core/units.hpp"

namespace act::store {
namespace {

constexpr nanos second = 1'000'000'000;
constexpr nanos noon = 1'767'268'800 * second;  // 2026-01-01T12:00:00Z

TEST(record, blobs_come_back_as_they_were) {
    std::string metadata, tags;
    packed::add(metadata, "Key", "value");
    packed::add(metadata, "empty", "");
    packed::add(tags, "t", std::string(300, 'x'));
    blob_record b;
    b.type = blob::blob_type::append;
    b.etag = 0x8DF482E884A558D;
    b.size = 190ull * TiB;
    b.created = noon;
    b.modified = noon + 5;
    b.content = {content_ref::form::list, 77};
    b.headers.type = "text/plain";
    b.headers.md5 = "XUFAKrxLKna5cZ2REBfFkg==";
    b.metadata = metadata;
    b.tags = tags;
    b.tier = tier::cool;
    b.lease = {lease::phase::held, "id", -1, 0};
    b.append_blocks = 3;
    b.sealed = true;
    b.snapshots = 2;
    b.copy.id = "copy";
    b.copy.status = "pending";
    b.copy.total = 9;
    b.copy.owner = 12;
    const std::string bytes = encode(b);
    blob_record r;
    ASSERT_TRUE(decode(bytes, r));
    EXPECT_EQ(encode(r), bytes);
    EXPECT_EQ(r.size, b.size);
    EXPECT_EQ(r.lease.seconds, -1);
    EXPECT_EQ(r.copy.owner, 12u);
    std::string_view rest = r.metadata, name, value;
    ASSERT_TRUE(packed::next(rest, name, value));
    EXPECT_EQ(name, "Key");
    ASSERT_TRUE(packed::next(rest, name, value));
    EXPECT_EQ(value, "");
    EXPECT_FALSE(packed::next(rest, name, value));
}

TEST(record, paths_come_back_as_they_were) {
    std::string access;
    packed::add(access, "owner", "me");
    blob_record b;
    const std::size_t plain = encode(b).size();
    b.directory = true;
    b.access = access;
    const std::string bytes = encode(b);
    EXPECT_GT(bytes.size(), plain);
    blob_record r;
    ASSERT_TRUE(decode(bytes, r));
    EXPECT_TRUE(r.directory);
    EXPECT_EQ(r.access, access);
    EXPECT_EQ(r.version, 0);
    // A neighbour that is a file is told apart, though all else is alike.
    blob_decoder decoder;
    ASSERT_TRUE(decoder.next(bytes));
    const std::string file = encode(blob_record());
    ASSERT_TRUE(decoder.next(file));
    EXPECT_FALSE(decoder.record().directory);
    EXPECT_TRUE(decoder.record().access.empty());
    EXPECT_TRUE(decoder.same_headers());
    EXPECT_FALSE(decoder.same_state());
}

TEST(record, containers_come_back_as_they_were) {
    for (const char* scope : {"", "scope-of-all"}) {
        for (const char* access : {"", "packed"}) {
            container_record c;
            c.id = 7;
            c.modified = noon;
            c.policies = "<SignedIdentifiers />";
            c.default_scope = scope;
            c.only_default_scope = *scope != '\0';
            c.access = access;
            const std::string bytes = encode(c);
            container_record back;
            ASSERT_TRUE(decode(bytes, back));
            EXPECT_EQ(back.id, 7u);
            EXPECT_EQ(back.policies, c.policies);
            EXPECT_EQ(back.default_scope, scope);
            EXPECT_EQ(back.only_default_scope, c.only_default_scope);
            EXPECT_EQ(back.access, access);
        }
    }
}

TEST(record, damaged_bytes_are_refused) {
    blob_record b;
    b.headers.type = "text/plain";
    const std::string bytes = encode(b);
    for (std::size_t n = 0; n < bytes.size(); ++n) {
        blob_record r;
        EXPECT_FALSE(decode(std::string_view(bytes).substr(0, n), r)) << n;
    }
}

TEST(record, numbers_of_every_size) {
    std::vector<std::uint64_t> all = {0, UINT64_MAX, 0x8DF482E884A558D, 0x1234567890ABCDEF};
    for (unsigned bit = 0; bit < 64; ++bit) {
        for (const std::uint64_t more : {-1, 0, 1}) all.push_back((std::uint64_t(1) << bit) + more);
    }
    for (const std::uint64_t n : all) {
        // With much behind it, and with little.
        blob_record b, as_blob;
        b.etag = b.size = b.content.id = n;
        b.created = static_cast<nanos>(n);
        ASSERT_TRUE(decode(encode(b), as_blob)) << n;
        EXPECT_EQ(as_blob.etag, n);
        EXPECT_EQ(as_blob.size, n);
        EXPECT_EQ(as_blob.created, b.created);
        EXPECT_EQ(as_blob.content.id, n);
        block_record as_block;
        ASSERT_TRUE(decode(encode(block_record{n, 1, n}), as_block)) << n;
        EXPECT_EQ(as_block.piece, n);
        EXPECT_EQ(as_block.size, n);
        EXPECT_EQ(etag_text(n), fmt::format("\"0x{:X}\"", n));
    }
}

/// Records of which each differs from the one before in one thing, and then not at all.
class neighbours_test : public testing::Test {
protected:
    void add(bool headers, bool state, const std::function<void(blob_record&)>& change) {
        change(b_);
        bytes_.push_back(encode(b_));
        same_.emplace_back(headers, state);
        b_.etag += 3;
        bytes_.push_back(encode(b_));
        same_.emplace_back(true, true);
    }
    void SetUp() override {
        add(false, false, [](auto&) {});
        for (const char* text : {"x", "longer", ""}) {
            add(false, true, [&](auto& b) { b.headers.type = text; });
            add(false, true, [&](auto& b) { b.headers.encoding = text; });
            add(false, true, [&](auto& b) { b.headers.language = text; });
            add(false, true, [&](auto& b) { b.headers.disposition = text; });
            add(false, true, [&](auto& b) { b.headers.cache_control = text; });
            add(true, true, [&](auto& b) { b.headers.md5 = text; });
            add(true, true, [&](auto& b) { b.metadata = text; });
            add(true, true, [&](auto& b) { b.access = text; });
            add(true, false, [&](auto& b) { b.tags = text; });
            add(true, false, [&](auto& b) { b.copy = {.id = text, .source = text, .done = 7}; });
        }
        for (const int n : {1, 0, 300, 0}) {
            add(true, true, [&](auto& b) { b.size = b.content.id = static_cast<std::uint64_t>(n); });
            add(true, true, [&](auto& b) { b.created = b.modified = n; });
            add(true, true, [&](auto& b) { b.version = n; });
            add(true, false, [&](auto& b) { b.tier_changed = n; });
            add(true, false, [&](auto& b) { b.tier = n == 0 ? tier::none : tier::cool; });
            add(true, false, [&](auto& b) { b.sealed = n != 0; });
            add(true, false, [&](auto& b) { b.directory = n != 0; });
            add(true, false, [&](auto& b) { b.sequence_number = static_cast<std::uint64_t>(n); });
            add(true, false, [&](auto& b) { b.append_blocks = static_cast<std::uint32_t>(n); });
            add(true, false, [&](auto& b) { b.snapshots = static_cast<std::uint32_t>(n); });
            add(true, false,
                [&](auto& b) { b.type = n == 0 ? blob::blob_type::block : blob::blob_type::page; });
            add(true, false, [&](auto& b) {
                b.lease = n == 0 ? lease() : lease{lease::phase::held, "id", n, n};
            });
        }
    }
    blob_record b_;
    std::vector<std::string> bytes_;
    std::vector<std::pair<bool, bool>> same_;
};

TEST_F(neighbours_test, are_decoded_as_alone) {
    blob_decoder decoder;
    for (std::size_t i = 0; i < bytes_.size(); ++i) {
        ASSERT_TRUE(decoder.next(bytes_[i])) << i;
        EXPECT_EQ(encode(decoder.record()), bytes_[i]) << i;
        EXPECT_EQ(decoder.same_headers(), same_[i].first) << i;
        EXPECT_EQ(decoder.same_state(), same_[i].second) << i;
        // Nothing stays of what was.
        blob_record alone;
        ASSERT_TRUE(decode(bytes_[i], alone));
        EXPECT_EQ(decoder.record().lease.id, alone.lease.id) << i;
        EXPECT_EQ(decoder.record().copy.source, alone.copy.source) << i;
        EXPECT_EQ(decoder.record().copy.done, alone.copy.done) << i;
    }
}

TEST_F(neighbours_test, are_refused_where_they_are_alone) {
    blob_decoder decoder;
    for (std::size_t i = 0; i < bytes_.size(); ++i) {
        const std::string_view whole = bytes_[i];
        for (std::size_t n = 0; n <= whole.size(); ++n) {
            blob_record alone;
            EXPECT_EQ(decoder.next(whole.substr(0, n)), decode(whole.substr(0, n), alone)) << i << " " << n;
        }
        EXPECT_EQ(encode(decoder.record()), whole) << i;
        EXPECT_FALSE(decoder.next({}));
        ASSERT_TRUE(decoder.next(whole));
        EXPECT_FALSE(decoder.same_headers() || decoder.same_state());
    }
}

TEST(record, etags_and_snapshot_times) {
    EXPECT_EQ(etag_text(0x8DF482E884A558D), "\"0x8DF482E884A558D\"");
    const std::uint64_t first = next_etag(noon, 0);
    EXPECT_GT(next_etag(noon, first), first);
    EXPECT_GT(next_etag(noon - second, first), first);
    EXPECT_EQ(snapshot_time(noon + 67'000'100), "2026-01-01T12:00:00.0670001Z");
}

}  // namespace
}  // namespace act::store

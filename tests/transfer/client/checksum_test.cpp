#include <gmock/gmock.h>

#include "scripted.hpp"
#include "transfer/client/checksum_choice.hpp"

namespace act::blob::test {
namespace {

/// As Azurite in its strict mode, but for the Server header, which would tell too early.
reply without_crc(const seen& q) {
    if (q.headers.has("x-ms-content-crc64") || q.headers.has("x-ms-range-get-content-crc64")) {
        return service_error_reply(500, "FeatureNotSupported");
    }
    if (q.method == "GET") {
        return {.status = 206,
                .headers = {{"Content-Range", "bytes 0-4/5"},
                            {"Content-MD5", md5_base64("hello")},
                            {"ETag", "\"1\""}},
                .body = "hello"};
    }
    return {.status = 201, .headers = {{"ETag", "\"1\""}}};
}

task<void> put_one(client& c, int number, std::atomic<int>& good) {
    std::string text = "block " + std::to_string(number);
    address where{"cont", "b"};
    auto r = co_await c.put_block(where, "YQ==", http::body::text(text), {}, {}, {});
    if (r) ++good;
}

TEST(client_checksum, one_request_finds_out_for_all_loops) {
    scripted s(without_crc);
    EXPECT_EQ(s.client().body_checksums(), checksum::crc64);
    std::atomic<int> good{0};
    task_group group;
    for (int i = 0; i < 16; ++i)
        group.spawn(s.loops().at(static_cast<unsigned>(i % 2)), put_one(s.client(), i, good));
    s.run(group.join());
    EXPECT_EQ(good, 16);
    auto all = s.requests();
    EXPECT_EQ(all.size(), 17u) << "one request more than needed";
    int refused = 0;
    for (const auto& q : all) {
        if (q.headers.has("x-ms-content-crc64")) {
            ++refused;
        } else {
            EXPECT_EQ(q.header("Content-MD5"), md5_base64(q.body));
        }
    }
    EXPECT_EQ(refused, 1);
    EXPECT_EQ(s.transport().stats().retries, 0u) << "the tries are for failures that pass";
    EXPECT_EQ(s.client().body_checksums(), checksum::md5);
}

TEST(client_checksum, reading_finds_out_too_and_then_checks_md5) {
    scripted s(without_crc);
    address where{"cont", "b"};
    for (int i = 0; i < 2; ++i) {
        auto d = s.run(s.client().get(where, range{0, 100}, {}, {}));
        ASSERT_TRUE(d) << d.error().describe();
        EXPECT_EQ(d->range_md5, md5_base64("hello"));
        std::string text(5, 0);
        ASSERT_TRUE(
            s.run(s.client().read_verified(*d, std::as_writable_bytes(std::span(text.data(), 5)), {})));
        EXPECT_EQ(text, "hello");
    }
    EXPECT_EQ(s.count(), 3u);
}

TEST(client_checksum, a_server_that_passes_over_the_wish_has_no_such_thing) {
    scripted s([](const seen&) {
        return reply{
            .status = 206, .headers = {{"Content-Range", "bytes 0-4/5"}, {"ETag", "\"1\""}}, .body = "hello"};
    });
    ASSERT_TRUE(s.run(s.client().get({"cont", "b"}, range{0, 100}, {}, {})));
    EXPECT_EQ(s.client().body_checksums(), checksum::md5);
    ASSERT_TRUE(s.run(s.client().get({"cont", "b"}, range{0, 100}, {}, {})));
    EXPECT_EQ(s.requests()[1].header("x-ms-range-get-content-md5"), "true");
}

TEST(client_checksum, a_known_server_is_not_asked) {
    scripted s([](const seen& q) {
        auto r = without_crc(q);
        r.headers.emplace_back("Server", "Azurite-Blob/3.35.0");
        return r;
    });
    ASSERT_TRUE(s.run(s.client().create_container("cont", {})));
    ASSERT_TRUE(s.run(s.client().put_block({"cont", "b"}, "YQ==", http::body::text("x"), {}, {}, {})));
    EXPECT_EQ(s.count(), 2u);
    EXPECT_EQ(s.client().body_checksums(), checksum::md5);
}

TEST(client_checksum, nothing_is_left_when_md5_is_refused_as_well) {
    scripted s([](const seen& q) {
        return q.headers.has("Content-MD5") ? service_error_reply(500, "FeatureNotSupported")
                                            : without_crc(q);
    });
    ASSERT_TRUE(s.run(s.client().put_block({"cont", "b"}, "YQ==", http::body::text("x"), {}, {}, {})));
    EXPECT_EQ(s.count(), 3u);
    EXPECT_EQ(s.client().body_checksums(), checksum::none);
}

TEST(client_checksum, another_500_is_no_refusal) {
    scripted s([n = 0](const seen&) mutable {
        return n++ == 0 ? service_error_reply(500, "InternalError") : reply{.status = 201, .headers = {}};
    });
    ASSERT_TRUE(s.run(s.client().put_block({"cont", "b"}, "YQ==", http::body::text("x"), {}, {}, {})));
    EXPECT_EQ(s.count(), 2u);
    EXPECT_EQ(s.client().body_checksums(), checksum::crc64);
}

task<result<checksum>> choose_and_drop(checksum_choice& c) {
    auto turn = co_await c.choose({});
    if (!turn) co_return turn.error();
    co_return turn->kind();
}

task<void> choose_and_tell(checksum_choice& c, event& begun, std::atomic<int>& out) {
    begun.set();
    auto turn = co_await c.choose({});
    if (turn) out = static_cast<int>(turn->kind());
}

task<void> refuse_while_another_waits(runtime& rt, checksum_choice& c, std::atomic<int>& out) {
    auto mine = co_await c.choose({});
    task_group group;
    event begun;
    group.spawn(rt.at(1), choose_and_tell(c, begun, out));
    (void)co_await begun.wait({});
    mine->refused();
    co_await group.join();
}

TEST(checksum_choice, a_probe_that_ends_without_an_outcome_leaves_it_to_the_next) {
    runtime rt({.loops = 1});
    checksum_choice c;
    EXPECT_EQ(rt.run(choose_and_drop(c)).value(), checksum::crc64);
    EXPECT_EQ(rt.run(choose_and_drop(c)).value(), checksum::crc64);
}

TEST(checksum_choice, who_waits_is_told) {
    runtime rt({.loops = 2});
    for (int i = 0; i < 50; ++i) {
        checksum_choice c;
        std::atomic<int> out{-1};
        rt.run(refuse_while_another_waits(rt, c, out));
        EXPECT_EQ(out, static_cast<int>(checksum::md5));
    }
}

}  // namespace
}  // namespace act::blob::test

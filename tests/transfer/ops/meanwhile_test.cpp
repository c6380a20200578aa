// What stands at a destination when the first write comes there, other than the listing showed.

#include "copy_world.hpp"

namespace act::ops {
namespace {

class meanwhile_test : public copy_test {
protected:
    void SetUp() override {
        copy_test::SetUp();
        write_file(scratch / "big", content);
        write_file(scratch / "small", "small");
        ASSERT_TRUE(up(scratch / "big", "big"));
        put("small", "small");
        another = make_other();
    }

    /// Sends "big" and "small", each over an old version and to where nothing stands; `others` do what they
    /// do right before the first request that writes the blob. Then `check` looks.
    template <class Others, class Send, class Check>
    void each_way(Others others, Send send, Check check) {
        for (const std::string name : {"big", "small"}) {
            for (const bool stood : {true, false}) {
                const std::string to = name + (stood ? " stood" : " came");
                SCOPED_TRACE(to);
                if (stood) put_there(to, "old");
                std::atomic<bool> done = false;
                watched->before = [&](const http::request& r) -> task<result<void>> {
                    if (writes_a_blob(r) && !done.exchange(true)) co_await others(name, to);
                    co_return result<void>();
                };
                auto r = send(name, to);
                watched->before = nullptr;
                ASSERT_TRUE(r) << r.error().describe();
                check(name, to, *r);
            }
        }
    }

    task<void> write(std::string to, std::string_view text, blob::write_options like = {}) {
        auto w = co_await another->put_blob({"copies", to}, http::body::text(text), {}, like, {});
        EXPECT_TRUE(w) << w.error().describe();
    }

    result<summary> upload_there(const std::string& name, const std::string& to) {
        return rt.run(uploaded(*there, name, to));
    }
    task<result<summary>> uploaded(blob::client& by, std::string name, std::string to) {
        progress p;
        context c{rt, buffers, p, watcher, stop.token(), 8};
        co_return co_await upload(c, scratch / name, {by, "copies", to}, {});
    }

    static bool writes_a_blob(const http::request& r) {
        const bool block_list = r.target.find("comp=blocklist") != std::string::npos &&
                                r.target.find("comp=blocklist&") == std::string::npos;
        return r.method == http::verb::put && (block_list || r.headers.has("x-ms-blob-type"));
    }

    const std::string content = random_bytes(9 * MiB, 13);
    blob::client* another = nullptr;
};

TEST_F(meanwhile_test, WhatSomebodyElseWroteIsNotOverwrittenByACopy) {
    each_way([this](std::string, std::string to) { return write(to, "somebody else's"); },
             [this](auto& name, auto& to) { return cp(name, to); },
             [this](auto&, auto& to, const summary& r) {
                 ASSERT_EQ(r.failed, 1u);
                 EXPECT_EQ(r.failures[0].error.kind(), kind::precondition) << r.failures[0].error.describe();
                 EXPECT_EQ(content_there(to), "somebody else's");
             });
}

// As when the service still carries out what a run has asked for that was killed.
TEST_F(meanwhile_test, TheSameCopyIsNoTrouble) {
    auto the_same = [this](std::string name, std::string to) -> task<void> {
        auto source = co_await client->head({"data", name}, {});
        EXPECT_TRUE(source);
        blob::write_options like;
        like.metadata = source->metadata;
        like.content.type = source->content.type;
        co_await write(to, name == "big" ? std::string_view(content) : "small", like);
    };
    each_way(
        the_same, [this](auto& name, auto& to) { return cp(name, to); },
        [](auto&, auto&, const summary& r) {
            EXPECT_EQ(r.failed, 0u);
            EXPECT_EQ(r.skipped, 1u);
        });
}

TEST_F(meanwhile_test, TheSameUploadIsNoTrouble) {
    auto the_same = [this](std::string name, std::string to) -> task<void> {
        auto sent = co_await uploaded(*another, name, to);
        EXPECT_TRUE(sent && sent->files == 1);
    };
    each_way(
        the_same, [this](auto& name, auto& to) { return upload_there(name, to); },
        [this](auto& name, auto& to, const summary& r) {
            EXPECT_EQ(r.failed, 0u);
            EXPECT_EQ(r.skipped, 1u);
            EXPECT_TRUE(content_there(to) == read_file(scratch / name));
        });
}

// A run was killed when all blocks were there and the service had been asked to make a blob of them.
TEST_F(meanwhile_test, BlocksThatBecomeABlobBetweenTheTwoListingsAreNotSentAgain) {
    for (const bool stood : {true, false}) {
        const std::string to = stood ? "big stood" : "big came";
        SCOPED_TRACE(to);
        if (stood) put_there(to, "old");
        std::atomic<bool> done = false;
        std::atomic<unsigned> sent = 0;
        watched->before = [&](const http::request& r) -> task<result<void>> {
            const bool lists =
                r.method == http::verb::get && r.target.find("comp=blocklist") != std::string::npos;
            if (lists && !done.exchange(true)) {
                auto other = co_await uploaded(*another, "big", to);
                EXPECT_TRUE(other && other->files == 1);
            }
            sent += r.method == http::verb::put && r.target.find("comp=block&") != std::string::npos;
            co_return result<void>();
        };
        auto r = upload_there("big", to);
        watched->before = nullptr;
        ASSERT_TRUE(r) << r.error().describe();
        EXPECT_TRUE(done);
        EXPECT_EQ(sent, 0u);
        EXPECT_EQ(r->failed, 0u);
        EXPECT_EQ(r->skipped, 1u);
        EXPECT_TRUE(content_there(to) == content);
    }
}

TEST_F(meanwhile_test, WhatSomebodyElseWroteIsNotOverwrittenByAnUploadOverAnOldVersion) {
    each_way([this](std::string, std::string to) { return write(to, "somebody else's"); },
             [this](auto& name, auto& to) { return upload_there(name, to); },
             [this](auto&, auto& to, const summary& r) {
                 if (!to.ends_with("stood")) return;
                 ASSERT_EQ(r.failed, 1u);
                 EXPECT_EQ(r.failures[0].error.kind(), kind::precondition) << r.failures[0].error.describe();
                 EXPECT_EQ(content_there(to), "somebody else's");
             });
}

}  // namespace
}  // namespace act::ops

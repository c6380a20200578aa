// Moves and changes of properties, when somebody else changes the same thing meanwhile.

#include "transfer/ops/set_properties.hpp"
#include "world.hpp"

namespace act::ops {
namespace {

/// Does something just before the first request that its test picks is sent.
class just_before final : public http::authorizer {
public:
    just_before(std::shared_ptr<http::authorizer> inner, std::function<bool(const http::request&)> picked,
                std::function<task<void>()> what)
        : inner_(std::move(inner)), picked_(std::move(picked)), what_(std::move(what)) {}

    task<result<void>> authorize(http::request& r, const http::endpoint& e, std::uint64_t n,
                                 until u) override {
        if (picked_(r) && !done_.exchange(true)) co_await what_();
        co_return co_await inner_->authorize(r, e, n, u);
    }

private:
    std::shared_ptr<http::authorizer> inner_;
    std::function<bool(const http::request&)> picked_;
    std::function<task<void>()> what_;
    std::atomic<bool> done_{false};
};

bool is_delete(const http::request& r) { return r.method == http::verb::del; }
bool is_put(const http::request& r) { return r.method == http::verb::put; }
bool is_metadata(const http::request& r) { return r.target.find("comp=metadata") != std::string::npos; }

class change_test : public ops_test {
protected:
    task<void> overwrite(std::string name, std::string content) {
        const blob::address where{"data", name};
        auto r = co_await honest_->put_blob(where, http::body::text(content), {}, {}, {});
        EXPECT_TRUE(r);
    }

    static task<void> rewrite(std::string path, std::string content) {
        write_file(path, content);
        co_return;
    }

    void put(const std::string& name, const std::string& content) {
        honest_ = client;
        (void)rt.run(client->create_container("data", {}));
        rt.run(overwrite(name, content));
    }

    /// From here on `client` does `what` before the picked request.
    void meddle(std::function<bool(const http::request&)> picked, std::function<task<void>()> what) {
        if (!honest_) honest_ = client;
        blob::account account;
        account.name = store::emulator_account;
        account.endpoint = *parse_uri(server->endpoint());
        auto inner = auth::shared_key(account.name, secret(store::emulator_key));
        auto key = std::make_shared<just_before>(*inner, std::move(picked), std::move(what));
        clients.push_back(std::make_unique<connected>(rt, std::move(account), key));
        client = &clients.back()->blobs;
    }

    result<summary> set(const std::string& path, set_options o) {
        progress p;
        context c{rt, buffers, p, watcher, stop.token(), 8};
        return rt.run(set_properties(c, at(path), std::move(o)));
    }

    std::string content_of(const std::string& path) {
        client = honest_;
        fs::remove_all(scratch / "back");
        EXPECT_TRUE(down(path, scratch / "back"));
        return read_file(scratch / "back");
    }

    blob::client* honest_ = nullptr;
};

TEST_F(change_test, AMovedBlobThatChangesAfterItWasReadStays) {
    for (const std::size_t size : {100u, 5u << 20}) {
        put("b", std::string(size, 'x'));
        meddle(is_delete, [this] { return overwrite("b", "newer"); });
        download_options o;
        o.compare_content = o.remove_source = true;
        auto r = down("b", scratch / ("f" + std::to_string(size)), o);
        ASSERT_TRUE(r);
        EXPECT_EQ(r->failed, 1u);
        EXPECT_EQ(r->failures.at(0).error.kind(), kind::precondition);
        EXPECT_EQ(read_file(scratch / ("f" + std::to_string(size))).size(), size);
        EXPECT_EQ(content_of("b"), "newer");
    }
}

TEST_F(change_test, AMovedFileThatChangesWhileItIsSentStays) {
    write_file(scratch / "tree/f", "first");
    meddle(is_put, [this] { return rewrite(scratch / "tree/f", "second"); });
    (void)rt.run(honest_->create_container("data", {}));
    upload_options o;
    o.compare_content = o.remove_source = true;
    auto r = up(scratch / "tree", "t", o);
    ASSERT_TRUE(r) << r.error().describe();
    EXPECT_EQ(r->failed, 1u);
    EXPECT_EQ(read_file(scratch / "tree/f"), "second");
    // The next run has both right.
    client = honest_;
    ASSERT_TRUE(up(scratch / "tree", "t", o));
    EXPECT_FALSE(fs::exists(scratch / "tree"));
    EXPECT_EQ(content_of("t/f"), "second");
}

TEST_F(change_test, AMovedFileGoesByContentAndNotByTime) {
    write_file(scratch / "f", "same size");
    ASSERT_TRUE(up(scratch / "f", "f"));
    const auto time = fs::last_write_time(scratch / "f");
    write_file(scratch / "f", "SAME SIZE");
    fs::last_write_time(scratch / "f", time);
    upload_options o;
    o.compare_content = o.remove_source = true;
    auto r = up(scratch / "f", "f", o);
    ASSERT_TRUE(r);
    EXPECT_EQ(r->files, 1u);
    honest_ = client;
    EXPECT_EQ(content_of("f"), "SAME SIZE");
}

TEST_F(change_test, PropertiesOfABlobThatChangesMeanwhileStay) {
    put("t/a", "old");
    put("t/b", "stays");
    meddle(is_metadata, [this] { return overwrite("t/a", "newer"); });
    set_options o;
    o.changes.metadata["k"] = "v";
    o.changes.headers["content-type"] = "text/x";
    auto r = set("t", o);
    ASSERT_TRUE(r);
    EXPECT_EQ(r->files + r->failed, 2u);
    EXPECT_LE(r->failed, 1u);
    client = honest_;
    auto a = rt.run(client->head({"data", "t/a"}, {}));
    ASSERT_TRUE(a);
    // Whichever went first: the newer blob has either nothing of it, or was listed and changed as a whole.
    EXPECT_EQ(a->metadata.contains("k"), a->content.type == "text/x");
    auto again = set("t", o);
    ASSERT_TRUE(again);
    EXPECT_EQ(again->failed, 0u);
    EXPECT_EQ(set("t", o)->skipped, 2u);
}

TEST_F(change_test, WhatIsNotNamedStays) {
    blob::write_options given;
    given.metadata = {{"mtime", "2020-01-02T03:04:05Z"}, {"gone", "1"}};
    given.content.encoding = "gzip";
    given.content.type = "a/b";
    (void)rt.run(client->create_container("data", {}));
    ASSERT_TRUE(rt.run(client->put_blob({"data", "f"}, http::body::text("x"), {}, given, {})));
    set_options o;
    o.changes.metadata = {{"k", "v"}, {"gone", ""}};
    o.changes.headers = {{"cache-control", "no-cache"}};
    o.changes.tags = {{"t", "1"}};
    auto r = set("f", o);
    ASSERT_TRUE(r) << r.error().describe();
    EXPECT_EQ(r->files, 1u);
    auto now = rt.run(client->head({"data", "f"}, {}));
    ASSERT_TRUE(now);
    EXPECT_EQ(now->metadata, (blob::metadata{{"k", "v"}, {"mtime", "2020-01-02T03:04:05Z"}}));
    EXPECT_EQ(now->content.encoding, "gzip");
    EXPECT_EQ(now->content.type, "a/b");
    EXPECT_EQ(now->content.cache_control, "no-cache");
    o.changes.tags = {{"u", "2"}};
    ASSERT_TRUE(set("f", o));
    auto tags = rt.run(client->get_tags({"data", "f"}, {}));
    ASSERT_TRUE(tags);
    EXPECT_EQ(*tags, (std::map<std::string, std::string>{{"t", "1"}, {"u", "2"}}));
}

}  // namespace
}  // namespace act::ops

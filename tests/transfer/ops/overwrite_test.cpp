// What becomes of what stands at the destination already: --overwrite, in every direction.

#include "copy_world.hpp"

namespace act::ops {
namespace {

using plan::overwrite;

class overwrite_test : public copy_test {
protected:
    static void age(const std::string& path, int hours) {
        fs::last_write_time(path, fs::file_time_type::clock::now() - std::chrono::hours(hours));
    }
    upload_options uploading(overwrite how) {
        upload_options o;
        o.overwrite = how;
        return o;
    }
    download_options downloading(overwrite how) {
        download_options o;
        o.overwrite = how;
        return o;
    }
    std::string stored(const std::string& name) { return content_of(*honest(), "data", name); }
    blob::client* honest() { return honest_ ? honest_ : client; }

    /// From here on somebody is faster than the first request of this kind that is for a blob: the listing
    /// has been read by then.
    void meddle(http::verb method, std::function<task<void>()> what) {
        honest_ = client;
        blob::account account{store::emulator_account, *parse_uri(server->endpoint())};
        auto seen = std::make_shared<gate>(*auth::shared_key(account.name, secret(store::emulator_key)));
        seen->before = [method, what, done = std::make_shared<std::atomic<bool>>(false)](
                           const http::request& r) -> task<result<void>> {
            if (r.method == method && r.target.find("restype=container") == r.target.npos &&
                !done->exchange(true)) {
                co_await what();
            }
            co_return result<void>();
        };
        clients.push_back(std::make_unique<connected>(rt, account, seen));
        client = &clients.back()->blobs;
    }
    static task<void> put_as(blob::client* who, blob::address where) {
        auto r = co_await who->put_blob(where, http::body::text("theirs"), {}, {}, {});
        EXPECT_TRUE(r) << r.error().describe();
    }
    static task<void> write_as(std::string path) {
        write_file(path, "theirs");
        co_return;
    }

    blob::client* honest_ = nullptr;
};

TEST_F(overwrite_test, NeverSendsOnlyWhatIsNotThere) {
    write_file(scratch / "tree/small", "old");
    write_file(scratch / "tree/large", random_bytes(5 * MiB, 1));
    fs::create_directories(scratch / "tree/empty");
    ASSERT_TRUE(up(scratch / "tree", "t"));
    write_file(scratch / "tree/small", "changed");
    write_file(scratch / "tree/large", random_bytes(6 * MiB, 2));
    write_file(scratch / "tree/new", "new");
    const auto before = stats().requests.load();
    auto r = up(scratch / "tree", "t", uploading(overwrite::never));
    ASSERT_TRUE(r) << r.error().describe();
    EXPECT_EQ(r->files, 1u);
    EXPECT_EQ(r->skipped, 3u);
    EXPECT_LE(stats().requests.load() - before, 2u) << "the listing, and the new file";
    EXPECT_EQ(stored("t/small"), "old");
    EXPECT_EQ(stored("t/new"), "new");
}

TEST_F(overwrite_test, NeverLeavesABlobThatCameMeanwhile) {
    ASSERT_TRUE(rt.run(client->create_container("data", {})));
    for (const std::size_t size : {10u, 9u << 20}) {
        const std::string name = "f" + std::to_string(size);
        write_file(scratch / name, random_bytes(size, 1));
        meddle(http::verb::put, [this, name] { return put_as(honest(), {"data", name}); });
        auto r = up(scratch / name, name, uploading(overwrite::never));
        ASSERT_TRUE(r) << r.error().describe();
        EXPECT_EQ(r->failed, 0u);
        EXPECT_EQ(r->skipped, 1u) << size;
        EXPECT_EQ(stored(name), "theirs");
    }
}

TEST_F(overwrite_test, NeverFetchesOnlyWhatIsNotHere) {
    for (const char* name : {"a", "b", "c"}) put(std::string("t/") + name, "stored");
    write_file(scratch / "copy/a", "mine, and longer");
    fs::create_symlink("nowhere", scratch / "copy/b");
    auto r = down("t", scratch / "copy", downloading(overwrite::never));
    ASSERT_TRUE(r) << r.error().describe();
    EXPECT_EQ(r->files, 1u);
    EXPECT_EQ(r->skipped, 2u);
    EXPECT_EQ(read_file(scratch / "copy/a"), "mine, and longer");
    EXPECT_EQ(fs::read_symlink(scratch / "copy/b"), "nowhere");
    EXPECT_EQ(read_file(scratch / "copy/c"), "stored");
}

TEST_F(overwrite_test, NeverLeavesAFileThatCameMeanwhile) {
    for (const std::size_t size : {10u, 9u << 20}) {
        const std::string name = "f" + std::to_string(size), path = scratch / ("copy/" + name);
        write_file(scratch / name, random_bytes(size, 1));
        ASSERT_TRUE(up(scratch / name, "t/" + name));
        meddle(http::verb::get, [path] { return write_as(path); });
        fs::remove_all(scratch / "copy");
        auto r = down("t/" + name, path, downloading(overwrite::never));
        ASSERT_TRUE(r) << r.error().describe();
        EXPECT_EQ(r->failed, 0u);
        EXPECT_EQ(r->files, 0u) << size;
        EXPECT_EQ(read_file(path), "theirs");
        EXPECT_EQ(std::distance(fs::directory_iterator(scratch / "copy"), {}), 1)
            << "nothing is left beside it";
        client = honest_;
    }
}

TEST_F(overwrite_test, NewerSendsWhatIsNewerThanWhatIsRecorded) {
    for (const std::size_t size : {10u, 5u << 20}) {
        const std::string path = scratch / ("tree/f" + std::to_string(size));
        const std::string first = random_bytes(size, 1), second = random_bytes(size, 2);
        write_file(path, first);
        age(path, 10);
        ASSERT_TRUE(up(scratch / "tree", "t"));
        write_file(path, second);
        age(path, 20);
        auto r = up(scratch / "tree", "t", uploading(overwrite::newer));
        ASSERT_TRUE(r);
        EXPECT_EQ(r->files, 0u) << "an older file";
        const std::string name = "t/f" + std::to_string(size);
        EXPECT_TRUE(stored(name) == first);
        // Older than the blob itself, newer than what is recorded in it.
        age(path, 5);
        r = up(scratch / "tree", "t", uploading(overwrite::newer));
        ASSERT_TRUE(r);
        EXPECT_EQ(r->files, 1u);
        EXPECT_TRUE(stored(name) == second);
    }
}

TEST_F(overwrite_test, NewerGoesByTheBlobsOwnTimeWhereNoneIsRecorded) {
    put("t/f", "stored");
    write_file(scratch / "tree/f", "a file");
    age(scratch / "tree/f", 1);
    EXPECT_EQ(up(scratch / "tree", "t", uploading(overwrite::newer))->files, 0u);
    age(scratch / "tree/f", -1);
    EXPECT_EQ(up(scratch / "tree", "t", uploading(overwrite::newer))->files, 1u);
}

TEST_F(overwrite_test, NewerFetchesWhatIsNewerThanTheFile) {
    for (const std::size_t size : {10u, 5u << 20}) {
        const std::string name = "f" + std::to_string(size), path = scratch / name;
        const std::string content = random_bytes(size, 1);
        write_file(path, content);
        age(path, 10);
        ASSERT_TRUE(up(path, name));
        const std::string copy = scratch / "copy";
        write_file(copy, "changed here");
        age(copy, 5);
        EXPECT_EQ(down(name, copy, downloading(overwrite::newer))->files, 0u);
        EXPECT_EQ(read_file(copy), "changed here");
        age(copy, 20);
        EXPECT_EQ(down(name, copy, downloading(overwrite::newer))->files, 1u);
        EXPECT_TRUE(read_file(copy) == content);
        EXPECT_EQ(down(name, copy, downloading(overwrite::newer))->files, 0u) << "the same";
        fs::remove(copy);
    }
}

TEST_F(overwrite_test, CopiesToo) {
    auto with_time = [](const char* time) {
        blob::write_options o;
        o.metadata["mtime"] = time;
        return o;
    };
    put("t/older", "source", with_time("2020-01-01T00:00:00Z"));
    put("t/newer", "source", with_time("2022-01-01T00:00:00Z"));
    put("t/new", "source");
    for (const char* name : {"t/older", "t/newer"})
        put_there(name, "target", with_time("2021-01-01T00:00:00Z"));
    auto r = copied("t", "t", {.overwrite = overwrite::never});
    EXPECT_EQ(r.files, 1u);
    EXPECT_EQ(content_there("t/newer"), "target");
    r = copied("t", "t", {.overwrite = overwrite::newer});
    EXPECT_EQ(r.files, 1u);
    EXPECT_EQ(content_there("t/newer"), "source");
    EXPECT_EQ(content_there("t/older"), "target");
}

TEST_F(overwrite_test, ACopyNeverReplacesWhatCameMeanwhile) {
    const std::string large = random_bytes(40 * MiB, 1);
    put_foreign("t/large", large, 8 * MiB);
    put("t/small", "source");
    put_there("other", "x");
    lanes = 1;  // what is sent first waits for somebody, and the rest for it
    blob::client* somebody = make_other();
    watched->before = [somebody, done = std::make_shared<std::atomic<bool>>(false)](
                          const http::request& r) -> task<result<void>> {
        if (r.method == http::verb::put && !done->exchange(true)) {
            co_await put_as(somebody, {"copies", "t/large"});
            co_await put_as(somebody, {"copies", "t/small"});
        }
        co_return result<void>();
    };
    auto r = copied("t", "t", {.overwrite = overwrite::never});
    EXPECT_EQ(r.skipped, 2u);
    EXPECT_EQ(r.files, 0u);
    EXPECT_EQ(content_there("t/large"), "theirs");
    EXPECT_EQ(content_there("t/small"), "theirs");
}

TEST_F(overwrite_test, AMoveLeavesTheSourceOfWhatItLeaves) {
    write_file(scratch / "tree/there", "ours");
    write_file(scratch / "tree/new", "new");
    put("t/there", "stored");
    upload_options o = uploading(overwrite::never);
    o.compare_content = o.remove_source = true;
    auto r = up(scratch / "tree", "t", o);
    ASSERT_TRUE(r);
    EXPECT_EQ(r->files, 1u);
    EXPECT_EQ(read_file(scratch / "tree/there"), "ours");
    EXPECT_FALSE(fs::exists(scratch / "tree/new"));
    put("s/there", "same");
    put_there("s/there", "same");
    EXPECT_EQ(
        copied("s", "s", {.overwrite = overwrite::never, .compare_content = true, .remove_source = true})
            .skipped,
        1u);
    EXPECT_EQ(stored("s/there"), "same");
}

}  // namespace
}  // namespace act::ops

#include "world.hpp"

namespace act::ops {
namespace {

/// Requests a stop once so many bytes have moved.
class stop_after final : public http::authorizer {
public:
    stop_after(std::shared_ptr<http::authorizer> inner, stop_source& s, int blocks)
        : inner_(std::move(inner)), stop_(s), left_(blocks) {}
    task<result<void>> authorize(http::request& r, const http::endpoint& e, std::uint64_t n,
                                 until u) override {
        const bool counted =
            r.target.find(counted_) != std::string::npos && n + r.headers.has("x-ms-range") > 0;
        if (counted && left_.fetch_sub(1) == 0) stop_.request();
        return inner_->authorize(r, e, n, std::move(u));
    }
    std::string counted_ = "comp=block&";

private:
    std::shared_ptr<http::authorizer> inner_;
    stop_source& stop_;
    std::atomic<int> left_;
};

class interrupt_test : public ops_test {
protected:
    /// A client whose operation is stopped at its `requests`-th body.
    blob::client* stopping(int requests, const std::string& counted) {
        blob::account account{store::emulator_account, *parse_uri(server->endpoint())};
        auto inner = auth::shared_key(account.name, secret(store::emulator_key));
        auto key = std::make_shared<stop_after>(*inner, interrupted, requests);
        key->counted_ = counted;
        clients.push_back(std::make_unique<connected>(rt, std::move(account), key));
        return &clients.back()->blobs;
    }
    stop_source interrupted;
};

TEST_F(interrupt_test, AnUploadThatWasStoppedLeavesTheOldBlobAndContinues) {
    const std::string old = random_bytes(6 * MiB, 1), fresh = random_bytes(80 * MiB, 2);
    write_file(scratch / "file", old);
    ASSERT_TRUE(up(scratch / "file", "file"));

    write_file(scratch / "file", fresh);
    blob::client* honest = client;
    client = stopping(4, "comp=block&");
    progress p;
    context c{rt, buffers, p, watcher, interrupted.token(), 2};
    auto stopped = rt.run(upload(c, scratch / "file", at("file"), {}));
    ASSERT_TRUE(stopped) << stopped.error().describe();
    EXPECT_TRUE(stopped->stopped);
    EXPECT_EQ(stopped->files, 0u);

    client = honest;
    ASSERT_TRUE(down("file", scratch / "still"));
    EXPECT_TRUE(read_file(scratch / "still") == old);

    const auto before = stats().body_bytes_sent.load();
    auto resumed = up(scratch / "file", "file");
    ASSERT_TRUE(resumed);
    EXPECT_EQ(resumed->files, 1u);
    EXPECT_LE(stats().body_bytes_sent.load() - before, 80 * MiB - 2 * 8 * MiB)
        << "what was there was sent again";
    ASSERT_TRUE(down("file", scratch / "now"));
    EXPECT_TRUE(read_file(scratch / "now") == fresh);
}

TEST_F(interrupt_test, ADownloadThatWasStoppedLeavesTheOldFileAndContinues) {
    const std::string fresh = random_bytes(80 * MiB, 3);
    write_file(scratch / "source", fresh);
    ASSERT_TRUE(up(scratch / "source", "file"));
    write_file(scratch / "out/file", "old content");

    blob::client* honest = client;
    client = stopping(6, "/data/file");
    progress p;
    context c{rt, buffers, p, watcher, interrupted.token(), 2};
    auto stopped = rt.run(download(c, at("file"), scratch / "out/file", {}));
    ASSERT_TRUE(stopped) << stopped.error().describe();
    EXPECT_TRUE(stopped->stopped);
    EXPECT_EQ(read_file(scratch / "out/file"), "old content");

    client = honest;
    const auto before = stats().body_bytes_received.load();
    ASSERT_TRUE(down("file", scratch / "out/file"));
    EXPECT_LE(stats().body_bytes_received.load() - before, 80 * MiB - 2 * 8 * MiB);
    EXPECT_TRUE(read_file(scratch / "out/file") == fresh);
    EXPECT_EQ(std::distance(fs::directory_iterator(scratch / "out"), {}), 1) << "the file aside is gone";
}

TEST_F(interrupt_test, APartFileOfAnInterruptedDownloadIsNotUploaded) {
    write_file(scratch / "tree/a", "x");
    write_file(scratch / ("tree/.act-" + std::string(32, 'a') + ".part"), "half");
    auto r = up(scratch / "tree", "t");
    ASSERT_TRUE(r);
    EXPECT_EQ(ls("t"), (std::vector<std::string>{"t/a"}));
}

}  // namespace
}  // namespace act::ops

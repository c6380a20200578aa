// Copies whose source is opened by an access token.
#include "copy_world.hpp"
#include "engine/core/log.hpp"
#include "transfer/auth/token.hpp"

namespace act::ops {
namespace {

using namespace std::chrono_literals;

/// Gives the named tokens in turn, the last one for ever; none: says that nobody is logged in.
class given_tokens final : public auth::token_source {
public:
    explicit given_tokens(std::vector<std::string> tokens, std::chrono::seconds life = 1h)
        : tokens_(std::move(tokens)), life_(life) {}

    task<result<auth::access_token>> obtain(until) override {
        if (tokens_.empty()) co_return error(kind::authentication, "nobody is logged in", "az login");
        const unsigned n = asked++;
        co_return auth::access_token{secret(tokens_[std::min<std::size_t>(n, tokens_.size() - 1)]),
                                     now() + life_};
    }
    std::atomic<unsigned> asked = 0;

private:
    const std::vector<std::string> tokens_;
    const std::chrono::seconds life_;
};

class copy_token_test : public copy_test {
protected:
    copy_token_test() { at_start.bearer_token = secret("good-token"); }

    /// The link shows these; the client's own requests have the key.
    void show(std::vector<std::string> tokens, std::chrono::seconds life = 1h) {
        tokens_ = std::make_shared<given_tokens>(std::move(tokens), life);
        link.emplace(*client, auth::keep(tokens_), *there);
    }
    /// Remembers what from-URL requests show.
    void watch() {
        watched->before = [this](const http::request& r) -> task<result<void>> {
            if (!r.headers.has("x-ms-copy-source")) co_return result<void>();
            std::lock_guard lock(mutex_);
            shown_.emplace(r.headers.get("x-ms-copy-source-authorization"));
            signed_ |= r.headers.get("x-ms-copy-source").find('?') != std::string_view::npos;
            co_return result<void>();
        };
    }
    bool allowed(const char* from, const char* to, copy_link::form form = copy_link::form::put_blob) {
        http::client transport(rt, {});
        blob::client source(transport, {"a", *parse_uri(from), {}}, auth::anonymous());
        blob::client target(transport, {"b", *parse_uri(to), {}}, auth::anonymous());
        const copy_link between(source, auth::keep(std::make_shared<given_tokens>(shown)), target);
        const bool may = between.may(form);
        rt.run(transport.close());
        return may;
    }

    const std::vector<std::string> shown{"good-token"};
    std::shared_ptr<given_tokens> tokens_;
    std::mutex mutex_;
    std::set<std::string> shown_;
    bool signed_ = false;
};

TEST_F(copy_token_test, TheServiceReadsByTheToken) {
    show({"good-token"});
    watch();
    put("t/small", "content");
    put("t/empty", "");
    put_foreign("t/middle", random_bytes(9 * MiB, 1), 4 * MiB);
    put_foreign("t/foreign", random_bytes(33 * MiB, 2), 8 * MiB);
    write_file(scratch / "own", random_bytes(17 * MiB, 3));
    ASSERT_TRUE(up(scratch / "own", "t/own"));
    next_second();
    const summary all = copied("t", "t");
    EXPECT_EQ(all.server_side, 5u);
    EXPECT_EQ(all.through_client, 0u);
    EXPECT_EQ(watched->count(put_from_url), 2u);
    EXPECT_EQ(watched->count(block_from_url), 5u + 3u);
    EXPECT_EQ(shown_, (std::set<std::string>{"Bearer good-token"}));
    EXPECT_FALSE(signed_) << "the token is enough";
    EXPECT_EQ(tokens_->asked, 1u);
    for (const char* name : {"t/small", "t/middle", "t/foreign", "t/own"}) {
        EXPECT_TRUE(content_there(name) == content_of(*client, "data", name)) << name;
    }
    EXPECT_EQ(copied("t", "t").skipped, 5u);
}

TEST_F(copy_token_test, FormsThatTakeNoTokenAreNotAskedFor) {
    show({"good-token"});
    ASSERT_TRUE(rt.run(client->create_container("data", {})));
    const std::string text = random_bytes(1000, 4), pages = random_bytes(4096, 5);
    ASSERT_TRUE(rt.run(client->create_append_blob({"data", "t/log"}, {}, {})));
    ASSERT_TRUE(rt.run(client->append_block({"data", "t/log"}, body(text), 0, {})));
    ASSERT_TRUE(rt.run(client->create_page_blob({"data", "t/disk"}, 4096, {}, {})));
    ASSERT_TRUE(rt.run(client->put_page({"data", "t/disk"}, {0, 4096}, body(pages), {})));
    put("t/file", "content");
    const summary all = copied("t", "t");
    EXPECT_EQ(all.through_client, 2u);
    EXPECT_EQ(all.server_side, 1u);
    EXPECT_EQ(watched->count(put_from_url), 1u) << "Copy Blob was tried";
    EXPECT_TRUE(content_there("t/log") == text);
    EXPECT_TRUE(content_there("t/disk") == pages);
}

TEST_F(copy_token_test, OneThatIsRefusedIsRenewed) {
    for (const bool large : {false, true}) {
        show({"old-token", "good-token"});
        watched->forget();
        const std::string at = large ? "large" : "small";
        if (large) {
            put_foreign("large/1", random_bytes(33 * MiB, 6), 8 * MiB);
        } else {
            for (int i = 0; i < 20; ++i) put("small/" + std::to_string(i), "content");
        }
        const summary all = copied(at, at);
        EXPECT_EQ(all.through_client, 0u) << at;
        EXPECT_EQ(all.server_side, large ? 1u : 20u);
        EXPECT_EQ(tokens_->asked, 2u) << "once for all";
    }
    EXPECT_EQ(watched->refreshed, 0u) << "the destination's own credential was not what was refused";
}

TEST_F(copy_token_test, WhereNoTokenHelpsTheDataPassThroughTheClient) {
    show({"old-token", "another-token"});
    lanes = 1;
    for (int i = 0; i < 20; ++i) put("t/" + std::to_string(i), "content");
    const summary all = copied("t", "t");
    EXPECT_EQ(all.through_client, 20u);
    EXPECT_EQ(watched->count(put_from_url), 2u) << "once with each, then it is remembered";
    EXPECT_EQ(content_there("t/19"), "content");
}

TEST_F(copy_token_test, OneThatHasEndedIsNotShown) {
    const auto authorization = [&] {
        auto from = rt.run(link->origin({"data", "a"}, {}, {}));
        return from ? from->authorization.reveal() : from.error().message();
    };
    show({"first", "second", "third"}, 0s);
    EXPECT_EQ(authorization(), "Bearer first");
    EXPECT_EQ(authorization(), "Bearer second");
    show({"first", "second"});
    EXPECT_EQ(authorization(), "Bearer first");
    EXPECT_EQ(authorization(), "Bearer first");
    show({});
    EXPECT_EQ(authorization(), "nobody is logged in");
}

TEST_F(copy_token_test, ATokenGoesOnlyWhereItStaysSecret) {
    const char *here = "http://127.0.0.1:1/a", *plain = "http://store.example/a",
               *tls = "https://store.example";
    EXPECT_TRUE(allowed(tls, tls));
    EXPECT_TRUE(allowed(tls, here));
    EXPECT_TRUE(allowed(here, here));
    EXPECT_FALSE(allowed(tls, plain));
    EXPECT_FALSE(allowed(plain, tls)) << "the service would send it on in plain text";
    EXPECT_FALSE(allowed(here, tls)) << "that machine's 127.0.0.1 is another";
    const char *blobs = "https://a.blob.core.windows.net", *more = "https://b.blob.core.windows.net";
    EXPECT_TRUE(allowed(blobs, more));
    for (const char* other :
         {"https://b.blob.core.windows.net.evil.example", "https://b.blob.core.chinacloudapi.cn",
          "https://store.example", "https://10.0.0.1", "https://net"}) {
        EXPECT_FALSE(allowed(blobs, other)) << other;
        EXPECT_FALSE(allowed(other, blobs)) << other;
    }
    EXPECT_FALSE(allowed("https://a.net", "https://b.net")) << "one domain, but whose?";
    EXPECT_TRUE(allowed(tls, tls, copy_link::form::put_block));
    EXPECT_FALSE(allowed(tls, plain, copy_link::form::put_block));
    EXPECT_FALSE(allowed(tls, tls, copy_link::form::whole_blob));
}

TEST_F(copy_token_test, NoTokenIsEverTold) {
    std::mutex mutex;
    std::string told;
    act::log::set_level(act::log::level::trace);
    act::log::set_sink([&](act::log::level, std::string_view line) {
        std::lock_guard lock(mutex);
        told.append(line).push_back('\n');
    });
    put("t/a", "content");
    put_there("clock", "x");
    for (const char* token : {"good-token", "old-token"}) {
        show({token});
        copied("t", "to" + std::to_string(std::strlen(token)));
    }
    // A service that is shown a wrong key repeats the headers that it has checked, this one among them.
    const blob::account account{other_account, *parse_uri(other->endpoint()), {}};
    connected wrong(rt, account, *auth::shared_key(other_account, secret("d3Jvbmc=")));
    show({"good-token"});
    auto from = rt.run(link->origin({"data", "t/a"}, {}, {}));
    ASSERT_TRUE(from);
    auto refused = rt.run(wrong.blobs.copy(blob::copy_form::put_from_url, *from, {"copies", "a"}, {}, {}));
    rt.run(wrong.transport.close());
    act::log::set_sink(nullptr);
    act::log::set_level(act::log::level::warning);
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message().find("x-ms-copy-source-authorization"), std::string::npos);
    told += refused.error().describe();
    EXPECT_NE(told.find("copies go through this machine"), std::string::npos) << told;
    for (const char* token : {"good-token", "old-token"})
        EXPECT_EQ(told.find(token), std::string::npos) << told;
}

}  // namespace
}  // namespace act::ops

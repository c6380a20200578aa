// Operations on blobs under customer-provided keys; what one call does is shown end to end by tests/e2e.
#include "transfer/blob/encryption.hpp"

#include "copy_world.hpp"
#include "transfer/ops/operation.hpp"

namespace act::ops {
namespace {

class encryption_test : public copy_test {
protected:
    static std::shared_ptr<const blob::customer_key> key(char of) {
        // base64 of 32 bytes, of which all but the last one begin with the same letters.
        return *blob::customer_key::read(secret(std::string(42, of) + "A="));
    }
    /// From now on each end has a key of its own; null: none.
    void keys(std::shared_ptr<const blob::customer_key> here,
              std::shared_ptr<const blob::customer_key> other_end) {
        client = keyed(*client, std::move(here));
        there = keyed(*there, std::move(other_end));
        link.emplace(*client, secret(store::emulator_key), secret());
    }
    blob::client* keyed(const blob::client& same, std::shared_ptr<const blob::customer_key> k) {
        made_.push_back(std::make_unique<blob::client>(same, http::pipeline_options{},
                                                       blob::encryption{std::move(k), {}}));
        return made_.back().get();
    }
    /// The destination's service knows nothing of source keys.
    void refuse_source_keys(const char* code, int status) {
        watched->before = [=](const http::request& r) -> task<result<void>> {
            if (!r.headers.has("x-ms-source-encryption-key")) co_return result<void>();
            error refused(kind::unsupported, "no");
            co_return std::move(refused).with_service(code, status, {});
        };
    }
    void TearDown() override {
        made_.clear();
        copy_test::TearDown();
    }

private:
    std::vector<std::unique_ptr<blob::client>> made_;
};

TEST_F(encryption_test, the_service_copies_from_key_to_key) {
    keys(key('a'), key('b'));
    put("t/small", "small");
    const std::string large(9 << 20, 'l');
    put_foreign("t/large", large, 3 << 20);
    const summary done = copied("t", "t");
    EXPECT_EQ(done.server_side, 2u);
    EXPECT_EQ(done.through_client, 0u);
    EXPECT_EQ(content_there("t/small"), "small");
    EXPECT_EQ(content_there("t/large"), large);
    EXPECT_EQ(head_there("t/small").key_sha256, key('b')->sha256());
}

TEST_F(encryption_test, plain_blobs_are_copied_as_ever_beside_keyed_ones) {
    put("t/plain", "plain");
    keys(key('a'), nullptr);
    put("t/keyed", "keyed");
    const summary done = copied("t", "t");
    EXPECT_EQ(done.server_side, 2u);
    EXPECT_EQ(content_there("t/plain"), "plain");
    EXPECT_EQ(content_there("t/keyed"), "keyed");
    EXPECT_EQ(head_there("t/keyed").key_sha256, "");
}

TEST_F(encryption_test, a_service_without_source_keys_is_found_out_once) {
    put("t/0", "plain");
    keys(key('a'), key('b'));
    for (int i = 1; i < 6; ++i) put("t/" + std::to_string(i), "keyed");
    refuse_source_keys("InvalidHeaderValue", 400);
    lanes = 1;
    const summary done = copied("t", "t");
    EXPECT_EQ(done.server_side, 1u);
    EXPECT_EQ(done.through_client, 5u);
    // The plain one, and one try of a keyed one.
    EXPECT_EQ(watched->count(put_from_url), 2u);
    EXPECT_EQ(content_there("t/5"), "keyed");
}

TEST_F(encryption_test, append_blobs_come_through_this_machine) {
    keys(key('a'), key('b'));
    ASSERT_TRUE(rt.run(client->create_container("data", {})));
    ASSERT_TRUE(rt.run(client->create_append_blob({"data", "t/log"}, {}, {})));
    ASSERT_TRUE(rt.run(client->append_block({"data", "t/log"}, body("line"), 0, {})));
    const summary done = copied("t", "t");
    EXPECT_EQ(done.through_client, 1u);
    EXPECT_EQ(watched->count(put_from_url), 0u);
    EXPECT_EQ(content_there("t/log"), "line");
    EXPECT_EQ(head_there("t/log").key_sha256, key('b')->sha256());
}

TEST_F(encryption_test, a_source_without_its_key_fails_without_a_request) {
    auto* plain = client;
    keys(key('a'), nullptr);
    put("t/keyed", "keyed");
    for (auto wrong : {std::shared_ptr<const blob::customer_key>(), key('c')}) {
        client = keyed(*plain, wrong);
        auto r = cp("t", "t");
        ASSERT_TRUE(r) << r.error().describe();
        ASSERT_EQ(r->failures.size(), 1u);
        EXPECT_EQ(r->failures[0].error.kind(), kind::configuration);
        EXPECT_NE(r->failures[0].error.message().find("t/keyed"), std::string::npos);
    }
    EXPECT_EQ(watched->count(put_from_url), 0u);
}

TEST_F(encryption_test, a_blob_under_another_key_is_found_by_its_listing) {
    auto* plain = client;
    keys(key('a'), nullptr);
    put("t/keyed", "keyed", {.metadata = {{"m", "v"}}});
    put("t/keyed2", "longer name");
    for (auto other : {std::shared_ptr<const blob::customer_key>(), key('c')}) {
        auto* c = keyed(*plain, other);
        const auto found = rt.run(find_blob(*c, {"data", "t/keyed"}, {}));
        ASSERT_TRUE(found) << found.error().describe();
        ASSERT_TRUE(*found);
        EXPECT_EQ((*found)->name, "t/keyed");
        EXPECT_EQ((*found)->size, 5u);
        EXPECT_EQ((*found)->metadata.at("m"), "v");
        EXPECT_EQ((*found)->key_sha256, key('a')->sha256());
    }
}

TEST_F(encryption_test, a_key_is_shown_only_where_it_stays_secret) {
    http::client transport(rt, {});
    auto at = [&](const char* url) {
        return std::make_unique<blob::client>(transport, blob::account{"a", *parse_uri(url), {}},
                                              auth::anonymous());
    };
    const struct {
        const char *from, *to;
        bool may;
    } cases[] = {{"https://a.blob.core.windows.net", "https://b.blob.core.windows.net", true},
                 {"http://127.0.0.1:1/a", "http://127.0.0.1:2/b", true},
                 {"http://store.example/a", "https://b.blob.core.windows.net", false},
                 {"http://127.0.0.1:1/a", "https://b.blob.core.windows.net", false},
                 {"https://a.blob.core.windows.net", "http://store.example/b", false}};
    for (const auto& c : cases) {
        const auto source = at(c.from), target = at(c.to);
        const copy_link between(*source, secret("a2V5"), secret());
        EXPECT_EQ(between.may_show_key(*target), c.may) << c.from << " -> " << c.to;
    }
    rt.run(transport.close());
}

}  // namespace
}  // namespace act::ops

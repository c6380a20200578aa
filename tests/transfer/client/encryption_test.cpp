// What requests carry for blobs under a customer-provided key or in an encryption scope.
#include <gmock/gmock.h>

#include "scripted.hpp"

namespace act::blob::test {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* key_text = "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=";
const address where{"cont", "b"};

std::shared_ptr<const customer_key> a_key(const char* text = key_text) {
    return *customer_key::read(secret(text));
}

/// As the service: says yes, and what it has encrypted with.
reply accepts(const seen& r) {
    reply out{.status = 201,
              .headers = {{"ETag", "\"0x1\""}, {"Last-Modified", "Fri, 26 Jun 2015 23:39:12 GMT"}}};
    for (const char* name : {"x-ms-encryption-key-sha256", "x-ms-encryption-scope"}) {
        if (r.headers.has(name)) out.headers.emplace_back(name, r.header(name));
    }
    if (r.target.find("comp=snapshot") != std::string::npos) out.headers.emplace_back("x-ms-snapshot", "S");
    if (r.method == "HEAD" || r.method == "GET") out.status = 200;
    if (r.target.find("blocklisttype") != std::string::npos) out.body = "<BlockList/>";
    return out;
}

class client_encryption : public testing::Test {
protected:
    /// The client of `s`, with an encryption.
    client& with(scripted& s, encryption e) {
        made_ = std::make_unique<client>(s.client(), http::pipeline_options{}, std::move(e));
        return *made_;
    }
    std::unique_ptr<client> made_;
};

TEST_F(client_encryption, all_that_need_the_key_carry_it_and_nothing_else_does) {
    scripted s(accepts);
    client& c = with(s, {.key = a_key()});
    const auto body = http::body::text("hello");
    ASSERT_TRUE(s.run(c.put_blob(where, body, {}, {}, {})));
    ASSERT_TRUE(s.run(c.create_append_blob(where, {}, {})));
    ASSERT_TRUE(s.run(c.create_page_blob(where, 512, {}, {})));
    ASSERT_TRUE(s.run(c.put_block(where, "aWQ=", body, {}, {}, {})));
    ASSERT_TRUE(s.run(c.put_block_list(where, {"aWQ="}, {}, {})));
    ASSERT_TRUE(s.run(c.append_block(where, body, 0, {})));
    const std::string page(512, 'p');
    ASSERT_TRUE(s.run(c.put_page(where, {0, 512}, http::body::text(page), {})));
    ASSERT_TRUE(s.run(c.head(where, {})));
    ASSERT_TRUE(s.run(c.get(where, {}, {}, {})));
    ASSERT_TRUE(s.run(c.set_metadata(where, {{"a", "b"}}, {}, {})));
    ASSERT_TRUE(s.run(c.snapshot(where, {})));
    ASSERT_TRUE(s.run(c.put_block_from_url(where, "aWQ=", {secret("http://x/y")}, {0, 1}, {})));
    ASSERT_TRUE(s.run(c.copy(copy_form::put_from_url, {secret("http://x/y")}, where, {}, {})));
    const std::size_t keyed = s.count();
    for (const auto& r : s.requests()) {
        EXPECT_EQ(r.header("x-ms-encryption-key"), key_text) << r.method << ' ' << r.target;
        EXPECT_EQ(r.header("x-ms-encryption-key-sha256"), a_key()->sha256());
        EXPECT_EQ(r.header("x-ms-encryption-algorithm"), "AES256");
        EXPECT_FALSE(r.headers.has("x-ms-source-encryption-key"));
        EXPECT_EQ(r.header("x-ms-version"), service_version);
    }
    ASSERT_TRUE(s.run(c.get_block_list(where, true, true, {})));
    ASSERT_TRUE(s.run(c.set_content_headers(where, {}, {}, {})));
    ASSERT_TRUE(s.run(c.set_tier(where, "Cool", {})));
    ASSERT_TRUE(s.run(c.set_tags(where, {{"a", "b"}}, {})));
    ASSERT_TRUE(s.run(c.remove(where, snapshots::include, {}, {})));
    ASSERT_TRUE(s.run(c.create_container("cont", {})));
    const auto all = s.requests();
    for (std::size_t i = keyed; i < all.size(); ++i)
        EXPECT_FALSE(all[i].headers.has("x-ms-encryption-key")) << all[i].method << ' ' << all[i].target;
}

TEST_F(client_encryption, scopes_go_with_writes_alone) {
    scripted s(accepts);
    client& c = with(s, {.scope = "lab"});
    ASSERT_TRUE(s.run(c.put_blob(where, http::body::text("x"), {}, {}, {})));
    ASSERT_TRUE(s.run(c.put_block(where, "aWQ=", http::body::text("x"), {}, {}, {})));
    ASSERT_TRUE(s.run(c.set_metadata(where, {{"a", "b"}}, {}, {}, "other")));
    ASSERT_TRUE(s.run(c.get(where, {}, {}, {})));
    ASSERT_TRUE(s.run(c.create_container("cont", {}, {.default_scope = "lab", .only_that_scope = true})));
    const auto all = s.requests();
    EXPECT_EQ(all[0].header("x-ms-encryption-scope"), "lab");
    EXPECT_EQ(all[1].header("x-ms-encryption-scope"), "lab");
    EXPECT_EQ(all[2].header("x-ms-encryption-scope"), "other");
    EXPECT_FALSE(all[3].headers.has("x-ms-encryption-scope"));
    EXPECT_EQ(all[4].header("x-ms-default-encryption-scope"), "lab");
    EXPECT_EQ(all[4].header("x-ms-deny-encryption-scope-override"), "true");
}

TEST_F(client_encryption, source_keys_ask_for_a_version_that_has_them) {
    scripted s(accepts);
    const char* other = "b29vb29vb29vb29vb29vb29vb29vb29vb29vb29vb28=";
    client& c = with(s, {.key = a_key()});
    copy_origin from{.url = secret("http://x/y"), .key = a_key(other)};
    ASSERT_TRUE(s.run(c.put_block_from_url(where, "aWQ=", from, {0, 1}, {})));
    ASSERT_TRUE(s.run(c.copy(copy_form::put_from_url, from, where, {}, {})));
    for (const auto& r : s.requests()) {
        EXPECT_EQ(r.header("x-ms-encryption-key"), key_text);
        EXPECT_EQ(r.header("x-ms-source-encryption-key"), other);
        EXPECT_EQ(r.header("x-ms-source-encryption-key-sha256"), a_key(other)->sha256());
        EXPECT_EQ(r.header("x-ms-source-encryption-algorithm"), "AES256");
        EXPECT_EQ(r.header("x-ms-version"), source_key_version);
    }
    for (const auto form : {copy_form::automatic_async, copy_form::sync_from_url}) {
        const auto refused = s.run(c.copy(form, from, where, {}, {}));
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().kind(), kind::unsupported);
    }
    EXPECT_EQ(s.count(), 2u);
}

TEST_F(client_encryption, plain_blobs_are_read_without_the_key) {
    scripted s([](const seen& r) -> reply {
        if (r.headers.has("x-ms-encryption-key"))
            return service_error_reply(409, "BlobDoesNotUseCustomerSpecifiedEncryption");
        return {.status = 200, .body = "plain"};
    });
    client& c = with(s, {.key = a_key()});
    auto got = s.run(c.get(where, {}, {}, {}));
    ASSERT_TRUE(got) << got.error().describe();
    EXPECT_EQ(*s.run(got->body.read_all(100, {})), "plain");
    EXPECT_EQ(s.count(), 2u);
    // Content is never written without it.
    const auto refused = s.run(c.put_block(where, "aWQ=", http::body::text("x"), {}, {}, {}));
    ASSERT_FALSE(refused);
    EXPECT_EQ(s.count(), 3u);
}

TEST_F(client_encryption, a_server_that_passes_over_key_or_scope_is_found_out) {
    scripted s([](const seen&) -> reply { return {.status = 201}; });
    auto refused = s.run(with(s, {.key = a_key()}).put_blob(where, http::body::text("x"), {}, {}, {}));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind(), kind::unsupported);
    EXPECT_THAT(refused.error().message(), HasSubstr("did not encrypt"));
    EXPECT_THAT(refused.error().describe(), Not(HasSubstr(key_text)));
    refused = s.run(with(s, {.scope = "lab"}).put_blob(where, http::body::text("x"), {}, {}, {}));
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().message(), HasSubstr("scope lab"));
}

TEST_F(client_encryption, refusals_say_what_is_missing) {
    scripted s([](const seen& r) -> reply {
        reply out = service_error_reply(409, r.headers.has("x-ms-encryption-key")
                                                 ? "BlobCustomerSpecifiedEncryptionMismatch"
                                                 : "BlobUsesCustomerSpecifiedEncryption");
        if (r.method == "HEAD") out.body.clear();
        return out;
    });
    auto head = s.run(s.client().head(where, {}));
    ASSERT_FALSE(head);
    EXPECT_EQ(head.error().kind(), kind::configuration);
    EXPECT_THAT(head.error().message(),
                HasSubstr("blob cont/b: it is encrypted with a customer-provided key"));
    EXPECT_THAT(head.error().advice(), HasSubstr("--customer-key"));
    head = s.run(with(s, {.key = a_key()}).head(where, {}));
    ASSERT_FALSE(head);
    EXPECT_THAT(head.error().message(), HasSubstr("another customer-provided key"));
}

TEST_F(client_encryption, a_key_never_goes_out_in_the_clear) {
    scripted s(accepts);
    const account plain{.name = "acc",
                        .endpoint = *parse_uri("http://store.example:10000/acc"),
                        .encryption = {.key = a_key()}};
    client c(s.transport(), plain, auth::anonymous());
    const auto outcome = s.run(c.put_blob(where, http::body::text("x"), {}, {}, {}));
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().kind(), kind::configuration);
    EXPECT_THAT(outcome.error().message(), HasSubstr("never sent without TLS"));
    const auto read = s.run(c.get(where, {}, {}, {}));
    ASSERT_FALSE(read);
    EXPECT_THAT(read.error().message(), HasSubstr("never sent without TLS"));
}

}  // namespace
}  // namespace act::blob::test

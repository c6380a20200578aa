#include "fixture.hpp"

namespace act::store {
namespace {

class copy_test : public store_test {
protected:
    void SetUp() override {
        store_test::SetUp();
        make_container("box");
    }
    std::string url(const std::string& target) { return store_->endpoint() + target; }
    std::string sas(const std::string& blob) {
        auth::sas_request want;
        want.container = "box";
        want.blob = blob;
        want.expiry = now() + std::chrono::hours(1);
        want.https_only = false;
        return auth::mint_service_sas(emulator_account, secret(emulator_key), want)->query().reveal();
    }
};

TEST_F(copy_test, within_the_store_shares_the_content) {
    const std::string body = noise(100'000);
    ASSERT_EQ(put("/box/from", body, {{"x-ms-meta-a", "1"}, {"x-ms-blob-content-type", "text/x"}}).status,
              201);
    const auto done = send("PUT", "/box/to", {{"x-ms-copy-source", url("/box/from")}});
    ASSERT_EQ(done.status, 202) << done.body;
    EXPECT_EQ(done.headers.get("x-ms-copy-status"), "success");
    EXPECT_EQ(data_files(folder_.path() + "/store"), 1u);
    auto got = send("GET", "/box/to");
    EXPECT_TRUE(got.body == body);
    EXPECT_EQ(got.headers.get("x-ms-meta-a"), "1");
    EXPECT_EQ(got.headers.get("Content-Type"), "text/x");
    EXPECT_EQ(got.headers.get("x-ms-copy-progress"), "100000/100000");
    // The copy lives on without its source.
    ASSERT_EQ(send("DELETE", "/box/from").status, 202);
    EXPECT_TRUE(send("GET", "/box/to").body == body);
    // Onto itself, to change what is said of it.
    ASSERT_EQ(send("PUT", "/box/to", {{"x-ms-copy-source", url("/box/to")}, {"x-ms-meta-b", "2"}}).status,
              202);
    got = send("GET", "/box/to");
    EXPECT_TRUE(got.body == body);
    EXPECT_EQ(got.headers.get("x-ms-meta-b"), "2");
    EXPECT_FALSE(got.headers.has("x-ms-meta-a"));
    EXPECT_EQ(send("PUT", "/box/to?comp=copy&copyid=x", {{"x-ms-copy-action", "abort"}}).code(),
              "NoPendingCopyOperation");
    ASSERT_EQ(send("DELETE", "/box/to").status, 202);
    stop();
    EXPECT_EQ(data_files(folder_.path() + "/store"), 0u);
}

TEST_F(copy_test, from_url_needs_a_credential_for_the_source) {
    ASSERT_EQ(put("/box/from", noise(50'000)).status, 201);
    const header_list sync = {{"x-ms-copy-source", url("/box/from")}, {"x-ms-requires-sync", "true"}};
    EXPECT_EQ(send("PUT", "/box/to", sync).code(), "CannotVerifyCopySource");
    const std::string source = url("/box/from?" + sas("from"));
    EXPECT_EQ(send("PUT", "/box/to", {{"x-ms-copy-source", source}, {"x-ms-requires-sync", "true"}}).status,
              202);
    const auto made =
        send("PUT", "/box/put", {{"x-ms-copy-source", source}, {"x-ms-blob-type", "BlockBlob"}});
    EXPECT_EQ(made.status, 201) << made.body;
    EXPECT_TRUE(send("GET", "/box/put").body == noise(50'000));
    // A listing must not show the source's SAS.
    EXPECT_EQ(send("GET", "/box?restype=container&comp=list&include=copy").body.find("sig="),
              std::string::npos);
    EXPECT_EQ(
        send("PUT", "/box/to",
             {{"x-ms-copy-source", url("/box/missing?" + sas("missing"))}, {"x-ms-requires-sync", "true"}})
            .headers.get("x-ms-copy-source-status-code"),
        "404");
    const auto wrong = send("PUT", "/box/put",
                            {{"x-ms-copy-source", source},
                             {"x-ms-blob-type", "BlockBlob"},
                             {"x-ms-source-content-md5", base64(codec::md5_of({}))}});
    EXPECT_EQ(wrong.code(), "Md5Mismatch");
    EXPECT_EQ(
        send("PUT", "/box/to", {{"x-ms-copy-source", url("/box/from")}, {"x-ms-source-if-match", "\"0x1\""}})
            .code(),
        "SourceConditionNotMet");
}

TEST_F(copy_test, a_token_opens_the_source) {
    token_ = secret("good");
    restart();
    ASSERT_EQ(put("/box/from", "content").status, 201);
    auto with = [&](const char* credential, header_list more) {
        more.emplace_back("x-ms-copy-source", url("/box/from"));
        more.emplace_back("x-ms-copy-source-authorization", credential);
        return more;
    };
    const header_list put_form = {{"x-ms-blob-type", "BlockBlob"}};
    EXPECT_EQ(send("PUT", "/box/put", with("Bearer good", put_form)).status, 201);
    EXPECT_EQ(send("PUT", "/box/copy", with("Bearer good", {{"x-ms-requires-sync", "true"}})).status, 202);
    const std::string block = "?comp=block&blockid=" + encode_component(base64("1"));
    EXPECT_EQ(send("PUT", "/box/blocks" + block, with("Bearer good", {})).status, 201);
    EXPECT_EQ(send("PUT", "/box/blocks" + block,
                   with("Bearer good", {{"x-ms-source-content-md5", base64(codec::md5_of({}))}}))
                  .code(),
              "Md5Mismatch");
    const auto refused = send("PUT", "/box/put", with("Bearer bad", put_form));
    EXPECT_EQ(refused.status, 401);
    EXPECT_EQ(refused.code(), "CannotVerifyCopySource");
    EXPECT_EQ(refused.headers.get("x-ms-copy-source-error-code"), "InvalidAuthenticationInfo");
    const auto scheme = send("PUT", "/box/put", with("SharedKey good", put_form));
    EXPECT_EQ(scheme.code(), "InvalidHeaderValue");
    EXPECT_EQ(scheme.body.find("good"), std::string::npos) << scheme.body;
}

TEST_F(copy_test, blocks_from_a_url) {
    const std::string body = noise(200'000);
    ASSERT_EQ(put("/box/from", body).status, 201);
    const std::string source = url("/box/from?" + sas("from"));
    auto block = [&](const std::string& id, const std::string& range, header_list more = {}) {
        more.emplace_back("x-ms-copy-source", source);
        if (!range.empty()) more.emplace_back("x-ms-source-range", range);
        return send("PUT", "/box/to?comp=block&blockid=" + encode_component(base64(id)), more);
    };
    EXPECT_EQ(block("1", "bytes=100-100099").status, 201);
    EXPECT_EQ(block("2", "bytes=0-9").status, 201);
    EXPECT_EQ(block("3", "").status, 201);
    EXPECT_EQ(block("4", "bytes=200000-").code(), "InvalidRange");
    const std::string md5 = base64(codec::md5_of(codec::as_bytes(std::string_view(body).substr(5, 5))));
    EXPECT_EQ(block("4", "bytes=5-9", {{"x-ms-source-content-md5", md5}}).headers.get("Content-MD5"), md5);
    EXPECT_EQ(block("5", "bytes=5-8", {{"x-ms-source-content-md5", md5}}).code(), "Md5Mismatch");
    ASSERT_EQ(send("PUT", "/box/to?comp=blocklist", {},
                   fmt::format("<BlockList><Latest>{}</Latest><Latest>{}</Latest><Latest>{}</"
                               "Latest><Latest>{}</Latest></BlockList>",
                               base64("1"), base64("2"), base64("3"), base64("4")))
                  .status,
              201);
    const std::string whole = body.substr(100, 100'000) + body.substr(0, 10) + body + body.substr(5, 5);
    EXPECT_TRUE(send("GET", "/box/to").body == whole);
    ASSERT_EQ(send("DELETE", "/box/from").status, 202);
    EXPECT_TRUE(send("GET", "/box/to").body == whole);
    ASSERT_EQ(send("DELETE", "/box/to").status, 202);
    stop();
    EXPECT_EQ(data_files(folder_.path() + "/store"), 0u);
}

class two_stores_test : public copy_test {
protected:
    void SetUp() override {
        copy_test::SetUp();
        options o;
        o.root = other_folder_.path();
        o.listen = "127.0.0.1:0";
        other_ = std::make_unique<store>(run_, o);
        ASSERT_TRUE(other_->start());
        ASSERT_EQ(send_to(*other_, "PUT", "/box?restype=container", {}, {}, true).status, 201);
    }
    void TearDown() override {
        run_.run(other_->stop());
        copy_test::TearDown();
    }
    temporary_folder other_folder_;
    std::unique_ptr<store> other_;
};

TEST_F(two_stores_test, a_token_is_shown_to_a_source_elsewhere_but_by_the_asynchronous_copy) {
    token_ = secret("good");
    restart();
    ASSERT_EQ(put("/box/from", "content").status, 201);
    auto copy = [&](const char* credential, header_list more) {
        more.emplace_back("x-ms-copy-source", url("/box/from"));
        more.emplace_back("x-ms-copy-source-authorization", credential);
        return send_to(*other_, "PUT", "/box/to", more, {}, true);
    };
    const header_list put_form = {{"x-ms-blob-type", "BlockBlob"}};
    EXPECT_EQ(copy("Bearer good", put_form).status, 201);
    EXPECT_EQ(send_to(*other_, "GET", "/box/to", {}, {}, true).body, "content");
    EXPECT_EQ(copy("Bearer good", {{"x-ms-requires-sync", "true"}}).status, 202);
    const auto refused = copy("Bearer bad", put_form);
    EXPECT_EQ(refused.status, 401);
    EXPECT_EQ(refused.headers.get("x-ms-copy-source-error-code"), "InvalidAuthenticationInfo");
    const auto asynchronous = copy("Bearer good", {});
    EXPECT_EQ(asynchronous.code(), "CannotVerifyCopySource");
    EXPECT_EQ(asynchronous.headers.get("x-ms-copy-source-error-code"), "NoAuthenticationInformation");
}

TEST_F(two_stores_test, small_sources_are_copied_at_once_and_large_ones_in_the_background) {
    const std::string small = noise(100'000), large = noise(20 * MiB);
    ASSERT_EQ(put("/box/small", small, {{"x-ms-meta-a", "b"}}).status, 201);
    ASSERT_EQ(put("/box/large", large).status, 201);
    auto copy = [&](const std::string& name) {
        return send_to(*other_, "PUT", "/box/" + name,
                       {{"x-ms-copy-source", url("/box/" + name + "?" + sas(name))}}, {}, true);
    };
    const auto at_once = copy("small");
    ASSERT_EQ(at_once.status, 202) << at_once.body;
    EXPECT_EQ(at_once.headers.get("x-ms-copy-status"), "success");
    const auto got = send_to(*other_, "GET", "/box/small", {}, {}, true);
    EXPECT_TRUE(got.body == small);
    EXPECT_EQ(got.headers.get("x-ms-meta-a"), "b");

    const auto begun = copy("large");
    ASSERT_EQ(begun.status, 202) << begun.body;
    EXPECT_EQ(begun.headers.get("x-ms-copy-status"), "pending");
    std::string status = "pending";
    for (int n = 0; n < 1000 && status == "pending"; ++n) {
        const auto head = send_to(*other_, "HEAD", "/box/large", {}, {}, true);
        EXPECT_EQ(head.headers.get("x-ms-copy-id"), begun.headers.get("x-ms-copy-id"));
        status = head.headers.get("x-ms-copy-status");
    }
    EXPECT_EQ(status, "success");
    EXPECT_TRUE(send_to(*other_, "GET", "/box/large", {}, {}, true).body == large);

    const auto missing =
        send_to(*other_, "PUT", "/box/x", {{"x-ms-copy-source", url("/box/x?" + sas("x"))}}, {}, true);
    EXPECT_EQ(missing.status, 404);
    EXPECT_EQ(missing.code(), "CannotVerifyCopySource");
    EXPECT_EQ(missing.headers.get("x-ms-copy-source-error-code"), "BlobNotFound");
    // Blocks, too.
    EXPECT_EQ(
        send_to(*other_, "PUT", "/box/b?comp=block&blockid=AAAA",
                {{"x-ms-copy-source", url("/box/small?" + sas("small"))}, {"x-ms-source-range", "bytes=0-9"}},
                {}, true)
            .headers.get("x-ms-content-crc64"),
        codec::crc64_header(codec::crc64(0, codec::as_bytes(std::string_view(small).substr(0, 10)))));
}

}  // namespace
}  // namespace act::store

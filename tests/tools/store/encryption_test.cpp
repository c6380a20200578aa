// Customer-provided keys and encryption scopes on the wire. Codes, statuses and texts are those of the
// service, as recorded in the tests of its SDKs.
#include "transfer/blob/encryption.hpp"

#include "fixture.hpp"

namespace act::store {
namespace {

class encryption_test : public store_test {
protected:
    void SetUp() override {
        store_test::SetUp();
        make_container("box");
    }
    static header_list key(char of, header_list more = {}, const std::string& prefix = "x-ms-encryption-") {
        const std::string raw(32, of);
        more.emplace_back(prefix + "key", base64(raw));
        more.emplace_back(prefix + "key-sha256", base64(codec::sha256_of(codec::as_bytes(raw))));
        more.emplace_back(prefix + "algorithm", "AES256");
        return more;
    }
    static std::string sum(char of) { return base64(codec::sha256_of(codec::as_bytes(std::string(32, of)))); }
    static header_list scope(const std::string& name, header_list more = {}) {
        more.emplace_back("x-ms-encryption-scope", name);
        return more;
    }
    std::string url(const std::string& target) {
        auth::sas_request want;
        want.container = "box";
        want.expiry = now() + std::chrono::hours(1);
        want.https_only = false;
        return store_->endpoint() + target + '?' +
               auth::mint_service_sas(emulator_account, secret(emulator_key), want)->query().reveal();
    }
};

const header_list block_blob = {{"x-ms-blob-type", "BlockBlob"}};
const char* block_list = "<BlockList><Latest>MDAw</Latest></BlockList>";

TEST_F(encryption_test, a_blob_under_a_key_opens_itself_to_that_key_only) {
    const auto made = send("PUT", "/box/b", key('a', block_blob), "text");
    ASSERT_EQ(made.status, 201) << made.body;
    EXPECT_EQ(made.headers.get("x-ms-request-server-encrypted"), "true");
    EXPECT_EQ(made.headers.get("x-ms-encryption-key-sha256"), sum('a'));
    restart();
    for (const char* method : {"GET", "HEAD"}) {
        auto got = send(method, "/box/b");
        EXPECT_EQ(got.status, 409);
        EXPECT_EQ(got.code(), "BlobUsesCustomerSpecifiedEncryption");
        got = send(method, "/box/b", key('b'));
        EXPECT_EQ(got.status, 409);
        EXPECT_EQ(got.code(), "BlobCustomerSpecifiedEncryptionMismatch");
        got = send(method, "/box/b", key('a'));
        EXPECT_EQ(got.status, 200);
        EXPECT_EQ(got.headers.get("x-ms-encryption-key-sha256"), sum('a'));
        EXPECT_EQ(got.headers.get("x-ms-server-encrypted"), "true");
    }
    EXPECT_EQ(send("PUT", "/box/b?comp=metadata", {{"x-ms-meta-a", "1"}}).code(),
              "BlobUsesCustomerSpecifiedEncryption");
    const auto set = send("PUT", "/box/b?comp=metadata", key('a', {{"x-ms-meta-a", "1"}}));
    EXPECT_EQ(set.status, 200) << set.body;
    EXPECT_EQ(set.headers.get("x-ms-encryption-key-sha256"), sum('a'));
    EXPECT_EQ(send("PUT", "/box/b?comp=snapshot").code(), "BlobUsesCustomerSpecifiedEncryption");
    const auto snap = send("PUT", "/box/b?comp=snapshot", key('a'));
    EXPECT_EQ(snap.status, 201);
    const std::string then = "/box/b?snapshot=" + std::string(snap.headers.get("x-ms-snapshot"));
    EXPECT_EQ(send("GET", then).code(), "BlobUsesCustomerSpecifiedEncryption");
    EXPECT_EQ(send("GET", then, key('a')).body, "text");
    // These say nothing of content.
    EXPECT_EQ(send("PUT", "/box/b?comp=tier", {{"x-ms-access-tier", "Cool"}}).status, 200);
    EXPECT_EQ(send("GET", "/box/b?comp=tags").status, 200);
    EXPECT_EQ(send("GET", "/box/b?comp=blocklist").status, 200);
    // Written anew, it may be under another key, or none.
    EXPECT_EQ(put("/box/b", "plain").status, 201);
    EXPECT_EQ(send("GET", "/box/b").body, "plain");
    EXPECT_EQ(send("GET", "/box/b", key('a')).code(), "BlobDoesNotUseCustomerSpecifiedEncryption");
    EXPECT_EQ(send("DELETE", "/box/b", {{"x-ms-delete-snapshots", "include"}}).status, 202);
}

TEST_F(encryption_test, wrong_headers_are_refused_and_not_repeated) {
    auto wrong = [&](header_list headers) {
        headers.insert(headers.begin(), block_blob.begin(), block_blob.end());
        const auto got = send("PUT", "/box/b", headers, "text");
        EXPECT_EQ(got.status, 400);
        EXPECT_EQ(got.body.find(base64(std::string(32, 'a'))), std::string::npos);
        return got.code();
    };
    header_list h = key('a');
    h[1].second = sum('b');
    EXPECT_EQ(wrong(h), "InvalidHeaderValue");
    h = key('a');
    h[0].second = base64("short");
    EXPECT_EQ(wrong(h), "InvalidHeaderValue");
    h = key('a');
    h[2].second = "AES128";
    EXPECT_EQ(wrong(h), "InvalidHeaderValue");
    h = key('a');
    h.pop_back();
    EXPECT_EQ(wrong(h), "MissingRequiredHeader");
    EXPECT_EQ(wrong(scope("lab", key('a'))), "InvalidHeaderValue");
    EXPECT_EQ(wrong(scope("No Scope")), "InvalidHeaderValue");
    // What some SDKs always send.
    EXPECT_EQ(
        send("PUT", "/box/b", {{"x-ms-blob-type", "BlockBlob"}, {"x-ms-encryption-algorithm", "AES256"}}, "x")
            .status,
        201);
}

TEST_F(encryption_test, all_blocks_of_a_blob_are_under_one_key) {
    const auto staged = send("PUT", "/box/b?comp=block&blockid=MDAw", key('a'), "first");
    ASSERT_EQ(staged.status, 201) << staged.body;
    EXPECT_EQ(staged.headers.get("x-ms-encryption-key-sha256"), sum('a'));
    EXPECT_EQ(send("PUT", "/box/b?comp=block&blockid=MDAx", {}, "x").code(),
              "BlobUsesCustomerSpecifiedEncryption");
    EXPECT_EQ(send("PUT", "/box/b?comp=block&blockid=MDAx", key('b'), "x").code(),
              "BlobCustomerSpecifiedEncryptionMismatch");
    EXPECT_EQ(send("PUT", "/box/b?comp=blocklist", {}, block_list).code(),
              "BlobUsesCustomerSpecifiedEncryption");
    EXPECT_EQ(send("PUT", "/box/b?comp=blocklist", key('b'), block_list).code(),
              "BlobCustomerSpecifiedEncryptionMismatch");
    const auto done = send("PUT", "/box/b?comp=blocklist", key('a'), block_list);
    ASSERT_EQ(done.status, 201) << done.body;
    EXPECT_EQ(done.headers.get("x-ms-encryption-key-sha256"), sum('a'));
    EXPECT_EQ(send("GET", "/box/b", key('a', {{"x-ms-range", "bytes=1-3"}})).body, "irs");
    // Committed blocks are the same.
    EXPECT_EQ(send("PUT", "/box/b?comp=blocklist", {}, block_list).code(),
              "BlobUsesCustomerSpecifiedEncryption");
}

TEST_F(encryption_test, append_and_page_blobs_grow_under_their_key) {
    ASSERT_EQ(send("PUT", "/box/a", key('a', {{"x-ms-blob-type", "AppendBlob"}})).status, 201);
    EXPECT_EQ(send("PUT", "/box/a?comp=appendblock", {}, "x").code(), "BlobUsesCustomerSpecifiedEncryption");
    EXPECT_EQ(send("PUT", "/box/a?comp=appendblock", key('a'), "x").status, 201);
    ASSERT_EQ(
        send("PUT", "/box/p", key('a', {{"x-ms-blob-type", "PageBlob"}, {"x-ms-blob-content-length", "512"}}))
            .status,
        201);
    const header_list page = {{"x-ms-page-write", "update"}, {"x-ms-range", "bytes=0-511"}};
    const std::string body(512, 'p');
    EXPECT_EQ(send("PUT", "/box/p?comp=page", page, body).code(), "BlobUsesCustomerSpecifiedEncryption");
    EXPECT_EQ(send("PUT", "/box/p?comp=page", key('a', page), body).status, 201);
    EXPECT_EQ(send("GET", "/box/p?comp=pagelist").status, 200);
}

TEST_F(encryption_test, scopes_open_themselves_but_to_changes) {
    const auto made = send("PUT", "/box/b", scope("lab", block_blob), "text");
    ASSERT_EQ(made.status, 201) << made.body;
    EXPECT_EQ(made.headers.get("x-ms-encryption-scope"), "lab");
    const auto got = send("GET", "/box/b");
    EXPECT_EQ(got.body, "text");
    EXPECT_EQ(got.headers.get("x-ms-encryption-scope"), "lab");
    EXPECT_EQ(send("PUT", "/box/b?comp=metadata").code(), "BlobUsesCustomerSpecifiedEncryption");
    EXPECT_EQ(send("PUT", "/box/b?comp=snapshot", scope("other")).code(),
              "BlobCustomerSpecifiedEncryptionMismatch");
    EXPECT_EQ(send("PUT", "/box/b?comp=metadata", scope("lab")).status, 200);
}

TEST_F(encryption_test, a_container_may_have_a_scope_and_insist_on_it) {
    ASSERT_EQ(send("PUT", "/mild?restype=container", {{"x-ms-default-encryption-scope", "lab"}}).status, 201);
    ASSERT_EQ(
        send("PUT", "/strict?restype=container",
             {{"x-ms-default-encryption-scope", "lab"}, {"x-ms-deny-encryption-scope-override", "true"}})
            .status,
        201);
    restart();
    auto told = send("GET", "/strict?restype=container");
    EXPECT_EQ(told.headers.get("x-ms-default-encryption-scope"), "lab");
    EXPECT_EQ(told.headers.get("x-ms-deny-encryption-scope-override"), "true");
    EXPECT_EQ(send("GET", "/box?restype=container").headers.get("x-ms-default-encryption-scope"),
              "$account-encryption-key");
    EXPECT_NE(send("GET", "/?comp=list")
                  .body.find("<DefaultEncryptionScope>lab</DefaultEncryptionScope>"
                             "<DenyEncryptionScopeOverride>true</DenyEncryptionScopeOverride>"),
              std::string::npos);
    for (const char* in : {"/mild/b", "/strict/b"}) {
        ASSERT_EQ(put(in, "x").status, 201);
        EXPECT_EQ(send("HEAD", in).headers.get("x-ms-encryption-scope"), "lab");
        EXPECT_EQ(send("PUT", in + std::string("?comp=metadata")).status, 200);
    }
    EXPECT_EQ(send("PUT", "/mild/c", scope("other", block_blob), "x").status, 201);
    const auto refused = send("PUT", "/strict/c", scope("other", block_blob), "x");
    EXPECT_EQ(refused.status, 403);
    EXPECT_EQ(refused.code(), "RequestForbiddenByContainerEncryptionPolicy");
    EXPECT_EQ(send("PUT", "/strict/c", scope("lab", block_blob), "x").status, 201);
    EXPECT_EQ(send("PUT", "/bad?restype=container", {{"x-ms-deny-encryption-scope-override", "true"}}).code(),
              "MissingRequiredHeader");
}

TEST_F(encryption_test, listings_tell_of_it_in_both_forms) {
    ASSERT_EQ(put("/box/1", "x").status, 201);
    ASSERT_EQ(send("PUT", "/box/2", key('a', block_blob), "x").status, 201);
    ASSERT_EQ(send("PUT", "/box/3", key('b', block_blob), "x").status, 201);
    ASSERT_EQ(send("PUT", "/box/4", scope("lab", block_blob), "x").status, 201);
    ASSERT_EQ(put("/box/5", "x").status, 201);
    for (const bool columns : {false, true}) {
        const auto page = read_listing("/box?restype=container&comp=list", columns).take();
        ASSERT_EQ(page.size(), 5u);
        std::vector<std::string> sums, scopes;
        for (const auto& p : page) {
            sums.push_back(p.key_sha256);
            scopes.push_back(p.encryption_scope);
        }
        EXPECT_EQ(sums, (std::vector<std::string>{"", sum('a'), sum('b'), "", ""}));
        EXPECT_EQ(scopes, (std::vector<std::string>{"", "", "", "lab", ""}));
    }
}

TEST_F(encryption_test, copies_name_the_keys_of_both_ends) {
    ASSERT_EQ(send("PUT", "/box/from", key('a', block_blob), noise(100'000)).status, 201);
    const std::string source = "x-ms-source-encryption-";
    const header_list put_from = {{"x-ms-copy-source", url("/box/from")},
                                  {"x-ms-blob-type", "BlockBlob"},
                                  {"x-ms-version", "2026-04-06"}};
    auto refused = send("PUT", "/box/to", put_from);
    EXPECT_EQ(refused.code(), "CannotVerifyCopySource");
    EXPECT_EQ(refused.status, 409);
    EXPECT_EQ(refused.headers.get("x-ms-copy-source-error-code"), "BlobUsesCustomerSpecifiedEncryption");
    refused = send("PUT", "/box/to", key('b', put_from, source));
    EXPECT_EQ(refused.headers.get("x-ms-copy-source-error-code"), "BlobCustomerSpecifiedEncryptionMismatch");
    const auto made = send("PUT", "/box/to", key('b', key('a', put_from, source)));
    ASSERT_EQ(made.status, 201) << made.body;
    EXPECT_EQ(made.headers.get("x-ms-encryption-key-sha256"), sum('b'));
    EXPECT_TRUE(send("GET", "/box/to", key('b')).body == noise(100'000));
    const header_list block_from = {{"x-ms-copy-source", url("/box/from")}, {"x-ms-version", "2026-04-06"}};
    EXPECT_EQ(send("PUT", "/box/n?comp=block&blockid=MDAw", block_from).code(), "CannotVerifyCopySource");
    EXPECT_EQ(send("PUT", "/box/n?comp=block&blockid=MDAw", key('b', key('a', block_from, source))).status,
              201);
    EXPECT_EQ(send("PUT", "/box/n?comp=blocklist", key('b'), block_list).status, 201);
    // Older versions do not know source keys, and Copy Blob none at all.
    header_list older = key('a', put_from, source);
    older[2].second = "2025-01-05";
    EXPECT_EQ(send("PUT", "/box/old", older).code(), "CannotVerifyCopySource");
    EXPECT_EQ(send("PUT", "/box/whole", {{"x-ms-copy-source", url("/box/from")}}).code(),
              "CannotVerifyCopySource");
    EXPECT_EQ(send("PUT", "/box/whole", key('b', {{"x-ms-copy-source", url("/box/n")}})).status, 400);
}

}  // namespace
}  // namespace act::store

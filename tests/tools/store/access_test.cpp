#include "fixture.hpp"

namespace act::store {
namespace {

class access_test : public store_test {
protected:
    void SetUp() override {
        store_test::SetUp();
        make_container("box");
        ASSERT_EQ(put("/box/a", "one").status, 201);
        ASSERT_EQ(put("/box/b", "two").status, 201);
    }
    std::string service_sas(const std::string& blob, const std::string& permissions,
                            std::chrono::seconds life = std::chrono::hours(1), const std::string& ip = {}) {
        auth::sas_request want;
        want.container = "box";
        want.blob = blob;
        want.permissions = permissions;
        want.expiry = now() + life;
        want.https_only = false;
        want.ip = ip;
        auto made = auth::mint_service_sas(emulator_account, secret(emulator_key), want);
        EXPECT_TRUE(made);
        return made->query().reveal();
    }
    std::string account_sas(const std::string& permissions, const std::string& types,
                            bool https_only = false) {
        auth::account_sas_request want;
        want.permissions = permissions;
        want.resource_types = types;
        want.expiry = now() + std::chrono::hours(1);
        want.https_only = https_only;
        auto made = auth::mint_account_sas(emulator_account, secret(emulator_key), want);
        EXPECT_TRUE(made);
        return made->query().reveal();
    }
};

TEST_F(access_test, a_wrong_key_is_refused) {
    const auto key = auth::shared_key(emulator_account, secret(base64("another key")));
    http::request r;
    r.target = "/devstoreaccount1/box/a";
    r.headers.add("x-ms-version", "2021-12-02");
    const auto at = http::endpoint::of(*parse_uri(store_->endpoint()));
    auto ask = [&]() -> task<std::string> {
        (void)co_await (*key)->authorize(r, at, 0, {});
        auto got = co_await client_.send(at, r, http::body::none(), {});
        auto text = co_await got->read_all(MiB, {});
        co_return fmt::format("{} {}", got->head().status, got->head().headers.get("x-ms-error-code"));
    };
    EXPECT_EQ(run_.run(ask()), "403 AuthenticationFailed");
}

TEST_F(access_test, a_signature_is_for_one_request_and_one_time) {
    // Signed, then something signed is changed on the way: nothing of it counts.
    const std::string late = to_http_date(now() - std::chrono::minutes(16));
    http::fields f;
    f.add("x-ms-date", late);
    f.add("x-ms-version", "2021-12-02");
    const std::string target = "/devstoreaccount1/box/a";
    codec::hmac_sha256 mac(*codec::base64_decode(emulator_key));
    auto sign = [&](const http::fields& headers) {
        return "SharedKey devstoreaccount1:" + codec::base64_encode(mac.sign(auth::shared_key_string(
                                                   "GET", emulator_account, target, headers, 0)));
    };
    auto got = send_unsigned("GET", "/box/a", {{"x-ms-date", late}, {"Authorization", sign(f)}});
    EXPECT_EQ(got.code(), "AuthenticationFailed");
    EXPECT_THAT(got.body, testing::HasSubstr("too old"));
    http::fields g;
    g.add("x-ms-date", to_http_date(now()));
    g.add("x-ms-version", "2021-12-02");
    const std::string good = sign(g);
    header_list headers = {{"x-ms-date", std::string(g.get("x-ms-date"))}, {"Authorization", good}};
    EXPECT_EQ(send_unsigned("GET", "/box/a", headers).status, 200);
    EXPECT_EQ(send_unsigned("GET", "/box/b", headers).code(), "AuthenticationFailed");
    headers.emplace_back("x-ms-range", "bytes=0-1");
    got = send_unsigned("GET", "/box/a", headers);
    EXPECT_EQ(got.code(), "AuthenticationFailed");
    // What the server has signed helps to find the difference; its signature must not be there.
    EXPECT_THAT(got.body, testing::HasSubstr("x-ms-range:bytes=0-1"));
    EXPECT_THAT(got.body, testing::Not(testing::HasSubstr(good.substr(27))));
    EXPECT_EQ(send_unsigned("GET", "/box/a", {{"Authorization", "Bearer token"}}).code(),
              "AuthenticationFailed");
}

TEST_F(access_test, who_has_the_token_is_the_owner) {
    token_ = secret("good");
    restart();
    const header_list good = {{"Authorization", "Bearer good"}};
    EXPECT_EQ(send_unsigned("GET", "/box/a", good).body, "one");
    EXPECT_EQ(send_unsigned("PUT", "/new?restype=container", good).status, 201);
    EXPECT_EQ(send_unsigned("GET", "/?comp=list", good).status, 200);
    EXPECT_EQ(send("GET", "/box/a").body, "one") << "the key is no less than it was";
    for (const char* wrong : {"Bearer bad", "Bearer goo", "Bearer goodd"}) {
        const auto refused = send_unsigned("GET", "/box/a", {{"Authorization", wrong}});
        EXPECT_EQ(refused.status, 401) << wrong;
        EXPECT_EQ(refused.code(), "InvalidAuthenticationInfo");
        EXPECT_EQ(refused.headers.get("WWW-Authenticate"), "Bearer");
        EXPECT_THAT(refused.body, testing::Not(testing::HasSubstr("good")));
    }
    EXPECT_EQ(send_unsigned("GET", "/box/a", {{"Authorization", "good"}}).code(), "AuthenticationFailed");
}

TEST_F(access_test, service_sas) {
    const std::string read_a = service_sas("a", "r");
    EXPECT_EQ(send_unsigned("GET", "/box/a?" + read_a).body, "one");
    EXPECT_EQ(send_unsigned("GET", "/box/b?" + read_a).code(), "AuthenticationFailed");
    EXPECT_EQ(send_unsigned("DELETE", "/box/a?" + read_a).code(), "AuthorizationPermissionMismatch");
    EXPECT_EQ(send_unsigned("GET", "/box?restype=container&comp=list&" + read_a).status, 403);
    EXPECT_EQ(send_unsigned("GET", "/box/a?" + service_sas("a", "r", std::chrono::seconds(-5))).code(),
              "AuthenticationFailed");
    std::string forged = read_a;
    forged.replace(forged.find("sp=r"), 4, "sp=rd");
    EXPECT_EQ(send_unsigned("DELETE", "/box/a?" + forged).code(), "AuthenticationFailed");

    const std::string all = service_sas("", "rlc");
    EXPECT_EQ(send_unsigned("GET", "/box/b?" + all).body, "two");
    EXPECT_EQ(send_unsigned("GET", "/box?restype=container&comp=list&" + all).status, 200);
    // `c` makes new blobs, and replaces none.
    const header_list block = {{"x-ms-blob-type", "BlockBlob"}};
    EXPECT_EQ(send_unsigned("PUT", "/box/new?" + all, block, "x").status, 201);
    EXPECT_EQ(send_unsigned("PUT", "/box/new?" + all, block, "y").code(), "UnauthorizedBlobOverwrite");
    EXPECT_EQ(send_unsigned("DELETE", "/box?restype=container&" + all).status, 403);

    EXPECT_EQ(
        send_unsigned("GET", "/box/a?" + service_sas("a", "r", std::chrono::hours(1), "127.0.0.1")).status,
        200);
    EXPECT_EQ(
        send_unsigned("GET", "/box/a?" + service_sas("a", "r", std::chrono::hours(1), "127.0.0.0-127.0.0.9"))
            .status,
        200);
    EXPECT_EQ(
        send_unsigned("GET", "/box/a?" + service_sas("a", "r", std::chrono::hours(1), "10.0.0.1")).code(),
        "AuthorizationSourceIPMismatch");
}

TEST_F(access_test, account_sas) {
    EXPECT_EQ(send_unsigned("GET", "/?comp=list&" + account_sas("l", "s")).status, 200);
    EXPECT_EQ(send_unsigned("GET", "/?comp=list&" + account_sas("l", "co")).code(),
              "AuthorizationResourceTypeMismatch");
    EXPECT_EQ(send_unsigned("GET", "/box/a?" + account_sas("r", "o")).body, "one");
    EXPECT_EQ(send_unsigned("GET", "/box/a?" + account_sas("w", "o")).code(),
              "AuthorizationPermissionMismatch");
    EXPECT_EQ(send_unsigned("GET", "/box/a?" + account_sas("r", "o", true)).code(),
              "AuthorizationProtocolMismatch");
    EXPECT_EQ(send_unsigned("DELETE", "/box?restype=container&" + account_sas("d", "c")).status, 202);
}

TEST_F(access_test, stored_access_policies) {
    const std::string document =
        "<?xml version=\"1.0\" "
        "encoding=\"utf-8\"?><SignedIdentifiers><SignedIdentifier><Id>readers</Id><AccessPolicy>"
        "<Start>2020-01-01T00:00:00Z</Start><Expiry>" +
        to_iso8601(now() + std::chrono::hours(1)) +
        "</Expiry><Permission>r</Permission></AccessPolicy></SignedIdentifier></SignedIdentifiers>";
    ASSERT_EQ(send("PUT", "/box?restype=container&comp=acl", {}, document).status, 200);
    EXPECT_EQ(send("GET", "/box?restype=container&comp=acl").body, document);
    auth::sas s;
    s.parameters = {{"sv", "2021-12-02"}, {"sr", "c"}, {"si", "readers"}};
    codec::hmac_sha256 mac(*codec::base64_decode(emulator_key));
    auto query = [&] {
        s.signature =
            secret(codec::base64_encode(mac.sign(auth::string_to_sign(s, emulator_account, "box", ""))));
        return s.query().reveal();
    };
    EXPECT_EQ(send_unsigned("GET", "/box/a?" + query()).body, "one");
    EXPECT_EQ(send_unsigned("DELETE", "/box/a?" + query()).code(), "AuthorizationPermissionMismatch");
    s.parameters["sp"] = "rd";
    EXPECT_EQ(send_unsigned("DELETE", "/box/a?" + query()).code(), "AuthenticationFailed");
    s.parameters.erase("sp");
    ASSERT_EQ(send("PUT", "/box?restype=container&comp=acl").status, 200);
    EXPECT_EQ(send_unsigned("GET", "/box/a?" + query()).code(), "AuthenticationFailed");
}

TEST_F(access_test, anonymous) {
    EXPECT_EQ(send_unsigned("GET", "/box/a").status, 401);
    EXPECT_EQ(send_unsigned("GET", "/?comp=list").code(), "NoAuthenticationInformation");
    auto open = [&](const char* how) {
        return send("PUT", "/box?restype=container&comp=acl", {{"x-ms-blob-public-access", how}},
                    "<SignedIdentifiers/>")
            .status;
    };
    ASSERT_EQ(open("blob"), 200);
    EXPECT_EQ(send_unsigned("GET", "/box/a").body, "one");
    EXPECT_EQ(send_unsigned("GET", "/box?restype=container&comp=list").code(), "ResourceNotFound");
    EXPECT_EQ(send_unsigned("PUT", "/box/c", {{"x-ms-blob-type", "BlockBlob"}}, "x").status, 401);
    ASSERT_EQ(open("container"), 200);
    EXPECT_EQ(send_unsigned("GET", "/box?restype=container&comp=list").status, 200);
    EXPECT_EQ(open("everybody"), 400);
}

TEST_F(access_test, user_delegation) {
    const std::string until = to_iso8601(now() + std::chrono::hours(1));
    const auto key =
        send("POST", "/?restype=service&comp=userdelegationkey", {},
             "<KeyInfo><Start>2020-01-01T00:00:00Z</Start><Expiry>" + until + "</Expiry></KeyInfo>");
    ASSERT_EQ(key.status, 200) << key.body;
    auth::sas s;
    s.parameters = {{"sv", "2021-12-02"},
                    {"sr", "b"},
                    {"sp", "r"},
                    {"se", until},
                    {"skoid", text_of(key.body, "SignedOid")},
                    {"sktid", text_of(key.body, "SignedTid")},
                    {"skt", text_of(key.body, "SignedStart")},
                    {"ske", text_of(key.body, "SignedExpiry")},
                    {"sks", "b"},
                    {"skv", text_of(key.body, "SignedVersion")}};
    codec::hmac_sha256 mac(*codec::base64_decode(text_of(key.body, "Value")));
    s.signature =
        secret(codec::base64_encode(mac.sign(auth::string_to_sign(s, emulator_account, "box", "a"))));
    EXPECT_EQ(send_unsigned("GET", "/box/a?" + s.query().reveal()).body, "one");
    EXPECT_EQ(send_unsigned("GET", "/box/b?" + s.query().reveal()).code(), "AuthenticationFailed");
}

}  // namespace
}  // namespace act::store

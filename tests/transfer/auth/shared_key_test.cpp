#include <atomic>

#include <gtest/gtest.h>

#include "engine/async/runtime.hpp"
#include "engine/codec/base64.hpp"
#include "transfer/auth/credential.hpp"
#include "transfer/auth/culture_order.hpp"

namespace act::auth {
namespace {

// The emulator's well-known account and the golden values of blob-rest.md section 22.
const std::string account = "devstoreaccount1";
const secret key("Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==");
const std::string date = "Fri, 26 Jun 2015 23:39:12 GMT";

std::string sign(std::string_view text) {
    codec::hmac_sha256 mac(*codec::base64_decode(key.reveal()));
    return codec::base64_encode(mac.sign(text));
}

http::fields common() {
    http::fields f;
    f.add("x-ms-version", "2021-12-02");
    f.add("X-Ms-Date", date);
    return f;
}

TEST(shared_key, golden_1_queries_are_decoded_and_sorted) {
    auto text = shared_key_string(
        "GET", account,
        "/mycontainer?restype=container&comp=list&prefix=a%2Fb%20c&include=metadata%2Csnapshots", common(),
        0);
    EXPECT_EQ(text,
              "GET\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:Fri, 26 Jun 2015 23:39:12 GMT\nx-ms-version:2021-12-02\n"
              "/devstoreaccount1/mycontainer\ncomp:list\ninclude:metadata,snapshots\nprefix:a/b "
              "c\nrestype:container");
    EXPECT_EQ(sign(text), "k3Mr3M5+0c2yy2D2h9fvyDzwPZfuekwD3uhn7ZbzsqM=");
}

TEST(shared_key, golden_2_an_empty_body_signs_no_length_and_the_emulator_names_the_account_twice) {
    auto text =
        shared_key_string("PUT", account, "/devstoreaccount1/mycontainer?restype=container", common(), 0);
    EXPECT_EQ(text,
              "PUT\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:Fri, 26 Jun 2015 23:39:12 GMT\nx-ms-version:2021-12-02\n"
              "/devstoreaccount1/devstoreaccount1/mycontainer\nrestype:container");
    EXPECT_EQ(sign(text), "wuxVfVQ5PEjGG/XWO6Otj8MK8n4uduHIrwEkflkWNaU=");
}

TEST(shared_key, golden_3_the_path_stays_encoded) {
    auto f = common();
    f.add("Content-Type", "text/plain");
    f.add("x-ms-meta-k1", "v 1");
    f.add("x-ms-blob-type", "BlockBlob");
    auto text = shared_key_string("PUT", account, "/mycontainer/dir/a%20b%2Bc.txt", f, 11);
    EXPECT_EQ(text,
              "PUT\n\n\n11\n\ntext/plain\n\n\n\n\n\n\nx-ms-blob-type:BlockBlob\n"
              "x-ms-date:Fri, 26 Jun 2015 23:39:12 GMT\nx-ms-meta-k1:v 1\nx-ms-version:2021-12-02\n"
              "/devstoreaccount1/mycontainer/dir/a%20b%2Bc.txt");
    EXPECT_EQ(sign(text), "u0TthxS9jd2RGF10qFEXMLz0LV2orgjE+G3ymue1Cy8=");
}

TEST(shared_key, standard_headers_have_their_lines) {
    http::fields f;
    f.add("range", "r");
    f.add("if-unmodified-since", "ius");
    f.add("If-None-Match", "inm");
    f.add("If-Match", "im");
    f.add("If-Modified-Since", "ims");
    f.add("Date", "d");
    f.add("Content-Type", "ct");
    f.add("Content-MD5", "cm");
    f.add("Content-Language", "cl");
    f.add("Content-Encoding", "ce");
    f.add("Accept", "not signed");
    EXPECT_EQ(shared_key_string("PUT", "a", "/", f, 5),
              "PUT\nce\ncl\n5\ncm\nct\nd\nims\nim\ninm\nius\nr\n/a/");
    f.add("x-ms-date", "now");
    EXPECT_EQ(shared_key_string("PUT", "a", "/", f, 5),
              "PUT\nce\ncl\n5\ncm\nct\n\nims\nim\ninm\nius\nr\nx-ms-date:now\n/a/");
}

TEST(shared_key, repeated_parameters_are_joined_and_names_lowered) {
    http::fields f;
    EXPECT_EQ(shared_key_string("GET", "a", "/c?Comp=list&include=b&include=a&z=&y=1%2B1", f, 0),
              "GET\n\n\n\n\n\n\n\n\n\n\n\n/a/c\ncomp:list\ninclude:a,b\ny:1+1\nz:");
    EXPECT_EQ(shared_key_string("GET", "a", "", f, 0), "GET\n\n\n\n\n\n\n\n\n\n\n\n/a/");
}

TEST(shared_key, metadata_sorts_as_the_service_does) {
    http::fields f;
    f.add("x-ms-meta-a1", "digit");
    f.add("x-ms-meta-ab", "letter");
    f.add("x-ms-meta-A_b", "underscore");
    f.add("x-ms-meta-a", "");
    auto text = shared_key_string("GET", "a", "/", f, 0);
    EXPECT_EQ(text.substr(text.find("x-ms")),
              "x-ms-meta-a:\nx-ms-meta-a_b:underscore\nx-ms-meta-a1:digit\nx-ms-meta-ab:letter\n/a/");
}

TEST(shared_key, culture_order_is_strict_and_passes_over_hyphens) {
    EXPECT_TRUE(culture_less("x-ms-blob-type", "x-ms-date"));
    EXPECT_TRUE(culture_less("ab", "a-b"));
    EXPECT_FALSE(culture_less("a-b", "ab"));
    EXPECT_TRUE(culture_less("a-b", "ac"));
    EXPECT_TRUE(culture_less("a", "a-"));
    EXPECT_FALSE(culture_less("a-b", "a-b"));
    EXPECT_TRUE(culture_less("x-ms-range", "x-ms-range-get-content-crc64"));
}

TEST(shared_key, authorize_adds_only_date_and_authorization) {
    auto credential = shared_key(account, key).value();
    runtime rt({.loops = 2});
    http::request r;
    r.method = http::verb::put;
    r.target = "/devstoreaccount1/c?restype=container";
    auto sign_once = [](http::authorizer& a, http::request& request) -> task<result<void>> {
        co_return co_await a.authorize(request, {}, 7, {});
    };
    for (int round = 0; round < 2; ++round) {
        ASSERT_TRUE(rt.run(sign_once(*credential, r)));
        ASSERT_EQ(r.headers.size(), 2u);
        auto plain = r.headers;
        plain.remove("Authorization");
        EXPECT_EQ(
            r.headers.get("Authorization"),
            "SharedKey devstoreaccount1:" + sign(shared_key_string("PUT", account, r.target, plain, 7)));
        EXPECT_TRUE(parse_http_date(r.headers.get("x-ms-date")));
    }
}

/// Signs with every key in turn and counts the wrong signatures.
task<void> sign_with_all(const std::vector<std::shared_ptr<http::authorizer>>& all, std::atomic<int>& wrong) {
    for (int round = 0; round < 3; ++round) {
        for (std::size_t i = 0; i < all.size(); ++i) {
            http::request r;
            r.target = "/c";
            (void)co_await all[i]->authorize(r, {}, 0, {});
            http::fields f;
            f.add("x-ms-date", r.headers.get("x-ms-date"));
            codec::hmac_sha256 mac("key" + std::to_string(i));
            auto right = codec::base64_encode(mac.sign(shared_key_string("GET", "a", "/c", f, 0)));
            if (r.headers.get("Authorization") != "SharedKey a:" + right) ++wrong;
        }
    }
}

TEST(shared_key, one_authorizer_serves_all_loops_and_more_keys_than_are_kept) {
    runtime rt({.loops = 3});
    std::vector<std::shared_ptr<http::authorizer>> all;
    for (int i = 0; i < 20; ++i) {
        auto text = "key" + std::to_string(i);
        all.push_back(shared_key("a", secret(codec::base64_encode(codec::as_bytes(text)))).value());
    }
    std::atomic<int> wrong{0};
    task_group group;
    for (unsigned l = 0; l < 3; ++l) group.spawn(rt.at(l), sign_with_all(all, wrong));
    rt.run(group.join());
    EXPECT_EQ(wrong, 0);
}

TEST(shared_key, a_key_that_is_no_base64_is_named_but_not_shown) {
    auto bad = shared_key("acc", secret("not*base64"));
    ASSERT_FALSE(bad);
    EXPECT_EQ(bad.error().kind(), kind::configuration);
    EXPECT_NE(bad.error().message().find("acc"), std::string::npos);
    EXPECT_EQ(bad.error().message().find("not*"), std::string::npos);
    EXPECT_FALSE(shared_key("", key));
}

}  // namespace
}  // namespace act::auth

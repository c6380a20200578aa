#include "transfer/auth/sas.hpp"

#include <gtest/gtest.h>

#include "engine/async/runtime.hpp"
#include "engine/codec/base64.hpp"
#include "transfer/auth/credential.hpp"

namespace act::auth {
namespace {

const std::string account = "devstoreaccount1";
const secret key("Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==");

std::string sign(std::string_view text) {
    codec::hmac_sha256 mac(*codec::base64_decode(key.reveal()));
    return codec::base64_encode(mac.sign(text));
}

sas parsed(const std::string& query) {
    auto s = parse_sas(query + "&sig=x");
    EXPECT_TRUE(s) << query;
    return s.value_or(sas());
}

TEST(sas, golden_4_service_blob) {
    sas_request wanted{.container = "ccc1",
                       .blob = "a.bin",
                       .expiry = *parse_iso8601("2030-01-01T00:00:00Z"),
                       .https_only = false};
    auto s = mint_service_sas(account, key, wanted).value();
    EXPECT_EQ(string_to_sign(s, account, "ccc1", "a.bin"),
              "r\n\n2030-01-01T00:00:00Z\n/blob/devstoreaccount1/ccc1/"
              "a.bin\n\n\nhttps,http\n2021-12-02\nb\n\n\n\n\n\n\n");
    EXPECT_EQ(s.signature.reveal(), "Ft6dwjw66DYR+i8tNn6+Iqg17KQTqpaZKK+8Gf4yvMQ=");
    EXPECT_EQ(s.form(), sas::form::service);
}

TEST(sas, golden_5_service_container) {
    // The vector's permissions are not in the service's order, so it is parsed rather than minted.
    auto s = parsed("sp=rcwl&se=2030-01-01T00:00:00Z&spr=https,http&sv=2021-12-02&sr=c");
    auto text = string_to_sign(s, account, "ccc1", "the/blob/does/not/count");
    EXPECT_EQ(text,
              "rcwl\n\n2030-01-01T00:00:00Z\n/blob/devstoreaccount1/"
              "ccc1\n\n\nhttps,http\n2021-12-02\nc\n\n\n\n\n\n\n");
    EXPECT_EQ(sign(text), "3av5lQrHftTxbs/vwDX0Fj5PGYETAa+xN/fQfPd4xcQ=");
}

TEST(sas, golden_6_account) {
    auto s = parsed("sp=rwdlactfx&ss=b&srt=sco&se=2030-01-01T00%3A00%3A00Z&spr=https,http&sv=2021-12-02");
    EXPECT_EQ(s.form(), sas::form::account);
    auto text = string_to_sign(s, account, "c", "b");
    EXPECT_EQ(text,
              "devstoreaccount1\nrwdlactfx\nb\nsco\n\n2030-01-01T00:00:00Z\n\nhttps,http\n2021-12-02\n\n");
    EXPECT_EQ(sign(text), "Q4oA8KPosmAsx+3XYor6EnVz5O8vldyl8D3/Kmtk3n4=");
}

TEST(sas, golden_7_user_delegation) {
    auto s = parsed(
        "sp=r&st=2026-01-01T00:00:00Z&se=2026-01-02T00:00:00Z&skoid=11111111-1111-1111-1111-111111111111"
        "&sktid=22222222-2222-2222-2222-222222222222&skt=2026-01-01T00:00:00Z&ske=2026-01-07T00:00:00Z&sks=b"
        "&skv=2021-12-02&spr=https&sv=2021-12-02&sr=b");
    EXPECT_EQ(s.form(), sas::form::user_delegation);
    auto text = string_to_sign(s, "myaccount", "music", "intro.mp3");
    EXPECT_EQ(text,
              "r\n2026-01-01T00:00:00Z\n2026-01-02T00:00:00Z\n/blob/myaccount/music/intro.mp3\n"
              "11111111-1111-1111-1111-111111111111\n22222222-2222-2222-2222-222222222222\n"
              "2026-01-01T00:00:00Z\n2026-01-07T00:00:00Z\nb\n2021-12-02\n\n\n\n\nhttps\n2021-12-"
              "02\nb\n\n\n\n\n\n\n");
    EXPECT_EQ(sign(text), "wsUp0FHLtF1UCJ7ZfSA8FadLEqB/iqFZnlQRY8f/fRk=");
}

std::size_t lines(std::string_view version, const std::string& more) {
    auto s = parsed("sp=r&se=2030-01-01T00:00:00Z&sr=b&sv=" + std::string(version) + more);
    auto text = string_to_sign(s, "a", "c", "b");
    return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

TEST(sas, the_layout_depends_on_the_version) {
    EXPECT_EQ(lines("2021-12-02", ""), 15u);
    EXPECT_EQ(lines("2020-10-02", ""), 14u);
    EXPECT_EQ(lines("2018-03-28", ""), 12u);
    EXPECT_EQ(lines("2021-12-02", "&skoid=x"), 23u);
    EXPECT_EQ(lines("2020-02-10", "&skoid=x"), 22u);
    EXPECT_EQ(lines("2018-11-09", "&skoid=x"), 19u);
    EXPECT_EQ(lines("2025-07-05", "&skoid=x"), 25u);
    EXPECT_EQ(lines("2026-04-06", "&skoid=x"), 27u);
    EXPECT_EQ(lines("2021-12-02", "&srt=o"), 10u);
    EXPECT_EQ(lines("2019-12-12", "&srt=o"), 9u);
    EXPECT_EQ(string_to_sign(parsed("sp=r&sr=b&sv=2013-08-15"), "a", "c", "b"), "");
}

TEST(sas, snapshots_versions_and_directories) {
    auto snapshot = parsed("sp=r&se=x&sr=bs&sv=2021-12-02&snapshot=2026-01-01T00:00:00.0000000Z");
    EXPECT_NE(string_to_sign(snapshot, "a", "c", "b").find("\nbs\n2026-01-01T00:00:00.0000000Z\n"),
              std::string::npos);
    EXPECT_EQ(snapshot.query().reveal().find("snapshot"), std::string::npos);
    auto directory = parsed("sp=r&se=x&sr=d&sdd=2&sv=2021-12-02");
    EXPECT_NE(string_to_sign(directory, "a", "c", "x/y/z/file").find("\n/blob/a/c/x/y\n"), std::string::npos);
    EXPECT_NE(string_to_sign(directory, "a", "c", "x/y").find("\n/blob/a/c/x/y\n"), std::string::npos);
    EXPECT_NE(string_to_sign(directory, "a", "c", "x").find("\n/blob/a/c/x\n"), std::string::npos);
}

TEST(sas, parsing_keeps_what_belongs_to_it) {
    auto s = parse_sas("?comp=list&sv=2021-12-02&sr=c&sp=rl&se=2030-01-01&sig=a%2Bb%2Fc%3D&prefix=x");
    ASSERT_TRUE(s);
    EXPECT_EQ(s->signature.reveal(), "a+b/c=");
    EXPECT_EQ(s->parameters.count("comp"), 0u);
    EXPECT_EQ(s->query().reveal(), "se=2030-01-01&sp=rl&sr=c&sv=2021-12-02&sig=a%2Bb%2Fc%3D");
    EXPECT_EQ(s->expires(), parse_iso8601("2030-01-01T00:00:00Z"));
    EXPECT_FALSE(s->starts());

    EXPECT_TRUE(parse_sas("https://a.blob.core.windows.net/c?sp=r&sig=x"));
    EXPECT_FALSE(parse_sas("sp=r&sv=x"));
    EXPECT_FALSE(parse_sas(""));
    EXPECT_FALSE(parse_sas("sp=r&sp=rw&sig=x")) << "an ambiguous SAS must not be chosen from";
    EXPECT_FALSE(parse_sas("sp=r&sig=x&sig=y"));
}

TEST(sas, minting_orders_the_letters_and_refuses_nonsense) {
    auto later = *parse_iso8601("2030-01-01T00:00:00Z");
    sas_request wanted{.container = "c", .permissions = "ldrwca", .expiry = later};
    EXPECT_EQ(mint_service_sas(account, key, wanted).value().get("sp"), "racwdl");
    EXPECT_EQ(mint_service_sas(account, key, wanted).value().get("spr"), "https");
    EXPECT_EQ(mint_service_sas(account, key, wanted).value().get("sr"), "c");
    wanted.permissions = "rq";
    EXPECT_EQ(mint_service_sas(account, key, wanted).error().kind(), kind::usage);
    wanted.permissions = "";
    EXPECT_EQ(mint_service_sas(account, key, wanted).error().kind(), kind::usage);
    wanted = {.container = "c", .start = later, .expiry = later};
    EXPECT_EQ(mint_service_sas(account, key, wanted).error().kind(), kind::usage);
    wanted = {.container = "c", .expiry = later};
    EXPECT_EQ(mint_service_sas(account, secret("%"), wanted).error().kind(), kind::configuration);

    account_sas_request all{
        .permissions = "lcwr", .resource_types = "ocs", .expiry = later, .ip = "10.0.0.1"};
    auto s = mint_account_sas(account, key, all).value();
    EXPECT_EQ(s.get("sp"), "rwlc");
    EXPECT_EQ(s.get("srt"), "sco");
    EXPECT_EQ(s.signature.reveal(), sign(string_to_sign(s, account, "", "")));
    EXPECT_NE(string_to_sign(s, account, "", "").find("\n10.0.0.1\nhttps\n2021-12-02\n\n"),
              std::string::npos);
}

task<result<void>> put_on(http::authorizer& a, http::request& r, bool tls) {
    http::endpoint to;
    to.host = "h";
    to.tls = tls;
    co_return co_await a.authorize(r, to, 0, {});
}

TEST(sas, is_appended_once_to_each_request) {
    runtime rt({.loops = 1});
    secret text("?sv=2021-12-02&spr=https&se=2030-01-01T00:00:00Z&sig=s%3D");
    auto credential = shared_access_signature(text, *parse_iso8601("2029-01-01")).value();
    http::request r;
    r.target = "/c/b";
    ASSERT_TRUE(rt.run(put_on(*credential, r, true)));
    EXPECT_EQ(r.target, "/c/b?se=2030-01-01T00%3A00%3A00Z&spr=https&sv=2021-12-02&sig=s%3D");
    ASSERT_TRUE(rt.run(put_on(*credential, r, true)));
    EXPECT_EQ(r.target, "/c/b?se=2030-01-01T00%3A00%3A00Z&spr=https&sv=2021-12-02&sig=s%3D");
    EXPECT_EQ(r.headers.size(), 0u);
    r.target = "/c?comp=list";
    ASSERT_TRUE(rt.run(put_on(*credential, r, true)));
    EXPECT_TRUE(r.target.starts_with("/c?comp=list&se="));

    auto plain = rt.run(put_on(*credential, r, false));
    ASSERT_FALSE(plain) << "a SAS for https only must not travel in the clear";
    EXPECT_EQ(plain.error().kind(), kind::configuration);
}

TEST(sas, expired_or_unsigned_is_refused_at_once) {
    secret text("sv=2021-12-02&se=2020-01-02T03:04:05Z&sig=SECRET");
    auto expired = shared_access_signature(text, *parse_iso8601("2026-01-01"));
    ASSERT_FALSE(expired);
    EXPECT_EQ(expired.error().kind(), kind::authentication);
    EXPECT_NE(expired.error().message().find("2020-01-02T03:04:05Z"), std::string::npos);
    EXPECT_EQ(expired.error().describe().find("SECRET"), std::string::npos);
    auto unsigned_one = shared_access_signature(secret("sv=1"), now());
    ASSERT_FALSE(unsigned_one);
    EXPECT_EQ(unsigned_one.error().kind(), kind::configuration);
}

}  // namespace
}  // namespace act::auth

#include "transfer/blob/batch.hpp"

#include <gmock/gmock.h>

#include "engine/codec/base64.hpp"
#include "engine/codec/hash.hpp"
#include "scripted.hpp"

namespace act::blob::test {
namespace {

using testing::HasSubstr;

const secret key("a2V5");

reply answer_of(const std::vector<batch_part>& parts) {
    batch_writer w("answer_1");
    for (const auto& p : parts) w.add(p);
    auto type = w.content_type();
    return {.status = 202, .headers = {{"Content-Type", type}}, .body = w.finish()};
}

batch_part part(std::optional<unsigned> id, const std::string& line, const std::string& code = "") {
    batch_part p;
    p.id = id;
    p.first_line = line;
    if (!code.empty()) {
        p.headers.add("x-ms-error-code", code);
        p.body = service_error_reply(0, code, "Said so.").body;
    }
    return p;
}

std::vector<batch_item> two() { return {{"a b", ""}, {"c", "2026-01-01T00:00:00.0000000Z"}}; }

TEST(client_batch, parts_are_signed_alone_and_outcomes_come_in_the_items_order) {
    scripted s(
        [](const seen&) {
            return answer_of({part(1, "HTTP/1.1 404 The specified blob does not exist.", "BlobNotFound"),
                              part(0, "HTTP/1.1 202 Accepted")});
        },
        auth::shared_key("acc", key).value(), "/acc");
    auto r = s.run(s.client().remove_batch("cont", two(), snapshots::include, {}));
    ASSERT_TRUE(r) << r.error().describe();
    ASSERT_EQ(r->size(), 2u);
    EXPECT_EQ((*r)[0].status, 202);
    EXPECT_EQ((*r)[1].status, 404);
    EXPECT_EQ((*r)[1].code, "BlobNotFound");
    EXPECT_EQ((*r)[1].message, "Said so");
    EXPECT_TRUE((*r)[1].done());

    auto q = s.requests()[0];
    EXPECT_EQ(q.method, "POST");
    EXPECT_EQ(q.target, "/acc/cont?restype=container&comp=batch");
    EXPECT_EQ(q.header("x-ms-version"), service_version);
    auto parts = read_batch(q.header("Content-Type"), q.body).value();
    ASSERT_EQ(parts.size(), 2u);
    EXPECT_EQ(parts[0].first_line, "DELETE /acc/cont/a%20b HTTP/1.1");
    EXPECT_EQ(parts[0].headers.get("x-ms-delete-snapshots"), "include");
    EXPECT_EQ(parts[1].first_line, "DELETE /acc/cont/c?snapshot=2026-01-01T00:00:00.0000000Z HTTP/1.1");
    EXPECT_FALSE(parts[1].headers.has("x-ms-delete-snapshots")) << "the service refuses it on a snapshot";
    for (auto& p : parts) {
        EXPECT_FALSE(p.headers.has("x-ms-version"));
        EXPECT_FALSE(p.headers.has("Host"));
        auto target = p.first_line.substr(7, p.first_line.size() - 7 - 9);
        std::string signature(p.headers.get("Authorization"));
        auto unsigned_headers = p.headers;
        unsigned_headers.remove("Authorization");
        codec::hmac_sha256 mac(*codec::base64_decode(key.reveal()));
        EXPECT_EQ(signature, "SharedKey acc:" + codec::base64_encode(mac.sign(auth::shared_key_string(
                                                    "DELETE", "acc", target, unsigned_headers, 0))));
    }
}

TEST(client_batch, a_sas_goes_with_every_part) {
    scripted s(
        [](const seen&) {
            return answer_of({part(0, "HTTP/1.1 202 Accepted"), part(1, "HTTP/1.1 202 Accepted")});
        },
        auth::shared_access_signature(secret("sv=1&sig=x"), now()).value());
    ASSERT_TRUE(s.run(s.client().remove_batch("cont", two(), snapshots::refuse, {})));
    auto q = s.requests()[0];
    EXPECT_EQ(q.target, "/cont?restype=container&comp=batch&sv=1&sig=x");
    EXPECT_THAT(q.body, HasSubstr("DELETE /cont/a%20b?sv=1&sig=x HTTP/1.1"));
}

TEST(client_batch, what_is_gone_after_a_lost_reply_was_removed) {
    for (bool lost : {false, true}) {
        auto asked = std::make_shared<std::atomic<int>>(0);
        scripted s([=](const seen&) {
            if (lost && (*asked)++ == 0) return reply{.drop = true};
            return answer_of({part(0, "HTTP/1.1 202 Accepted"),
                              part(1, "HTTP/1.1 404 The specified blob does not exist.", "BlobNotFound")});
        });
        auto r = s.run(s.client().remove_batch("cont", two(), snapshots::refuse, {}));
        ASSERT_TRUE(r) << r.error().describe();
        EXPECT_EQ(s.count(), lost ? 2u : 1u);
        EXPECT_TRUE((*r)[1].done());
        EXPECT_EQ((*r)[1].was_absent(), !lost) << "nobody can say that it was not there to begin with";
    }
}

TEST(client_batch, a_batch_refused_as_a_whole) {
    scripted s([](const seen&) {
        return answer_of({part(std::nullopt, "HTTP/1.1 403 no", "AuthenticationFailed")});
    });
    auto r = s.run(s.client().remove_batch("cont", two(), snapshots::include, {}));
    ASSERT_FALSE(r);
    EXPECT_EQ(r.error().kind(), kind::authentication);
    EXPECT_THAT(r.error().message(), HasSubstr("container cont"));
}

TEST(client_batch, parts_without_an_answer_are_told) {
    scripted s([](const seen&) {
        return answer_of({part(0, "HTTP/1.1 202 Accepted"), part(9, "HTTP/1.1 202 Accepted")});
    });
    auto r = s.run(s.client().remove_batch("cont", two(), snapshots::include, {}));
    ASSERT_TRUE(r);
    EXPECT_TRUE((*r)[0].done());
    EXPECT_EQ((*r)[1].status, 0);
    EXPECT_FALSE((*r)[1].done());
}

TEST(client_batch, a_broken_answer_is_asked_for_again) {
    scripted s([n = 0](const seen&) mutable {
        auto r = answer_of({part(0, "HTTP/1.1 202 Accepted"), part(1, "HTTP/1.1 404 gone")});
        if (n++ == 0) r.cut = 50;
        return r;
    });
    auto r = s.run(s.client().remove_batch("cont", two(), snapshots::include, {}));
    ASSERT_TRUE(r) << r.error().describe();
    EXPECT_EQ(s.count(), 2u);
}

TEST(client_batch, services_without_batches) {
    for (auto svc : {service_error_reply(501, "APINotImplemented"),
                     service_error_reply(400, "InvalidQueryParameterValue"),
                     service_error_reply(405, "UnsupportedHttpVerb"),
                     reply{.status = 500, .headers = {{"Server", "Azurite-Blob/3.35.0"}}}}) {
        scripted s([&](const seen&) { return svc; });
        auto r = s.run(s.client().remove_batch("cont", two(), snapshots::include, {}));
        ASSERT_FALSE(r);
        EXPECT_EQ(r.error().kind(), kind::unsupported) << svc.status;
        EXPECT_EQ(s.count(), 1u);
    }
}

TEST(client_batch, bounds) {
    scripted s([](const seen&) { return reply{}; });
    EXPECT_TRUE(s.run(s.client().remove_batch("cont", {}, snapshots::include, {})).value().empty());
    EXPECT_FALSE(s.run(s.client().remove_batch("cont", std::vector<batch_item>(max_batch + 1, {"a", ""}),
                                               snapshots::include, {})));
    EXPECT_FALSE(s.run(s.client().remove_batch("cont", {{"a/../b", ""}}, snapshots::include, {})))
        << "it would name another blob";
    EXPECT_EQ(s.count(), 0u);
}

}  // namespace
}  // namespace act::blob::test

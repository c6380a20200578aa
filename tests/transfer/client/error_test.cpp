#include <gmock/gmock.h>

#include "scripted.hpp"

namespace act::blob::test {
namespace {

using testing::HasSubstr;

const address where{"cont", "b"};

TEST(client_error, names_the_blob_the_code_and_what_to_try) {
    scripted s([](const seen&) {
        return service_error_reply(403, "AuthenticationFailed", "Server failed to authenticate the request.");
    });
    auto r = s.run(s.client().put_blob(where, http::body::text("x"), {}, {}, {}));
    ASSERT_FALSE(r);
    EXPECT_EQ(r.error().kind(), kind::authentication);
    EXPECT_EQ(r.error().code(), "AuthenticationFailed");
    EXPECT_EQ(r.error().status(), 403);
    EXPECT_EQ(r.error().request_id(), "request-7");
    EXPECT_EQ(r.error().message(), "blob cont/b: Server failed to authenticate the request");
    EXPECT_THAT(r.error().advice(), HasSubstr("clock"));
    EXPECT_EQ(s.count(), 1u);
}

TEST(client_error, a_head_tells_by_its_headers) {
    scripted s([](const seen&) { return service_error_reply(404, "BlobNotFound"); });
    auto r = s.run(s.client().head(where, {}));
    ASSERT_FALSE(r);
    EXPECT_EQ(r.error().kind(), kind::not_found);
    EXPECT_EQ(r.error().code(), "BlobNotFound");
    EXPECT_EQ(r.error().message(), "blob cont/b: it does not exist");
}

TEST(client_error, kinds) {
    struct row {
        int status;
        const char* code;
        act::kind kind;
    };
    for (auto [status, code, wanted] :
         std::initializer_list<row>{{404, "ContainerNotFound", kind::not_found},
                                    {409, "LeaseAlreadyPresent", kind::conflict},
                                    {412, "ConditionNotMet", kind::precondition},
                                    {304, "ConditionNotMet", kind::precondition},
                                    {400, "Md5Mismatch", kind::integrity},
                                    {403, "AuthorizationPermissionMismatch", kind::permission},
                                    {501, "APINotImplemented", kind::unsupported}}) {
        scripted s([st = status, c = std::string(code)](const seen&) {
            auto r = service_error_reply(st, c);
            if (st == 304) r.body.clear();
            return r;
        });
        auto d = s.run(s.client().get(where, std::nullopt, {}, {}));
        ASSERT_FALSE(d);
        EXPECT_EQ(d.error().kind(), wanted) << code;
        EXPECT_EQ(s.count(), 1u) << code;
    }
}

TEST(client_error, busy_services_are_asked_again_and_then_given_up) {
    scripted s([](const seen&) { return service_error_reply(503, "ServerBusy"); });
    auto r = s.run(s.client().head(where, {}));
    ASSERT_FALSE(r);
    EXPECT_EQ(r.error().kind(), kind::throttled);
    EXPECT_EQ(s.count(), 4u);
}

TEST(client_error, endless_error_bodies_are_read_only_so_far) {
    scripted s([](const seen&) {
        return reply{.status = 400,
                     .headers = {{"x-ms-error-code", "InvalidUri"}},
                     .body = std::string(30'000'000, 'x')};
    });
    auto r = s.run(s.client().get_block_list(where, true, true, {}));
    ASSERT_FALSE(r);
    EXPECT_EQ(r.error().code(), "InvalidUri");
    EXPECT_LT(r.error().message().size(), 2000u);
    EXPECT_LT(s.transport().stats().body_bytes_received, 10'000'000u);
}

TEST(client_error, a_server_that_is_not_there) {
    std::string url;
    {
        scripted gone([](const seen&) { return reply{}; });
        url = gone.endpoint();
    }
    runtime rt({.loops = 1});
    http::client transport(rt, {});
    {
        http::pipeline_options quick;
        quick.retry.max_tries = 1;
        client c(transport, {"acc", parse_uri(url).value()}, auth::anonymous(), quick);
        auto r = rt.run(c.head(where, {}));
        ASSERT_FALSE(r);
        EXPECT_EQ(r.error().kind(), kind::unavailable);
        EXPECT_THAT(r.error().message(), HasSubstr("blob cont/b"));
    }
    rt.run(transport.close());
}

TEST(client_error, a_failed_source_of_a_copy_is_not_tried_again) {
    scripted s([](const seen&) {
        auto r = service_error_reply(500, "CannotVerifyCopySource");
        r.headers.emplace_back("x-ms-copy-source-status-code", "404");
        r.headers.emplace_back("x-ms-copy-source-error-code", "BlobNotFound");
        return r;
    });
    auto r = s.run(s.client().copy(copy_form::put_from_url, {secret("https://x/c/b")}, where, {}, {}));
    ASSERT_FALSE(r);
    EXPECT_EQ(r.error().kind(), kind::not_found);
    EXPECT_THAT(r.error().message(), HasSubstr("the source answered 404"));
    EXPECT_EQ(s.count(), 1u);
}

TEST(client_error, a_stop_ends_it) {
    stop_source stop;
    scripted s([&](const seen&) {
        stop.request();
        return service_error_reply(503, "ServerBusy");
    });
    until u;
    u.stop = stop.token();
    auto r = s.run(s.client().head(where, u));
    ASSERT_FALSE(r);
    EXPECT_EQ(r.error().kind(), kind::stopped);
}

}  // namespace
}  // namespace act::blob::test

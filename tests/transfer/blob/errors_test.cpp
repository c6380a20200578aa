#include "transfer/blob/errors.hpp"

#include <gtest/gtest.h>

namespace act::blob {
namespace {

http::fields with(std::initializer_list<std::pair<const char*, const char*>> list) {
    http::fields f;
    for (auto [n, v] : list) f.add(n, v);
    return f;
}

TEST(errors, the_body_of_the_service) {
    auto f = with({{"x-ms-request-id", "r-1"}});
    auto e = read_error(
        400, f,
        "\xEF\xBB\xBF<?xml version=\"1.0\" "
        "encoding=\"utf-8\"?>\n<Error><Code>InvalidQueryParameterValue</Code>"
        "<Message>Value for one of the query parameters is invalid.\nRequestId:778f\nTime:2026</Message>"
        "<QueryParameterName>maxresults</QueryParameterName><Reason>too\nlarge</Reason></Error>");
    EXPECT_EQ(e.code, "InvalidQueryParameterValue");
    EXPECT_EQ(e.message, "Value for one of the query parameters is invalid");
    EXPECT_EQ(e.detail, "QueryParameterName: maxresults; Reason: too large");
    EXPECT_EQ(e.request_id, "r-1");
    auto folded = fold(e, "container 'c'");
    EXPECT_EQ(folded.status(), 400);
    EXPECT_EQ(folded.code(), "InvalidQueryParameterValue");
    EXPECT_EQ(folded.request_id(), "r-1");
    EXPECT_TRUE(folded.message().starts_with("container 'c': Value for one of"));
}

TEST(errors, other_bodies) {
    EXPECT_EQ(read_error(404, with({{"x-ms-error-code", "BlobNotFound"}}), "").code, "BlobNotFound");
    auto json = read_error(400, {}, R"( {"error":{"code":"Bad\"Thing","message":"it\nis"}})");
    EXPECT_EQ(json.code, "Bad\"Thing");
    EXPECT_EQ(json.message, "it is");
    auto html = read_error(502, {}, "<html><body>Bad gateway<br></body></html>");
    EXPECT_EQ(html.code, "");
    EXPECT_EQ(fold(html, "blob 'c/a'").message(), "blob 'c/a': the service answered 502");
    EXPECT_EQ(fold(html, "x").kind(), kind::unavailable);
    EXPECT_EQ(read_error(500, {}, "<Error><Code>A</Co").code, "");
    EXPECT_EQ(read_error(500, {}, "<Error><Code>A</Code><").code, "A");
}

TEST(errors, kinds_and_advice) {
    struct row {
        int status;
        const char* code;
        act::kind kind;
        const char* advice;  // a word that must occur
    };
    for (auto [status, code, wanted, advice] : std::initializer_list<row>{
             {403, "AuthenticationFailed", kind::authentication, "clock"},
             {403, "AuthorizationPermissionMismatch", kind::permission, "SAS"},
             {403, "AuthorizationFailure", kind::permission, "network"},
             {403, "", kind::permission, "role"},
             {401, "NoAuthenticationInformation", kind::authentication, "key"},
             {404, "ContainerNotFound", kind::not_found, "container"},
             {404, "BlobNotFound", kind::not_found, ""},
             {404, "", kind::not_found, ""},
             {409, "BlobArchived", kind::conflict, "archive"},
             {409, "ContainerBeingDeleted", kind::conflict, "wait"},
             {409, "LeaseAlreadyPresent", kind::conflict, "lease"},
             {409, "", kind::conflict, ""},
             {412, "LeaseIdMissing", kind::conflict, "lease"},
             {412, "ConditionNotMet", kind::precondition, "changed"},
             {304, "", kind::precondition, ""},
             {416, "InvalidRange", kind::precondition, ""},
             {400, "Md5Mismatch", kind::integrity, ""},
             {400, "InvalidBlockList", kind::precondition, "again"},
             {400, "Whatever", kind::internal, ""},
             {429, "", kind::throttled, "concurrency"},
             {503, "ServerBusy", kind::throttled, "concurrency"},
             {500, "OperationTimedOut", kind::throttled, ""},
             {500, "InternalError", kind::unavailable, ""},
             {500, "FeatureNotSupported", kind::unsupported, ""},
             {501, "", kind::unsupported, ""},
             {307, "", kind::configuration, "endpoint"},
             {413, "RequestBodyTooLarge", kind::usage, "block size"},
         }) {
        auto e = fold({.status = status, .code = code}, "blob 'c/b'");
        EXPECT_EQ(e.kind(), wanted) << status << " " << code;
        EXPECT_EQ(kind_of(status, code), wanted);
        EXPECT_NE(e.advice().find(advice), std::string::npos) << status << " " << code << ": " << e.advice();
        EXPECT_NE(e.message().find("c/b"), std::string::npos);
    }
}

TEST(errors, every_rule_is_found) {
    // The table is searched by halves: a row out of order would be lost.
    for (const char* code :
         {"AccountAlreadyExists", "AccountBeingCreated", "AccountIsDisabled", "AppendPositionConditionNotMet",
          "BlobImmutableDueToPolicy", "BlockListTooLong", "Crc64Mismatch", "InvalidMetadata",
          "LeaseIdMismatchWithBlobOperation", "LeaseLost", "Md5Mismatch", "NoAuthenticationInformation",
          "PublicAccessNotPermitted", "ServerBusy", "SnapshotsPresent", "SystemInUse",
          "TargetConditionNotMet", "UnauthorizedBlobOverwrite"}) {
        EXPECT_NE(kind_of(200, code), kind_of(200, "")) << code;
    }
}

TEST(errors, a_copy_tells_of_its_source) {
    auto f = with({{"x-ms-error-code", "CannotVerifyCopySource"},
                   {"x-ms-copy-source-status-code", "403"},
                   {"x-ms-copy-source-error-code", "AuthenticationFailed"}});
    auto e = fold(read_error(403, f, ""), "blob 'c/b'");
    EXPECT_EQ(e.kind(), kind::authentication);
    EXPECT_NE(e.message().find("403 AuthenticationFailed"), std::string::npos);
}

TEST(errors, documents_that_the_store_writes_can_be_read) {
    auto text = error_document("BlobNotFound", "no <such> blob\nRequestId:1", {{"Reason", "a&b"}});
    auto e = read_error(404, {}, text);
    EXPECT_EQ(e.code, "BlobNotFound");
    EXPECT_EQ(e.message, "no <such> blob");
    EXPECT_EQ(e.detail, "Reason: a&b");
}

}  // namespace
}  // namespace act::blob

#include <cerrno>
#include <stdexcept>

#include <gtest/gtest.h>

#include "engine/core/result.hpp"

namespace {

using namespace act;

TEST(error, from_errno_names_the_object_and_the_reason) {
    const error e = error::from_errno(EACCES, "cannot open /x");
    EXPECT_EQ(e.kind(), kind::permission);
    EXPECT_EQ(e.message(), "cannot open /x: Permission denied");
    EXPECT_FALSE(e.advice().empty());
    EXPECT_EQ(error::from_errno(ENOSPC, "x").kind(), kind::disk_full);
    EXPECT_EQ(error::from_errno(ENOENT, "x").kind(), kind::not_found);
    EXPECT_EQ(error::from_errno(EIO, "x").kind(), kind::io);
}

TEST(error, the_code_of_an_errno_is_its_name_and_not_told_twice) {
    error e = error::from_errno(EROFS, "cannot write /x");
    EXPECT_EQ(e.code(), "EROFS");
    EXPECT_EQ(e.describe(), "cannot write /x: Read-only file system");
    e = std::move(e).with_service("Busy", 503, {});
    EXPECT_EQ(e.describe(), "cannot write /x: Read-only file system (Busy, HTTP 503)");
    EXPECT_EQ(error::from_errno(100'000, "x").code(), "");
}

TEST(error, a_copy_keeps_its_text_when_the_original_changes) {
    error first(kind::io, "text", "do");
    const error copy = first;
    first = std::move(first).in("context").with_service("Busy", 503, "id1");
    EXPECT_EQ(copy.describe(), "text");
    EXPECT_EQ(first.describe(), "context: text (Busy, HTTP 503, request id id1)");
    EXPECT_EQ(first.advice(), "do");
}

TEST(error, describe_without_code) {
    EXPECT_EQ(error(kind::protocol, "m").with_service({}, 500, {}).describe(), "m (HTTP 500)");
    EXPECT_EQ(error().describe(), "");
}

result<int> half(int value) {
    if (value % 2) return error(kind::usage, "odd");
    return value / 2;
}

result<int> quarter(int value) {
    ACT_TRY(const int h, half(value));
    return half(h);
}

TEST(result, macro_hands_the_error_up) {
    EXPECT_EQ(quarter(8).value(), 2);
    EXPECT_EQ(quarter(7).error().message(), "odd");
    EXPECT_EQ(quarter(6).error().message(), "odd");
    EXPECT_THROW(half(3).value(), std::logic_error);
}

TEST(exit_codes, follow_the_contract) {
    EXPECT_EQ(exit_code(kind::usage), 2);
    EXPECT_EQ(exit_code(kind::configuration), 3);
    EXPECT_EQ(exit_code(kind::authentication), 4);
    EXPECT_EQ(exit_code(kind::permission), 4);
    EXPECT_EQ(exit_code(kind::not_found), 5);
    EXPECT_EQ(exit_code(kind::timeout), 6);
    EXPECT_EQ(exit_code(kind::stopped), 130);
    EXPECT_EQ(exit_code(kind::io), 1);
}

}  // namespace

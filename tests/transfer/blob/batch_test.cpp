#include "transfer/blob/batch.hpp"

#include <gtest/gtest.h>

namespace act::blob {
namespace {

TEST(batch, requests_as_the_service_wants_them) {
    batch_writer w("batch_1");
    batch_part p;
    p.id = 0;
    p.first_line = "DELETE /c/a%20b HTTP/1.1";
    p.headers.add("x-ms-date", "now");
    p.headers.add("Content-Length", "0");
    w.add(p);
    p.id = 1;
    w.add(p);
    auto size = w.size();
    auto text = w.finish();
    EXPECT_EQ(text.size(), size);
    EXPECT_TRUE(text.starts_with(
        "--batch_1\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\nContent-ID: "
        "0\r\n\r\n"
        "DELETE /c/a%20b HTTP/1.1\r\nx-ms-date: now\r\nContent-Length: 0\r\n\r\n\r\n--batch_1\r\n"));
    EXPECT_TRUE(text.ends_with("\r\n\r\n\r\n--batch_1--\r\n"));
    EXPECT_EQ(w.content_type(), "multipart/mixed; boundary=batch_1");

    auto parts = read_batch("multipart/mixed; boundary=batch_1", text).value();
    ASSERT_EQ(parts.size(), 2u);
    EXPECT_EQ(parts[1].id, 1u);
    EXPECT_EQ(parts[1].first_line, "DELETE /c/a%20b HTTP/1.1");
    EXPECT_EQ(parts[1].headers.get("x-ms-date"), "now");
    EXPECT_EQ(parts[1].body, "");
}

const std::string answers =
    "--r_1\r\nContent-Type: application/http\r\nContent-ID: 1\r\n\r\nHTTP/1.1 404 The specified blob does "
    "not exist.\r\n"
    "x-ms-error-code: BlobNotFound\r\nContent-Length: 10\r\n\r\n<Error/>\r\n\r\n"
    "--r_1\r\nContent-Type: application/http\r\nContent-ID: 0\r\n\r\nHTTP/1.1 202 Accepted\r\nServer: "
    "x\r\n\r\n"
    "\r\n--r_1--\r\n";

TEST(batch, answers_in_any_order) {
    auto parts = read_batch("Multipart/Mixed; charset=x; Boundary=\"r_1\"", answers).value();
    ASSERT_EQ(parts.size(), 2u);
    EXPECT_EQ(parts[0].id, 1u);
    EXPECT_EQ(batch_status(parts[0]), 404);
    EXPECT_EQ(parts[0].headers.get("x-ms-error-code"), "BlobNotFound");
    EXPECT_EQ(parts[0].body, "<Error/>\r\n");
    EXPECT_EQ(batch_status(parts[1]), 202);
    EXPECT_EQ(parts[1].body, "");
}

TEST(batch, line_feeds_alone_and_parts_without_id) {
    auto parts = read_batch("multipart/mixed; boundary=b",
                            "preamble\n--b\nContent-Type: application/http\n\nHTTP/1.1 400 no\nA: "
                            "b\n\nbody\n--bc\nmore\n--b--")
                     .value();
    ASSERT_EQ(parts.size(), 1u);
    EXPECT_FALSE(parts[0].id);
    EXPECT_EQ(parts[0].body, "body\n--bc\nmore");
    EXPECT_EQ(batch_status(parts[0]), 400);
}

TEST(batch, malformed_is_an_error_wherever_it_ends) {
    for (std::size_t n = 0; n + 4 < answers.size(); ++n) {
        EXPECT_FALSE(read_batch("multipart/mixed; boundary=r_1", answers.substr(0, n))) << n;
    }
    EXPECT_FALSE(read_batch("multipart/mixed", answers));
    EXPECT_FALSE(read_batch("text/plain; boundary=r_1", answers));
    EXPECT_FALSE(read_batch("multipart/mixed; boundary=", answers));
    EXPECT_FALSE(read_batch("multipart/mixed; boundary=other", answers));
    EXPECT_FALSE(
        read_batch("multipart/mixed; boundary=b", "--b\r\nno colon\r\n\r\nHTTP/1.1 200 x\r\n\r\n--b--"));
    EXPECT_FALSE(
        read_batch("multipart/mixed; boundary=b", "--b\r\nContent-ID: x\r\n\r\nHTTP/1.1 200 x\r\n\r\n--b--"));
    EXPECT_FALSE(read_batch("multipart/mixed; boundary=b", "--b\r\nA: b\r\n\r\n\r\n--b--"));
    for (const char* line :
         {"", "HTTP/1.1", "HTTP/1.1 x", "HTTP/1.1 20", "HTTP/1.1 -20 x", "GET / HTTP/1.1"}) {
        batch_part p;
        p.first_line = line;
        EXPECT_EQ(batch_status(p), 0) << line;
    }
}

}  // namespace
}  // namespace act::blob

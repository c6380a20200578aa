// Fields, heads and chunk framing: pure functions, no sockets.
#include <gtest/gtest.h>

#include "engine/http/chunked.hpp"
#include "engine/http/head.hpp"

namespace act::http {
namespace {

TEST(fields_test, keeps_order_and_compares_names_without_case) {
    fields f;
    f.add("x-ms-version", "2021-12-02");
    f.add("Content-Length", std::uint64_t(18446744073709551615ULL));
    f.add("X-MS-VERSION", "second");
    EXPECT_EQ(f.size(), 3u);
    EXPECT_EQ(f.get("X-Ms-Version"), "2021-12-02");
    EXPECT_EQ(f.get("content-length"), "18446744073709551615");
    EXPECT_EQ(f.get("absent"), "");
    EXPECT_FALSE(f.has("absent"));
    EXPECT_EQ(f.wire(),
              "x-ms-version: 2021-12-02\r\nContent-Length: 18446744073709551615\r\nX-MS-VERSION: second\r\n");
    EXPECT_EQ(f.at(2).value, "second");
}

TEST(fields_test, set_and_remove_affect_every_field_of_the_name) {
    fields f;
    f.add("A", "1");
    f.add("b", "2");
    f.add("a", "3");
    f.add("c", "4");
    f.set("A", f.get("c"));
    EXPECT_EQ(f.wire(), "b: 2\r\nc: 4\r\nA: 4\r\n");
    f.remove("B");
    EXPECT_EQ(f.wire(), "c: 4\r\nA: 4\r\n");
    EXPECT_EQ(f.get("a"), "4");
    f.clear();
    EXPECT_EQ(f.size(), 0u);
    EXPECT_EQ(f.wire(), "");
}

TEST(fields_test, a_value_cannot_smuggle_a_field) {
    fields f;
    f.add("A", "1\r\nEvil: yes\n");
    EXPECT_EQ(f.size(), 1u);
    EXPECT_EQ(f.wire(), "A: 1Evil: yes\r\n");
    EXPECT_FALSE(f.has("Evil"));
}

TEST(fields_test, takes_over_received_lines) {
    fields f;
    ASSERT_TRUE(f.assign("A:1\r\nB:   two words \t\r\nC:\r\n"));
    EXPECT_EQ(f.get("a"), "1");
    EXPECT_EQ(f.get("b"), "two words");
    EXPECT_EQ(f.get("c"), "");
    EXPECT_TRUE(f.has("c"));
    f.remove("b");
    EXPECT_EQ(f.wire(), "A:1\r\nC:\r\n");
    EXPECT_TRUE(f.assign(""));
    for (const char* bad : {"A\r\n", ": x\r\n", "A b: x\r\n", "A : x\r\n", " folded\r\n", "A: x\n",
                            "A: x\r\rB: y\r\n", "A: \x01\r\n", "A: x\r\n\r\n", "A: x"}) {
        EXPECT_FALSE(f.assign(bad)) << bad;
        EXPECT_EQ(f.size(), 0u);
    }
    EXPECT_FALSE(f.assign(std::string_view("A: x\0y\r\n", 9)));
}

TEST(head_test, finds_the_end_wherever_it_is_cut) {
    const std::string text = "HTTP/1.1 200 OK\r\nA: b\r\n\r\nbody";
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
        std::size_t scanned = 0;
        const std::size_t first = find_head(std::string_view(text).substr(0, cut), scanned);
        EXPECT_EQ(first, cut >= 25 ? 25u : 0u) << cut;
        if (first == 0) EXPECT_EQ(find_head(text, scanned), 25u) << cut;
    }
}

head_problem response(std::string_view text, response_head& head, message_facts& facts) {
    return parse_response(text, head, facts);
}

TEST(head_test, reads_answers) {
    response_head h;
    message_facts f;
    ASSERT_FALSE(response("HTTP/1.1 206 Partial Content\r\nContent-Length: 17\r\nETag: \"x\"\r\n\r\n", h, f));
    EXPECT_EQ(h.status, 206);
    EXPECT_EQ(h.reason, "Partial Content");
    EXPECT_EQ(h.content_length, 17u);
    EXPECT_EQ(h.headers.get("etag"), "\"x\"");
    EXPECT_TRUE(f.persistent());
    ASSERT_FALSE(
        response("HTTP/1.1 200\r\nTransfer-Encoding: Chunked\r\nConnection: foo, Close\r\n\r\n", h, f));
    EXPECT_TRUE(f.chunked);
    EXPECT_FALSE(h.content_length);
    EXPECT_FALSE(f.persistent());
    ASSERT_FALSE(response("HTTP/1.0 200 OK\r\n\r\n", h, f));
    EXPECT_FALSE(f.persistent());
    ASSERT_FALSE(response("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n", h, f));
    EXPECT_TRUE(f.persistent());
    ASSERT_FALSE(response("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", h, f));
    EXPECT_EQ(h.content_length, 5u);
}

TEST(head_test, refuses_malformed_answers) {
    response_head h;
    message_facts f;
    for (const char* bad :
         {"\r\n\r\n", "HTTP/2 200 OK\r\n\r\n", "HTTP/1.1 2x0 OK\r\n\r\n", "HTTP/1.1 099 X\r\n\r\n",
          "HTTP/1.1 600 X\r\n\r\n", "HTTP/1.1 2000\r\n\r\n", "HTTP/1.1  200 OK\r\n\r\n",
          "http/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 O\x01K\r\n\r\n", "HTTP/1.1 200 OK\r\nA b: c\r\n\r\n",
          "HTTP/1.1 200 OK\nA: b\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
          "HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\n",
          "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
          "HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\n",
          "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
          "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"}) {
        EXPECT_TRUE(response(bad, h, f)) << bad;
    }
}

TEST(head_test, reads_and_refuses_requests) {
    server_exchange::head h;
    message_facts f;
    ASSERT_FALSE(
        parse_request("PUT /c/b%20x?comp=block&x=%2F HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n"
                      "Expect: 100-continue\r\n\r\n",
                      h, f));
    EXPECT_EQ(h.method, "PUT");
    EXPECT_EQ(h.target, "/c/b%20x?comp=block&x=%2F");
    EXPECT_EQ(h.content_length, 0u);
    EXPECT_TRUE(f.expect_continue);
    ASSERT_FALSE(parse_request("GET http://host:80/x?y HTTP/1.1\r\nHost: a\r\n\r\n", h, f));
    EXPECT_EQ(h.target, "/x?y");
    EXPECT_FALSE(h.content_length);
    ASSERT_FALSE(parse_request("GET http://host HTTP/1.1\r\nHost: a\r\n\r\n", h, f));
    EXPECT_EQ(h.target, "/");
    ASSERT_FALSE(parse_request("OPTIONS * HTTP/1.0\r\n\r\n", h, f));
    ASSERT_FALSE(parse_request("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", h, f));
    EXPECT_TRUE(h.chunked);
    const std::pair<const char*, int> refused[] = {
        {"GET / HTTP/1.1\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
        {"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"GET /\r\nHost: a\r\n\r\n", 400},
        {"GET / x HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"GET relative HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"G(T / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505},
        {"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501},
        {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
    };
    for (const auto& [text, status] : refused) {
        const auto problem = parse_request(text, h, f);
        EXPECT_TRUE(problem) << text;
        EXPECT_EQ(problem.status, status) << text;
    }
}

// Feeds `text` in pieces of `step` and returns the data, "bad" or "cut".
std::string decode(std::string_view text, std::size_t step, std::size_t* used = nullptr) {
    chunk_decoder d;
    std::string data;
    std::size_t at = 0;
    std::size_t given = std::min(step, text.size());
    while (!d.done()) {
        if (d.bad()) return "bad";
        if (at == given) {
            if (given == text.size()) return "cut";
            given = std::min(given + step, text.size());
        }
        if (d.needs_framing()) {
            at += d.frame(text.substr(at, given - at));
        } else {
            const auto n = std::min<std::uint64_t>(d.left(), given - at);
            data.append(text.substr(at, n));
            d.took(n);
            at += n;
        }
    }
    if (used) *used = at;
    return data;
}

TEST(chunk_test, decodes_in_pieces_of_any_size) {
    const std::string_view text =
        "5\r\nhello\r\n1;name=\"v\"\r\n,\r\n00006 \r\n world\r\n0\r\nTrailer: x\r\nOther: y\r\n\r\nnext";
    for (std::size_t step = 1; step <= text.size(); ++step) {
        std::size_t used = 0;
        EXPECT_EQ(decode(text, step, &used), "hello, world") << step;
        EXPECT_EQ(used, text.size() - 4);
    }
}

TEST(chunk_test, refuses_what_is_malformed) {
    for (const char* bad :
         {"\r\n", "x\r\n", "-1\r\n", "0x5\r\nhello\r\n", "5\nhello", "5\r\nhelloo\r\n", "5\r\nhello\n",
          "0\r\n\n", "0\r\nA\x01\r\n\r\n", "1000000000000000\r\n", "5;\x01\r\n", ";a\r\n"}) {
        EXPECT_EQ(decode(bad, 1), "bad") << bad;
        EXPECT_EQ(decode(bad, 100), "bad") << bad;
    }
    EXPECT_EQ(decode("5\r\nhell", 3), "cut");
    EXPECT_EQ(decode("0\r\n" + std::string(70000, 'a'), 1000), "bad");
}

TEST(number_test, takes_digits_only) {
    EXPECT_EQ(parse_number("0"), 0u);
    EXPECT_EQ(parse_number("9999999999999999999"), 9999999999999999999u);
    for (const char* bad : {"", "+1", "-1", " 1", "1 ", "0x1", "1.0", "18446744073709551616"}) {
        EXPECT_FALSE(parse_number(bad)) << bad;
    }
}

}  // namespace
}  // namespace act::http

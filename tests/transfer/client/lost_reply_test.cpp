#include <arpa/inet.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

#include <gmock/gmock.h>

#include "scripted.hpp"
#include "transfer/blob/documents.hpp"

namespace act::blob::test {
namespace {

const address where{"cont", "b"};

/// A service that does the first write, loses the reply, and refuses the second by its condition; what HEAD
/// tells then.
struct loses_reply {
    std::vector<std::pair<std::string, std::string>> head;
    int refusal = 412;
    std::string code = "ConditionNotMet";
    std::string blocks{};
    bool drop_first = true;
    int writes = 0;

    reply operator()(const seen& q) {
        if (q.method == "HEAD") return {.status = 200, .headers = head};
        if (q.method == "GET") return {.status = 200, .headers = {}, .body = blocks};
        if (writes++ == 0 && drop_first) return {.drop = true};
        return service_error_reply(refusal, code);
    }
};

loses_reply service(const std::string& text) {
    loses_reply s;
    s.head = {{"ETag", "\"new\""},
              {"Last-Modified", http_now()},
              {"Date", http_now()},
              {"x-ms-meta-mtime", "1"},
              {"Content-MD5", md5_base64(text)},
              {"Content-Length", std::to_string(text.size())}};
    return s;
}

void set(loses_reply& s, const std::string& name, const std::string& value) {
    std::erase_if(s.head, [&](const auto& h) { return h.first == name; });
    if (!value.empty()) s.head.emplace_back(name, value);
}

write_options mine(conditions when) {
    write_options o;
    o.metadata = {{"mtime", "1"}};
    o.when = std::move(when);
    return o;
}

result<write_result> put(scripted& s, conditions when) {
    return s.run(s.client().put_blob(where, http::body::text("hello"), {}, mine(std::move(when)), {}));
}

TEST(client_lost_reply, put_blob_finds_its_own_write) {
    for (auto when : {conditions::absent(), conditions::matching({"\"old\""})}) {
        for (int status : {412, 409}) {
            auto svc = service("hello");
            svc.refusal = status;
            svc.code = status == 409 ? "BlobAlreadyExists" : "ConditionNotMet";
            scripted s(svc);
            auto r = put(s, when);
            ASSERT_TRUE(r) << r.error().describe();
            EXPECT_EQ(r->etag.text, "\"new\"");
            EXPECT_EQ(r->content_md5, md5_base64("hello"));
            EXPECT_EQ(s.count(), 3u);
        }
    }
}

TEST(client_lost_reply, put_blob_does_not_take_somebody_elses_write_for_its_own) {
    auto other_content = service("hullo"), other_metadata = service("hello"), before = service("hello"),
         no_md5 = service("hello"), longer = service("hello"), no_date = service("hello");
    set(other_metadata, "x-ms-meta-mtime", "2");
    set(before, "Last-Modified", to_http_date(now() - std::chrono::minutes(1)));
    set(no_md5, "Content-MD5", "");
    set(longer, "Content-Length", "6");
    set(no_date, "Date", "yesterday");
    for (auto& svc : {other_content, other_metadata, before, no_md5, longer, no_date}) {
        scripted s(svc);
        auto r = put(s, conditions::absent());
        ASSERT_FALSE(r);
        EXPECT_EQ(r.error().kind(), kind::precondition);
    }
}

TEST(client_lost_reply, a_refusal_of_the_first_try_is_a_refusal) {
    auto svc = service("hello");
    svc.drop_first = false;
    scripted s(svc);
    auto r = put(s, conditions::absent());
    ASSERT_FALSE(r);
    EXPECT_EQ(r.error().status(), 412);
    EXPECT_EQ(s.count(), 1u) << "no second look where nothing was lost";
}

/// Serves one request after the other on plain sockets: each answer is sent as it stands, an empty one hangs
/// up in good order. `answers` is used up by all connections together.
class raw_server {
public:
    explicit raw_server(std::vector<std::string> answers) : answers_(std::move(answers)) {
        listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in at{};
        at.sin_family = AF_INET;
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&at), sizeof at), 0);
        EXPECT_EQ(::listen(listener_, 8), 0);
        socklen_t size = sizeof at;
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&at), &size);
        url = "http://127.0.0.1:" + std::to_string(ntohs(at.sin_port));
        thread_ = std::thread([this] { serve(); });
    }
    ~raw_server() {
        ::shutdown(listener_, SHUT_RDWR);
        thread_.join();
        ::close(listener_);
    }
    std::string url;

private:
    void serve() {
        for (std::size_t next = 0; next < answers_.size();) {
            int peer = ::accept(listener_, nullptr, nullptr);
            if (peer < 0) return;
            while (next < answers_.size() && read_request(peer)) {
                const auto& text = answers_[next++];
                if (text.empty() || ::write(peer, text.data(), text.size()) < 0) break;
            }
            ::close(peer);
        }
    }
    /// Head, and the five bytes that a PUT of this test has.
    static bool read_request(int peer) {
        std::string text;
        char c[4096];
        for (;;) {
            auto n = ::read(peer, c, sizeof c);
            if (n <= 0) return false;
            text.append(c, static_cast<std::size_t>(n));
            auto end = text.find("\r\n\r\n");
            if (end != text.npos && text.size() >= end + 4 + (text.starts_with("PUT") ? 5u : 0u)) return true;
        }
    }
    std::vector<std::string> answers_;
    int listener_ = -1;
    std::thread thread_;
};

TEST(client_lost_reply, also_on_a_kept_connection_that_was_closed_in_good_order) {
    const std::string found =
        "HTTP/1.1 200 OK\r\nETag: \"new\"\r\nLast-Modified: " + http_now() + "\r\nDate: " + http_now() +
        "\r\nx-ms-meta-mtime: 1\r\nContent-MD5: " + md5_base64("hello") + "\r\nContent-Length: 5\r\n\r\n";
    raw_server server({found, "",
                       "HTTP/1.1 412 no\r\nx-ms-error-code: ConditionNotMet\r\nContent-Length: 0\r\n\r\n",
                       found});
    runtime rt({.loops = 1});
    http::client transport(rt, {});
    {
        client c(transport, {"acc", parse_uri(server.url).value()}, auth::anonymous());
        ASSERT_TRUE(rt.run(c.head(where, {})));
        auto r = rt.run(c.put_blob(where, http::body::text("hello"), {}, mine(conditions::absent()), {}));
        EXPECT_TRUE(r) << r.error().describe();
    }
    rt.run(transport.close());
}

TEST(client_lost_reply, put_block_list_compares_the_blocks) {
    block_list same, other;
    same.committed = {{"YQ==", 3}, {"Yg==", 2}};
    other.committed = {{"YQ==", 3}, {"Yw==", 2}};
    for (bool is_same : {true, false}) {
        auto svc = service("hello");
        svc.blocks = write_block_list(is_same ? same : other, true, false);
        scripted s(svc);
        auto r = s.run(
            s.client().put_block_list(where, {"YQ==", "Yg=="}, mine(conditions::matching({"\"old\""})), {}));
        EXPECT_EQ(bool(r), is_same);
        if (r) EXPECT_EQ(r->etag.text, "\"new\"");
        if (!r) EXPECT_EQ(r.error().kind(), kind::precondition);
    }
}

TEST(client_lost_reply, append_block_looks_at_the_length) {
    for (const char* length : {"15", "16"}) {
        auto svc = service("hello");
        svc.code = "AppendPositionConditionNotMet";
        set(svc, "Content-Length", length);
        scripted s(svc);
        auto r = s.run(s.client().append_block(where, http::body::text("hello"), 10, {}));
        EXPECT_EQ(bool(r), length == std::string("15"));
    }
}

TEST(client_lost_reply, what_is_gone_after_a_lost_reply_was_removed) {
    auto svc = service("");
    svc.refusal = 404;
    svc.code = "BlobNotFound";
    scripted s(svc);
    EXPECT_TRUE(s.run(s.client().remove(where, snapshots::include, {}, {})));
    EXPECT_EQ(s.count(), 2u);

    svc.drop_first = false;
    scripted missing(svc);
    auto r = missing.run(missing.client().remove(where, snapshots::include, {}, {}));
    ASSERT_FALSE(r) << "it was not there to begin with";
    EXPECT_EQ(r.error().kind(), kind::not_found);
}

TEST(client_lost_reply, put_blob_from_url_finds_its_own_write_and_no_other) {
    const copy_origin from{secret("https://x/c/b"), {"\"1\""}, 5};
    auto copy = [&](const loses_reply& svc, write_options o) {
        scripted s(svc);
        return s.run(s.client().copy(copy_form::put_from_url, from, where, std::move(o), {}));
    };
    auto r = copy(service("hello"), mine(conditions::absent()));
    ASSERT_TRUE(r) << r.error().describe();
    EXPECT_EQ(r->written.etag.text, "\"new\"");
    EXPECT_EQ(r->status, "success");

    EXPECT_FALSE(copy(service("hello!"), mine(conditions::absent()))) << "another size";
    auto checked = mine(conditions::absent());
    checked.content.md5 = md5_base64("hullo");
    EXPECT_FALSE(copy(service("hello"), checked)) << "another content";
    auto svc = service("hello");
    set(svc, "x-ms-meta-mtime", "");
    EXPECT_FALSE(copy(svc, {.when = conditions::absent()})) << "anybody may have written that";
    svc = service("hello");
    svc.code = "SourceConditionNotMet";
    EXPECT_FALSE(copy(svc, mine(conditions::absent())));
}

}  // namespace
}  // namespace act::blob::test

// Access tokens: where they come from, and how they are used.
#include "transfer/auth/token.hpp"

#include <filesystem>
#include <fstream>
#include <mutex>
#include <unistd.h>

#include <gtest/gtest.h>

#include "engine/http/server.hpp"
#include "transfer/auth/token_answer.hpp"

namespace act::auth {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

TEST(token_answer, the_forms_of_all_sources_are_read) {
    const auto at = wall_time() + 1'000'000s;
    const auto read = [&](std::string_view text) -> long {
        auto t = read_token(text, at);
        if (!t || t->text.reveal() != "abc") return -1;
        return static_cast<long>(std::chrono::duration_cast<std::chrono::seconds>(t->expires - at).count());
    };
    EXPECT_EQ(read(R"({"token_type":"Bearer","expires_in":3599,"access_token":"abc"})"), 3599);
    EXPECT_EQ(read(R"({"access_token":"abc","expires_in":"3600","expires_on":"1"})"), 3600);
    EXPECT_EQ(read(R"({"access_token":"abc","expires_on":"1000900"})"), 900);
    EXPECT_EQ(read(R"({"accessToken":"abc","expires_on":1000900,"expiresOn":"2000-01-01 00:00:00.000000"})"),
              900);
    std::time_t local = 1'000'900;
    char text[100];
    std::strftime(text, sizeof text, R"({"accessToken":"abc","expiresOn":"%Y-%m-%d %H:%M:%S.123456"})",
                  std::localtime(&local));
    EXPECT_EQ(read(text), 900);
    for (const char* bad :
         {"", "[]", "{", R"({"access_token":"abc"})", R"({"expires_in":3600})",
          R"({"access_token":"a\r\nb","expires_in":3600})", R"({"access_token":7,"expires_in":3600})",
          R"({"access_token":"abc","expires_in":"soon"})", R"({"access_token":"abc","expires_in":-1})",
          R"({"access_token":"abc","expires_on":"900"})"})
        EXPECT_EQ(read(bad), -1) << bad;
}

/// An endpoint that gives tokens, or answers as it is told, and remembers what it was asked.
class token_test : public ::testing::Test {
protected:
    token_test()
        : server_(rt_, {.listen = "127.0.0.1:0"}, [this](http::server_exchange& x) { return serve(x); }),
          transport_(rt_, {}) {
        EXPECT_TRUE(server_.start());
        char pattern[] = "/tmp/act-token-XXXXXX";
        folder_ = ::mkdtemp(pattern);
    }
    ~token_test() override {
        rt_.run(transport_.close());
        rt_.run(server_.stop(1s));
        fs::remove_all(folder_);
    }

    /// Plays both the service and who gives the tokens.
    task<void> serve(http::server_exchange& x) {
        asked one;
        one.target = x.request().target;
        one.headers = x.request().headers;
        auto body = co_await x.read_all(1 << 20, {});
        if (body) one.body = *body;
        int status = 200;
        std::string text;
        {
            std::lock_guard lock(mutex_);
            if (one.target.starts_with("/blob")) {
                ++blobs_;
                const auto given = one.headers.get("Authorization");
                if (given != "Bearer " + wanted_) status = 401;
            } else {
                asked_.push_back(one);
                status = status_;
                text =
                    status == 200
                        ? R"({"access_token":"token)" + std::to_string(asked_.size()) + R"(","expires_in":)" +
                              std::to_string(life_) + "}"
                        : R"({"error":"invalid_client","error_description":"AADSTS7000215: wrong.\r\nTrace"})";
            }
        }
        const http::fields none;
        (void)co_await x.respond(status, none, http::body::text(text), {});
    }
    struct asked {
        std::string target, body;
        http::fields headers;
    };

    std::string url() const { return "http://127.0.0.1:" + std::to_string(server_.port()); }
    http::endpoint here() const { return {"127.0.0.1", server_.port(), false}; }
    environment entra() const {
        return {{"AZURE_AUTHORITY_HOST", url() + "/"},
                {"AZURE_TENANT_ID", "tenant"},
                {"AZURE_CLIENT_ID", "client&id"},
                {"AZURE_CLIENT_SECRET", "hid+den="},
                {"AZURE_FEDERATED_TOKEN_FILE", folder_ + "/assertion"}};
    }
    /// What a source comes to: the token, or the error's words.
    std::string obtain(result<std::shared_ptr<token_source>> from) {
        if (!from) return std::string(to_string(from.error().kind())) + ": " + from.error().message();
        auto t = rt_.run((*from)->obtain({}));
        if (!t) return std::string(to_string(t.error().kind())) + ": " + t.error().message();
        return t->text.reveal();
    }

    runtime rt_{{.loops = 2, .blocking_threads = 2}};
    std::mutex mutex_;
    std::vector<asked> asked_;
    std::string wanted_ = "token1";
    int status_ = 200, blobs_ = 0;
    long life_ = 3600;
    http::server server_;
    http::client transport_;
    std::string folder_;
};

TEST_F(token_test, a_service_principal_shows_its_secret) {
    EXPECT_EQ(obtain(service_principal(transport_, entra())), "token1");
    ASSERT_EQ(asked_.size(), 1u);
    EXPECT_EQ(asked_[0].target, "/tenant/oauth2/v2.0/token");
    EXPECT_EQ(asked_[0].headers.get("Content-Type"), "application/x-www-form-urlencoded");
    EXPECT_EQ(
        asked_[0].body,
        "grant_type=client_credentials&scope=https%3A%2F%2Fstorage.azure.com%2F.default&client_id=client%26id"
        "&client_secret=hid%2Bden%3D");
}

TEST_F(token_test, a_workload_shows_what_its_file_holds_now) {
    std::ofstream(folder_ + "/assertion") << "one.two\n";
    auto source = workload_identity(transport_, entra());
    EXPECT_EQ(obtain(source), "token1");
    std::ofstream(folder_ + "/assertion") << "three";
    EXPECT_EQ(obtain(source), "token2");
    ASSERT_EQ(asked_.size(), 2u);
    EXPECT_TRUE(asked_[0].body.ends_with(
        "&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3A"
        "jwt-bearer&client_assertion=one.two"))
        << asked_[0].body;
    EXPECT_TRUE(asked_[1].body.ends_with("&client_assertion=three"));
    fs::remove(folder_ + "/assertion");
    EXPECT_NE(obtain(source).find("AZURE_FEDERATED_TOKEN_FILE"), std::string::npos);
}

TEST_F(token_test, a_machine_asks_the_endpoint_of_where_it_is) {
    const std::string tail = "&resource=https%3A%2F%2Fstorage.azure.com%2F";
    EXPECT_EQ(obtain(managed_identity(
                  transport_, {{"IDENTITY_ENDPOINT", url() + "/msi/token"}, {"IDENTITY_HEADER", "h"}})),
              "token1");
    EXPECT_EQ(obtain(managed_identity(transport_, {{"MSI_ENDPOINT", url() + "/ml"},
                                                   {"MSI_SECRET", "s"},
                                                   {"DEFAULT_IDENTITY_CLIENT_ID", "d"}})),
              "token2");
    EXPECT_EQ(obtain(managed_identity(
                  transport_, {{"AZURE_POD_IDENTITY_AUTHORITY_HOST", url()}, {"AZURE_CLIENT_ID", "c"}})),
              "token3");
    ASSERT_EQ(asked_.size(), 3u);
    EXPECT_EQ(asked_[0].target, "/msi/token?api-version=2019-08-01" + tail);
    EXPECT_EQ(asked_[0].headers.get("X-IDENTITY-HEADER"), "h");
    EXPECT_EQ(asked_[1].target, "/ml?api-version=2017-09-01" + tail + "&clientid=d");
    EXPECT_EQ(asked_[1].headers.get("secret"), "s");
    EXPECT_EQ(asked_[2].target,
              "/metadata/identity/oauth2/token?api-version=2018-02-01" + tail + "&client_id=c");
    EXPECT_EQ(asked_[2].headers.get("Metadata"), "true");
}

TEST_F(token_test, a_refusal_says_why_and_shows_no_secret) {
    status_ = 401;
    const auto refused = obtain(service_principal(transport_, entra()));
    EXPECT_TRUE(refused.starts_with("authentication: the service principal")) << refused;
    EXPECT_NE(refused.find("AADSTS7000215: wrong."), std::string::npos) << refused;
    EXPECT_EQ(refused.find("hid"), std::string::npos) << refused;
    auto e = entra();
    e.erase("AZURE_CLIENT_SECRET");
    EXPECT_NE(obtain(service_principal(transport_, e)).find("AZURE_CLIENT_SECRET"), std::string::npos);
    e = entra();
    e["AZURE_AUTHORITY_HOST"] = "http://login.example";
    EXPECT_TRUE(obtain(service_principal(transport_, e)).starts_with("configuration: AZURE_AUTHORITY_HOST"));
}

// ---- the az program

class az_test : public token_test {
protected:
    std::string program(const std::string& script) {
        const std::string path = folder_ + "/az";
        std::ofstream(path) << "#!/bin/sh\n" << script;
        fs::permissions(path, fs::perms::owner_all);
        return path;
    }
};

TEST_F(az_test, it_is_asked_with_its_words_and_its_answer_is_read) {
    const auto path = program("echo \"$@\" > '" + folder_ +
                              "/words'; echo a warning >&2\n"
                              "echo '{\"accessToken\":\"abc\",\"expires_on\":4102444800}'\n");
    EXPECT_EQ(obtain(azure_cli(rt_, path)), "abc");
    std::ifstream words(folder_ + "/words");
    std::string line;
    std::getline(words, line);
    EXPECT_EQ(line, "account get-access-token --output json --resource https://storage.azure.com/");
}

TEST_F(az_test, what_it_says_when_it_fails_is_passed_on) {
    EXPECT_EQ(obtain(azure_cli(rt_, program("echo \"Please run 'az login'\" >&2; exit 1\n"))).substr(0, 16),
              "authentication: ");
    EXPECT_NE(obtain(azure_cli(rt_, folder_ + "/missing")).find("is not there"), std::string::npos);
    EXPECT_NE(obtain(azure_cli(rt_, program("echo nonsense\n"))).find("holds a token"), std::string::npos);
}

TEST_F(az_test, one_that_hangs_is_ended_with_what_it_started) {
    const auto path = program("sleep 1000 & sleep 1000\n");
    until u;
    const auto source = azure_cli(rt_, path);
    const auto begun = steady::now();
    auto got = rt_.run(source->obtain(u.within(200ms)));
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().kind(), kind::timeout);
    EXPECT_LT(steady::now() - begun, 30s);
}

// ---- use

class bearer_test : public token_test {
protected:
    bearer_test() : credential_(bearer(keep(*service_principal(transport_, entra())))) {}

    int ask() {
        http::pipeline line(transport_, credential_, {});
        auto go = [](http::pipeline& p, http::endpoint to) -> task<int> {
            http::request r;
            r.target = "/blob";
            auto answer = co_await p.send(to, r, http::body::none(), {});
            co_return answer ? answer->head().status : -1;
        };
        return rt_.run(go(line, here()));
    }
    std::shared_ptr<http::authorizer> credential_;
};

TEST_F(bearer_test, one_token_serves_many_requests_on_all_loops) {
    auto many = [](http::pipeline& p, http::endpoint to, std::atomic<int>& good) -> task<void> {
        for (int i = 0; i < 5; ++i) {
            http::request r;
            r.target = "/blob";
            auto answer = co_await p.send(to, r, http::body::none(), {});
            if (answer && answer->head().status == 200) ++good;
        }
    };
    auto all = [&](http::pipeline& p, std::atomic<int>& good) -> task<void> {
        task_group group;
        for (unsigned i = 0; i < 20; ++i) group.spawn(rt_.at(i % 2), many(p, here(), good));
        co_await group.join();
    };
    http::pipeline line(transport_, credential_, {});
    std::atomic<int> good{0};
    rt_.run(all(line, good));
    EXPECT_EQ(good, 100);
    EXPECT_EQ(asked_.size(), 1u);
}

TEST_F(bearer_test, one_that_is_refused_is_renewed_once) {
    wanted_ = "token2";
    EXPECT_EQ(ask(), 200);
    EXPECT_EQ(blobs_, 2);
    EXPECT_EQ(asked_.size(), 2u);
    // What no token helps is told as it is.
    wanted_ = "none";
    EXPECT_EQ(ask(), 401);
    EXPECT_EQ(ask(), 401);
    EXPECT_EQ(asked_.size(), 2u) << "not once for every request";
}

TEST_F(bearer_test, a_failure_is_shared_by_all_who_waited_for_it) {
    status_ = 400;
    auto ask_one = [](http::authorizer& a, std::atomic<int>& failed) -> task<void> {
        http::request r;
        if (!co_await a.authorize(r, {"store.example", 443, true}, 0, {})) ++failed;
    };
    auto all = [&](std::atomic<int>& failed) -> task<void> {
        task_group group;
        for (unsigned i = 0; i < 20; ++i) group.spawn(rt_.at(0), ask_one(*credential_, failed));
        co_await group.join();
    };
    std::atomic<int> failed{0};
    rt_.run(all(failed));
    EXPECT_EQ(failed, 20);
    EXPECT_EQ(asked_.size(), 1u) << "not one after the other";
    // Who comes later asks again.
    rt_.run(all(failed));
    EXPECT_EQ(failed, 40);
    EXPECT_EQ(asked_.size(), 2u);
}

TEST_F(bearer_test, it_is_renewed_before_its_end_and_while_it_works_a_failed_renewal_is_no_failure) {
    life_ = 8;
    EXPECT_EQ(ask(), 200);
    EXPECT_EQ(ask(), 200);
    EXPECT_EQ(asked_.size(), 1u);
    {
        std::lock_guard lock(mutex_);
        status_ = 400;
    }
    const auto last = steady::now() + 6s;
    const auto renewals = [&] {
        std::lock_guard lock(mutex_);
        return asked_.size();
    };
    while (renewals() < 2 && steady::now() < last) ASSERT_EQ(ask(), 200);
    EXPECT_EQ(renewals(), 2u);
    EXPECT_EQ(ask(), 200);
}

TEST_F(bearer_test, it_does_not_go_elsewhere_in_plain_text) {
    auto go = [&](http::endpoint to) -> task<result<void>> {
        http::request r;
        co_return co_await credential_->authorize(r, to, 0, {});
    };
    for (const char* host : {"store.example", "10.0.0.1", "127.0.0.1.example", "localhost.example"}) {
        auto refused = rt_.run(go({host, 80, false}));
        ASSERT_FALSE(refused) << host;
        EXPECT_EQ(refused.error().kind(), kind::configuration);
    }
    EXPECT_TRUE(asked_.empty());
    for (const char* host : {"127.0.0.1", "::1", "localhost"})
        EXPECT_TRUE(rt_.run(go({host, 80, false}))) << host;
    EXPECT_TRUE(rt_.run(go({"store.example", 443, true})));
}

}  // namespace
}  // namespace act::auth

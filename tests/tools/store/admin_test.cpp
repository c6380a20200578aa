#include "fixture.hpp"

namespace act::store {
namespace {

using testing::HasSubstr;
using testing::Not;

class admin_test : public store_test {
protected:
    admin_test() { admin_ = ":0"; }

    response ask(http::verb method, const std::string& target) {
        response out;
        run_.run(asking(method, target, out));
        return out;
    }
    std::string stats() { return ask(http::verb::get, "/stats").body; }

    task<void> asking(http::verb method, std::string target, response& out) {
        const auto at = parse_uri(store_->admin());
        http::request r;
        r.method = method;
        r.target = std::move(target);
        auto got = co_await client_.send(http::endpoint::of(*at), r, http::body::none(), {});
        if (!got) {
            out.body = got.error().describe();
            co_return;
        }
        out.status = got->head().status;
        auto text = co_await got->read_all(MiB, {});
        out.body = text ? std::move(*text) : text.error().describe();
    }
};

TEST_F(admin_test, counts_by_operation_and_status) {
    EXPECT_TRUE(store_->admin().starts_with("http://127.0.0.1:")) << store_->admin();
    make_container("box");
    for (int i = 0; i < 3; ++i) ASSERT_EQ(put(fmt::format("/box/{}", i), noise(1000)).status, 201);
    EXPECT_EQ(send("GET", "/box/0").status, 200);
    EXPECT_EQ(send("GET", "/box/none").status, 404);
    EXPECT_EQ(send("GET", "/box?restype=container&comp=list").status, 200);
    EXPECT_EQ(send("GET", "/box/0?comp=nonsense").status, 501);
    const std::string told = stats();
    EXPECT_THAT(told, HasSubstr(R"("CreateContainer":{"201":1})"));
    EXPECT_THAT(told, HasSubstr(R"("PutBlob":{"201":3})"));
    EXPECT_THAT(told, HasSubstr(R"("GetBlob":{"200":1,"404":1})"));
    EXPECT_THAT(told, HasSubstr(R"("ListBlobs":{"200":1})"));
    EXPECT_THAT(told, HasSubstr(R"("Unknown":{"501":1})"));
    EXPECT_THAT(told, HasSubstr(R"("requests_total":8,"rejected":0,"bytes_in":3000,)"));
    EXPECT_THAT(told, Not(HasSubstr(R"("connections_peak":0)")));
    EXPECT_THAT(told, HasSubstr(R"("limit":null,"uptime_s":)"));
}

TEST_F(admin_test, reset_zeroes_the_counters) {
    make_container("box");
    ASSERT_EQ(put("/box/a", noise(1000)).status, 201);
    EXPECT_EQ(ask(http::verb::post, "/reset").status, 200);
    EXPECT_THAT(stats(),
                HasSubstr(R"("requests":{},"requests_total":0,"rejected":0,"bytes_in":0,"bytes_out":0)"));
    EXPECT_EQ(send("GET", "/box/a").status, 200);
    EXPECT_THAT(stats(),
                HasSubstr(R"("requests":{"GetBlob":{"200":1}},"requests_total":1,"rejected":0,"bytes_in":0,)"
                          R"("bytes_out":1000)"));
}

TEST_F(admin_test, the_limit_is_set_and_lifted) {
    make_container("box");
    EXPECT_THAT(ask(http::verb::post, "/limit?rate=0.001/s").body, HasSubstr(R"("limit":0.001)"));
    EXPECT_EQ(send("GET", "/box/a").status, 404);
    EXPECT_EQ(send("GET", "/box/a").status, 503);
    EXPECT_THAT(stats(), HasSubstr(R"("GetBlob":{"404":1,"503":1})"));
    EXPECT_THAT(stats(), HasSubstr(R"("rejected":1)"));
    EXPECT_THAT(ask(http::verb::post, "/limit?rate=0").body, HasSubstr(R"("limit":null)"));
    for (int i = 0; i < 100; ++i) EXPECT_EQ(send("GET", "/box/a").status, 404);
    for (const char* bad : {"/limit", "/limit?rate=fast", "/limit?speed=1"})
        EXPECT_EQ(ask(http::verb::post, bad).status, 400) << bad;
    EXPECT_EQ(ask(http::verb::get, "/limit?rate=1").status, 404);
    EXPECT_EQ(ask(http::verb::get, "/").status, 404);
}

TEST_F(admin_test, resets_are_counted_as_such) {
    stop();
    ASSERT_TRUE(read_faults(network_.faults, "reset=1"));
    start();
    EXPECT_EQ(send("GET", "/box/a").status, 0);
    EXPECT_THAT(stats(), HasSubstr(R"("GetBlob":{"reset":1})"));
}

TEST_F(admin_test, an_address_in_use_is_told_by_name) {
    options o;
    o.root = folder_.path() + "/other";
    o.listen = "127.0.0.1:0";
    o.admin = store_->admin().substr(7);
    store other(run_, o);
    const auto started = other.start();
    ASSERT_FALSE(started);
    EXPECT_EQ(started.error().kind(), kind::conflict);
    EXPECT_THAT(started.error().message(), HasSubstr("--admin"));
}

}  // namespace
}  // namespace act::store

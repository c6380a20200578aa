#include "engine/core/log.hpp"

#include <sstream>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace {

using namespace act;
using testing::ElementsAre;

class captured_log : public testing::Test {
protected:
    captured_log() {
        log::set_sink([this](log::level, std::string_view line) { lines_.emplace_back(line); });
    }
    ~captured_log() override {
        log::set_sink({});
        log::set_level(log::level::warning);
    }
    std::vector<std::string> lines_;
};

TEST_F(captured_log, levels_below_the_threshold_are_dropped) {
    log::set_level(log::level::info);
    log::debug("no {}", 1);
    log::info("yes {}", 2);
    log::warning("and {}", 3);
    EXPECT_THAT(lines_, ElementsAre("yes 2", "and 3"));
}

TEST_F(captured_log, lines_are_redacted_and_stay_one_line) {
    log::warning("GET /a?sv=1&sig=abc%2Fd&se=2 for {}", "evil\nname\x1b[31m");
    EXPECT_THAT(lines_, ElementsAre("GET /a?sv=1&sig=***&se=2 for evil\\nname\\x1b[31m"));
}

TEST_F(captured_log, secrets_never_print) {
    const secret key("TOPSECRET");
    log::warning("key {}, none {}", key, secret());
    std::ostringstream out;
    out << key;
    EXPECT_THAT(lines_, ElementsAre("key ***, none (none)"));
    EXPECT_EQ(out.str(), "***");
    EXPECT_EQ(fmt::format("{:>5}", key), "  ***");
}

struct redaction {
    const char *before, *after;
};

TEST(redact, hides_values) {
    for (const redaction r : {
             redaction{"https://a/b?sig=XX&sp=r", "https://a/b?sig=***&sp=r"},
             {"SIG=XX", "SIG=***"},
             {"url=https%3A%2F%2Fa%3Fsv%3D1%26sig%3DXX%26sp%3Dr",
              "url=https%3A%2F%2Fa%3Fsv%3D1%26sig%3D***%26sp%3Dr"},
             {"AccountName=n;AccountKey=XX==;EndpointSuffix=e",
              "AccountName=n;AccountKey=***;EndpointSuffix=e"},
             {"SharedAccessSignature=sv=1&sig=XX;b", "SharedAccessSignature=***;b"},
             {"Authorization: SharedKey n:XX=", "Authorization: ***"},
             {"x-ms-copy-source-authorization: Bearer XX\nnext", "x-ms-copy-source-authorization: ***\nnext"},
             {"got Bearer XX.YY-ZZ, then", "got Bearer ***, then"},
             {"{\"access_token\":\"XX\",\"expires\":1}", "{\"access_token\":\"***\",\"expires\":1}"},
             {"{\"access_token\": \"XX\"}", "{\"access_token\": \"***\"}"},
             {"account_key: XX", "account_key: ***"},
             {"client_id=a&client_secret=XX&b", "client_id=a&client_secret=***&b"},
             {"design=1 config=2 a sigh", "design=1 config=2 a sigh"},
             {"sig=", "sig="},
             {"", ""},
         }) {
        EXPECT_EQ(redact(r.before), r.after);
        EXPECT_EQ(redact(r.after), r.after) << "again";
    }
}

}  // namespace

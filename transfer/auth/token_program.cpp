#include <fmt/format.h>

#include "engine/file/program.hpp"
#include "transfer/auth/token_answer.hpp"

namespace act::auth {
namespace {

using namespace std::chrono_literals;

constexpr auto longest = 60s;
constexpr std::size_t largest_output = 256 * 1024;

class program_source final : public token_source {
public:
    program_source(runtime& rt, std::string program) : runtime_(rt), program_(std::move(program)) {}

    task<result<access_token>> obtain(until u) override {
        const until limit = u.within(longest);
        auto run = [this, &limit] {
            file::program_options options;
            options.largest_output = largest_output;
            return file::run_program({program_, "account", "get-access-token", "--output", "json",
                                      "--resource", std::string(storage_resource)},
                                     options, limit);
        };
        auto said = co_await runtime_.blocking(run);
        if (!said && said.error().kind() == kind::not_found) {
            co_return error(kind::configuration, said.error().message(),
                            "install the Azure CLI and run `az login`, or use another `auth`");
        }
        if (!said) co_return said.error();
        if (said->code != 0) {
            std::string why =
                said->err.substr(0, std::min<std::size_t>(said->err.find_first_of("\r\n"), 300));
            co_return error(kind::authentication,
                            fmt::format("`{}` gave no token: {}", program_, redact(why)),
                            "run `az login`, and `az account show` to see who is logged in");
        }
        auto token = read_token(said->out, now());
        if (token) co_return token;
        error bad = token.error();
        co_return std::move(bad).in("`" + program_ + "`");
    }

private:
    runtime& runtime_;
    const std::string program_;
};

}  // namespace

std::shared_ptr<token_source> azure_cli(runtime& rt, std::string program) {
    return std::make_shared<program_source>(rt, std::move(program));
}

}  // namespace act::auth

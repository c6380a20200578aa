#include "tools/act/ask.hpp"

#include "tools/act/line_source.hpp"
#include "tools/act/screen.hpp"
#include "tools/act/world.hpp"

namespace act::cli {

result<bool> yes_to(invocation& call, const std::string& question) {
    call.screen.ask(question + " [y/N] ");
    ACT_TRY(auto in, line_source::open(call.world, "-", {}));
    ACT_TRY(const auto answer, in.next({.stop = call.world.stop.token()}));
    if (!answer) call.screen.detail("");
    return answer == "y" || answer == "Y" || answer == "yes";
}

}  // namespace act::cli

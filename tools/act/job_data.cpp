#include "tools/act/job_data.hpp"

namespace act::cli {

task<result<bool>> job_data::fetch(cluster::location from, std::string to, act::until) {
    // Opening the account may start the embedded store, which does disk work.
    auto opened = co_await session_.runtime().blocking([&] { return session_.account_of(*from.map); });
    if (!opened) co_return opened.error();
    opened_account* account = *opened;
    observer nobody;
    auto context = session_.context(nobody);
    ops::remote source{*account->client, account->settings.container, from.blob_path};
    ops::download_options how;
    auto done = co_await ops::download(context, source, std::move(to), how);
    if (!done) {
        if (done.error().kind() == kind::not_found) co_return false;
        co_return done.error();
    }
    if (done->stopped) co_return error(kind::stopped, "interrupted");
    if (done->failed > 0) {
        if (!done->failures.empty()) co_return done->failures.front().error;
        co_return error(kind::io, "cannot bring " + from.relative + " here",
                        "run `act d " + from.relative + "`");
    }
    co_return true;
}

}  // namespace act::cli

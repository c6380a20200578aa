#include "tools/act/job_data.hpp"

#include "engine/core/uri.hpp"
#include "tools/act/world.hpp"
#include "transfer/blob/names.hpp"

namespace act::cli {

task<result<job_data::fetched>> job_data::fetch(cluster::location from, std::string to, act::until) {
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
        if (done.error().kind() == kind::not_found) co_return fetched::nothing;
        co_return done.error();
    }
    if (done->stopped) co_return error(kind::stopped, "interrupted");
    if (done->failed > 0) {
        if (!done->failures.empty()) co_return done->failures.front().error;
        co_return error(kind::io, "cannot bring " + from.relative + " here",
                        "run `act d " + from.relative + "`");
    }
    co_return done->files > 0 ? fetched::changed : fetched::unchanged;
}

result<backend::delivery> job_data::deliver(const cluster::location& to, const std::string& from) {
    const cluster::config& c = session_.cluster();
    backend::delivery out;
    // The credential is read from the account file by that process, so that none is on a command line.
    out.command = {call_.world.executable, "-c", c.name, "cp", from, c.name + ":" + to.relative};
    ACT_TRY(cluster::account a, cluster::load_account(c, to.map->account_file, call_.world.environment));
    // The embedded store has an address only while a command of act runs.
    if (is_embedded(c, a)) return out;
    ACT_TRY(uri endpoint, endpoint_of(a));
    endpoint.query.clear();
    out.url = endpoint.str() + blob::encode_blob_path(a.container, to.blob_path);
    return out;
}

}  // namespace act::cli

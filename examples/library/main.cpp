// Uploads a folder to a blob URL, lists what is there and downloads it into another folder.
//
//   example FOLDER 'https://ACCOUNT.blob.core.windows.net/CONTAINER/PATH?SAS' OTHER_FOLDER
//
// Without a SAS the account's key is taken from ACCOUNT_KEY.
#include <cstdlib>
#include <iostream>

#include "transfer/session/session.hpp"

namespace {

// Operations return a result: what was done, or why the whole of it could not even begin. Items that fail do
// not end it; the observer hears of each as it happens.
bool went_well(const char* what, const act::result<act::summary>& done) {
    if (!done) {
        std::cerr << what << ": " << done.error().describe() << '\n';
        return false;
    }
    std::cout << what << ": " << done->files << " files, " << done->bytes << " bytes, " << done->skipped
              << " unchanged, " << done->failed << " failed\n";
    return done->failed == 0 && !done->stopped;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 4) {
        std::cerr << "usage: example FOLDER URL OTHER_FOLDER\n";
        return 2;
    }
    const char* key = std::getenv("ACCOUNT_KEY");

    // Threads, memory and connections: one session for the whole program. It outlives all that it runs.
    act::session session;
    const auto there = session.open(argv[2], act::secret(key ? key : ""));
    if (!there) {
        std::cerr << there.error().describe() << '\n';
        return 2;
    }
    act::failure_observer observer(
        [](const act::failure& f) { std::cerr << f.path << ": " << f.error.describe() << '\n'; });
    act::ops::context context = session.context(observer);

    // What is unchanged is not sent again, and an upload that was interrupted goes on where it was.
    if (!went_well("upload", session.run(act::ops::upload(context, argv[1], *there, {})))) return 1;

    const auto print = [](const act::blob::properties& p) { std::cout << p.name << ' ' << p.size << '\n'; };
    if (!went_well("list", session.run(act::ops::list(context, *there, {}, print)))) return 1;

    return went_well("download", session.run(act::ops::download(context, *there, argv[3], {}))) ? 0 : 1;
}

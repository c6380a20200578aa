#include <filesystem>

#include <fmt/format.h>

#include "tools/act/job_tools.hpp"
#include "tools/act/report.hpp"
#include "tools/act/run_folder.hpp"
#include "tools/act/screen.hpp"
#include "tools/act/verbs.hpp"
#include "tools/act/world.hpp"

namespace act::cli {

namespace fs = std::filesystem;

namespace {

// One file: beside its place first, so that a reader never sees half of it.
result<std::uint64_t> copy_file(const std::string& from, const std::string& to) {
    ACT_TRY(auto source, file::open_read(from));
    ACT_TRY(file::status about, file::stat_of(source.get(), from));
    ACT_TRY(auto target, file::aside::create(to));
    std::vector<std::byte> buffer(1 << 20);
    std::uint64_t at = 0;
    for (;;) {
        ACT_TRY(std::size_t n, file::read_at(source.get(), buffer, at, from));
        if (n == 0) break;
        ACT_TRY_VOID(file::write_at(target.fd(), std::span(buffer).first(n), at, to));
        at += n;
    }
    ACT_TRY_VOID(target.publish(about.mode, about.modified));
    return at;
}

void copy_one(report& r, const std::string& from, const std::string& to, const std::string& name) {
    auto copied = copy_file(from, to);
    if (!copied) return r.fail(name, copied.error());
    summary one;
    one.files = 1;
    one.bytes = *copied;
    r.add(name, one);
}

// Links are followed for the path itself alone: those in the tree lead to the project's data.
void copy(report& r, const std::string& from, const std::string& to, const std::string& name) {
    auto about = file::stat_of(from);
    if (!about) return r.fail(name, about.error());
    if (about->type != file::type::directory) return copy_one(r, from, to, name);
    if (auto made = file::make_directories(to); !made) return r.fail(name, made.error());
    std::error_code failed;
    for (fs::recursive_directory_iterator i(from, failed), end; !failed && i != end && !r.stopped();
         i.increment(failed)) {
        const std::string below = i->path().lexically_relative(from).string();
        std::error_code ignored;
        if (i->is_symlink(ignored)) {
            fs::remove(to + "/" + below, ignored);
            std::error_code bad;
            fs::copy_symlink(i->path(), to + "/" + below, bad);
            if (bad)
                r.fail(name + "/" + below, error::from_errno(bad.value(), "cannot make the link " + below));
        } else if (i->is_directory(ignored)) {
            auto made = file::make_directories(to + "/" + below);
            if (!made) r.fail(name + "/" + below, made.error());
        } else if (i->is_regular_file(ignored)) {
            copy_one(r, i->path().string(), to + "/" + below, name + "/" + below);
        }
    }
    if (failed) r.fail(name, error::from_errno(failed.value(), "cannot list " + from));
}

int run(invocation& call) {
    if (call.words.size() < 2 || call.words.size() > 3) {
        return give_up(
            call, error(kind::usage, "`act get` needs RUN PATH [TO]", "for instance: act get k3x9q2 logs"));
    }
    auto state = open_job_state(call.world);
    if (!state) return give_up(call, state.error());
    auto found = state->journal.find(call.words[0]);
    if (!found) return give_up(call, found.error());
    auto from = path_in_run(*found, call.words[1]);
    if (!from) return give_up(call, from.error());
    const std::string last = fs::path(*from).filename().string();
    std::string to = call.world.absolute(call.words.size() > 2 ? call.words[2] : last);
    auto there = file::stat_of(to);
    auto source = file::stat_of(*from);
    const bool into = call.words.size() > 2 &&
                      (call.words[2].ends_with('/') || (there && there->type == file::type::directory &&
                                                        source && source->type != file::type::directory));
    if (into) to = (fs::path(to) / last).string();
    report r(call, "copied", "file");
    copy(r, *from, to, call.words[1]);
    return r.finish(nullptr);
}

constexpr example examples[] = {
    {"act get k3x9q2 logs/stdout.txt", "to this folder"},
    {"act get k3x9q2 code/result.json best.json", "under another name"},
    {"act get k3x9q2 logs runs/", "a folder, into another"},
};

}  // namespace

constinit const verb get_verb{
    .name = "get",
    .usage = "RUN PATH [TO]",
    .sentence = "Copy files of a run from its folder; `act files` lists them.",
    .takes = takes::some,
    .run = run,
    .examples = examples,
};

}  // namespace act::cli

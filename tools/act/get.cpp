#include <filesystem>

#include "engine/file/copy.hpp"
#include "engine/file/stream.hpp"
#include "tools/act/job_tools.hpp"
#include "tools/act/location.hpp"
#include "tools/act/report.hpp"
#include "tools/act/run_folder.hpp"
#include "tools/act/screen.hpp"
#include "tools/act/verbs.hpp"
#include "tools/act/world.hpp"

namespace act::cli {

namespace fs = std::filesystem;

namespace {

void count(report& r, const std::string& name, const result<std::uint64_t>& copied) {
    if (!copied) return r.fail(name, copied.error());
    summary one;
    one.files = 1;
    one.bytes = *copied;
    r.add(name, one);
}

void copy_one(report& r, const std::string& from, const std::string& to, const std::string& name,
              const until& u) {
    auto about = file::stat_of(from);
    if (!about) return r.fail(name, about.error());
    count(r, name, file::copy(from, to, about->mode, u));
}

// To standard output; that nobody reads on is no failure.
result<std::uint64_t> stream_out(const std::string& from, int fd, const until& u) {
    ACT_TRY(auto source, file::open_read(from));
    file::stream_writer out(fd, "standard output");
    std::vector<std::byte> buffer(1 << 20);
    for (std::uint64_t at = 0;;) {
        ACT_TRY(std::size_t n, file::read_at(source.get(), buffer, at, from));
        ACT_TRY(bool read, out.write_all(std::span(buffer).first(n), u));
        at += n;
        if (n < buffer.size() || !read) return at;
    }
}

// Links are followed for the path itself alone: those in the tree lead to the project's data.
void copy(report& r, const std::string& from, const std::string& to, const std::string& name,
          const until& u) {
    auto about = file::stat_of(from);
    if (!about) return r.fail(name, about.error());
    if (about->type != file::type::directory) return copy_one(r, from, to, name, u);
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
            copy_one(r, i->path().string(), to + "/" + below, name + "/" + below, u);
        }
    }
    if (failed) r.fail(name, error::from_errno(failed.value(), "cannot list " + from));
}

// Where it goes: as `word` says, and into what is, or is named as, a folder.
std::string target_of(const invocation& call, const runs::record& r, const std::string& from,
                      bool is_directory) {
    std::string last = fs::path(from).filename().string();
    // The run's whole folder.
    if (last.empty() || last == ".") last = r.id;
    if (call.words.size() < 3) return call.world.absolute(last);
    const std::string& word = call.words[2];
    const std::string to = call.world.absolute(word);
    auto there = file::stat_of(to);
    const bool folder_there = there && there->type == file::type::directory;
    return names_folder(word) || (folder_there && !is_directory) ? (fs::path(to) / last).string() : to;
}

int run(invocation& call) {
    if (call.words.size() < 2 || call.words.size() > 3 || call.words.back().empty()) {
        return give_up(
            call, error(kind::usage, "`act get` needs RUN PATH [TO]", "for instance: act get k3x9q2 logs"));
    }
    auto named = open_run(call);
    if (!named) return give_up(call, named.error());
    const std::string& name = call.words[1];
    auto from = path_in_run(named->run, name);
    if (!from) return give_up(call, from.error());
    auto source = file::stat_of(*from);
    const bool is_directory = source && source->type == file::type::directory;
    const until u{.stop = call.world.stop.token()};
    if (call.words.size() > 2 && call.words[2] == "-") {
        if (is_directory)
            return give_up(call, error(kind::usage, name + " is a folder, and standard output takes one file",
                                       "name a file of it; `act files` lists them"));
        call.screen.results_aside();
        report r(call, "copied", "file");
        count(r, name, stream_out(*from, call.world.out_descriptor, u));
        return r.finish_quietly(nullptr);
    }
    report r(call, "copied", "file");
    copy(r, *from, target_of(call, named->run, *from, is_directory), name, u);
    return r.finish(nullptr);
}

constexpr example examples[] = {
    {"act get k3x9q2 logs/stdout.txt", "to this folder"},
    {"act get k3x9q2 code/result.json best.json", "under another name"},
    {"act get k3x9q2 logs runs/", "a folder, into another"},
    {"act get k3x9q2 logs/stdout.txt - | tail", "to standard output"},
};

}  // namespace

constinit const verb get_verb{
    .name = "get",
    .usage = "RUN PATH [TO]",
    .sentence = "Copy files of a run from its folder; `act files` lists them.",
    .takes = takes::some,
    .run = run,
    .examples = examples,
    .note =
        "Into TO where it ends in a slash, is `.` or `..`, or is a folder and PATH a file; else under that "
        "name.",
};

}  // namespace act::cli

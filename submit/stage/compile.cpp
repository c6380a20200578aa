#include "submit/stage/compile.hpp"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <poll.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

#include "engine/file/file.hpp"
#include "engine/file/tree_removal.hpp"
#include "submit/stage/container_program.hpp"
#include "submit/stage/unpack.hpp"

namespace act::stage {
namespace fs = std::filesystem;

namespace {

constexpr const char* without_docker = "use `act init`: nodes run compile.aml.sh before each job";

/// A folder that goes with what is in it.
class scratch_folder {
public:
    static result<scratch_folder> create() {
        std::error_code failed;
        std::string path = (fs::temp_directory_path(failed) / "act-compile-XXXXXX").string();
        if (failed || !::mkdtemp(path.data())) {
            return error::from_errno(errno, "cannot make a temporary folder " + path);
        }
        return scratch_folder(std::move(path));
    }
    explicit scratch_folder(std::string path) : path_(std::move(path)) {}
    scratch_folder(scratch_folder&& o) noexcept : path_(std::exchange(o.path_, {})) {}
    scratch_folder& operator=(scratch_folder&&) = delete;
    ~scratch_folder() {
        if (!path_.empty()) (void)file::remove_tree(path_);
    }
    const std::string& path() const { return path_; }

private:
    std::string path_;
};

std::vector<std::string> container_command(const container_program& program, const std::string& code,
                                           const compile_options& how) {
    std::string steps = std::string("bash ./") + compile_script + " \"$@\"";
    // The script is root in the container, as it is on a node; what it makes becomes ours, to be packed and
    // removed. podman's root is ourselves.
    if (!program.podman) {
        steps += "; code=$?; chown -R " + std::to_string(::getuid()) + ":" + std::to_string(::getgid()) +
                 " . && exit $code";
    }
    std::vector<std::string> out = {program.name, "run",         "--rm",
                                    "--init",     "--mount",     "type=bind,source=" + code + ",target=/code",
                                    "--workdir",  "/code",       "--entrypoint",
                                    "bash",       how.image,     "-c",
                                    steps,        compile_script};
    if (!how.arguments.empty()) out.push_back(how.arguments);
    return out;
}

result<pid_t> start(const std::vector<std::string>& command) {
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    ::posix_spawn_file_actions_init(&files);
    ::posix_spawnattr_init(&attributes);
    ::posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&files, STDERR_FILENO, STDOUT_FILENO);
    // The threads here block signals that a program expects.
    sigset_t none, usual;
    sigemptyset(&none);
    sigemptyset(&usual);
    for (const int s : {SIGPIPE, SIGINT, SIGTERM, SIGQUIT, SIGHUP}) sigaddset(&usual, s);
    ::posix_spawnattr_setsigmask(&attributes, &none);
    ::posix_spawnattr_setsigdefault(&attributes, &usual);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    std::vector<char*> words;
    for (const auto& w : command) words.push_back(const_cast<char*>(w.c_str()));
    words.push_back(nullptr);
    pid_t id = -1;
    const int failed = ::posix_spawnp(&id, words[0], &files, &attributes, words.data(), ::environ);
    ::posix_spawn_file_actions_destroy(&files);
    ::posix_spawnattr_destroy(&attributes);
    if (failed != 0) return error::from_errno(failed, "cannot start " + command.front());
    return id;
}

/// Told to stop, docker and podman pass SIGTERM on to the script, and end with it.
result<int> wait_for(pid_t id, const until& u) {
    bool told = false;
    for (;;) {
        int status = 0;
        const pid_t ended = ::waitpid(id, &status, WNOHANG);
        if (ended < 0 && errno != EINTR) return error::from_errno(errno, "cannot wait for the container");
        if (ended > 0) {
            ACT_TRY_VOID(u.check());
            return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        }
        if (!told && !u.check()) {
            ::kill(id, SIGTERM);
            told = true;
        }
        ::poll(nullptr, 0, 50);
    }
}

result<void> run_script(const std::string& code, const compile_options& how, const until& u) {
    const container_program program = find_container_program(u);
    if (program.name.empty()) {
        return error(kind::configuration, "compiling needs docker or podman, which are not on this machine",
                     without_docker);
    }
    ACT_TRY(pid_t id, start(container_command(program, code, how)));
    ACT_TRY(int ended, wait_for(id, u));
    if (ended == 0) return {};
    // These are the program's own: it could not start the container, or not the script in it.
    if (ended >= 125 && ended <= 127) {
        return error(kind::configuration,
                     program.name + " could not run " + std::string(compile_script) + " in " + how.image +
                         " (exit code " + std::to_string(ended) + ")",
                     "see what " + program.name + " says above, and docker.image in the cluster file");
    }
    return error(kind::io,
                 std::string(compile_script) + " failed in " + how.image + " (exit code " +
                     std::to_string(ended) + ")",
                 "see what it says above");
}

}  // namespace

task<result<report>> compile(act::runtime& rt, pack_options options, report code, compile_options how,
                             until u) {
    if (how.image.empty()) {
        co_return error(kind::configuration, "docker.image is missing in the cluster file",
                        "name the image that the code is compiled in, or " + std::string(without_docker));
    }
    auto folder = scratch_folder::create();
    if (!folder) co_return folder.error();
    const std::string tree = folder->path() + "/code";
    auto build = [&]() -> result<void> {
        ACT_TRY_VOID(unpack(code.archive, tree, code.hash));
        if (!file::stat_of(tree + "/" + compile_script)) {
            return error(kind::configuration,
                         options.root + "/" + compile_script + " is not part of the code",
                         "add it (see .actignore and zip_options), or use `act init`");
        }
        return run_script(tree, how, u);
    };
    result<void> built = co_await rt.blocking(build);
    if (!built) co_return built.error();
    pack_options again = std::move(options);
    again.root = tree;
    again.all = true;
    again.indexed = false;
    auto packed = co_await pack(rt, again, u);
    auto clean = [&] { scratch_folder gone = std::move(*folder); };
    co_await rt.blocking(clean);
    if (!packed) co_return packed.error();
    // What the first packing left out is what the user has to know.
    packed->left_out.insert(packed->left_out.begin(), code.left_out.begin(), code.left_out.end());
    packed->left_out_total += code.left_out_total;
    packed->warnings.insert(packed->warnings.begin(), code.warnings.begin(), code.warnings.end());
    co_return packed;
}

}  // namespace act::stage

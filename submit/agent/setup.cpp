#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/file/file.hpp"
#include "engine/file/program.hpp"
#include "engine/file/tree_removal.hpp"
#include "submit/agent/agent.hpp"
#include "submit/agent/node_check.hpp"
#include "submit/agent/process.hpp"
#include "submit/stage/unpack.hpp"

namespace act::agent {
namespace fs = std::filesystem;

namespace {

constexpr const char* debian_advice = "on Debian: apt-get install python3-venv python3-pip";

result<void> write_text(const std::string& path, const std::string& text) {
    ACT_TRY(auto out, file::aside::create(path));
    ACT_TRY_VOID(file::write_at(out.fd(), std::as_bytes(std::span(text)), 0, path));
    return out.publish(0600, now());
}

/// One set-up under the lock.
class setup {
public:
    setup(const spec& s, int log) : spec_(s), code_(s.work + "/code"), log_(log) {}

    result<void> make() {
        ACT_TRY_VOID(clear());
        auto unpacked = stage::unpack(spec_.archive, code_, spec_.hash);
        if (!unpacked) return error(unpacked.error()).in("cannot unpack the code");
        for (const auto& l : spec_.links) ACT_TRY_VOID(link(l));
        if (has("requirements.txt")) ACT_TRY_VOID(requirements());
        if (has("compile.aml.sh")) ACT_TRY_VOID(compile());
        return {};
    }

private:
    bool has(const char* name) const { return ::access((code_ + "/" + name).c_str(), F_OK) == 0; }

    void say(const std::string& text) const {
        std::string line = "== " + text + "\n";
        [[maybe_unused]] ssize_t n = ::write(log_, line.data(), line.size());
    }

    /// What a killed process left behind.
    result<void> clear() {
        std::error_code failed;
        std::vector<fs::path> old = {code_, spec_.work + "/venv"};
        for (fs::directory_iterator i(spec_.work, failed), end; !failed && i != end; i.increment(failed)) {
            if (i->path().filename().string().starts_with("code.aside-")) old.push_back(i->path());
        }
        for (const auto& path : old) {
            ACT_TRY_VOID(file::remove_tree(path.string()));
        }
        return {};
    }

    result<void> link(const agent::link& l) {
        if (l.name.empty() || l.name == "." || l.name == ".." || l.name.find('/') != std::string::npos) {
            return error(kind::configuration, "'" + l.name + "' cannot be linked into the code root");
        }
        std::string at = code_ + "/" + l.name;
        std::error_code failed;
        fs::remove_all(at, failed);
        if (::symlink(l.target.c_str(), at.c_str()) != 0)
            return error::from_errno(errno, "cannot make the link " + at);
        return {};
    }

    std::string interpreter() const {
        bool fallback = spec_.interpreter_path == "python" && !file::on_path("python");
        return fallback ? "python3" : spec_.interpreter_path;
    }

    /// ACT's nodes set up as root: through sudo where the job itself is not.
    std::vector<std::string> as_root(std::vector<std::string> command) const {
        if (!spec_.sudo || ::geteuid() == 0 || !file::on_path("sudo")) return command;
        const char* path = ::getenv("PATH");
        std::vector<std::string> out = {"sudo", "-n", "-E", "env", std::string("PATH=") + (path ? path : "")};
        out.insert(out.end(), command.begin(), command.end());
        return out;
    }

    result<void> step(const std::string& what, const std::vector<std::string>& command,
                      const std::string& advice = {}) {
        std::string line;
        for (const auto& word : command) line += (line.empty() ? "" : " ") + word;
        say(line);
        ACT_TRY(int code, run_step(command, code_, log_));
        if (code == 0) return {};
        return error(kind::internal,
                     what + " ended with code " + std::to_string(code) + "; its output is " +
                         (spec_.foreground ? "above" : "in " + spec_.logs + "/setup.txt"),
                     advice);
    }

    result<void> requirements() {
        std::string python = interpreter();
        if (!file::on_path(python)) {
            return error(kind::not_found, "requirements.txt needs " + python + ", which is not on this node",
                         "set interpreter_path in the cluster file, or install Python");
        }
        // PEP 668: pip refuses to touch such a Python outside of a virtual environment.
        std::string probe =
            "import os, sys, sysconfig; sys.exit(3 if sys.prefix == sys.base_prefix and os.path.exists("
            "os.path.join(sysconfig.get_path('stdlib'), 'EXTERNALLY-MANAGED')) else 0)";
        ACT_TRY(int managed, run_step({python, "-c", probe}, code_, log_));
        if (managed == 3 && !(spec_.sudo && ::geteuid() != 0)) {
            std::string venv = spec_.work + "/venv";
            ACT_TRY_VOID(step("making a virtual environment",
                              {python, "-m", "venv", "--system-site-packages", venv}, debian_advice));
            python = venv + "/bin/python";
        }
        return step("pip install -r requirements.txt",
                    as_root({python, "-m", "pip", "install", "-r", "requirements.txt"}));
    }

    result<void> compile() {
        std::string script = code_ + "/compile.aml.sh";
        if (::chmod(script.c_str(), 0755) != 0)
            return error::from_errno(errno, "cannot make " + script + " executable");
        std::vector<std::string> command = {"./compile.aml.sh"};
        if (!spec_.compile_args.empty()) command.push_back(spec_.compile_args);
        return step("compile.aml.sh", as_root(std::move(command)));
    }

    const spec& spec_;
    std::string code_;
    int log_;
};

result<file::descriptor> open_log(const spec& s) {
    if (s.foreground) {
        file::descriptor terminal(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3));
        if (!terminal) return error::from_errno(errno, "cannot write to standard error");
        return terminal;
    }
    const std::string path = s.logs + "/setup.txt";
    file::descriptor log(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    if (!log) return error::from_errno(errno, "cannot open " + path);
    return log;
}

/// The steps inherit the lock: should the agent be killed, what it started writes on, and nobody else may
/// begin before that has ended too. (A node's death releases it, also over NFS.) So it has to be given back
/// by name: a step may leave a process behind.
class setup_lock {
public:
    static result<setup_lock> take(const std::string& path) {
        setup_lock out;
        out.fd_ = file::descriptor(::open(path.c_str(), O_RDWR | O_CREAT, 0600));
        if (!out.fd_) return error::from_errno(errno, "cannot open " + path);
        while (::flock(out.fd_.get(), LOCK_EX) != 0) {
            if (errno == EINTR) continue;
            return error::from_errno(errno, "cannot lock " + path)
                .with_advice("put the state folder (XDG_STATE_HOME) on a file system with locks");
        }
        return out;
    }
    setup_lock(setup_lock&&) = default;
    ~setup_lock() {
        if (fd_) ::flock(fd_.get(), LOCK_UN);
    }

private:
    setup_lock() = default;
    file::descriptor fd_;
};

}  // namespace

result<std::string> set_up(const spec& s) {
    std::string code = s.work + "/code", ready = s.work + "/ready", failed = s.work + "/setup-failed";
    wall_time begun = now();
    ACT_TRY_VOID(file::make_directories(s.work));
    ACT_TRY_VOID(file::make_directories(s.logs));
    ACT_TRY(const setup_lock held, setup_lock::take(s.work + "/lock"));
    if (auto marker = file::read_all(ready, 1024); marker && *marker == s.hash) return code;
    // Processes of one node that waited for a set-up that failed fail with it, instead of trying it again
    // each.
    if (auto info = file::stat_of(failed); info && info->modified >= begun) {
        auto why = file::read_all(failed, 64 << 10);
        return error(kind::internal, why ? *why : "the set-up failed");
    }

    ACT_TRY_VOID(check_disk(s));
    ACT_TRY(const file::descriptor log, open_log(s));
    ::unlink(ready.c_str());
    if (auto made = setup(s, log.get()).make(); !made) {
        (void)write_text(failed, made.error().message());
        return made.error();
    }
    ACT_TRY_VOID(write_text(ready, s.hash));
    return code;
}

}  // namespace act::agent

// The real executable as a process: signals, closed pipes, jobs, exit codes.

#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <map>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gmock/gmock.h>

#include "tool.hpp"

namespace act::cli {
namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class pipe_pair {
public:
    pipe_pair() {
        if (::pipe2(ends_.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
    }
    ~pipe_pair() {
        close_read();
        close_write();
    }
    pipe_pair(const pipe_pair&) = delete;
    pipe_pair& operator=(const pipe_pair&) = delete;
    int read_end() const { return ends_[0]; }
    int write_end() const { return ends_[1]; }
    void close_read() { shut(ends_[0]); }
    void close_write() { shut(ends_[1]); }

private:
    static void shut(int& fd) {
        if (fd >= 0) ::close(fd);
        fd = -1;
    }
    std::array<int, 2> ends_{-1, -1};
};

// One run of the executable. Ended with SIGKILL if the test leaves it behind.
class process {
public:
    process(std::vector<std::string> arguments, const std::string& directory,
            const std::map<std::string, std::string>& environment) {
        arguments.insert(arguments.begin(), ACT_EXECUTABLE);
        std::vector<std::string> variables;
        for (const auto& [name, value] : environment) variables.push_back(name + "=" + value);
        std::vector<char*> argv, envp;
        for (auto& a : arguments) argv.push_back(a.data());
        for (auto& v : variables) envp.push_back(v.data());
        argv.push_back(nullptr);
        envp.push_back(nullptr);
        pid_ = ::fork();
        if (pid_ == 0) {
            int null = ::open("/dev/null", O_RDONLY);
            ::dup2(null, 0);
            ::dup2(out_.write_end(), 1);
            ::dup2(problems_.write_end(), 2);
            if (::chdir(directory.c_str()) == 0) ::execve(argv[0], argv.data(), envp.data());
            ::_exit(99);
        }
        out_.close_write();
        problems_.close_write();
    }
    ~process() {
        if (pid_ > 0) {
            ::kill(pid_, SIGKILL);
            ::waitpid(pid_, nullptr, 0);
        }
    }
    process(const process&) = delete;
    process& operator=(const process&) = delete;

    void signal(int number) { ::kill(pid_, number); }
    void close_output() { out_.close_read(); }

    /// Reads both streams to their ends; the exit code, or 128 + N after signal N.
    outcome finish() {
        outcome o;
        std::array<pollfd, 2> watched{pollfd{out_.read_end(), POLLIN, 0},
                                      pollfd{problems_.read_end(), POLLIN, 0}};
        while (watched[0].fd >= 0 || watched[1].fd >= 0) {
            if (::poll(watched.data(), watched.size(), 60'000) <= 0) break;
            for (std::size_t i = 0; i < watched.size(); ++i) {
                if (watched[i].fd < 0 || watched[i].revents == 0) continue;
                char bytes[4096];
                ssize_t n = ::read(watched[i].fd, bytes, sizeof bytes);
                if (n > 0) {
                    (i == 0 ? o.out : o.problems).append(bytes, static_cast<std::size_t>(n));
                } else {
                    watched[i].fd = -1;
                }
            }
        }
        int status = 0;
        ::waitpid(pid_, &status, 0);
        pid_ = -1;
        o.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        return o;
    }

    /// The first line of stdout.
    std::string first_line() {
        std::string line;
        for (char c = 0; ::read(out_.read_end(), &c, 1) == 1 && c != '\n';) line += c;
        return line;
    }

private:
    pipe_pair out_, problems_;
    pid_t pid_ = -1;
};

// A server that takes connections and never answers.
class silent_server {
public:
    silent_server() {
        fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in where{};
        where.sin_family = AF_INET;
        where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof where;
        auto* address = reinterpret_cast<sockaddr*>(&where);
        if (::bind(fd_, address, size) != 0 || ::listen(fd_, 64) != 0 ||
            ::getsockname(fd_, address, &size) != 0) {
            throw std::runtime_error("no listener");
        }
        port_ = ntohs(where.sin_port);
    }
    ~silent_server() {
        for (int c : taken_) ::close(c);
        ::close(fd_);
    }
    silent_server(const silent_server&) = delete;
    silent_server& operator=(const silent_server&) = delete;

    std::string endpoint() const { return "http://127.0.0.1:" + std::to_string(port_) + "/acc"; }
    /// Returns when a client has connected and sent something.
    void wait_for_request() {
        int c = ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
        char byte = 0;
        (void)!::read(c, &byte, 1);
        taken_.push_back(c);
    }

private:
    int fd_ = -1;
    std::uint16_t port_ = 0;
    std::vector<int> taken_;
};

class real_program : public tool_test {
protected:
    void SetUp() override {
        tool_test::SetUp();
        environment_["PATH"] = "/usr/local/bin:/usr/bin:/bin";
        environment_["TMPDIR"] = folder_.path();
    }
    std::unique_ptr<process> start(std::vector<std::string> arguments) {
        return std::make_unique<process>(std::move(arguments), directory_, environment_);
    }
    outcome run_it(std::vector<std::string> arguments) { return start(std::move(arguments))->finish(); }

    void use(const std::string& endpoint) {
        write(
            "aux_data/aml/aml.yaml",
            "config_param:\n  data_folder: {azure_blob_config_file: aux_data/configs/a.yaml, path: data}\n");
        write("aux_data/configs/a.yaml",
              "account_name: acc\ncontainer_name: con\naccount_key: c2VjcmV0\nblob_endpoint: " + endpoint +
                  "\n");
    }
};

TEST_F(real_program, says_its_version) {
    auto o = run_it({"--version"});
    EXPECT_EQ(o.code, 0);
    EXPECT_EQ(o.out, "act 0.1.0\n");
}

TEST_F(real_program, a_signal_ends_a_transfer_within_a_second) {
    for (int number : {SIGINT, SIGTERM}) {
        for (const char* verb : {"u", "d"}) {
            silent_server server;
            use(server.endpoint());
            write("data/big", std::string(1 << 20, 'x'));
            auto p = start({verb, "data/big"});
            server.wait_for_request();
            auto sent = clock::now();
            p->signal(number);
            auto o = p->finish();
            EXPECT_EQ(o.code, 130) << o.problems;
            EXPECT_LT(clock::now() - sent, 1s);
            EXPECT_THAT(o.problems, HasSubstr("interrupted"));
            EXPECT_EQ(read_file(project("data/big")), std::string(1 << 20, 'x'));
        }
    }
}

TEST_F(real_program, a_closed_pipe_ends_it_quietly) {
    for (int i = 0; i < 50; ++i) write("data/many/" + std::to_string(i), "x");
    ASSERT_EQ(run_it({"u", "data/many"}).code, 0);
    // One writes while it works, the other all at its end.
    for (const auto& arguments : {std::vector<std::string>{"ls", "data/many"}, {"config"}}) {
        auto p = start(arguments);
        p->close_output();
        auto o = p->finish();
        EXPECT_EQ(o.code, 0);
        EXPECT_EQ(o.problems, "");
    }
}

TEST_F(real_program, serves_and_ends_when_told) {
    auto server = start({"serve", "--root", folder_.at("served"), "--listen", "127.0.0.1:0", "--json"});
    std::string line = server->first_line();
    ASSERT_THAT(line, StartsWith(R"({"type":"listening","endpoint":"http://127.0.0.1:)"));
    std::string endpoint = line.substr(line.find("http://"));
    endpoint.erase(endpoint.find('"'));
    EXPECT_THAT(endpoint, testing::EndsWith("/devstoreaccount1"));
    write("aux_data/aml/aml.yaml",
          "config_param:\n  data_folder: {azure_blob_config_file: aux_data/configs/a.yaml, path: p}\n");
    auto account = [&](const std::string& credential) {
        write("aux_data/configs/a.yaml",
              "account_name: devstoreaccount1\ncontainer_name: con\nblob_endpoint: " + endpoint + "\n" +
                  credential + "\n");
    };
    account(
        "account_key: "
        "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==");
    write("data/x", "content");
    EXPECT_EQ(run_it({"u", "data/x"}).code, 0);
    account("account_key: d3Jvbmcga2V5IHRoYXQgbm9ib2R5IG1heSBzZWU=");
    auto refused = run_it({"ls", "data"});
    EXPECT_EQ(refused.code, 4);
    EXPECT_THAT(refused.problems, testing::Not(HasSubstr("d3Jvbmcg")));
    server->signal(SIGTERM);
    auto o = server->finish();
    EXPECT_EQ(o.code, 0) << o.problems;
    EXPECT_THAT(o.out, StartsWith(R"({"type":"summary","verb":"serve",)"));
}

TEST_F(real_program, a_job_gets_its_exact_arguments_and_gives_its_exit_code) {
    write("show.sh", "for a in \"$@\"; do echo \"<$a>\"; done\necho oops >&2\ncat data/x/in\nexit 7\n");
    write("data/x/in", "from the data folder\n");
    ASSERT_EQ(run_it({"init"}).code, 0);
    auto o = run_it({"submit", "--wait", "sh", "show.sh", "a b", "", "it's", "$HOME", "--json", "-n"});
    EXPECT_EQ(o.code, 7) << o.problems;
    EXPECT_EQ(o.out, "<a b>\n<>\n<it's>\n<$HOME>\n<--json>\n<-n>\nfrom the data folder\n");
    EXPECT_THAT(o.problems, HasSubstr("oops\n"));
    auto q = run_it({"q", "--json"});
    EXPECT_THAT(q.out, HasSubstr(R"("state":"failed")"));
    EXPECT_THAT(q.out, HasSubstr(R"("exit_code":7)"));
    EXPECT_THAT(q.out, HasSubstr(R"("command":["sh","show.sh","a b","","it's","$HOME","--json","-n"])"));
}

TEST_F(real_program, what_was_started_before_a_failure_is_told_also_when_it_has_ended) {
    write("main.sh", "true\n");
    ASSERT_EQ(act({"init"}).code, 0);
    // The second run is not started, once the first has ended.
    executable_ = folder_.at("agent");
    write_file(executable_, "#!/bin/sh\nif mkdir " + folder_.at("first") + "; then echo $3 > " +
                                folder_.at("spec") + "; exec " ACT_EXECUTABLE " \"$@\"; fi\nHOME=" +
                                folder_.at("home") + " " ACT_EXECUTABLE " wait $(basename $(dirname $(cat " +
                                folder_.at("spec") + ")))\nexit 1\n");
    std::filesystem::permissions(executable_, std::filesystem::perms::owner_all);
    auto o = act({"submit", "--json", "--sweep", "n=1,2", "true"});
    EXPECT_NE(o.code, 0);
    EXPECT_THAT(o.out, HasSubstr(R"("point":"n=1")"));
    EXPECT_THAT(o.out, HasSubstr(R"("state":"completed")"));
    EXPECT_THAT(o.out, Not(HasSubstr(R"("point":"n=2")")));
}

TEST_F(real_program, a_job_can_be_waited_for_and_aborted) {
    write("wait.sh", "echo started\nwhile :; do sleep 0.05; done\n");
    ASSERT_EQ(run_it({"init"}).code, 0);
    auto submitted = run_it({"submit", "sh", "wait.sh"});
    ASSERT_EQ(submitted.code, 0) << submitted.problems;
    std::string id = submitted.out.substr(0, submitted.out.find('\n'));
    auto waiting = start({"wait", id});
    auto aborted = run_it({"abort", id.substr(id.size() - 6)});
    EXPECT_EQ(aborted.code, 0) << aborted.problems;
    EXPECT_THAT(aborted.out, HasSubstr("canceled"));
    EXPECT_EQ(waiting->finish().code, 130);
}

}  // namespace
}  // namespace act::cli

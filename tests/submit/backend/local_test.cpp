#include <csignal>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "jobs.hpp"
#include "submit/agent/supervise.hpp"

namespace act::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class backend_local : public jobs_test {
protected:
    /// Waits for a line from the job through a pipe with a name.
    std::string line_from(const std::string& fifo) {
        std::ifstream in(fifo);
        std::string line;
        std::getline(in, line);
        return line;
    }
    std::string make_fifo(const std::string& name) {
        std::string path = home_ / name;
        EXPECT_EQ(::mkfifo(path.c_str(), 0600), 0);
        return path;
    }
    static until soon() { return until{}.within(std::chrono::seconds(60)); }
};

TEST_F(backend_local, a_job_runs_and_its_record_tells_all) {
    auto r = run({"sh", "-c", "echo out; echo err >&2; pwd"});
    EXPECT_EQ(r.state, runs::state::completed);
    EXPECT_EQ(r.exit_code, 0);
    EXPECT_EQ(r.reason, "");
    EXPECT_EQ(backend::exit_code_of(r), 0);
    EXPECT_EQ(out_, "out\n" + r.folder + "/code\n");
    EXPECT_THAT(err_, HasSubstr("err\n"));
    EXPECT_GE(r.started, r.submitted);
    EXPECT_GE(r.ended, r.started);
    EXPECT_EQ(r.cluster, "local");
    EXPECT_EQ(r.project, project_.path());
    EXPECT_EQ(r.code.size(), 64u);
    EXPECT_GT(r.pid, 0);
    EXPECT_TRUE(std::filesystem::exists(r.logs + "/stdout.txt"));
}

TEST_F(backend_local, a_record_has_what_a_resubmission_needs_but_no_secret) {
    job_env_ = {{"PLAIN", "a"}, {"HF_TOKEN", "s3cret"}, {"X_KEY", "s3cret"}, {"ACT_SWEEP_NUM_TOKENS", "7"}};
    auto j = job_of({"sh", "-c", "echo $HF_TOKEN"});
    j.details["resubmit_of"] = "another";
    runs::record r;
    backend::describe(j, r);
    EXPECT_EQ(r.env, (std::map<std::string, std::string>{{"PLAIN", "a"}, {"ACT_SWEEP_NUM_TOKENS", "7"}}));
    EXPECT_EQ(r.details.at(backend::detail::env_not_kept), "HF_TOKEN\nX_KEY");
    EXPECT_EQ(r.details.at("resubmit_of"), "another");
}

TEST_F(backend_local, the_exit_code_is_the_jobs_own) {
    auto r = run({"sh", "-c", "exit 3"});
    EXPECT_EQ(r.state, runs::state::failed);
    EXPECT_EQ(r.exit_code, 3);
    EXPECT_EQ(backend::exit_code_of(r), 3);
    r = run({"sh", "-c", "kill -KILL $$"});
    EXPECT_EQ(r.exit_code, 128 + SIGKILL);
    EXPECT_EQ(r.reason, "ended by signal SIGKILL");
    r = run({"no-such-program-here"});
    EXPECT_EQ(r.exit_code, 127);
    EXPECT_THAT(r.reason, HasSubstr("cannot run 'no-such-program-here'"));
    project_.write("compile.aml.sh", "exit 9\n");
    r = run({"true"});
    EXPECT_EQ(r.exit_code, 125);
    EXPECT_THAT(r.reason, HasSubstr("compile.aml.sh ended with code 9"));
}

TEST_F(backend_local, a_node_that_lacks_what_is_asked_for_fails_the_run) {
    config_.other["node_check.disk"] = "1000000T";
    auto r = run({"touch", "ran"});
    EXPECT_EQ(r.state, runs::state::failed);
    EXPECT_EQ(r.exit_code, 122);
    EXPECT_THAT(r.reason, HasSubstr("node " + r.node + " has "));
    EXPECT_FALSE(std::filesystem::exists(r.folder + "/code"));
}

TEST_F(backend_local, arguments_arrive_byte_for_byte) {
    std::vector<std::string> awkward = {"",        " ",        "a b",   "  two  spaces ",
                                        "'",       "\"",       "\\",    "\n",
                                        "a\nb",    "*",        "$HOME", ";",
                                        "|",       "&& false", "`x`",   "$(x)",
                                        "--",      "-n",       "\t",    "\xff\xfe",
                                        "ü\u0301", "%s",       "\x01",  "{\"a\":1}",
                                        "~",       "#",        "!",     std::string(100 * 1000, 'x')};
    std::vector<std::string> command = {"sh", "-c", "for a in \"$@\"; do printf '%s\\0' \"$a\"; done", "sh"};
    command.insert(command.end(), awkward.begin(), awkward.end());
    auto r = run(command);
    EXPECT_EQ(r.exit_code, 0);
    std::string expected;
    for (const auto& a : awkward) expected += a + '\0';
    EXPECT_EQ(out_, expected);
    EXPECT_EQ(journal_.find(r.id)->command, command);
}

TEST_F(backend_local, large_output_is_streamed_whole) {
    auto r = run({"sh", "-c", "i=0; while [ $i -lt 2000 ]; do printf '%01000d\\n' $i; i=$((i+1)); done"});
    EXPECT_EQ(r.exit_code, 0);
    EXPECT_EQ(out_.size(), 2000u * 1001);
}

TEST_F(backend_local, the_environment_is_the_clusters_and_the_jobs) {
    config_.env = {{"A", "cluster"}, {"B", "cluster"}};
    job_env_ = {{"B", "job"}};
    run({"sh", "-c", "echo $A $B $ACT_CLUSTER; echo $ACT_RUN_ID > id; cat id"});
    EXPECT_THAT(out_, HasSubstr("cluster job local\n" + (*journal_.list())[0].id));
}

TEST_F(backend_local, it_has_no_terminal_and_no_input) {
    run({"sh", "-c",
         "read x; echo \"<$x>\"; (exec < /dev/tty) 2> /dev/null && echo terminal; ps -o sid= -p $$"});
    EXPECT_THAT(out_, HasSubstr("<>\n"));
    EXPECT_THAT(out_, Not(HasSubstr("terminal")));
    EXPECT_NE(std::stol(out_.substr(out_.find('\n'))), ::getsid(0));
}

TEST_F(backend_local, secrets_of_the_environment_are_not_left_on_disk) {
    config_.env = {{"API_TOKEN", "not-a-real-token"}};
    auto r = run({"true"});
    for (const auto& e : std::filesystem::recursive_directory_iterator(home_.path())) {
        if (!e.is_regular_file()) continue;
        std::ifstream in(e.path(), std::ios::binary);
        std::ostringstream text;
        text << in.rdbuf();
        EXPECT_THAT(text.str(), Not(HasSubstr("not-a-real-token"))) << e.path();
    }
}

TEST_F(backend_local, cancel_ends_the_whole_tree) {
    std::string fifo = make_fifo("fifo");
    auto d = driver();
    // A grandchild that has left the process group and the session, as daemons do.
    auto r = submit(*d, {"sh", "-c", "setsid sh -c 'echo $$ > " + fifo + "; sleep 1000' & wait"});
    ASSERT_TRUE(r) << r.error().describe();
    long grandchild = std::stol(line_from(fifo));
    EXPECT_TRUE(agent::process_started(grandchild));
    auto ended = runtime_.run(d->cancel(*r, soon()));
    ASSERT_TRUE(ended) << ended.error().describe();
    EXPECT_EQ(ended->state, runs::state::canceled);
    EXPECT_EQ(ended->reason, "cancelled");
    EXPECT_EQ(backend::exit_code_of(*ended), 130);
    EXPECT_FALSE(agent::process_started(grandchild));
    auto again = runtime_.run(d->cancel(*r, soon()));
    ASSERT_TRUE(again);
    EXPECT_EQ(again->state, runs::state::canceled);
}

TEST_F(backend_local, a_command_does_not_outlive_its_supervisor) {
    std::string fifo = make_fifo("fifo");
    auto d = driver();
    auto r = submit(*d, {"sh", "-c", "trap '' TERM; sleep 1000 & echo $$ $! > " + fifo + "; wait"});
    ASSERT_TRUE(r);
    std::istringstream pids(line_from(fifo));
    long pid = 0, child = 0;
    pids >> pid >> child;
    ASSERT_GT(child, 0);
    // As the kernel does when memory runs out.
    ASSERT_TRUE(agent::signal_process(r->pid, r->pid_started, SIGKILL));
    auto ended = runtime_.run(backend::follow(*d, *r, nullptr, soon()));
    ASSERT_TRUE(ended);
    EXPECT_EQ(ended->state, runs::state::failed);
    EXPECT_THAT(ended->reason, HasSubstr("its supervisor ended before it"));
    // The kernel kills it on the supervisor's death; whoever adopted it reaps it soon.
    while (agent::process_started(pid)) std::this_thread::yield();
    // What the command had started is ended by who finds out, before the run has failed.
    while (agent::process_started(child)) std::this_thread::yield();
}

TEST_F(backend_local, what_the_command_leaves_in_the_background_ends_with_it) {
    auto r = run({"sh", "-c", "sleep 1000 & echo $!"});
    EXPECT_EQ(r.state, runs::state::completed);
    EXPECT_FALSE(agent::process_started(std::stol(out_)));
}

}  // namespace

// A process of its own, since a fork of one that has threads may stand still: submits a job that reads the
// pipe, and is killed.
void submit_and_die(const std::string& home, const std::string& project, const std::string& fifo) {
    ::setsid();
    act::runtime fresh(runtime_options{1, 2});
    auto journal = runs::journal::open(home + "/state/act");
    backend::services s{.runtime = fresh,
                        .journal = *journal,
                        .environment = {{"HOME", home}},
                        .executable = std::filesystem::read_symlink("/proc/self/exe").string()};
    const cluster::config config = local_cluster(project);
    stage::pack_options options = stage::options_for(config, {});
    options.folder = home + "/archives";
    auto packed = fresh.run(stage::pack(fresh, options, {}));
    auto d = backend::make_driver(config, s);
    backend::job j;
    j.command = {"sh", "-c", "read x < " + fifo + "; echo got $x"};
    j.code = packed->hash;
    j.archive = packed->archive;
    auto r = fresh.run((*d)->submit(j, {}));
    std::ofstream(home + "/id") << r->id;
    ::kill(0, SIGHUP);
    ::kill(::getpid(), SIGKILL);
}

namespace {

TEST_F(backend_local, survives_the_submitting_process) {
    std::string fifo = make_fifo("fifo");
    const std::string self = std::filesystem::read_symlink("/proc/self/exe");
    std::string words[] = {self, "submit-and-die", home_.path(), project_.path(), fifo};
    char* arguments[] = {words[0].data(), words[1].data(), words[2].data(),
                         words[3].data(), words[4].data(), nullptr};
    pid_t child = 0;
    ASSERT_EQ(::posix_spawn(&child, self.c_str(), nullptr, nullptr, arguments, environ), 0);
    int status = 0;
    ::waitpid(child, &status, 0);
    std::string run_id = home_.read("id");
    auto r = journal_.find(run_id);
    ASSERT_TRUE(r) << r.error().describe();
    EXPECT_EQ(r->state, runs::state::running);
    std::ofstream(fifo) << "news\n";
    auto d = backend::make_driver(*r, services());
    ASSERT_TRUE(d);
    auto sink = [this](backend::stream, std::string_view text) { out_ += text; };
    auto ended = runtime_.run(backend::follow(**d, *r, sink, soon()));
    ASSERT_TRUE(ended);
    EXPECT_EQ(ended->state, runs::state::completed);
    EXPECT_THAT(out_, HasSubstr("got news\n"));
}

TEST_F(backend_local, following_can_be_stopped_without_ending_the_run) {
    std::string fifo = make_fifo("fifo");
    auto d = driver();
    auto r = submit(*d, {"sh", "-c", "read x < " + fifo});
    ASSERT_TRUE(r);
    stop_source stop;
    stop.request();
    auto followed = runtime_.run(backend::follow(*d, *r, nullptr, until{stop.token()}));
    ASSERT_FALSE(followed);
    EXPECT_EQ(followed.error().kind(), kind::stopped);
    EXPECT_EQ(runtime_.run(d->status(*r, {}))->state, runs::state::running);
    std::ofstream(fifo) << "x\n";
    EXPECT_EQ(runtime_.run(backend::follow(*d, *r, nullptr, soon()))->state, runs::state::completed);
}

TEST_F(backend_local, a_run_that_was_never_started_or_lost_its_machine_is_failed) {
    auto d = driver();
    runs::record r;
    r.platform = "local";
    r.command = {"true"};
    auto lost = *journal_.add(r);
    char host[256] = {};
    ::gethostname(host, sizeof host - 1);
    ASSERT_TRUE(journal_.update(lost.id, [&](runs::record& x) {
        x.state = runs::state::running;
        x.node = host;
        x.pid = ::getpid();
        x.pid_started = 1;
    }));
    auto now_is = runtime_.run(d->status(lost, {}));
    EXPECT_EQ(now_is->state, runs::state::failed);
    EXPECT_EQ(backend::exit_code_of(*now_is), 1);
    auto elsewhere = *journal_.add(r);
    ASSERT_TRUE(journal_.update(elsewhere.id, [&](runs::record& x) {
        x.state = runs::state::running;
        x.node = "another-machine";
        x.pid = ::getpid();
        x.pid_started = 1;
    }));
    EXPECT_EQ(runtime_.run(d->status(elsewhere, {}))->state, runs::state::running);
    auto canceled = runtime_.run(d->cancel(elsewhere, {}));
    EXPECT_THAT(canceled.error().message(), HasSubstr("is on the machine another-machine"));
    auto fresh = *journal_.add(r);
    EXPECT_EQ(runtime_.run(d->status(fresh, {}))->state, runs::state::queued);
    EXPECT_EQ(runtime_.run(d->cancel(fresh, {}))->state, runs::state::canceled);
}

TEST_F(backend_local, one_whose_submitter_was_killed_is_given_up_with_its_specification) {
    auto r = *journal_.add({});
    std::ofstream(r.folder + "/spec.json") << "secrets";
    auto d = driver();
    EXPECT_EQ(runtime_.run(d->status(r, {}))->state, runs::state::queued);
    EXPECT_TRUE(std::filesystem::exists(r.folder + "/spec.json"));
    ASSERT_TRUE(journal_.update(r.id, [](runs::record& x) { x.submitted -= std::chrono::hours(1); }));
    EXPECT_EQ(runtime_.run(d->status(r, {}))->reason, "it was never started");
    EXPECT_FALSE(std::filesystem::exists(r.folder + "/spec.json"));
}

TEST_F(backend_local, a_supervisor_that_cannot_start_fails_the_run) {
    auto s = services();
    s.executable = "/no/such/program";
    auto d = backend::make_driver(config_, s);
    auto r = submit(**d, {"true"});
    ASSERT_FALSE(r);
    EXPECT_THAT(r.error().message(), HasSubstr("/no/such/program"));
    EXPECT_EQ((*journal_.list())[0].state, runs::state::failed);
    EXPECT_EQ(submit(**d, {}).error().kind(), kind::usage);
}

TEST_F(backend_local, other_platforms_say_what_to_use) {
    for (const char* platform : {"aml", "batch", "itp", "singularity"}) {
        config_.platform = platform;
        auto d = backend::make_driver(config_, services());
        ASSERT_FALSE(d);
        EXPECT_EQ(d.error().kind(), kind::unsupported);
        EXPECT_NE(d.error().advice(), "");
    }
}

}  // namespace
}  // namespace act::testing

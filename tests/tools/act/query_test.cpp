// What people ask about runs, on a journal that the tests write.

#include <gmock/gmock.h>

#include "runs.hpp"

namespace act::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST_F(runs_test, a_table_tells_once_what_all_have) {
    add({"one"}, runs::state::failed, [](auto& r) { r.submitted -= std::chrono::hours(3); });
    auto single = act({"q"});
    EXPECT_THAT(single.out, StartsWith("run "));
    add({"two"}, runs::state::completed);
    auto o = act({"q"});
    EXPECT_EQ(o.code, 0) << o.problems;
    EXPECT_THAT(o.out, StartsWith("cluster   local\ngpus      2\n\nrun "));
    EXPECT_THAT(o.out, Not(HasSubstr("local  ")));
    // What no run has is left out.
    EXPECT_THAT(o.out, AllOf(Not(HasSubstr("group")), Not(HasSubstr("point")), HasSubstr("exit")));
    EXPECT_LT(o.out.find("two"), o.out.find("one"));
}

TEST_F(runs_test, filters) {
    auto one = add({"train", "--lr", "0.1"}, runs::state::failed, [](auto& r) {
        r.name = "first";
        r.group = "sweep";
        r.submitted -= std::chrono::hours(72);
    });
    auto two = add({"eval"}, runs::state::completed, [](auto& r) { r.cluster = "eu"; });
    auto ids = [&](std::vector<std::string> words) {
        words.insert(words.begin(), {"q", "--json"});
        auto out = act(words).out;
        return std::string(out.find(one.id) != std::string::npos ? "1" : "") +
               (out.find(two.id) != std::string::npos ? "2" : "");
    };
    EXPECT_EQ(ids({}), "12");
    EXPECT_EQ(ids({"--state", "failed"}), "1");
    EXPECT_EQ(ids({"--since", "2d"}), "2");
    EXPECT_EQ(ids({"--text", "LR 0.1"}), "1");
    EXPECT_EQ(ids({"--text", "evil"}), "");
    EXPECT_EQ(ids({"--name", "first"}), "1");
    EXPECT_EQ(ids({"--name", "firs"}), "");
    EXPECT_EQ(ids({"--group", "sweep"}), "1");
    EXPECT_EQ(ids({"-c", "eu"}), "2");
    EXPECT_EQ(ids({"--max", "1"}), "2");
    EXPECT_EQ(act({"q", "--state", "broken"}).code, 2);
    EXPECT_THAT(act({"qf"}).out, AllOf(HasSubstr(one.id), Not(HasSubstr(two.id))));
}

TEST_F(runs_test, one_is_shown_with_its_errors_and_the_end_of_its_log) {
    auto r = add({"train"}, runs::state::failed);
    std::string text;
    for (int i = 1; i <= 150; ++i) text += "step " + std::to_string(i) + "\n";
    log(r, "stdout.txt", text);
    log(r, "stderr-3.txt", "x\nRuntimeError: CUDA out of memory\n");
    auto o = act({"q", r.id.substr(r.id.size() - 4)});
    EXPECT_EQ(o.code, 0) << o.problems;
    EXPECT_THAT(o.out, HasSubstr(r.logs + "/stderr-3.txt"));
    EXPECT_THAT(o.out, HasSubstr("OOM  1 line, stderr-3.txt:2: RuntimeError: CUDA out of memory"));
    EXPECT_THAT(o.out, AllOf(HasSubstr("the end of stdout.txt:\nstep 51\n"), HasSubstr("step 150\n"),
                             Not(HasSubstr("step 50\n"))));
    auto quiet = act({"-no-wl", "q", r.id});
    EXPECT_THAT(quiet.out, AllOf(HasSubstr("stdout.txt"), Not(HasSubstr("step 150"))));
    auto json = act({"q", r.id, "--json"});
    EXPECT_THAT(json.out, AllOf(HasSubstr(R"({"type":"error_class","run":")"), HasSubstr(R"("name":"OOM")"),
                                HasSubstr(R"({"type":"log_tail")")));
    // From now on the table tells it too.
    EXPECT_THAT(act({"q"}).out, HasSubstr("OOM"));
}

TEST_F(runs_test, parse_knows_the_classes_of_the_project) {
    write("aux_data/error_classes.yaml", "Flaky: {pattern: 'flaky [0-9]+', retriable: true}\n");
    auto r = add({"train"}, runs::state::failed);
    log(r, "stdout.txt", "flaky 7\n");
    EXPECT_THAT(act({"parse", r.id}).out, HasSubstr("Flaky (retriable)  1 line, stdout.txt:1: flaky 7"));
    write("aux_data/error_classes.yaml", "Flaky: {retriable: true}\n");
    auto o = act({"parse", r.id});
    EXPECT_EQ(o.code, 3);
    EXPECT_THAT(o.problems, HasSubstr("error_classes.yaml:1"));
    EXPECT_EQ(act({"parse"}).code, 2);
}

TEST_F(runs_test, logs_of_each_process) {
    auto r = add({"train"}, runs::state::completed);
    log(r, "setup.txt", "setting up\n");
    log(r, "stdout.txt", "zero\n");
    log(r, "stderr.txt", "oops\n");
    log(r, "stdout-2.txt", "two\n");
    auto o = act({"logs", r.id});
    EXPECT_EQ(o.out, "zero\n");
    EXPECT_THAT(o.problems, AllOf(HasSubstr("oops\n"), HasSubstr("setting up\n")));
    // -f is another option with other verbs.
    EXPECT_EQ(act({"logs", "-f", r.id}).out, "zero\n");
    EXPECT_EQ(act({"logs", r.id, "--rank", "2"}).out, "two\n");
    EXPECT_EQ(act({"logs", "--follow", r.id, "--rank", "2"}).out, "two\n");
    EXPECT_EQ(act({"logs", r.id, "--rank", "1"}).code, 5);
    EXPECT_THAT(act({"logs", r.id, "--json"}).out,
                HasSubstr(R"({"type":"output","stream":"out","text":"zero\n"})"));
    EXPECT_EQ(act({"u", "-f", "eu"}).code, 2);
}

TEST_F(runs_test, files_are_listed_and_copied) {
    auto r = add({"train"}, runs::state::completed);
    log(r, "stdout.txt", "zero\n");
    write_file(r.folder + "/code/src/main.py", "x");
    write_file(r.folder + "/outputs/model", "weights");
    auto listed = act({"files", r.id});
    EXPECT_THAT(listed.out, AllOf(HasSubstr("outputs/model\n"), HasSubstr("logs/stdout.txt\n"),
                                  HasSubstr("code/\n"), Not(HasSubstr("main.py"))));
    EXPECT_THAT(act({"files", r.id, "code"}).out, HasSubstr("code/src/main.py\n"));

    EXPECT_EQ(act({"get", r.id, "outputs/model"}).code, 0);
    EXPECT_EQ(read_file(project("model")), "weights");
    EXPECT_EQ(act({"get", r.id, "outputs/model", "best"}).code, 0);
    EXPECT_EQ(read_file(project("best")), "weights");
    EXPECT_EQ(act({"get", r.id, "code", "copy"}).code, 0);
    EXPECT_EQ(read_file(project("copy/src/main.py")), "x");
    EXPECT_EQ(act({"get", r.id, "outputs/model", "copy"}).code, 0);
    EXPECT_EQ(read_file(project("copy/model")), "weights");
    EXPECT_EQ(act({"get", r.id, "../../runs.jsonl"}).code, 2);
    EXPECT_EQ(act({"get", r.id, "nothing"}).code, 5);
    std::filesystem::remove_all(r.folder);
    EXPECT_THAT(act({"files", r.id}).problems, HasSubstr("is not on this machine"));
}

TEST_F(runs_test, get_leaves_what_is_in_the_project_alone) {
    auto r = add({"train"}, runs::state::completed);
    write_file(r.folder + "/code/main.py", "old");
    write("main.py", "new");
    EXPECT_EQ(act({"get", r.id, "code", "."}).code, 0);
    EXPECT_EQ(read_file(project("main.py")), "new");
    EXPECT_EQ(read_file(project("code/main.py")), "old");
    EXPECT_EQ(act({"get", r.id, "code", "kept/"}).code, 0);
    EXPECT_EQ(read_file(project("kept/code/main.py")), "old");
    // All of it is called as the run is.
    EXPECT_EQ(act({"get", r.id, "."}).code, 0);
    EXPECT_EQ(read_file(project(r.id + "/code/main.py")), "old");
    EXPECT_EQ(act({"get", r.id, "code/..", "."}).code, 0);
    EXPECT_EQ(act({"get", r.id, "code", ""}).code, 2);
    EXPECT_EQ(read_file(project("main.py")), "new");
    EXPECT_FALSE(std::filesystem::exists(project("logs")));
}

TEST_F(runs_test, get_writes_a_file_to_standard_output) {
    auto r = add({"train"}, runs::state::completed);
    const std::string text(3 << 20, 'x');
    log(r, "stdout.txt", text);
    std::FILE* out = std::tmpfile();
    ASSERT_NE(out, nullptr);
    out_descriptor_ = ::fileno(out);
    auto o = act({"get", r.id, "logs/stdout.txt", "-", "--json"});
    EXPECT_EQ(o.code, 0) << o.problems;
    EXPECT_THAT(o.problems, HasSubstr(R"("bytes":3145728)"));
    std::string came(text.size() + 1, '-');
    std::rewind(out);
    came.resize(std::fread(came.data(), 1, came.size(), out));
    EXPECT_TRUE(came == text);
    std::fclose(out);
    EXPECT_FALSE(std::filesystem::exists(project("-")));
    EXPECT_EQ(act({"get", r.id, "logs", "-"}).code, 2);
}

TEST_F(runs_test, wait_exits_with_the_highest_code) {
    auto good = add({"x"}, runs::state::completed, [](auto& r) { r.group = "g"; });
    auto bad = add({"x"}, runs::state::failed, [](auto& r) { r.group = "g"; });
    auto worse = add({"x"}, runs::state::failed, [](auto& r) { r.exit_code = 7; });
    EXPECT_EQ(act({"wait", good.id}).code, 0);
    EXPECT_EQ(act({"wait", "--group", "g"}).code, 3);
    EXPECT_EQ(act({"wait", bad.id, worse.id, good.id}).code, 7);
    EXPECT_EQ(act({"wait", "--group", "h"}).code, 5);
    EXPECT_EQ(act({"wait"}).code, 2);
}

TEST_F(runs_test, counts_by_cluster_and_tells_the_longest) {
    add({"x"}, runs::state::completed);
    add({"x"}, runs::state::failed);
    auto other = [&](std::chrono::hours age) {
        return add({"x"}, runs::state::running, [&](auto& r) {
            r.cluster = "eu";
            r.platform = "nowhere";
            r.started = now() - age;
        });
    };
    auto young = other(std::chrono::hours(1)), old = other(std::chrono::hours(9));
    auto o = act({"s", "--json"});
    EXPECT_THAT(o.out,
                HasSubstr(R"({"type":"cluster","name":"local","platform":"local","queued":0,"running":0,)"
                          R"("completed":1,"failed":1,"canceled":0,"gpus":0})"));
    EXPECT_THAT(o.out, HasSubstr(R"("name":"eu","platform":"nowhere","queued":0,"running":2,)"));
    EXPECT_THAT(o.out, HasSubstr(R"({"type":"machine","cores":)"));
    // One word about both.
    EXPECT_THAT(o.problems, HasSubstr("2 runs as last known"));
    EXPECT_EQ(act({"-no-dt", "s"}).problems, "");
    auto blamed = act({"blame"});
    EXPECT_LT(blamed.out.find(old.id), blamed.out.find(young.id));
    EXPECT_THAT(act({"blame", "--max", "1"}).out, Not(HasSubstr(young.id)));
}

TEST_F(runs_test, the_scheduler_of_many_runs_is_asked_once) {
    write_file(folder_.at("bin/squeue"),
               "#!/bin/sh\necho \"$*\" >> " + folder_.at("asked") +
                   "\nfor i in 1 2 3; do echo \"$i|$i|RUNNING|None|100|N/A|n$i\"; done\n");
    std::filesystem::permissions(folder_.at("bin/squeue"), std::filesystem::perms::owner_all);
    environment_["PATH"] = folder_.at("bin") + ":/usr/bin:/bin";
    for (const char* id : {"1", "2", "3"}) {
        add({"x"}, runs::state::queued, [&](auto& r) {
            r.cluster = "eu";
            r.platform = "slurm";
            r.project = folder_.at(id);
            r.backend_id = id;
        });
    }
    auto o = act({"q", "--json"});
    EXPECT_EQ(o.code, 0) << o.problems;
    for (const char* node : {"n1", "n2", "n3"})
        EXPECT_THAT(o.out, HasSubstr(R"("node":")" + std::string(node) + "\""));
    const std::string asked = read_file(folder_.at("asked"));
    EXPECT_EQ(std::count(asked.begin(), asked.end(), '\n'), 1) << asked;
    EXPECT_THAT(asked, HasSubstr("--jobs=3,2,1 "));
}

TEST_F(runs_test, a_shell_where_there_is_a_way) {
    auto ended = add({"x"}, runs::state::completed);
    EXPECT_THAT(act({"ssh", ended.id}).problems, HasSubstr("completed"));
    auto here = add({"x"}, runs::state::running, [](auto& r) {
        r.node = "another";
        r.pid = 1;
    });
    EXPECT_THAT(act({"ssh", here.id}).problems, HasSubstr("cd "));
    auto there = add({"x"}, runs::state::running, [](auto& r) {
        r.platform = "slurm";
        r.backend_id = "17_2";
    });
    // Without a terminal it is only told.
    EXPECT_THAT(act({"ssh", there.id, "--dry-run"}).out,
                StartsWith("srun --jobid=17_2 --overlap --pty bash"));
    auto far = add({"x"}, runs::state::running, [](auto& r) {
        r.platform = "slurm";
        r.backend_id = "18";
        r.details["slurm.ssh"] = "me@login";
    });
    EXPECT_THAT(act({"ssh", far.id, "--dry-run"}).out,
                StartsWith("ssh -t -- me@login 'srun --jobid=18 --overlap --pty bash'"));
}

TEST_F(runs_test, partitions_are_those_that_the_clusters_login_nodes_know) {
    write_file(folder_.at("bin/sinfo"), "#!/bin/sh\necho 'here|1|idle|0/8/0/8|(null)'\n");
    write_file(folder_.at("bin/ssh"),
               "#!/bin/sh\necho \"far|2|idle|0/8/0/8|gpu:4\"; echo \"$@\" > " + folder_.at("asked") + "\n");
    for (const char* name : {"bin/sinfo", "bin/ssh"})
        std::filesystem::permissions(folder_.at(name), std::filesystem::perms::owner_all);
    environment_["PATH"] = folder_.at("bin") + ":/usr/bin:/bin";
    auto on = [&](const std::string& cluster, const std::string& host) {
        add({"x"}, runs::state::completed, [&](auto& r) {
            r.platform = "slurm";
            r.cluster = cluster;
            if (!host.empty()) r.details["slurm.ssh"] = host;
        });
    };
    on("near", "");
    EXPECT_THAT(act({"s"}).out, AllOf(HasSubstr("near: partition here: 1 idle"), Not(HasSubstr("far"))));
    on("eu", "me@login");
    on("eu", "me@login");
    auto o = act({"s", "--json"});
    EXPECT_THAT(o.out, HasSubstr(R"({"type":"partition","cluster":"near","name":"here","nodes":"1")"));
    EXPECT_THAT(o.out, HasSubstr(R"({"type":"partition","cluster":"eu","name":"far","nodes":"2")"));
    EXPECT_THAT(read_file(folder_.at("asked")),
                AllOf(HasSubstr("-o BatchMode=yes -- me@login "), HasSubstr("sinfo --noheader")));
}

}  // namespace
}  // namespace act::cli

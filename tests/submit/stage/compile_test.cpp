#include "submit/stage/compile.hpp"

#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "packing.hpp"
#include "submit/stage/container_program.hpp"

namespace act::testing {
namespace {

using ::testing::HasSubstr;

/// A stand-in for docker: takes the mount for the container's file system, and keeps what it was called with.
constexpr const char* stand_in = R"(#!/bin/sh
case "$1" in version | --version) exit ;; esac
printf '%s\n' "$@" > "$(dirname "$0")/called"
while [ "$1" != --mount ]; do shift; done
source=${2#*source=}
cd "${source%,target=/code}" || exit 125
while [ "$1" != -c ]; do shift; done
shift
exec bash -c "$@"
)";

class stage_compile : public packing_test {
protected:
    stage_compile() {
        tools_.write("docker", stand_in, 0755);
        set_path(tools_.path() + ":" + path_);
        tree_.write("main.c", "int main;\n");
        how_.image = "registry.example/job:1";
    }
    ~stage_compile() { set_path(path_); }
    static void set_path(const std::string& path) { ::setenv("PATH", path.c_str(), 1); }
    result<stage::report> compile(until u = {}) {
        return runtime_.run(stage::compile(runtime_, options_, pack(), how_, u));
    }
    std::string path_ = ::getenv("PATH");
    temp_folder tools_;
    stage::compile_options how_;
};

TEST_F(stage_compile, what_the_script_makes_is_packed) {
    tree_.write("compile.aml.sh", "cp main.c \"made by $1.so\"; mkdir build; echo x > build/o\n");
    tree_.write(".actignore", "*.so\nbuild/\nnotes\n");
    tree_.write("notes", "1");
    how_.arguments = "a b";
    auto r = compile();
    ASSERT_TRUE(r) << r.error().describe();
    ASSERT_TRUE(stage::unpack(r->archive, out_ / "there", r->hash));
    EXPECT_EQ(out_.read("there/made by a b.so"), "int main;\n");
    EXPECT_TRUE(out_.has("there/build/o"));
    EXPECT_FALSE(out_.has("there/notes"));
    EXPECT_FALSE(tree_.has("build"));
    EXPECT_NE(reason(*r, "notes"), "");
    std::string called = tools_.read("called");
    EXPECT_THAT(called, HasSubstr("run\n--rm\n"));
    EXPECT_THAT(called, HasSubstr("\nregistry.example/job:1\n"));
    // The copy is gone.
    std::string copy = called.substr(called.find("source=") + 7);
    copy.resize(copy.find("/code"));
    EXPECT_FALSE(std::filesystem::exists(copy));
}

TEST_F(stage_compile, a_secret_that_the_script_makes_is_not_packed) {
    tree_.write("compile.aml.sh", "echo key > id_rsa\n");
    auto r = compile();
    ASSERT_TRUE(r) << r.error().describe();
    EXPECT_THAT(reason(*r, "id_rsa"), HasSubstr("secret: "));
}

TEST_F(stage_compile, failures_say_what_to_do) {
    auto r = compile();
    ASSERT_FALSE(r);
    EXPECT_THAT(r.error().describe(), HasSubstr("compile.aml.sh is not part of the code"));
    tree_.write("compile.aml.sh", "exit 7\n");
    r = compile();
    ASSERT_FALSE(r);
    EXPECT_THAT(r.error().message(),
                HasSubstr("compile.aml.sh failed in registry.example/job:1 (exit code 7)"));
    tools_.write("docker", "#!/bin/sh\n[ $1 != run ] || exit 125\n", 0755);
    r = compile();
    ASSERT_FALSE(r);
    EXPECT_EQ(r.error().kind(), kind::configuration);
    EXPECT_THAT(r.error().advice(), HasSubstr("docker.image"));
    set_path(tools_ / "nowhere");
    r = compile();
    ASSERT_FALSE(r);
    EXPECT_EQ(r.error().kind(), kind::configuration);
    EXPECT_THAT(r.error().advice(), HasSubstr("`act init`"));
    how_.image = "";
    r = compile();
    ASSERT_FALSE(r);
    EXPECT_THAT(r.error().message(), HasSubstr("docker.image is missing"));
}

TEST_F(stage_compile, podman_takes_dockers_place_where_that_has_no_daemon) {
    tree_.write("compile.aml.sh", "true\n");
    tools_.write("docker", "#!/bin/sh\necho no daemon >&2; exit 1\n", 0755);
    tools_.write("podman", stand_in, 0755);
    ASSERT_TRUE(compile());
    // Its root is the user.
    EXPECT_THAT(tools_.read("called"), ::testing::Not(HasSubstr("chown")));
}

TEST(container_program, is_what_is_there_and_answers) {
    const act::testing::temp_folder tools;
    const std::string before = ::getenv("PATH");
    ::setenv("PATH", tools.path().c_str(), 1);
    auto found = [] { return stage::find_container_program({}); };
    EXPECT_EQ(found().name, "");
    tools.write("docker", "#!/bin/sh\n[ $1 = --version ] && echo Docker version 27.1, build podman\n", 0755);
    EXPECT_EQ(found().name, "docker") << "its own message is the best there is";
    EXPECT_FALSE(found().podman);
    tools.write("podman", "#!/bin/sh\n", 0755);
    EXPECT_EQ(found().name, "podman");
    EXPECT_TRUE(found().podman);
    tools.write("docker", "#!/bin/sh\necho podman version 4.3.1\n", 0755);
    EXPECT_EQ(found().name, "docker");
    EXPECT_TRUE(found().podman) << "distributions put it in docker's place";
    ::setenv("PATH", before.c_str(), 1);
}

TEST_F(stage_compile, a_stop_ends_docker) {
    tree_.write("compile.aml.sh", "1");
    auto packed = pack();
    // It waits until it is told to end.
    tools_.write("docker", "#!/bin/sh\n[ $1 != run ] || exec sleep 600\n", 0755);
    stop_source stop;
    stop.request();
    until u{stop.token()};
    auto r = runtime_.run(stage::compile(runtime_, options_, packed, how_, u));
    ASSERT_FALSE(r);
    EXPECT_EQ(r.error().kind(), kind::stopped);
}

}  // namespace
}  // namespace act::testing

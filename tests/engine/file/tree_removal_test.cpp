#include "engine/file/tree_removal.hpp"

#include <functional>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include <gmock/gmock.h>

#include "temporary_folder.hpp"

namespace act::file {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// In a process of its own, whose end takes what it did to itself along: namespaces, another user.
int apart(const std::function<int()>& what) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(what());
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

constexpr int cannot = 77;

bool enter_namespaces() {
    return (::unshare(CLONE_NEWNS) == 0 || ::unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0) &&
           ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
}

TEST(tree_removal, all_of_a_tree_goes_and_links_are_not_followed) {
    const temporary_folder folder;
    folder.write("tree/a/b/c/file");
    folder.write("tree/a/.hidden");
    folder.directory("tree/empty");
    folder.write("elsewhere/file");
    folder.link("tree/a/out", folder / "elsewhere");
    folder.link("tree/dangling", "nowhere");
    ASSERT_TRUE(remove_tree(folder / "tree"));
    EXPECT_THAT(folder.names(), ElementsAre("elsewhere"));
    folder.link("link", "elsewhere");
    ASSERT_TRUE(remove_tree(folder / "link"));
    ASSERT_TRUE(remove_tree(folder / "elsewhere/file"));
    EXPECT_THAT(folder.names(), ElementsAre("elsewhere"));
    EXPECT_THAT(folder.names("elsewhere"), IsEmpty());
    EXPECT_TRUE(remove_tree(folder / "nothing"));
}

// Bind mounts have the device of what they are in.
TEST(tree_removal, nothing_goes_where_something_is_mounted) {
    const temporary_folder folder;
    for (const char* what : {"folder", "file", "top"}) {
        folder.write("precious/file");
        folder.write("one");
        folder.write("tree/a");
        folder.write("tree/deep/file");
        folder.directory("tree/deep/mounted");
        const int code = apart([&]() -> int {
            const std::string kind = what;
            const std::string from = folder / (kind == "file" ? "one" : "precious");
            const std::string at = folder / (kind == "top"    ? "tree"
                                             : kind == "file" ? "tree/deep/file"
                                                              : "tree/deep/mounted");
            if (!enter_namespaces() || ::mount(from.c_str(), at.c_str(), nullptr, MS_BIND, nullptr) != 0)
                return cannot;
            const auto gone = remove_tree(folder / "tree");
            return gone || gone.error().message().find(at) == std::string::npos ||
                   gone.error().advice().find("umount " + at) == std::string::npos;
        });
        if (code == cannot) GTEST_SKIP() << "nothing can be mounted here";
        EXPECT_EQ(code, 0) << what;
        EXPECT_EQ(folder.read("precious/file"), "x");
        EXPECT_EQ(folder.read("tree/a"), "x");
        EXPECT_EQ(folder.read("tree/deep/file"), "x");
    }
}

TEST(tree_removal, what_was_write_protected_goes) {
    const temporary_folder folder;
    folder.write("tree/module/file");
    folder.write("tree/module/inner/file");
    folder.write("tree/closed/file");
    folder.write("tree/unlisted/file");
    ::chmod((folder / "tree/module/inner").c_str(), 0500);
    ::chmod((folder / "tree/module").c_str(), 0500);
    ::chmod((folder / "tree/closed").c_str(), 0);
    ::chmod((folder / "tree/unlisted").c_str(), 0400);
    constexpr uid_t nobody = 65534;
    for (const char* name : {"", "tree", "tree/module", "tree/module/inner", "tree/closed", "tree/unlisted"})
        (void)!::chown((folder / name).c_str(), ::geteuid() == 0 ? nobody : ::geteuid(),
                       static_cast<gid_t>(-1));
    const int code = apart([&] {
        // Root need not ask for permission.
        if (::geteuid() == 0 && ::setuid(nobody) != 0) return cannot;
        return remove_tree(folder / "tree") ? 0 : 1;
    });
    if (code == cannot) GTEST_SKIP() << "root stays root here";
    EXPECT_EQ(code, 0);
    EXPECT_THAT(folder.names(), IsEmpty());
}

TEST(tree_removal, what_cannot_go_is_named) {
    const auto failed = remove_tree("/proc/self/comm");
    ASSERT_FALSE(failed);
    EXPECT_THAT(failed.error().message(), HasSubstr("cannot remove /proc/self/comm"));
    EXPECT_FALSE(failed.error().advice().empty());
}

}  // namespace
}  // namespace act::file

#include "transfer/ops/folder_levels.hpp"

#include <set>

#include "copy_world.hpp"
#include "transfer/ops/spool.hpp"

namespace act::ops {
namespace {

using namespace std::chrono_literals;

/// Lets nobody on before so many are there; an error for those who have waited in vain.
class meeting {
public:
    explicit meeting(std::size_t expected) : events_(expected) {}

    task<result<void>> join() {
        std::size_t mine = 0;
        {
            std::lock_guard lock(mutex_);
            if (arrived_ == events_.size()) co_return error(kind::internal, "one too many");
            mine = arrived_++;
            if (arrived_ == events_.size()) {
                for (auto& e : events_) e.set();
            }
        }
        co_return co_await events_[mine].wait(until().within(20s));
    }

private:
    std::mutex mutex_;
    std::size_t arrived_ = 0;
    std::vector<event> events_;
};

class folder_levels_test : public ops_test {
protected:
    void SetUp() override {
        at_start.hierarchical = true;
        ops_test::SetUp();
        watched =
            std::make_shared<gate>(*auth::shared_key(store::emulator_account, secret(store::emulator_key)));
        clients.push_back(std::make_unique<connected>(
            rt, blob::account{store::emulator_account, *parse_uri(server->endpoint()), {}}, watched));
        client = &clients.back()->blobs;
        ASSERT_TRUE(rt.run(client->create_container("data", {})));
    }
    void make_folder(const std::string& name) {
        blob::write_options o;
        o.metadata = {{"hdi_isfolder", "true"}};
        ASSERT_TRUE(rt.run(client->put_blob({"data", name}, http::body::memory({}), {}, o, {})));
    }
    /// What is deleted at this depth is let go only when all of it is on its way.
    void meet(std::size_t slashes, std::size_t how_many) {
        together.emplace(how_many);
        watched->before = [this, slashes](const http::request& r) -> task<result<void>> {
            const auto path = std::string_view(r.target);
            const auto depth = static_cast<std::size_t>(std::count(path.begin(), path.end(), '/'));
            if (r.method == http::verb::del && depth == slashes) co_return co_await together->join();
            co_return result<void>();
        };
    }

    std::shared_ptr<gate> watched;
    std::optional<meeting> together;
};

// "/devstoreaccount1/data/t/0"
constexpr std::size_t of_t = 4;

TEST_F(folder_levels_test, AListKeepsItsOrderBeyondMemory) {
    spool list(1000);
    for (int i = 0; i < 5000; ++i)
        ASSERT_TRUE(list.push(std::string(static_cast<std::size_t>(i % 40), 'x') + std::to_string(i)));
    for (int i = 0; i < 5000; ++i) {
        auto next = list.pop();
        ASSERT_TRUE(next && *next);
        ASSERT_EQ(**next, std::string(static_cast<std::size_t>(i % 40), 'x') + std::to_string(i));
    }
    auto end = list.pop();
    ASSERT_TRUE(end);
    EXPECT_FALSE(*end);
}

TEST_F(folder_levels_test, GoesFromTheDeepestUpAndVisitsAllOnce) {
    progress p;
    context c{rt, buffers, p, watcher, stop.token(), 8};
    operation op(c);
    folder_levels folders;
    constexpr int many = 20'000;  // more of one depth than stay in memory
    ASSERT_TRUE(folders.add({"a", {"\"1\""}}));
    for (int i = 0; i < many; ++i) ASSERT_TRUE(folders.add({"a/some/name/" + std::to_string(i), {}}));
    ASSERT_TRUE(folders.add({"", {}}));
    ASSERT_TRUE(folders.add({"a/some/name", {}}));
    ASSERT_TRUE(folders.add({"a/some", {}}));

    std::mutex mutex;
    std::set<std::string> deepest;
    std::vector<std::string> above;
    std::string version;
    auto done = rt.run(folders.each_deepest_first(op, [&](folder_levels::folder f) -> task<void> {
        std::lock_guard lock(mutex);
        if (f.name == "a") version = f.version.text;
        if (f.name.starts_with("a/some/name/") && above.empty()) {
            deepest.insert(f.name);
        } else {
            above.push_back(f.name);
        }
        co_return;
    }));
    ASSERT_TRUE(done) << done.error().describe();
    EXPECT_EQ(deepest.size(), static_cast<std::size_t>(many));
    EXPECT_EQ(above, (std::vector<std::string>{"a/some/name", "a/some", "a", ""}));
    EXPECT_EQ(version, "\"1\"");
    EXPECT_TRUE(folders.empty());
}

TEST_F(folder_levels_test, AStopEndsTheVisits) {
    progress p;
    context c{rt, buffers, p, watcher, stop.token(), 1};
    operation op(c);
    folder_levels folders;
    for (int i = 0; i < 5000; ++i) ASSERT_TRUE(folders.add({"a/" + std::to_string(i), {}}));
    ASSERT_TRUE(folders.add({"a", {}}));
    std::atomic<unsigned> visits = 0;
    (void)rt.run(folders.each_deepest_first(op, [&](folder_levels::folder f) -> task<void> {
        EXPECT_NE(f.name, "a");
        ++visits;
        stop.request();
        co_return;
    }));
    EXPECT_LT(visits, 5000u);
}

TEST_F(folder_levels_test, RemovesFoldersOfOneDepthTogether) {
    for (int i = 0; i < 6; ++i) make_folder("t/" + std::to_string(i));
    meet(of_t, 6);
    auto gone = rm("t");
    ASSERT_TRUE(gone) << gone.error().describe();
    EXPECT_EQ(gone->failed, 0u);
    EXPECT_EQ(gone->files, 7u);
    EXPECT_TRUE(ls("").empty());
}

TEST_F(folder_levels_test, PrunesFoldersOfOneDepthTogether) {
    for (int i = 0; i < 6; ++i) make_folder("t/" + std::to_string(i));
    write_file(scratch / "tree/kept", "x");
    ASSERT_TRUE(up(scratch / "tree", "t"));
    meet(of_t, 6);
    progress p;
    context c{rt, buffers, p, watcher, stop.token(), 8};
    auto gone = rt.run(prune(c, here("tree"), there("t"), {}));
    ASSERT_TRUE(gone) << gone.error().describe();
    EXPECT_EQ(gone->failed, 0u);
    EXPECT_EQ(ls("t"), (std::vector<std::string>{"t", "t/kept"}));
}

TEST_F(folder_levels_test, MovesFoldersOfOneDepthTogether) {
    for (int i = 0; i < 6; ++i) make_folder("t/" + std::to_string(i));
    meet(of_t, 6);
    copy_link link(*client, secret(store::emulator_key), secret());
    progress p;
    context c{rt, buffers, p, watcher, stop.token(), 8};
    auto moved = rt.run(
        copy(c, {*client, "data", "t", link}, at("u"), {.compare_content = true, .remove_source = true}));
    ASSERT_TRUE(moved) << moved.error().describe();
    EXPECT_EQ(moved->failed, 0u);
    EXPECT_TRUE(ls("t").empty());
    EXPECT_EQ(ls("u").size(), 7u);
}

TEST_F(folder_levels_test, AFolderThatIsNotEmptyIsNoFailure) {
    make_folder("t/a");
    make_folder("t/b");
    // Somebody puts something into one after the listing.
    watched->before =
        [this, done = std::make_shared<std::atomic<bool>>()](const http::request& r) -> task<result<void>> {
        if (r.method != http::verb::del || done->exchange(true)) co_return result<void>();
        auto put =
            co_await clients.front()->blobs.put_blob({"data", "t/a/new"}, http::body::text("x"), {}, {}, {});
        if (!put) co_return put.error();
        co_return result<void>();
    };
    auto gone = rm("t");
    ASSERT_TRUE(gone) << gone.error().describe();
    EXPECT_EQ(gone->failed, 0u);
    EXPECT_EQ(ls(""), (std::vector<std::string>{"t", "t/a", "t/a/new"}));
}

}  // namespace
}  // namespace act::ops

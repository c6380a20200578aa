#include <fmt/format.h>

#include "transfer/plan/listing.hpp"
#include "world.hpp"

namespace act::ops {
namespace {

class list_test : public ops_test {
protected:
    void put(const std::string& name) {
        auto written = rt.run(client->put_blob({"data", name}, http::body::none(), {}, {}, {}));
        ASSERT_TRUE(written) << written.error().describe();
    }

    std::vector<std::string> in_small_pages(const std::string& prefix, unsigned page) {
        auto all = [&]() -> task<std::vector<std::string>> {
            plan::listing pages(*client, "data", {.prefix = prefix, .max_results = page}, {}, &buffers);
            task_group fetching;
            pages.start(rt, fetching);
            std::vector<std::string> names;
            for (;;) {
                auto got = co_await pages.next();
                EXPECT_TRUE(got) << got.error().describe();
                if (!got || !*got) break;
                for (auto& item : (*got)->take()) names.push_back(std::move(item.name));
            }
            pages.abandon();
            co_await fetching.join();
            co_return names;
        };
        return rt.run(all());
    }
};

TEST_F(list_test, many_pages_at_once_are_the_serial_listing) {
    ASSERT_TRUE(rt.run(client->create_container("data", {})));
    std::vector<std::string> expected;
    for (int i = 0; i < 600; ++i) expected.push_back(fmt::format("t/{:06}.jpg", i * 7));
    for (const char* odd : {"t/000a", "t/0001/x", "t/00 é", "t/日本", "t/~", "t/000000", "t/💾"}) {
        expected.emplace_back(odd);
    }
    for (const auto& name : expected) put(name);
    std::sort(expected.begin(), expected.end());
    auto serial = rt.run(client->list("data", {.prefix = "t/"}, {}));
    ASSERT_TRUE(serial);
    std::vector<std::string> names;
    for (const auto& item : serial->take()) names.push_back(item.name);
    ASSERT_EQ(names, expected);

    const auto before = stats().requests.load();
    EXPECT_EQ(in_small_pages("t/", 10), expected);
    const auto asked = stats().requests.load() - before;
    EXPECT_GT(asked, 61u + 10);  // or it was serial
    // Guesses, and the pages that end where the next range begins: both grow where answers are slow.
    EXPECT_LT(asked, 61u * 4);
    EXPECT_EQ(in_small_pages("t/0", 7).size(), 604u);
}

TEST_F(list_test, a_brief_one_shows_the_same_names_sizes_and_times) {
    ASSERT_TRUE(rt.run(client->create_container("data", {})));
    for (const char* name : {"t", "t/a", "t/b/c", "tt"}) put(name);
    auto shown = [&](blob::detail wanted, std::vector<blob::properties>& out) {
        progress p;
        context c{rt, buffers, p, watcher, stop.token(), 8};
        list_options how;
        how.raw_prefix = true;  // so that all comes from the listing
        how.detail = wanted;
        auto done = rt.run(list(c, at("t"), how, [&](const blob::properties& b) { out.push_back(b); }));
        ASSERT_TRUE(done) << done.error().describe();
        EXPECT_EQ(done->files, 4u);
    };
    std::vector<blob::properties> full, brief;
    shown(blob::detail::full, full);
    shown(blob::detail::brief, brief);
    ASSERT_EQ(full.size(), 4u);
    ASSERT_EQ(brief.size(), 4u);
    for (std::size_t i = 0; i < 4; ++i) {
        EXPECT_EQ(brief[i].name, full[i].name);
        EXPECT_EQ(brief[i].size, full[i].size);
        EXPECT_EQ(brief[i].modified, full[i].modified);
        EXPECT_FALSE(full[i].etag.empty());
        EXPECT_TRUE(brief[i].etag.empty() && brief[i].content.type.empty());
        EXPECT_FALSE(brief[i].uncommitted);
    }
}

TEST_F(list_test, metadata_is_asked_for_only_where_it_is_shown) {
    ASSERT_TRUE(rt.run(client->create_container("data", {})));
    blob::write_options folder;
    folder.metadata["hdi_isfolder"] = "true";
    ASSERT_TRUE(rt.run(client->put_blob({"data", "t/stub"}, http::body::none(), {}, folder, {})));
    for (const bool metadata : {true, false}) {
        progress p;
        context c{rt, buffers, p, watcher, stop.token(), 8};
        std::vector<bool> folders;
        auto each = [&](const blob::properties& b) { folders.push_back(b.is_directory); };
        ASSERT_TRUE(rt.run(list(c, at("t"), {.metadata = metadata}, each)));
        EXPECT_EQ(folders, std::vector<bool>{metadata});
    }
}

TEST_F(list_test, snapshots_of_a_blob_and_of_a_tree) {
    ASSERT_TRUE(rt.run(client->create_container("data", {})));
    for (const char* name : {"t", "t/a", "t2"}) put(name);
    ASSERT_TRUE(rt.run(client->snapshot({"data", "t"}, {})));
    ASSERT_TRUE(rt.run(client->snapshot({"data", "t/a"}, {})));
    EXPECT_EQ(ls("t", {.snapshots = true}), (std::vector<std::string>{"t", "t", "t/a", "t/a"}));
    EXPECT_EQ(ls("t"), (std::vector<std::string>{"t", "t/a"}));
}

}  // namespace
}  // namespace act::ops

#include <fmt/format.h>

#include "transfer/ops/copy.hpp"
#include "transfer/plan/content_hash.hpp"
#include "transfer/plan/item_list.hpp"
#include "world.hpp"

namespace act::ops {
namespace {

/// A list from lines, as tools read it from a file.
class lines final : public plan::item_list {
public:
    explicit lines(std::vector<std::string> text) : text_(std::move(text)) {}
    result<std::optional<plan::listed_item>> next() override {
        if (at_ == text_.size()) return std::optional<plan::listed_item>();
        const std::string& line = text_[at_++];
        plan::listed_item out;
        if (line.starts_with('{')) {
            auto item = plan::read_item(line);
            if (!item) out.wrong = item.error();
            if (item && *item) out = std::move(**item);
        } else {
            auto item = plan::read_name(line);
            if (!item) out.wrong = item.error();
            if (item) out = std::move(*item);
        }
        out.place = "list:" + std::to_string(at_);
        return std::optional(std::move(out));
    }
    bool ready() const override { return true; }

private:
    std::vector<std::string> text_;
    std::size_t at_ = 0;
};

class recorder final : public observer {
public:
    void item(std::string_view action, std::string_view path, std::uint64_t) override {
        std::lock_guard lock(mutex);
        items.push_back(std::string(action) + ' ' + std::string(path));
    }
    void failed(const failure& f) override {
        std::lock_guard lock(mutex);
        failures.push_back(f);
    }
    bool records() const override { return true; }
    void recorded(const record& r) override {
        std::lock_guard lock(mutex);
        records_.insert_or_assign(r.item.destination, r);
    }
    std::mutex mutex;
    std::vector<std::string> items;
    std::vector<failure> failures;
    std::map<std::string, record> records_;
};

class manifest_test : public ops_test {
protected:
    context with(observer& o) { return {rt, buffers, progress_, o, stop.token(), 8}; }

    result<summary> up_listed(std::vector<std::string> list, upload_options o = {}) {
        lines items(std::move(list));
        o.items = &items;
        auto c = with(seen);
        return rt.run(upload(c, scratch / "tree", at("t"), o));
    }
    result<summary> down_listed(std::vector<std::string> list, download_options o = {}) {
        lines items(std::move(list));
        o.items = &items;
        auto c = with(seen);
        return rt.run(download(c, at("t"), scratch / "back", o));
    }
    result<check_summary> check_listed(std::vector<std::string> list, tree_end end, manifest_options o = {}) {
        lines items(std::move(list));
        auto c = with(seen);
        return rt.run(check_manifest(c, items, std::move(end), o));
    }
    /// The records as lines of a manifest.
    std::vector<std::string> manifest() const {
        std::vector<std::string> out;
        for (const auto& [name, r] : seen.records_) {
            std::string etag = r.etag;
            for (std::size_t at = 0; (at = etag.find('"', at)) != etag.npos; at += 2)
                etag.insert(at, 1, '\\');
            out.push_back(fmt::format(
                R"({{"type":"object","name":"{}","size":{},"etag":"{}","hash":"{}","folder":{},"modified":"{}"}})",
                name, r.size, etag, r.hash, r.folder ? "true" : "false",
                to_iso8601_nanos(r.modified.value_or(wall_time{}))));
        }
        return out;
    }
    std::uint64_t requests() { return stats().requests.load(); }

    progress progress_;
    recorder seen;
};

std::string sized(const std::string& name, std::size_t size) {
    return fmt::format(R"({{"name":"{}","size":{}}})", name, size);
}

TEST_F(manifest_test, uploads_with_sizes_cost_one_request_each) {
    std::vector<std::string> list;
    for (int i = 0; i < 40; ++i) {
        write_file(scratch / fmt::format("tree/d/{}", i), std::string(10, 'x'));
        list.push_back(sized(fmt::format("d/{}", i), 10));
    }
    write_file(scratch / "tree/not-listed", "y");
    ASSERT_TRUE(rt.run(client->create_container("data", {})));
    const auto before = requests();
    const auto done = up_listed(list);
    ASSERT_TRUE(done);
    EXPECT_EQ(done->files, 40u);
    EXPECT_EQ(requests() - before, 41u);  // and a look whether the container is there
    EXPECT_EQ(ls("t").size(), 40u);

    // What is there and unchanged stays what it is, at the price of a look.
    const auto again = up_listed(list);
    EXPECT_EQ(again->skipped, 40u);
    EXPECT_EQ(again->files, 0u);
}

TEST_F(manifest_test, a_list_replaces_what_changed_and_sends_folders_with_all_that_is_in_them) {
    write_file(scratch / "tree/a", "one");
    write_file(scratch / "tree/sub/deep/b", "two");
    fs::create_directories(scratch / "tree/empty");
    const auto first = up_listed({"a", "sub", "empty"});
    ASSERT_TRUE(first);
    EXPECT_EQ(first->failed, 0u);
    EXPECT_EQ(ls("t"), (std::vector<std::string>{"t/a", "t/empty", "t/sub/deep/b"}));

    write_file(scratch / "tree/a", "other");
    const auto second = up_listed({sized("a", 5)});
    EXPECT_EQ(second->files, 1u);
    ASSERT_TRUE(down("t", scratch / "back"));
    EXPECT_EQ(read_file(scratch / "back/a"), "other");
}

TEST_F(manifest_test, large_files_of_a_list_are_replaced_too) {
    write_file(scratch / "tree/big", random_bytes(9 * MiB, 1));
    ASSERT_TRUE(up_listed({sized("big", 9 * MiB)}));
    write_file(scratch / "tree/big", random_bytes(9 * MiB, 2));
    const auto done = up_listed({sized("big", 9 * MiB)});
    ASSERT_TRUE(done);
    EXPECT_EQ(done->failed, 0u);
    ASSERT_TRUE(down("t/big", scratch / "back"));
    EXPECT_EQ(read_file(scratch / "back"), random_bytes(9 * MiB, 2));
}

TEST_F(manifest_test, downloads_with_sizes_cost_their_gets_alone) {
    std::vector<std::string> list;
    for (int i = 0; i < 30; ++i) {
        write_file(scratch / fmt::format("tree/{}", i), std::string(i, 'x'));
        list.push_back(sized(std::to_string(i), i));
    }
    write_file(scratch / "tree/big", random_bytes(20 * MiB, 1));
    fs::permissions(scratch / "tree/5", fs::perms(0700));
    list.push_back(sized("big", 20 * MiB));
    ASSERT_TRUE(up(scratch / "tree", "t"));
    const auto before = requests();
    const auto done = down_listed(list);
    ASSERT_TRUE(done);
    EXPECT_EQ(done->files, 31u);
    EXPECT_EQ(done->failed, 0u);
    EXPECT_EQ(requests() - before, 30u + 1 + 3);  // the block list and the blocks of the large one
    EXPECT_EQ(read_file(scratch / "back/big"), random_bytes(20 * MiB, 1));
    EXPECT_EQ(read_file(scratch / "back/7"), "xxxxxxx");
    // What the first answer tells is kept: the file is what a plain download makes.
    EXPECT_EQ(fs::status(scratch / "back/5").permissions() & fs::perms::mask, fs::perms(0700));
    const auto again = down("t", scratch / "back");
    EXPECT_EQ(again->skipped, 31u);
}

TEST_F(manifest_test, names_without_sizes_are_answered_by_pages_where_they_are_dense) {
    std::vector<std::string> list;
    for (int i = 0; i < 60; ++i) {
        write_file(scratch / fmt::format("tree/{:02}", i), "x");
        if (i % 2 == 0) list.push_back(fmt::format("{:02}", i));
    }
    list.push_back("not there");
    ASSERT_TRUE(up(scratch / "tree", "t"));
    auto before = requests();
    auto done = down_listed(list);
    ASSERT_TRUE(done);
    EXPECT_EQ(done->files, 30u);
    EXPECT_EQ(done->failed, 1u);
    ASSERT_EQ(seen.failures.size(), 1u);
    EXPECT_EQ(seen.failures[0].error.kind(), kind::not_found);
    EXPECT_EQ(seen.failures[0].item->source, "not there");
    // A page that passes over a name is not believed: that one is asked for by itself.
    EXPECT_EQ(requests() - before, 32u);
    before = requests();
    done = down_listed({"03", "05"}, {.overwrite = plan::overwrite::always});  // a few: each by itself
    EXPECT_EQ(done->files, 2u);
    EXPECT_EQ(requests() - before, 4u);
}

TEST_F(manifest_test, what_is_not_as_listed_fails_and_leaves_the_file) {
    write_file(scratch / "tree/a", "content");
    write_file(scratch / "tree/b", "content");
    write_file(scratch / "tree/big", random_bytes(5 * MiB, 1));
    ASSERT_TRUE(up(scratch / "tree", "t"));
    write_file(scratch / "back/a", "old");
    const auto done =
        down_listed({sized("a", 5), R"({"name":"b","size":7,"etag":"0x123"})", sized("big", 6 * MiB),
                     sized("none", 1), "../x", "/etc/passwd", "a//b", "{\"name\":", "{}"});
    ASSERT_TRUE(done);
    EXPECT_EQ(done->files, 0u);
    EXPECT_EQ(done->failed, 9u);
    EXPECT_EQ(read_file(scratch / "back/a"), "old");
    EXPECT_FALSE(fs::exists(scratch / "back/b"));
    EXPECT_FALSE(fs::exists(scratch / "back/big"));
    std::map<std::string, kind> kinds;
    for (const auto& f : seen.failures) kinds[f.item ? f.item->source : f.path] = f.error.kind();
    EXPECT_EQ(kinds["a"], kind::precondition);
    EXPECT_EQ(kinds["b"], kind::precondition);
    EXPECT_EQ(kinds["big"], kind::precondition);
    EXPECT_EQ(kinds["none"], kind::not_found);
    for (const char* place : {"list:5", "list:6", "list:7", "list:8", "list:9"})
        EXPECT_EQ(kinds[place], kind::usage) << place;
}

TEST_F(manifest_test, pairs_get_other_names_both_ways_and_between_stores) {
    write_file(scratch / "tree/a", "content");
    ASSERT_TRUE(up_listed({R"({"source":"a","destination":"x/y"})"}));
    EXPECT_EQ(ls("t"), std::vector<std::string>{"t/x/y"});
    ASSERT_TRUE(down_listed({R"({"source":"x/y","destination":"z"})"}));
    EXPECT_EQ(read_file(scratch / "back/z"), "content");

    lines items({R"({"source":"x/y","destination":"q"})", "nothing"});
    copy_options o;
    o.items = &items;
    copy_link link(*client, secret(store::emulator_key), secret());
    auto c = with(seen);
    const auto done = rt.run(copy(c, {*client, "data", "t", link}, at("u"), o));
    ASSERT_TRUE(done);
    EXPECT_EQ(done->files, 1u);
    EXPECT_EQ(done->failed, 1u);
    EXPECT_EQ(ls("u"), std::vector<std::string>{"u/q"});
}

TEST_F(manifest_test, removes_just_what_is_listed) {
    for (const char* name : {"a", "b", "c"}) write_file(scratch / (std::string("tree/") + name), "x");
    ASSERT_TRUE(up(scratch / "tree", "t"));
    lines items({"a", "c", "gone already"});
    remove_options o;
    o.items = &items;
    auto r = rm("t", o);
    ASSERT_TRUE(r);
    EXPECT_EQ(r->files, 2u);
    EXPECT_EQ(r->skipped, 1u) << "what was not there";
    EXPECT_EQ(r->failed, 0u);
    EXPECT_EQ(ls("t"), std::vector<std::string>{"t/b"});
    for (const char* again : {"a", "nor this"}) {
        lines gone({again});
        o.items = &gone;
        r = rm("t", o);
        ASSERT_TRUE(r);
        EXPECT_EQ(r->files, 0u);
        EXPECT_EQ(r->skipped, 1u);
    }
}

TEST_F(manifest_test, listed_blobs_of_other_kinds_come_down_too) {
    ASSERT_TRUE(rt.run(client->create_container("data", {})));
    const std::string page = random_bytes(1 * MiB, 1), text = random_bytes(3 * MiB, 2);
    ASSERT_TRUE(rt.run(client->create_page_blob({"data", "t/disk"}, 40 * MiB, {}, {})));
    ASSERT_TRUE(
        rt.run(client->put_page({"data", "t/disk"}, {9 * MiB, page.size()}, http::body::text(page), {})));
    ASSERT_TRUE(rt.run(client->create_append_blob({"data", "t/log"}, {}, {})));
    for (std::uint64_t at = 0; at < 30 * MiB; at += text.size())
        ASSERT_TRUE(rt.run(client->append_block({"data", "t/log"}, http::body::text(text), at, {})));
    const auto done = down_listed({sized("disk", 40 * MiB), sized("log", 30 * MiB)});
    ASSERT_TRUE(done) << done.error().describe();
    for (const auto& f : seen.failures) ADD_FAILURE() << f.path << ": " << f.error.describe();
    EXPECT_EQ(done->files, 2u);
    EXPECT_EQ(read_file(scratch / "back/disk").substr(9 * MiB, page.size()), page);
    EXPECT_EQ(read_file(scratch / "back/log").substr(27 * MiB), text);
}

TEST_F(manifest_test, the_record_of_an_upload_and_of_a_download_say_the_same) {
    write_file(scratch / "tree/small", "content");
    write_file(scratch / "tree/blocks", random_bytes(20 * MiB, 1));
    write_file(scratch / "tree/one-block", random_bytes(5 * MiB, 2));
    fs::create_directories(scratch / "tree/empty");
    auto c = with(seen);
    ASSERT_TRUE(rt.run(upload(c, scratch / "tree", at("t"), {})));
    const auto sent = seen.records_;
    ASSERT_EQ(sent.size(), 4u);
    EXPECT_TRUE(sent.at("empty").folder);
    EXPECT_EQ(sent.at("small").hash, plan::whole_hash(codec::xxh3_of(codec::as_bytes("content"))));
    EXPECT_TRUE(sent.at("blocks").hash.starts_with("xxh3-128/8388608:")) << sent.at("blocks").hash;
    EXPECT_TRUE(sent.at("one-block").hash.starts_with("xxh3-128:"));
    seen.records_.clear();
    ASSERT_TRUE(rt.run(download(c, at("t"), scratch / "back", {})));
    for (const auto& [name, r] : sent) {
        const record& came = seen.records_.at(name);
        EXPECT_EQ(came.etag, r.etag) << name;
        EXPECT_EQ(came.size, r.size) << name;
        EXPECT_EQ(came.hash, r.hash) << name;
        EXPECT_EQ(came.modified, r.modified) << name;
        EXPECT_FALSE(came.unchanged);
    }
    seen.records_.clear();
    ASSERT_TRUE(rt.run(download(c, at("t"), scratch / "back", {})));
    EXPECT_TRUE(seen.records_.at("blocks").unchanged);
    EXPECT_EQ(seen.records_.at("blocks").etag, sent.at("blocks").etag);

    // A list of it fetches nothing that is here already, without a request.
    const auto before = requests();
    const auto done = down_listed(manifest());
    EXPECT_EQ(done->skipped, 4u);
    EXPECT_EQ(requests(), before);
}

TEST_F(manifest_test, check_finds_each_difference_here_and_there) {
    for (const char* name : {"a", "b-content", "c-size", "d-missing"}) {
        write_file(scratch / (std::string("tree/") + name), "content");
    }
    write_file(scratch / "tree/sub/blocks", random_bytes(20 * MiB, 1));
    fs::create_directories(scratch / "tree/empty");
    auto c = with(seen);
    ASSERT_TRUE(rt.run(upload(c, scratch / "tree", at("t"), {})));
    auto entries = manifest();
    std::reverse(entries.begin(), entries.end());  // any order will do

    auto found = check_listed(entries, here("tree"), {.extra = true});
    ASSERT_TRUE(found);
    EXPECT_TRUE(found->equal());
    EXPECT_EQ(found->same, 6u);
    EXPECT_EQ(found->by_size, 0u);
    const auto before = requests();
    found = check_listed(entries, there("t"), {.extra = true});
    EXPECT_TRUE(found->equal());
    EXPECT_LE(requests() - before, 2u);  // a listing, and whether the path is a blob

    // A folder that has something in it by now is still there.
    write_file(scratch / "tree/empty/new", "x");
    write_file(scratch / "tree/b-content", "CONTENT");
    write_file(scratch / "tree/c-size", "longer content");
    fs::remove(scratch / "tree/d-missing");
    std::string bytes = random_bytes(20 * MiB, 1);
    bytes[10 * MiB] ^= 1;
    write_file(scratch / "tree/sub/blocks", bytes);
    seen.items.clear();
    found = check_listed(entries, here("tree"), {.extra = true});
    ASSERT_TRUE(found);
    EXPECT_EQ(found->same, 2u);
    std::ranges::sort(seen.items);
    EXPECT_EQ(seen.items, (std::vector<std::string>{"content b-content", "content sub/blocks",
                                                    "extra empty/new", "missing d-missing", "size c-size"}));
    ASSERT_TRUE(check_listed(entries, here("tree")));
    EXPECT_EQ(check_listed(entries, here("tree"))->extra, 0u);

    // The same blob written again has another ETag; by its blocks it is the same.
    fs::remove_all(scratch / "tree");
    write_file(scratch / "tree/sub/blocks", random_bytes(20 * MiB, 1));
    ASSERT_TRUE(up(scratch / "tree", "t", {.overwrite = plan::overwrite::always}));
    seen.items.clear();
    found = check_listed(entries, there("t"));
    EXPECT_EQ(found->differ, 1u);
    EXPECT_EQ(seen.items, std::vector<std::string>{"etag sub/blocks"});
    EXPECT_TRUE(check_listed(entries, there("t"), {.compare_content = true})->equal());
    bytes = random_bytes(20 * MiB, 3);
    write_file(scratch / "tree/sub/blocks", bytes);
    ASSERT_TRUE(up(scratch / "tree", "t", {.overwrite = plan::overwrite::always}));
    seen.items.clear();
    EXPECT_EQ(check_listed(entries, there("t"), {.compare_content = true})->differ, 1u);
    EXPECT_EQ(seen.items, std::vector<std::string>{"content sub/blocks"});
}

TEST(content_hash, reads_its_forms_and_nothing_else) {
    const std::string hex(32, 'a');
    EXPECT_EQ(plan::parse_content_hash("xxh3-128:" + hex)->form, plan::content_hash::form::whole);
    const auto blocks = plan::parse_content_hash("xxh3-128/8388608:" + hex);
    ASSERT_TRUE(blocks);
    EXPECT_EQ(blocks->form, plan::content_hash::form::blocks);
    EXPECT_EQ(blocks->block, 8388608u);
    EXPECT_TRUE(plan::parse_content_hash("md5:1B2M2Y8AsgTpgAmY7PhCfg=="));
    EXPECT_TRUE(plan::parse_content_hash("crc64:0123456789abcdef"));
    for (const std::string& bad :
         {std::string(), hex, "sha256:" + hex, "xxh3-128:" + hex + "0", "xxh3-128/0:" + hex,
          "xxh3-128/8k:" + hex, std::string("md5:x"), std::string("crc64:12")})
        EXPECT_FALSE(plan::parse_content_hash(bad)) << bad;
}

TEST(item_list, takes_its_own_output_and_refuses_what_escapes) {
    auto one = [](std::string_view line) { return plan::read_item(line); };
    EXPECT_EQ((*one(R"({"type":"failure","path":"/x/a","name":"a","code":"io"})"))->source, "a");
    EXPECT_EQ((*one(R"({"type":"difference","what":"missing","path":"a","size":3})"))->source, "a");
    EXPECT_FALSE(*one(R"({"type":"difference","what":"extra","path":"a","size":3})"));
    EXPECT_FALSE(*one(R"({"type":"summary","files":3})"));
    const auto object = one(R"({"type":"object","name":"b","source":"a","size":3,"etag":"\"0x1\""})");
    EXPECT_EQ((*object)->source, "a");
    EXPECT_EQ((*object)->destination, "b");
    EXPECT_EQ((*object)->etag.text, "\"0x1\"");
    EXPECT_EQ((*one(R"({"name":"a","etag":"0x1"})"))->etag.text, "\"0x1\"");
    for (const char* bad :
         {R"({"type":"failure","path":"/x"})", R"({"type":"blob","name":"a"})", R"({"name":"../a"})",
          R"({"source":"a","destination":"/a"})", R"({"name":"a","size":-1})", R"({"name":"a","size":"1"})",
          R"({"name":"a","size":1.5})", R"({"name":3})", R"({"name":"a","modified":"yesterday"})", "{",
          "{}"}) {
        const auto read = one(bad);
        ASSERT_FALSE(read) << bad;
        EXPECT_EQ(read.error().kind(), kind::usage);
    }
    for (const char* bad : {"", "/", "..", "a/..", "a/../b", "./a", "a//b", "\xff"})
        EXPECT_FALSE(plan::read_name(bad)) << bad;
    EXPECT_TRUE(plan::read_name("a..b/.c"));
}

}  // namespace
}  // namespace act::ops

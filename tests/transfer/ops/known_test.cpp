// A manifest in place of the listing of a destination: what is asked for, and what of it is believed.

#include <set>

#include <fmt/format.h>

#include "copy_world.hpp"
#include "engine/codec/base64.hpp"
#include "transfer/plan/content_hash.hpp"
#include "transfer/plan/item_list.hpp"

namespace act::ops {
namespace {

using plan::overwrite;

/// A manifest in memory.
class remembered final : public plan::manifest {
public:
    result<void> begin() override {
        at_ = items.begin();
        return {};
    }
    result<std::optional<plan::listed_item>> next() override {
        using item = std::optional<plan::listed_item>;
        return at_ == items.end() ? item() : item((at_++)->second);
    }
    result<void> changing() override {
        ++told;
        return refusal;
    }
    void doubt(const std::string& name) override {
        std::lock_guard lock(mutex_);
        doubted.insert(name);
    }
    void add(plan::listed_item item) { items.insert_or_assign(item.destination, std::move(item)); }
    std::map<std::string, plan::listed_item> items;
    unsigned told = 0;
    result<void> refusal{};  ///< what changing() answers
    std::set<std::string> doubted;

private:
    std::mutex mutex_;
    std::map<std::string, plan::listed_item>::iterator at_;
};

class known_test : public copy_test {
protected:
    /// What an operation told is what the next one knows.
    class rolling final : public observer {
    public:
        explicit rolling(remembered& into) : into_(into) {}
        bool records() const override { return true; }
        void recorded(const record& r) override {
            std::lock_guard lock(mutex_);
            if (r.gone) {
                into_.items.erase(r.item.destination);
                return;
            }
            plan::listed_item item;
            item.source = item.destination = r.item.destination;
            item.size = r.size;
            item.etag.text = r.etag;
            item.modified = r.modified;
            item.hash = r.hash;
            item.folder = r.folder;
            item.link = r.link;
            if (r.blob_type == "page") item.type = blob::blob_type::page;
            next.add(std::move(item));
        }
        remembered next;

    private:
        std::mutex mutex_;
        remembered& into_;
    };

    result<summary> send(upload_options o = {}) {
        o.known = &known;
        return first(o);
    }
    result<summary> first(upload_options o = {}) {
        rolling seen(known);
        progress p;
        context c{rt, buffers, p, seen, stop.token(), 8};
        auto r = rt.run(upload(c, scratch / "tree", at("t"), o));
        for (auto& [name, item] : seen.next.items) known.add(item);
        return r;
    }
    result<summary> clear(prune_options o = {}) {
        rolling seen(known);
        progress p;
        context c{rt, buffers, p, seen, stop.token(), 8};
        tree_end destination;
        destination.there.emplace(at("t"));
        before.items = known.items;
        before.refusal = known.refusal;
        destination.known = &before;
        return rt.run(prune(c, here("tree"), destination, o));
    }
    /// From here on all requests pass `rule` first.
    void watch(gate::rule rule) {
        blob::account account{store::emulator_account, *parse_uri(server->endpoint())};
        auto seen = std::make_shared<gate>(*auth::shared_key(account.name, secret(store::emulator_key)));
        seen->before = std::move(rule);
        clients.push_back(std::make_unique<connected>(rt, account, seen));
        honest = client;
        client = &clients.back()->blobs;
    }
    std::string stored(const std::string& name) {
        return content_of(honest ? *honest : *client, "data", name);
    }
    std::uint64_t asked() { return stats().requests.load(); }

    remembered known;
    remembered before;  ///< of clear()
    blob::client* honest = nullptr;
};

upload_options by(overwrite how, bool content = false) {
    upload_options o;
    o.overwrite = how;
    o.compare_content = content;
    return o;
}

TEST_F(known_test, WhatIsUnchangedCostsNothing) {
    write_file(scratch / "tree/a", "small");
    write_file(scratch / "tree/large", random_bytes(9 * MiB, 1));
    write_file(scratch / "tree/sub/b", "two");
    fs::create_directories(scratch / "tree/sub-empty");
    fs::create_symlink("a", scratch / "tree/link");
    upload_options o;
    o.links = file::links::report;
    ASSERT_TRUE(first(o));
    ASSERT_EQ(known.items.size(), 5u);
    for (const overwrite how : {overwrite::different, overwrite::newer, overwrite::never}) {
        for (const bool content : {false, true}) {
            o.overwrite = how;
            o.compare_content = content;
            const auto before = asked();
            const auto r = send(o);
            ASSERT_TRUE(r) << r.error().describe();
            EXPECT_EQ(r->skipped, 5u);
            EXPECT_EQ(asked() - before, 0u) << int(how) << content;
        }
    }
}

TEST_F(known_test, AnUndatedItemIsComparedByWhicheverHashThereIs) {
    const std::string small = "content", large = random_bytes(9 * MiB, 1);
    write_file(scratch / "tree/a", small);
    write_file(scratch / "tree/b", large);
    ASSERT_TRUE(first());
    const auto bytes = codec::as_bytes(small);
    const std::string md5 = codec::base64_encode(codec::as_bytes(codec::md5_of(bytes)));
    const std::string of_large = known.items.at("b").hash;
    for (const std::string& hash : {plan::whole_hash(codec::xxh3_of(bytes)), plan::md5_hash(md5),
                                    plan::crc64_hash(codec::crc64(0, bytes))}) {
        known.items.at("a").hash = hash;
        for (auto& [name, item] : known.items) item.modified.reset();
        const auto before = asked();
        EXPECT_EQ(send()->skipped, 2u) << hash;
        EXPECT_EQ(asked() - before, 0u);
        EXPECT_TRUE(known.items.at("a").modified) << "told for the next time";
        EXPECT_EQ(known.items.at("b").hash, of_large);
    }
    // What a failed run left is proven by nothing.
    for (auto& [name, item] : known.items) item.doubtful = true;
    const auto before = asked();
    const auto r = send();
    EXPECT_EQ(r->files, 1u) << "the small one; the large one is looked at";
    EXPECT_EQ(r->skipped, 1u);
    EXPECT_EQ(asked() - before, 2u);
}

TEST_F(known_test, AfterTheLookOnlyWhatWasSeenIsReplaced) {
    write_file(scratch / "tree/a", "old");
    ASSERT_TRUE(first());
    write_file(scratch / "tree/a", "mine, changed");
    put("t/a", "theirs");
    // Between the look, which the first refusal brings, and the second try somebody writes once more.
    auto puts = std::make_shared<std::atomic<int>>(0);
    watch([this, puts](const http::request& r) -> task<result<void>> {
        if (r.method == http::verb::put && ++*puts == 2) {
            auto theirs =
                co_await honest->put_blob({"data", "t/a"}, http::body::text("theirs again"), {}, {}, {});
            EXPECT_TRUE(theirs);
        }
        co_return result<void>();
    });
    const auto r = send();
    ASSERT_TRUE(r) << r.error().describe();
    EXPECT_EQ(r->failed, 1u);
    EXPECT_EQ(stored("t/a"), "theirs again");
}

TEST_F(known_test, WhatIsGoneIsWrittenAnew) {
    for (const char* name : {"a", "b", "c"}) write_file(scratch / ("tree/" + std::string(name)), "old");
    ASSERT_TRUE(first());
    ASSERT_TRUE(rm("t"));
    write_file(scratch / "tree/a", "changed");
    write_file(scratch / "tree/b", random_bytes(9 * MiB, 1));
    const auto r = send();
    ASSERT_TRUE(r) << r.error().describe();
    EXPECT_EQ(r->files, 2u);
    EXPECT_EQ(r->failed, 0u);
    EXPECT_EQ(ls("t"), (std::vector<std::string>{"t/a", "t/b"})) << "c is believed to be there";
}

TEST_F(known_test, NewerLooksAtTheTimeOfTheBlobItself) {
    // Another tool's: no time is recorded, and it is younger than the file.
    write_file(scratch / "tree/a", "same!");
    fs::last_write_time(scratch / "tree/a", fs::file_time_type::clock::now() - std::chrono::hours(3));
    put("t/a", "same!");
    ASSERT_TRUE(first());
    ASSERT_TRUE(known.items.contains("a"));
    write_file(scratch / "tree/a", "mine!");
    fs::last_write_time(scratch / "tree/a", fs::file_time_type::clock::now() - std::chrono::hours(1));
    const auto r = send(by(overwrite::newer));
    ASSERT_TRUE(r) << r.error().describe();
    EXPECT_EQ(r->skipped, 1u);
    EXPECT_EQ(stored("t/a"), "same!");
}

TEST_F(known_test, PruneDeletesTheVersionThatItKnowsOrLooks) {
    for (const char* name : {"changed", "gone", "grown", "keep", "stale", "d/x"})
        write_file(scratch / ("tree/" + std::string(name)), "old");
    ASSERT_TRUE(first());
    for (const char* name : {"changed", "gone", "grown", "stale", "d"})
        fs::remove_all(scratch / ("tree/" + std::string(name)));
    put("t/changed", "!");
    put("t/grown", std::string(100, 'x'));
    put("t/unknown", "!");
    ASSERT_TRUE(rm("t/gone"));
    // As it is now it is nothing that the selection takes.
    plan::selection_rules rules;
    rules.most_size = 50;
    prune_options o;
    o.wanted = *plan::selection::make(rules);
    const auto r = clear(o);
    ASSERT_TRUE(r) << r.error().describe();
    EXPECT_EQ(r->files, 3u);
    EXPECT_EQ(r->failed, 0u);
    EXPECT_EQ(ls("t"), (std::vector<std::string>{"t/grown", "t/keep", "t/unknown"}));
    EXPECT_EQ(known.items.size(), 2u) << "grown and keep";
    EXPECT_TRUE(before.doubted.contains("grown")) << "it is not what the manifest tells";
    EXPECT_FALSE(before.doubted.contains("keep"));
}

TEST_F(known_test, WhateverMayHaveBeenDeletedIsDoubted) {
    constexpr int many = 300;  // more than one batch
    for (int i = 0; i < many; ++i) write_file(scratch / fmt::format("tree/f{:03}", i), "x");
    write_file(scratch / "tree/keep", "x");
    ASSERT_TRUE(first());
    for (int i = 0; i < many; ++i) fs::remove(scratch / fmt::format("tree/f{:03}", i));
    const auto all = known.items;
    for (const auto status : {kind::permission, kind::integrity}) {
        // Of one item, and of the kind that ends the whole.
        known.items = all;
        before.doubted.clear();
        watch([status](const http::request& r) -> task<result<void>> {
            if (r.target.find("comp=batch") == std::string::npos) co_return result<void>();
            co_return error(status, "no answer").with_service("", 403, {});
        });
        const auto r = clear();
        client = honest;
        EXPECT_EQ(r.has_value(), status != kind::permission);
        for (const auto& [name, item] : all)
            EXPECT_TRUE(name == "keep" || !known.items.contains(name) || before.doubted.contains(name))
                << name;
        EXPECT_GE(before.doubted.size(), 256u);
        EXPECT_FALSE(before.doubted.contains("keep"));
    }
}

TEST_F(known_test, TheManifestIsToldBeforeTheFirstChangeAndMayRefuseIt) {
    write_file(scratch / "tree/a", "x");
    write_file(scratch / "tree/b", "x");
    ASSERT_TRUE(first());
    ASSERT_TRUE(send());
    ASSERT_TRUE(clear());
    EXPECT_EQ(known.told + before.told, 0u) << "nothing changes";

    known.refusal = error(kind::conflict, "not now");
    for (const std::string& content : {std::string("other"), std::string(6 << 20, 'x')}) {
        write_file(scratch / "tree/a", content);
        for (const auto type : {blob::blob_type::block, blob::blob_type::append}) {
            upload_options o;
            o.type = type;
            const auto r = send(o);
            ASSERT_FALSE(r);
            EXPECT_EQ(r.error().message(), "not now");
            EXPECT_EQ(stored("t/a"), "x");
        }
    }
    fs::remove(scratch / "tree/a");
    EXPECT_FALSE(clear());
    EXPECT_EQ(stored("t/a"), "x");
    EXPECT_GT(known.told, 0u);
    EXPECT_EQ(before.told, 1u);
}

TEST_F(known_test, PruneKeepsItsLimitsAndManyNames) {
    write_file(scratch / "tree/keep", "x");
    ASSERT_TRUE(first());
    ASSERT_TRUE(rm("t"));
    constexpr int many = 15'000;  // more than stays in memory
    for (int i = 0; i < many; ++i) {
        plan::listed_item item;
        item.source = item.destination = fmt::format("{:06}-{}", i, std::string(300, 'n'));
        item.size = 1;
        item.etag.text = "\"0x1\"";
        known.add(std::move(item));
    }
    prune_options o;
    o.most = many - 1;
    const auto before = asked();
    const auto refused = clear(o);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind(), kind::conflict);
    EXPECT_EQ(asked() - before, 0u);
    o.most = many;
    o.dry_run = true;
    EXPECT_EQ(clear(o)->files, std::uint64_t(many));
    EXPECT_EQ(asked() - before, 0u);
    o.dry_run = false;
    const auto r = clear(o);
    ASSERT_TRUE(r) << r.error().describe();
    EXPECT_EQ(r->skipped, std::uint64_t(many)) << "gone already";
    EXPECT_EQ(known.items.size(), 1u);

    fs::remove_all(scratch / "tree/keep");
    EXPECT_FALSE(clear()) << "an empty source deletes nothing";
}

TEST(item_list, ReadsWhatManifestsTell) {
    auto one = plan::read_item(
        R"({"type":"object","name":"a","size":0,"link":true,"blob_type":"append","state":"failed"})");
    ASSERT_TRUE(one && *one);
    EXPECT_TRUE((*one)->link);
    EXPECT_TRUE((*one)->doubtful);
    EXPECT_EQ((*one)->type, blob::blob_type::append);
    one = plan::read_item(R"({"type":"object","name":"a","size":0,"state":"unchanged"})");
    EXPECT_FALSE((*one)->doubtful || (*one)->link);
    EXPECT_EQ((*one)->type, blob::blob_type::block);

    const auto head =
        plan::read_mark(R"({"type":"manifest","version":1,"verb":"sync","destination":"https://x/y"})");
    ASSERT_TRUE(head);
    EXPECT_TRUE(head->begins);
    EXPECT_EQ(head->version, 1u);
    EXPECT_EQ(head->destination, "https://x/y");
    const auto end = plan::read_mark(R"({"type":"end","objects":7,"complete":true})");
    ASSERT_TRUE(end);
    EXPECT_TRUE(end->complete && !end->begins);
    EXPECT_EQ(end->objects, 7u);
    EXPECT_EQ(plan::read_mark(R"({"type":"manifest","version":"x","destination":3})")->destination, "");
}

}  // namespace
}  // namespace act::ops

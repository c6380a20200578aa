#pragma once

#include <mutex>

#include "transfer/ops/copy.hpp"
#include "world.hpp"

namespace act::ops {

/// Sees every request of a client before it is sent, and may do something first or refuse it.
class gate final : public http::authorizer {
public:
    using rule = std::function<task<result<void>>(const http::request&)>;
    explicit gate(std::shared_ptr<http::authorizer> inner) : inner_(std::move(inner)) {}

    task<result<void>> authorize(http::request& r, const http::endpoint& e, std::uint64_t n,
                                 until u) override {
        {
            std::lock_guard lock(mutex_);
            const char* query = std::strchr(r.target.c_str(), '?');
            std::string what(to_string(r.method));
            if (query && r.target.find("comp=") != std::string::npos) {
                const auto at = r.target.find("comp=");
                what += ' ' + r.target.substr(at, r.target.find('&', at) - at);
            }
            if (r.headers.has("x-ms-copy-source")) what += " from url";
            ++seen_[what];
        }
        if (before) ACT_CO_TRY_VOID(co_await before(r));
        co_return co_await inner_->authorize(r, e, n, u);
    }

    task<bool> refresh(until u) override {
        ++refreshed;
        co_return co_await inner_->refresh(std::move(u));
    }

    /// How often this was sent: "PUT from url", "PUT comp=block from url", "PUT comp=blocklist", "PUT".
    unsigned count(const std::string& what) {
        std::lock_guard lock(mutex_);
        return seen_[what];
    }
    void forget() {
        std::lock_guard lock(mutex_);
        seen_.clear();
    }
    rule before;
    std::atomic<unsigned> refreshed = 0;

private:
    std::shared_ptr<http::authorizer> inner_;
    std::mutex mutex_;
    std::map<std::string, unsigned> seen_;
};

constexpr const char* put_from_url = "PUT from url";
constexpr const char* block_from_url = "PUT comp=block from url";
constexpr const char* block_put = "PUT comp=block";
constexpr const char* commit = "PUT comp=blocklist";

/// A second store, of another account with another key, as the destination of copies.
class copy_test : public ops_test {
protected:
    static constexpr const char* other_account = "weststore";
    static constexpr const char* other_key =
        "b3RoZXIta2V5LW9mLXRoZS10ZXN0cy1mb3ItYWN0LWNvcGllcy0xMjM0NTY3ODkwMTI=";

    void SetUp() override {
        ops_test::SetUp();
        store::options o;
        o.root = scratch / "other";
        o.listen = "127.0.0.1:0";
        o.account = other_account;
        o.hierarchical = other_hierarchical;
        o.key = secret(other_key);
        other.emplace(rt, o);
        ASSERT_TRUE(other->start());
        watched = std::make_shared<gate>(*auth::shared_key(other_account, secret(other_key)));
        clients.push_back(std::make_unique<connected>(
            rt, blob::account{other_account, *parse_uri(other->endpoint()), {}}, watched));
        there = &clients.back()->blobs;
        link.emplace(*client, secret(store::emulator_key), secret());
    }
    void TearDown() override {
        ops_test::TearDown();
        rt.run(other->stop());
    }

    result<summary> cp(const std::string& from, const std::string& to, copy_options o = {}) {
        progress p;
        context c{rt, buffers, p, watcher, stop.token(), lanes};
        return rt.run(copy(c, {*client, "data", from, *link}, {*there, "copies", to}, o));
    }
    /// A copy of which nothing may fail.
    summary copied(const std::string& from, const std::string& to, copy_options o = {}) {
        auto r = cp(from, to, o);
        if (!r) {
            ADD_FAILURE() << r.error().describe();
            return {};
        }
        for (const auto& f : r->failures) ADD_FAILURE() << f.path << ": " << f.error.describe();
        return *r;
    }

    void put(const std::string& name, std::string_view content, blob::write_options o = {}) {
        (void)rt.run(client->create_container("data", {}));
        auto r = rt.run(client->put_blob({"data", name}, body(content), {}, o, {}));
        ASSERT_TRUE(r) << r.error().describe();
    }
    void put_there(const std::string& name, std::string_view content, blob::write_options o = {}) {
        (void)rt.run(there->create_container("copies", {}));
        auto r = rt.run(there->put_blob({"copies", name}, body(content), {}, o, {}));
        ASSERT_TRUE(r) << r.error().describe();
    }
    /// In blocks with another tool's ids.
    void put_foreign(const std::string& name, std::string_view content, std::size_t block) {
        (void)rt.run(client->create_container("data", {}));
        std::vector<std::string> ids;
        for (std::size_t at = 0; at < content.size(); at += block) {
            char id[16];
            std::snprintf(id, sizeof id, "MDAw%04zu", ids.size());
            ids.push_back(id);
            const auto piece = content.substr(at, block);
            ASSERT_TRUE(rt.run(client->put_block({"data", name}, id, body(piece), {}, {}, {})));
        }
        ASSERT_TRUE(rt.run(client->put_block_list({"data", name}, ids, {}, {})));
    }
    /// Somebody else with the same rights at the destination.
    blob::client* make_other() {
        auto key = auth::shared_key(other_account, secret(other_key));
        const blob::account account{other_account, *parse_uri(other->endpoint()), {}};
        clients.push_back(std::make_unique<connected>(rt, account, *key));
        return &clients.back()->blobs;
    }
    /// What is written at the destination from now on has a later date than all that stands at the source.
    void next_second() {
        auto page = rt.run(client->list("data", {}, {}));
        ASSERT_TRUE(page);
        wall_time last{};
        for (const auto& p : page->take()) last = std::max(last, p.modified);
        do put_there("clock", "x");
        while (head_there("clock").modified <= last);
        ASSERT_TRUE(rt.run(there->remove({"copies", "clock"}, blob::snapshots::refuse, {}, {})));
    }
    static http::body body(std::string_view s) {
        return s.empty() ? http::body::memory({}) : http::body::text(s);
    }

    std::string content_of(blob::client& c, const std::string& container, const std::string& name) {
        auto read = [](blob::client& from, blob::address at) -> task<result<std::string>> {
            ACT_CO_TRY(blob::download d, co_await from.get(at, {}, {}, {}));
            co_return co_await d.body.read_all(1 * GiB, {});
        };
        auto text = rt.run(read(c, {container, name}));
        return text ? *text : "cannot read " + name + ": " + text.error().describe();
    }
    std::string content_there(const std::string& name) { return content_of(*there, "copies", name); }
    blob::properties head_there(const std::string& name) {
        auto p = rt.run(there->head({"copies", name}, {}));
        EXPECT_TRUE(p) << p.error().describe();
        return p ? *p : blob::properties();
    }
    std::vector<std::string> names_there() {
        auto page = rt.run(there->list("copies", {}, {}));
        std::vector<std::string> out;
        if (page) {
            for (const auto& p : page->take()) out.push_back(p.name);
        }
        return out;
    }
    std::vector<std::string> ids(blob::client& c, const blob::address& at) {
        auto list = rt.run(c.get_block_list(at, true, true, {}));
        EXPECT_TRUE(list) << list.error().describe();
        std::vector<std::string> out;
        if (list) {
            EXPECT_TRUE(list->uncommitted.empty());
            for (const auto& b : list->committed) out.push_back(b.id);
        }
        return out;
    }

    unsigned lanes = 8;
    bool other_hierarchical = false;
    std::optional<store::store> other;
    std::shared_ptr<gate> watched;
    blob::client* there = nullptr;
    std::optional<copy_link> link;
};

}  // namespace act::ops

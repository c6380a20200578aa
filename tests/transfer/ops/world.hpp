#pragma once

#include <filesystem>
#include <fstream>
#include <random>
#include <unistd.h>

#include <gtest/gtest.h>

#include "engine/core/units.hpp"
#include "tools/store/store.hpp"
#include "transfer/auth/credential.hpp"
#include "transfer/client/client.hpp"
#include "transfer/ops/ops.hpp"

namespace act::ops {

namespace fs = std::filesystem;

/// A folder of its own, gone at the end.
class scratch_folder {
public:
    scratch_folder() {
        std::string pattern = (fs::temp_directory_path() / "act-ops-XXXXXX").string();
        path_ = ::mkdtemp(pattern.data());
    }
    ~scratch_folder() { fs::remove_all(path_); }
    std::string operator/(const std::string& name) const { return path_ + "/" + name; }

private:
    std::string path_;
};

inline std::string random_bytes(std::size_t size, unsigned seed) {
    std::mt19937_64 random(seed);
    std::string out(size, '\0');
    for (std::size_t i = 0; i < size; i += 8) {
        const std::uint64_t word = random();
        std::memcpy(out.data() + i, &word, std::min<std::size_t>(8, size - i));
    }
    return out;
}

inline void write_file(const std::string& path, const std::string& content) {
    fs::create_directories(fs::path(path).parent_path());
    std::ofstream(path, std::ios::binary) << content;
}

inline std::string read_file(const std::string& path) {
    // Not by characters: these files are large.
    std::ifstream in(path, std::ios::binary | std::ios::ate);
    std::string content(in ? static_cast<std::size_t>(in.tellg()) : 0, '\0');
    in.seekg(0);
    in.read(content.data(), static_cast<std::streamsize>(content.size()));
    return content;
}

/// An embedded store and a client of it, both real, in one process.
class ops_test : public ::testing::Test {
protected:
    void SetUp() override {
        store::options o = at_start;
        o.root = scratch / "store";
        o.listen = "127.0.0.1:0";
        server.emplace(rt, o);
        ASSERT_TRUE(server->start());
        client = make_client(store::emulator_key);
    }

    void TearDown() override {
        for (auto& c : clients) rt.run(c->transport.close());
        clients.clear();
        rt.run(server->stop());
    }

    struct connected {
        connected(runtime& r, blob::account account, std::shared_ptr<http::authorizer> key)
            : transport(r, {}), blobs(transport, std::move(account), std::move(key)) {}
        http::client transport;
        blob::client blobs;
    };

    blob::client* make_client(const char* key) {
        blob::account account{store::emulator_account, *parse_uri(server->endpoint())};
        auto credential = auth::shared_key(account.name, secret(key));
        EXPECT_TRUE(credential);
        clients.push_back(std::make_unique<connected>(rt, std::move(account), *credential));
        return &clients.back()->blobs;
    }

    http::counters& stats() { return clients.front()->transport.stats(); }

    remote at(const std::string& path) { return {*client, "data", path}; }

    tree_end here(const std::string& path) {
        tree_end end;
        end.local = scratch / path;
        return end;
    }
    tree_end there(const std::string& path) {
        tree_end end;
        end.there.emplace(at(path));
        return end;
    }

    result<summary> up(const std::string& local, const std::string& path, upload_options o = {}) {
        progress p;
        context c{rt, buffers, p, watcher, stop.token(), 8};
        return rt.run(upload(c, local, at(path), o));
    }
    result<summary> down(const std::string& path, const std::string& local, download_options o = {}) {
        progress p;
        context c{rt, buffers, p, watcher, stop.token(), 8};
        return rt.run(download(c, at(path), local, o));
    }
    result<summary> rm(const std::string& path, remove_options o = {}) {
        progress p;
        context c{rt, buffers, p, watcher, stop.token(), 8};
        return rt.run(remove(c, at(path), o));
    }
    std::vector<std::string> ls(const std::string& path, list_options o = {}) {
        progress p;
        context c{rt, buffers, p, watcher, stop.token(), 8};
        std::vector<std::string> names;
        (void)rt.run(list(c, at(path), o, [&](const blob::properties& b) { names.push_back(b.name); }));
        return names;
    }

    scratch_folder scratch;
    runtime rt{{.loops = 2, .blocking_threads = 4}};
    buffer_pool buffers{64 * MiB};
    observer watcher;
    stop_source stop;
    store::options at_start;  ///< of the store, but for where it is
    std::optional<store::store> server;
    std::vector<std::unique_ptr<connected>> clients;
    blob::client* client = nullptr;
};

}  // namespace act::ops

#pragma once

#include <functional>

#include <gtest/gtest.h>

#include "../support/temp_folder.hpp"
#include "engine/file/file.hpp"
#include "submit/backend/backend.hpp"
#include "submit/stage/pack.hpp"

namespace act::testing {

/// A store that holds what the test says: paths in the container, and their content.
class fake_store : public backend::data_source {
public:
    task<result<fetched>> fetch(cluster::location from, std::string to, until) override {
        asked.push_back(from.relative);
        if (at_fetch) at_fetch();
        auto outcome = fetched::nothing;
        for (const auto& [name, content] : blobs) {
            bool exact = name == from.blob_path;
            if (!exact && !name.starts_with(from.blob_path + "/")) continue;
            std::filesystem::path target = to + name.substr(from.blob_path.size());
            if (outcome == fetched::nothing) outcome = fetched::unchanged;
            const auto there = file::read_all(target.string(), 1 << 20);
            if (there && *there == content) continue;
            std::filesystem::create_directories(target.parent_path());
            std::ofstream(target) << content;
            outcome = fetched::changed;
        }
        co_return outcome;
    }
    /// Copies to the folder `sent`; a failing command when there is none.
    result<backend::delivery> deliver(const cluster::location& to, const std::string& from) override {
        const std::string in_store = to.blob_path;
        return backend::delivery{
            .command = {"sh", "-c", sent.empty() ? "exit 6" : script, "sh", from, sent, in_store},
            .url = address.empty() ? "" : address + "/" + in_store};
    }
    std::string sent, address, script = "mkdir -p \"$2/$3\" && cp -r \"$1\"/. \"$2/$3\"";
    std::map<std::string, std::string> blobs;
    std::vector<std::string> asked;
    std::function<void()> at_fetch;
};

/// The built-in cluster of a project.
inline cluster::config local_cluster(const std::string& project) {
    cluster::config c;
    c.name = "local";
    c.platform = "local";
    c.root = project;
    c.builtin_local = true;
    c.mappings = {{.key = "*_folder", .folder = "*", .account_file = "", .path = ""}};
    return c;
}

class jobs_test : public ::testing::Test {
protected:
    jobs_test() : runtime_(runtime_options{1, 3}), journal_(*runs::journal::open(home_ / "state/act")) {
        project_.write("main.sh", "true\n");
        config_ = local_cluster(project_.path());
    }

    backend::services services() {
        return {.runtime = runtime_,
                .journal = journal_,
                .data = &store_,
                .environment = {{"HOME", home_.path()}},
                .executable = std::filesystem::read_symlink("/proc/self/exe").string(),
                .note = [this](std::string_view text) { notes_ += std::string(text) + "\n"; }};
    }
    std::unique_ptr<backend::driver> driver() {
        auto d = backend::make_driver(config_, services());
        EXPECT_TRUE(d);
        return std::move(*d);
    }
    backend::job job_of(std::vector<std::string> command) {
        stage::pack_options options = stage::options_for(config_, {});
        options.folder = home_ / "archives";
        auto packed = runtime_.run(stage::pack(runtime_, options, {}));
        EXPECT_TRUE(packed) << packed.error().describe();
        backend::job j;
        j.command = std::move(command);
        if (!packed) return j;
        j.code = packed->hash;
        j.archive = packed->archive;
        j.env = job_env_;
        j.layout = layout_;
        j.name = name_;
        return j;
    }
    result<runs::record> submit(backend::driver& d, std::vector<std::string> command, until u = {}) {
        return runtime_.run(d.submit(job_of(std::move(command)), u));
    }
    /// Submits and follows to the end; what came out is in out_ and err_.
    runs::record run(std::vector<std::string> command) {
        auto d = driver();
        auto r = submit(*d, std::move(command));
        EXPECT_TRUE(r) << r.error().describe();
        if (!r) return {};
        out_.clear(), err_.clear();
        auto sink = [this](backend::stream s, std::string_view text) {
            (s == backend::stream::out ? out_ : err_) += text;
        };
        auto ended = runtime_.run(backend::follow(*d, *r, sink, until{}.within(std::chrono::seconds(60))));
        EXPECT_TRUE(ended) << ended.error().describe();
        return ended ? *ended : runs::record{};
    }

    temp_folder project_, home_;
    act::runtime runtime_;
    runs::journal journal_;
    cluster::config config_;
    fake_store store_;
    std::map<std::string, std::string> job_env_;
    backend::layout layout_;
    std::string name_;
    std::string out_, err_, notes_;
};

}  // namespace act::testing

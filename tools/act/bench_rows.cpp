#include "tools/act/bench_rows.hpp"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "engine/core/units.hpp"
#include "tools/act/screen.hpp"
#include "tools/act/world.hpp"
#include "transfer/ops/copy.hpp"

namespace act::cli {

namespace {

constexpr std::string_view rows[] = {"upload-large",   "download-large", "copy-large", "upload-small", "list",
                                     "download-small", "copy-small",     "delete",     "put",          "get"};
constexpr unsigned tiny_count = 200;
// As many requests as the controller may come to by itself.
constexpr unsigned most_in_flight = 256;

class nobody final : public observer {};

/// How an operation ended, when anything less than all of it is a failure.
result<summary> whole(result<summary> r) {
    if (!r) return r;
    if (r->stopped) return error(kind::stopped, "interrupted");
    if (r->failed > 0 && !r->failures.empty())
        return error(r->failures.front().error).in(r->failures.front().path);
    return r;
}

task<result<summary>> put_tiny(blob::client& c, std::string container, std::string path, until u) {
    const std::string text(1024, 'x');
    summary done;
    for (unsigned i = 0; i < tiny_count; ++i) {
        blob::address at{container, fmt::format("{}/{:03}", path, i)};
        auto put = co_await c.put_blob(std::move(at), http::body::text(text), {}, {}, u);
        if (!put) co_return put.error();
        ++done.files;
        done.bytes += text.size();
    }
    co_return done;
}

task<result<summary>> get_tiny(blob::client& c, std::string container, std::string path, until u) {
    std::vector<std::byte> memory(1024);
    summary done;
    for (unsigned i = 0; i < tiny_count; ++i) {
        blob::address at{container, fmt::format("{}/{:03}", path, i)};
        const blob::range all{0, memory.size()};
        auto got = co_await c.get(std::move(at), all, {}, u);
        if (!got) co_return got.error();
        auto read = co_await c.read_verified(*got, std::span(memory).first(got->length), u);
        if (!read) co_return read.error();
        ++done.files;
        done.bytes += got->length;
    }
    co_return done;
}

}  // namespace

/// A session on the target, and a client whose requests are seen.
class bench_work::bench {
public:
    static result<std::unique_ptr<bench>> open(invocation& call, const bench_target& at) {
        std::unique_ptr<bench> made(new bench(call, at));
        ACT_TRY(made->account_, made->session_.account_at("bench", at.account));
        made->meter_ = std::make_shared<request_meter>(made->account_->gate);
        http::pipeline_options how;
        how.admission = made->meter_;
        made->client_ = std::make_unique<blob::client>(*made->account_->client, std::move(how));
        return made;
    }

    result<summary> upload(const std::string& local, const std::string& path) {
        ops::upload_options how{.overwrite = plan::overwrite::always, .create_container = false};
        return run(ops::upload(context_, local, there(path), std::move(how)));
    }
    result<summary> download(const std::string& path, const std::string& local) {
        ops::download_options how{.overwrite = plan::overwrite::always};
        return run(ops::download(context_, there(path), local, std::move(how)));
    }
    result<summary> copy(const std::string& from, const std::string& to) {
        ops::copy_options how{.overwrite = plan::overwrite::always, .create_container = false};
        ops::copy_source source{*client_, at_.container, from, session_.link(*account_, *account_)};
        return run(ops::copy(context_, source, there(to), std::move(how)));
    }
    result<summary> list(const std::string& path) {
        return run(ops::list(context_, there(path), {}, [](const blob::properties&) {}));
    }
    result<summary> remove(const std::string& path) { return run(ops::remove(context_, there(path), {})); }
    result<summary> put(const std::string& path) {
        return run(put_tiny(*client_, at_.container, path, session_.until()));
    }
    result<summary> get(const std::string& path) {
        return run(get_tiny(*client_, at_.container, path, session_.until()));
    }
    /// A whole blob in place of the parts of one.
    result<void> settle(const std::string& name) {
        blob::address at{at_.container, name};
        auto put =
            session_.runtime().run(client_->put_blob(at, http::body::none(), {}, {}, session_.until()));
        if (!put) return put.error();
        return {};
    }

    class session& session() { return session_; }
    request_meter& meter() { return *meter_; }

private:
    bench(invocation& call, const bench_target& at)
        : at_(at), session_(call, at.cluster), context_(session_.context(nobody_)) {}
    ops::remote there(const std::string& path) { return {*client_, at_.container, path}; }
    result<summary> run(task<result<summary>> t) { return whole(session_.runtime().run(std::move(t))); }

    const bench_target& at_;
    nobody nobody_;
    class session session_;
    ops::context context_;
    opened_account* account_ = nullptr;
    std::shared_ptr<request_meter> meter_;
    std::unique_ptr<blob::client> client_;
};

std::span<const std::string_view> bench_rows() { return rows; }

result<std::set<std::string, std::less<>>> chosen_rows(const std::string& only) {
    std::set<std::string, std::less<>> out;
    if (only.empty()) {
        out.insert(std::begin(rows), std::end(rows));
        return out;
    }
    for (std::size_t at = 0; at <= only.size();) {
        const std::size_t end = std::min(only.find(',', at), only.size());
        const std::string wanted = only.substr(at, end - at);
        at = end + 1;
        bool known = false;
        for (const std::string_view row : rows) {
            // "put" is a row, and not part of one.
            const std::string framed = fmt::format("-{}-", row);
            if (wanted.empty() || framed.find(fmt::format("-{}-", wanted)) == std::string::npos) continue;
            out.emplace(row);
            known = true;
        }
        if (!known) {
            return error(kind::usage, fmt::format("--only: nothing is called `{}`", wanted),
                         fmt::format("give some of {}", fmt::join(rows, ", ")));
        }
    }
    return out;
}

bench_work::bench_work(invocation& call, const bench_target& target, const bench_sizes& sizes,
                       std::string folder, std::set<std::string, std::less<>> chosen, told t)
    : call_(call),
      target_(target),
      sizes_(sizes),
      folder_(std::move(folder)),
      rows_(std::move(chosen)),
      told_(std::move(t)) {}

bool bench_work::wants(std::initializer_list<std::string_view> some) const {
    return std::any_of(some.begin(), some.end(),
                       [&](std::string_view row) { return rows_.find(row) != rows_.end(); });
}

std::string bench_work::stored(const std::string& name) const {
    return fmt::format("{}/{}/{}", target_.path, round_, name);
}

result<void> bench_work::make_files() {
    const until patience{.stop = call_.world.stop.token()};
    call_.screen.status(call_.world.problems_is_terminal ? "making files" : "");
    if (wants({"upload-large", "download-large", "copy-large"})) {
        ACT_TRY(const double seconds, write_noise(folder_ + "/large", sizes_.large, 1, patience));
        file_rate_ = static_cast<double>(sizes_.large) / std::max(seconds, 1e-6);
    }
    if (!wants({"upload-small", "list", "download-small", "copy-small", "delete"})) return {};
    for (std::uint64_t i = 0; i < sizes_.small_count; ++i) {
        ACT_TRY_VOID(patience.check());
        const std::string within = fmt::format("{}/small/{:03}", folder_, i / 100);
        if (i % 100 == 0) ACT_TRY_VOID(file::make_directories(within));
        ACT_TRY_VOID(write_noise(fmt::format("{}/{:02}", within, i % 100), sizes_.small_size, i + 2));
    }
    return {};
}

result<void> bench_work::step(std::string_view row, const work& what) {
    if (call_.world.stop.requested()) return error(kind::stopped, "interrupted");
    if (call_.world.problems_is_terminal) call_.screen.status(fmt::format("round {}: {}", round_, row));
    ACT_TRY(auto at, bench::open(call_, target_));
    buffer_pool& memory = at->session().buffers();
    machine_meter machine(target_.server,
                          [&] { return memory.in_use() > memory.budget() - memory.budget() / 16; });
    auto done = what(*at);
    measurement m;
    machine.stop(m.seen);
    if (!done) return error(done.error()).in(std::string(row));
    m.requests = at->meter().read();
    m.peak = machine.peak();
    m.seen.objects = done->files;
    m.seen.bytes = done->bytes;
    m.seen.requests = m.requests.requests;
    m.seen.refused = m.requests.refused;
    m.seen.request_seconds = m.requests.seconds;
    m.seen.most_in_flight = call_.given.concurrency.value_or(most_in_flight);
    m.seen.one_at_a_time = row == "put" || row == "get";
    if (row == "download-large") m.seen.file_rate = file_rate_;
    // What a list finds is not carried.
    if (row == "list" || row == "delete") m.seen.bytes = 0;
    if (rows_.find(row) == rows_.end()) return {};
    told_(row, round_, m);
    results_[std::string(row)].push_back(std::move(m));
    return {};
}

result<void> bench_work::drop(const std::string& name) {
    ACT_TRY(auto at, bench::open(call_, target_));
    ACT_TRY_VOID(at->remove(stored(name)));
    return {};
}

result<void> bench_work::large() {
    if (!wants({"upload-large", "download-large", "copy-large"})) return {};
    const std::string local = folder_ + "/large", back = folder_ + "/large-back";
    const std::string up = stored("large"), copied = stored("large-copy");
    unfinished_ = {up};
    ACT_TRY_VOID(step("upload-large", [&](bench& b) { return b.upload(local, up); }));
    unfinished_.clear();
    if (wants({"download-large"})) {
        ACT_TRY_VOID(step("download-large", [&](bench& b) { return b.download(up, back); }));
        std::error_code ignored;
        std::filesystem::remove(back, ignored);
    }
    if (wants({"copy-large"})) {
        unfinished_ = {copied};
        ACT_TRY_VOID(step("copy-large", [&](bench& b) { return b.copy(up, copied); }));
        unfinished_.clear();
        ACT_TRY_VOID(drop("large-copy"));
    }
    return drop("large");
}

result<void> bench_work::small() {
    if (!wants({"upload-small", "list", "download-small", "copy-small", "delete"})) return {};
    const std::string local = folder_ + "/small", back = folder_ + "/small-back";
    const std::string up = stored("small"), copied = stored("small-copy");
    ACT_TRY_VOID(step("upload-small", [&](bench& b) { return b.upload(local, up); }));
    if (wants({"list"})) ACT_TRY_VOID(step("list", [&](bench& b) { return b.list(up); }));
    if (wants({"download-small"})) {
        ACT_TRY_VOID(step("download-small", [&](bench& b) { return b.download(up, back); }));
        std::error_code ignored;
        std::filesystem::remove_all(back, ignored);
    }
    if (wants({"copy-small"})) {
        ACT_TRY_VOID(step("copy-small", [&](bench& b) { return b.copy(up, copied); }));
        ACT_TRY_VOID(drop("small-copy"));
    }
    return wants({"delete"}) ? step("delete", [&](bench& b) { return b.remove(up); }) : drop("small");
}

result<void> bench_work::tiny() {
    if (!wants({"put", "get"})) return {};
    const std::string up = stored("tiny");
    ACT_TRY_VOID(step("put", [&](bench& b) { return b.put(up); }));
    if (wants({"get"})) ACT_TRY_VOID(step("get", [&](bench& b) { return b.get(up); }));
    return drop("tiny");
}

result<void> bench_work::round(unsigned number) {
    round_ = number;
    ACT_TRY_VOID(large());
    ACT_TRY_VOID(small());
    return tiny();
}

result<void> bench_work::clear(invocation& call, const bench_target& target,
                               std::set<std::string> unfinished) {
    ACT_TRY(auto at, bench::open(call, target));
    for (const auto& name : unfinished) ACT_TRY_VOID(at->settle(name));
    auto removed = at->remove(target.path);
    if (!removed && removed.error().kind() != kind::not_found) return removed.error();
    return {};
}

}  // namespace act::cli

#include "engine/file/file.hpp"
#include "transfer/ops/download_file.hpp"
#include "transfer/ops/listed.hpp"
#include "transfer/plan/attributes.hpp"
#include "transfer/plan/content_hash.hpp"

namespace act::ops {

namespace {

class small_download final : public job {
public:
    small_download(download_run& run, download_item item) : run_(run), item_(std::move(item)) {}

    task<void> run() override {
        auto outcome = co_await fetch();
        if (outcome) {
            run_.op.advance(item_.info.size);
            run_.op.done(item_.info.is_directory ? "create" : "download", item_.local, item_.info.size);
            record(run_, item_, std::move(hash_), false);
        } else {
            run_.op.failed(item_.local, outcome.error(), {item_.info.name, item_.local});
        }
    }

private:
    task<result<void>> fetch() {
        const until u = run_.op.patience();
        ACT_CO_TRY_VOID(u.check());
        const std::size_t size = item_.info.size;
        buffer memory;
        if (size > 0) {
            ACT_CO_TRY(memory, co_await run_.op.context().buffers.take(size, u));
        }
        if (size > 0 || !item_.looked) {
            second_chances more(reinterpret_cast<std::uintptr_t>(this));
            for (;;) {
                auto got = co_await read_once(memory.span(), u);
                if (got) break;
                if (!co_await more.after(got.error(), u)) co_return got.error();
            }
        }
        if (item_.info.is_directory) co_return file::make_directories(item_.local);
        if (run_.op.records()) hash_ = plan::whole_hash(codec::xxh3_of(memory.span().first(size)));
        ACT_CO_TRY(auto target, file::aside::create(item_.local));
        if (size > 0) ACT_CO_TRY_VOID(file::write_at(target.fd(), memory.span(), 0, item_.local));
        ACT_CO_TRY_VOID(
            target.publish(file_mode(item_.info), plan::file_time(item_.info), durability_of(run_)));
        co_return co_await finish_source(run_, {run_.from.container, item_.info.name}, item_.info.etag);
    }

    task<result<void>> read_once(std::span<std::byte> into, until u) {
        const blob::address where{run_.from.container, item_.info.name};
        const auto seen = blob::conditions::matching(item_.info.etag);
        ACT_CO_TRY(blob::download d,
                   co_await run_.from.client.get(where, blob::range{0, item_.info.size}, seen, u));
        if (!item_.looked) ACT_CO_TRY_VOID(learn(item_, where, d));
        co_return co_await run_.from.client.read_verified(d, into, u);
    }

    download_run& run_;
    download_item item_;
    std::string hash_;
};

}  // namespace

result<void> learn(download_item& item, const blob::address& where, const blob::download& d) {
    if (d.total != item.info.size || d.length > item.info.size) {
        return not_as_listed(where, d.total, item.info.size);
    }
    const blob::etag seen = item.info.etag;
    item.info = d.info;
    item.info.name = where.name;
    if (item.info.etag.empty()) item.info.etag = seen;
    return {};
}

std::uint32_t file_mode(const blob::properties& info) { return plan::mode_of(info.metadata).value_or(0); }

std::unique_ptr<job> download_small(download_run& run, download_item item) {
    return std::make_unique<small_download>(run, std::move(item));
}

}  // namespace act::ops

#include "engine/file/file.hpp"
#include "transfer/ops/download_file.hpp"
#include "transfer/plan/attributes.hpp"

namespace act::ops {

namespace {

class small_download final : public job {
public:
    small_download(download_run& run, download_item item) : run_(run), item_(std::move(item)) {}

    task<void> run() override {
        auto outcome = co_await fetch();
        if (!outcome) {
            run_.op.failed(item_.local, outcome.error());
        } else if (*outcome) {
            run_.op.advance(item_.info.size);
            run_.op.done("download", item_.local, item_.info.size);
        } else {
            run_.op.skipped(item_.local, item_.info.size);
        }
    }

private:
    /// False when something came there meanwhile that is not to be replaced.
    task<result<bool>> fetch() {
        const until u = run_.op.patience();
        ACT_CO_TRY_VOID(u.check());
        const std::size_t size = item_.info.size;
        buffer memory;
        if (size > 0) {
            ACT_CO_TRY(memory, co_await run_.op.context().buffers.take(size, u));
            second_chances more(reinterpret_cast<std::uintptr_t>(this));
            for (;;) {
                auto got = co_await read_once(memory.span(), u);
                if (got) break;
                if (!co_await more.after(got.error(), u)) co_return got.error();
            }
        }
        ACT_CO_TRY(const bool appeared, appear(memory.span().first(size)));
        if (!appeared) co_return false;
        const blob::address where{run_.from.container, item_.info.name};
        ACT_CO_TRY_VOID(co_await finish_source(run_, where, item_.info.etag));
        co_return true;
    }

    result<bool> appear(std::span<const std::byte> content) {
        if (plan::is_link(item_.info)) {
            const std::string leads_to(reinterpret_cast<const char*>(content.data()), content.size());
            return run_.target.link(item_.local, leads_to, item_.info);
        }
        ACT_TRY(auto file, run_.target.create(item_.local));
        if (!content.empty()) ACT_TRY_VOID(file::write_at(file.fd(), content, 0, item_.local));
        return run_.target.publish(file, item_.info, durability_of(run_));
    }

    task<result<void>> read_once(std::span<std::byte> into, until u) {
        const blob::address where{run_.from.container, item_.info.name};
        const auto seen = blob::conditions::matching(item_.info.etag);
        ACT_CO_TRY(blob::download d,
                   co_await run_.from.client.get(where, blob::range{0, item_.info.size}, seen, u));
        co_return co_await run_.from.client.read_verified(d, into, u);
    }

    download_run& run_;
    download_item item_;
};

}  // namespace

std::unique_ptr<job> download_small(download_run& run, download_item item) {
    return std::make_unique<small_download>(run, std::move(item));
}

}  // namespace act::ops

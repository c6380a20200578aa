#include "engine/file/file.hpp"
#include "transfer/ops/blob_part.hpp"
#include "transfer/ops/download_file.hpp"
#include "transfer/plan/attributes.hpp"

namespace act::ops {

namespace {

class small_download final : public job {
public:
    small_download(download_run& run, download_item item) : run_(run), item_(std::move(item)) {}

    task<void> run() override {
        auto outcome = co_await fetch();
        if (outcome) {
            run_.op.advance(item_.info.size);
            run_.op.done("download", item_.local, item_.info.size);
        } else {
            run_.op.failed(item_.local, outcome.error());
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
            second_chances more(reinterpret_cast<std::uintptr_t>(this));
            for (;;) {
                auto got = co_await read_part(run_.from.client, run_.op.context().buffers,
                                              {run_.from.container, item_.info.name}, item_.info.etag,
                                              {{0, size}, {}}, memory, u);
                if (got) break;
                if (!co_await more.after(got.error(), u)) co_return got.error();
            }
        }
        ACT_CO_TRY(auto target, file::aside::create(item_.local));
        if (size > 0) ACT_CO_TRY_VOID(file::write_at(target.fd(), memory.span(), 0, item_.local));
        ACT_CO_TRY_VOID(
            target.publish(file_mode(item_.info), plan::file_time(item_.info), durability_of(run_)));
        co_return co_await finish_source(run_, {run_.from.container, item_.info.name}, item_.info.etag);
    }

    download_run& run_;
    download_item item_;
};

}  // namespace

std::uint32_t file_mode(const blob::properties& info) { return plan::mode_of(info.metadata).value_or(0); }

std::unique_ptr<job> download_small(download_run& run, download_item item) {
    return std::make_unique<small_download>(run, std::move(item));
}

}  // namespace act::ops

#include "transfer/ops/content_md5.hpp"
#include "transfer/ops/unpacked_file.hpp"
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
        ACT_CO_TRY(const bool hashed,
                   wants_md5(run_.options.md5, item_.info, plan::written_by_us(item_.info.metadata)));
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
        if (hashed) {
            codec::digest md5(codec::digest::algorithm::md5);
            md5.update(memory.span());
            ACT_CO_TRY_VOID(compare_md5(run_.options.md5, item_.info, md5));
        }
        const auto packed = run_.options.decompress ? compressed_as(item_.info) : std::nullopt;
        if (packed) {
            // What comes out may be a thousand times as long.
            auto write = [&] { return write_unpacked(*packed, memory.span()); };
            ACT_CO_TRY_VOID(co_await run_.op.context().runtime.blocking(write));
        } else {
            ACT_CO_TRY(auto target, file::aside::create(item_.local));
            if (size > 0) ACT_CO_TRY_VOID(file::write_at(target.fd(), memory.span(), 0, item_.local));
            ACT_CO_TRY_VOID(
                target.publish(file_mode(item_.info), plan::file_time(item_.info), durability_of(run_)));
        }
        co_return co_await finish_source(run_, {run_.from.container, item_.info.name}, item_.info.etag);
    }

    /// Blocks.
    result<void> write_unpacked(codec::inflate_stream::format how, std::span<const std::byte> stored) {
        ACT_TRY(unpacked_file plain, unpacked_file::create(run_, item_, how));
        ACT_TRY_VOID(plain.feed(stored, run_.op.patience()));
        return plain.publish();
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

std::uint32_t file_mode(const blob::properties& info) { return plan::mode_of(info.metadata).value_or(0); }

std::unique_ptr<job> download_small(download_run& run, download_item item) {
    return std::make_unique<small_download>(run, std::move(item));
}

}  // namespace act::ops

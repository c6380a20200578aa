#include "transfer/ops/copy_blob.hpp"

namespace act::ops {

namespace {

class small_copy final : public blob_copy {
public:
    using blob_copy::blob_copy;

private:
    task<result<void>> send() override {
        const until u = run_.op.patience();
        const copy_link::form form = copy_link::form::put_blob;
        copy_link& link = run_.from.link;
        const bool by_server = link.may(form);
        if (item_.source.size == 0) co_return co_await put(http::body::memory({}), {}, by_server, u);

        auto verdict = copy_link::verdict::relay;
        auto refused = result<void>();
        if (by_server) {
            refused = co_await put_from_url(u);
            if (refused) {
                advance(item_.source.size);
                done(way::server_side);
                co_return result<void>();
            }
            verdict = copy_link::judge(refused.error());
            if (verdict == copy_link::verdict::failed) co_return refused.error();
            if (verdict == copy_link::verdict::refused) link.remember(form, refused.error());
        }
        ACT_CO_TRY(buffer memory, co_await run_.op.context().buffers.take(item_.source.size, u));
        ACT_CO_TRY(const blob::body_checksum sum,
                   co_await read_source({0, item_.source.size}, {}, memory.span(), u));
        ACT_CO_TRY_VOID(co_await put(http::body::memory(memory.span()), sum, false, u));
        if (verdict == copy_link::verdict::suspect) link.remember(form, refused.error());
        co_return result<void>();
    }

    task<result<void>> put(http::body body, blob::body_checksum sum, bool by_server, until u) {
        auto written = co_await run_.to.client.put_blob(to_, body, sum, description(), u);
        if (!written) co_return written.error();
        wrote(std::move(written->etag));
        advance(item_.source.size);
        done(by_server ? way::server_side : way::through_client);
        co_return result<void>();
    }
};

}  // namespace

std::unique_ptr<job> copy_small(copy_run& run, copy_item item) {
    return std::make_unique<small_copy>(run, std::move(item));
}

}  // namespace act::ops

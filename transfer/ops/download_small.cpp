#include "transfer/ops/blob_part.hpp"
#include "transfer/ops/content_md5.hpp"
#include "transfer/ops/listed.hpp"
#include "transfer/ops/unpacked_file.hpp"
#include "transfer/plan/attributes.hpp"
#include "transfer/plan/content_hash.hpp"

namespace act::ops {

namespace {

class small_download final : public job {
public:
    small_download(download_run& run, download_item item) : run_(run), item_(std::move(item)) {}

    task<void> run() override {
        auto outcome = co_await fetch();
        if (!outcome) {
            run_.op.failed(item_.local, outcome.error(), {item_.info.name, item_.local});
        } else if (*outcome) {
            run_.op.advance(item_.info.size);
            run_.op.done(item_.info.is_directory ? "create" : "download", item_.local, item_.info.size);
            record(run_, item_, std::move(hash_), false);
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
        }
        if (size > 0 || !item_.looked) {
            second_chances more(reinterpret_cast<std::uintptr_t>(this));
            for (;;) {
                auto got = co_await read_once(memory, u);
                if (got) break;
                if (!co_await more.after(got.error(), u)) co_return got.error();
            }
        }
        if (item_.info.is_directory) {
            ACT_CO_TRY_VOID(run_.target.make_folder(item_.local));
            co_return true;
        }
        if (plan::is_link(item_.info) && !run_.options.links.restore) {
            // Of a list, which does not tell.
            ++run_.links_left;
            co_return false;
        }
        if (auto why = unreadable(item_.info)) co_return *why;
        const auto content = memory.span().first(size);
        ACT_CO_TRY_VOID(check_md5(content));
        if (run_.op.records()) hash_ = plan::whole_hash(codec::xxh3_of(content));
        ACT_CO_TRY(const bool appeared, co_await write(content));
        if (!appeared) co_return false;
        const blob::address where{run_.from.container, item_.info.name};
        ACT_CO_TRY_VOID(co_await finish_source(run_, where, item_.info.etag));
        co_return true;
    }

    task<result<void>> read_once(buffer& memory, until u) {
        const blob::address where{run_.from.container, item_.info.name};
        const std::uint64_t size = item_.info.size;
        if (item_.looked) {
            co_return co_await read_part(run_.from.client, run_.op.context().buffers, where, item_.info.etag,
                                         {{0, size}, {}}, memory, u);
        }
        const auto seen = blob::conditions::matching(item_.info.etag);
        ACT_CO_TRY(blob::download d, co_await run_.from.client.get(where, blob::range{0, size}, seen, u));
        ACT_CO_TRY_VOID(learn(item_, where, d));
        co_return co_await run_.from.client.read_verified(d, memory.span(), u);
    }

    result<void> check_md5(std::span<const std::byte> content) {
        ACT_TRY(const bool wanted,
                wants_md5(run_.options.md5, item_.info, plan::written_by_us(item_.info.metadata)));
        if (!wanted) return {};
        codec::digest md5(codec::digest::algorithm::md5);
        md5.update(content);
        return compare_md5(run_.options.md5, item_.info, md5);
    }

    /// False when something came there meanwhile that is not to be replaced.
    task<result<bool>> write(std::span<const std::byte> content) {
        if (plan::is_link(item_.info)) {
            const std::string leads_to(reinterpret_cast<const char*>(content.data()), content.size());
            co_return run_.target.link(item_.local, leads_to, item_.info, durability_of(run_));
        }
        const auto packed = run_.options.decompress ? compressed_as(item_.info) : std::nullopt;
        if (packed) {
            // What comes out may be a thousand times as long.
            auto unpack = [&] { return write_unpacked(*packed, content); };
            co_return co_await run_.op.context().runtime.blocking(unpack);
        }
        ACT_CO_TRY(auto file, run_.target.create(item_.local));
        if (!content.empty()) ACT_CO_TRY_VOID(file::write_at(file.fd(), content, 0, item_.local));
        co_return run_.target.publish(file, item_.info, durability_of(run_));
    }

    /// Blocks.
    result<bool> write_unpacked(codec::inflate_stream::format how, std::span<const std::byte> stored) {
        ACT_TRY(unpacked_file plain, unpacked_file::create(run_, item_, how));
        ACT_TRY_VOID(plain.feed(stored, run_.op.patience()));
        return plain.publish();
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

std::unique_ptr<job> download_small(download_run& run, download_item item) {
    return std::make_unique<small_download>(run, std::move(item));
}

}  // namespace act::ops

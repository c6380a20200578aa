#include "engine/codec/base64.hpp"
#include "engine/core/units.hpp"
#include "transfer/ops/blocks_there.hpp"
#include "transfer/ops/hash_range.hpp"
#include "transfer/ops/upload_file.hpp"
#include "transfer/plan/attributes.hpp"
#include "transfer/plan/block_id.hpp"
#include "transfer/plan/content_hash.hpp"

namespace act::ops {

namespace {

/// A file that goes up in blocks. The blocks' ids tell the service's copy of each from any other, so that
/// only what is not there yet is sent, and the commit puts them in order under the condition that nobody else
/// wrote meanwhile.
class large_upload final : public job {
public:
    large_upload(upload_run& run, upload_item item)
        : run_(run), item_(std::move(item)), where_{run.to.container, item_.blob}, parts_(run.op.stop()) {}

    task<void> run() override {
        auto outcome = co_await send();
        if (!outcome) {
            run_.op.retreat(advanced_.load());
            run_.op.failed(item_.local, outcome.error(), {item_.local, item_.blob});
        }
    }

    task<result<void>> send_block(std::size_t index);
    void block_done(result<void> r) { parts_.done(std::move(r)); }

private:
    task<result<void>> send();
    bool committed_already() const;

    void advance(std::uint64_t bytes) {
        advanced_ += bytes;
        run_.op.advance(bytes);
    }

    upload_run& run_;
    upload_item item_;
    blob::address where_;
    part_group parts_;
    file::descriptor fd_;
    std::vector<plan::block_range> ranges_;
    std::vector<std::string> ids_;
    blocks_there there_;
    std::atomic<std::uint64_t> advanced_{0};
};

class block_upload final : public job {
public:
    block_upload(large_upload& whole, std::size_t index) : whole_(whole), index_(index) {}
    task<void> run() override {
        auto outcome = co_await whole_.send_block(index_);
        whole_.block_done(std::move(outcome));
    }

private:
    large_upload& whole_;
    std::size_t index_;
};

task<result<void>> large_upload::send() {
    const until u = run_.op.patience();
    ACT_CO_TRY_VOID(u.check());
    ACT_CO_TRY(fd_, file::open_read(item_.local));
    ACT_CO_TRY(const file::status before, file::stat_of(fd_.get(), item_.local));
    ranges_ = plan::split(before.size, plan::block_size_for(before.size, run_.options.block_size));
    ids_.resize(ranges_.size());
    ACT_CO_TRY(there_, co_await find_blocks(run_.to.client, where_, item_.existing, u));

    for (std::size_t i = 0; i < ranges_.size(); ++i) {
        parts_.add();
        std::unique_ptr<job> block = std::make_unique<block_upload>(*this, i);
        auto queued = co_await run_.mover.submit_part(std::move(block));
        if (!queued) {
            parts_.done(queued.error());
            break;
        }
        if (parts_.stop().requested()) break;
    }
    ACT_CO_TRY_VOID(co_await parts_.wait());

    // Each block was checked on its way; this tells whether together they are the file at one moment.
    ACT_CO_TRY(const file::status after, file::stat_of(fd_.get(), item_.local));
    if (after.size != before.size || after.modified != before.modified) {
        co_return error(kind::io, item_.local + " changed while it was uploaded",
                        "run the same command again; only what differs is sent");
    }
    if (run_.options.compare_content && !run_.options.always && committed_already()) {
        ACT_CO_TRY_VOID(finish_source(run_, item_, before));
        run_.op.retreat(advanced_.load());
        run_.op.skipped(item_.local, before.size);
        record(run_, item_, before, item_.existing->etag, plan::blocks_hash(ids_), true);
        co_return result<void>();
    }
    blob::write_options options;
    options.metadata = plan::to_metadata(before);
    options.when = as_seen(item_.existing);
    auto committed = co_await run_.to.client.put_block_list(where_, ids_, options, u);
    if (!committed) co_return committed.error();
    ACT_CO_TRY_VOID(finish_source(run_, item_, before));
    run_.op.done("upload", item_.local, before.size);
    record(run_, item_, before, committed->etag, plan::blocks_hash(ids_), false);
    co_return result<void>();
}

bool large_upload::committed_already() const { return there_.committed == ids_; }

task<result<void>> large_upload::send_block(std::size_t index) {
    const until u{.stop = parts_.stop()};
    ACT_CO_TRY_VOID(u.check());
    const plan::block_range range = ranges_[index];
    auto& context = run_.op.context();
    // Read twice: the content's hash is part of its name, so it must be known before the first byte is sent.
    // Should the file change in between, the service refuses the block by its checksum.
    ACT_CO_TRY(const range_hashes hashes,
               co_await hash_range(context.runtime, context.buffers, fd_.get(), range, item_.local, u));
    const plan::block_id id{static_cast<std::uint32_t>(index), static_cast<std::uint32_t>(range.length),
                            hashes.content};
    ids_[index] = plan::to_string(id);
    if (!there_.present.contains(ids_[index])) {
        const auto body = http::body::file(fd_.get(), range.offset, range.length);
        const blob::body_checksum checksum{hashes.crc64};
        ACT_CO_TRY_VOID(co_await run_.to.client.put_block(where_, ids_[index], body, checksum, {}, u));
    }
    advance(range.length);
    co_return result<void>();
}

}  // namespace

std::unique_ptr<job> upload_large(upload_run& run, upload_item item) {
    return std::make_unique<large_upload>(run, std::move(item));
}

}  // namespace act::ops

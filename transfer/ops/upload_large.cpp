#include "transfer/ops/blob_builder.hpp"
#include "transfer/ops/blocks_there.hpp"
#include "transfer/ops/content_md5.hpp"
#include "transfer/ops/hash_range.hpp"
#include "transfer/ops/in_order.hpp"
#include "transfer/ops/upload_file.hpp"
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
        if (!outcome && co_await may_begin_anew(outcome.error())) {
            run_.op.retreat(advanced_.load());
            large_upload anew(run_, item_);
            anew.begun_anew_ = true;
            co_return co_await anew.run();
        }
        if (!outcome) {
            if (room_) co_await room_->take_back();
            run_.op.retreat(advanced_.load());
            run_.op.failed(item_.local, outcome.error(), {item_.local, item_.blob});
        }
    }

    task<result<void>> send_block(std::size_t index);
    void block_done(result<void> r) { parts_.done(std::move(r)); }

private:
    task<result<void>> send();
    task<result<void>> send_blocks();
    void hash_beside(std::uint64_t size, task_group&);
    bool committed_already() const;
    /// Blocks under another key or scope were in the way of ours, and are gone.
    task<bool> may_begin_anew(error why) {
        if (begun_anew_ || room_ || !blob::is_of_encryption(why.code())) co_return false;
        co_return co_await drop_staged(run_.to.client, where_, item_.existing, run_.op.patience());
    }
    task<result<bool>> came_meanwhile(const file::status& read, const blob::properties& seen, until);
    /// Something came there meanwhile, and is not to be replaced.
    result<void> left() {
        run_.op.retreat(advanced_.load());
        run_.op.skipped(item_.local, item_.info.size);
        return {};
    }

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
    std::optional<blob_builder> room_;  ///< what stands in the place of a blob of another type
    blocks_there there_;
    std::optional<in_order> reading_;  ///< for the MD5 of the whole
    codec::digest md5_{codec::digest::algorithm::md5};
    std::string md5_text_;
    std::atomic<std::uint64_t> advanced_{0};
    bool begun_anew_ = false;
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
    // A blob of another type is gone before the first block is sent.
    ACT_CO_TRY_VOID(co_await before_change(run_));
    const bool replace = run_.options.overwrite == plan::overwrite::always || run_.options.type;
    ACT_CO_TRY_VOID(co_await make_room_for_blocks(room_, replace, run_.to.client, where_, item_.existing,
                                                  description(run_, item_, before), u));
    ACT_CO_TRY(there_, co_await find_blocks(run_.to.client, where_, item_.existing, u));

    task_group beside;
    if (run_.options.put_md5) hash_beside(before.size, beside);
    auto sent = co_await send_blocks();
    co_await beside.join();
    if (!sent) co_return sent;
    if (run_.options.put_md5) md5_text_ = md5_header(md5_);

    // Each block was checked on its way; this tells whether together they are the file at one moment.
    ACT_CO_TRY(const file::status after, file::stat_of(fd_.get(), item_.local));
    if (after.size != before.size || after.modified != before.modified) {
        co_return error(kind::io, item_.local + " changed while it was uploaded",
                        "run the same command again; only what differs is sent");
    }
    if (run_.options.compare_content && run_.options.overwrite != plan::overwrite::always &&
        committed_already()) {
        ACT_CO_TRY_VOID(finish_source(run_, item_, before));
        run_.op.retreat(advanced_.load());
        run_.op.skipped(item_.local, before.size);
        record(run_, item_, before, item_.existing->etag, plan::blocks_hash(ids_), true);
        co_return result<void>();
    }
    blob::write_options options = description(run_, item_, before);
    options.content.md5 = md5_text_;
    auto committed = co_await run_.to.client.put_block_list(where_, ids_, std::move(options), u);
    if (!committed) {
        const bool leave = run_.options.overwrite == plan::overwrite::never;
        if (leave && refused_by_condition(committed.error())) co_return left();
        if (!refused_by_condition(committed.error())) co_return committed.error();
        ACT_CO_TRY(const blob::properties seen, co_await run_.to.client.head(where_, u));
        ACT_CO_TRY(const bool came, co_await came_meanwhile(before, seen, u));
        if (!came) co_return committed.error();
        ACT_CO_TRY_VOID(finish_source(run_, item_, before));
        record(run_, item_, before, seen.etag, plan::blocks_hash(ids_), true);
        co_return left();
    }
    ACT_CO_TRY_VOID(finish_source(run_, item_, before));
    run_.op.done("upload", item_.local, before.size);
    record(run_, item_, before, committed->etag, plan::blocks_hash(ids_), false);
    co_return result<void>();
}

/// Whether what stands there now is just this: the service may carry out what a killed run had asked for.
task<result<bool>> large_upload::came_meanwhile(const file::status& read, const blob::properties& seen,
                                                until u) {
    if (!plan::unchanged_for_upload(read, seen)) co_return false;
    ACT_CO_TRY(const auto now, co_await run_.to.client.get_block_list(where_, true, false, u));
    co_return std::equal(
        now.committed.begin(), now.committed.end(), ids_.begin(), ids_.end(),
        [](const blob::block_entry& there, const std::string& ours) { return there.id == ours; });
}

task<result<void>> large_upload::send_blocks() {
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
    co_return co_await parts_.wait();
}

/// MD5 is serial: it follows the blocks, in their order, as they are read for their own hashes. What need
/// not be sent is read too.
void large_upload::hash_beside(std::uint64_t size, task_group& group) {
    auto& context = run_.op.context();
    auto take = [this](std::span<const std::byte> piece) {
        md5_.update(piece);
        return result<void>();
    };
    reading_.emplace(context.runtime, context.buffers, fd_.get(), item_.local, ranges_, size, take);
    parts_.add();
    auto follow = [](large_upload& whole) -> task<void> {
        auto outcome = co_await whole.reading_->run({.stop = whole.parts_.stop()});
        whole.parts_.done(std::move(outcome));
    };
    group.spawn(loop::current(), follow(*this));
}

bool large_upload::committed_already() const {
    if (there_.committed != ids_) return false;
    return md5_text_.empty() || (item_.existing && item_.existing->content.md5 == md5_text_);
}

task<result<void>> large_upload::send_block(std::size_t index) {
    const until u{.stop = parts_.stop()};
    ACT_CO_TRY_VOID(u.check());
    const plan::block_range range = ranges_[index];
    auto& context = run_.op.context();
    // Read twice: the content's hash is part of its name, so it must be known before the first byte is sent.
    // Should the file change in between, the service refuses the block by its checksum.
    ACT_CO_TRY(const range_hashes hashes,
               co_await hash_range(context.runtime, context.buffers, fd_.get(), range, item_.local, u));
    if (reading_) reading_->ready(index);
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

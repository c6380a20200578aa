#include <algorithm>

#include "transfer/blob/names.hpp"
#include "transfer/mover/mover.hpp"
#include "transfer/ops/blob_builder.hpp"
#include "transfer/ops/blocks_there.hpp"
#include "transfer/ops/operation.hpp"
#include "transfer/ops/stream.hpp"
#include "transfer/ops/stream_blocks.hpp"
#include "transfer/ops/upload_file.hpp"
#include "transfer/plan/block_id.hpp"
#include "transfer/plan/content_hash.hpp"

namespace act::ops {

namespace {

class incoming {
public:
    incoming(operation& op, int fd, remote to, stream_in_options options)
        : op_(op),
          to_(std::move(to)),
          where_{to_.container, to_.path},
          options_(std::move(options)),
          parts_(op.stop()),
          blocks_(op.context(), fd, options_, parts_.stop()) {}

    task<result<void>> receive();
    task<result<void>> send_block(stream_block& b);
    void block_done(result<void> r) { parts_.done(std::move(r)); }

private:
    task<result<void>> look();
    task<result<void>> receive_all();
    task<result<stream_block>> next_block();
    task<result<void>> in_one_request(stream_block b);
    task<result<void>> in_blocks(mover&, stream_block first);
    task<result<void>> commit();
    task<result<void>> in_appends();
    task<result<blob::etag>> append_all(blob_builder&, std::string& md5);
    void tell(std::uint64_t size, const blob::etag&, std::string hash);
    blob::write_options description(std::string md5) const {
        blob::write_options out = describe(options_.blobs, where_.name, {});
        out.content.md5 = std::move(md5);
        out.when = as_seen(existing_);
        return out;
    }
    /// What a refused write of the blob means.
    result<void> refused(const error&);
    bool leaves_what_stands() const { return options_.overwrite == plan::overwrite::never; }
    result<void> left() {
        op_.skipped(where_.name, existing_ ? existing_->size : total_);
        return {};
    }
    until patience() const { return {.stop = parts_.stop()}; }

    operation& op_;
    remote to_;
    blob::address where_;
    stream_in_options options_;
    part_group parts_;
    stream_blocks blocks_;
    std::optional<blob::properties> existing_;
    std::optional<blob_builder> room_;  ///< what stands in the place of a blob of another type
    blocks_there there_;
    std::vector<std::string> ids_;
    std::uint64_t total_ = 0;
};

class block_send final : public job {
public:
    block_send(incoming& whole, stream_block b) : whole_(whole), block_(std::move(b)) {}
    task<void> run() override {
        auto outcome = co_await whole_.send_block(block_);
        // The memory first: who waits for the parts may be the one who waits for memory.
        block_.memory = {};
        block_.place.release();
        whole_.block_done(std::move(outcome));
    }

private:
    incoming& whole_;
    stream_block block_;
};

error changed_meanwhile(const blob::address& where) {
    return error(kind::precondition, "blob '" + where.name + "' was changed by somebody else meanwhile",
                 "look at it, then run the same command again to replace it");
}

result<void> incoming::refused(const error& e) {
    if (e.kind() != kind::precondition && e.code() != "BlobAlreadyExists") return e;
    if (!leaves_what_stands()) return changed_meanwhile(where_);
    if (ids_.size() > 0) op_.retreat(total_);
    return left();
}

task<result<void>> incoming::receive() {
    auto outcome = co_await receive_all();
    co_await blocks_.end();
    co_return outcome;
}

task<result<void>> incoming::receive_all() {
    ACT_CO_TRY_VOID(co_await look());
    if (existing_ && leaves_what_stands()) co_return left();
    if (options_.type == blob::blob_type::append) co_return co_await in_appends();
    ACT_CO_TRY(stream_block first, co_await next_block());
    if (first.last && first.length <= options_.single_request && !first.disk)
        co_return co_await in_one_request(std::move(first));
    mover::options lanes;
    lanes.lanes = op_.context().concurrency;
    mover scheduler(op_.context().runtime, lanes, parts_.stop());
    auto outcome = co_await in_blocks(scheduler, std::move(first));
    co_await scheduler.finish();
    if (outcome) outcome = co_await commit();
    if (!outcome && room_) co_await room_->take_back();
    co_return outcome;
}

/// What stands at the name now: the commit will be under the condition that it still does.
task<result<void>> incoming::look() {
    const until u = op_.patience();
    auto seen = co_await to_.client.head(where_, u);
    if (seen) {
        if (seen->is_directory) {
            co_return error(kind::conflict, "a folder stands at blob '" + where_.name + "'",
                            "choose another name, or remove it with `act rm`");
        }
        existing_ = std::move(*seen);
        co_return result<void>();
    }
    if (seen.error().kind() != kind::not_found) co_return seen.error();
    if (seen.error().code() != "ContainerNotFound") co_return result<void>();
    if (!options_.create_container) co_return seen.error();
    co_return co_await make_container_of(to_, u);
}

void incoming::tell(std::uint64_t size, const blob::etag& etag, std::string hash) {
    if (!op_.records()) return;
    act::record what;
    what.size = size;
    what.etag = etag.text;
    what.hash = std::move(hash);
    op_.record({where_.name, where_.name}, std::move(what));
}

task<result<stream_block>> incoming::next_block() {
    ACT_CO_TRY(stream_block b, co_await blocks_.next());
    total_ += b.length;
    co_return std::move(b);
}

task<result<void>> incoming::in_one_request(stream_block b) {
    const blob::body_checksum sum{b.hashes.crc64};
    auto written =
        co_await to_.client.put_blob(where_, b.body(), sum, description(blocks_.whole_md5()), op_.patience());
    if (!written) co_return refused(written.error());
    op_.found(b.length);
    op_.advance(b.length);
    op_.done("upload", where_.name, b.length);
    tell(b.length, written->etag, plan::whole_hash(b.hashes.content));
    co_return result<void>();
}

task<result<void>> incoming::in_blocks(mover& scheduler, stream_block b) {
    const bool replace = options_.overwrite == plan::overwrite::always || options_.type;
    ACT_CO_TRY_VOID(co_await make_room_for_blocks(room_, replace, to_.client, where_, existing_,
                                                  description({}), op_.patience()));
    ACT_CO_TRY(there_, co_await find_blocks(to_.client, where_, existing_, op_.patience()));
    result<void> reading;
    while (b.length > 0) {
        if (ids_.size() == blob::max_blocks) {
            reading = error(kind::unsupported,
                            options_.name + " is longer than the " + std::to_string(blob::max_blocks) +
                                " blocks that a blob can have",
                            "give a larger --block-size");
            break;
        }
        const plan::block_id id{static_cast<std::uint32_t>(b.index), static_cast<std::uint32_t>(b.length),
                                b.hashes.content};
        b.id = plan::to_string(id);
        ids_.push_back(b.id);
        const bool last = b.last;
        parts_.add();
        std::unique_ptr<job> send = std::make_unique<block_send>(*this, std::move(b));
        auto queued = co_await scheduler.submit_part(std::move(send));
        if (!queued) {
            parts_.done(queued.error());
            break;
        }
        if (last) break;
        auto next = co_await next_block();
        if (!next) {
            reading = next.error();
            break;
        }
        b = std::move(*next);
    }
    ACT_CO_TRY_VOID(co_await parts_.wait());
    co_return reading;
}

task<result<void>> incoming::send_block(stream_block& b) {
    const until u = patience();
    ACT_CO_TRY_VOID(u.check());
    if (!there_.present.contains(b.id)) {
        const blob::body_checksum sum{b.hashes.crc64};
        ACT_CO_TRY_VOID(co_await to_.client.put_block(where_, b.id, b.body(), sum, {}, u));
    }
    op_.advance(b.length);
    co_return result<void>();
}

task<result<void>> incoming::commit() {
    auto committed =
        co_await to_.client.put_block_list(where_, ids_, description(blocks_.whole_md5()), op_.patience());
    if (!committed) co_return refused(committed.error());
    op_.found(total_);
    op_.done("upload", where_.name, total_);
    tell(total_, committed->etag, plan::blocks_hash(ids_));
    co_return result<void>();
}

task<result<void>> incoming::in_appends() {
    blob_builder draft(to_.client, where_, blob::blob_type::append, 0, description({}));
    auto begun = co_await draft.begin(patience());
    if (!begun) co_return refused(begun.error());
    std::string md5;
    auto whole = co_await append_all(draft, md5);
    if (!whole) {
        co_await draft.take_back();
        if (refused_by_condition(whole.error())) co_return changed_meanwhile(where_);
        co_return whole.error();
    }
    op_.found(total_);
    op_.done("upload", where_.name, total_);
    tell(total_, *whole, plan::md5_hash(md5));
    co_return result<void>();
}

task<result<blob::etag>> incoming::append_all(blob_builder& draft, std::string& md5) {
    const until u = patience();
    auto& context = op_.context();
    ACT_CO_TRY(buffer memory, co_await context.buffers.take(2 * piece_size, u));
    blob_builder::source next = [&](std::span<std::byte> into,
                                    until patience) -> task<result<plan::block_range>> {
        auto read = [&] { return blocks_.read_whole(into.first(piece_size), patience); };
        ACT_CO_TRY(const std::size_t got, co_await context.runtime.blocking(read));
        const plan::block_range piece{total_, got};
        total_ += got;
        ACT_CO_TRY_VOID(check_fits(blob::blob_type::append, total_, options_.name));
        co_return piece;
    };
    auto count = [&](std::uint64_t bytes) { op_.advance(bytes); };
    ACT_CO_TRY_VOID(co_await draft.fill(std::move(memory), std::move(next), count, u));
    md5 = blocks_.whole_md5();
    co_return co_await draft.finish(md5, u);
}

}  // namespace

std::uint64_t stream_block_size(std::uint64_t index, std::uint64_t first, unsigned per_size) {
    const std::uint64_t doublings = index / per_size;
    if (doublings >= 32 || first << doublings >= blob::max_block) return blob::max_block;
    return first << doublings;
}

result<void> check_stream(const stream_in_options& options) {
    if (options.overwrite == plan::overwrite::newer) {
        return error(kind::usage, options.name + " has no time to be newer by than what is stored",
                     "choose another --overwrite");
    }
    if (options.type == blob::blob_type::page) {
        return error(
            kind::usage,
            "a page blob is made with its size, and that of " + options.name + " is known only at its end",
            "send it as a block or append blob, or write it to a file first");
    }
    return {};
}

task<result<summary>> stream_in(context& ctx, int fd, remote to, stream_in_options options) {
    if (to.path.empty()) {
        co_return error(kind::usage, options.name + " needs a blob name, not a whole container",
                        "name the blob");
    }
    ACT_CO_TRY_VOID(check_stream(options));
    ACT_CO_TRY_VOID(blob::check_blob_name(to.path));
    operation op(ctx);
    op.between(to.path, to.path);
    incoming stream(op, fd, std::move(to), std::move(options));
    auto outcome = co_await stream.receive();
    if (!outcome) op.give_up(outcome.error());
    co_return op.finish();
}

}  // namespace act::ops

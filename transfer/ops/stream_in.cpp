#include <algorithm>

#include "engine/core/units.hpp"
#include "engine/file/stream.hpp"
#include "transfer/blob/names.hpp"
#include "transfer/mover/mover.hpp"
#include "transfer/ops/blob_builder.hpp"
#include "transfer/ops/blocks_there.hpp"
#include "transfer/ops/content_md5.hpp"
#include "transfer/ops/hash_range.hpp"
#include "transfer/ops/operation.hpp"
#include "transfer/ops/stream.hpp"
#include "transfer/ops/upload_file.hpp"
#include "transfer/plan/block_id.hpp"
#include "transfer/plan/content_hash.hpp"

namespace act::ops {

namespace {

// Hashed while it is still in the cache.
constexpr std::size_t tile_size = 256 * KiB;
constexpr std::uint64_t largest_in_memory = 32 * MiB;
// Blocks in temporary files at the same time: one is filled while others are sent.
constexpr std::uint64_t files_at_once = 3;

/// One block: in memory, or in a file without a name when it is too large for that.
struct block {
    std::size_t index = 0;
    std::string id;
    buffer memory;
    file::descriptor disk;
    permit place;  ///< of files_at_once
    std::uint64_t length = 0;
    range_hashes hashes;
    bool last = false;

    http::body body() const {
        if (length == 0) return http::body::memory({});
        return disk ? http::body::file(disk.get(), 0, length)
                    : http::body::memory(memory.span().first(static_cast<std::size_t>(length)));
    }
};

class incoming {
public:
    incoming(operation& op, int fd, remote to, stream_in_options options)
        : op_(op),
          to_(std::move(to)),
          where_{to_.container, to_.path},
          options_(std::move(options)),
          reader_(fd, options_.name),
          parts_(op.stop()) {}

    task<result<void>> receive();
    task<result<void>> send_block(block& b);
    void block_done(result<void> r) { parts_.done(std::move(r)); }

private:
    task<result<void>> look();
    task<result<block>> next_block();
    std::string whole_md5() { return options_.put_md5 ? md5_header(md5_) : std::string(); }
    result<void> fill(block& b, std::uint64_t size, std::span<std::byte> tile);
    task<result<void>> in_one_request(block b);
    task<result<void>> in_blocks(mover&, block first);
    task<result<void>> commit();
    task<result<void>> in_appends();
    task<result<blob::etag>> append_all(blob_builder&, std::string& md5);
    result<std::size_t> read_piece(std::span<std::byte> into, const until&);
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
    std::uint64_t size_of(std::uint64_t index) const;
    bool fits_memory(std::uint64_t size) const;
    until patience() const { return {.stop = parts_.stop()}; }

    operation& op_;
    remote to_;
    blob::address where_;
    stream_in_options options_;
    file::stream_reader reader_;
    part_group parts_;
    semaphore files_{files_at_once};
    std::optional<blob::properties> existing_;
    std::optional<blob_builder> room_;  ///< what stands in the place of a blob of another type
    blocks_there there_;
    std::vector<std::string> ids_;
    std::uint64_t total_ = 0;
    bool at_end_ = false;
    codec::digest md5_{codec::digest::algorithm::md5};  ///< of all so far, when it is wanted
};

class block_send final : public job {
public:
    block_send(incoming& whole, block b) : whole_(whole), block_(std::move(b)) {}
    task<void> run() override {
        auto outcome = co_await whole_.send_block(block_);
        // The memory first: who waits for the parts may be the one who waits for memory.
        block_.memory = {};
        block_.place.release();
        whole_.block_done(std::move(outcome));
    }

private:
    incoming& whole_;
    block block_;
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
    ACT_CO_TRY_VOID(co_await look());
    if (existing_ && leaves_what_stands()) co_return left();
    if (options_.type == blob::blob_type::append) co_return co_await in_appends();
    ACT_CO_TRY(block first, co_await next_block());
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

std::uint64_t incoming::size_of(std::uint64_t index) const {
    if (options_.block_size > 0) return std::min(options_.block_size, blob::max_block);
    return stream_block_size(index, options_.first_block, options_.blocks_of_a_size);
}

bool incoming::fits_memory(std::uint64_t size) const {
    if (options_.in_memory > 0) return size <= options_.in_memory;
    const std::uint64_t share = op_.context().buffers.budget() / 4;
    return size <= std::max(options_.first_block, std::min(largest_in_memory, share));
}

/// Waits for memory, or for a place on the disk, then reads a block and hashes it on the way.
task<result<block>> incoming::next_block() {
    auto& context = op_.context();
    const until u = patience();
    block b;
    b.index = ids_.size();
    const std::uint64_t size = size_of(b.index);
    buffer tile;
    if (fits_memory(size)) {
        ACT_CO_TRY(b.memory, co_await context.buffers.take(static_cast<std::size_t>(size), u));
    } else {
        ACT_CO_TRY(b.place, co_await files_.acquire(1, u));
        ACT_CO_TRY(b.disk, file::unnamed_file());
        ACT_CO_TRY(tile, co_await context.buffers.take(tile_size, u));
    }
    auto read = [&] { return fill(b, size, tile.span()); };
    ACT_CO_TRY_VOID(co_await context.runtime.blocking(read));
    b.last = at_end_;
    total_ += b.length;
    co_return std::move(b);
}

/// Blocks.
result<void> incoming::fill(block& b, std::uint64_t size, std::span<std::byte> tile) {
    const until u = patience();
    codec::xxh3 content;
    while (b.length < size && !at_end_) {
        const auto room = b.disk ? tile : b.memory.span().subspan(static_cast<std::size_t>(b.length));
        const auto into = room.first(std::min<std::uint64_t>({tile_size, room.size(), size - b.length}));
        ACT_TRY(const std::size_t got, reader_.read_some(into, u));
        const auto piece = into.first(got);
        at_end_ = got == 0;
        content.update(piece);
        b.hashes.crc64 = codec::crc64(b.hashes.crc64, piece);
        if (options_.put_md5) md5_.update(piece);
        if (b.disk) ACT_TRY_VOID(file::write_at(b.disk.get(), piece, b.length, "a temporary file"));
        b.length += got;
    }
    b.hashes.content = content.digest();
    return {};
}

task<result<void>> incoming::in_one_request(block b) {
    const blob::body_checksum sum{b.hashes.crc64};
    auto written =
        co_await to_.client.put_blob(where_, b.body(), sum, description(whole_md5()), op_.patience());
    if (!written) co_return refused(written.error());
    op_.found(b.length);
    op_.advance(b.length);
    op_.done("upload", where_.name, b.length);
    tell(b.length, written->etag, plan::whole_hash(b.hashes.content));
    co_return result<void>();
}

task<result<void>> incoming::in_blocks(mover& scheduler, block b) {
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

task<result<void>> incoming::send_block(block& b) {
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
        co_await to_.client.put_block_list(where_, ids_, description(whole_md5()), op_.patience());
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
        auto read = [&] { return read_piece(into, patience); };
        ACT_CO_TRY(const std::size_t got, co_await context.runtime.blocking(read));
        const plan::block_range piece{total_, got};
        total_ += got;
        ACT_CO_TRY_VOID(check_fits(blob::blob_type::append, total_, options_.name));
        co_return piece;
    };
    auto count = [&](std::uint64_t bytes) { op_.advance(bytes); };
    ACT_CO_TRY_VOID(co_await draft.fill(std::move(memory), std::move(next), count, u));
    md5 = whole_md5();
    co_return co_await draft.finish(md5, u);
}

/// Blocks. As much as there is room for; less only at the end.
result<std::size_t> incoming::read_piece(std::span<std::byte> into, const until& u) {
    std::size_t got = 0;
    while (got < piece_size && !at_end_) {
        ACT_TRY(const std::size_t more, reader_.read_some(into.subspan(got, piece_size - got), u));
        at_end_ = more == 0;
        got += more;
    }
    if (options_.put_md5) md5_.update(into.first(got));
    return got;
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

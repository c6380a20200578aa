#include <bit>
#include <deque>

#include "engine/core/units.hpp"
#include "engine/file/stream.hpp"
#include "transfer/mover/mover.hpp"
#include "transfer/ops/blob_part.hpp"
#include "transfer/ops/content_md5.hpp"
#include "transfer/ops/listed.hpp"
#include "transfer/ops/operation.hpp"
#include "transfer/ops/stream.hpp"
#include "transfer/ops/unpack.hpp"
#include "transfer/plan/attributes.hpp"

namespace act::ops {

namespace {

// A block is verified as a whole, so it waits in memory as a whole; larger ones come in checked ranges.
constexpr std::uint64_t largest_part = 16 * MiB;

/// The parts of a range of a blob, in order, found as they are asked for: a blob of 190 TiB has 50 million.
class part_sequence {
public:
    part_sequence(std::optional<std::vector<plan::block_id>> own, std::uint64_t from, std::uint64_t end)
        : own_(std::move(own)), at_(from), end_(end) {
        enter_block();
    }

    bool finished() const { return at_ >= end_; }
    /// The next part, not taken yet.
    blob_part peek() const {
        if (whole_block()) return {{at_, block_end_ - at_}, (*own_)[block_].hash};
        const std::uint64_t stop = own_ ? std::min(block_end_, end_) : end_;
        return {{at_, std::min(blob::max_checked_range, stop - at_)}, {}};
    }
    void take() {
        at_ += peek().range.length;
        enter_block();
    }

private:
    bool whole_block() const {
        return own_ && at_ == block_start_ && block_end_ <= end_ && block_end_ - at_ <= largest_part;
    }
    void enter_block() {
        while (own_ && at_ >= block_end_ && next_block_ < own_->size()) {
            block_ = next_block_++;
            block_start_ = block_end_;
            block_end_ += (*own_)[block_].length;
        }
    }

    std::optional<std::vector<plan::block_id>> own_;
    std::uint64_t at_, end_;
    std::size_t block_ = 0, next_block_ = 0;
    std::uint64_t block_start_ = 0, block_end_ = 0;
};

/// A part on its way, or waiting for its turn to be written.
struct slot {
    blob_part part;
    buffer memory;
    result<void> outcome;
    event ready;
};

class outgoing {
public:
    outgoing(operation& op, remote from, int fd, stream_out_options options)
        : op_(op),
          from_(std::move(from)),
          where_{from_.container, from_.path},
          options_(std::move(options)),
          writer_(fd, options_.name),
          ended_(op.stop()) {}

    task<result<void>> send();
    task<void> fetch(slot& s);
    bool reader_gone() const { return reader_gone_; }

private:
    task<result<buffer>> first_piece();
    task<result<buffer>> first_try(until);
    task<result<void>> rest(mover&, part_sequence);
    task<result<void>> start_parts(mover&, part_sequence&);
    result<void> look_closer();
    task<result<bool>> write(buffer&);
    result<bool> put(std::span<const std::byte>);
    bool proven() const { return own_ || plan::written_by_us(info_.metadata); }
    until patience() const { return {.stop = ended_.token()}; }

    operation& op_;
    remote from_;
    blob::address where_;
    stream_out_options options_;
    file::stream_writer writer_;
    stop_source ended_;
    blob::properties info_;
    std::uint64_t end_ = 0;             ///< of what is asked for
    std::uint64_t written_ = 0;         ///< to the descriptor
    std::uint64_t taken_ = 0;           ///< of the blob
    bool own_ = false;                  ///< all blocks are ours
    std::optional<codec::digest> md5_;  ///< of what was taken, when it is to be compared
    std::optional<codec::inflate_stream> unpack_;
    bool reader_gone_ = false;
    std::deque<std::unique_ptr<slot>> window_;
    std::uint64_t window_bytes_ = 0;  ///< budget held by the window
};

class part_fetch final : public job {
public:
    part_fetch(outgoing& whole, slot& s) : whole_(whole), slot_(s) {}
    task<void> run() override { return whole_.fetch(slot_); }

private:
    outgoing& whole_;
    slot& slot_;
};

task<result<void>> outgoing::send() {
    ACT_CO_TRY(buffer first, co_await first_piece());
    op_.found(end_ - options_.offset);
    op_.context().progress.scan_finished = true;
    const std::uint64_t at = options_.offset + first.size();
    mover::options lanes;
    lanes.lanes = op_.context().concurrency;
    result<void> outcome;
    if (at < end_) {
        auto own = co_await own_blocks(from_.client, where_, info_, patience());
        if (!own) co_return own.error();
        own_ = own->has_value();
        ACT_CO_TRY_VOID(look_closer());
        mover scheduler(op_.context().runtime, lanes, ended_.token());
        part_sequence parts(std::move(*own), at, end_);
        outcome = co_await start_parts(scheduler, parts);
        if (outcome) {
            auto fine = co_await write(first);
            if (!fine) outcome = fine.error();
        }
        first = {};
        if (outcome && !reader_gone_) outcome = co_await rest(scheduler, std::move(parts));
        ended_.request();
        co_await scheduler.finish();
    } else {
        ACT_CO_TRY_VOID(look_closer());
        auto fine = first ? co_await write(first) : result<bool>(true);
        if (!fine) outcome = fine.error();
    }
    if (outcome && unpack_ && !reader_gone_) {
        if (auto whole = unpack_->finish(); !whole) outcome = unpack_failed(whole.error(), info_);
    }
    if (outcome) op_.done("cat", from_.path, written_);
    co_return outcome;
}

/// What small blobs are as a whole, and what tells the size and the ETag of large ones.
task<result<buffer>> outgoing::first_piece() {
    const until u = patience();
    second_chances more(reinterpret_cast<std::uintptr_t>(this));
    for (;;) {
        auto got = co_await first_try(u);
        if (got) co_return got;
        if (got.error().kind() == kind::not_found && got.error().code() != "ContainerNotFound") {
            co_return error(got.error()).with_advice("a folder cannot be streamed; see it with `act ls`");
        }
        if (!co_await more.after(got.error(), u)) co_return got.error();
    }
}

task<result<buffer>> outgoing::first_try(until u) {
    const std::uint64_t wanted =
        std::min<std::uint64_t>(options_.count.value_or(blob::max_checked_range), blob::max_checked_range);
    const auto version =
        options_.etag.empty() ? blob::conditions() : blob::conditions::matching(options_.etag);
    auto opened = co_await from_.client.get(where_, blob::range{options_.offset, wanted}, version, u);
    if (!opened) {
        if (opened.error().kind() == kind::precondition && !options_.etag.empty())
            co_return not_the_listed_version(where_);
        if (opened.error().status() != 416) co_return opened.error();
        co_return error(kind::usage,
                        "blob '" + from_.path + "' ends before offset " + std::to_string(options_.offset),
                        "`act ls --json` shows its size");
    }
    blob::download d = std::move(*opened);
    if (d.info.is_directory) {
        co_return error(kind::usage, "'" + from_.path + "' is a folder",
                        "name a blob below it; see them with `act ls`");
    }
    if (auto why = unreadable(d.info)) co_return *why;
    if (options_.size && *options_.size != d.total) co_return not_as_listed(where_, d.total, *options_.size);
    info_ = d.info;
    end_ = d.total;
    if (options_.count && *options_.count < end_ - std::min(end_, options_.offset))
        end_ = options_.offset + *options_.count;
    buffer memory;
    if (d.length > 0) {
        ACT_CO_TRY(memory, co_await op_.context().buffers.take(d.length, u));
        ACT_CO_TRY_VOID(co_await from_.client.read_verified(d, memory.span(), u));
    }
    co_return std::move(memory);
}

/// Starts as many parts as the window has room for. Never waits for the budget that its own parts hold: they
/// get at most half of it.
task<result<void>> outgoing::start_parts(mover& scheduler, part_sequence& parts) {
    auto& context = op_.context();
    while (!parts.finished() && window_.size() < context.concurrency) {
        const blob_part part = parts.peek();
        const std::uint64_t cost = std::bit_ceil(part.range.length);
        if (!window_.empty() && window_bytes_ + cost > context.buffers.budget() / 2) break;
        auto next = std::make_unique<slot>();
        next->part = part;
        ACT_CO_TRY(next->memory, co_await context.buffers.take(part.range.length, patience()));
        parts.take();
        window_bytes_ += cost;
        slot& started = *next;
        window_.push_back(std::move(next));
        std::unique_ptr<job> fetch = std::make_unique<part_fetch>(*this, started);
        auto queued = co_await scheduler.submit_part(std::move(fetch));
        if (!queued) {
            window_.pop_back();
            co_return queued.error();
        }
    }
    co_return result<void>();
}

task<void> outgoing::fetch(slot& s) {
    const until u = patience();
    second_chances more(reinterpret_cast<std::uintptr_t>(&s));
    for (;;) {
        s.outcome = u.check();
        if (!s.outcome) break;
        s.outcome =
            co_await read_part(from_.client, op_.context().buffers, where_, info_.etag, s.part, s.memory, u);
        if (s.outcome) break;
        if (!co_await more.after(s.outcome.error(), u)) break;
    }
    s.ready.set();
}

task<result<void>> outgoing::rest(mover& scheduler, part_sequence parts) {
    while (!window_.empty()) {
        slot& next = *window_.front();
        ACT_CO_TRY_VOID(co_await next.ready.wait(patience()));
        ACT_CO_TRY_VOID(next.outcome);
        ACT_CO_TRY(const bool read, co_await write(next.memory));
        if (!read) co_return result<void>();
        window_bytes_ -= std::bit_ceil(next.part.range.length);
        window_.pop_front();
        ACT_CO_TRY_VOID(co_await start_parts(scheduler, parts));
    }
    co_return result<void>();
}

/// What has to be done with the content on its way, now that it is known what the blob is.
result<void> outgoing::look_closer() {
    if (options_.offset > 0 || options_.count) return {};
    ACT_TRY(const bool hashed, wants_md5(options_.md5, info_, proven()));
    if (hashed) md5_.emplace(codec::digest::algorithm::md5);
    if (options_.decompress) {
        if (const auto format = compressed_as(info_)) unpack_.emplace(*format);
    }
    return {};
}

/// Blocks. False when nobody reads any more.
result<bool> outgoing::put(std::span<const std::byte> piece) {
    taken_ += piece.size();
    if (md5_) {
        md5_->update(piece);
        // Before the end comes out: what reads it is not to take it for whole.
        if (taken_ == end_) ACT_TRY_VOID(compare_md5(options_.md5, info_, *md5_));
    }
    const until u = patience();
    if (!unpack_) {
        ACT_TRY(const bool read, writer_.write_all(piece, u));
        written_ += piece.size();
        return read;
    }
    bool gone = false;
    std::optional<error> refused;
    const auto sink = [&](std::span<const std::byte> plain) -> result<void> {
        auto read = writer_.write_all(plain, u);
        gone = read && !*read;
        if (!read) refused = read.error();
        if (gone || refused) return error(kind::stopped, "nobody reads");
        written_ += plain.size();
        return {};
    };
    auto fed = unpack_->feed(piece, sink);
    if (refused) return *refused;
    if (gone) return false;
    if (!fed) return unpack_failed(fed.error(), info_);
    return true;
}

task<result<bool>> outgoing::write(buffer& from) {
    auto next = [&] { return put(from.span()); };
    ACT_CO_TRY(const bool read, co_await op_.context().runtime.blocking(next));
    reader_gone_ = !read;
    if (read) op_.advance(from.size());
    co_return read;
}

}  // namespace

task<result<streamed>> stream_out(context& ctx, remote from, int fd, stream_out_options options) {
    if (from.path.empty()) {
        co_return error(kind::usage, "a whole container cannot be streamed", "name one blob");
    }
    operation op(ctx);
    outgoing stream(op, std::move(from), fd, std::move(options));
    auto outcome = co_await stream.send();
    if (!outcome) op.give_up(outcome.error());
    streamed out;
    out.reader_gone = stream.reader_gone();
    ACT_CO_TRY(out.summary, op.finish());
    co_return out;
}

}  // namespace act::ops

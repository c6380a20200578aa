#include <cerrno>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "engine/core/units.hpp"
#include "engine/http/hedge.hpp"
#include "transfer/ops/blob_part.hpp"
#include "transfer/ops/content_md5.hpp"
#include "transfer/ops/hash_range.hpp"
#include "transfer/ops/in_order.hpp"
#include "transfer/ops/page_parts.hpp"
#include "transfer/ops/unpacked_file.hpp"
#include "transfer/plan/content_hash.hpp"
#include "transfer/plan/local_path.hpp"

namespace act::ops {

namespace {

constexpr std::size_t piece_size = 1 * MiB;
// A part that is sent once more is kept in memory as a whole.
constexpr std::uint64_t largest_repeated = 32 * MiB;

/// What has no hash of ours is verified as a whole.
std::size_t room_for(const blob_part& p) { return p.hash ? piece_size : p.range.length; }

/// A blob that comes down in parts, into a file aside. Parts that an earlier run left there, and blocks that
/// the older file at the target already has in the same place, are recognised by their hashes and not fetched
/// again. What can only be done in order (an MD5, decompression) follows the parts as they arrive.
class large_download final : public job {
public:
    large_download(download_run& run, download_item item)
        : run_(run),
          item_(std::move(item)),
          where_{run.from.container, item_.info.name},
          parts_(run.op.stop()) {}

    task<void> run() override {
        auto outcome = co_await fetch();
        if (!outcome) {
            run_.op.retreat(advanced_.load());
            run_.op.failed(item_.local, outcome.error(), {item_.info.name, item_.local});
        }
    }

    task<result<void>> fetch_part(std::size_t index);
    void part_done(result<void> r) { parts_.done(std::move(r)); }

private:
    task<result<void>> fetch();
    task<result<void>> fetch_parts(std::size_t begun);
    task<result<std::vector<blob_part>>> layout(until);
    std::string hash() const;
    task<result<bool>> have_already(const blob_part&, until);
    task<result<void>> fetch_alone(std::size_t index, until);
    task<result<void>> fetch_hedged(std::size_t index, until);
    task<result<void>> fetch_once(std::size_t index, buffer& memory, until);
    result<void> open_target();
    result<void> follow_in_order(task_group&);
    task<result<bool>> publish();

    void advance(std::uint64_t bytes) {
        advanced_ += bytes;
        run_.op.advance(bytes);
    }
    void retreat(std::uint64_t bytes) {
        advanced_ -= bytes;
        run_.op.retreat(bytes);
    }

    download_run& run_;
    download_item item_;
    blob::address where_;
    part_group parts_;
    std::vector<blob_part> layout_;
    std::vector<plan::block_id> own_;                       ///< for the record
    std::vector<std::optional<std::uint64_t>> range_crcs_;  ///< of another tool's blob, as the service says
    std::optional<file::aside> target_;
    std::uint64_t left_by_earlier_run_ = 0;  ///< size of the file aside when it was opened
    file::descriptor old_;                   ///< the older file at the target
    std::uint64_t old_size_ = 0;
    bool hopeless_ = false;  ///< what the blob holds is wrong: nothing to go on with
    std::optional<in_order> reading_;
    std::optional<codec::digest> md5_;
    std::optional<unpacked_file> unpacked_;
    std::atomic<std::uint64_t> advanced_{0};
};

class part_download final : public job {
public:
    part_download(large_download& whole, std::size_t index) : whole_(whole), index_(index) {}
    task<void> run() override {
        auto outcome = co_await whole_.fetch_part(index_);
        whole_.part_done(std::move(outcome));
    }

private:
    large_download& whole_;
    std::size_t index_;
};

task<result<void>> large_download::fetch() {
    const until u = run_.op.patience();
    ACT_CO_TRY_VOID(u.check());
    ACT_CO_TRY(layout_, co_await layout(u));
    ACT_CO_TRY_VOID(open_target());
    std::size_t begun = 0;
    if (!item_.looked) {
        // Its answer tells which version this is; the other parts are bound to that.
        ACT_CO_TRY_VOID(co_await fetch_part(0));
        begun = 1;
        item_.looked = true;
        if (auto why = unreadable(item_.info)) {
            target_->discard();
            co_return *why;
        }
    }
    task_group beside;
    auto fetched = follow_in_order(beside);
    if (fetched && begun > 0 && reading_) reading_->ready(0);
    if (fetched) fetched = co_await fetch_parts(begun);
    co_await beside.join();
    if (fetched && md5_) {
        fetched = compare_md5(run_.options.md5, item_.info, *md5_);
        hopeless_ = !fetched;
    }
    if (hopeless_) target_->discard();
    if (!fetched) co_return fetched;
    ACT_CO_TRY(const bool appeared, co_await publish());
    if (!appeared) {
        run_.op.retreat(advanced_.load());
        run_.op.skipped(item_.local, item_.info.size);
        co_return result<void>();
    }
    ACT_CO_TRY_VOID(co_await finish_source(run_, where_, item_.info.etag));
    run_.op.done("download", item_.local, item_.info.size);
    if (run_.op.records()) record(run_, item_, hash(), false);
    co_return result<void>();
}

task<result<void>> large_download::fetch_parts(std::size_t begun) {
    std::uint64_t known = 0;
    for (const auto& part : layout_) known += part.range.length;
    for (std::size_t i = begun; i < layout_.size(); ++i) {
        parts_.add();
        std::unique_ptr<job> next = std::make_unique<part_download>(*this, i);
        auto queued = co_await run_.mover.submit_part(std::move(next));
        if (!queued) {
            parts_.done(queued.error());
            break;
        }
        if (parts_.stop().requested()) break;
    }
    ACT_CO_TRY_VOID(co_await parts_.wait());
    advance(item_.info.size - known);  // what was never written
    co_return result<void>();
}

result<void> large_download::follow_in_order(task_group& group) {
    const bool proven = !layout_.empty() && layout_.front().hash;
    ACT_TRY(const bool hashed, wants_md5(run_.options.md5, item_.info, proven));
    const auto packed = run_.options.decompress ? compressed_as(item_.info) : std::nullopt;
    if (hashed) md5_.emplace(codec::digest::algorithm::md5);
    if (packed) {
        ACT_TRY(unpacked_, unpacked_file::create(run_, item_, *packed));
    }
    if (!hashed && !packed) return {};
    const until u{.stop = parts_.stop()};
    auto take = [this, u](std::span<const std::byte> piece) -> result<void> {
        if (md5_) md5_->update(piece);
        return unpacked_ ? unpacked_->feed(piece, u) : result<void>();
    };
    std::vector<plan::block_range> ranges;
    for (const auto& part : layout_) ranges.push_back(part.range);
    auto& context = run_.op.context();
    reading_.emplace(context.runtime, context.buffers, target_->fd(), item_.local, ranges, item_.info.size,
                     take);
    parts_.add();
    auto follow = [](large_download& whole) -> task<void> {
        auto outcome = co_await whole.reading_->run({.stop = whole.parts_.stop()});
        whole.hopeless_ = !outcome && outcome.error().kind() == kind::integrity;
        whole.parts_.done(std::move(outcome));
    };
    group.spawn(loop::current(), follow(*this));
    return {};
}

/// Waits for the disk, which may take long: not on the loop, whose other connections would stand still.
task<result<bool>> large_download::publish() {
    auto appear = [this]() -> result<bool> {
        if (unpacked_) {
            auto whole = unpacked_->publish();
            if (whole || whole.error().kind() == kind::integrity) target_->discard();
            return whole;
        }
        if (::ftruncate(target_->fd(), static_cast<off_t>(item_.info.size)) != 0)
            return error::from_errno(errno, "cannot set the size of " + item_.local);
        return run_.target.publish(*target_, item_.info, durability_of(run_));
    };
    co_return co_await run_.op.context().runtime.blocking(appear);
}

/// Of what was fetched: by our blocks, else by the service's checksums of the ranges, which were held against
/// the bytes; the MD5 that the blob has was not.
std::string large_download::hash() const {
    if (!own_.empty()) return plan::blocks_hash(own_);
    // Its parts are not all of it.
    if (item_.info.type == blob::blob_type::page) return plan::md5_hash(item_.info.content.md5);
    std::uint64_t whole = 0;
    for (std::size_t i = 0; i < layout_.size(); ++i) {
        if (!range_crcs_[i]) return plan::md5_hash(item_.info.content.md5);
        whole = codec::crc64_combine(whole, *range_crcs_[i], layout_[i].range.length);
    }
    return plan::crc64_hash(whole);
}

task<result<std::vector<blob_part>>> large_download::layout(until u) {
    std::vector<blob_part> parts;
    ACT_CO_TRY(const auto own, co_await own_blocks(run_.from.client, where_, item_.info, u));
    std::uint64_t at = 0;
    for (std::size_t i = 0; own && i < own->size(); ++i) {
        parts.push_back({{at, (*own)[i].length}, (*own)[i].hash});
        at += (*own)[i].length;
    }
    if (own && run_.op.records()) own_ = *own;
    if (item_.info.type == blob::blob_type::page) {
        ACT_CO_TRY(const auto written, co_await page_parts(run_.from.client, where_, item_.info, u));
        for (const auto& range : written) parts.push_back({range, {}});
    } else if (parts.empty()) {
        // Another tool's blob: ranges for which the service answers with a checksum.
        for (const auto& range : plan::split(item_.info.size, blob::max_checked_range))
            parts.push_back({range, {}});
    }
    range_crcs_.resize(parts.size());
    co_return parts;
}

result<void> large_download::open_target() {
    const auto name =
        plan::part_name(item_.local, run_.from.client.account().name, where_.container, where_.name);
    ACT_TRY(auto target, run_.target.create(item_.local, name));
    if (::flock(target.fd(), LOCK_EX | LOCK_NB) != 0) {
        return error(kind::conflict, item_.local + " is being downloaded by another act",
                     "wait for it, or stop it, then run the same command again");
    }
    ACT_TRY(const file::status left, file::stat_of(target.fd(), item_.local));
    left_by_earlier_run_ = left.size;
    target_.emplace(std::move(target));
    if (item_.info.type == blob::blob_type::page) {
        // What is not fetched is zeros, whatever an earlier run has left there.
        if (::ftruncate(target_->fd(), 0) != 0 ||
            ::ftruncate(target_->fd(), static_cast<off_t>(item_.info.size)) != 0) {
            return error::from_errno(errno, "cannot set the size of " + item_.local);
        }
    }
    // Without hashes nothing that is there can be told to be right.
    const bool own = !layout_.empty() && layout_.front().hash.has_value() && !run_.options.decompress;
    auto old =
        own ? file::open_read(item_.local) : result<file::descriptor>(error(kind::not_found, "unused"));
    if (old) {
        ACT_TRY(const file::status s, file::stat_of(old->get(), item_.local));
        if (s.type == file::type::regular) {
            old_ = std::move(*old);
            old_size_ = s.size;
        }
    }
    return {};
}

/// Whether the file aside, or the older file, holds the part; in the latter case it is copied over.
task<result<bool>> large_download::have_already(const blob_part& p, until u) {
    if (!p.hash) co_return false;
    auto& context = run_.op.context();
    const std::uint64_t end = p.range.offset + p.range.length;
    if (end <= left_by_earlier_run_) {
        auto there =
            co_await hash_range(context.runtime, context.buffers, target_->fd(), p.range, item_.local, u);
        if (there && there->content == *p.hash) co_return true;
        if (!there && there.error().kind() == kind::stopped) co_return there.error();
    }
    if (end <= old_size_) {
        auto there =
            co_await hash_range(context.runtime, context.buffers, old_.get(), p.range, item_.local, u);
        if (!there && there.error().kind() == kind::stopped) co_return there.error();
        if (there && there->content == *p.hash) {
            ACT_CO_TRY(buffer piece, co_await context.buffers.take(piece_size, u));
            codec::xxh3 copied;
            for (std::uint64_t at = 0; at < p.range.length; at += piece_size) {
                const auto span =
                    piece.span().first(std::min<std::uint64_t>(piece_size, p.range.length - at));
                ACT_CO_TRY(const auto got, file::read_at(old_.get(), span, p.range.offset + at, item_.local));
                copied.update(span.first(got));
                ACT_CO_TRY_VOID(
                    file::write_at(target_->fd(), span.first(got), p.range.offset + at, item_.local));
            }
            co_return copied.digest() == *p.hash;
        }
    }
    co_return false;
}

task<result<void>> large_download::fetch_part(std::size_t index) {
    const until u{.stop = parts_.stop()};
    ACT_CO_TRY_VOID(u.check());
    const blob_part& p = layout_[index];
    bool have = false;
    if (item_.looked) {
        ACT_CO_TRY(have, co_await have_already(p, u));
    }
    second_chances more(reinterpret_cast<std::uintptr_t>(this) + index);
    while (!have) {
        auto got = item_.looked ? co_await fetch_hedged(index, u) : co_await fetch_alone(index, u);
        if (got) break;
        if (!co_await more.after(got.error(), u)) co_return got.error();
    }
    if (have) advance(p.range.length);
    if (reading_) reading_->ready(index);
    co_return result<void>();
}

task<result<void>> large_download::fetch_alone(std::size_t index, until u) {
    ACT_CO_TRY(buffer memory, co_await run_.op.context().buffers.take(room_for(layout_[index]), u));
    co_return co_await fetch_once(index, memory, u);
}

/// The first try writes as it reads; a repetition reads everything into memory, and is written when the first
/// has ended, so that the two never write at once.
task<result<void>> large_download::fetch_hedged(std::size_t index, until u) {
    const blob_part& p = layout_[index];
    auto& context = run_.op.context();
    ACT_CO_TRY(buffer memory, co_await context.buffers.take(room_for(p), u));
    buffer whole;
    auto first = [&](until w) { return fetch_once(index, memory, std::move(w)); };
    auto again = [&](until w) -> task<result<void>> {
        if (p.range.length <= largest_repeated) whole = context.buffers.try_take(p.range.length);
        if (!whole) co_return no_memory_to_spare();
        co_return co_await read_part(run_.from.client, where_, item_.info.etag, p, whole.span(), w);
    };
    bool by_second = false;
    auto outcome = co_await http::hedged(run_.from.client.pipeline(), p.range.length, first, again,
                                         std::move(u), &by_second);
    if (!outcome || !by_second) co_return outcome;
    ACT_CO_TRY_VOID(file::write_at(target_->fd(), whole.span(), p.range.offset, item_.local));
    advance(p.range.length);
    file::start_writeback(target_->fd(), p.range.offset, p.range.length);
    co_return result<void>();
}

/// The memory was taken first: an answer that is not read holds up others, who may hold the memory.
task<result<void>> large_download::fetch_once(std::size_t index, buffer& memory, until u) {
    const blob_part& p = layout_[index];
    const std::size_t room = memory.size();
    ACT_CO_TRY(blob::download d, co_await open_part(run_.from.client, where_, item_.info.etag, p.range, u));
    if (!item_.looked) ACT_CO_TRY_VOID(learn(item_, where_, d));
    if (!p.hash) range_crcs_[index] = d.range_crc64;
    if (!p.hash && (d.range_crc64 || !d.range_md5.empty())) {
        const auto whole = memory.span().first(p.range.length);
        ACT_CO_TRY_VOID(co_await run_.from.client.read_verified(d, whole, u));
        ACT_CO_TRY_VOID(file::write_at(target_->fd(), whole, p.range.offset, item_.local));
        advance(p.range.length);
        co_return result<void>();
    }

    codec::xxh3 hash;
    std::uint64_t at = 0;
    auto outcome = result<void>();
    while (at < p.range.length) {
        const auto want = memory.span().first(std::min<std::uint64_t>(room, p.range.length - at));
        auto got = co_await d.body.read(want, u);
        if (!got) {
            outcome = got.error();
            break;
        }
        if (*got < want.size()) {
            outcome = ended_early(where_);
            break;
        }
        if (p.hash) hash.update(want);
        if (auto written = file::write_at(target_->fd(), want, p.range.offset + at, item_.local); !written) {
            outcome = written.error();
            break;
        }
        at += want.size();
        advance(want.size());
    }
    if (outcome && p.hash && hash.digest() != *p.hash) outcome = block_differs(where_);
    if (outcome) file::start_writeback(target_->fd(), p.range.offset, p.range.length);
    if (!outcome) retreat(at);
    co_return outcome;
}

}  // namespace

std::unique_ptr<job> download_large(download_run& run, download_item item) {
    return std::make_unique<large_download>(run, std::move(item));
}

}  // namespace act::ops

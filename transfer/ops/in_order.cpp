#include "transfer/ops/in_order.hpp"

#include "engine/core/units.hpp"
#include "engine/file/file.hpp"

namespace act::ops {

namespace {

constexpr std::size_t tile_size = 256 * KiB;
// So long does one turn on the blocking pool last: some 15 ms of MD5.
constexpr std::uint64_t turn = 8 * MiB;

}  // namespace

in_order::in_order(runtime& rt, buffer_pool& buffers, int fd, std::string path,
                   const std::vector<plan::block_range>& parts, std::uint64_t size, consumer c)
    : runtime_(rt), buffers_(buffers), fd_(fd), path_(std::move(path)), consumer_(std::move(c)) {
    for (const auto& part : parts) ends_.push_back(part.offset + part.length);
    if (ends_.empty()) {
        // Nothing to wait for: all of it is a hole.
        ends_.push_back(size);
        ready_.push_back(true);
        frontier_ = 1;
        return;
    }
    ends_.back() = size;
    ready_.resize(ends_.size());
}

void in_order::ready(std::size_t part) {
    std::lock_guard lock(mutex_);
    ready_[part] = true;
    if (part != frontier_) return;
    while (frontier_ < ready_.size() && ready_[frontier_]) ++frontier_;
    if (waiting_) waiting_->set();
    waiting_ = nullptr;
}

/// How far the file may be read, which is farther than it has been.
task<result<std::uint64_t>> in_order::next_end(until u) {
    for (;;) {
        event more;
        {
            std::lock_guard lock(mutex_);
            if (frontier_ > 0 && ends_[frontier_ - 1] > at_) co_return ends_[frontier_ - 1];
            waiting_ = &more;
        }
        auto waited = co_await more.wait(u);
        std::lock_guard lock(mutex_);
        waiting_ = nullptr;
        if (!waited) co_return waited.error();
    }
}

/// Blocks.
result<void> in_order::consume(std::uint64_t to, std::span<std::byte> tile, const until& u) {
    while (at_ < to) {
        ACT_TRY_VOID(u.check());
        const std::size_t want = std::min<std::uint64_t>(tile.size(), to - at_);
        ACT_TRY(const std::size_t got, file::read_at(fd_, tile.first(want), at_, path_));
        if (got < want)
            return error(kind::io, path_ + " became shorter while it was read", "run the same command again");
        ACT_TRY_VOID(consumer_(tile.first(got)));
        at_ += got;
    }
    return {};
}

task<result<void>> in_order::run(until u) {
    const std::uint64_t end = ends_.back();
    buffer tile;
    while (at_ < end) {
        ACT_CO_TRY(const std::uint64_t known, co_await next_end(u));
        if (!tile) {
            ACT_CO_TRY(tile, co_await buffers_.take(tile_size, u));
        }
        auto take = [&] { return consume(std::min(known, at_ + turn), tile.span(), u); };
        ACT_CO_TRY_VOID(co_await runtime_.blocking(take));
    }
    co_return result<void>();
}

}  // namespace act::ops

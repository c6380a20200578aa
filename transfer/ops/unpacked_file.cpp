#include "transfer/ops/unpacked_file.hpp"

#include "engine/core/units.hpp"

namespace act::ops {

namespace {

constexpr std::uint64_t writeback_step = 8 * MiB;

}  // namespace

result<unpacked_file> unpacked_file::create(download_run& run, const download_item& item,
                                            codec::inflate_stream::format how) {
    ACT_TRY(auto target, run.target.create(item.local));
    return unpacked_file(run, item, std::move(target), codec::inflate_stream(how));
}

result<void> unpacked_file::feed(std::span<const std::byte> stored, const until& u) {
    std::optional<error> refused;
    const auto sink = [&](std::span<const std::byte> plain) -> result<void> {
        auto written = u.check();
        if (written) written = file::write_at(target_.fd(), plain, size_, item_->local);
        if (!written) {
            refused = written.error();
            return written;
        }
        const std::uint64_t before = size_;
        size_ += plain.size();
        const std::uint64_t whole = size_ / writeback_step * writeback_step;
        if (whole > before) file::start_writeback(target_.fd(), whole - writeback_step, writeback_step);
        return {};
    };
    auto fed = unpack_.feed(stored, sink);
    if (fed || refused) return fed;
    return unpack_failed(fed.error(), item_->info);
}

result<bool> unpacked_file::publish() {
    if (auto whole = unpack_.finish(); !whole) return unpack_failed(whole.error(), item_->info);
    return run_->target.publish(target_, item_->info, durability_of(*run_));
}

}  // namespace act::ops

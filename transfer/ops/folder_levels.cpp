#include "transfer/ops/folder_levels.hpp"

#include <algorithm>

#include "transfer/mover/mover.hpp"

namespace act::ops {

namespace {

/// Of each level; a path in the service has at most 60 or so.
constexpr std::size_t in_memory = 256 * KiB;

class visited_folder final : public job {
public:
    visited_folder(const folder_levels::visit& what, folder_levels::folder folder, part_group& level)
        : what_(what), folder_(std::move(folder)), level_(level) {}

    task<void> run() override {
        co_await what_(std::move(folder_));
        level_.done({});
    }

private:
    const folder_levels::visit& what_;
    folder_levels::folder folder_;
    part_group& level_;
};

/// No name has a NUL in it.
folder_levels::folder read(const std::string& line) {
    const std::size_t end = line.find('\0');
    return {line.substr(0, end), {line.substr(end + 1)}};
}

task<result<void>> visit_level(operation& op, mover& m, spool& folders, const folder_levels::visit& what) {
    part_group level(op.stop());
    auto outcome = result<void>();
    while (outcome && !op.stop().requested()) {
        auto next = folders.pop();
        if (!next) outcome = next.error();
        if (!next || !*next) break;
        level.add();
        outcome = co_await m.submit(std::make_unique<visited_folder>(what, read(**next), level));
        // It was not taken, so it will not tell.
        if (!outcome) level.done({});
    }
    (void)co_await level.wait();
    co_return outcome;
}

}  // namespace

result<void> folder_levels::add(const folder& f) {
    const auto depth = f.name.empty() ? 0u : 1u + std::count(f.name.begin(), f.name.end(), '/');
    auto& level = levels_[static_cast<std::size_t>(depth)];
    if (!level) level = std::make_unique<spool>(in_memory);
    return level->push(f.name + '\0' + f.version.text);
}

task<result<void>> folder_levels::each_deepest_first(operation& op, visit what) {
    if (levels_.empty()) co_return result<void>();
    mover::options lanes;
    lanes.lanes = op.context().concurrency;
    lanes.wanted = op.context().wanted;
    mover m(op.context().runtime, lanes, op.stop());
    auto outcome = result<void>();
    for (; outcome && !levels_.empty(); levels_.erase(std::prev(levels_.end())))
        outcome = co_await visit_level(op, m, *levels_.rbegin()->second, what);
    levels_.clear();
    co_await m.finish();
    co_return outcome;
}

}  // namespace act::ops

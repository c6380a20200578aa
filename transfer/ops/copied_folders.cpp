#include "transfer/ops/copied_folders.hpp"

#include "transfer/ops/copy_blob.hpp"
#include "transfer/ops/move_source.hpp"
#include "transfer/ops/removal.hpp"

namespace act::ops {

namespace {

task<void> permit_now(copy_run& run, folder_levels::folder folder) {
    if (run.op.stop().requested()) co_return;
    const std::string& source = run.from.path;
    const std::size_t strip = source.empty() ? 0 : source.size() + 1;
    std::string target =
        folder.name == source ? run.to.path : blob_name(run.to.path, folder.name.substr(strip));
    auto carried = co_await run.permissions->carry(folder.name, target, false);
    if (!carried) run.permissions->failed(folder.name, carried.error(), {folder.name, target});
}

task<void> part_now(copy_run& run, folder_levels::folder folder) {
    if (!run.op.untroubled()) co_return;
    const blob::address where{run.from.container, folder.name};
    auto gone = co_await remove_copied(run.from.client, where, folder.version, run.op.patience());
    // What was not to be moved keeps it.
    if (!gone && !is_full_folder(gone.error())) run.op.failed(where.name, gone.error());
}

}  // namespace

void copied_folders::come_to(const std::string& name) {
    while (!around_.empty() && !around_.back().empty() && !name.starts_with(around_.back() + '/'))
        around_.pop_back();
}

void copied_folders::enter(const copy_run& run, const std::string& folder) {
    if (run.permissions) around_.push_back(folder);
}

result<void> copied_folders::take(const copy_run& run) {
    for (const auto& folder : around_) ACT_TRY_VOID(permit(run, folder));
    around_.clear();
    return {};
}

result<void> copied_folders::permit(const copy_run& run, const std::string& folder) {
    if (!run.permissions || run.options.dry_run) return {};
    return to_permit_.add({folder, {}});
}

result<void> copied_folders::part_with(const copy_run& run, const blob::properties& source) {
    const bool goes = run.options.remove_source && !run.options.dry_run;
    if (!goes || !source.is_directory || source.size > 0) return {};
    return to_go_.add({source.name, source.etag});
}

task<void> copied_folders::finish(copy_run& run) {
    auto permitted = co_await to_permit_.each_deepest_first(
        run.op, [&run](folder_levels::folder f) { return permit_now(run, std::move(f)); });
    if (!permitted) run.op.give_up(permitted.error());
    auto parted = co_await to_go_.each_deepest_first(
        run.op, [&run](folder_levels::folder f) { return part_now(run, std::move(f)); });
    if (!parted) run.op.give_up(parted.error());
}

}  // namespace act::ops

#include "transfer/ops/file_hash.hpp"
#include "transfer/ops/upload_file.hpp"
#include "transfer/plan/attributes.hpp"
#include "transfer/plan/item_list.hpp"

namespace act::ops {

namespace {

/// Finds out what is there, decides as if that had been listed, and goes on as any other upload.
class looking_upload final : public job {
public:
    looking_upload(upload_run& run, upload_item item) : run_(run), item_(std::move(item)) {}

    task<void> run() override {
        auto outcome = co_await to_be_sent();
        if (!outcome) {
            run_.op.failed(item_.local, outcome.error(), {item_.local, item_.blob});
        } else if (*outcome) {
            auto work = upload_any(run_, std::move(item_));
            co_await work->run();
        }
    }

private:
    task<result<bool>> to_be_sent() {
        const until u = run_.op.patience();
        ACT_CO_TRY_VOID(u.check());
        ACT_CO_TRY(const bool same, co_await same_as_known(u));
        if (same) co_return false;
        const blob::address where{run_.to.container, item_.blob};
        ACT_CO_TRY(item_.existing, co_await find_blob(run_.to.client, where, u));
        item_.by_manifest = false;
        const auto& there = item_.existing;
        if (!there) co_return true;
        if (there->is_directory && !item_.directory_stub) co_return folder_in_the_way(item_);
        if (!stays(run_, item_, *there)) co_return true;
        run_.op.skipped(item_.local, item_.directory_stub ? 0 : item_.info.size);
        record_left(run_, item_, item_.info, *there);
        co_return false;
    }

    /// By content, of a file that is not read into memory for that.
    task<result<bool>> same_as_known(until u) {
        if (sent_whole(run_, item_) || item_.directory_stub) co_return false;
        const auto known = known_content(run_, item_, item_.info.size);
        if (!known) co_return false;
        ACT_CO_TRY(const std::string hash,
                   co_await file_hash(run_.op.context(), item_.local, item_.info.size, *known, u));
        if (hash != known->text) co_return false;
        ACT_CO_TRY(const file::status after, file::stat_of(item_.local));
        if (after.size != item_.info.size || after.modified != item_.info.modified) co_return false;
        run_.op.skipped(item_.local, item_.info.size);
        record(run_, item_, item_.info, item_.existing->etag, hash, true);
        co_return true;
    }

    upload_run& run_;
    upload_item item_;
};

}  // namespace

bool sent_whole(const upload_run& run, const upload_item& item) {
    return item.directory_stub || item.info.size <= run.options.single_request;
}

std::unique_ptr<job> upload_any(upload_run& run, upload_item item) {
    if (type_of(run, item) != blob::blob_type::block) return upload_built(run, std::move(item));
    return sent_whole(run, item) ? upload_small(run, std::move(item)) : upload_large(run, std::move(item));
}

std::unique_ptr<job> upload_looking(upload_run& run, upload_item item) {
    return std::make_unique<looking_upload>(run, std::move(item));
}

task<result<void>> before_change(upload_run& run) {
    if (!run.options.known || run.told.load(std::memory_order_acquire)) co_return result<void>();
    auto tell = [&run] { return run.options.known->changing(); };
    if (auto told = co_await run.op.context().runtime.blocking(tell); !told) {
        run.op.give_up(told.error());
        co_return told;
    }
    run.told.store(true, std::memory_order_release);
    co_return result<void>();
}

bool must_look(const upload_run& run, const upload_item& item) {
    // Blocks, or what takes the blob's place, would be sent before a condition is tried.
    if (!sent_whole(run, item) || type_of(run, item) != blob::blob_type::block) return true;
    if (!item.existing) return false;
    if (item.existing->is_directory != item.directory_stub) return true;
    // A manifest knows the time of the file that was sent, not that of a blob that somebody else made.
    const auto how = run.options.overwrite;
    return how == plan::overwrite::newer || how == plan::overwrite::never;
}

std::optional<plan::content_hash> known_content(const upload_run& run, const upload_item& item,
                                                std::uint64_t size) {
    if (!item.by_manifest || !item.existing || item.known.doubtful || item.directory_stub ||
        run.options.overwrite == plan::overwrite::always || item.existing->size != size ||
        of_other_type(run, item, *item.existing) ||
        plan::is_link(*item.existing) != (item.info.type == file::type::symlink)) {
        return std::nullopt;
    }
    if (!run.options.compare_content && item.known.dated) return std::nullopt;
    return plan::parse_content_hash(item.known.hash);
}

}  // namespace act::ops

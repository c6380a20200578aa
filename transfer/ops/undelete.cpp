#include "transfer/ops/undelete.hpp"

#include <fmt/format.h>

#include "engine/core/uri.hpp"
#include "transfer/mover/mover.hpp"
#include "transfer/ops/history.hpp"
#include "transfer/ops/listed.hpp"

namespace act::ops {

namespace {

using namespace std::chrono_literals;

struct undelete_run {
    operation& op;
    act::mover& mover;
    remote at;
    copy_link& link;
    undelete_options options;
    std::atomic<std::uint64_t> kept = 0;  ///< names with something that can come back
};

class revival final : public job {
public:
    revival(undelete_run& run, name_history what) : run_(run), what_(std::move(what)) {}
    /// A name of a list: it is looked up first.
    revival(undelete_run& run, std::string name) : run_(run), look_(true) { what_.name = std::move(name); }

    task<void> run() override {
        if (run_.op.stop().requested()) co_return;
        auto done = co_await bring_back();
        if (!done) {
            run_.op.failed(what_.name, done.error());
        } else if (*done) {
            run_.op.advance(size_);
            run_.op.done("undelete", what_.name, size_);
        } else {
            run_.op.skipped(what_.name, what_.size);
        }
    }

private:
    blob::address where() const { return {run_.at.container, what_.name}; }

    /// False when there was nothing to do.
    task<result<bool>> bring_back() {
        const until u = run_.op.patience();
        if (look_) {
            ACT_CO_TRY(auto found, co_await history_of(run_.at, what_.name, u));
            if (!found) co_return not_there(where());
            what_ = std::move(*found);
        }
        const blob::properties* gone = what_.gone();
        if (!gone && !(run_.options.past && !what_.past.empty())) co_return false;
        run_.kept.fetch_add(1, std::memory_order_relaxed);
        if (gone) size_ = gone->size;
        if (look_) run_.op.found(size_);
        if (run_.options.dry_run) co_return true;
        // What is left as a version alone needs no more than its copy.
        if (!gone || gone->deleted || !what_.past.empty())
            ACT_CO_TRY_VOID(
                co_await run_.at.client.undelete(where(), gone ? gone->deletion_id : std::string(), u));
        if (gone && !gone->version_id.empty()) ACT_CO_TRY_VOID(co_await promote(*gone, u));
        co_return true;
    }

    /// Makes the version the current one, if there still is none.
    task<result<void>> promote(const blob::properties& version, until u) {
        const bool shown = run_.link.may(copy_link::form::whole_blob);
        const auto form = shown ? blob::copy_form::automatic_async : blob::copy_form::put_from_url;
        ACT_CO_TRY(auto from, co_await run_.link.origin(where(), version, u));
        std::string url = from.url.reveal();
        url += url.find('?') == std::string::npos ? '?' : '&';
        from.url = secret(url + "versionid=" + encode_component(version.version_id));
        blob::write_options how;
        how.when = blob::conditions::absent();
        // Copy Blob keeps what the version has; Put Blob From URL does, but for headers that are given.
        if (!shown) {
            how.content = version.content;
            how.metadata = version.metadata;
        }
        auto begun = co_await run_.at.client.copy(form, std::move(from), where(), how, u);
        // Written by somebody else meanwhile, or by a try whose answer was lost.
        if (!begun && begun.error().code() == "BlobAlreadyExists") co_return result<void>();
        if (!begun) co_return begun.error();
        auto copy = std::move(*begun);
        for (auto pause = 100ms; copy.status == "pending";
             pause = std::min<std::chrono::milliseconds>(5s, 2 * pause)) {
            ACT_CO_TRY_VOID(co_await sleep_for(pause, u));
            ACT_CO_TRY(const blob::properties now, co_await run_.at.client.head(where(), u));
            copy.status = now.copy_id == copy.copy_id ? now.copy_status : "success";
        }
        if (copy.status == "success") co_return result<void>();
        co_return error(kind::conflict,
                        fmt::format("blob '{}': the service's copy of version {} ended as {}", what_.name,
                                    version.version_id, copy.status),
                        "remove what it left, then run the same command again");
    }

    undelete_run& run_;
    name_history what_;
    bool look_ = false;
    std::uint64_t size_ = 0;
};

task<result<void>> submit(undelete_run& run, std::unique_ptr<job> next) {
    co_return co_await run.mover.submit(std::move(next));
}

struct tally {
    std::uint64_t names = 0, left_out = 0;
};

task<result<void>> all(undelete_run& run, tally& seen) {
    const history_receiver each = [&](name_history one, std::size_t strip) -> task<result<void>> {
        ++seen.names;
        const blob::properties* gone = one.gone();
        if (gone && !plan::takes(run.options.wanted, std::string_view(one.name).substr(strip), *gone)) {
            ++seen.left_out;
            co_return result<void>();
        }
        if (gone) run.op.found(gone->size);
        // What is in a real folder can come back only when the folder is there, which is named before it.
        const bool folder = gone && gone->is_directory && !gone->deletion_id.empty();
        std::unique_ptr<job> next = std::make_unique<revival>(run, std::move(one));
        if (folder) {
            co_await next->run();
            co_return result<void>();
        }
        co_return co_await submit(run, std::move(next));
    };
    co_return co_await each_history(run.op, run.at, run.options.raw_prefix, run.options.past, each);
}

task<result<void>> listed(undelete_run& run) {
    for (;;) {
        ACT_CO_TRY(auto some, co_await next_items(run.op, *run.options.items));
        if (some.empty()) co_return result<void>();
        for (const auto& one : some) {
            std::unique_ptr<job> next = std::make_unique<revival>(run, blob_name(run.at.path, one.source));
            ACT_CO_TRY_VOID(co_await submit(run, std::move(next)));
        }
    }
}

/// Why nothing came back, if that is worth an error.
task<std::optional<error>> nothing_kept(undelete_run& run, const tally& seen) {
    const std::string where =
        run.at.path.empty() ? "container " + run.at.container : fmt::format("'{}'", run.at.path);
    // Not every credential may ask.
    const auto days = co_await run.at.client.soft_delete_days(run.op.patience());
    if (days && *days == 0) {
        co_return error(
            kind::not_found,
            fmt::format("nothing that was deleted is kept at {}: account {} has no soft delete", where,
                        run.at.client.account().name),
            "turn on soft delete for blobs in the account's data protection, or by `act serve --soft-delete "
            "DAYS`: what is deleted from then on can be brought back");
    }
    if (seen.names > 0) co_return std::nullopt;
    co_return error(kind::not_found, fmt::format("nothing that was deleted is kept at {}", where),
                    days ? fmt::format("the account keeps it for {} days", *days)
                         : std::string("look with `act ls --deleted` at the folder above"));
}

}  // namespace

task<result<summary>> undelete(context& ctx, remote at, copy_link& link, undelete_options options) {
    operation op(ctx);
    op.between(at.path, at.path);
    mover::options lanes;
    lanes.lanes = ctx.concurrency;
    mover scheduler(ctx.runtime, lanes, op.stop());
    undelete_run run{op, scheduler, std::move(at), link, std::move(options)};
    tally seen;
    auto outcome = result<void>();
    if (run.options.items) {
        outcome = co_await listed(run);
    } else {
        outcome = co_await all(run, seen);
    }
    ctx.progress.scan_finished = true;
    if (!outcome) op.give_up(outcome.error());
    co_await scheduler.finish();
    if (outcome && !run.options.items && run.kept == 0 && seen.left_out == 0) {
        if (auto why = co_await nothing_kept(run, seen)) op.give_up(std::move(*why));
    }
    co_return op.finish();
}

}  // namespace act::ops

#include "engine/core/units.hpp"
#include "transfer/blob/names.hpp"
#include "transfer/ops/move_source.hpp"
#include "transfer/ops/upload_file.hpp"
#include "transfer/plan/destination.hpp"
#include "transfer/plan/listing.hpp"
#include "transfer/plan/local_path.hpp"

namespace act::ops {

namespace {

class tree_upload {
public:
    tree_upload(upload_run& run, std::string local) : run_(run), local_(std::move(local)) {}

    /// Walks and lists side by side and hands what differs to the mover.
    task<result<void>> plan_and_send() {
        const until u = run_.op.patience();
        blob::list_options options;
        options.prefix = run_.to.path.empty() ? std::string() : run_.to.path + '/';
        plan::listing there(run_.to.client, run_.to.container, options, u, &run_.op.context().buffers);
        task_group fetching;
        if (!run_.container_missing) there.start(run_.op.context().runtime, fetching);
        auto outcome = co_await merge(there, options.prefix);
        there.abandon();
        co_await fetching.join();
        co_return outcome;
    }

private:
    task<result<void>> merge(plan::listing& there, std::string prefix) {
        plan::destination target(there, std::move(prefix), run_.container_missing);
        operation& op = run_.op;
        ACT_CO_TRY_VOID(co_await target.open());
        file::walk_options how;
        how.links = run_.options.links;
        const plan::selection& wanted = run_.options.wanted;
        how.want = [&wanted](std::string_view name, bool directory) {
            if (directory) return wanted.enters(name.substr(0, name.size() - 1));
            return !plan::is_part_name(name.substr(name.rfind('/') + 1)) && wanted.name(name, false);
        };
        how.problem = [&op](const std::string& path, const error& e) { op.failed(path, e); };
        file::walker walk(local_, std::move(how), op.stop());
        for (;;) {
            auto next = [&walk] { return walk.next(); };
            ACT_CO_TRY(auto batch, co_await op.context().runtime.blocking(next));
            if (batch.empty()) break;
            for (auto& entry : batch) {
                if (!takes(entry)) continue;
                ACT_CO_TRY_VOID(co_await consider(target, std::move(entry)));
            }
        }
        op.context().progress.scan_finished = true;
        co_return result<void>();
    }

    bool takes(const file::entry& entry) const {
        const plan::selection& wanted = run_.options.wanted;
        if (entry.info.type == file::type::directory) return wanted.name(entry.name, true);
        return wanted.file(entry.name, entry.info.size, entry.info.modified);
    }

    task<result<void>> consider(plan::destination& target, file::entry entry) {
        upload_item item;
        item.local = local_ + '/' + entry.name;
        item.blob = blob_name(run_.to.path, entry.name);
        item.info = entry.info;
        item.link_target = std::move(entry.link_target);
        item.directory_stub = entry.info.type == file::type::directory;
        ACT_CO_TRY(item.existing, co_await target.find(entry.name));
        if (auto fine = blob::check_blob_name(item.blob); !fine) {
            run_.op.failed(item.local, fine.error());
            co_return result<void>();
        }
        co_return co_await start_upload(run_, std::move(item));
    }

public:
    static task<result<void>> start_upload(upload_run& run, upload_item item);

private:
    upload_run& run_;
    std::string local_;
};

task<result<void>> tree_upload::start_upload(upload_run& run, upload_item item) {
    const std::uint64_t size = item.directory_stub ? 0 : item.info.size;
    if (item.existing && item.existing->is_directory && !item.directory_stub) {
        run.op.failed(item.local, error(kind::conflict, "a folder stands at blob '" + item.blob + "'",
                                        "remove it with `act rm`, then run the same command again"));
        co_return result<void>();
    }
    if (item.existing && stays(run, item, *item.existing)) {
        run.op.skipped(item.local, size);
        co_return result<void>();
    }
    run.op.found(size);
    if (run.options.dry_run) {
        run.op.advance(size);
        run.op.done("upload", item.local, size);
        co_return result<void>();
    }
    if (size <= run.options.single_request) {
        co_return co_await run.mover.submit(upload_small(run, std::move(item)));
    }
    co_return co_await run.mover.spawn(upload_large(run, std::move(item)));
}

task<result<void>> send_file(upload_run& run, std::string local, file::status info) {
    const blob::address where{run.to.container, run.to.path};
    upload_item item;
    item.local = std::move(local);
    item.blob = where.name;
    item.info = info;
    ACT_CO_TRY_VOID(blob::check_blob_name(item.blob));
    if (!run.container_missing) {
        ACT_CO_TRY(item.existing, co_await find_blob(run.to.client, where, run.op.patience()));
    }
    run.op.context().progress.scan_finished = true;
    co_return co_await tree_upload::start_upload(run, std::move(item));
}

task<result<void>> send_all(upload_run& run, const std::string& local, const file::status& info) {
    if (info.type == file::type::directory) {
        tree_upload tree(run, local);
        co_return co_await tree.plan_and_send();
    }
    co_return co_await send_file(run, local, info);
}

/// Makes the container when the first look shows that it is missing, then goes on.
task<result<void>> send_making_container(upload_run& run, const std::string& local,
                                         const file::status& info) {
    auto outcome = co_await send_all(run, local, info);
    if (outcome || outcome.error().code() != "ContainerNotFound" || !run.options.create_container)
        co_return outcome;
    if (run.options.dry_run) {
        run.container_missing = true;
        co_return co_await send_all(run, local, info);
    }
    auto made = co_await run.to.client.create_container(run.to.container, run.op.patience());
    if (!made && made.error().kind() != kind::conflict) co_return made.error();
    co_return co_await send_all(run, local, info);
}

}  // namespace

bool stays(const upload_run& run, const upload_item& item, const blob::properties& there) {
    if (item.directory_stub) return run.options.overwrite != plan::overwrite::always;
    return plan::stays({run.options.overwrite, run.options.compare_content}, item.info, there);
}

blob::write_options description(const upload_run& run, const upload_item& item, const file::status& read) {
    blob::write_options out;
    if (item.directory_stub) {
        out.metadata["hdi_isfolder"] = "true";
    } else if (read.type == file::type::symlink) {
        new_blob_options how = run.options.blobs;
        how.guess_content_type = false;  // the content is a path
        out = describe(how, item.blob, plan::to_metadata(read, run.options.keep_owner));
    } else {
        out = describe(run.options.blobs, item.blob, plan::to_metadata(read, run.options.keep_owner));
    }
    out.when = as_seen(item.existing);
    return out;
}

result<void> finish_source(const upload_run& run, const upload_item& item, const file::status& read) {
    if (!run.options.remove_source || item.directory_stub) return {};
    return remove_copied(run.root, item.local, read);
}

task<result<summary>> upload(context& ctx, std::string local, remote to, upload_options options) {
    while (local.size() > 1 && local.ends_with('/')) local.pop_back();
    ACT_CO_TRY(const file::status info, file::stat_of(local));
    if (info.type != file::type::regular && info.type != file::type::directory) {
        co_return error(kind::unsupported, local + " is neither a file nor a folder",
                        "name a file or a folder");
    }
    if (info.type == file::type::regular && to.path.empty()) {
        co_return error(kind::usage, "a file needs a blob name, not a whole container", "name the blob");
    }
    operation op(ctx);
    mover::options lanes;
    lanes.lanes = ctx.concurrency;
    lanes.wanted = ctx.wanted;
    mover scheduler(ctx.runtime, lanes, op.stop());
    upload_run run{op, scheduler, std::move(to), options, local, false};
    auto outcome = co_await send_making_container(run, local, info);
    if (!outcome) op.give_up(outcome.error());
    co_await scheduler.finish();
    const bool moved = options.remove_source && !options.dry_run && info.type == file::type::directory;
    if (moved && op.untroubled()) {
        auto clear = [&] { remove_empty_folders(local); };
        co_await ctx.runtime.blocking(clear);
    }
    co_return op.finish();
}

}  // namespace act::ops

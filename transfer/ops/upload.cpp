#include <filesystem>

#include "engine/core/units.hpp"
#include "engine/file/link.hpp"
#include "transfer/blob/names.hpp"
#include "transfer/ops/blob_builder.hpp"
#include "transfer/ops/listed.hpp"
#include "transfer/ops/move_source.hpp"
#include "transfer/ops/read_listing.hpp"
#include "transfer/ops/upload_target.hpp"
#include "transfer/plan/local_path.hpp"

namespace act::ops {

namespace {

class tree_upload {
public:
    /// From the folder `local` to what is below `path`.
    tree_upload(upload_run& run, std::string local, std::string path)
        : run_(run), local_(std::move(local)), path_(std::move(path)) {}

    /// Walks and lists side by side and hands what differs to the mover.
    task<result<void>> plan_and_send() {
        if (run_.options.known) {
            auto target = upload_target::known(run_.op, *run_.options.known);
            co_return co_await merge(*target);
        }
        blob::list_options options;
        options.prefix = path_.empty() ? std::string() : path_ + '/';
        auto read = [&](plan::listing& there) { return merge_listed(there, options.prefix); };
        co_return co_await read_listing(run_.op, run_.to, options, read,
                                        {.fetched = !run_.container_missing});
    }

private:
    task<result<void>> merge_listed(plan::listing& there, std::string prefix) {
        auto target = upload_target::listed(there, std::move(prefix), run_.container_missing);
        co_return co_await merge(*target);
    }

    task<result<void>> merge(upload_target& target) {
        operation& op = run_.op;
        ACT_CO_TRY_VOID(co_await target.open());
        file::walk_options how;
        how.links = run_.options.links;
        how.order = target.order();
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
        co_return result<void>();
    }

    bool takes(const file::entry& entry) const {
        const plan::selection& wanted = run_.options.wanted;
        if (entry.info.type == file::type::directory) return wanted.name(entry.name, true);
        return wanted.file(entry.name, entry.info.size, entry.info.modified);
    }

    task<result<void>> consider(upload_target& target, file::entry entry) {
        upload_item item;
        item.local = local_ + '/' + entry.name;
        item.blob = blob_name(path_, entry.name);
        item.info = entry.info;
        item.link_target = std::move(entry.link_target);
        item.directory_stub = entry.info.type == file::type::directory;
        ACT_CO_TRY_VOID(co_await target.look(entry.name, item));
        if (auto fine = blob::check_blob_name(item.blob); !fine) {
            run_.op.failed(item.local, fine.error(), {item.local, item.blob});
            co_return result<void>();
        }
        co_return co_await start_upload(run_, std::move(item));
    }

public:
    static task<result<void>> start_upload(upload_run& run, upload_item item);

private:
    upload_run& run_;
    const std::string local_, path_;
};

task<result<void>> tree_upload::start_upload(upload_run& run, upload_item item) {
    const std::uint64_t size = item.directory_stub ? 0 : item.info.size;
    const bool in_the_way = item.existing && item.existing->is_directory && !item.directory_stub;
    if (in_the_way && !item.by_manifest) {
        run.op.failed(item.local, folder_in_the_way(item), {item.local, item.blob});
        co_return result<void>();
    }
    if (item.existing && !in_the_way && !item.known.doubtful && stays(run, item, *item.existing)) {
        run.op.skipped(item.local, size);
        if (!item.by_manifest) record_left(run, item, item.info, *item.existing);
        co_return result<void>();
    }
    const blob::blob_type type = type_of(run, item);
    if (auto fits = check_fits(type, size, item.local); !fits) {
        run.op.failed(item.local, fits.error(), {item.local, item.blob});
        co_return result<void>();
    }
    run.op.found(size);
    if (run.options.dry_run) {
        run.op.advance(size);
        run.op.done("upload", item.local, size);
        co_return result<void>();
    }
    const bool whole = sent_whole(run, item);
    auto work = item.by_manifest && must_look(run, item) ? upload_looking(run, std::move(item))
                                                         : upload_any(run, std::move(item));
    if (whole) co_return co_await run.mover.submit(std::move(work));
    co_return co_await run.mover.spawn(std::move(work));
}

/// Sends the items of a list, a batch after the other.
class list_upload {
public:
    list_upload(upload_run& run, std::string local)
        : run_(run),
          local_(std::move(local)),
          dense_(run.op, run.to, {.ask_each = false}),
          each_(run.op, run.to, {}) {}

    task<result<void>> plan_and_send() {
        const bool create = run_.options.create_container && !run_.options.dry_run;
        ACT_CO_TRY(run_.container_missing, co_await container_missing(run_.op, run_.to, create));
        for (;;) {
            ACT_CO_TRY(auto listed, co_await next_items(run_.op, *run_.options.items));
            if (listed.empty()) break;
            ACT_CO_TRY_VOID(co_await send(std::move(listed)));
        }
        run_.op.context().progress.scan_finished = true;
        co_return result<void>();
    }

private:
    task<result<void>> send(std::vector<plan::listed_item> listed) {
        std::vector<upload_item> items;
        std::vector<std::string> names;        // of those below, relative
        std::vector<std::size_t> dense, each;  // which of the items are to be looked up, and how
        std::vector<const plan::listed_item*> folders;
        auto look = [&] {
            for (const auto& one : listed) {
                if (take(one, items, names, dense)) folders.push_back(&one);
            }
        };
        co_await run_.op.context().runtime.blocking(look);
        if (!run_.container_missing) {
            ACT_CO_TRY_VOID(co_await look_up(dense_, items, names, dense));
            // A large file is not sent to find out that it is there.
            for (std::size_t i = 0; i < items.size(); ++i) {
                if (!items[i].looked && items[i].info.size > run_.options.single_request) each.push_back(i);
            }
            ACT_CO_TRY_VOID(co_await look_up(each_, items, names, each));
        }
        for (auto& item : items) {
            if (item.blob.empty()) continue;
            if (auto fine = blob::check_blob_name(item.blob); !fine) {
                run_.op.failed(item.local, fine.error(), {item.local, item.blob});
                continue;
            }
            ACT_CO_TRY_VOID(co_await tree_upload::start_upload(run_, std::move(item)));
        }
        for (const auto* folder : folders) ACT_CO_TRY_VOID(co_await send_folder(*folder));
        co_return result<void>();
    }

    /// Blocks: looks at the local file. True for a folder with something in it.
    bool take(const plan::listed_item& one, std::vector<upload_item>& items, std::vector<std::string>& names,
              std::vector<std::size_t>& dense) {
        upload_item item;
        item.local = local_ + '/' + one.source;
        while (item.local.ends_with('/')) item.local.pop_back();
        item.blob = blob_name(run_.to.path, one.destination);
        item.looked = run_.container_missing;
        const bool links = run_.options.links == file::links::report;
        auto there = file::stat_of(item.local, !links);
        if (!there) {
            run_.op.failed(item.local, there.error(), {item.local, item.blob});
            return false;
        }
        item.info = *there;
        item.directory_stub = there->type == file::type::directory;
        std::error_code unreadable;
        if (item.directory_stub && !one.folder && !std::filesystem::is_empty(item.local, unreadable))
            return true;
        const bool link = there->type == file::type::symlink;
        if (link) {
            auto target = file::read_link(item.local);
            if (!target) {
                run_.op.failed(item.local, target.error(), {item.local, item.blob});
                return false;
            }
            item.link_target = std::move(*target);
        }
        if (there->type != file::type::directory && there->type != file::type::regular && !link) {
            run_.op.failed(item.local,
                           error(kind::unsupported, item.local + " is neither a file nor a folder",
                                 "take it out of the list"),
                           {item.local, item.blob});
            return false;
        }
        if (!one.size && !item.looked) dense.push_back(items.size());
        names.push_back(one.destination);
        items.push_back(std::move(item));
        return false;
    }

    /// A folder with something in it: as it would be uploaded by itself.
    task<result<void>> send_folder(const plan::listed_item& one) {
        std::string path = blob_name(run_.to.path, one.destination);
        while (path.ends_with('/')) path.pop_back();
        std::string local = local_ + '/' + one.source;
        while (local.ends_with('/')) local.pop_back();
        tree_upload tree(run_, local, path);
        auto sent = co_await tree.plan_and_send();
        if (!sent && sent.error().kind() == kind::stopped) co_return sent;
        if (!sent) run_.op.failed(local, sent.error(), {local, path});
        co_return result<void>();
    }

    task<result<void>> look_up(name_lookup& by, std::vector<upload_item>& items,
                               const std::vector<std::string>& names, const std::vector<std::size_t>& which) {
        if (which.empty()) co_return result<void>();
        std::vector<std::string> wanted;
        for (const std::size_t i : which) wanted.push_back(names[i]);
        ACT_CO_TRY(auto answers, co_await by.find(wanted));
        for (std::size_t n = 0; n < which.size(); ++n) {
            upload_item& item = items[which[n]];
            if (answers[n].failed) {
                run_.op.failed(item.local, *answers[n].failed, {item.local, item.blob});
                item.blob.clear();
            } else if (answers[n].known) {
                item.existing = std::move(answers[n].there);
                item.looked = true;
            }
        }
        co_return result<void>();
    }

    upload_run& run_;
    std::string local_;
    name_lookup dense_, each_;
};

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
        tree_upload tree(run, local, run.to.path);
        ACT_CO_TRY_VOID(co_await tree.plan_and_send());
        run.op.context().progress.scan_finished = true;
        co_return result<void>();
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
    ACT_CO_TRY_VOID(co_await make_container_of(run.to, run.op.patience()));
    co_return co_await send_all(run, local, info);
}

}  // namespace

bool stays(const upload_run& run, const upload_item& item, const blob::properties& there) {
    if (item.directory_stub) return run.options.overwrite != plan::overwrite::always;
    plan::replace_rule rule{run.options.overwrite, run.options.compare_content};
    if (run.options.type) rule.type = type_of(run, item);
    return plan::stays(rule, item.info, there);
}

blob::blob_type type_of(const upload_run& run, const upload_item& item) {
    if (item.directory_stub || item.info.type == file::type::symlink) return blob::blob_type::block;
    return run.options.type.value_or(blob::blob_type::block);
}

bool of_other_type(const upload_run& run, const upload_item& item, const blob::properties& there) {
    return run.options.type && there.type != type_of(run, item);
}

bool may_have_come(const upload_item& item, const error& why) {
    return item.existing ? refused_by_condition(why)
                         : why.kind() == kind::conflict || why.kind() == kind::precondition;
}

task<result<came_since>> look_again(const upload_run& run, const upload_item& item, error why, until u) {
    // The next manifest is to know what it is.
    const bool wants_to_know = item.by_manifest && run.op.records();
    if (run.options.overwrite == plan::overwrite::never && refused_by_condition(why) && !wants_to_know) {
        co_return came_since{.stays = true};
    }
    // The listing did not show it: it came since (perhaps what a killed run had asked for), or the listing
    // was out of order. Look, then decide.
    came_since now;
    const bool another = item.existing && !item.by_manifest;
    ACT_CO_TRY(now.seen, co_await find_blob(run.to.client, {run.to.container, item.blob}, u));
    if (!now.seen && another) co_return why;
    if (!now.seen) co_return now;
    if (now.seen->is_directory && !item.directory_stub) co_return folder_in_the_way(item);
    now.stays = item.directory_stub || stays(run, item, *now.seen);
    if (!now.stays && another) co_return why;
    co_return now;
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
    out.when = when_to_write(run, item);
    return out;
}

result<void> finish_source(const upload_run& run, const upload_item& item, const file::status& read) {
    if (!run.options.remove_source || item.directory_stub) return {};
    return remove_copied(run.root, item.local, read);
}

task<result<summary>> upload(context& ctx, std::string local, remote to, upload_options options) {
    while (local.size() > 1 && local.ends_with('/')) local.pop_back();
    ACT_CO_TRY(const file::status info, file::stat_of(local));
    if (options.items && info.type != file::type::directory) {
        co_return error(kind::usage, "the names of a list are below a folder, and " + local + " is none",
                        "name the folder");
    }
    if (info.type != file::type::regular && info.type != file::type::directory) {
        co_return error(kind::unsupported, local + " is neither a file nor a folder",
                        "name a file or a folder");
    }
    if (info.type == file::type::regular && to.path.empty()) {
        co_return error(kind::usage, "a file needs a blob name, not a whole container", "name the blob");
    }
    operation op(ctx);
    op.between(local, to.path);
    mover::options lanes;
    lanes.lanes = ctx.concurrency;
    lanes.wanted = ctx.wanted;
    mover scheduler(ctx.runtime, lanes, op.stop());
    upload_run run{op, scheduler, std::move(to), options, local, false};
    auto outcome = result<void>();
    if (options.items) {
        list_upload list(run, local);
        outcome = co_await list.plan_and_send();
    } else {
        outcome = co_await send_making_container(run, local, info);
    }
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

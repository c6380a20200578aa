#include <climits>

#include "engine/core/log.hpp"
#include "transfer/ops/content_md5.hpp"
#include "transfer/ops/download_file.hpp"
#include "transfer/ops/listed.hpp"
#include "transfer/ops/move_source.hpp"
#include "transfer/ops/read_listing.hpp"
#include "transfer/ops/unpack.hpp"
#include "transfer/plan/attributes.hpp"
#include "transfer/plan/content_hash.hpp"
#include "transfer/plan/local_path.hpp"

namespace act::ops {

namespace {

/// What a blob means for the local tree.
struct decision {
    enum class what { fetch, skip, leave_link, directory, fail } action = what::fetch;
    std::string local;
    std::optional<error> why;
};

/// By what is known of the blob; `dated`: when it was changed is known, too.
bool left_as_it_is(const blob::properties& info, const file::status& there, const download_options& options,
                   bool dated) {
    const plan::replace_rule rule{options.overwrite, options.compare_content};
    if (rule.how == plan::overwrite::never) return true;
    if (!dated) return false;
    const bool unpack = options.decompress && compressed_as(info);
    if (unpack && rule.how == plan::overwrite::different && !rule.compare_content)
        return plan::unchanged_unpacked(info, there);
    return plan::stays(rule, info, there);
}

/// Blocks: looks at the local file.
decision decide(const blob::properties& info, std::string_view relative, const std::string& root,
                const download_options& options, bool dated = true) {
    decision d;
    auto path = relative.empty() ? result<std::string>(root) : plan::local_path(root, relative);
    if (!path) {
        d.action = decision::what::fail;
        d.local = info.name;
        d.why = path.error();
        return d;
    }
    d.local = std::move(*path);
    const bool folder = info.is_directory || relative.ends_with('/');
    // A link counts as what it leads to, unless links are things of their own or anything is to be left.
    const bool never = options.overwrite == plan::overwrite::never;
    const auto there = file::stat_of(d.local, folder || (!options.links.restore && !never));
    if (folder) {
        const bool stands = there && there->type == file::type::directory;
        d.action = stands ? decision::what::skip : decision::what::directory;
        return d;
    }
    if (there && there->type == file::type::directory) {
        d.action = decision::what::fail;
        d.why = error(kind::conflict,
                      "a folder stands at " + d.local + ", where blob '" + info.name + "' would go",
                      "move the folder away, or download the blob under another name");
        return d;
    }
    const bool link = plan::is_link(info);
    if (link && !options.links.restore) {
        d.action = decision::what::leave_link;
    } else if (there && left_as_it_is(info, *there, options, dated)) {
        d.action = decision::what::skip;
    } else if (link && info.size > PATH_MAX) {
        d.action = decision::what::fail;
        d.why = error(kind::unsupported,
                      "blob '" + info.name + "' is marked as a symbolic link and is too long to be one",
                      "look at it with `act cat`");
    } else if (auto why = unreadable(info)) {
        d.action = decision::what::fail;
        d.why = std::move(why);
    } else if (auto hashed = wants_md5(options.md5, info, true); !hashed) {
        d.action = decision::what::fail;
        d.why = hashed.error();
    }
    return d;
}

/// Skips, makes a folder or hands to the mover, as was decided.
task<result<void>> start_download(download_run& run, download_item item, decision d) {
    operation& op = run.op;
    item.local = std::move(d.local);
    const blob::properties& info = item.info;
    const bool folder = info.is_directory || info.name.ends_with('/');
    if (folder && info.size == 0 && run.options.remove_source && !run.options.dry_run)
        run.folders.push_back(info);
    switch (d.action) {
        case decision::what::fail:
            // Where the name cannot be one here, it is the blob's that is told.
            op.failed(item.local, *d.why,
                      item.local == info.name ? item_ends() : item_ends{info.name, item.local});
            co_return result<void>();
        case decision::what::skip:
            op.skipped(item.local, info.size);
            record(run, item, plan::md5_hash(info.content.md5), true);
            co_return result<void>();
        case decision::what::leave_link:
            ++run.links_left;
            op.skipped(item.local, info.size);
            co_return result<void>();
        case decision::what::directory:
            op.found(0);
            if (!run.options.dry_run) {
                if (auto made = run.target.make_folder(item.local); !made) {
                    op.failed(item.local, made.error(), {info.name, item.local});
                    co_return result<void>();
                }
            }
            op.done("create", item.local, 0);
            record(run, item, {}, false);
            co_return result<void>();
        case decision::what::fetch:
            break;
    }
    const std::uint64_t size = info.size;
    op.found(size);
    if (run.options.dry_run) {
        op.advance(size);
        op.done("download", item.local, size);
        co_return result<void>();
    }
    if (size <= blob::max_checked_range)
        co_return co_await run.mover.submit(download_small(run, std::move(item)));
    co_return co_await run.mover.spawn(download_large(run, std::move(item)));
}

class tree_download {
public:
    tree_download(download_run& run, std::string root) : run_(run), root_(std::move(root)) {}

    task<result<void>> plan_and_fetch() {
        const until u = run_.op.patience();
        const remote& from = run_.from;
        blob::list_options options;
        options.prefix = from.path.empty() ? std::string() : from.path + '/';
        co_return co_await read_listing(run_.op, from, options,
                                        [&](plan::listing& pages) { return both(pages, options.prefix, u); });
    }

private:
    task<result<void>> both(plan::listing& pages, std::string prefix, until u) {
        if (!run_.from.path.empty()) ACT_CO_TRY_VOID(co_await the_blob_itself(u));
        const std::uint64_t itself = found_;
        auto below = co_await all_below(pages, std::move(prefix));
        if (!below && !(itself > 0 && found_ == itself && may_not_list(below.error()))) co_return below;
        if (found_ == 0) {
            co_return nothing_at(run_.from);
        }
        run_.op.context().progress.scan_finished = true;
        co_return result<void>();
    }

    task<result<void>> the_blob_itself(until u) {
        ACT_CO_TRY(auto itself,
                   co_await find_blob(run_.from.client, {run_.from.container, run_.from.path}, u));
        if (!itself) co_return result<void>();
        std::vector<blob::properties> one;
        one.push_back(std::move(*itself));
        co_return co_await handle(std::move(one), run_.from.path.size());
    }

    task<result<void>> all_below(plan::listing& pages, std::string prefix) {
        for (;;) {
            ACT_CO_TRY(auto page, co_await pages.next());
            if (!page) co_return result<void>();
            ACT_CO_TRY_VOID(co_await handle(page->take(), prefix.size()));
        }
    }

    /// Decides a page on the blocking pool (a look at the disk for each) and starts what is to be fetched.
    task<result<void>> handle(std::vector<blob::properties> items, std::size_t strip) {
        found_ += items.size();
        const auto& options = run_.options;
        std::erase_if(items, [&](const blob::properties& info) {
            return info.name.size() > strip &&
                   !plan::takes(options.wanted, std::string_view(info.name).substr(strip), info);
        });
        auto look = [&] {
            std::vector<decision> out;
            out.reserve(items.size());
            for (const auto& info : items) {
                out.push_back(decide(info, std::string_view(info.name).substr(strip), root_, options));
            }
            return out;
        };
        auto decisions = co_await run_.op.context().runtime.blocking(look);
        for (std::size_t i = 0; i < items.size(); ++i) {
            ACT_CO_TRY_VOID(co_await start(std::move(items[i]), std::move(decisions[i])));
        }
        co_return result<void>();
    }

    task<result<void>> start(blob::properties info, decision d) {
        download_item item;
        item.info = std::move(info);
        co_return co_await start_download(run_, std::move(item), std::move(d));
    }

    download_run& run_;
    std::string root_;
    std::uint64_t found_ = 0;
};

/// Fetches the items of a list, a batch after the other.
class list_download {
public:
    list_download(download_run& run, std::string root)
        : run_(run), root_(std::move(root)), lookup_(run.op, run.from, {.absence_by_page = false}) {}

    task<result<void>> plan_and_fetch() {
        for (;;) {
            ACT_CO_TRY(auto listed, co_await next_items(run_.op, *run_.options.items));
            if (listed.empty()) break;
            ACT_CO_TRY_VOID(co_await fetch(std::move(listed)));
        }
        run_.op.context().progress.scan_finished = true;
        co_return result<void>();
    }

private:
    task<result<void>> fetch(std::vector<plan::listed_item> listed) {
        std::vector<std::string> names;
        for (const auto& one : listed) {
            if (is_looked_up(one)) names.push_back(one.source);
        }
        std::vector<name_lookup::answer> answers;
        if (!names.empty()) {
            ACT_CO_TRY(answers, co_await lookup_.find(names));
        }
        std::vector<std::optional<download_item>> items;
        std::size_t asked = 0;
        for (const auto& one : listed) {
            items.push_back(is_looked_up(one) ? as_found(one, answers[asked++]) : as_listed(one));
        }
        auto look = [&] {
            std::vector<decision> out(items.size());
            for (std::size_t i = 0; i < items.size(); ++i) {
                if (!items[i]) continue;
                const bool dated = items[i]->looked || listed[i].modified;
                out[i] = decide(items[i]->info, listed[i].destination, root_, run_.options, dated);
            }
            return out;
        };
        auto decisions = co_await run_.op.context().runtime.blocking(look);
        for (std::size_t i = 0; i < items.size(); ++i) {
            if (items[i])
                ACT_CO_TRY_VOID(co_await start_download(run_, std::move(*items[i]), std::move(decisions[i])));
        }
        co_return result<void>();
    }

    /// The list does not tell all that decides.
    bool is_looked_up(const plan::listed_item& one) const {
        if (one.folder) return false;
        return !one.size || run_.options.decompress ||
               (run_.options.overwrite == plan::overwrite::newer && !one.modified);
    }

    std::optional<download_item> as_listed(const plan::listed_item& one) {
        download_item item;
        item.looked = false;
        item.info.name = blob_name(run_.from.path, one.source);
        item.info.size = one.size.value_or(0);
        item.info.etag = one.etag;
        item.info.is_directory = one.folder;
        if (one.modified) item.info.metadata["mtime"] = to_iso8601_nanos(*one.modified);
        return item;
    }

    std::optional<download_item> as_found(const plan::listed_item& one, name_lookup::answer& a) {
        std::string name = blob_name(run_.from.path, one.source);
        const std::string local = root_ + '/' + one.destination;
        std::optional<error> why = std::move(a.failed);
        const blob::address where{run_.from.container, name};
        if (!why && !a.there) why = not_there(where);
        if (!why) why = not_as_told(where, one, *a.there);
        if (why) {
            run_.op.failed(name, std::move(*why), {name, local});
            return std::nullopt;
        }
        download_item item;
        item.info = std::move(*a.there);
        return item;
    }

    download_run& run_;
    std::string root_;
    name_lookup lookup_;
};

}  // namespace

task<result<void>> finish_source(download_run& run, blob::address where, blob::etag seen) {
    if (!run.options.remove_source) co_return result<void>();
    co_return co_await remove_copied(run.from.client, std::move(where), std::move(seen), run.op.patience());
}

void record(const download_run& run, const download_item& item, std::string hash, bool unchanged) {
    if (!run.op.records()) return;
    act::record what;
    what.folder = item.info.is_directory || item.info.name.ends_with('/');
    what.size = what.folder ? 0 : item.info.size;
    what.etag = item.info.etag.text;
    if (!what.folder) what.modified = plan::file_time(item.info);
    what.hash = std::move(hash);
    what.unchanged = unchanged;
    run.op.record({item.info.name, item.local}, std::move(what));
}

file::aside::durability durability_of(const download_run& run) {
    return run.options.remove_source ? file::aside::durability::synced : file::aside::durability::by_size;
}

task<result<summary>> download(context& ctx, remote from, std::string local, download_options options) {
    while (local.size() > 1 && local.ends_with('/')) local.pop_back();
    operation op(ctx);
    op.between(from.path, local);
    mover::options lanes;
    lanes.lanes = ctx.concurrency;
    lanes.wanted = ctx.wanted;
    mover scheduler(ctx.runtime, lanes, op.stop());
    download_run run{op, scheduler, std::move(from), options, {local, options}};
    auto outcome = result<void>();
    if (options.items) {
        list_download list(run, std::move(local));
        outcome = co_await list.plan_and_fetch();
    } else {
        tree_download tree(run, std::move(local));
        outcome = co_await tree.plan_and_fetch();
    }
    if (!outcome) op.give_up(outcome.error());
    co_await scheduler.finish();
    if (run.links_left > 0) {
        log::warning("symbolic links are left out: {}; --preserve-symlinks makes them",
                     run.links_left.load());
    }
    for (; !run.folders.empty() && op.untroubled(); run.folders.pop_back()) {
        const blob::address where{run.from.container, run.folders.back().name};
        auto gone = co_await finish_source(run, where, run.folders.back().etag);
        if (!gone) op.failed(where.name, gone.error());
    }
    co_return op.finish();
}

}  // namespace act::ops

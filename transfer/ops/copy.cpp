#include "transfer/ops/copy.hpp"

#include "engine/core/log.hpp"
#include "transfer/blob/names.hpp"
#include "transfer/ops/copy_blob.hpp"
#include "transfer/ops/listed.hpp"
#include "transfer/ops/read_listing.hpp"
#include "transfer/plan/content_hash.hpp"
#include "transfer/plan/destination.hpp"

namespace act::ops {

namespace {

/// One place within the other, or the same: a copy would read what it writes.
bool overlap(const std::string& a, const std::string& b) {
    const auto& [shorter, longer] = std::minmax(a, b, [](auto& x, auto& y) { return x.size() < y.size(); });
    return shorter.empty() || shorter == longer || longer.starts_with(shorter + '/');
}

class tree_copy {
public:
    explicit tree_copy(copy_run& run) : run_(run) {}

    task<result<void>> plan_and_copy() {
        ACT_CO_TRY_VOID(co_await the_blob_itself());
        ACT_CO_TRY(const bool tags_refused, co_await all_below(true));
        if (tags_refused) {
            without_tags();
            ACT_CO_TRY_VOID(co_await all_below(false));
        }
        if (found_ == 0) {
            co_return nothing_at({run_.from.client, run_.from.container, run_.from.path});
        }
        run_.op.context().progress.scan_finished = true;
        co_return result<void>();
    }

    /// The items of a list, a batch after the other.
    task<result<void>> copy_listed() {
        ACT_CO_TRY(nothing_there_,
                   co_await container_missing(run_.op, run_.to,
                                              run_.options.create_container && !run_.options.dry_run));
        const remote from{run_.from.client, run_.from.container, run_.from.path};
        name_lookup sources(run_.op, from, {.tags = true, .absence_by_page = false}),
            targets(run_.op, run_.to, {});
        for (;;) {
            ACT_CO_TRY(auto listed, co_await next_items(run_.op, *run_.options.items));
            if (listed.empty()) break;
            std::vector<std::string> here, there;
            for (const auto& one : listed) {
                here.push_back(one.source);
                there.push_back(one.destination);
            }
            ACT_CO_TRY(auto found, co_await sources.find(here));
            if (sources.tags_refused()) without_tags();
            std::vector<name_lookup::answer> existing(listed.size());
            if (!nothing_there_) {
                ACT_CO_TRY(existing, co_await targets.find(there));
            }
            for (std::size_t i = 0; i < listed.size(); ++i) {
                ACT_CO_TRY_VOID(co_await copy_one(listed[i], found[i], existing[i]));
            }
        }
        run_.op.context().progress.scan_finished = true;
        co_return result<void>();
    }

private:
    task<result<void>> copy_one(const plan::listed_item& one, name_lookup::answer& source,
                                name_lookup::answer& target) {
        const blob::address from{run_.from.container, blob_name(run_.from.path, one.source)};
        std::string to = blob_name(run_.to.path, one.destination);
        std::optional<error> why = source.failed ? std::move(source.failed) : std::move(target.failed);
        if (!why && !source.there) why = not_there(from);
        if (!why) why = not_as_told(from, one, *source.there);
        if (why) {
            run_.op.failed(from.name, std::move(*why), {from.name, to});
            co_return result<void>();
        }
        copy_item item{std::move(*source.there), std::move(to), std::move(target.there)};
        item.permit_later = item.source.is_directory;
        co_return co_await consider(std::move(item));
    }

    task<result<void>> the_blob_itself() {
        if (run_.from.path.empty()) co_return result<void>();
        const until u = run_.op.patience();
        const blob::address where{run_.from.container, run_.from.path};
        ACT_CO_TRY(auto head, co_await find_blob(run_.from.client, where, u));
        if (!head) co_return result<void>();
        if (run_.to.path.empty() && !head->is_directory) {
            co_return error(kind::usage, "a file needs a blob name, not a whole container", "name the blob");
        }
        ++found_;
        if (run_.to.path.empty()) co_return run_.folders.permit(run_, head->name);
        auto tags = co_await run_.from.client.get_tags(where, u);
        if (tags) {
            head->tags = std::move(*tags);
        } else if (refuses_tags(tags.error())) {
            warned_ |= has_no_tags(tags.error());
            without_tags();
        } else {
            co_return tags.error();
        }
        copy_item item{std::move(*head), run_.to.path, {}};
        item.permit_later = item.source.is_directory;
        auto seen = co_await find_blob(run_.to.client, {run_.to.container, run_.to.path}, u);
        if (seen) {
            item.existing = std::move(*seen);
        } else {
            ACT_CO_TRY_VOID(co_await make_container(seen.error()));
        }
        co_return co_await consider(std::move(item));
    }

    /// True when the source's listing does not come with tags; nothing has been done then.
    task<result<bool>> all_below(bool tags) {
        blob::list_options options;
        options.prefix = run_.from.path.empty() ? std::string() : run_.from.path + '/';
        options.tags = tags;
        auto read = [&](plan::listing& pages) { return copy_all(pages, options.prefix.size(), tags); };
        co_return co_await read_listing(run_.op, run_.from, options, read);
    }

    task<result<bool>> copy_all(plan::listing& pages, std::size_t strip, bool tags) {
        plan::listing_cursor source(pages);
        auto first = co_await source.peek();
        if (!first && tags && refuses_tags(first.error())) {
            warned_ |= has_no_tags(first.error());
            co_return true;
        }
        if (!first && found_ > 0 && may_not_list(first.error())) co_return false;
        if (!first) co_return first.error();
        if (!*first) co_return false;
        blob::list_options options;
        options.prefix = run_.to.path.empty() ? std::string() : run_.to.path + '/';
        options.copy = true;  // a copy of the service's own that has not ended is no copy yet
        auto read = [&](plan::listing& there) { return merge_into(there, options.prefix, source, strip); };
        ACT_CO_TRY_VOID(co_await read_listing(run_.op, run_.to, options, read, {.fetched = !nothing_there_}));
        co_return false;
    }

    task<result<void>> merge_into(plan::listing& there, std::string prefix, plan::listing_cursor& source,
                                  std::size_t strip) {
        plan::destination target(there, prefix, nothing_there_);
        auto opened = co_await target.open();
        if (opened) {
            ACT_CO_TRY(const blob::properties* first, co_await source.peek());
            target.names_come_by(plan::order_of(first));
            co_return co_await merge(source, strip, target);
        }
        ACT_CO_TRY_VOID(co_await make_container(opened.error()));
        plan::destination empty(there, std::move(prefix), true);
        co_return co_await merge(source, strip, empty);
    }

    task<result<void>> merge(plan::listing_cursor& source, std::size_t strip, plan::destination& target) {
        // The container's own folder, which no listing has.
        if (run_.from.path.empty()) run_.folders.enter(run_, {});
        for (;;) {
            ACT_CO_TRY(blob::properties * next, co_await source.peek());
            if (!next) co_return result<void>();
            ++found_;
            const std::string name = next->name.substr(strip);
            run_.folders.come_to(next->name);
            const bool taken = name.empty() || plan::takes(run_.options.wanted, name, *next);
            const bool folder = next->hierarchical && next->is_directory;
            if (!taken && !(folder && run_.permissions)) {
                source.advance();
                continue;
            }
            copy_item item{std::move(*next), blob_name(run_.to.path, name), {}};
            source.advance();
            if (folder) {
                ACT_CO_TRY(const bool occupied, co_await something_below(item.source.name, source));
                // What is in it makes it.
                if (occupied) {
                    if (taken) ACT_CO_TRY_VOID(run_.folders.part_with(run_, item.source));
                    // What stands in the way of all that is in it is somebody else's.
                    ACT_CO_TRY(const bool blocked, co_await file_at(name, target));
                    if (!blocked) run_.folders.enter(run_, item.source.name);
                    continue;
                }
                if (!taken) continue;
            }
            ACT_CO_TRY_VOID(run_.folders.take(run_));
            ACT_CO_TRY(item.existing, co_await target.find(name));
            ACT_CO_TRY_VOID(co_await consider(std::move(item)));
        }
    }

    /// Whether a file stands where a folder is to get permissions.
    task<result<bool>> file_at(const std::string& name, plan::destination& target) {
        if (!run_.permissions) co_return false;
        ACT_CO_TRY(const auto there, co_await target.find(name));
        co_return there && !there->is_directory;
    }

    /// Of the real folder that the listing has just gone by.
    static task<result<bool>> something_below(const std::string& folder, plan::listing_cursor& source) {
        ACT_CO_TRY(const blob::properties* next, co_await source.peek());
        co_return next && next->name.starts_with(folder + '/');
    }

    /// After the destination said `why`: if only its container is missing, makes it.
    task<result<void>> make_container(error why) {
        if (why.code() != "ContainerNotFound" || !run_.options.create_container) co_return why;
        nothing_there_ = true;
        if (run_.options.dry_run) co_return result<void>();
        co_return co_await make_container_of(run_.to, run_.op.patience());
    }

    task<result<void>> consider(copy_item item) {
        operation& op = run_.op;
        const blob::properties& source = item.source;
        const copy_options& how = run_.options;
        if (auto bad = obstacle(item)) {
            op.failed(source.name, *bad, {source.name, item.blob});
            co_return result<void>();
        }
        if (item.permit_later) ACT_CO_TRY_VOID(run_.folders.permit(run_, source.name));
        ACT_CO_TRY_VOID(run_.folders.part_with(run_, source));
        if (item.existing) {
            const plan::replace_rule rule{how.overwrite, how.compare_content};
            const bool stays = source.is_directory ? how.overwrite != plan::overwrite::always
                                                   : plan::stays(rule, source, *item.existing, how.given);
            // What is left for being newer, or for being there at all, is no copy to part with the source
            // for.
            const bool copied = stays && how.overwrite == plan::overwrite::different;
            const bool parts = copied && how.remove_source && !source.is_directory;
            if (!how.dry_run && (parts || permitted(item, stays))) {
                co_return co_await run_.mover.submit(copy_not_needed(run_, std::move(item)));
            }
            if (stays) {
                op.skipped(source.name, source.size);
                record(run_, item, item.existing->etag, plan::md5_hash(item.existing->content.md5), true);
                co_return result<void>();
            }
        }
        if (auto why = unreadable(source)) {
            op.failed(source.name, *why, {source.name, item.blob});
            co_return result<void>();
        }
        const std::uint64_t size = source.size;
        op.found(size);
        if (how.dry_run) {
            op.advance(size);
            op.done("copy", source.name, size);
            co_return result<void>();
        }
        if (source.type != blob::blob_type::block) {
            co_return co_await run_.mover.spawn(copy_whole(run_, std::move(item)));
        }
        if (size <= blob::max_checked_range) {
            co_return co_await run_.mover.submit(copy_small(run_, std::move(item)));
        }
        co_return co_await run_.mover.spawn(copy_large(run_, std::move(item)));
    }

    /// Whether what stays there is to have the source's permissions: it is a copy, whatever else left it
    /// there.
    bool permitted(const copy_item& item, bool stays) const {
        if (!run_.permissions || !stays || item.permit_later) return false;
        const plan::replace_rule rule{plan::overwrite::different, run_.options.compare_content};
        return item.source.is_directory || plan::stays(rule, item.source, *item.existing, run_.options.given);
    }

    static std::optional<error> obstacle(const copy_item& item) {
        if (auto fine = blob::check_blob_name(item.blob); !fine) return fine.error();
        if (item.existing && item.existing->is_directory != item.source.is_directory) {
            return error(kind::conflict,
                         item.existing->is_directory ? "a folder stands at blob '" + item.blob + "'"
                                                     : "a file stands at the folder '" + item.blob + "'",
                         "remove it with `act rm`, then run the same command again");
        }
        return std::nullopt;
    }

    void without_tags() {
        if (warned_) return;
        warned_ = true;
        log::warning("the tags of account {} cannot be read with this credential: they are not copied",
                     run_.from.client.account().name);
    }

    copy_run& run_;
    std::uint64_t found_ = 0;
    bool nothing_there_ = false;  ///< the container was missing
    bool warned_ = false;
};

}  // namespace

task<result<summary>> copy(context& ctx, copy_source from, remote to, copy_options options) {
    const bool one_container = from.client.url({from.container, {}}) == to.client.url({to.container, {}});
    if (one_container && overlap(from.path, to.path)) {
        co_return error(
            kind::usage,
            "source and destination lie within each other: " + from.client.url({from.container, from.path}) +
                " and " + to.client.url({to.container, to.path}),
            "name two places that are apart");
    }
    operation op(ctx);
    op.between(from.path, to.path);
    mover::options lanes;
    lanes.lanes = ctx.concurrency;
    lanes.wanted = ctx.wanted;
    // What waits for its blocks, or for the service, has nothing open and, but for long_lists, little in
    // memory.
    lanes.whole_at_once = std::max(lanes.whole_at_once, ctx.concurrency);
    mover scheduler(ctx.runtime, lanes, op.stop());
    permissions kept(op, {from.client, from.container, from.path}, to);
    copy_run run{op, scheduler, std::move(from), std::move(to), options};
    tree_copy tree(run);
    auto outcome = result<void>();
    if (options.keep_permissions) {
        run.permissions = &kept;
        outcome = co_await kept.check(options.create_container && !options.dry_run);
    }
    if (!outcome) {
        // Nothing is begun.
    } else if (options.items) {
        outcome = co_await tree.copy_listed();
    } else {
        outcome = co_await tree.plan_and_copy();
    }
    if (!outcome) op.give_up(outcome.error());
    co_await scheduler.finish();
    co_await run.folders.finish(run);
    co_return op.finish();
}

}  // namespace act::ops

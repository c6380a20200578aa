#include "transfer/ops/all_of_one.hpp"
#include "transfer/ops/listed.hpp"
#include "transfer/ops/read_listing.hpp"
#include "transfer/ops/removal.hpp"

namespace act::ops {

namespace {

class tree_removal {
public:
    tree_removal(operation& op, removal& doing, const remote& from, const remove_options& options)
        : op_(op), doing_(doing), from_(from), options_(options) {}

    task<result<void>> plan_and_remove() {
        if (!options_.snapshot.empty() || !options_.version.empty()) co_return co_await just_one();
        ACT_CO_TRY_VOID(co_await the_blob_itself());
        blob::list_options query;
        query.prefix = from_.path;
        if (!query.prefix.empty() && !options_.raw_prefix) query.prefix += '/';
        query.metadata = true;  // tells folders of hierarchical accounts, which go last
        query.snapshots = only_snapshots();
        query.versions = versions();
        // The selection looks at times, which are in the metadata.
        if (options_.wanted.selects_all()) query.detail = blob::detail::brief;
        const std::size_t strip = options_.raw_prefix ? query.prefix.rfind('/') + 1 : query.prefix.size();
        const std::uint64_t itself = found_;
        auto below =
            co_await read_listing(op_, from_, query, [&](plan::listing& pages) { return all(pages, strip); });
        if (!below && !(itself > 0 && found_ == itself && may_not_list(below.error()))) co_return below;
        ACT_CO_TRY_VOID(co_await doing_.flush());
        if (found_ == 0 && !left_out_) {
            co_return nothing_at(from_);
        }
        op_.context().progress.scan_finished = true;
        co_return result<void>();
    }

    /// The items of a list. Those with an ETag go while they have it; those with a size alone are looked at.
    task<result<void>> remove_listed() {
        name_lookup lookup(op_, from_, {.absence_by_page = false});
        for (;;) {
            ACT_CO_TRY(auto listed, co_await next_items(op_, *options_.items));
            if (listed.empty()) break;
            std::vector<std::string> names;
            for (const auto& one : listed) {
                if (is_looked_at(one)) names.push_back(one.source);
            }
            std::vector<name_lookup::answer> answers;
            if (!names.empty()) {
                ACT_CO_TRY(answers, co_await lookup.find(names));
            }
            std::size_t asked = 0;
            for (const auto& one : listed) {
                doomed item{.name = blob_name(from_.path, one.source),
                            .size = one.size.value_or(0),
                            .etag = one.etag,
                            .exact = true};
                std::optional<error> why;
                if (is_looked_at(one)) why = differs(one, item, answers[asked++]);
                op_.found(item.size);
                if (why) {
                    op_.failed(item.name, std::move(*why));
                } else if (options_.dry_run) {
                    op_.advance(item.size);
                    op_.done("remove", item.name, item.size);
                } else {
                    ACT_CO_TRY_VOID(co_await doing_.add(std::move(item)));
                }
            }
        }
        op_.context().progress.scan_finished = true;
        co_return co_await doing_.flush();
    }

private:
    bool is_looked_at(const plan::listed_item& one) const {
        return !one.folder && (one.etag.empty() || options_.dry_run) && (one.size || !one.etag.empty());
    }

    /// What stands there, if that is not what the list tells of. Else it goes as it was seen.
    std::optional<error> differs(const plan::listed_item& one, doomed& item, name_lookup::answer& seen) {
        if (seen.failed) return std::move(*seen.failed);
        if (!seen.there) return std::nullopt;  // what is gone already is no failure
        item.etag = seen.there->etag;
        return not_as_told({from_.container, item.name}, one, *seen.there);
    }

    /// A snapshot or a previous version.
    task<result<void>> just_one() {
        blob::list_options query;
        query.snapshots = !options_.snapshot.empty();
        query.versions = !options_.version.empty();
        auto one = [this](const blob::properties& info) -> task<result<void>> {
            const bool it = options_.snapshot.empty() ? info.version_id == options_.version
                                                      : info.snapshot == options_.snapshot;
            if (!it) co_return result<void>();
            if (info.current_version) {
                co_return error(
                    kind::usage,
                    "version " + info.version_id + " of blob '" + info.name +
                        "' is the current one, which goes by the blob's name alone",
                    "leave ?versionid= out, or remove it with all others by --delete-versions all");
            }
            co_return co_await take(info);
        };
        ACT_CO_TRY_VOID(co_await all_of_one(from_, std::move(query), op_.patience(), one));
        if (found_ == 0) {
            co_return error(kind::not_found,
                            "blob '" + from_.path + "' has no " +
                                (options_.snapshot.empty() ? "version " + options_.version
                                                           : "snapshot " + options_.snapshot),
                            "see what there is with `act ls --snapshots --versions`");
        }
        op_.context().progress.scan_finished = true;
        co_return co_await doing_.flush();
    }

    task<result<void>> the_blob_itself() {
        if (from_.path.empty() || options_.raw_prefix) co_return result<void>();
        if (only_snapshots() || versions()) {
            auto one = [this](const blob::properties& info) { return take_if_wanted(info, own_name()); };
            blob::list_options query;
            query.snapshots = only_snapshots();
            query.versions = versions();
            co_return co_await all_of_one(from_, std::move(query), op_.patience(), one);
        }
        ACT_CO_TRY(auto itself,
                   co_await find_blob(from_.client, {from_.container, from_.path}, op_.patience()));
        if (!itself) co_return result<void>();
        co_return co_await take_if_wanted(*itself, own_name());
    }

    std::string_view own_name() const {
        return std::string_view(from_.path).substr(from_.path.rfind('/') + 1);
    }
    bool only_snapshots() const { return options_.snapshots == blob::snapshots::only; }
    using version_fate = remove_options::version_fate;
    bool versions() const { return options_.versions != version_fate::keep; }

    task<result<void>> all(plan::listing& pages, std::size_t strip) {
        for (;;) {
            ACT_CO_TRY(auto page, co_await pages.next());
            if (!page) co_return result<void>();
            for (std::size_t i = 0; i < page->size(); ++i) {
                const blob::properties& info = (*page)[i];
                ACT_CO_TRY_VOID(co_await take_if_wanted(info, std::string_view(info.name).substr(strip)));
            }
        }
    }

    task<result<void>> take_if_wanted(const blob::properties& info, std::string_view name) {
        const bool previous = !info.version_id.empty() && !info.current_version;
        const bool another = (only_snapshots() && info.snapshot.empty()) ||
                             (options_.versions == version_fate::old && !previous);
        if (another || (!name.empty() && !plan::takes(options_.wanted, name, info))) {
            left_out_ = true;
            co_return result<void>();
        }
        co_return co_await take(info);
    }

    task<result<void>> take(const blob::properties& info) {
        ++found_;
        op_.found(info.size);
        doomed item{info.name, info.size, info.snapshot, info.version_id, info.current_version};
        // Without being asked for versions a listing may tell the current one's, which then stays.
        if (!versions() && options_.version.empty()) item.version.clear();
        if (options_.dry_run) {
            op_.advance(info.size);
            op_.done("remove", item.shown(), info.size);
            co_return result<void>();
        }
        item.folder = info.is_directory && info.hierarchical;
        co_return co_await doing_.add(std::move(item));
    }

    operation& op_;
    removal& doing_;
    const remote& from_;
    const remove_options& options_;
    std::uint64_t found_ = 0;
    bool left_out_ = false;  ///< the selection did not take all that was there
};

}  // namespace

task<result<summary>> remove(context& ctx, remote from, remove_options options) {
    operation op(ctx);
    op.between(from.path, from.path);
    mover::options lanes;
    // A batch is much work for the service: a few in flight are as fast as many.
    lanes.lanes = std::min(ctx.concurrency, 8u);
    mover scheduler(ctx.runtime, lanes, op.stop());
    removal doing(op, scheduler, from, options.snapshots);
    tree_removal tree(op, doing, from, options);
    auto outcome = result<void>();
    if (options.items) {
        outcome = co_await tree.remove_listed();
    } else {
        outcome = co_await tree.plan_and_remove();
    }
    if (!outcome) op.give_up(outcome.error());
    co_await scheduler.finish();
    if (outcome) co_await doing.remove_folders();
    co_return op.finish();
}

}  // namespace act::ops

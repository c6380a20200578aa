#include "transfer/ops/history.hpp"

#include "transfer/ops/all_of_one.hpp"
#include "transfer/ops/read_listing.hpp"

namespace act::ops {

namespace {

void add(name_history& to, const blob::properties& one) {
    to.name = one.name;
    const bool version = !one.version_id.empty() && !one.current_version && one.snapshot.empty();
    if (version) {
        if (!to.latest || to.latest->version_id < one.version_id) to.latest = one;
    } else if (one.snapshot.empty()) {
        if (one.deleted) {
            // An account with real folders keeps every deletion of a path.
            if (!to.deleted || to.deleted->deleted_at <= one.deleted_at) to.deleted = one;
        } else {
            to.there = true;
            to.size = one.size;
        }
        return;
    }
    if (one.deleted) to.past.push_back(one);
}

blob::list_options query_for(bool snapshots) {
    blob::list_options query;
    query.deleted = query.versions = true;
    query.snapshots = snapshots;
    return query;
}

/// Entries of one name follow one another, in an order that need not be known.
task<result<void>> below(plan::listing& pages, std::size_t strip, const history_receiver& each) {
    std::optional<name_history> current;
    for (;;) {
        ACT_CO_TRY(auto page, co_await pages.next());
        if (!page) break;
        for (std::size_t i = 0; i < page->size(); ++i) {
            const blob::properties& one = (*page)[i];
            if (one.uncommitted || one.is_prefix) continue;
            if (current && current->name != one.name) {
                ACT_CO_TRY_VOID(co_await each(std::move(*current), strip));
                current.reset();
            }
            if (!current) current.emplace();
            add(*current, one);
        }
    }
    if (current) ACT_CO_TRY_VOID(co_await each(std::move(*current), strip));
    co_return result<void>();
}

task<result<std::optional<name_history>>> look_at(const remote& at, blob::list_options query, until u) {
    std::optional<name_history> found;
    auto one = [&](const blob::properties& info) -> task<result<void>> {
        if (!info.uncommitted) {
            if (!found) found.emplace();
            add(*found, info);
        }
        co_return result<void>();
    };
    ACT_CO_TRY_VOID(co_await all_of_one(at, std::move(query), u, one));
    co_return found;
}

}  // namespace

task<result<std::optional<name_history>>> history_of(const remote& at, const std::string& name, until u) {
    // A few versions: what else begins with the name is not asked for.
    blob::list_options query = query_for(true);
    query.max_results = 16;
    const remote one{at.client, at.container, name};
    co_return co_await look_at(one, std::move(query), u);
}

task<result<void>> each_history(operation& op, const remote& at, bool raw_prefix, bool snapshots,
                                const history_receiver& each) {
    blob::list_options query = query_for(snapshots);
    query.prefix = at.path;
    if (!at.path.empty() && !raw_prefix) {
        ACT_CO_TRY(auto itself, co_await look_at(at, query_for(snapshots), op.patience()));
        if (itself) {
            const std::size_t last = at.path.rfind('/') + 1;  // npos + 1 is 0
            ACT_CO_TRY_VOID(co_await each(std::move(*itself), last));
        }
        query.prefix += '/';
    }
    const std::size_t strip = raw_prefix ? query.prefix.rfind('/') + 1 : query.prefix.size();
    co_return co_await read_listing(op, at, query,
                                    [&](plan::listing& pages) { return below(pages, strip, each); });
}

}  // namespace act::ops

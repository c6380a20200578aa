#include "transfer/ops/listed.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace act::ops {

namespace {

constexpr std::size_t batch_size = 256;
// A page of a listing costs the service and the line about what so many single look-ups do.
constexpr std::size_t page_worth = 16;

}  // namespace

bool refuses_tags(const error& e) {
    return e.kind() == kind::permission || e.kind() == kind::unsupported || e.status() == 400;
}

bool may_not_list(const error& e) { return e.kind() == kind::permission || e.kind() == kind::authentication; }

bool has_no_tags(const error& e) {
    return e.code() == "FeatureNotYetSupportedForHierarchicalNamespaceAccounts";
}

task<result<std::vector<plan::listed_item>>> next_items(operation& op, plan::item_list& list) {
    std::vector<plan::listed_item> out;
    std::vector<plan::listed_item> wrong;
    bool ended = false;
    while (out.empty() && !ended) {
        ACT_CO_TRY_VOID(op.patience().check());
        // On the blocking pool: a list may be a pipe.
        auto read = [&]() -> result<void> {
            do {
                ACT_TRY(auto next, list.next());
                ended = !next;
                if (next) (next->wrong ? wrong : out).push_back(std::move(*next));
            } while (!ended && out.size() + wrong.size() < batch_size && list.ready());
            return {};
        };
        auto outcome = co_await op.context().runtime.blocking(read);
        for (auto& item : wrong) op.refused(item.place, std::move(*item.wrong));
        wrong.clear();
        // What came before it is worth doing; the next call meets it again.
        if (!outcome && out.empty()) co_return outcome.error();
    }
    co_return std::move(out);
}

task<result<std::vector<name_lookup::answer>>> name_lookup::find(const std::vector<std::string>& names) {
    std::vector<answer> out(names.size());
    if (begun_ || names.size() >= page_worth) ACT_CO_TRY_VOID(co_await by_pages(names, out));
    if (!how_.ask_each) co_return std::move(out);
    auto& rt = op_.context().runtime;
    task_group asking;
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (!out[i].known) asking.spawn(rt.at(i % rt.size()), ask(names[i], out[i]));
    }
    co_await asking.join();
    co_return std::move(out);
}

task<result<void>> name_lookup::by_pages(const std::vector<std::string>& names, std::vector<answer>& out) {
    for (;;) {
        bool beyond = false;
        for (std::size_t i = 0; i < names.size(); ++i) {
            if (out[i].known || (begun_ && answer_from_page(blob_name(at_.path, names[i]), out[i]))) continue;
            beyond |= !begun_ || (!at_end_ && blob_name(at_.path, names[i]) > last_);
        }
        if (!beyond || !paying_) co_return result<void>();
        if (begun_ && hits_ < page_worth) {
            paying_ = false;
            co_return result<void>();
        }
        ACT_CO_TRY_VOID(co_await fetch_page());
    }
}

task<result<void>> name_lookup::fetch_page() {
    blob::list_options query;
    query.prefix = at_.path.empty() ? std::string() : at_.path + '/';
    query.marker = marker_;
    query.tags = how_.tags && !tags_refused_;
    query.copy = true;
    auto page = co_await at_.client.list(at_.container, query, op_.patience());
    if (!page && query.tags && refuses_tags(page.error())) {
        tags_refused_ = true;
        query.tags = false;
        page = co_await at_.client.list(at_.container, query, op_.patience());
    }
    if (!page) {
        // Who may read blobs need not be allowed to list them.
        if (page.error().kind() != kind::permission) co_return page.error();
        paying_ = false;
        co_return result<void>();
    }
    begun_ = true;
    hits_ = 0;
    after_ = std::move(last_);
    page_ = std::move(*page);
    marker_ = std::move(page_.next_marker);
    at_end_ = marker_.empty();
    last_ = page_.empty() ? after_ : page_.name(page_.size() - 1);
    const bool ordered = std::ranges::is_sorted(page_.names()) && (page_.empty() || page_.name(0) >= after_);
    if (!ordered) {
        page_ = {};
        paying_ = at_end_ = false;
        last_ = after_;
    }
    co_return result<void>();
}

bool name_lookup::answer_from_page(const std::string& name, answer& into) {
    if (name <= after_ || (!at_end_ && name > last_)) return false;
    const auto names = page_.names();
    const auto found = std::ranges::lower_bound(names, std::string_view(name));
    const bool there = found != names.end() && *found == name;
    if (!there && !how_.absence_by_page) return false;
    into.known = true;
    ++hits_;
    if (there) into.there = page_[static_cast<std::size_t>(found - names.begin())];
    return true;
}

task<void> name_lookup::ask(std::string name, answer& into) {
    const blob::address where{at_.container, blob_name(at_.path, name)};
    auto seen = co_await find_blob(at_.client, where, op_.patience());
    if (!seen) {
        into.failed = seen.error();
        co_return;
    }
    into.known = true;
    into.there = std::move(*seen);
    if (!into.there || !how_.tags || tags_refused_) co_return;
    auto tags = co_await at_.client.get_tags(where, op_.patience());
    if (tags) {
        into.there->tags = std::move(*tags);
    } else if (refuses_tags(tags.error())) {
        tags_refused_ = true;
    } else {
        into.failed = tags.error();
    }
}

task<result<bool>> container_missing(operation& op, const remote& to, bool create) {
    blob::list_options one;
    one.prefix = to.path.empty() ? std::string() : to.path + '/';
    one.max_results = 1;
    auto seen = co_await to.client.list(to.container, one, op.patience());
    if (seen || seen.error().kind() == kind::permission) co_return false;
    if (seen.error().code() != "ContainerNotFound") co_return seen.error();
    if (!create) co_return true;
    ACT_CO_TRY_VOID(co_await make_container_of(to, op.patience()));
    co_return false;
}

error not_as_listed(const blob::address& where, std::uint64_t there, std::uint64_t listed) {
    return error(kind::precondition,
                 fmt::format("blob '{}' has {} bytes, and the list says {}", where.name, there, listed),
                 "make the list anew, or leave the sizes out of it");
}

error not_the_listed_version(const blob::address& where) {
    return error(kind::precondition, "blob '" + where.name + "' is not the version that the list tells",
                 "make the list anew, or leave the ETags out of it");
}

std::optional<error> not_as_told(const blob::address& where, const plan::listed_item& told,
                                 const blob::properties& there) {
    if (told.size && *told.size != there.size) return not_as_listed(where, there.size, *told.size);
    if (!told.etag.empty() && told.etag != there.etag) return not_the_listed_version(where);
    return std::nullopt;
}

error not_there(const blob::address& where) {
    return error(kind::not_found,
                 "there is no blob '" + where.name + "' in container '" + where.container + "'",
                 "look with `act ls` at the folder above");
}

}  // namespace act::ops

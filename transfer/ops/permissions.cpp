#include "transfer/ops/permissions.hpp"

namespace act::ops {

namespace {

// So many that may not be set, and none that may: it is the credential, not the item.
constexpr unsigned refused_limit = 16;

error explained(error e, const char* what) {
    const bool refused = e.kind() == kind::permission || e.kind() == kind::authentication;
    std::string advice =
        refused ? "to read and set owner, group and access control lists takes the account key, the role "
                  "Storage Blob Data Owner or a SAS with the permissions r, e, o and p; then "
                : "see to it, then ";
    advice += "run the same command again: what is copied already only gets its permissions";
    return std::move(e).in(what).with_advice(std::move(advice));
}

}  // namespace

task<result<void>> permissions::check(bool create) {
    ACT_CO_TRY_VOID(co_await check(from_, "source", false));
    co_return co_await check(to_, "destination", create);
}

task<result<void>> permissions::check(const remote& end, std::string_view role, bool create) {
    auto real = co_await end.client.has_real_folders(end.container, op_.patience());
    if (!real && real.error().kind() == kind::not_found && &end == &to_) {
        // Only its root folder could tell, and it has none yet. A dry run has to leave it at that.
        if (!create) co_return result<void>();
        ACT_CO_TRY_VOID(co_await make_container_of(end, op_.patience()));
        real = co_await end.client.has_real_folders(end.container, op_.patience());
    }
    if (!real) {
        error why = real.error();
        co_return std::move(why).in("--preserve-permissions");
    }
    if (*real) co_return result<void>();
    co_return error(kind::usage,
                    "--preserve-permissions: account " + end.client.account().name + ", the " +
                        std::string(role) +
                        ", has no hierarchical namespace, and so no owners and access control lists",
                    "leave --preserve-permissions out, or use an account of Data Lake Storage Gen2 for it");
}

task<result<blob::etag>> permissions::carry(std::string source, std::string target, bool fresh) {
    const until u = op_.patience();
    const blob::address from{from_.container, std::move(source)}, to{to_.container, std::move(target)};
    auto wanted = co_await from_.client.get_access(from, u);
    if (!wanted) co_return explained(wanted.error(), "its permissions were not copied");
    blob::access_change change = blob::all_of(*wanted);
    auto outcome = result<blob::write_result>(blob::write_result());
    // Who may not change the owner may still set the list, where the owner is the right one.
    for (bool compare = !fresh;; compare = true) {
        if (compare) {
            auto now = co_await to_.client.get_access(to, u);
            if (!now) co_return explained(now.error(), "its permissions were not copied");
            change = blob::difference(*wanted, *now);
            if (change.empty()) co_return blob::etag();
        }
        outcome = co_await to_.client.set_access(to, change, u);
        if (outcome || compare || outcome.error().kind() != kind::permission) break;
    }
    if (!outcome) co_return explained(outcome.error(), "its permissions were not copied");
    any_ = true;
    op_.count(&summary::permissions_set);
    co_return std::move(outcome->etag);
}

void permissions::failed(const std::string& path, error e, item_ends at) {
    if (e.kind() == kind::permission && !any_ && ++refused_ >= refused_limit) {
        op_.give_up(std::move(e));
    } else {
        op_.failed_alone(path, std::move(e), at);
    }
}

}  // namespace act::ops

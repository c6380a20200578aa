// The DFS endpoint of accounts with a hierarchical namespace: what only paths have, and blobs have not.
#include <utility>

#include <fmt/format.h>

#include "transfer/client/impl.hpp"

namespace act::blob {

result<operation> client::impl::start_path(http::verb method, const address& at, std::string_view query) {
    if (!at.name.empty()) {
        ACT_TRY(operation op, start(method, at, query));
        op.path = true;
        return op;
    }
    // Of the root folder a slash alone is the name.
    ACT_TRY_VOID(check_container_name(at.container));
    operation op = begin(method, base + encode_blob_path(at.container, {}) + "/", query,
                         fmt::format("container {}", at.container));
    op.path = true;
    return op;
}

task<result<access_control>> client::get_access(address at, until u) {
    ACT_CO_TRY(auto op, impl_->start_path(http::verb::head, at, "action=getAccessControl&upn=false"));
    ACT_CO_TRY(auto answer, co_await impl_->run(op, http::body::none(), u));
    access_control out = read_access(answer.head().headers);
    if (out.acl.empty()) {
        co_return error(kind::unsupported, op.what + ": the service did not tell its access control list",
                        "see whether the account has a hierarchical namespace");
    }
    co_return out;
}

task<result<write_result>> client::set_access(address at, access_change change, until u) {
    const std::string mode = std::exchange(change.mode, {});
    write_result out;
    for (const bool second : {false, true}) {
        if (second) {
            if (mode.empty()) break;
            change = {};
            change.mode = mode;
        }
        if (change.empty()) continue;
        ACT_CO_TRY(auto op, impl_->start_path(http::verb::patch, at, "action=setAccessControl"));
        add_access(op.request.headers, change);
        ACT_CO_TRY(auto answer, co_await impl_->run(op, http::body::none(), u));
        out = written(answer.head());
    }
    co_return out;
}

task<result<bool>> client::has_real_folders(std::string container, until u) {
    ACT_CO_TRY(auto op,
               impl_->start_container(http::verb::head, container, "restype=account&comp=properties"));
    auto told = co_await impl_->run(op, http::body::none(), u);
    if (told) {
        const auto real = told->head().headers.get("x-ms-is-hns-enabled");
        if (!real.empty()) co_return real == "true";
    } else if (told.error().status() == 0) {
        co_return told.error();
    }
    // Not every credential may ask that: access tokens may not. What the other endpoint says of the root
    // folder tells it too: 400 where there are none.
    auto access = co_await get_access({container, {}}, u);
    if (access) co_return true;
    const error& why = access.error();
    if (why.status() == 400 || why.kind() == kind::unsupported) co_return false;
    co_return why;
}

}  // namespace act::blob

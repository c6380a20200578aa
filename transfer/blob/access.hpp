#pragma once

#include <string>
#include <string_view>

#include "engine/core/uri.hpp"
#include "engine/http/message.hpp"

/// Owner, group and POSIX permissions of files and folders in an account with a hierarchical namespace.
namespace act::blob {

struct access_control {
    std::string owner, group;
    std::string acl;   ///< "user::rwx,group::r-x,other::---,default:user::rwx", in any order
    std::string mode;  ///< "rwxr-x--T", with "+" behind where `acl` has more
    /// Only who owns a file may remove it from the folder. No entry of `acl` tells it.
    bool sticky() const;
};

/// What is to be set of it; what is empty stays. The service takes `acl` and `mode` one at a time.
struct access_change {
    std::string owner, group, acl, mode;
    bool empty() const { return owner.empty() && group.empty() && acl.empty() && mode.empty(); }
};

/// The same entries, in whatever order.
bool same_acl(std::string_view, std::string_view);
/// What is to be set where there is `now`, so that it becomes `wanted`.
access_change difference(const access_control& wanted, const access_control& now);
/// All of it.
access_change all_of(const access_control&);

/// x-ms-owner and the like.
access_control read_access(const http::fields&);
void add_access(http::fields&, const access_change&);

/// Where an account's paths are served: the address of its blobs with ".dfs." in place of ".blob."; the same
/// address where it has none, as those of emulators.
uri path_endpoint(uri of_blobs);

}  // namespace act::blob

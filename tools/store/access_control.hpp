#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tools/store/call.hpp"

/// Owner, group and POSIX permissions of a path in a hierarchical account (openapi/dfs). They are kept and
/// told, and nothing is allowed or refused by them: who has the key may do everything.
namespace act::store {

struct access_control {
    struct entry {
        bool inherited = false;  ///< "default:", for what will be made in a directory
        std::string type, id;    ///< "user", "group", "mask" or "other"; empty: the owner's
        std::string allowed;     ///< "rwx", "r--"
    };
    std::string owner, group;
    std::vector<entry> entries;
    bool sticky = false;

    /// What was set of the record's, and for the rest what the service gives: $superuser, and rwxr-x--- for
    /// directories or rw-r----- for files.
    static access_control of(const blob_record&);
    /// "user::rwx,group::r-x,other::---"; nothing if it is none.
    static std::optional<std::vector<entry>> read(std::string_view text);

    /// "rwxr-x---", with "+" behind where there are more entries than that tells.
    std::string permissions() const;
    std::string text() const;
    /// "rwxr-x---" or "0750"; false: it is neither.
    bool set_permissions(std::string_view);
    /// Takes away what is in a umask.
    void restrict_by(unsigned umask);
    /// As a record has it (packed).
    std::string pack() const;
};

/// Takes over x-ms-owner, x-ms-group, x-ms-permissions and x-ms-acl, as far as they are given.
outcome<> apply_access(const call&, access_control&);
/// x-ms-owner and the like, to an answer.
void add_access_headers(http::fields&, const access_control&, bool acl);

}  // namespace act::store

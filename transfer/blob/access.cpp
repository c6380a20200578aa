#include "transfer/blob/access.hpp"

#include <algorithm>
#include <vector>

namespace act::blob {

namespace {

// Without the "+".
constexpr std::size_t mode_size = 9;

std::vector<std::string_view> entries(std::string_view acl) {
    std::vector<std::string_view> out;
    while (!acl.empty()) {
        const std::size_t end = std::min(acl.find(','), acl.size());
        out.push_back(acl.substr(0, end));
        acl.remove_prefix(std::min(end + 1, acl.size()));
    }
    std::sort(out.begin(), out.end());
    return out;
}

}  // namespace

bool access_control::sticky() const {
    return mode.size() >= mode_size && (mode[mode_size - 1] == 't' || mode[mode_size - 1] == 'T');
}

bool same_acl(std::string_view a, std::string_view b) { return a == b || entries(a) == entries(b); }

access_change difference(const access_control& wanted, const access_control& now) {
    access_change out;
    if (wanted.owner != now.owner) out.owner = wanted.owner;
    if (wanted.group != now.group) out.group = wanted.group;
    if (!same_acl(wanted.acl, now.acl)) out.acl = wanted.acl;
    if (wanted.sticky() != now.sticky()) out.mode = wanted.mode.substr(0, mode_size);
    return out;
}

access_change all_of(const access_control& a) {
    return {a.owner, a.group, a.acl, a.sticky() ? a.mode.substr(0, mode_size) : std::string()};
}

access_control read_access(const http::fields& f) {
    access_control out;
    out.owner = f.get("x-ms-owner");
    out.group = f.get("x-ms-group");
    out.acl = f.get("x-ms-acl");
    out.mode = f.get("x-ms-permissions");
    return out;
}

void add_access(http::fields& f, const access_change& c) {
    if (!c.owner.empty()) f.add("x-ms-owner", c.owner);
    if (!c.group.empty()) f.add("x-ms-group", c.group);
    if (!c.acl.empty()) f.add("x-ms-acl", c.acl);
    if (!c.mode.empty()) f.add("x-ms-permissions", c.mode);
}

uri path_endpoint(uri of_blobs) {
    constexpr std::string_view blobs = ".blob.", paths = ".dfs.";
    if (const std::size_t at = of_blobs.host.find(blobs); at != std::string::npos)
        of_blobs.host.replace(at, blobs.size(), paths);
    return of_blobs;
}

}  // namespace act::blob

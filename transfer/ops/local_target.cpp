#include "transfer/ops/local_target.hpp"

#include <cerrno>
#include <unistd.h>

#include "engine/core/log.hpp"
#include "engine/core/utf8.hpp"
#include "engine/file/link.hpp"
#include "engine/file/posix.hpp"
#include "transfer/plan/attributes.hpp"
#include "transfer/plan/local_path.hpp"

namespace act::ops {

namespace {

using outside = file::tree_folders::outside;

std::string parent_of(const std::string& name) {
    const auto slash = name.rfind('/');
    return slash == name.npos ? std::string() : name.substr(0, slash);
}

}  // namespace

local_target::local_target(std::string root, const download_options& options)
    : root_(std::move(root)),
      links_(options.links),
      keep_owner_(options.keep_owner),
      replace_(options.overwrite != plan::overwrite::never),
      folders_(root_, links_.write_through ? outside::allow : outside::refuse) {}

std::string local_target::below(const std::string& path) const {
    std::string name = path.size() > root_.size() ? path.substr(root_.size() + 1) : std::string();
    while (name.ends_with('/')) name.pop_back();
    return name;
}

result<file::aside> local_target::create(const std::string& path, std::string keep_as) {
    if (path == root_) return file::aside::create(path, std::move(keep_as));
    ACT_TRY(auto folder, folders_.open(parent_of(below(path))));
    return file::aside::create_in(std::move(folder), path, std::move(keep_as));
}

result<void> local_target::make_folder(const std::string& path) {
    ACT_TRY_VOID(folders_.open(below(path)));
    return {};
}

void local_target::not_permitted() {
    if (warned_.exchange(true)) return;
    log::warning("owners are not restored: giving files to other users needs the privileges of root");
}

result<bool> local_target::publish(file::aside& whole, const blob::properties& info,
                                   file::aside::durability how) {
    bool owned = false;
    if (const auto owner = keep_owner_ ? plan::owner_of(info.metadata) : std::nullopt) {
        ACT_TRY(owned, file::set_owner(whole.fd(), *owner, whole.target()));
        if (!owned) not_permitted();
    }
    // Without a recorded mode the umask decides.
    const std::uint32_t mode = plan::mode_of(info.metadata, owned).value_or(0);
    const wall_time modified = plan::file_time(info);
    if (!replace_) return whole.publish_new(mode, modified, how);
    ACT_TRY_VOID(whole.publish(mode, modified, how));
    return true;
}

result<bool> local_target::link(const std::string& path, const std::string& target,
                                const blob::properties& info, file::aside::durability how) {
    const std::string name = below(path);
    if (target.empty() || target.find('\0') != target.npos) {
        return error(kind::unsupported,
                     "blob '" + info.name + "' is marked as a symbolic link and names no path",
                     "look at it with `act cat`");
    }
    if (!links_.outside && !plan::link_stays_below(name, target)) {
        return error(kind::unsupported,
                     path + " would be a symbolic link to " + printable(target) +
                         ", which is absolute or may lead out of what is downloaded",
                     "make it yourself if you trust it, or give --unsafe-symlinks");
    }
    file::tree_folders above(file::posix::parent_of(path));
    ACT_TRY(auto folder, path == root_ ? above.open({}) : folders_.open(parent_of(name)));
    file::new_link wanted{target, plan::file_time(info), {}, replace_};
    if (keep_owner_) wanted.owner = plan::owner_of(info.metadata);
    bool owned = true;
    ACT_TRY(const bool made, file::make_link(folder->get(), path, wanted, owned));
    if (!owned) not_permitted();
    if (made && how == file::aside::durability::synced) {
        if (const int failed = file::posix::sync_folder(folder->get(), "."))
            return error::from_errno(failed, "cannot write the folder of " + path);
    }
    return made;
}

}  // namespace act::ops

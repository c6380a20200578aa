#include "submit/agent/node_check.hpp"

#include <cerrno>
#include <sys/statvfs.h>

#include "engine/core/units.hpp"
#include "engine/file/program.hpp"
#include "submit/agent/supervise.hpp"

namespace act::agent {
namespace {

error unfit(const std::string& what, const std::string& advice) {
    return error(kind::unavailable, "node " + host_name() + " " + what +
                                        " (node_check in the cluster file): " + advice +
                                        ", or keep the run off this node");
}

}  // namespace

result<void> check_disk(const spec& s) {
    if (s.check.disk == 0) return {};
    struct statvfs disk;
    if (::statvfs(s.work.c_str(), &disk) != 0)
        return error::from_errno(errno, "cannot tell how much space is free in " + s.work);
    const std::uint64_t free = static_cast<std::uint64_t>(disk.f_bavail) * disk.f_frsize;
    if (free >= s.check.disk) return {};
    return unfit("has " + human_size(free) + " free in " + s.work + ", and " + human_size(s.check.disk) +
                     " are asked for",
                 "free some space there");
}

result<void> check_gpus(const spec& s) {
    if (s.check.gpus <= 0) return {};
    const auto counted = count_gpus({});
    if (!counted) return unfit("does not tell its GPUs: " + counted.error().message(), "mend its driver");
    const std::size_t shown = *counted;
    if (shown >= static_cast<std::size_t>(s.check.gpus)) return {};
    const bool asked = file::on_path("nvidia-smi");
    return unfit((asked ? "shows " + std::to_string(shown) + " GPUs by nvidia-smi -L"
                        : "has no nvidia-smi, and so shows no GPUs") +
                     ", and the run needs " + std::to_string(s.check.gpus) + " there",
                 asked ? "see what nvidia-smi says there" : "install NVIDIA's driver there");
}

}  // namespace act::agent

#include "tools/store/volume.hpp"

#include <cstdlib>
#include <map>
#include <mutex>

#include <climits>

#include "engine/core/log.hpp"

namespace act::store {

namespace {
// Held while a volume opens or closes, too: nobody may meet one halfway.
std::mutex volumes_mutex;
std::map<std::string, std::weak_ptr<volume>> volumes;
}  // namespace

result<std::shared_ptr<volume>> volume::open(const std::string& root, name_space space) {
    ACT_TRY_VOID(file::make_directories(root));
    char resolved[PATH_MAX];
    if (!::realpath(root.c_str(), resolved)) return error::from_errno(errno, "cannot open " + root);
    std::lock_guard lock(volumes_mutex);
    auto& known = volumes[resolved];
    if (auto open = known.lock()) {
        if (open->index().space() != space) return open->index().wrong_kind();
        return open;
    }
    auto fresh = std::unique_ptr<volume>(new volume);
    const std::string path(resolved);
    ACT_TRY(fresh->index_, act::store::index::open(path + "/index", space));
    ACT_TRY(fresh->files_, act::store::files::open(path, *fresh->index_));
    fresh->index_->on_retire([f = fresh->files_.get()](std::vector<id> gone) { f->retire(std::move(gone)); });
    // The last user may go on any thread; an opener waits until it has.
    std::shared_ptr<volume> shared(fresh.release(), [](volume* v) {
        std::lock_guard closing(volumes_mutex);
        delete v;
    });
    known = shared;
    return shared;
}

volume::~volume() {
    if (!index_ || !index_->dirty()) return;
    if (auto done = index_->sync(); !done) log::warning("store: {}", done.error().describe());
}

}  // namespace act::store

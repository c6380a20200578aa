#include "submit/agent/queue.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <vector>

namespace act::agent {
namespace {

result<file::descriptor> open_lock(const std::string& path) {
    file::descriptor fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!fd) return error::from_errno(errno, "cannot open " + path);
    return fd;
}

result<bool> lock(const file::descriptor& fd, int how, const std::string& path) {
    while (::flock(fd.get(), how) != 0) {
        if (errno == EWOULDBLOCK) return false;
        if (errno != EINTR) return error::from_errno(errno, "cannot lock " + path);
    }
    return true;
}

/// False when somebody else has it. Else the file names this process until it is unlocked.
result<bool> take_file(const std::string& path, queue_place& into) {
    ACT_TRY(file::descriptor fd, open_lock(path));
    ACT_TRY(const bool mine, lock(fd, LOCK_EX | LOCK_NB, path));
    if (!mine) return false;
    // Without it, on a full disk, others look more often.
    const std::string pid = std::to_string(::getpid());
    if (::ftruncate(fd.get(), 0) == 0) (void)file::write_at(fd.get(), std::as_bytes(std::span(pid)), 0, path);
    into.locks.push_back(std::move(fd));
    return true;
}

/// Who asks for more GPUs than there are gets all.
std::size_t gpus_wanted(const spec& s) {
    return std::min(s.gpu_names.size(), std::size_t(std::max(0, s.gpus)));
}

std::string path_of_gpu(const spec& s, std::string gpu) {
    std::replace(gpu.begin(), gpu.end(), '/', '_');
    return s.gpu_folder + "/gpu-" + gpu;
}

/// Of those that are free as many as are wanted, or fewer.
result<void> take_gpus(const spec& s, queue_place& into) {
    for (const auto& gpu : s.gpu_names) {
        if (into.gpus.size() == gpus_wanted(s)) break;
        ACT_TRY(const bool got, take_file(path_of_gpu(s, gpu), into));
        if (got) into.gpus.push_back(gpu);
    }
    return {};
}

/// Those whose owners' pids are known, as far as the kernel tells their ends.
class owners {
public:
    void add(const std::string& path) {
        ++files_;
        auto text = file::read_all(path, 64);
        pid_t pid = 0;
        if (!text || std::from_chars(text->data(), text->data() + text->size(), pid).ec != std::errc() ||
            pid <= 0)
            return;
        const int fd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
        if (fd < 0) return;
        ends_.emplace_back(fd);
        watched_.push_back({fd, POLLIN, 0});
    }

    /// Until one of them has ended, or some time has passed: an owner may be on another machine that shares
    /// the folder, or the kernel too old to tell.
    bool wait() {
        return ::poll(watched_.data(), watched_.size(), watched_.size() == files_ ? 5000 : 500) >= 0 ||
               errno == EINTR;
    }

private:
    std::size_t files_ = 0;
    std::vector<file::descriptor> ends_;
    std::vector<pollfd> watched_;
};

/// Of those with the same limit one has the turn and waits; others with a higher one may find places
/// meanwhile.
class turn {
public:
    explicit turn(const spec& s) : spec_(s) {}

    result<bool> begin(int how) {
        ACT_TRY_VOID(file::make_directories(spec_.queue));
        if (gpus_wanted(spec_) > 0) ACT_TRY_VOID(file::make_directories(spec_.gpu_folder));
        const std::string path = spec_.queue + "/turn-" + std::to_string(spec_.places);
        ACT_TRY(lock_, open_lock(path));
        return lock(lock_, LOCK_EX | how, path);
    }

    result<std::optional<queue_place>> take() {
        ACT_TRY(const auto alone, alone_at_work());
        return take_now();
    }

    /// Waits until one of the owners may have ended.
    result<std::optional<queue_place>> wait() {
        owners others;
        {
            ACT_TRY(const auto alone, alone_at_work());
            for (int number = 0; number < spec_.places; ++number) others.add(path_of(number));
            for (std::size_t i = 0; gpus_wanted(spec_) > 0 && i < spec_.gpu_names.size(); ++i)
                others.add(path_of_gpu(spec_, spec_.gpu_names[i]));
            // Who of this queue has a lock now had it when its pid was read, so the pids are not somebody
            // else's by now. Where another queue's run took a GPU meanwhile, this one looks again in seconds.
            ACT_TRY(auto place, take_now());
            if (place) return place;
        }
        if (!others.wait()) return error::from_errno(errno, "cannot wait for a place in " + spec_.queue);
        return std::optional<queue_place>();
    }

private:
    /// Only one process at a time takes places, and leaves its pid in them.
    result<file::descriptor> alone_at_work() const {
        const std::string path = spec_.queue + "/taking";
        ACT_TRY(file::descriptor fd, open_lock(path));
        ACT_TRY_VOID(lock(fd, LOCK_EX, path));
        return fd;
    }

    result<std::optional<queue_place>> take_now() {
        queue_place mine;
        for (int number = 0; number < spec_.places && mine.locks.empty(); ++number)
            ACT_TRY_VOID(take_file(path_of(number), mine));
        if (mine.locks.empty()) return std::optional<queue_place>();
        ACT_TRY_VOID(take_gpus(spec_, mine));
        if (mine.gpus.size() < gpus_wanted(spec_)) return std::optional<queue_place>();
        return std::optional(std::move(mine));
    }

    std::string path_of(int place) const { return spec_.queue + "/place-" + std::to_string(place); }

    const spec& spec_;
    file::descriptor lock_;
};

}  // namespace

result<std::optional<queue_place>> try_place(const spec& s) {
    turn t(s);
    ACT_TRY(bool mine, t.begin(LOCK_NB));
    if (!mine) return std::optional<queue_place>();
    return t.take();
}

result<queue_place> wait_for_place(const spec& s) {
    turn t(s);
    ACT_TRY_VOID(t.begin(0));
    for (;;) {
        ACT_TRY(auto place, t.wait());
        if (place) return std::move(*place);
    }
}

queue_place place_without_queue(const spec& s) {
    queue_place mine;
    if (gpus_wanted(s) == 0) return mine;
    // Without a place to lock them in they are shared.
    if (file::make_directories(s.gpu_folder)) (void)take_gpus(s, mine);
    for (const auto& gpu : s.gpu_names) {
        if (mine.gpus.size() == gpus_wanted(s)) break;
        if (std::find(mine.gpus.begin(), mine.gpus.end(), gpu) == mine.gpus.end()) mine.gpus.push_back(gpu);
    }
    return mine;
}

}  // namespace act::agent

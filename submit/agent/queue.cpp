#include "submit/agent/queue.hpp"

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

/// Whoever has the turn is the only one that takes places, and leaves its pid in them.
class turn {
public:
    turn(const std::string& folder, int places) : folder_(folder), places_(places) {}

    result<bool> begin(int how) {
        ACT_TRY_VOID(file::make_directories(folder_));
        std::string path = folder_ + "/turn";
        ACT_TRY(lock_, open_lock(path));
        return lock(lock_, LOCK_EX | how, path);
    }

    result<std::optional<queue_place>> take() {
        for (int number = 0; number < places_; ++number) {
            std::string path = path_of(number);
            ACT_TRY(file::descriptor fd, open_lock(path));
            ACT_TRY(bool mine, lock(fd, LOCK_EX | LOCK_NB, path));
            if (!mine) continue;
            std::string pid = std::to_string(::getpid());
            if (::ftruncate(fd.get(), 0) != 0) return error::from_errno(errno, "cannot write " + path);
            ACT_TRY_VOID(file::write_at(fd.get(), std::as_bytes(std::span(pid)), 0, path));
            return std::optional(queue_place{std::move(fd), number});
        }
        return std::optional<queue_place>();
    }

    /// Waits until one of the owners has ended.
    result<std::optional<queue_place>> wait() {
        std::vector<file::descriptor> owners;
        std::vector<pollfd> watched;
        for (int number = 0; number < places_; ++number) {
            int fd = open_owner(number);
            if (fd < 0) continue;
            owners.emplace_back(fd);
            watched.push_back({fd, POLLIN, 0});
        }
        // Who has a lock now had it when its pid was read, so the pids are not somebody else's by now.
        ACT_TRY(auto place, take());
        if (place) return place;
        // An owner may be on another machine that shares the folder, or the kernel too old to tell.
        const bool all = watched.size() == static_cast<std::size_t>(places_);
        if (::poll(watched.data(), watched.size(), all ? 5000 : 500) < 0 && errno != EINTR)
            return error::from_errno(errno, "cannot wait for a place in " + folder_);
        return std::optional<queue_place>();
    }

private:
    std::string path_of(int number) const { return folder_ + "/place-" + std::to_string(number); }

    int open_owner(int number) const {
        auto text = file::read_all(path_of(number), 64);
        pid_t pid = 0;
        if (!text || std::from_chars(text->data(), text->data() + text->size(), pid).ec != std::errc() ||
            pid <= 0)
            return -1;
        return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
    }

    std::string folder_;
    int places_;
    file::descriptor lock_;
};

}  // namespace

result<std::optional<queue_place>> try_place(const std::string& folder, int places) {
    turn t(folder, places);
    ACT_TRY(bool mine, t.begin(LOCK_NB));
    if (!mine) return std::optional<queue_place>();
    return t.take();
}

result<queue_place> wait_for_place(const std::string& folder, int places) {
    turn t(folder, places);
    ACT_TRY_VOID(t.begin(0));
    for (;;) {
        ACT_TRY(auto place, t.wait());
        if (place) return std::move(*place);
    }
}

}  // namespace act::agent

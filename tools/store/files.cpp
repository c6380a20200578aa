#include "tools/store/files.hpp"

#include <cerrno>
#include <charconv>
#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "engine/core/log.hpp"
#include "tools/store/keys.hpp"

namespace act::store {

namespace {

struct data_name {
    char text[17];
};

data_name name_of(id i) {
    data_name n;
    *fmt::format_to(n.text, "{:016x}", i) = '\0';
    return n;
}

unsigned bucket_of(id i) { return (i >> 1) & 0xff; }

template <class T>
bool parse(const char* text, T& n, int base) {
    const std::string_view s(text);
    auto [end, failed] = std::from_chars(s.data(), s.data() + s.size(), n, base);
    return failed == std::errc() && end == s.data() + s.size();
}

result<void> make_folder(const std::string& path) {
    if (::mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) return {};
    return error::from_errno(errno, "cannot make " + path);
}

template <class F>
void each_entry(const std::string& folder, F f) {
    DIR* d = ::opendir(folder.c_str());
    if (!d) return;
    while (dirent* e = ::readdir(d)) {
        if (e->d_name[0] != '.') f(e->d_name);
    }
    ::closedir(d);
}

}  // namespace

files::files(std::string root, index& i) : root_(std::move(root)), index_(i) {
    for (auto& d : directories_) d.store(-1, std::memory_order_relaxed);
}

result<std::unique_ptr<files>> files::open(const std::string& root, index& i) {
    auto made = std::unique_ptr<files>(new files(root, i));
    ACT_TRY_VOID(make_folder(root + "/data"));
    ACT_TRY_VOID(make_folder(root + "/sessions"));
    ACT_TRY_VOID(made->start_session());
    return made;
}

files::~files() {
    remove_retired();
    for (auto& d : directories_) {
        if (const int fd = d.load(); fd >= 0) ::close(fd);
    }
    if (session_lock_) ::unlink(fmt::format("{}/sessions/{}", root_, session_).c_str());
}

result<void> files::start_session() {
    std::uint64_t number = 0;
    ACT_TRY_VOID(index_.write_now([&](writer& w) {
        number = 1;
        if (auto last = w.get(table::meta, "session")) number = read_number(*last) + 1;
        w.put(table::meta, "session", number_key(number).view());
    }));
    session_ = number;
    const std::string path = fmt::format("{}/sessions/{}", root_, number);
    // Locked before it has its name: others take a session file without a lock for that of a dead process.
    const std::string aside = path + ".new";
    file::descriptor fd(::open(aside.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600));
    if (!fd) return error::from_errno(errno, "cannot make " + aside);
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) return error::from_errno(errno, "cannot lock " + aside);
    if (::rename(aside.c_str(), path.c_str()) != 0) return error::from_errno(errno, "cannot make " + path);
    session_lock_ = std::move(fd);
    return {};
}

bool files::alive(std::uint64_t session) const {
    if (session == session_) return true;
    const std::string path = fmt::format("{}/sessions/{}", root_, session);
    const file::descriptor fd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
    return fd && ::flock(fd.get(), LOCK_EX | LOCK_NB) != 0;
}

result<int> files::directory(unsigned bucket) const {
    if (const int fd = directories_[bucket].load(std::memory_order_acquire); fd >= 0) return fd;
    const std::string path = fmt::format("{}/data/{:02x}", root_, bucket);
    ACT_TRY_VOID(make_folder(path));
    const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return error::from_errno(errno, "cannot open " + path);
    int expected = -1;
    if (directories_[bucket].compare_exchange_strong(expected, fd, std::memory_order_acq_rel)) return fd;
    ::close(fd);
    return expected;
}

std::string files::path(id i) const { return fmt::format("{}/data/{:02x}/{:016x}", root_, bucket_of(i), i); }

result<files::fresh> files::create() {
    fresh f;
    f.id_ = next_id(true);
    ACT_TRY(const int folder, directory(bucket_of(f.id_)));
    const int fd = ::openat(folder, name_of(f.id_).text, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0) return error::from_errno(errno, "cannot make " + path(f.id_));
    f.fd_ = file::descriptor(fd);
    f.owner_ = this;
    return f;
}

result<file::descriptor> files::open(id i) const {
    ACT_TRY(const int folder, directory(bucket_of(i)));
    const int fd = ::openat(folder, name_of(i).text, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return error::from_errno(errno, "cannot open " + path(i));
    return file::descriptor(fd);
}

void files::fresh::drop() {
    if (!owner_) return;
    fd_.reset();
    if (auto folder = owner_->directory(bucket_of(id_))) ::unlinkat(*folder, name_of(id_).text, 0);
    owner_ = nullptr;
}

files::fresh& files::fresh::operator=(fresh&& o) noexcept {
    if (this != &o) {
        drop();
        owner_ = std::exchange(o.owner_, nullptr);
        id_ = o.id_;
        fd_ = std::move(o.fd_);
    }
    return *this;
}

// ---- pins and removal

files::pin files::hold() {
    pin p;
    p.owner_ = this;
    std::lock_guard lock(mutex_);
    p.epoch_ = epoch_;
    pins_.insert(epoch_);
    return p;
}

files::pin& files::pin::operator=(pin&& o) noexcept {
    if (this != &o) {
        release();
        owner_ = std::exchange(o.owner_, nullptr);
        epoch_ = o.epoch_;
    }
    return *this;
}

void files::pin::release() {
    if (!owner_) return;
    std::lock_guard lock(owner_->mutex_);
    owner_->pins_.erase(owner_->pins_.find(epoch_));
    owner_ = nullptr;
}

void files::retire(std::vector<id> ids) {
    std::lock_guard lock(mutex_);
    for (id i : ids) retired_.push_back({epoch_, i});
    // Whoever pins from now on reads an index that no longer has them.
    ++epoch_;
}

bool files::retired() const {
    std::lock_guard lock(mutex_);
    return !retired_.empty() && (pins_.empty() || *pins_.begin() > retired_.front().epoch);
}

void files::remove_retired() {
    for (;;) {
        std::vector<id> batch;
        {
            std::lock_guard lock(mutex_);
            const std::uint64_t oldest = pins_.empty() ? UINT64_MAX : *pins_.begin();
            while (!retired_.empty() && retired_.front().epoch < oldest && batch.size() < 256) {
                batch.push_back(retired_.front().id);
                retired_.pop_front();
            }
        }
        if (batch.empty()) return;
        for (id i : batch) {
            if (auto folder = directory(bucket_of(i))) ::unlinkat(*folder, name_of(i).text, 0);
        }
    }
}

// ---- after a crash

std::vector<std::uint64_t> files::dead_sessions() const {
    std::vector<std::uint64_t> dead;
    each_entry(root_ + "/sessions", [&](const char* name) {
        std::uint64_t number = 0;
        if (parse(name, number, 10) && !alive(number)) dead.push_back(number);
    });
    return dead;
}

void files::sweep(const std::function<bool()>& go_on) {
    const auto dead = dead_sessions();
    if (dead.empty()) return;
    std::size_t removed = 0;
    for (unsigned bucket = 0; bucket < 256; ++bucket) {
        const std::string folder = fmt::format("{}/data/{:02x}", root_, bucket);
        // Names first, index second: a file that another process makes meanwhile is not in the list.
        std::vector<id> found;
        each_entry(folder, [&](const char* name) {
            id i = 0;
            if (parse(name, i, 16) && is_file(i) && !alive(session_of(i))) found.push_back(i);
        });
        for (std::size_t at = 0; at < found.size(); at += 1024) {
            if (!go_on()) return;
            auto r = index_.read();
            if (!r) return;
            for (std::size_t n = at; n < std::min(found.size(), at + 1024); ++n) {
                if (r->get(table::refs, number_key(found[n]).view()) || r->failed()) continue;
                ::unlink(path(found[n]).c_str());
                ++removed;
            }
        }
    }
    for (std::uint64_t number : dead) ::unlink(fmt::format("{}/sessions/{}", root_, number).c_str());
    if (removed > 0) log::info("store: removed {} unfinished files of processes that had died", removed);
}

}  // namespace act::store

#include "transfer/mover/host_cap.hpp"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "engine/file/file.hpp"

namespace act {

/// As it lies in the file. A cap is a bucket told by one time: when all is paid for that has begun or has its
/// turn.
struct host_cap::shared {
    char magic[8];
    std::uint64_t operations, bytes;           ///< doubles
    std::int64_t operations_free, bytes_free;  ///< nanoseconds of the steady clock, the same in all processes
    std::uint64_t changes;                     ///< of the caps, so far
};

namespace {

constexpr char magic[8] = {'a', 'c', 't', '-', 'c', 'a', 'p', '1'};
/// What may begin at once after a rest: a timer that is late is made up for.
constexpr std::int64_t burst = 20'000'000;
/// Further ahead than any request can be paid for by a cap that the command line takes: damage.
constexpr std::int64_t absurd = std::int64_t{24} * 3600 * 1'000'000'000;

std::int64_t nanoseconds(steady::time_point at) {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(at.time_since_epoch()).count();
}

double rate_of(std::uint64_t& field) {
    const auto value = std::bit_cast<double>(std::atomic_ref(field).load(std::memory_order_relaxed));
    return value > 0 && value < 1e15 ? value : 0;
}

std::int64_t cost(double amount, double rate) {
    // A damaged file may have any rate.
    constexpr auto most = static_cast<double>(absurd);
    return static_cast<std::int64_t>(std::clamp(amount / rate * 1e9, -most, most));
}

/// Puts something of this price behind all that has begun or is to begin; gives the time when it may.
std::int64_t reserve(std::int64_t& field, std::int64_t now, std::int64_t price) {
    std::atomic_ref free(field);
    std::int64_t seen = free.load(std::memory_order_relaxed);
    for (;;) {
        const std::int64_t start = seen - now > absurd ? now : std::max(seen, now - burst);
        if (free.compare_exchange_weak(seen, start + price, std::memory_order_relaxed)) return start;
    }
}

bool is_whole(int fd, std::size_t size) {
    struct stat s;
    char first[sizeof magic];
    return ::fstat(fd, &s) == 0 && S_ISREG(s.st_mode) && s.st_uid == ::geteuid() &&
           s.st_size == static_cast<off_t>(size) && ::pread(fd, first, sizeof first, 0) == sizeof first &&
           std::memcmp(first, magic, sizeof magic) == 0;
}

/// Puts a file under the name at once and whole, unless another process was first.
result<void> make(const std::string& path, std::size_t size) {
    const std::string aside = fmt::format("{}.{}", path, ::getpid());
    file::descriptor fd(::open(aside.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!fd) return error::from_errno(errno, "cannot make " + aside);
    const bool written = ::ftruncate(fd.get(), static_cast<off_t>(size)) == 0 &&
                         ::pwrite(fd.get(), magic, sizeof magic, 0) == sizeof magic;
    const int broken = errno;
    const bool named = written && (::link(aside.c_str(), path.c_str()) == 0 || errno == EEXIST);
    const int unnamed = errno;
    ::unlink(aside.c_str());
    if (!written) return error::from_errno(broken, "cannot write " + aside);
    if (!named) return error::from_errno(unnamed, "cannot make " + path);
    return {};
}

}  // namespace

result<std::unique_ptr<host_cap>> host_cap::open(const std::string& path) {
    ACT_TRY_VOID(file::make_directories(path.substr(0, path.rfind('/'))));
    for (int tries = 0; tries < 3; ++tries) {
        const file::descriptor fd(::open(path.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC));
        if (!fd && errno != ENOENT) return error::from_errno(errno, "cannot open " + path);
        if (fd && is_whole(fd.get(), sizeof(shared))) {
            void* const at = ::mmap(nullptr, sizeof(shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
            if (at == MAP_FAILED) return error::from_errno(errno, "cannot map " + path);
            return std::unique_ptr<host_cap>(new host_cap(static_cast<shared*>(at)));
        }
        if (fd) ::unlink(path.c_str());
        ACT_TRY_VOID(make(path, sizeof(shared)));
    }
    return error(kind::io, "what is at " + path + " is no file of caps", "remove it");
}

host_cap::~host_cap() { ::munmap(shared_, sizeof(shared)); }

host_cap::caps host_cap::get() const {
    return {.operations = rate_of(shared_->operations), .bytes = rate_of(shared_->bytes)};
}

void host_cap::set(caps c) {
    constexpr auto relaxed = std::memory_order_relaxed;
    std::atomic_ref(shared_->operations).store(std::bit_cast<std::uint64_t>(c.operations), relaxed);
    std::atomic_ref(shared_->bytes).store(std::bit_cast<std::uint64_t>(c.bytes), relaxed);
    std::atomic_ref(shared_->operations_free).store(0, relaxed);
    std::atomic_ref(shared_->bytes_free).store(0, relaxed);
    std::atomic_ref(shared_->changes).fetch_add(1, relaxed);
}

steady::duration host_cap::begin(turn& mine, steady::time_point at, std::uint64_t bytes) {
    const caps c = get();
    const std::uint64_t changes = std::atomic_ref(shared_->changes).load(std::memory_order_relaxed);
    if (mine.changes_ != changes) mine.waits_ = false;
    if (c.none()) return {};
    const std::int64_t now = nanoseconds(at);
    if (mine.waits_) {
        if (now < mine.start_) return std::chrono::nanoseconds(mine.start_ - now);
        mine.waits_ = false;
        // Who had waited may have given up, and this one have its place.
        correct(mine.bytes_, bytes);
        return {};
    }
    std::int64_t start = now;
    if (c.operations > 0)
        start = std::max(start, reserve(shared_->operations_free, now, cost(1, c.operations)));
    if (c.bytes > 0) {
        const auto price = cost(static_cast<double>(bytes), c.bytes);
        start = std::max(start, reserve(shared_->bytes_free, now, price));
    }
    if (start <= now) return {};
    mine.start_ = start;
    mine.bytes_ = bytes;
    mine.changes_ = changes;
    mine.waits_ = true;
    return std::chrono::nanoseconds(start - now);
}

void host_cap::correct(std::uint64_t expected, std::uint64_t moved) {
    if (expected == moved) return;
    const caps c = get();
    if (c.bytes <= 0) return;
    const double more = static_cast<double>(moved) - static_cast<double>(expected);
    std::atomic_ref(shared_->bytes_free).fetch_add(cost(more, c.bytes), std::memory_order_relaxed);
}

}  // namespace act

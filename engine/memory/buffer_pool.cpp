#include "engine/memory/buffer_pool.hpp"

#include <array>
#include <bit>
#include <mutex>
#include <new>
#include <sys/mman.h>
#include <vector>

namespace act {

namespace {

constexpr std::size_t smallest = 4096;
constexpr unsigned classes = 13;  // 4 KiB .. 16 MiB
constexpr unsigned unpooled = classes;
constexpr std::size_t huge_page = 2u << 20;

std::size_t bytes_of(unsigned size_class) { return smallest << size_class; }

unsigned class_of(std::size_t size) {
    const std::size_t rounded = std::bit_ceil(std::max(size, smallest));
    return std::min<unsigned>(static_cast<unsigned>(std::countr_zero(rounded) - std::countr_zero(smallest)),
                              unpooled);
}

std::byte* map(std::size_t size) {
    void* p = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) throw std::bad_alloc();
    // Fresh 4 KiB pages cost four times as much to touch as huge ones (measured-limits, base costs).
    if (size >= huge_page) ::madvise(p, size, MADV_HUGEPAGE);
    return static_cast<std::byte*>(p);
}

}  // namespace

struct buffer_pool::impl {
    explicit impl(std::size_t bytes) : budget(bytes), spare(bytes / 2) {}
    semaphore budget;
    semaphore spare;  ///< how much of it may be held by what can be left undone
    std::mutex mutex;
    std::array<std::vector<std::byte*>, classes> idle;
    std::size_t idle_bytes = 0;

    std::byte* claim(unsigned size_class, std::size_t size) {
        if (size_class == unpooled) return map(size);
        {
            std::lock_guard lock(mutex);
            auto& list = idle[size_class];
            if (!list.empty()) {
                std::byte* p = list.back();
                list.pop_back();
                idle_bytes -= bytes_of(size_class);
                return p;
            }
            // Warm buffers of other sizes must not add up with those in use to more than the budget.
            const std::size_t used = budget.total() - budget.available();
            for (unsigned c = classes; c-- > 0 && used + idle_bytes > budget.total();) {
                while (!idle[c].empty() && used + idle_bytes > budget.total()) {
                    ::munmap(idle[c].back(), bytes_of(c));
                    idle[c].pop_back();
                    idle_bytes -= bytes_of(c);
                }
            }
        }
        return map(bytes_of(size_class));
    }
};

buffer::buffer(buffer&& o) noexcept
    : pool_(o.pool_),
      data_(o.data_),
      size_(o.size_),
      size_class_(o.size_class_),
      ticket_(std::move(o.ticket_)) {
    o.pool_ = nullptr, o.data_ = nullptr, o.size_ = 0;
}

buffer& buffer::operator=(buffer&& o) noexcept {
    if (this != &o) {
        buffer old(std::move(*this));
        pool_ = o.pool_, data_ = o.data_, size_ = o.size_, size_class_ = o.size_class_;
        ticket_ = std::move(o.ticket_);
        o.pool_ = nullptr, o.data_ = nullptr, o.size_ = 0;
    }
    return *this;
}

buffer::~buffer() {
    if (data_) pool_->give_back(data_, size_class_, size_);
}

buffer_pool::buffer_pool(std::size_t budget) : impl_(std::make_unique<impl>(budget)) {}

buffer_pool::~buffer_pool() {
    for (unsigned c = 0; c < classes; ++c) {
        for (std::byte* p : impl_->idle[c]) ::munmap(p, bytes_of(c));
    }
}

buffer buffer_pool::claimed(permit ticket, unsigned size_class, std::size_t size) {
    buffer b;
    b.pool_ = this;
    b.ticket_ = std::move(ticket);
    b.size_class_ = size_class;
    b.size_ = size;
    b.data_ = impl_->claim(size_class, size);
    return b;
}

task<result<buffer>> buffer_pool::take(std::size_t size, until u) {
    const unsigned size_class = class_of(size);
    const std::size_t memory = size_class == unpooled ? size : bytes_of(size_class);
    auto ticket = co_await impl_->budget.acquire(memory, std::move(u));
    if (!ticket) co_return ticket.error();
    co_return claimed(std::move(*ticket), size_class, size);
}

buffer buffer_pool::try_take(std::size_t size) {
    const unsigned size_class = class_of(size);
    permit ticket = impl_->budget.try_acquire(size_class == unpooled ? size : bytes_of(size_class));
    return ticket.units() == 0 ? buffer() : claimed(std::move(ticket), size_class, size);
}

task<result<permit>> buffer_pool::reserve(std::size_t bytes, until u) {
    return impl_->budget.acquire(bytes, std::move(u));
}

spare_bytes buffer_pool::try_reserve(std::size_t bytes) {
    spare_bytes out;
    // The semaphore would let a larger one pass when all is free.
    if (bytes > impl_->spare.total()) return out;
    out.share_ = impl_->spare.try_acquire(bytes);
    if (out.share_.units() == 0) return out;
    out.bytes_ = impl_->budget.try_acquire(bytes);
    if (out.bytes_.units() == 0) out.share_.release();
    return out;
}

void buffer_pool::give_back(std::byte* data, unsigned size_class, std::size_t size) {
    if (size_class == unpooled) {
        ::munmap(data, size);
        return;
    }
    std::lock_guard lock(impl_->mutex);
    impl_->idle[size_class].push_back(data);
    impl_->idle_bytes += bytes_of(size_class);
}

std::size_t buffer_pool::budget() const { return impl_->budget.total(); }

std::size_t buffer_pool::in_use() const { return impl_->budget.total() - impl_->budget.available(); }

}  // namespace act

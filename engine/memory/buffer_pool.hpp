#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "engine/async/semaphore.hpp"

namespace act {

class buffer_pool;

/// Reserved bytes and the memory for them. Returns both when it dies. Movable, may cross loops.
class buffer {
public:
    buffer() = default;
    buffer(buffer&&) noexcept;
    buffer& operator=(buffer&&) noexcept;
    ~buffer();

    std::byte* data() { return data_; }
    const std::byte* data() const { return data_; }
    /// What was asked for; the memory behind may be larger.
    std::size_t size() const { return size_; }
    std::span<std::byte> span() { return {data_, size_}; }
    std::span<const std::byte> span() const { return {data_, size_}; }
    explicit operator bool() const { return data_ != nullptr; }

private:
    friend class buffer_pool;
    buffer_pool* pool_ = nullptr;
    std::byte* data_ = nullptr;
    std::size_t size_ = 0;
    unsigned size_class_ = 0;
    permit ticket_;
};

/// Bytes that were reserved because nobody needed them more. Gives them back when it dies.
class spare_bytes {
public:
    std::uint64_t units() const { return bytes_.units(); }

private:
    friend class buffer_pool;
    permit share_, bytes_;
};

/// The one byte budget of the process, and the reused buffers that are drawn on it. Sizes are powers of two
/// from 4 KiB to 16 MiB (larger ones are mapped for the call). Freed buffers are kept warm, at most as many
/// as the budget allows.
class buffer_pool {
public:
    explicit buffer_pool(std::size_t budget);
    ~buffer_pool();
    buffer_pool(const buffer_pool&) = delete;
    buffer_pool& operator=(const buffer_pool&) = delete;

    /// Waits, in order, for the budget; the ticket is taken before the memory is claimed.
    task<result<buffer>> take(std::size_t size, until);
    /// The same for what can be left undone: an empty buffer when it would have to wait.
    buffer try_take(std::size_t size);
    /// Bytes without memory of ours: for queues and listings that hold their own. In the same order as
    /// take().
    task<result<permit>> reserve(std::size_t bytes, until);
    /// The same for what can be left undone: nothing when it would have to wait. However many operations
    /// share the budget, all that they hold in this way is at most half of it: who must wait for the other
    /// half (no single take() needs more) gets it, whoever has to read these bytes first.
    spare_bytes try_reserve(std::size_t bytes);
    std::size_t budget() const;
    std::size_t in_use() const;

private:
    friend class buffer;
    void give_back(std::byte*, unsigned size_class, std::size_t size);
    buffer claimed(permit, unsigned size_class, std::size_t size);
    struct impl;
    std::unique_ptr<impl> impl_;
};

}  // namespace act

#pragma once

#include <algorithm>
#include <cstring>
#include <memory>

namespace act::arrow {

/// What a column is written to. It grows in large steps: memory that is not touched costs nothing, and each
/// step copies all there is.
template <class T>
class buffer {
public:
    std::size_t size() const { return size_; }
    const T* data() const { return data_.get(); }
    const T& operator[](std::size_t i) const { return data_[i]; }
    const T& back() const { return data_[size_ - 1]; }

    void push_back(T value) {
        if (size_ == capacity_) grow(1);
        data_[size_++] = value;
    }
    void append(const T* from, std::size_t count) {
        T* const to = extend(count);
        if (count != 0) std::memcpy(to, from, count * sizeof(T));
    }
    /// Room for `count` more, to be filled.
    T* extend(std::size_t count) {
        if (capacity_ - size_ < count) grow(count);
        size_ += count;
        return data_.get() + (size_ - count);
    }
    /// Up to `size`, with `value` for what is new.
    void fill_up(std::size_t size, T value) {
        if (size <= size_) return;
        const std::size_t more = size - size_;
        std::fill_n(extend(more), more, value);
    }

private:
    /// Seldom, and so no part of what is done for every row.
    [[gnu::noinline]] void grow(std::size_t more) {
        const std::size_t capacity = std::max({size_ + more, capacity_ * 4, 256 / sizeof(T)});
        auto larger = std::make_unique_for_overwrite<T[]>(capacity);
        if (size_ != 0) std::memcpy(larger.get(), data_.get(), size_ * sizeof(T));
        data_ = std::move(larger);
        capacity_ = capacity;
    }
    std::unique_ptr<T[]> data_;
    std::size_t size_ = 0, capacity_ = 0;
};

}  // namespace act::arrow

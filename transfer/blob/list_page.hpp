#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <ranges>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "transfer/blob/types.hpp"

namespace act::blob {

/// The entries of a page in the form in which they came, where that is smaller and cheaper than their
/// properties.
class packed_entries {
public:
    virtual ~packed_entries() = default;
    /// A view of what this holds.
    virtual std::string_view name(std::size_t) const = 0;
    /// Always the same object, filled anew. What a caller has moved away from it makes no difference.
    virtual properties& read(std::size_t) = 0;
    /// In bytes.
    virtual std::size_t memory() const = 0;
};

/// One page of a listing. A listing may have millions of entries, most of which are only looked at: each is
/// taken out of its page when it is asked for, into memory that the one before it has used.
class list_page {
public:
    list_page() = default;
    list_page(std::vector<properties> entries, std::string next)
        : next_marker(std::move(next)), entries_(std::move(entries)), count_(entries_.size()) {}
    list_page(std::unique_ptr<packed_entries> entries, std::size_t count, std::string next)
        : next_marker(std::move(next)), packed_(std::move(entries)), count_(count) {}

    list_page(list_page&& o) noexcept { *this = std::move(o); }
    /// What was moved from is empty.
    list_page& operator=(list_page&& o) noexcept {
        next_marker = std::exchange(o.next_marker, {});
        entries_ = std::exchange(o.entries_, {});
        packed_ = std::move(o.packed_);
        first_ = std::exchange(o.first_, 0);
        count_ = std::exchange(o.count_, 0);
        return *this;
    }

    std::size_t size() const { return count_; }
    bool empty() const { return count_ == 0; }
    /// Of an entry that nothing was moved away from. Valid as long as the entries are.
    std::string_view name(std::size_t i) const {
        return packed_ ? packed_->name(first_ + i) : std::string_view(entries_[first_ + i].name);
    }
    /// All of them, to be searched.
    auto names() const {
        return std::views::transform(std::views::iota(std::size_t(0), count_),
                                     [this](std::size_t i) { return name(i); });
    }
    /// Until another one is asked for; parts of it, or all, may be moved away.
    properties& operator[](std::size_t i) {
        return packed_ ? packed_->read(first_ + i) : entries_[first_ + i];
    }
    /// About how many bytes its entries hold.
    std::size_t memory() const {
        constexpr std::size_t texts = 256;
        return packed_ ? packed_->memory() : entries_.size() * (sizeof(properties) + texts);
    }
    /// All of them, each with memory of its own.
    std::vector<properties> take();

    void keep_first(std::size_t count) { count_ = std::min(count, count_); }
    void drop_first(std::size_t count) {
        count = std::min(count, count_);
        first_ += count;
        count_ -= count;
    }

    std::string next_marker;  ///< empty: the end

private:
    std::vector<properties> entries_;
    std::unique_ptr<packed_entries> packed_;
    std::size_t first_ = 0, count_ = 0;
};

}  // namespace act::blob

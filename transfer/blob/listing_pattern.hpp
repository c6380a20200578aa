#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "transfer/blob/listing_fields.hpp"

/// Internal to listing.cpp: reads entries by their likeness to one read before.
namespace act::blob {

/// The entries of a listing have the same elements, mostly with the same texts. So one is kept as it came,
/// with the places of its texts, and the next is compared with it, many bytes at a time: what differs must be
/// in a text, or the entry is of another form, and taken apart for a new pattern. Only what has no attribute,
/// no entity, and nothing within a leaf has such a form; all else is left to who reads it tag by tag.
class entry_pattern {
public:
    struct leaf {
        field what = field::none;  ///< none: nobody wants it
        std::string key;           ///< of a metadatum
        std::size_t begin = 0, end = 0;
    };

    explicit entry_pattern(detail wanted) : wanted_(wanted) {}

    /// How many bytes the entry that `bytes` begins with has; 0 when more of it must be seen, nothing when it
    /// is not of that form.
    std::optional<std::size_t> read(std::string_view bytes);
    /// Of the entry last read, valid as long as its bytes: the leaves, and the text of each.
    std::span<const leaf> leaves() const { return leaves_; }
    std::span<const std::string_view> texts() const { return texts_; }

private:
    std::optional<std::size_t> compare(std::string_view bytes);
    bool take_apart(std::string_view bytes);

    detail wanted_;
    std::string entry_;  ///< empty: there is none yet
    std::vector<leaf> leaves_;
    std::vector<std::string_view> texts_;
    unsigned misses_ = 0,
             passes_ = 0;  ///< entries of no form in a row; to be passed over before the next try
};

}  // namespace act::blob

#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/core/result.hpp"
#include "transfer/blob/listing_pattern.hpp"
#include "transfer/blob/types.hpp"

namespace act::blob {

/// Internal to listing.cpp: makes entries of a listing's tags and texts, which it is given in their order,
/// and checks that they are a listing. Every function returns false for good once something was wrong;
/// `failure` says what.
class listing_builder {
public:
    /// `expected`: how many entries will come, if known.
    listing_builder(detail wanted, std::size_t expected) : wanted_(wanted), expected_(expected) {}

    bool open(std::string_view name, std::string_view attributes);
    bool close(std::string_view name);
    /// Text or CDATA within the innermost element.
    bool text(std::string_view raw);
    bool cdata(std::string_view content);
    /// Whether simple() may be used: in the elements whose children are nearly all leaves.
    bool takes_simple() const;
    /// A whole element without attributes and children at once; `raw` has entities or not.
    bool simple(std::string_view name, std::string_view raw, bool entities);
    /// A whole <Blob> at once, in place::blobs: its leaves, and their texts, which have no entities.
    bool entry(std::span<const entry_pattern::leaf>, std::span<const std::string_view> texts);

    /// Nothing while outside of the root element.
    std::optional<place> where() const;
    bool ended() const { return ended_; }
    bool fail(std::string_view why);

    std::vector<properties> items;
    std::string marker;
    std::optional<error> failure;

private:
    struct level {
        place at;
        field what;               // for place::leaf
        std::uint32_t name_size;  // of names_, at its end
    };
    void push(place at, std::string_view name, field what = field::none);
    void begin_entry(properties&, bool prefix);
    bool assign(properties&, field what, std::string_view content);
    bool finish_entry(properties&);
    void make_room() {
        if (items.empty()) items.reserve(expected_);
    }

    std::vector<level> stack_;
    std::string names_;  // of the open elements, to be compared with the end tags
    bool started_ = false, ended_ = false;
    std::string text_;  // of the open leaf, decoded
    std::string key_;   // of a metadatum or tag
    std::string value_;
    const detail wanted_;
    const std::size_t expected_;
    properties entry_;
    // Of the current entry.
    bool sized_ = false, encoded_name_ = false, tagged_ = false, folder_ = false;
    date_memo modified_memo_, created_memo_;
};

}  // namespace act::blob

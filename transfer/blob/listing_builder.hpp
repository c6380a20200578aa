#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/core/result.hpp"
#include "transfer/blob/listing_fields.hpp"
#include "transfer/blob/types.hpp"

namespace act::blob {

/// The elements that mean something, by where they stand; `skip` is everything else, with all that is in it.
enum class place : std::uint8_t {
    results,
    blobs,
    blob,
    properties,
    metadata,
    tags,
    tag_set,
    tag,
    leaf,
    skip
};

/// Internal to listing.cpp: makes entries of a listing's tags and texts, which it is given in their order,
/// and checks that they are a listing. Every function returns false for good once something was wrong;
/// `failure` says what.
class listing_builder {
public:
    bool open(std::string_view name, std::string_view attributes);
    bool close(std::string_view name);
    /// Text or CDATA within the innermost element.
    bool text(std::string_view raw);
    bool cdata(std::string_view content);
    /// Whether simple() may be used: in the elements whose children are nearly all leaves.
    bool takes_simple() const;
    /// A whole element without attributes and children at once; `raw` has entities or not.
    bool simple(std::string_view name, std::string_view raw, bool entities);

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
    bool assign(field what, std::string_view content);
    bool finish_entry();

    std::vector<level> stack_;
    std::string names_;  // of the open elements, to be compared with the end tags
    bool started_ = false, ended_ = false;
    std::string text_;  // of the open leaf, decoded
    std::string key_;   // of a metadatum or tag
    std::string value_;
    properties entry_;
    bool sized_ = false, encoded_name_ = false;
    date_memo modified_memo_, created_memo_;
};

}  // namespace act::blob

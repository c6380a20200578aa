#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace act::store {

/// The little query language over blob tags, of x-ms-if-tags and Find Blobs by Tags:
///   "key" = 'value' AND ("other" > 'a' OR NOT "third" <> 'b'), and @container = 'name'.
/// Values compare as bytes.
class tag_query {
public:
    /// Nothing for text that is not such an expression.
    static std::optional<tag_query> parse(std::string_view text);
    /// `tags` are packed pairs; a tag that is not there makes every comparison false.
    bool matches(std::string_view tags, std::string_view container = {}) const;

    struct node;

private:
    explicit tag_query(std::shared_ptr<const node> root) : root_(std::move(root)) {}
    std::shared_ptr<const node> root_;
};

}  // namespace act::store

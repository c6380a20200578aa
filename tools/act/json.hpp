#pragma once

#include <concepts>
#include <string>
#include <string_view>
#include <vector>

namespace act::cli {

/// One line of --json output: {"type":...} and what is added, in that order. Text that is not UTF-8 (names of
/// local files may be anything) gets U+FFFD for each bad byte, so that every line parses.
class json_line {
public:
    explicit json_line(std::string_view type) { add("type", type); }

    json_line& add(std::string_view key, std::string_view value);
    json_line& add(std::string_view key, const std::string& value) {
        return add(key, std::string_view(value));
    }
    json_line& add(std::string_view key, const char* value) { return add(key, std::string_view(value)); }
    json_line& add(std::string_view key, const std::vector<std::string>& values);
    template <std::integral T>
    json_line& add(std::string_view key, T value) {
        if constexpr (std::same_as<T, bool>) {
            return raw(key, value ? "true" : "false");
        } else {
            return raw(key, std::to_string(value));
        }
    }
    /// With three decimals: seconds, mostly. JSON has no infinity: such a value becomes null.
    json_line& add(std::string_view key, double value);
    json_line& null(std::string_view key) { return raw(key, "null"); }

    /// The object, without a line end.
    std::string text() const { return text_ + '}'; }

private:
    json_line& raw(std::string_view key, std::string_view value);
    std::string text_ = "{";
};

/// `text` in quotes, escaped.
std::string json_quoted(std::string_view text);

}  // namespace act::cli

#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/core/result.hpp"

/// Why runs fail, by what their logs say: ACT's error classes (act-behaviour.md 7.6) and those of the
/// project.
namespace act::runs {

struct error_rule {
    std::string name;     ///< of the class; several rules may share it
    std::string pattern;  ///< of a line, as grep -E has it
    bool retriable = false;
    /// Says little by itself ("connection refused"): where there is also a retriable class, that one counts.
    bool general = false;
    std::string near_barrier = {};  ///< the class instead, within 100 lines after a barrier
    std::uint64_t more_than = 0;    ///< so many lines are harmless
    bool successive = false;        ///< and count only while no line with the pattern's text differs from it
};

/// ACT's, in the order in which they are told.
std::span<const error_rule> known_error_rules();

/// A class that was found, and where first.
struct error_class {
    std::string name;
    bool retriable = false, general = false;
    std::uint64_t lines = 0;  ///< that show it
    std::string file;
    std::uint64_t line = 0;
    std::string text;  ///< of that line, shortened
};

/// Reads logs once, in bounded memory, whatever their size. Not thread-safe.
class error_scanner {
public:
    /// `more` goes before the known rules; its classes of the same name replace these. kind::configuration
    /// for a pattern that is no regular expression.
    static result<error_scanner> make(std::span<const error_rule> more = {});
    error_scanner(error_scanner&&) noexcept;
    error_scanner& operator=(error_scanner&&) noexcept;
    ~error_scanner();

    /// A whole file; blocks.
    result<void> scan_file(const std::string& path);
    /// A text that is called `name`.
    void scan_text(std::string_view text, const std::string& name);
    /// What all of that shows, in the order of the rules.
    std::vector<error_class> found() const;

private:
    struct impl;
    explicit error_scanner(std::unique_ptr<impl>);
    std::unique_ptr<impl> impl_;
};

/// Is another try worth it? Something passing went wrong, and nothing that would go wrong again.
bool is_retriable(std::span<const error_class>);

}  // namespace act::runs

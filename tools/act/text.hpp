#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// Text for terminals and for people.
namespace act::cli {

/// Columns on a terminal, one for each character: exact for what names are mostly made of.
std::size_t width_of(std::string_view text);

/// At most `width` columns, with "..." in the middle where something was left out.
std::string elide_middle(std::string_view text, std::size_t width);

/// A word as a POSIX shell reads it back.
std::string shell_quoted(std::string_view word);
std::string shell_quoted(const std::vector<std::string>& words);

/// "1 file", "12,345 files".
std::string counted(std::uint64_t count, std::string_view thing);

}  // namespace act::cli

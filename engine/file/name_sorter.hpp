#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/file/file.hpp"

namespace act::file {

/// What a directory entry is to the walk.
enum class name_kind : std::uint8_t {
    file,
    link,       ///< a symbolic link that is reported as such
    directory,  ///< the name ends with '/' (tree_reader.hpp: or with folder_end)
    place,      ///< a directory's name without the '/': an empty one is reported there
};

/// The names of one directory in byte order, from memory or merged from sorted runs on disk.
class sorted_names {
public:
    struct item {
        std::string_view name;  ///< good until pop()
        name_kind kind;
    };

    sorted_names();
    ~sorted_names();
    sorted_names(sorted_names&&) noexcept;
    sorted_names& operator=(sorted_names&&) noexcept;

    /// The next one, or null at the end.
    const item* peek() const;
    void pop();
    /// How many are left.
    std::size_t left() const;
    /// False when a run could not be read back: names are missing.
    bool whole() const;

private:
    friend class name_sorter;
    struct state;
    std::unique_ptr<state> state_;
};

/// Sorts any number of names within about `memory` bytes: what exceeds it goes to an anonymous temporary file
/// in sorted runs. Where there is no room for one, memory is used instead.
class name_sorter {
public:
    explicit name_sorter(std::size_t memory);
    ~name_sorter();

    void add(std::string_view name, name_kind);
    sorted_names finish();
    /// Runs written to disk so far.
    std::size_t runs() const;

private:
    struct state;
    std::unique_ptr<state> state_;
};

}  // namespace act::file

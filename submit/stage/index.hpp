#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/core/clock.hpp"
#include "engine/core/result.hpp"

/// What a project's files were when they were packed last. Private to this folder.
namespace act::stage {

/// Two looks at a file that give the same stamp saw the same content, once the stamp has settled: the time of
/// change cannot be set back as that of modification can.
struct stamp {
    std::uint64_t size = 0, inode = 0;
    wall_time modified{}, changed{};
    friend bool operator==(const stamp&, const stamp&) = default;
};
/// Nothing when it cannot be told. Never follows a link.
std::optional<stamp> stamp_of(int fd);
/// Of what stands there in an open folder.
std::optional<stamp> stamp_in(int folder, const char* name);

/// Where the data of an entry stands in an archive.
struct packed_form {
    std::uint64_t offset = 0;  ///< 0: nowhere
    std::uint64_t stored_size = 0, size = 0;
    std::uint32_t crc32 = 0;  ///< of the original bytes
    bool deflated = false;
    std::uint64_t check = 0;  ///< of the data as it stands there (check_of)
};
std::uint64_t check_of(std::span<const std::byte>);

struct indexed_file {
    std::string name;
    stage::stamp stamp;
    /// The file was old enough when it was read: a later change cannot have left the stamp as it was, however
    /// coarse the file system's clock is.
    bool settled = false;
    std::string sha256;  ///< raw
    packed_form packed;
};

/// The files of one project, and the archive where their packed forms are found: unchanged files are not read
/// again, and unchanged content is not compressed again.
class tree_index {
public:
    tree_index() = default;
    tree_index(tree_index&&) = default;
    tree_index& operator=(tree_index&&) = default;
    /// An index that is missing, damaged or of another version is empty: it only saves work.
    static tree_index load(const std::string& path);
    /// Appears whole or not at all; of two at once the later one stays.
    result<void> save(const std::string& path) const;

    /// In the byte order of names.
    void add(indexed_file f) { files_.push_back(std::move(f)); }
    const indexed_file* find(std::string_view name) const;
    const packed_form* form_of(const std::string& sha256) const;

    std::string archive;  ///< hash
    std::uint64_t archive_bytes = 0;

private:
    bool parse(std::span<const std::byte>);
    std::vector<indexed_file> files_;
    std::unordered_map<std::string_view, std::size_t> by_content_;  ///< of a loaded index
};

}  // namespace act::stage

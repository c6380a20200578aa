#pragma once

#include <functional>

#include "engine/codec/deflate.hpp"
#include "engine/codec/zip.hpp"
#include "engine/file/file.hpp"
#include "submit/stage/index.hpp"
#include "submit/stage/tree.hpp"
#include "submit/stage/tree_files.hpp"

/// The bytes of a tree's entries, read no more often than needed. Private to this folder.
namespace act::stage {

struct content {
    std::string sha256;  ///< raw; empty: the entry is left out
    std::uint64_t size = 0;
    std::optional<stamp> seen;  ///< of files
    bool read = false;          ///< from the tree; else from what is known of it
    std::uint32_t crc = 0;
    /// As it shall stand in the archive. Empty where there is more than fits into memory: see stream().
    std::vector<std::byte> data;
    bool deflated = false;
};

/// What one thread reads and compresses in, file after file.
struct workspace {
    explicit workspace(const pack_options& o) : files(o.root), small(o.small_level), large(o.level) {}
    tree_files files;
    codec::deflater small, large;
    std::vector<std::byte> file;  ///< as long as the longest of the small ones so far
};

/// Used from several threads at once. All of them block.
class contents {
public:
    contents(const pack_options&, omissions&, stop_token);

    /// The index, and the archive that it tells of as long as that is there.
    void use(tree_index);
    const tree_index& index() const { return index_; }

    /// What a look at the file's stamp tells, else what it holds. Without data.
    result<content> identify(const tree_entry&, workspace&);
    /// With data: from the last archive where it has the entry's content, else compressed. The entry need not
    /// have been identified.
    result<content> packed(const tree_entry&, workspace&);
    /// The whole entry, from the tree; kind::conflict when it is not what was identified.
    result<void> stream(const codec::zip_entry&, const std::string& sha256, codec::zip_writer&);

private:
    result<content> read(const tree_entry&, workspace&, bool packed);
    result<content> read_large(int fd, const std::string& path, bool checksum, content);
    std::optional<content> from_archive(const tree_entry&) const;
    std::string path_of(const std::string& name) const { return options_.root + "/" + name; }

    const pack_options& options_;
    omissions& omissions_;
    stop_token stop_;
    tree_index index_;
    file::descriptor archive_;
};

}  // namespace act::stage

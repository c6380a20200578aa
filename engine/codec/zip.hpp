#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/codec/hash.hpp"
#include "engine/core/result.hpp"

/// Zip archives (PKWARE APPNOTE 6.3): stored and deflated entries, Unix modes and symbolic links, zip64. No
/// encryption, no parts.
namespace act::codec {

/// One member of an archive. A directory's name ends with '/'; a symbolic link's data is its target.
struct zip_entry {
    std::string name;                 ///< UTF-8, relative, without "." and ".." components
    std::uint32_t mode = 0100644;     ///< st_mode: type and permission bits
    bool deflated = false;            ///< else stored
    std::uint32_t crc32 = 0;          ///< of the original bytes
    std::uint64_t size = 0;           ///< of the original bytes
    std::uint64_t stored_size = 0;    ///< of the data in the archive
    std::uint64_t header_offset = 0;  ///< set by the reader
};

/// Takes bytes in order.
using zip_sink = std::function<result<void>(bytes_view)>;

/// Writes an archive front to back. Every entry has the same date, so that equal content makes equal
/// archives. After a failure nothing more can be written. Memory: about 80 bytes an entry, for the central
/// directory.
class zip_writer {
public:
    explicit zip_writer(zip_sink);
    ~zip_writer();
    zip_writer(zip_writer&&) noexcept;
    zip_writer& operator=(zip_writer&&) noexcept;

    /// A whole entry; `data` as it shall stand in the archive. kind::usage for a name that the reader would
    /// refuse, and for sizes that do not agree.
    result<void> add(const zip_entry&, bytes_view data);
    /// The same in pieces: begin, then append until stored_size bytes were given.
    result<void> begin(const zip_entry&);
    result<void> append(bytes_view data);
    /// Writes the central directory; the archive is whole then.
    result<void> finish();
    /// Bytes handed to the sink so far.
    std::uint64_t size() const;

private:
    struct state;
    std::unique_ptr<state> state_;
};

/// Reads up to the span's size from a position; fewer bytes mean the end. Called from the threads that
/// extract.
using zip_source = std::function<result<std::size_t>(std::uint64_t offset, std::span<std::byte>)>;
/// Reads of an open file, which must stay open.
zip_source zip_source_of(int fd);

/// The directory of an archive, checked: an archive from a stranger gives an error, never an entry that would
/// be written outside of the target folder (absolute names, "..", names below a symbolic link, duplicates,
/// devices) or an archive that blows up (overlapping entries).
class zip_reader {
public:
    struct limits {
        std::uint64_t directory_bytes = 256U << 20;
    };
    /// `size` is the archive's; `what` names it in errors. kind::integrity: damaged; kind::unsupported:
    /// beyond us.
    static result<zip_reader> open(zip_source, std::uint64_t size, std::string what, const limits&);
    static result<zip_reader> open(zip_source source, std::uint64_t size, std::string what) {
        return open(std::move(source), size, std::move(what), limits());
    }

    /// In the archive's order.
    const std::vector<zip_entry>& entries() const { return entries_; }

private:
    friend class zip_extractor;
    zip_reader() = default;

    zip_source source_;
    std::string what_;
    std::uint64_t directory_offset_ = 0;
    std::vector<zip_entry> entries_;
};

/// Unpacks entries of one reader, which must outlive it; for one thread at a time, several may share a
/// reader.
class zip_extractor {
public:
    explicit zip_extractor(const zip_reader&);
    ~zip_extractor();
    zip_extractor(zip_extractor&&) noexcept;
    zip_extractor& operator=(zip_extractor&&) noexcept;

    /// Gives the original bytes to the sink, never more than entry.size. The checksum is known only at the
    /// end: on an error throw away what was taken.
    result<void> extract(const zip_entry&, const zip_sink&);

private:
    struct state;
    std::unique_ptr<state> state_;
};

}  // namespace act::codec

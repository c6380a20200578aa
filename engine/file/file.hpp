#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/core/clock.hpp"
#include "engine/core/result.hpp"

/// Files by descriptor and position. All calls block; page-cache hits may be made on a loop, the rest through
/// runtime::blocking. Errors name the path.
namespace act::file {

/// An owned descriptor.
class descriptor {
public:
    descriptor() = default;
    explicit descriptor(int fd) : fd_(fd) {}
    descriptor(descriptor&& o) noexcept : fd_(o.release()) {}
    descriptor& operator=(descriptor&& o) noexcept;
    ~descriptor() { reset(); }
    int get() const { return fd_; }
    explicit operator bool() const { return fd_ >= 0; }
    int release();
    void reset();

private:
    int fd_ = -1;
};

enum class type { regular, directory, symlink, other };

/// As numbers; what is not known is left as it is by those who set it.
struct owner {
    static constexpr std::uint32_t unknown = 0xffffffff;
    std::uint32_t user = unknown, group = unknown;
    friend bool operator==(const owner&, const owner&) = default;
};

struct status {
    file::type type = file::type::other;
    std::uint64_t size = 0;
    std::uint32_t mode = 0;  ///< permission bits, as in st_mode & 07777
    wall_time modified{};
    std::uint64_t device = 0, inode = 0;
    file::owner owner;
};

result<descriptor> open_read(const std::string& path);
result<status> stat_of(int fd, const std::string& path);
/// Follows symbolic links, or (lstat) looks at the link itself.
result<status> stat_of(const std::string& path, bool follow = true);

/// As many bytes as the file has there, up to the span's size; a short count means the end of the file.
result<std::size_t> read_at(int fd, std::span<std::byte>, std::uint64_t offset, const std::string& path);
/// What of the first `size` bytes is not holes, in order; all of it where the file system does not tell.
struct extent {
    std::uint64_t offset = 0, length = 0;
    friend bool operator==(const extent&, const extent&) = default;
};
result<std::vector<extent>> data_of(int fd, std::uint64_t size, const std::string& path);
result<void> write_at(int fd, std::span<const std::byte>, std::uint64_t offset, const std::string& path);
/// Lets the disk begin with a range that will not be written again, so that a later sync finds little to do.
void start_writeback(int fd, std::uint64_t offset, std::uint64_t length);
result<std::string> read_all(const std::string& path, std::size_t cap);

/// False when this is not permitted. Takes set-user-id and set-group-id away: set the mode after it.
result<bool> set_owner(int fd, owner, const std::string& path);

result<void> make_directories(const std::string& path);

/// A new file without a name, for what is too large for memory: in TMPDIR, /var/tmp or /tmp. It is gone when
/// the descriptor is closed, whatever happened to the process.
result<descriptor> unnamed_file();

/// A file that appears under its name only when it is whole: written aside in the same directory, then
/// published with its times and mode by linkat (O_TMPFILE, new name) or rename (name exists). Dropped without
/// publish(): nothing is left, whatever happened to the process. (Without O_TMPFILE, as on NFS, a killed
/// process leaves ".act-*.tmp".)
class aside {
public:
    /// Makes the parent directories. `keep_as`: write to this name in the same directory instead of an
    /// unnamed file, so that a later run can continue with it; it is not removed on destruction. While one
    /// process has it open another gets kind::conflict. `naming::hidden` forces what is done where the file
    /// system knows no O_TMPFILE.
    enum class naming { unnamed, hidden };
    static result<aside> create(std::string target, std::string keep_as = {}, naming = naming::unnamed);
    /// The same in a folder that is open already; `target` names the file, by its last component, and is the
    /// path for messages.
    static result<aside> create_in(std::shared_ptr<const descriptor> folder, std::string target,
                                   std::string keep_as = {}, naming = naming::unnamed);
    aside(aside&&) noexcept;
    aside& operator=(aside&&) noexcept;
    ~aside();

    int fd() const;
    const std::string& target() const;
    /// Goes to another name, in the same folder. Not of a file made by create_in().
    result<void> rename_target(std::string target);
    /// Replaces what stands at the target (never a directory). mode 0: the umask decides. Content of 64 MiB
    /// and more is on the disk before its name appears; for less see sync_filesystem(), or ask for `synced`
    /// (name included).
    enum class durability { by_size, synced };
    result<void> publish(std::uint32_t mode, wall_time modified, durability = durability::by_size);
    /// Publishes only where nothing stands; false, and nothing but the file aside is lost, when something
    /// does.
    result<bool> publish_new(std::uint32_t mode, wall_time modified, durability = durability::by_size);
    /// Removes a kept file.
    void discard();

private:
    struct state;
    explicit aside(std::unique_ptr<state>);
    static result<aside> begin(std::unique_ptr<state>, std::string keep_as, naming);
    result<bool> publish_as(bool replace, std::uint32_t mode, wall_time modified, durability);
    std::unique_ptr<state> state_;
};

/// syncfs on the file system that holds `path`: one call after many small files.
result<void> sync_filesystem(const std::string& path);

}  // namespace act::file

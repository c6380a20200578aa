#pragma once

#include <fcntl.h>

#include "engine/codec/hash.hpp"
#include "engine/core/units.hpp"
#include "engine/file/file.hpp"

/// An archive in the making, written in large pieces. Private to this folder.
namespace act::stage {

class archive_file {
public:
    /// Its name follows from its content: publish() tells it.
    static result<archive_file> create_in(const std::string& folder) {
        ACT_TRY(auto target, file::aside::create(folder + "/archive"));
        return archive_file(std::move(target));
    }
    result<void> append(codec::bytes_view bytes) {
        if (buffer_.size() + bytes.size() > piece) ACT_TRY_VOID(flush());
        if (bytes.size() >= piece) return write(bytes);
        buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
        return {};
    }
    /// Readable for others of the cluster, as the umask allows: there is no secret in it. On the disk before
    /// its name is: what has the name is taken for the whole code from then on.
    result<void> publish(const std::string& path) {
        ACT_TRY_VOID(flush());
        ACT_TRY_VOID(target_.rename_target(path));
        return target_.publish(0644, now(), file::aside::durability::synced);
    }

private:
    static constexpr std::size_t piece = MiB;
    explicit archive_file(file::aside target) : target_(std::move(target)) { buffer_.reserve(piece); }
    result<void> flush() {
        ACT_TRY_VOID(write(buffer_));
        buffer_.clear();
        return {};
    }
    result<void> write(codec::bytes_view bytes) {
        ACT_TRY_VOID(file::write_at(target_.fd(), bytes, written_, target_.target()));
        // On its way to the disk already while the next piece is made, so that publish() need not wait for
        // all.
        (void)::sync_file_range(target_.fd(), static_cast<off64_t>(written_),
                                static_cast<off64_t>(bytes.size()), SYNC_FILE_RANGE_WRITE);
        written_ += bytes.size();
        return {};
    }

    file::aside target_;
    std::uint64_t written_ = 0;
    std::vector<std::byte> buffer_;
};

}  // namespace act::stage

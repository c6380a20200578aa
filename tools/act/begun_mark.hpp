#pragma once

#include <optional>
#include <string>

#include "engine/file/file.hpp"

namespace act::cli {

/// FILE.begun beside a manifest FILE: a run has begun to change the destination, and FILE does not tell of it
/// yet. It outlives a run that ends early, in whatever way; while it is there FILE is not believed. Held by
/// one run at a time, by a lock that ends with the process.
class begun_mark {
public:
    /// Whether there can be one of what stands at this path, or will: a regular file.
    static bool fits(const std::string& manifest);
    /// Blocks. Of the manifest at this path as it is now.
    explicit begun_mark(const std::string& manifest);
    begun_mark(const begun_mark&) = delete;
    begun_mark& operator=(const begun_mark&) = delete;

    bool manifest_there() const;
    /// One stands there.
    bool there() const;
    bool held() const { return fd_.get() >= 0; }
    /// Of the same manifest.
    bool same_as(const begun_mark& other) const { return path_ == other.path_; }
    const std::string& path() const { return path_; }

    /// For a run that believes the manifest: none stands there, and the manifest is the one that it was at
    /// first; else kind::conflict. It is on the disk then.
    result<void> make();
    /// For a run that does not believe it: a new one, or that of a run that has ended. kind::conflict where
    /// another run is at work.
    result<void> take();
    /// The manifest is true again.
    void remove();

private:
    struct identity {
        std::uint64_t device, number, size;
        std::int64_t seconds, nanoseconds;
        bool operator==(const identity&) const = default;
    };
    std::optional<identity> manifest_now() const;
    result<bool> open(int flags);
    bool stands_under_its_name() const;
    result<void> settle() const;

    std::string manifest_, path_;
    std::optional<identity> at_first_;
    file::descriptor fd_;
};

}  // namespace act::cli

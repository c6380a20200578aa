#pragma once

#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace act::ops {

/// Content types by the extension of a file's name. Common ones are built in, and the same on every machine;
/// the system's table adds what they do not have, and is read when first needed. Thread-safe.
class content_types {
public:
    explicit content_types(std::string system_table = "/etc/mime.types")
        : system_table_(std::move(system_table)) {}

    /// Empty when the name tells nothing. Compressed files are what they are (application/gzip): how content
    /// is encoded is never guessed.
    std::string_view of(std::string_view name) const;

    /// The process's own.
    static const content_types& shared();

private:
    void read() const;

    std::string system_table_;
    mutable std::once_flag read_;
    mutable std::unordered_map<std::string, std::string> more_;
};

}  // namespace act::ops

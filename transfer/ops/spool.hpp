#pragma once

#include <cstdio>
#include <optional>
#include <string>

#include "engine/core/clock.hpp"
#include "engine/core/result.hpp"

namespace act::ops {

/// What is to be deleted, in order; few stay in memory, many go to an unnamed file.
class spool {
public:
    struct item {
        std::string name;  ///< relative
        bool folder = false;
        std::uint64_t size = 0;
        wall_time modified{};
        std::string etag{};  ///< empty: whichever it has
    };

    spool() = default;
    spool(const spool&) = delete;
    spool& operator=(const spool&) = delete;
    ~spool();

    result<void> push(const item&);
    /// After the last push: the items in the order they came, nothing at the end.
    result<std::optional<item>> pop();

private:
    result<void> spill();
    /// False at the end.
    result<bool> read(void* into, std::size_t size);

    std::string text_;
    std::size_t at_ = 0;
    std::FILE* file_ = nullptr;
    bool reading_ = false;
};

}  // namespace act::ops

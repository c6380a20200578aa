#pragma once

#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

#include "engine/core/result.hpp"
#include "engine/core/units.hpp"

namespace act::ops {

/// Strings in the order they came, to be taken out when all are in: few stay in memory, many go to an unnamed
/// file.
class spool {
public:
    explicit spool(std::size_t in_memory = 4 * MiB) : in_memory_(in_memory) {}
    ~spool();
    spool(const spool&) = delete;
    spool& operator=(const spool&) = delete;

    result<void> push(std::string_view);
    /// After the last push: what came first of what is left, nothing at the end.
    result<std::optional<std::string>> pop();

private:
    result<void> spill();
    result<bool> read(void* into, std::size_t size);

    const std::size_t in_memory_;
    std::string text_;
    std::size_t at_ = 0;
    std::FILE* file_ = nullptr;
    bool reading_ = false;
};

}  // namespace act::ops

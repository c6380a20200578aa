#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace act::store {

struct operation;

/// Counts answers by operation and status. Thread-safe: one relaxed addition a request.
class meter {
public:
    meter();
    /// Instead of a status: the connection was reset.
    static constexpr int reset = 0;
    /// `what` null: no operation that is known. Before the answer is sent, so that who has it finds it
    /// counted.
    void count(const operation* what, int status);
    void clear();

    /// By the operation's name; the statuses as text, "reset" among them.
    std::map<std::string, std::map<std::string, std::uint64_t>> counts() const;

private:
    static constexpr int least = 200, most = 600;
    // The last is for resets; those of a status that is none do not occur.
    using row = std::array<std::atomic<std::uint64_t>, most - least + 1>;
    std::vector<row> rows_;  ///< by the place in the table of operations; the last for unknown ones
};

}  // namespace act::store

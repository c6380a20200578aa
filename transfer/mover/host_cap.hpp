#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "engine/core/clock.hpp"
#include "engine/core/result.hpp"

namespace act {

/// Caps that all processes of a user on one machine keep to together, and that can be changed while they run:
/// a small file which they all have mapped. Nothing in it is ever locked, so that a process may be killed at
/// any moment; what it had begun is what it had paid for. Thread-safe.
class host_cap {
public:
    struct caps {
        double operations = 0, bytes = 0;  ///< a second, 0: none
        bool none() const { return operations <= 0 && bytes <= 0; }
        friend bool operator==(const caps&, const caps&) = default;
    };

    /// Makes the file, and its folder, where it is missing; one that is damaged or of another build is
    /// replaced. It must not be on a disk that other machines see under the same name: its times are this
    /// machine's.
    static result<std::unique_ptr<host_cap>> open(const std::string& path);
    ~host_cap();
    host_cap(const host_cap&) = delete;
    host_cap& operator=(const host_cap&) = delete;

    caps get() const;
    /// Holds for all that begins from now on, in every process; what they had to wait for is forgotten.
    void set(caps);

    /// A place in the line of all processes, kept by each who asks for one request after the other.
    class turn {
        friend class host_cap;
        std::int64_t start_ = 0;
        std::uint64_t bytes_ = 0, changes_ = 0;
        bool waits_ = false;
    };
    /// Zero: one request, of about so many bytes, may begin now and is paid for. Else how long to wait before
    /// asking again: the time is settled then, first come, first served, unless the caps are changed. A large
    /// request goes as soon as what went before is paid for.
    steady::duration begin(turn&, steady::time_point, std::uint64_t bytes);
    /// What a request that has ended moved, where that is not what it began with.
    void correct(std::uint64_t expected, std::uint64_t moved);

private:
    struct shared;
    explicit host_cap(shared* s) : shared_(s) {}
    shared* const shared_;
};

}  // namespace act

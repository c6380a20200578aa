#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tools/act/bench_place.hpp"
#include "tools/act/meters.hpp"
#include "tools/act/session.hpp"

namespace act::cli {

/// What is measured: an account, and a path in it that holds nothing else.
struct bench_target {
    cluster::config cluster;
    cluster::account account;
    std::string container, path;
    pid_t server = -1;  ///< the process of the store, where it was started for this
};

/// What one thing took, once.
struct measurement {
    trace seen;
    request_meter::totals requests;
    std::uint64_t peak = 0;  ///< resident bytes
};

/// The things that can be measured, in their order: "upload-large", ..., "get".
std::span<const std::string_view> bench_rows();
/// Those that --only means: by name, or by a part of it; all for nothing. kind::usage.
result<std::set<std::string, std::less<>>> chosen_rows(const std::string& only);

/// Does them. Every one with a session of its own, as a command of its own would: fresh connections, nothing
/// known, no warm memory.
class bench_work {
public:
    using told = std::function<void(std::string_view row, unsigned round, const measurement&)>;

    /// Makes the files in `folder`.
    bench_work(invocation&, const bench_target&, const bench_sizes&, std::string folder,
               std::set<std::string, std::less<>> rows, told);

    result<void> make_files();
    /// One round of all rows; removes what it has stored.
    result<void> round(unsigned number);
    /// Removes all that may be stored, with patience of its own.
    static result<void> clear(invocation&, const bench_target&, std::set<std::string> unfinished);

    /// Blobs of which there may be parts without a whole.
    const std::set<std::string>& unfinished() const { return unfinished_; }
    const std::map<std::string, std::vector<measurement>, std::less<>>& results() const { return results_; }

private:
    class bench;
    using work = std::function<result<summary>(bench&)>;
    result<void> step(std::string_view row, const work&);
    bool wants(std::initializer_list<std::string_view> rows) const;
    result<void> large();
    result<void> small();
    result<void> tiny();
    result<void> drop(const std::string& name);
    std::string stored(const std::string& name) const;

    invocation& call_;
    const bench_target& target_;
    const bench_sizes sizes_;
    const std::string folder_;
    const std::set<std::string, std::less<>> rows_;
    const told told_;
    unsigned round_ = 0;
    double file_rate_ = 0;
    std::set<std::string> unfinished_;
    std::map<std::string, std::vector<measurement>, std::less<>> results_;
};

}  // namespace act::cli

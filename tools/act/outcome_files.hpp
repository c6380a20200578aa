#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "engine/async/stop.hpp"
#include "tools/act/begun_mark.hpp"
#include "tools/act/manifest_file.hpp"
#include "tools/act/verb.hpp"
#include "transfer/mover/progress.hpp"

namespace act::cli {

/// The files that tell what became of a call's items: those of --manifest-out and --failed-out, as far as
/// they are asked for. Thread-safe.
class outcome_files {
public:
    /// Before anything is done: a file that cannot be written is known then.
    result<void> open(const invocation&);

    /// From now on items are below `prefix`; what the ends name themselves is called `alone`.
    void enter(std::string prefix, std::string alone);
    /// As these files and the lines of --json call it: below what the call names.
    item_name full(const item_name&) const;

    /// All that is done goes to this one place, as a manifest calls it. Opens the manifest of --manifest-in
    /// that the new one goes on from: before() is null where there is none, or it is not to be believed (see
    /// begun_mark). kind::conflict where another run is at work with one of the manifests.
    result<void> goes_to(invocation&, std::string destination, until);
    plan::manifest* before() const { return before_.get(); }

    bool records() const { return manifest_ != nullptr; }
    void recorded(const record&);
    /// A line of --json.
    void failed(std::string_view line);
    /// What an older manifest says of it is not to be believed.
    void doubt(const item_name&);
    /// There is a file that lists some.
    bool has_failures() const { return failed_ > 0 && failures_ && failures_->stays(); }

    /// Publishes them; `complete`: nothing failed and nothing was left out. Without `with_manifest` that of
    /// an earlier run stays.
    result<void> publish(bool complete, bool with_manifest);
    /// After publish(): the mark because of which the next run does not believe the manifest of
    /// --manifest-in; empty: there is none.
    std::string mark_left() const;

private:
    result<void> begin_changes();
    result<void> publish_manifest(bool complete);
    bool rolls() const { return in_ && out_ && in_->same_as(*out_); }

    mutable std::mutex mutex_;
    std::unique_ptr<manifest_file> manifest_;
    std::unique_ptr<plan::manifest> before_;
    std::string destination_;
    std::mutex marks_;
    std::optional<begun_mark> in_, out_;  ///< of the two manifests; of one that is both, in_
    std::optional<lines_aside> failures_;
    std::uint64_t failed_ = 0;
    std::string prefix_, alone_;
};

/// The paths of a call relative to the deepest folder that all of them are in.
std::vector<std::string> below_common_folder(const std::vector<std::string>& paths);

}  // namespace act::cli

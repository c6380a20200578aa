#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <tuple>
#include <vector>

#include "tools/act/forecast.hpp"
#include "tools/act/outcome_files.hpp"
#include "tools/act/verb.hpp"
#include "transfer/mover/progress.hpp"

namespace act::http {
struct counters;
}

namespace act::cli {

class json_line;
class progress_bar;

/// The last line of --json; `wire` may be null.
json_line summary_json(std::string_view verb, const summary&, const http::counters* wire, double seconds);

/// What one call of a verb did, over all its paths, and how that is told: failures as they come with --json;
/// for people the first few as they come, if that is long before the end, and all at the end, grouped by
/// cause; then one summary; then the exit code.
class report : public observer {
public:
    /// `action` is the past tense for people: "uploaded"; `thing` what is counted: "file", "blob".
    report(invocation&, std::string_view action, std::string_view thing);

    // observer: called from any loop
    void item(std::string_view action, std::string_view path, std::uint64_t size) override;
    void failed(const failure&) override;
    bool records() const override { return files_.records(); }
    void recorded(const record& r) override { files_.recorded(r); }

    /// Opens the files of --manifest-out and --failed-out; finish() publishes them.
    result<void> open_files() { return files_.open(call_); }
    /// What is done next is called so in files and failures; see outcome_files.
    void enter(std::string prefix, std::string alone) { files_.enter(std::move(prefix), std::move(alone)); }

    /// All that is done goes to this one place, as a manifest calls it. What stands there, if the call has
    /// --manifest-in and the file is there; see known_manifest.
    result<plan::manifest*> goes_to(const std::string& destination, until);
    plan::manifest* known() const { return files_.before(); }

    /// How the operation on one path ended. An error is a failure of that path as a whole.
    void add(const std::string& path, const result<summary>&);
    void fail(const std::string& path, const error&);

    /// Tells also how many of the items the service moved by itself, and how many came through this machine.
    void tell_ways() { ways_ = true; }

    /// Tells also how many items were deleted.
    void tell_deleted() { deletions_ = true; }
    /// What is said of skipped items; at first "unchanged".
    void call_skipped(std::string_view word) { skipped_ = word; }
    /// Of a dry run: tells also what the work would ask of the service, with its price and time where these
    /// are given.
    void foretell(std::optional<price_list> prices, std::optional<bench_rates> rates) {
        foretells_ = true;
        prices_ = std::move(prices);
        rates_ = std::move(rates);
    }
    /// Prints the failures alone.
    void tell_all() { tell_failures(false); }

    /// Names in `bar` what was finished last; it is taken away again with null.
    void show_in(progress_bar* bar);

    const summary& total() const { return total_; }
    bool stopped() const { return total_.stopped; }
    /// Prints failures and summary; the exit code of the whole.
    int finish(const http::counters* wire);
    /// The same without the line for people, for verbs whose results speak for themselves.
    int finish_quietly(const http::counters* wire);

private:
    struct group {
        std::uint64_t count = 0;
        error first;
        std::vector<std::string> paths;
    };
    void remember(const failure&);
    void publish_files();
    void tell_failures(bool can_continue);
    std::string sentence(double seconds) const;
    std::string summary_line(const http::counters*, double seconds) const;
    int exit_status() const;

    invocation& call_;
    std::string action_, thing_;
    std::mutex mutex_;
    summary total_;
    std::map<std::tuple<kind, std::string>, group> groups_;
    outcome_files files_;
    unsigned told_ = 0;       ///< failures that were shown as they came
    bool gave_up_ = false;    ///< on a path as a whole
    bool unwritten_ = false;  ///< a file that was asked for could not be written
    progress_bar* bar_ = nullptr;
    bool ways_ = false, deletions_ = false;
    std::string_view skipped_ = "unchanged";
    forecast forecast_;
    bool foretells_ = false;
    std::optional<price_list> prices_;
    std::optional<bench_rates> rates_;
};

/// "act: message", then the advice on a line of its own; with --json also a failure line on stdout.
void tell(invocation&, const error&);
/// Ends a verb that could not even begin: tell(), an empty summary with --json, the exit code of the error.
int give_up(invocation&, const error&);
/// Ends a verb that moves nothing: its summary line with --json; returns `code`.
int done(invocation&, int code);

/// {"type":"failure",...} of DESIGN section 8, redacted.
json_line failure_line(const std::string& path, const error&, const item_name& = {});

}  // namespace act::cli

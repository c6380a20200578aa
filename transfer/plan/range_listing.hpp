#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "engine/async/runtime.hpp"
#include "engine/memory/buffer_pool.hpp"
#include "transfer/plan/name_shape.hpp"
#include "transfer/plan/page_source.hpp"

namespace act::plan {

/// A listing of one prefix, in the order in which the service gives it, fetched in many places at once.
///
/// The key space is cut where there is something: asking for one name that begins with a guess gives a name n
/// and the marker behind it, and from such a marker the whole prefix is listed on, as from any page's. The
/// range before ends where it meets n itself. So a wrong guess costs a request, but no name can be missed or
/// come twice, whatever bytes names are made of and whatever order the service has. That a marker may be
/// carried from a prefix to the shorter one is compared with the service's own continuation before the first
/// use; where it is not so, and where the order of names is not that of their bytes, the rest is listed
/// serially.
///
/// start() once, then next() until it is empty; the group must be joined while this still lives.
class range_listing {
public:
    struct limits {
        unsigned page = 5000;            ///< names asked for at once
        unsigned requests_at_once = 24;  ///< for pages; guesses come on top
        std::size_t pages_held = 40;     ///< fetched or on their way, over all ranges
        unsigned guesses_at_once = 16;
        unsigned pages_before_split = 2;  ///< fetched serially: a short listing costs nothing more
        unsigned guesses_ahead = 16;      ///< of the pages, once guesses have proven good
        bool split = true;                ///< false: serially to the end
    };

    /// For who waits for nothing but the listing: sooner and farther ahead, for a few requests more.
    static limits eager() {
        limits l;
        l.pages_before_split = 1;
        l.guesses_ahead = 32;
        return l;
    }

    /// Pages other than the next one are fetched only while `budget` (may be null) has room for them.
    range_listing(page_source&, std::string prefix, limits, buffer_pool* budget, until);
    ~range_listing();

    void start(runtime&, task_group&);
    /// The next page, nothing at the end. A failed page is an error, and the end.
    task<result<std::optional<blob::list_page>>> next();
    /// Ends the fetching without waiting for it.
    void abandon() { ended_.request(); }

    /// Requests so far: for pages, and for guesses.
    std::size_t pages_asked() const;
    std::size_t guesses_asked() const;

private:
    struct range;
    struct found;
    struct hoped_for;
    using range_ptr = std::shared_ptr<range>;
    using answer = std::optional<result<blob::list_page>>;
    using launches = std::vector<task<void>>;

    task<void> fetch(range_ptr, std::string marker, unsigned most, spare_bytes);
    task<void> split(range_ptr, std::vector<std::string> prefixes, name_shape, unsigned step);
    task<void> ask(std::string prefix, std::string marker, unsigned most, answer& out);
    task<bool> markers_carry(std::string prefix, const std::vector<found>&, std::vector<hoped_for>&);
    std::vector<hoped_for> hope(const std::vector<found>&);
    bool is_proven() const;

    /// Without the mutex: what is started may run at once.
    void launch(launches);

    // The following are called with the mutex held.
    void arrived(range&, result<blob::list_page>, const std::string& marker, spare_bytes);
    /// Cuts the page where the following range begins.
    void meet_next(range&, blob::list_page&, bool ascending);
    bool skip_replayed(range&, blob::list_page&);
    void list_serially_from(range&);
    void learn(range&, const blob::list_page&);
    void weigh(const blob::list_page&);
    void keep_to_budget();
    spare_bytes try_reserve(std::size_t bytes);
    void accept(std::vector<hoped_for>);
    void insert_behind(const range_ptr&, const std::vector<std::string>& prefixes, std::vector<found>,
                       const name_shape&, unsigned step);
    launches schedule();
    bool try_fetch(const range_ptr&, bool front, launches&);
    void try_split(const range_ptr&, launches&);
    void drop_behind(range&);
    void drop(std::size_t index);
    void wake();
    std::size_t index_of(const range&) const;
    range* next_of(const range&) const;
    std::size_t guesses_left() const;
    page_source& source_;
    const std::string prefix_;
    limits limits_;
    buffer_pool* budget_;
    stop_source ended_;
    until until_;
    runtime* runtime_ = nullptr;
    task_group* group_ = nullptr;

    mutable std::mutex mutex_;
    std::vector<range_ptr> ranges_;  // in order; the first is being delivered
    event* waiting_ = nullptr;
    bool split_;
    bool proven_ = false;  // markers_carry() was true
    unsigned requests_ = 0, guesses_ = 0;
    std::size_t pages_held_ = 0;
    std::size_t most_held_;       // as many as are affordable, of limits_.pages_held
    std::size_t bytes_per_name_;  // before the first page comes, as many as there can be
    bool weighed_ = false;        // it has come
    bool budgeted_ = false;       // there is a budget with room for two pages
    std::size_t pages_asked_ = 0, pages_come_ = 0, guesses_asked_ = 0;
    std::atomic<unsigned> loop_{0};
};

}  // namespace act::plan

// How the walk is read ahead in parallel and still comes out in order.
//
// Every directory makes a queue of units in the order of its names: runs of files, and subdirectories. The
// consumer keeps a stack of the directories it is in and takes units from the top one's queue, so order needs
// no merging.
//
// Directories with something left to read stand in one set, ordered by the name of what comes next. Since the
// output is in the order of names, too, the first of the set is what the consumer will miss first. Readers
// take that one, read a chunk of it, and put it and the subdirectories found back. They stop while enough is
// waiting for the consumer; the consumer itself reads what it misses, so that nothing depends on the readers
// and no limit can lock up.

#include "engine/file/walk.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <exception>
#include <map>
#include <mutex>
#include <set>
#include <system_error>
#include <thread>

#include "engine/core/log.hpp"
#include "engine/file/tree_reader.hpp"

namespace act::file {

namespace {

/// Deeper than any name of a blob can be; bounds recursion when the tree is freed.
constexpr unsigned depth_limit = 1024;

struct directory;
using directory_ptr = std::shared_ptr<directory>;

/// A piece of a directory in its order: files, or a subdirectory to go into (or to report, if it is empty).
struct unit {
    std::vector<entry> files;
    directory_ptr child;
    bool report_if_empty = false;
    std::size_t names = 0;  ///< that it took, also those which turned out to be problems
};

struct directory {
    enum class stage {
        waiting,  ///< in the set; something is left to read
        claimed,  ///< one thread reads it
        done,
    };

    std::string name;  ///< empty, or ends with '/'
    std::shared_ptr<const lineage> above;

    // For the thread that has claimed it.
    sorted_names names;
    std::shared_ptr<const lineage> self;
    std::map<std::string, directory_ptr, std::less<>>
        placed;  ///< subdirectories made at their place, by name

    // Under the walker's mutex.
    std::string next_name;  ///< its key in the set
    stage now = stage::waiting;
    bool listed = false, empty = false, entered = false;
    status info;             ///< once listed
    std::size_t unmade = 0;  ///< names of which no units were made
    std::deque<unit> units;
};

struct by_next_name {
    name_order how;
    bool operator()(const directory_ptr& a, const directory_ptr& b) const {
        const int order = compare(how, a->next_name, b->next_name);
        return order != 0 ? order < 0 : a < b;
    }
};

std::string name_in(const directory& d, const sorted_names::item& item) {
    std::string name = d.name + std::string(item.name);
    if (item.kind == name_kind::directory) name.back() = '/';
    return name;
}

}  // namespace

struct walker::impl {
    impl(std::string root, walk_options o, stop_token s)
        : options(std::move(o)), stop(s), reader(std::move(root), options, ended, std::move(s)) {
        options.batch = std::max<std::size_t>(options.batch, 1);
    }

    walk_options options;
    stop_token stop;
    std::atomic<bool> ended{false};
    tree_reader reader;

    std::mutex mutex;
    std::condition_variable work_came, units_came;
    std::set<directory_ptr, by_next_name> waiting{by_next_name{options.order}};
    std::size_t ahead = 0;  ///< names read and not yet taken by the consumer, besides the rest of where it is
    unsigned idle_readers = 0;
    bool consumer_waits = false;
    std::exception_ptr broken;

    std::vector<directory_ptr> stack;  ///< the consumer's
    bool started = false;
    std::optional<error> failed;  ///< to begin; said again on every call, never taken for the end
    std::vector<std::thread> threads;

    result<void> start();
    void run_reader();
    void claim_and_read(std::unique_lock<std::mutex>&, const directory_ptr&);
    void read_some(const directory_ptr&);
    bool list(directory&, int fd);
    std::vector<unit> make_units(directory&, int fd, std::vector<directory_ptr>& children);
    directory_ptr child_of(directory&, std::string name, bool at_its_place);

    enum class step { taken, full, wait };
    step take_next(std::vector<entry>& batch, directory_ptr& missing);
    void enter(const directory_ptr&);
    void release(std::size_t names);
    bool room() const { return ahead < options.batch * std::max<std::size_t>(options.batches_ahead, 1); }
};

result<void> walker::impl::start() {
    ACT_TRY_VOID(reader.open_root());
    auto root = std::make_shared<directory>();
    {
        const std::lock_guard lock(mutex);
        waiting.insert(root);
        enter(root);
    }
    stack.push_back(std::move(root));
    try {
        for (unsigned i = 0; i < options.threads; ++i) threads.emplace_back([this] { run_reader(); });
    } catch (const std::system_error& e) {
        log::debug("walk: {} readers instead of {}: {}", threads.size(), options.threads, e.what());
    }
    return {};
}

void walker::impl::run_reader() {
    std::unique_lock lock(mutex);
    for (;;) {
        if (ended || broken || stop.requested()) return;
        if (waiting.empty() || !room()) {
            ++idle_readers;
            work_came.wait(lock);
            --idle_readers;
            continue;
        }
        const directory_ptr first = *waiting.begin();
        claim_and_read(lock, first);
    }
}

/// Reads the next chunk of a waiting directory, with the lock released meanwhile.
void walker::impl::claim_and_read(std::unique_lock<std::mutex>& lock, const directory_ptr& d) {
    waiting.erase(d);
    d->now = directory::stage::claimed;
    lock.unlock();
    try {
        read_some(d);
        lock.lock();
    } catch (...) {
        lock.lock();
        broken = std::current_exception();
        d->now = directory::stage::done;
        work_came.notify_all();
    }
    if (consumer_waits) units_came.notify_one();
}

void walker::impl::read_some(const directory_ptr& d) {
    std::vector<unit> units;
    std::vector<directory_ptr> children;
    const bool first = !d->self;
    bool readable = false;
    if (auto fd = reader.open(d->name); !fd) {
        reader.report(d->name, fd.error());
    } else if (list(*d, fd->get())) {
        readable = true;
        units = make_units(*d, fd->get(), children);
    }
    std::size_t names = 0;
    for (const unit& u : units) names += u.names;
    const sorted_names::item* const next = readable ? d->names.peek() : nullptr;
    if (readable && !d->names.whole()) {
        reader.report(d->name, error(kind::io, "cannot sort the names in " + reader.shown(d->name) +
                                                   ": the temporary file could not be read back"));
    }
    std::string next_name = next ? name_in(*d, *next) : std::string();

    const std::lock_guard lock(mutex);
    const std::size_t left = next ? d->names.left() : 0;
    if (d->entered) {
        ahead += names;
    } else if (first) {
        ahead += names + left;
    } else {
        ahead -= d->unmade - names - left;  // not zero when names were lost
    }
    d->unmade = left;
    d->listed = true;
    std::ranges::move(units, std::back_inserter(d->units));
    d->now = next ? directory::stage::waiting : directory::stage::done;
    d->next_name = std::move(next_name);
    if (next) waiting.insert(d);
    for (directory_ptr& child : children) waiting.insert(std::move(child));
    if (idle_readers > 0 && !waiting.empty() && room()) work_came.notify_one();
}

/// Reads the names, the first time; later makes sure that it is the same directory still.
bool walker::impl::list(directory& d, int fd) {
    const auto info = stat_of(fd, d.name);
    if (!info) {
        reader.report(d.name, info.error());
        return false;
    }
    if (d.self) {
        if (d.self->inode == info->inode && d.self->device == info->device) return true;
        reader.report(
            d.name, error(kind::io, "the folder " + reader.shown(d.name) + " was replaced while it was read",
                          "run the same command again"));
        return false;
    }
    const unsigned depth = d.above ? d.above->depth + 1 : 0;
    if (d.above && d.above->holds(*info)) {
        reader.report(d.name, error(kind::unsupported, "the symbolic link " + reader.shown(d.name) +
                                                           " leads back to a folder above it"));
        return false;
    }
    if (depth > depth_limit) {
        reader.report(d.name, error(kind::unsupported, "the folder " + reader.shown(d.name) +
                                                           " is too deep: more than " +
                                                           std::to_string(depth_limit) + " levels"));
        return false;
    }
    d.self = std::make_shared<const lineage>(
        lineage{.device = info->device, .inode = info->inode, .depth = depth, .parent = d.above});
    auto listing = reader.list(fd, d.name);
    d.names = std::move(listing.names);
    const std::lock_guard lock(mutex);
    d.empty = listing.empty;
    d.info = *info;
    return true;
}

std::vector<unit> walker::impl::make_units(directory& d, int fd, std::vector<directory_ptr>& children) {
    std::vector<unit> units;
    const sorted_names::item* item = nullptr;
    for (std::size_t taken = 0; taken < options.batch && (item = d.names.peek()); ++taken, d.names.pop()) {
        if (item->kind == name_kind::file || item->kind == name_kind::link) {
            if (units.empty() || units.back().child) {
                units.emplace_back().files.reserve(
                    std::min({options.batch - taken, d.names.left(), std::size_t{32}}));
            }
            ++units.back().names;
            if (auto e = reader.look(fd, d.name, *item)) units.back().files.push_back(std::move(*e));
            continue;
        }
        const bool at_its_place = item->kind == name_kind::place;
        std::string name = name_in(d, *item);
        directory_ptr child;
        if (const auto placed = d.placed.find(name); placed != d.placed.end()) {
            child = std::move(placed->second);
            d.placed.erase(placed);
        } else {
            child = child_of(d, std::move(name), at_its_place);
            children.push_back(child);
        }
        units.push_back({.child = std::move(child), .report_if_empty = at_its_place, .names = 1});
    }
    return units;
}

directory_ptr walker::impl::child_of(directory& d, std::string name, bool at_its_place) {
    auto child = std::make_shared<directory>();
    child->next_name = name;
    if (at_its_place) name += '/';
    child->name = std::move(name);
    child->above = d.self;
    if (at_its_place) d.placed.emplace(child->name, child);
    return child;
}

void walker::impl::enter(const directory_ptr& d) {
    d->entered = true;
    release(d->unmade);
}

/// What the consumer has taken makes room for the readers.
void walker::impl::release(std::size_t names) {
    const bool had_room = room();
    ahead -= names;
    if (!had_room && room() && idle_readers > 0) work_came.notify_all();
}

/// Moves one unit into the batch. `wait`: what comes next is not there; `missing` is the directory to read.
walker::impl::step walker::impl::take_next(std::vector<entry>& batch, directory_ptr& missing) {
    directory& top = *stack.back();
    if (top.units.empty()) {
        if (top.now != directory::stage::done) {
            missing = stack.back();
            return step::wait;
        }
        stack.pop_back();
        return step::taken;
    }
    unit& next = top.units.front();
    if (next.child && next.report_if_empty) {
        const directory& child = *next.child;
        if (!child.listed) {
            missing = next.child;
            return step::wait;
        }
        if (child.empty) {
            batch.push_back({.name = child.name.substr(0, child.name.size() - 1), .info = child.info});
            batch.back().empty_directory = true;
        }
    } else if (!next.child) {
        if (!batch.empty() && batch.size() + next.files.size() > options.batch) return step::full;
        if (batch.empty()) {
            batch = std::move(next.files);
        } else {
            std::ranges::move(next.files, std::back_inserter(batch));
        }
    }
    const unit taken = std::move(next);
    top.units.pop_front();
    release(taken.names);
    if (taken.child && !taken.report_if_empty) {
        enter(taken.child);
        stack.push_back(taken.child);
    }
    return step::taken;
}

walker::walker(std::string root, walk_options options, stop_token stop)
    : impl_(std::make_unique<impl>(std::move(root), std::move(options), std::move(stop))) {}

walker::~walker() {
    {
        const std::lock_guard lock(impl_->mutex);
        impl_->ended = true;
    }
    impl_->work_came.notify_all();
    for (std::thread& t : impl_->threads) t.join();
}

result<std::vector<entry>> walker::next() {
    impl& w = *impl_;
    if (!std::exchange(w.started, true)) {
        if (auto begun = w.start(); !begun) w.failed = begun.error();
    }
    if (w.failed) return *w.failed;
    std::vector<entry> batch;
    std::unique_lock lock(w.mutex);
    while (!w.stack.empty()) {
        if (w.stop.requested()) return error(kind::stopped, "stopped");
        if (w.broken) std::rethrow_exception(w.broken);
        directory_ptr missing;
        const auto step = w.take_next(batch, missing);
        if (step == impl::step::full || batch.size() >= w.options.batch) break;
        if (step == impl::step::taken) continue;
        // What is there goes out before anything is waited for: the first file must not wait for a large
        // directory.
        if (!batch.empty()) break;
        if (missing->now == directory::stage::waiting) {
            w.claim_and_read(lock, missing);
        } else {
            w.consumer_waits = true;
            w.units_came.wait(lock);
            w.consumer_waits = false;
        }
    }
    return batch;
}

}  // namespace act::file

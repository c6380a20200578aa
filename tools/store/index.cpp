#include "tools/store/index.hpp"

#include <algorithm>
#include <cerrno>
#include <sys/stat.h>

#include <lmdb.h>

#include "engine/core/log.hpp"
#include "engine/core/units.hpp"

namespace act::store {

namespace {

constexpr const char* format_version = "1";
// A format of its own, as its names lie in another order: programs that do not know it keep off.
constexpr const char* hierarchical_version = "1-hierarchical";
// Those of the end came later: they are made in a store that does not have them.
constexpr const char* names[table_count] = {"meta",   "containers", "blobs",   "snapshots", "uploads",
                                            "blocks", "lists",      "extents", "pieces",    "refs",
                                            "doomed", "versions",   "trash"};
// Address space only: the file is as large as what is in it.
constexpr std::size_t largest_map = 4 * TiB;
constexpr std::size_t smallest_map = 256 * MiB;
// More would keep a loop from its sockets for too long.
constexpr std::size_t largest_group = 512;

MDB_val val(std::string_view s) { return {s.size(), const_cast<char*>(s.data())}; }
std::string_view view(const MDB_val& v) { return {static_cast<const char*>(v.mv_data), v.mv_size}; }

}  // namespace

// ---- reader, writer

reader::reader(index& i, MDB_txn* t) : index_(&i), txn_(t) {}

reader::reader(reader&& o) noexcept : index_(o.index_), txn_(o.txn_), status_(o.status_) { o.txn_ = nullptr; }

reader::~reader() {
    if (!txn_) return;
    mdb_txn_reset(txn_);
    std::lock_guard lock(index_->mutex_);
    index_->idle_.push_back(txn_);
}

std::optional<std::string_view> reader::get(table t, std::string_view key) const {
    if (status_ != 0) return {};
    MDB_val k = val(key), v{};
    const int status = mdb_get(txn_, index_->handles_[static_cast<std::size_t>(t)], &k, &v);
    if (status == 0) return view(v);
    if (status != MDB_NOTFOUND) fail(status);
    return {};
}

void reader::fail(int status) const {
    if (status_ == 0) status_ = status;
}

writer::writer(index& i, MDB_txn* t) : reader(i, t) {}

writer::~writer() {
    if (txn_) mdb_txn_abort(txn_);
    txn_ = nullptr;
}

void writer::put(table t, std::string_view key, std::string_view value) {
    if (status_ != 0) return;
    MDB_val k = val(key), v = val(value);
    if (int status = mdb_put(txn_, index_->handles_[static_cast<std::size_t>(t)], &k, &v, 0)) fail(status);
}

char* writer::put_space(table t, std::string_view key, std::size_t size) {
    if (status_ != 0) return nullptr;
    MDB_val k = val(key), v{size, nullptr};
    if (int status = mdb_put(txn_, index_->handles_[static_cast<std::size_t>(t)], &k, &v, MDB_RESERVE)) {
        fail(status);
        return nullptr;
    }
    return static_cast<char*>(v.mv_data);
}

bool writer::erase(table t, std::string_view key) {
    if (status_ != 0) return false;
    MDB_val k = val(key);
    const int status = mdb_del(txn_, index_->handles_[static_cast<std::size_t>(t)], &k, nullptr);
    if (status != 0 && status != MDB_NOTFOUND) fail(status);
    return status == 0;
}

// ---- cursor

cursor::cursor(const reader& r, table t) : reader_(r) {
    if (r.failed()) return;
    if (int status = mdb_cursor_open(r.txn_, r.index_->handles_[static_cast<std::size_t>(t)], &cursor_)) {
        cursor_ = nullptr;
        r.fail(status);
    }
}

cursor::~cursor() {
    if (cursor_) mdb_cursor_close(cursor_);
}

bool cursor::move(int operation) {
    if (!cursor_) return false;
    MDB_val k = val(key_), v{};
    const int status = mdb_cursor_get(cursor_, &k, &v, static_cast<MDB_cursor_op>(operation));
    if (status == 0) {
        key_ = view(k);
        value_ = view(v);
        return true;
    }
    if (status != MDB_NOTFOUND) reader_.fail(status);
    return false;
}

bool cursor::seek(std::string_view key) {
    key_ = key;
    return move(MDB_SET_RANGE);
}

bool cursor::next() { return move(MDB_NEXT); }

bool cursor::seek_before(std::string_view key) { return move(seek(key) ? MDB_PREV : MDB_LAST); }

// ---- index

error index::failure(int status, const char* what) const {
    const std::string text = std::string(what) + " the store's index " + folder_;
    switch (status) {
        case MDB_MAP_FULL:
            return error(kind::disk_full, text + ": it has reached its largest size");
        case MDB_MAP_RESIZED:
            return error(kind::io, text + ": another process made it larger than this one can map",
                         "raise the limit on address space (ulimit -v) and start again");
        case MDB_READERS_FULL:
            return error(kind::io, text + ": too many readers", "stop some of the processes that use it");
        case MDB_INVALID:
        case MDB_CORRUPTED:
        case MDB_PAGE_NOTFOUND:
        case MDB_VERSION_MISMATCH:
            return error(kind::io, text + ": " + mdb_strerror(status),
                         "this is not a store, or it is damaged; use another folder");
        default:
            break;
    }
    if (status > 0) return error::from_errno(status, text);
    return error(kind::io, text + ": " + mdb_strerror(status));
}

result<std::unique_ptr<index>> index::open(const std::string& folder, name_space space) {
    auto made = std::unique_ptr<index>(new index);
    made->folder_ = folder;
    made->space_ = space;
    if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
        return error::from_errno(errno, "cannot make " + folder);
    }
    // A process may have a limit on its address space: take what it gets.
    for (std::size_t size = largest_map;; size /= 4) {
        auto opened = made->open_environment(size);
        if (opened) break;
        if (size / 4 < smallest_map ||
            opened.error().message().find("Cannot allocate") == std::string::npos) {
            return opened.error();
        }
    }
    ACT_TRY_VOID(made->open_tables());
    made->check_readers();
    return made;
}

result<void> index::open_environment(std::size_t map_size) {
    if (int status = mdb_env_create(&env_)) return failure(status, "cannot open");
    mdb_env_set_maxdbs(env_, table_count);
    mdb_env_set_maxreaders(env_, 1024);
    mdb_env_set_mapsize(env_, map_size);
    // NOSYNC: what is acknowledged is in the page cache, which survives this process; a timer does the rest.
    if (int status = mdb_env_open(env_, folder_.c_str(), MDB_NOTLS | MDB_NOSYNC, 0600)) {
        mdb_env_close(env_);
        env_ = nullptr;
        return failure(status, "cannot open");
    }
    return {};
}

error index::wrong_format(std::string_view found) const {
    const std::string root = folder_.substr(0, folder_.rfind('/'));
    if (found == hierarchical_version) {
        return error(kind::configuration, "the store in " + root + " has a hierarchical namespace",
                     "serve it with --hierarchical, or use another folder");
    }
    if (found == format_version) {
        return error(kind::configuration,
                     "the store in " + root + " has a flat namespace, which it cannot change",
                     "name another folder for a hierarchical one, or serve it without --hierarchical");
    }
    return error(kind::configuration,
                 "the store in " + folder_ + " has format " + std::string(found) + ", this program knows " +
                     format_version,
                 "use the program that made it, or another folder");
}

error index::wrong_kind() const {
    return wrong_format(space_ == name_space::hierarchical ? hierarchical_version : format_version);
}

result<void> index::open_tables() {
    MDB_txn* txn = nullptr;
    if (int status = mdb_txn_begin(env_, nullptr, 0, &txn)) return failure(status, "cannot open");
    for (std::size_t i = 0; i < table_count; ++i) {
        if (int status = mdb_dbi_open(txn, names[i], MDB_CREATE, &handles_[i])) {
            mdb_txn_abort(txn);
            return failure(status, "cannot open");
        }
    }
    const char* mine = space_ == name_space::hierarchical ? hierarchical_version : format_version;
    MDB_val key = val("version"), value{};
    const unsigned meta = handles_[static_cast<std::size_t>(table::meta)];
    int status = mdb_get(txn, meta, &key, &value);
    if (status == MDB_NOTFOUND) {
        value = val(mine);
        status = mdb_put(txn, meta, &key, &value, 0);
    }
    if (status != 0) {
        mdb_txn_abort(txn);
        return failure(status, "cannot open");
    }
    if (view(value) != mine) {
        const error wrong = wrong_format(view(value));
        mdb_txn_abort(txn);
        return wrong;
    }
    if ((status = mdb_txn_commit(txn))) return failure(status, "cannot open");
    return {};
}

index::~index() {
    for (MDB_txn* t : idle_) mdb_txn_abort(t);
    if (!env_) return;
    mdb_env_close(env_);
}

result<reader> index::read() {
    MDB_txn* txn = nullptr;
    {
        std::lock_guard lock(mutex_);
        if (!idle_.empty()) {
            txn = idle_.back();
            idle_.pop_back();
        }
    }
    int status = 0;
    if (txn) {
        status = mdb_txn_renew(txn);
        if (status != 0) mdb_txn_abort(txn);
    } else {
        status = mdb_txn_begin(env_, nullptr, MDB_RDONLY, &txn);
    }
    if (status != 0) return failure(status, "cannot read");
    return reader(*this, txn);
}

task<result<void>> index::submit(void* change, run_change run, runtime* durable) {
    job self{change, run, &loop::current(), durable, {}, {}};
    bool first = false;
    {
        std::lock_guard lock(mutex_);
        waiting_.push_back(&self);
        first = !std::exchange(scheduled_, true);
    }
    // Posted, not called: the requests that are ready now get into the same commit.
    if (first) schedule(self.home, durable);
    (void)co_await self.done.wait({});
    co_return std::move(self.outcome);
}

void index::schedule(loop* home, runtime* durable) {
    if (durable) {
        durable->post_blocking([this] { flush(); });
    } else {
        home->post([this] { flush(); });
    }
}

void index::flush() {
    std::vector<job*> group;
    {
        std::lock_guard lock(mutex_);
        if (waiting_.size() <= largest_group) {
            group.swap(waiting_);
        } else {
            group.assign(waiting_.begin(), waiting_.begin() + largest_group);
            waiting_.erase(waiting_.begin(), waiting_.begin() + largest_group);
        }
    }
    std::vector<std::uint64_t> retired;
    if (auto done = commit(group, retired); !done) {
        // One of them may be to blame, or the whole too much for what is left of the disk: each for itself.
        if (group.size() == 1) {
            group[0]->outcome = done;
        } else {
            for (job* j : group) j->outcome = commit({&j, 1}, retired);
        }
    }
    if (std::any_of(group.begin(), group.end(), [](const job* j) { return j->durable != nullptr; })) {
        if (auto synced = sync(); !synced) {
            for (job* j : group) j->outcome = synced;
        }
    }
    if (!retired.empty() && retire_) retire_(std::move(retired));
    // Once its event is set, a job is gone.
    for (job* j : group) j->done.set();
    loop* home = nullptr;
    runtime* durable = nullptr;
    {
        std::lock_guard lock(mutex_);
        if (waiting_.empty()) {
            scheduled_ = false;
        } else {
            home = waiting_.front()->home;
            durable = waiting_.front()->durable;
        }
    }
    if (home) schedule(home, durable);
}

result<void> index::commit(std::span<job* const> group, std::vector<std::uint64_t>& retired) {
    MDB_txn* txn = nullptr;
    if (int status = mdb_txn_begin(env_, nullptr, 0, &txn)) return failure(status, "cannot write");
    writer w(*this, txn);
    for (job* j : group) {
        j->run(j->change, w);
        if (w.failed()) return failure(w.status_, "cannot write");
    }
    w.txn_ = nullptr;
    if (int status = mdb_txn_commit(txn)) return failure(status, "cannot write");
    dirty_.store(true, std::memory_order_relaxed);
    counters_.commits.fetch_add(1, std::memory_order_relaxed);
    counters_.writes.fetch_add(group.size(), std::memory_order_relaxed);
    retired.insert(retired.end(), w.retired_.begin(), w.retired_.end());
    return {};
}

result<void> index::write_now(const std::function<void(writer&)>& change) {
    job self{const_cast<void*>(static_cast<const void*>(&change)),
             [](void* f, writer& w) { (*static_cast<const std::function<void(writer&)>*>(f))(w); },
             nullptr,
             nullptr,
             {},
             {}};
    job* one = &self;
    std::vector<std::uint64_t> retired;
    auto done = commit({&one, 1}, retired);
    if (!retired.empty() && retire_) retire_(std::move(retired));
    return done;
}

result<void> index::sync() {
    dirty_.store(false, std::memory_order_relaxed);
    if (int status = mdb_env_sync(env_, 1)) {
        dirty_.store(true, std::memory_order_relaxed);
        return failure(status, "cannot write through");
    }
    return {};
}

void index::check_readers() {
    int dead = 0;
    mdb_reader_check(env_, &dead);
    if (dead > 0) log::debug("store: freed {} reader slots of dead processes", dead);
}

}  // namespace act::store

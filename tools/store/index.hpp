#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/async/runtime.hpp"
#include "tools/store/paths.hpp"

struct MDB_env;
struct MDB_txn;
struct MDB_cursor;

namespace act::store {

/// The tables of the index. Keys of numbers are big-endian, so that byte order is their order.
enum class table : std::uint8_t {
    meta,        ///< "version", "session"
    containers,  ///< name -> container_record
    blobs,       ///< place of a name (catalog.hpp) -> bucket of blob_record
    snapshots,   ///< likewise, with the snapshot's time
    uploads,     ///< likewise -> bucket of upload_record
    blocks,      ///< upload id, block id -> block_record
    lists,       ///< content id -> segments of a committed block list (content.hpp)
    extents,     ///< content id, offset -> extent of an append or page blob
    pieces,      ///< piece id -> the bytes of a small piece
    refs,        ///< id -> how many refer to it; a missing row means once (files always have a row)
    doomed,      ///< container id -> nothing: a deleted container whose rows are still being removed
    versions,    ///< likewise to snapshots, with the version's time: what blobs were before
    trash,       ///< likewise, with what it was (past.hpp) -> trash_record: deleted, and can be brought back
};
inline constexpr std::size_t table_count = 13;

/// A consistent look at the index. What it returns are views into the map that live as long as it, or until
/// the next change through the same object.
class reader {
public:
    reader(reader&&) noexcept;
    reader& operator=(reader&&) = delete;
    virtual ~reader();

    std::optional<std::string_view> get(table, std::string_view key) const;
    /// True after any call that the index could not serve: what was found (or not) must not be relied on.
    bool failed() const { return status_ != 0; }
    /// Remembers a failure: an LMDB code, or errno.
    void fail(int status) const;
    /// How names lie in the index, and what they are to the account.
    name_space space() const;
    bool hierarchical() const { return space() == name_space::hierarchical; }

protected:
    friend class index;
    friend class cursor;
    reader(class index&, MDB_txn*);
    class index* index_;
    MDB_txn* txn_;
    mutable int status_ = 0;
};

/// All changes of one group commit. A failure is remembered: everything after it does nothing, and whoever
/// asked for the change is told by index::write().
class writer : public reader {
public:
    ~writer() override;
    void put(table, std::string_view key, std::string_view value);
    /// Makes room for `size` bytes under `key` and returns it, to be filled before the next call; null after
    /// a failure.
    char* put_space(table, std::string_view key, std::size_t size);
    /// True when there was such a row.
    bool erase(table, std::string_view key);
    /// A data file that nothing refers to once this commit is done.
    void retire(std::uint64_t file) { retired_.push_back(file); }

private:
    friend class index;
    writer(class index&, MDB_txn*);
    std::vector<std::uint64_t> retired_;
};

/// Walks a table in key order. Dies before its reader; after a change through a writer, seek again.
class cursor {
public:
    cursor(const reader&, table);
    ~cursor();
    cursor(const cursor&) = delete;
    cursor& operator=(const cursor&) = delete;

    /// The first key at or after `key`; false at the end of the table.
    bool seek(std::string_view key);
    bool next();
    /// The last key before `key`.
    bool seek_before(std::string_view key);
    std::string_view key() const { return key_; }
    std::string_view value() const { return value_; }
    const reader& source() const { return reader_; }

private:
    bool move(int operation);
    const reader& reader_;
    MDB_cursor* cursor_ = nullptr;
    std::string_view key_, value_;
};

/// The LMDB environment of a store, shared by all its processes. Writes of concurrent requests are committed
/// together.
class index {
public:
    /// Called after a commit with the data files that it left without a reference, on the committing thread.
    using retire_files = std::function<void(std::vector<std::uint64_t>)>;

    struct counters {
        std::atomic<std::uint64_t> commits{0}, writes{0};
    };

    /// Makes the folder when missing. A folder may be open once in a process. It stays of the kind that it
    /// was made as; kind::configuration: it is of the other one.
    static result<std::unique_ptr<index>> open(const std::string& folder, name_space = name_space::flat);
    ~index();
    index(const index&) = delete;
    index& operator=(const index&) = delete;

    void on_retire(retire_files f) { retire_ = std::move(f); }

    /// Fails when the reader table is full.
    result<reader> read();

    /// Runs `change(writer&)` in a transaction and returns when it is committed. `change` runs on another
    /// loop's thread or more than once (after a sibling in the same commit failed), so it sets its results
    /// anew each time and is not moved from. It must check first and change afterwards: what it has changed
    /// is committed.
    ///
    /// Loops commit inline. With `durable` the commit is made on that runtime's blocking pool, and written
    /// through to the disk before it is acknowledged.
    template <class F>
    task<result<void>> write(F& change, runtime* durable = nullptr) {
        return submit(
            &change, [](void* f, writer& w) { (*static_cast<F*>(f))(w); }, durable);
    }
    /// The same at once, from a thread that is not a loop's.
    result<void> write_now(const std::function<void(writer&)>& change);

    /// Writes all to the disk. Blocks.
    result<void> sync();
    bool dirty() const { return dirty_.load(std::memory_order_relaxed); }
    /// Frees what dead processes left in the reader table.
    void check_readers();
    const counters& stats() const { return counters_; }
    name_space space() const { return space_; }
    /// What to tell whoever wants it to be of the other kind.
    error wrong_kind() const;

private:
    friend class reader;
    friend class writer;
    friend class cursor;
    using run_change = void (*)(void*, writer&);
    struct job {
        void* change;
        run_change run;
        loop* home;
        runtime* durable;
        result<void> outcome;
        event done;
    };

    index() = default;
    task<result<void>> submit(void* change, run_change, runtime* durable);
    void schedule(loop* home, runtime* durable);
    void flush();
    result<void> commit(std::span<job* const>, std::vector<std::uint64_t>& retired);
    result<void> open_environment(std::size_t map_size);
    result<void> open_tables();
    error wrong_format(std::string_view found) const;
    error failure(int status, const char* what) const;

    std::string folder_;
    name_space space_ = name_space::flat;
    MDB_env* env_ = nullptr;
    std::array<unsigned, table_count> handles_{};
    retire_files retire_;
    std::atomic<bool> dirty_{false};
    counters counters_;

    std::mutex mutex_;
    std::vector<MDB_txn*> idle_;  // reset read transactions
    std::vector<job*> waiting_;
    bool scheduled_ = false;
};

inline name_space reader::space() const { return index_->space(); }

}  // namespace act::store

#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "engine/file/file.hpp"
#include "tools/store/index.hpp"

namespace act::store {

/// Numbers for pieces, contents, uploads and containers: 24 bits of session, 39 bits of counter, and in the
/// lowest bit whether it is a data file. Never used twice, by any process.
using id = std::uint64_t;
inline bool is_file(id i) { return (i & 1) != 0; }
inline std::uint64_t session_of(id i) { return i >> 40; }

/// The data files of a store, ROOT/data/XX/ID: written once, never changed, removed when the index has no
/// reference left and nobody in this process reads them. (A reader in another process that comes too late
/// finds its file gone; its client sees a broken transfer, and on a retry that the blob was replaced.)
///
/// Every process has a session: a number, and ROOT/sessions/NUMBER locked as long as it lives. A session file
/// that is not locked tells that its process died; then files that nothing refers to are looked for and
/// removed.
class files {
public:
    static result<std::unique_ptr<files>> open(const std::string& root, index&);
    /// Removes what is retired; then nothing of this session is left behind.
    ~files();

    id next_id(bool file = false) {
        return session_ << 40 | counter_.fetch_add(1, std::memory_order_relaxed) << 1 | (file ? 1 : 0);
    }
    std::uint64_t session() const { return session_; }
    /// False when the process of that session has ended.
    bool alive(std::uint64_t session) const;

    /// A new data file, removed again unless keep() is called.
    class fresh {
    public:
        fresh() = default;
        fresh(fresh&& o) noexcept : owner_(o.owner_), id_(o.id_), fd_(std::move(o.fd_)) {
            o.owner_ = nullptr;
        }
        fresh& operator=(fresh&& o) noexcept;
        ~fresh() { drop(); }
        act::store::id id() const { return id_; }
        int fd() const { return fd_.get(); }
        explicit operator bool() const { return owner_ != nullptr; }
        /// The index refers to it now.
        void keep() { owner_ = nullptr; }

    private:
        friend class files;
        void drop();
        files* owner_ = nullptr;
        act::store::id id_ = 0;
        file::descriptor fd_;
    };
    result<fresh> create();
    result<file::descriptor> open(id) const;
    std::string path(id) const;

    /// Held from before the index is read until the last file has been opened.
    class pin {
    public:
        pin() = default;
        pin(pin&& o) noexcept : owner_(o.owner_), epoch_(o.epoch_) { o.owner_ = nullptr; }
        pin& operator=(pin&& o) noexcept;
        ~pin() { release(); }
        void release();

    private:
        friend class files;
        files* owner_ = nullptr;
        std::uint64_t epoch_ = 0;
    };
    pin hold();

    /// The index no longer refers to these; remove_retired() unlinks them once nobody can be reading.
    void retire(std::vector<id>);
    /// True when remove_retired() would find something.
    bool retired() const;
    /// Blocks for as long as the unlinks take.
    void remove_retired();

    /// Removes what dead processes left behind, if there were any. Blocks; meant for a thread of its own
    /// after start. `look` limits how many of the names it goes through before it asks `go_on`.
    void sweep(const std::function<bool()>& go_on);

private:
    files(std::string root, index&);
    result<void> start_session();
    std::vector<std::uint64_t> dead_sessions() const;
    result<int> directory(unsigned bucket) const;

    std::string root_;
    index& index_;
    std::uint64_t session_ = 0;
    file::descriptor session_lock_;
    std::atomic<std::uint64_t> counter_{1};
    mutable std::array<std::atomic<int>, 256> directories_;

    mutable std::mutex mutex_;
    std::uint64_t epoch_ = 0;
    std::multiset<std::uint64_t> pins_;
    struct gone {
        std::uint64_t epoch;
        act::store::id id;
    };
    std::deque<gone> retired_;
};

}  // namespace act::store

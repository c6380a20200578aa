#include "transfer/ops/stream_blocks.hpp"

#include <algorithm>

#include "engine/core/units.hpp"
#include "transfer/blob/names.hpp"
#include "transfer/ops/content_md5.hpp"

namespace act::ops {

namespace {

// Hashed while it is still in the cache.
constexpr std::size_t tile_size = 256 * KiB;
constexpr std::uint64_t largest_in_memory = 32 * MiB;
// Blocks in temporary files at the same time: one is filled while others are sent.
constexpr std::uint64_t files_at_once = 3;
// Blocks that the thread may have been given, so that it need not wait for a loop that is busy with sending.
constexpr std::size_t ahead = 4;
constexpr std::uint64_t largest_ahead = 32 * MiB;

}  // namespace

http::body stream_block::body() const {
    if (length == 0) return http::body::memory({});
    return disk ? http::body::file(disk.get(), 0, length)
                : http::body::memory(memory.span().first(static_cast<std::size_t>(length)));
}

/// What the thread and the coroutine share. It lives as long as either.
struct stream_blocks::desk {
    desk(int fd, const stream_in_options& o, stop_token parent)
        : options(o), reader(fd, o.name), stop(std::move(parent)) {}

    void read_all_given();
    result<void> fill(stream_block&);
    void wake() {
        if (waiting) waiting->set();
        waiting = nullptr;
    }

    // Touched by one thread at a time: the one that reads, or the coroutine's while none does.
    const stream_in_options& options;
    file::stream_reader reader;
    codec::digest md5{codec::digest::algorithm::md5};  ///< of all so far, when it is wanted
    bool at_end = false;
    stop_source stop;

    std::mutex mutex;
    std::deque<stream_block> rooms;
    std::deque<result<stream_block>> filled;
    event* waiting = nullptr;  ///< for `filled`, or for `reading` to be false
    bool reading = false;
    bool over = false;  ///< nothing more will be read
};

/// Blocks, until there is no room left. Afterwards it touches nothing but this.
void stream_blocks::desk::read_all_given() {
    std::unique_lock lock(mutex);
    while (!over && !rooms.empty()) {
        stream_block b = std::move(rooms.front());
        rooms.pop_front();
        lock.unlock();
        auto done = fill(b);
        lock.lock();
        over = over || !done || at_end;
        filled.push_back(done ? result<stream_block>(std::move(b)) : result<stream_block>(done.error()));
        wake();
    }
    if (over) rooms.clear();
    reading = false;
    wake();
}

result<void> stream_blocks::desk::fill(stream_block& b) {
    const until u{.stop = stop.token()};
    codec::xxh3 content;
    while (b.length < b.size && !at_end) {
        const auto done = static_cast<std::size_t>(b.length);
        const auto room = b.disk ? b.memory.span() : b.memory.span().subspan(done);
        const auto into = room.first(std::min<std::uint64_t>({tile_size, room.size(), b.size - b.length}));
        ACT_TRY(const std::size_t got, reader.read_some(into, u));
        const auto piece = into.first(got);
        at_end = got == 0;
        content.update(piece);
        b.hashes.crc64 = codec::crc64(b.hashes.crc64, piece);
        if (options.put_md5) md5.update(piece);
        if (b.disk) ACT_TRY_VOID(file::write_at(b.disk.get(), piece, b.length, "a temporary file"));
        b.length += got;
    }
    if (b.disk) b.memory = {};
    b.hashes.content = content.digest();
    b.last = at_end;
    return {};
}

stream_blocks::stream_blocks(context& c, int fd, const stream_in_options& options, stop_token stop)
    : context_(c),
      options_(options),
      files_(files_at_once),
      desk_(std::make_shared<desk>(fd, options, std::move(stop))) {}

stream_blocks::~stream_blocks() = default;

std::uint64_t stream_blocks::size_of(std::uint64_t index) const {
    if (options_.block_size > 0) return std::min(options_.block_size, blob::max_block);
    return stream_block_size(index, options_.first_block, options_.blocks_of_a_size);
}

bool stream_blocks::fits_memory(std::uint64_t size) const {
    if (options_.in_memory > 0) return size <= options_.in_memory;
    const std::uint64_t share = context_.buffers.budget() / 4;
    return size <= std::max(options_.first_block, std::min(largest_in_memory, share));
}

task<result<stream_block>> stream_blocks::make_room() {
    const until u{.stop = desk_->stop.token()};
    stream_block b;
    b.size = size_of(given_);
    if (fits_memory(b.size)) {
        ACT_CO_TRY(b.memory, co_await context_.buffers.take(static_cast<std::size_t>(b.size), u));
    } else {
        ACT_CO_TRY(b.place, co_await files_.acquire(1, u));
        ACT_CO_TRY(b.disk, file::unnamed_file());
        ACT_CO_TRY(b.memory, co_await context_.buffers.take(tile_size, u));
    }
    co_return std::move(b);
}

void stream_blocks::give(stream_block b) {
    b.index = given_++;
    bytes_given_ += b.size;
    std::lock_guard lock(desk_->mutex);
    if (desk_->over) return;
    desk_->rooms.push_back(std::move(b));
    if (desk_->reading) return;
    desk_->reading = true;
    context_.runtime.post_blocking([kept = desk_] { kept->read_all_given(); });
}

/// As far as nobody else needs the memory.
void stream_blocks::give_more() {
    const std::uint64_t share = std::min<std::uint64_t>(largest_ahead, context_.buffers.budget() / 4);
    while (given_ - taken_ < ahead) {
        stream_block b;
        b.size = size_of(given_);
        if (bytes_given_ + b.size > share || !fits_memory(b.size)) return;
        b.memory = context_.buffers.try_take(static_cast<std::size_t>(b.size));
        if (!b.memory) return;
        give(std::move(b));
    }
}

task<result<stream_block>> stream_blocks::next() {
    if (given_ == taken_) {
        ACT_CO_TRY(stream_block b, co_await make_room());
        give(std::move(b));
    }
    // Most streams end in the first block.
    if (taken_ > 0) give_more();
    for (;;) {
        event ready;
        {
            std::lock_guard lock(desk_->mutex);
            if (!desk_->filled.empty()) {
                auto out = std::move(desk_->filled.front());
                desk_->filled.pop_front();
                ++taken_;
                if (out) bytes_given_ -= out->size;
                co_return out;
            }
            desk_->waiting = &ready;
        }
        // The thread looks at the stop signal itself.
        (void)co_await ready.wait({});
        std::lock_guard until_it_was_set(desk_->mutex);
    }
}

task<void> stream_blocks::end() {
    desk_->stop.request();
    for (;;) {
        event idle;
        {
            std::lock_guard lock(desk_->mutex);
            desk_->over = true;
            desk_->filled.clear();
            if (!desk_->reading) {
                desk_->rooms.clear();
                co_return;
            }
            desk_->waiting = &idle;
        }
        (void)co_await idle.wait({});
        std::lock_guard until_it_was_set(desk_->mutex);
    }
}

result<std::size_t> stream_blocks::read_whole(std::span<std::byte> into, const until& u) {
    std::size_t got = 0;
    while (got < into.size() && !desk_->at_end) {
        ACT_TRY(const std::size_t more, desk_->reader.read_some(into.subspan(got), u));
        desk_->at_end = more == 0;
        got += more;
    }
    if (options_.put_md5) desk_->md5.update(into.first(got));
    return got;
}

std::string stream_blocks::whole_md5() { return options_.put_md5 ? md5_header(desk_->md5) : std::string(); }

}  // namespace act::ops

#include "transfer/ops/blob_builder.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <random>

#include <fmt/format.h>

#include "engine/core/log.hpp"
#include "engine/core/units.hpp"
#include "transfer/ops/page_parts.hpp"
#include "transfer/plan/attributes.hpp"

namespace act::ops {

namespace {

using namespace std::chrono_literals;

// What is given to the service to take back a blob, after a stop too.
constexpr auto time_to_remove = 10s;
constexpr std::uint64_t longest_page_blob = 8 * TiB;

std::string new_word() {
    std::random_device device;
    return fmt::format("{:08x}{:08x}{:08x}", device(), device(), device());
}

bool condition_failed(const error& e) { return e.status() == 412 || e.code() == "BlobAlreadyExists"; }

/// Of a request without an answer, or with one that does not say what was done, nobody knows.
bool may_have_happened(const error& e) { return e.status() == 0 || e.status() >= 500; }

bool all_zero(std::span<const std::byte> bytes) {
    static constexpr std::array<std::byte, 4 * KiB> zeros{};
    return std::memcmp(bytes.data(), zeros.data(), bytes.size()) == 0;
}

/// What of a piece is not zeros, within the blob.
std::vector<plan::block_range> written_parts(plan::block_range at, std::span<const std::byte> bytes) {
    std::vector<blob::range> written;
    for (std::uint64_t i = 0; i < at.length; i += 4 * KiB) {
        const std::uint64_t length = std::min<std::uint64_t>(4 * KiB, at.length - i);
        if (!all_zero(bytes.subspan(i, length))) written.push_back({at.offset + i, length});
    }
    return parts_of_pages(written);
}

}  // namespace

blob_builder::blob_builder(blob::client& client, blob::address to, blob::blob_type type, std::uint64_t size,
                           blob::write_options about)
    : client_(client),
      to_(std::move(to)),
      type_(type),
      size_(type == blob::blob_type::page ? size : 0),
      about_(std::move(about)),
      word_(new_word()) {}

task<result<blob::write_result>> blob_builder::create(blob::write_options draft, until u) {
    switch (type_) {
        case blob::blob_type::page:
            co_return co_await client_.create_page_blob(to_, size_, std::move(draft), u);
        case blob::blob_type::append:
            co_return co_await client_.create_append_blob(to_, std::move(draft), u);
        case blob::blob_type::block:
            break;
    }
    co_return co_await client_.put_blob(to_, http::body::memory({}), {}, std::move(draft), u);
}

task<result<void>> blob_builder::begin(until u) {
    blob::write_options draft = about_;
    draft.metadata[plan::unfinished_mark] = word_;
    auto made = co_await create(std::move(draft), u);
    if (made) {
        last_ = made->etag;
        co_return result<void>();
    }
    if (condition_failed(made.error())) {
        auto caught = co_await catch_up(made.error(), u);
        if (caught || condition_failed(caught.error())) co_return caught;
    }
    // Without an answer it may have been made all the same.
    if (may_have_happened(made.error()) || condition_failed(made.error())) co_await take_back();
    co_return made.error();
}

/// Twice, if the condition fails only because the reply to an earlier try was lost. What is appended must
/// not be so again: it is there when the blob is as long as `size_after`.
task<result<void>> blob_builder::carry_out(request send, std::uint64_t size_after, until u) {
    for (bool again = false;; again = true) {
        auto sent = co_await send();
        if (sent) {
            last_ = sent->etag;
            break;
        }
        if (again || !condition_failed(sent.error())) co_return sent.error();
        ACT_CO_TRY_VOID(co_await catch_up(sent.error(), u));
        if (size_after > size_ && seen_size_ == size_after) break;
    }
    size_ = size_after;
    co_return result<void>();
}

task<result<void>> blob_builder::write(plan::block_range at, std::span<const std::byte> bytes, until u) {
    if (type_ == blob::blob_type::append) {
        request append = [&] {
            const auto still = blob::conditions::matching(last_);
            return client_.append_block(to_, http::body::memory(bytes), at.offset, u, still);
        };
        co_return co_await carry_out(std::move(append), at.offset + at.length, u);
    }
    for (const plan::block_range& part : written_parts(at, bytes)) {
        const auto piece = bytes.subspan(part.offset - at.offset, part.length);
        request put = [&] {
            const auto still = blob::conditions::matching(last_);
            return client_.put_page(to_, {part.offset, part.length}, http::body::memory(piece), u, still);
        };
        ACT_CO_TRY_VOID(co_await carry_out(std::move(put), size_, u));
    }
    co_return result<void>();
}

std::size_t blob_builder::memory_for(const std::vector<plan::block_range>& pieces) {
    // Both halves at once, so that nothing waits for memory while it holds some.
    return pieces.empty()       ? 0
           : pieces.size() == 1 ? static_cast<std::size_t>(pieces.front().length)
                                : static_cast<std::size_t>(2 * piece_size);
}

task<result<void>> blob_builder::fill(buffer memory, source next, std::function<void(std::uint64_t)> moved,
                                      until u) {
    const bool both = memory.size() >= 2 * piece_size;
    const std::size_t half = both ? memory.size() / 2 : memory.size();
    const std::array<std::span<std::byte>, 2> places = {memory.span().first(half), memory.span().last(half)};
    stop_source reading(u.stop);
    const until patience{.stop = reading.token(), .deadline = u.deadline};
    result<plan::block_range> there = co_await next(places[0], patience);
    for (std::size_t turn = 0; there && there->length > 0; turn = 1 - turn) {
        // The next piece comes while this one is written: on this loop, not through a lane, since lanes may
        // all be waiting for memory like that which is held here.
        result<plan::block_range> coming{plan::block_range()};
        auto read = [&]() -> task<void> { coming = co_await next(places[1 - turn], patience); };
        task_group beside;
        if (both) beside.spawn(loop::current(), read());
        auto outcome = co_await write(*there, places[turn].first(static_cast<std::size_t>(there->length)), u);
        // Standard input may have nothing for hours.
        if (!outcome) reading.request();
        co_await beside.join();
        if (!outcome) co_return outcome;
        moved(there->length);
        if (!both) co_await read();
        there = std::move(coming);
    }
    co_return there ? result<void>() : there.error();
}

task<result<blob::etag>> blob_builder::finish(std::string md5, until u) {
    if (!md5.empty()) {
        about_.content.md5 = std::move(md5);
        request set = [&] {
            return client_.set_content_headers(to_, about_.content, blob::conditions::matching(last_), u);
        };
        ACT_CO_TRY_VOID(co_await carry_out(std::move(set), size_, u));
    }
    const auto still = blob::conditions::matching(last_);
    auto done =
        co_await client_.set_metadata(to_, about_.metadata, still, u, client_.account().encryption.scope);
    if (done) co_return done->etag;
    if (!condition_failed(done.error())) co_return done.error();
    ACT_CO_TRY(const blob::properties now, co_await client_.head(to_, u));
    if (now.metadata == about_.metadata && now.size == size_) co_return now.etag;
    co_return done.error();
}

task<void> blob_builder::take_back() {
    const until u = until().within(time_to_remove);
    auto left = co_await client_.head(to_, u);
    if (!left || !ours(*left)) co_return;
    const auto still = blob::conditions::matching(left->etag);
    auto gone = co_await client_.remove(to_, blob::snapshots::refuse, still, u);
    if (!gone) {
        log::warning("what is unfinished stays at blob '{}', marked by {} in its metadata: {}", to_.name,
                     plan::unfinished_mark, gone.error().describe());
    }
}

/// After a condition did not hold: an earlier try may have done it, whose reply was lost.
task<result<void>> blob_builder::catch_up(error why, until u) {
    ACT_CO_TRY(const blob::properties now, co_await client_.head(to_, u));
    if (!ours(now)) co_return why;
    last_ = now.etag;
    seen_size_ = now.size;
    co_return result<void>();
}

bool blob_builder::ours(const blob::properties& p) const {
    const auto mark = p.metadata.find(plan::unfinished_mark);
    return mark != p.metadata.end() && mark->second == word_;
}

task<result<void>> make_room_for_blocks(std::optional<blob_builder>& room, bool replace, blob::client& client,
                                        blob::address where, std::optional<blob::properties>& existing,
                                        blob::write_options about, until u) {
    if (!existing || existing->type == blob::blob_type::block) co_return result<void>();
    if (!replace && existing->size > 0 && !plan::unfinished(existing->metadata)) {
        co_return error(
            kind::conflict,
            fmt::format("{} blob stands at '{}', whose place is only free when that is gone: what stops in "
                        "the middle would lose it",
                        existing->type == blob::blob_type::page ? "a page" : "an append", where.name),
            "remove it first, or use --force or --blob-type block to replace it all the same");
    }
    about.tier.clear();  // nothing can be staged in the archive
    room.emplace(client, std::move(where), blob::blob_type::block, 0, std::move(about));
    ACT_CO_TRY_VOID(co_await room->begin(u));
    existing->type = blob::blob_type::block;
    existing->size = 0;
    existing->content.md5.clear();
    existing->etag = room->etag();
    co_return result<void>();
}

result<void> check_fits(blob::blob_type type, std::uint64_t size, const std::string& what) {
    if (type == blob::blob_type::append && size > longest_append_blob) {
        return error(kind::unsupported, what + " is longer than the 195 GiB that fit an append blob",
                     "send it as a block blob");
    }
    if (type != blob::blob_type::page) return {};
    if (size % 512 != 0) {
        return error(
            kind::unsupported,
            fmt::format("{} has {} bytes, and the size of a page blob is a multiple of 512", what, size),
            "pad it with `truncate -s %512`, or send it as a block or append blob");
    }
    if (size > longest_page_blob) {
        return error(kind::unsupported, what + " is longer than the 8 TiB that fit a page blob",
                     "send it as a block blob");
    }
    return {};
}

}  // namespace act::ops

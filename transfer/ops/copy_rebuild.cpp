// Append and page blobs through this machine, for when the service does not copy them by itself.
#include <algorithm>
#include <random>

#include <fmt/format.h>

#include "engine/core/log.hpp"
#include "transfer/ops/copy_blob.hpp"
#include "transfer/ops/page_parts.hpp"
#include "transfer/plan/attributes.hpp"

namespace act::ops {

namespace {

using namespace std::chrono_literals;

// The longest that Append Block and Put Page take in our version of the protocol.
constexpr std::uint64_t piece_size = blob::max_checked_range;
constexpr std::size_t most_appends = 50'000;
// What is given to the service to take back a blob, after a stop too.
constexpr auto time_to_remove = 10s;

std::string new_word() {
    std::random_device device;
    return fmt::format("{:08x}{:08x}{:08x}", device(), device(), device());
}

bool condition_failed(const error& e) { return e.status() == 412 || e.code() == "BlobAlreadyExists"; }

}  // namespace

/// A blob that grows under its name, since the service knows no other way. Until it is whole its metadata
/// say so, with a word by which this process knows its own; every write is on condition that nobody else has
/// written since the last, so that what a reply was lost for is found out too.
class blob_builder {
public:
    blob_builder(copy_run& run, const copy_item& item, blob::address to, blob::write_options about)
        : run_(run), item_(item), to_(std::move(to)), about_(std::move(about)), word_(new_word()) {}

    task<result<void>> begin(until u) {
        blob::write_options draft = about_;
        draft.metadata[plan::unfinished_mark] = word_;
        auto& client = run_.to.client;
        auto made = item_.source.type == blob::blob_type::page
                        ? co_await client.create_page_blob(to_, item_.source.size, draft, u)
                        : co_await client.create_append_blob(to_, draft, u);
        if (made) {
            last_ = made->etag;
            co_return result<void>();
        }
        if (!condition_failed(made.error())) co_return made.error();
        co_return co_await catch_up(made.error(), u);
    }

    /// The next bytes of an append blob, or a range of a page blob.
    task<result<void>> write(plan::block_range at, std::span<const std::byte> bytes, until u) {
        for (bool again = false;; again = true) {
            auto written = co_await write_once(at, bytes, u);
            if (written) {
                last_ = written->etag;
                co_return result<void>();
            }
            if (again || !condition_failed(written.error())) co_return written.error();
            ACT_CO_TRY_VOID(co_await catch_up(written.error(), u));
            // Pages may be written twice; what is appended is there when the blob is as long as that.
            if (item_.source.type == blob::blob_type::append && size_ == at.offset + at.length)
                co_return result<void>();
        }
    }

    /// The mark goes, and the blob counts.
    task<result<void>> finish(until u) {
        const auto still = blob::conditions::matching(last_);
        auto done = co_await run_.to.client.set_metadata(to_, about_.metadata, still, u);
        if (done) co_return result<void>();
        if (!condition_failed(done.error())) co_return done.error();
        ACT_CO_TRY(const blob::properties now, co_await run_.to.client.head(to_, u));
        if (now.metadata == about_.metadata && now.size == item_.source.size) co_return result<void>();
        co_return done.error();
    }

    /// The operation's stop does not count here: what is not whole does not stay.
    task<void> take_back() {
        const until u = until().within(time_to_remove);
        auto left = co_await run_.to.client.head(to_, u);
        if (!left || !ours(*left)) co_return;
        const auto still = blob::conditions::matching(left->etag);
        auto gone = co_await run_.to.client.remove(to_, blob::snapshots::refuse, still, u);
        if (!gone) {
            log::warning("an unfinished copy stays at blob '{}', marked by {} in its metadata: {}", to_.name,
                         plan::unfinished_mark, gone.error().describe());
        }
    }

private:
    task<result<blob::write_result>> write_once(plan::block_range at, std::span<const std::byte> bytes,
                                                until u) {
        const auto body = http::body::memory(bytes);
        const auto still = blob::conditions::matching(last_);
        auto& client = run_.to.client;
        if (item_.source.type == blob::blob_type::append)
            co_return co_await client.append_block(to_, body, at.offset, u, still);
        co_return co_await client.put_page(to_, {at.offset, at.length}, body, u, still);
    }

    /// After a condition did not hold: an earlier try may have done it, whose reply was lost.
    task<result<void>> catch_up(error why, until u) {
        ACT_CO_TRY(const blob::properties now, co_await run_.to.client.head(to_, u));
        if (!ours(now)) co_return why;
        last_ = now.etag;
        size_ = now.size;
        co_return result<void>();
    }

    bool ours(const blob::properties& p) const {
        const auto mark = p.metadata.find(plan::unfinished_mark);
        return mark != p.metadata.end() && mark->second == word_;
    }

    copy_run& run_;
    const copy_item& item_;
    blob::address to_;
    blob::write_options about_;
    std::string word_;
    blob::etag last_;
    std::uint64_t size_ = 0;
};

task<result<void>> blob_copy::rebuild(until u) {
    const bool pages = item_.source.type == blob::blob_type::page;
    std::vector<plan::block_range> pieces;
    if (pages) {
        ACT_CO_TRY(pieces, co_await page_parts(run_.from.client, from_, item_.source, u));
    } else if (item_.source.size > 0) {
        pieces = plan::split(item_.source.size, piece_size);
    }
    if (!pages && pieces.size() > most_appends) {
        co_return error(kind::unsupported,
                        "append blob '" + from_.name + "' is longer than the 195 GiB that fit through here",
                        "give a credential for the source that the destination's service can read with");
    }
    blob_builder draft(run_, item_, to_, description());
    auto outcome = co_await draft.begin(u);
    if (outcome) outcome = co_await fill(draft, pieces, u);
    if (outcome) outcome = co_await draft.finish(u);
    if (!outcome) co_await draft.take_back();
    co_return outcome;
}

task<result<void>> blob_copy::fill(blob_builder& draft, const std::vector<plan::block_range>& pieces,
                                   until u) {
    if (pieces.empty()) {
        advance(item_.source.size);
        co_return result<void>();
    }
    // Both halves at once, so that no copy waits for memory while it holds some.
    ACT_CO_TRY(buffer memory,
               co_await run_.op.context().buffers.take((pieces.size() > 1 ? 2 : 1) * piece_size, u));
    auto place = [&](std::size_t i) {
        return memory.span().subspan(i % 2 * piece_size, static_cast<std::size_t>(pieces[i].length));
    };
    auto read = [&](std::size_t i, result<void>& outcome) -> task<void> {
        auto got = co_await read_source(pieces[i], {}, place(i), u);
        outcome = got ? result<void>() : got.error();
    };
    auto outcome = result<void>();
    co_await read(0, outcome);
    std::uint64_t moved = 0;
    for (std::size_t i = 0; outcome && i < pieces.size(); ++i) {
        // The next piece comes while this one is written: on this loop, not through a lane, since lanes may
        // all be waiting for memory like that which is held here.
        task_group beside;
        auto next = result<void>();
        if (i + 1 < pieces.size()) beside.spawn(loop::current(), read(i + 1, next));
        outcome = co_await draft.write(pieces[i], place(i), u);
        co_await beside.join();
        if (!outcome) break;
        advance(pieces[i].length);
        moved += pieces[i].length;
        outcome = std::move(next);
    }
    if (outcome) advance(item_.source.size - moved);
    co_return outcome;
}

}  // namespace act::ops

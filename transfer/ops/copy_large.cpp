#include "engine/core/units.hpp"
#include "transfer/ops/blocks_there.hpp"
#include "transfer/ops/copy_blob.hpp"
#include "transfer/plan/attributes.hpp"
#include "transfer/plan/content_hash.hpp"

namespace act::ops {

namespace {

/// Another tool's blobs up to this size are one request: what one stream between accounts carries (some 60
/// MiB/s) in half a second, which is worth the block lists that it saves, and little to do again.
constexpr std::uint64_t longest_put = 32 * MiB;
/// Blocks are not copied in larger pieces: at 1 MiB/s one still ends within a request's time limit, and when
/// they come through this machine, four are in memory at once.
constexpr std::uint64_t longest_block = 64 * MiB;
/// From here on a blob's lists of blocks are worth counting.
constexpr std::uint64_t long_list_from = 4 * GiB;

/// A block of the source: its id at the destination, and what proves its content where it is ours.
struct copied_block {
    plan::block_range range;
    std::string id;
    std::optional<codec::hash128> hash;
};

/// A block blob of some size. Its blocks keep the source's ids where these are ours, so that the copy is
/// verified, continued and compared like an upload; else they get ids made of the source's version, which at
/// least let an interrupted copy go on.
class large_copy final : public blob_copy {
public:
    using blob_copy::blob_copy;

    task<result<void>> copy_part(std::size_t index);
    void part_done(result<void> r) { parts_->done(std::move(r)); }

private:
    enum class method { whole_from_url, blocks_from_url, blocks_through_client };

    task<result<void>> send() override;
    std::string hash() const override;
    method choose() const;
    task<result<void>> try_method(until);
    task<result<void>> learn_layout(until);
    task<result<void>> run_parts(std::size_t count);
    task<result<void>> block_from_url(const copied_block&, until);
    task<result<void>> block_through_client(const copied_block&, until);

    std::vector<copied_block> blocks_;
    bool own_ = false;  ///< the ids are the source's
    method method_ = method::blocks_through_client;
    bool relay_ = false;  ///< this blob goes through the client whatever the link may
    blocks_there there_;
    std::optional<part_group> parts_;
};

class copied_part final : public job {
public:
    copied_part(large_copy& whole, std::size_t index) : whole_(whole), index_(index) {}
    task<void> run() override {
        auto outcome = co_await whole_.copy_part(index_);
        whole_.part_done(std::move(outcome));
    }

private:
    large_copy& whole_;
    std::size_t index_;
};

std::string large_copy::hash() const {
    if (!own_) return blob_copy::hash();
    std::vector<std::string> ids;
    for (const auto& block : blocks_) ids.push_back(block.id);
    return plan::blocks_hash(ids);
}

large_copy::method large_copy::choose() const {
    const copy_link& link = run_.from.link;
    if (relay_) return method::blocks_through_client;
    if (!own_ && item_.source.size <= longest_put && link.may(copy_link::form::put_blob)) {
        return method::whole_from_url;
    }
    return link.may(copy_link::form::put_block) ? method::blocks_from_url : method::blocks_through_client;
}

task<result<void>> large_copy::send() {
    const until u = run_.op.patience();
    copy_link& link = run_.from.link;
    permit turn;
    if (item_.source.size >= long_list_from) {
        ACT_CO_TRY(turn, co_await run_.long_lists.acquire(1, u));
    }
    if (blocks_.empty()) ACT_CO_TRY_VOID(co_await learn_layout(u));
    std::optional<std::pair<copy_link::form, error>> suspicion;
    for (;;) {
        method_ = choose();
        const auto form =
            method_ == method::whole_from_url ? copy_link::form::put_blob : copy_link::form::put_block;
        auto outcome = co_await try_method(u);
        if (method_ == method::blocks_through_client) {
            if (outcome && suspicion) link.remember(suspicion->first, suspicion->second);
            co_return outcome;
        }
        if (outcome) co_return outcome;
        if (outcome.error().kind() == kind::unsupported && !link.may(form)) {
            // Another blob has met the refusal meanwhile.
            retreat();
            continue;
        }
        const auto verdict = copy_link::judge(outcome.error());
        if (verdict == copy_link::verdict::failed) co_return outcome;
        if (verdict == copy_link::verdict::refused) {
            link.remember(form, outcome.error());
        } else {
            relay_ = true;
        }
        if (verdict == copy_link::verdict::suspect) suspicion.emplace(form, outcome.error());
        retreat();
    }
}

task<result<void>> large_copy::learn_layout(until u) {
    const blob::properties& source = item_.source;
    auto listed = co_await run_.from.client.get_block_list(from_, true, false, u);
    if (!listed && listed.error().kind() != kind::unsupported) co_return listed.error();
    // Listings may hold the other half of the memory for as long as this waits.
    const std::uint64_t longest =
        std::min<std::uint64_t>(longest_block, run_.op.context().buffers.budget() / 2);
    auto own = listed ? plan::own_layout(listed->committed, source.size) : std::nullopt;
    for (std::size_t i = 0; own && i < own->size(); ++i) {
        if ((*own)[i].length > longest) own.reset();
    }
    if (own) {
        own_ = true;
        std::uint64_t at = 0;
        for (std::size_t i = 0; i < own->size(); ++i) {
            const plan::block_id& id = (*own)[i];
            blocks_.push_back({{at, id.length}, std::move(listed->committed[i].id), id.hash});
            at += id.length;
        }
        co_return result<void>();
    }
    const std::uint64_t wanted = std::min(run_.options.block_size, longest);
    const auto identity = plan::source_identity(run_.from.client.account().name, from_, source.etag);
    for (const auto& range : plan::split(source.size, plan::block_size_for(source.size, wanted))) {
        blocks_.push_back({range,
                           plan::copied_block_id(static_cast<std::uint32_t>(blocks_.size()),
                                                 static_cast<std::uint32_t>(range.length), identity),
                           {}});
    }
    co_return result<void>();
}

task<result<void>> large_copy::try_method(until u) {
    if (method_ == method::whole_from_url) {
        ACT_CO_TRY_VOID(co_await run_parts(1));
        done(way::server_side);
        co_return result<void>();
    }
    ACT_CO_TRY(there_, co_await find_blocks(run_.to.client, to_, item_.existing, u));
    std::vector<std::string> ids;
    ids.reserve(blocks_.size());
    for (const auto& block : blocks_) ids.push_back(block.id);
    const bool always = run_.options.overwrite == plan::overwrite::always;
    if (there_.committed == ids && !always && item_.existing &&
        (run_.options.compare_content ||
         plan::same_attributes(item_.source, *item_.existing, run_.options.given))) {
        unchanged();
        co_return result<void>();
    }
    ACT_CO_TRY_VOID(co_await run_parts(blocks_.size()));
    auto committed = co_await run_.to.client.put_block_list(to_, std::move(ids), description(), u);
    if (!committed) co_return committed.error();
    wrote(std::move(committed->etag));
    done(method_ == method::blocks_from_url ? way::server_side : way::through_client);
    co_return result<void>();
}

task<result<void>> large_copy::run_parts(std::size_t count) {
    parts_.emplace(run_.op.stop());
    for (std::size_t i = 0; i < count; ++i) {
        parts_->add();
        std::unique_ptr<job> part = std::make_unique<copied_part>(*this, i);
        auto queued = co_await run_.mover.submit_part(std::move(part));
        if (!queued) {
            parts_->done(queued.error());
            break;
        }
        if (parts_->stop().requested()) break;
    }
    co_return co_await parts_->wait();
}

task<result<void>> large_copy::copy_part(std::size_t index) {
    const until u{.stop = parts_->stop()};
    ACT_CO_TRY_VOID(u.check());
    if (method_ == method::whole_from_url) {
        ACT_CO_TRY_VOID(co_await put_from_url(u));
        advance(item_.source.size);
        co_return result<void>();
    }
    const copied_block& block = blocks_[index];
    if (!there_.present.contains(block.id)) {
        if (method_ == method::blocks_from_url) {
            ACT_CO_TRY_VOID(co_await block_from_url(block, u));
        } else {
            ACT_CO_TRY_VOID(co_await block_through_client(block, u));
        }
    }
    advance(block.range.length);
    co_return result<void>();
}

task<result<void>> large_copy::block_from_url(const copied_block& block, until u) {
    const request_to_copy ask = [&](blob::copy_origin from) {
        const blob::range part{block.range.offset, block.range.length};
        return run_.to.client.put_block_from_url(to_, block.id, std::move(from), part, u);
    };
    co_return co_await by_service(copy_link::form::put_block, ask, u);
}

task<result<void>> large_copy::block_through_client(const copied_block& block, until u) {
    ACT_CO_TRY(buffer memory, co_await run_.op.context().buffers.take(block.range.length, u));
    ACT_CO_TRY(const blob::body_checksum sum,
               co_await read_source(block.range, block.hash, memory.span(), u));
    const auto body = http::body::memory(memory.span());
    co_return co_await run_.to.client.put_block(to_, block.id, body, sum, {}, u);
}

}  // namespace

std::unique_ptr<job> copy_large(copy_run& run, copy_item item) {
    return std::make_unique<large_copy>(run, std::move(item));
}

}  // namespace act::ops

#include "transfer/ops/blob_builder.hpp"
#include "transfer/ops/content_md5.hpp"
#include "transfer/ops/hash_range.hpp"
#include "transfer/ops/in_order.hpp"
#include "transfer/ops/page_parts.hpp"
#include "transfer/ops/upload_file.hpp"
#include "transfer/plan/content_hash.hpp"

namespace act::ops {

namespace {

/// Data in whole pages.
std::vector<blob::range> pages_of(const std::vector<file::extent>& data, std::uint64_t size) {
    constexpr std::uint64_t page = 512;
    std::vector<blob::range> out;
    for (const auto& part : data) {
        const std::uint64_t begin = part.offset / page * page;
        const std::uint64_t end = std::min(size, (part.offset + part.length + page - 1) / page * page);
        const std::uint64_t from =
            out.empty() ? begin : std::max(begin, out.back().offset + out.back().length);
        if (from < end) out.push_back({from, end - from});
    }
    return out;
}

/// A file that becomes a page or append blob, piece by piece. The service knows no way to give such a blob
/// its content at once, so what stood there is gone from the first request on.
class built_upload final : public job {
public:
    built_upload(upload_run& run, upload_item item)
        : run_(run),
          item_(std::move(item)),
          type_(type_of(run_, item_)),
          where_{run.to.container, item_.blob},
          ended_(run.op.stop()) {}

    task<void> run() override {
        auto outcome = co_await send();
        if (!outcome) {
            run_.op.retreat(advanced_);
            run_.op.failed(item_.local, outcome.error(), {item_.local, item_.blob});
        }
    }

private:
    task<result<void>> send() {
        const until u{.stop = ended_.token()};
        ACT_CO_TRY_VOID(u.check());
        ACT_CO_TRY(fd_, file::open_read(item_.local));
        ACT_CO_TRY(before_, file::stat_of(fd_.get(), item_.local));
        ACT_CO_TRY_VOID(check_fits(type_, before_.size, item_.local));
        ACT_CO_TRY(const bool same, co_await same_content(u));
        if (same) {
            ACT_CO_TRY_VOID(finish_source(run_, item_, before_));
            skip(item_.existing);
            co_return result<void>();
        }
        ACT_CO_TRY_VOID(find_pieces());
        ACT_CO_TRY_VOID(co_await before_change(run_));
        ACT_CO_TRY(const bool begun, co_await begin(u));
        if (!begun) co_return result<void>();
        auto written = co_await fill_and_finish(u);
        if (!written) {
            co_await draft_->take_back();
            co_return written.error();
        }
        ACT_CO_TRY_VOID(finish_source(run_, item_, before_));
        run_.op.done("upload", item_.local, before_.size);
        record(run_, item_, before_, *written, plan::md5_hash(md5_text_), false);
        co_return result<void>();
    }

    void skip(const std::optional<blob::properties>& there) {
        run_.op.skipped(item_.local, before_.size);
        if (there) record_left(run_, item_, before_, *there);
    }

    /// By the MD5 that is stored there: only block blobs have ids that tell.
    task<result<bool>> same_content(until u) {
        const auto& there = item_.existing;
        if (!run_.options.compare_content || run_.options.overwrite == plan::overwrite::always || !there ||
            there->type != type_ || !plan::is_whole(*there) || there->size != before_.size ||
            there->content.md5.empty()) {
            co_return false;
        }
        auto hash = [&] { return md5_of(fd_.get(), before_.size, item_.local, u); };
        ACT_CO_TRY(const std::string md5, co_await run_.op.context().runtime.blocking(hash));
        co_return md5 == there->content.md5;
    }

    result<void> find_pieces() {
        if (type_ == blob::blob_type::page) {
            ACT_TRY(const auto data, file::data_of(fd_.get(), before_.size, item_.local));
            pieces_ = parts_of_pages(pages_of(data, before_.size));
        } else if (before_.size > 0) {
            pieces_ = plan::split(before_.size, piece_size);
        }
        return {};
    }

    /// False: something has come there since, and stays.
    task<result<bool>> begin(until u) {
        blob::write_options about = description(run_, item_, before_);
        for (bool again = false;; again = true) {
            draft_.emplace(run_.to.client, where_, type_, before_.size, about);
            auto begun = co_await draft_->begin(u);
            if (begun) co_return true;
            if (again || !may_have_come(item_, begun.error())) co_return begun.error();
            ACT_CO_TRY(const came_since now, co_await look_again(run_, item_, begun.error(), u));
            if (now.stays) {
                skip(now.seen);
                co_return false;
            }
            about.when = as_seen(now.seen);
        }
    }

    task<result<blob::etag>> fill_and_finish(until u) {
        task_group beside;
        result<void> hashed;
        if (run_.options.put_md5) hash_beside(beside, hashed, u);
        auto sent = co_await fill(u);
        if (!sent) ended_.request();
        co_await beside.join();
        ACT_CO_TRY_VOID(sent);
        ACT_CO_TRY_VOID(hashed);
        if (run_.options.put_md5) md5_text_ = md5_header(md5_);
        // Each piece was checked on its way; this tells whether together they are the file at one moment.
        ACT_CO_TRY(const file::status after, file::stat_of(fd_.get(), item_.local));
        if (after.size != before_.size || after.modified != before_.modified) co_return changed();
        co_return co_await draft_->finish(md5_text_, u);
    }

    task<result<void>> fill(until u) {
        if (!pieces_.empty()) {
            ACT_CO_TRY(buffer memory,
                       co_await run_.op.context().buffers.take(blob_builder::memory_for(pieces_), u));
            blob_builder::source read = [this](std::span<std::byte> into, until) { return next(into); };
            auto count = [this](std::uint64_t bytes) { advance(bytes); };
            ACT_CO_TRY_VOID(co_await draft_->fill(std::move(memory), std::move(read), count, u));
        }
        advance(before_.size - advanced_);  // holes
        co_return result<void>();
    }

    task<result<plan::block_range>> next(std::span<std::byte> into) {
        if (next_ == pieces_.size()) co_return plan::block_range();
        const plan::block_range piece = pieces_[next_];
        auto read = [&] {
            return file::read_at(fd_.get(), into.first(static_cast<std::size_t>(piece.length)), piece.offset,
                                 item_.local);
        };
        ACT_CO_TRY(const std::size_t got, co_await run_.op.context().runtime.blocking(read));
        if (got < piece.length) co_return changed();
        if (reading_) reading_->ready(next_);
        ++next_;
        co_return piece;
    }

    /// Follows the pieces through the page cache; holes count as well.
    void hash_beside(task_group& group, result<void>& outcome, until u) {
        auto& context = run_.op.context();
        auto take = [this](std::span<const std::byte> piece) {
            md5_.update(piece);
            return result<void>();
        };
        reading_.emplace(context.runtime, context.buffers, fd_.get(), item_.local, pieces_, before_.size,
                         take);
        auto follow = [](in_order& reading, result<void>& to, until patience) -> task<void> {
            to = co_await reading.run(std::move(patience));
        };
        group.spawn(loop::current(), follow(*reading_, outcome, std::move(u)));
    }

    error changed() const {
        return error(kind::io, item_.local + " changed while it was uploaded",
                     "run the same command again, when it is written no more");
    }

    void advance(std::uint64_t bytes) {
        advanced_ += bytes;
        run_.op.advance(bytes);
    }

    upload_run& run_;
    upload_item item_;
    const blob::blob_type type_;
    blob::address where_;
    stop_source ended_;
    file::descriptor fd_;
    file::status before_;
    std::vector<plan::block_range> pieces_;
    std::size_t next_ = 0;
    std::optional<blob_builder> draft_;
    std::optional<in_order> reading_;  ///< for the MD5 of the whole
    codec::digest md5_{codec::digest::algorithm::md5};
    std::string md5_text_;
    std::uint64_t advanced_ = 0;
};

}  // namespace

std::unique_ptr<job> upload_built(upload_run& run, upload_item item) {
    return std::make_unique<built_upload>(run, std::move(item));
}

}  // namespace act::ops

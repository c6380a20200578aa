#include "engine/codec/base64.hpp"
#include "transfer/ops/file_hash.hpp"
#include "transfer/ops/upload_file.hpp"
#include "transfer/plan/attributes.hpp"

namespace act::ops {

namespace {

/// The content of a small file as it is now, with the size and time that belong to it.
struct content {
    buffer memory;
    std::span<const std::byte> bytes;
    file::status info;
};

class small_upload final : public job {
public:
    small_upload(upload_run& run, upload_item item) : run_(run), item_(std::move(item)) {}

    task<void> run() override {
        auto outcome = co_await send();
        if (!outcome) run_.op.failed(item_.local, outcome.error(), {item_.local, item_.blob});
    }

private:
    task<result<void>> send() {
        const until u = run_.op.patience();
        ACT_CO_TRY_VOID(u.check());
        content file;
        if (item_.info.type == file::type::symlink) {
            file.info = item_.info;
            file.bytes = codec::as_bytes(item_.link_target);
        } else if (!item_.directory_stub) {
            ACT_CO_TRY(file, co_await read(u));
        }
        if (same_content(file)) {
            ACT_CO_TRY_VOID(finish_source(run_, item_, file.info));
            run_.op.skipped(item_.local, file.bytes.size());
            tell(file, item_.existing->etag, true);
            co_return result<void>();
        }

        blob::write_options options = description(run_, item_, file.info);
        if (run_.options.put_md5 && !item_.directory_stub) options.content.md5 = md5_of(file);
        const blob::address where{run_.to.container, item_.blob};
        ACT_CO_TRY_VOID(co_await before_change(run_));
        auto written = co_await run_.to.client.put_blob(where, body_of(file), {}, options, u);
        if (!written && may_have_come(item_, written.error())) {
            ACT_CO_TRY(const came_since now, co_await look_again(run_, item_, written.error(), u));
            if (now.stays) {
                run_.op.skipped(item_.local, file.bytes.size());
                if (now.seen) record_left(run_, item_, file.info, *now.seen);
                co_return result<void>();
            }
            item_.existing = now.seen;
            item_.by_manifest = false;
            if (same_content(file)) {
                run_.op.skipped(item_.local, file.bytes.size());
                tell(file, item_.existing->etag, true);
                co_return result<void>();
            }
            options.when = as_seen(now.seen);
            written = co_await run_.to.client.put_blob(where, body_of(file), {}, options, u);
        }
        if (!written) co_return written.error();
        ACT_CO_TRY_VOID(finish_source(run_, item_, file.info));
        run_.op.advance(file.bytes.size());
        run_.op.done(item_.directory_stub ? "mkdir" : "upload", item_.local, file.bytes.size());
        tell(file, written->etag, false);
        co_return result<void>();
    }

    void tell(const content& file, const blob::etag& etag, bool unchanged) const {
        if (!run_.op.records()) return;
        record(run_, item_, file.info, etag,
               item_.directory_stub ? std::string() : plan::whole_hash(codec::xxh3_of(file.bytes)),
               unchanged);
    }

    static http::body body_of(const content& file) { return http::body::memory(file.bytes); }

    bool same_content(const content& file) const {
        if (item_.by_manifest) {
            const auto known = known_content(run_, item_, file.bytes.size());
            return known && memory_hash(file.bytes, *known) == known->text;
        }
        if (!run_.options.compare_content || run_.options.overwrite == plan::overwrite::always ||
            !item_.existing || !plan::is_whole(*item_.existing) ||
            of_other_type(run_, item_, *item_.existing) ||
            plan::is_link(*item_.existing) != (file.info.type == file::type::symlink)) {
            return false;
        }
        const auto& md5 = item_.existing->content.md5;
        return item_.existing->size == file.bytes.size() && !md5.empty() && md5 == md5_of(file);
    }

    static std::string md5_of(const content& file) {
        return codec::base64_encode(codec::as_bytes(codec::md5_of(file.bytes)));
    }

    task<result<content>> read(until u) {
        ACT_CO_TRY(auto fd, file::open_read(item_.local));
        ACT_CO_TRY(const file::status info, file::stat_of(fd.get(), item_.local));
        if (info.size > std::max(run_.options.single_request, item_.info.size)) {
            co_return error(kind::io, item_.local + " grew while the tree was read",
                            "run the same command again");
        }
        content out;
        out.info = info;
        // One byte more than it should have: a read that fills it shows a file that grew.
        ACT_CO_TRY(out.memory, co_await run_.op.context().buffers.take(info.size + 1, u));
        ACT_CO_TRY(const std::size_t size, file::read_at(fd.get(), out.memory.span(), 0, item_.local));
        out.bytes = out.memory.span().first(size);
        if (size != info.size) {
            co_return error(kind::io, item_.local + " changed while it was read",
                            "run the same command again");
        }
        co_return std::move(out);
    }

    upload_run& run_;
    upload_item item_;
};

}  // namespace

blob::conditions as_seen(const std::optional<blob::properties>& existing) {
    return existing ? blob::conditions::matching(existing->etag) : blob::conditions::absent();
}

error folder_in_the_way(const upload_item& item) {
    return error(kind::conflict, "a folder stands at blob '" + item.blob + "'",
                 "remove it with `act rm`, then run the same command again");
}

blob::conditions when_to_write(const upload_run& run, const upload_item& item) {
    if (!item.looked && run.options.overwrite == plan::overwrite::always) return {};
    return as_seen(item.existing);
}

std::unique_ptr<job> upload_small(upload_run& run, upload_item item) {
    return std::make_unique<small_upload>(run, std::move(item));
}

}  // namespace act::ops

#include <algorithm>

#include "transfer/ops/copy_blob.hpp"
#include "transfer/plan/attributes.hpp"

namespace act::ops {

namespace {

using namespace std::chrono_literals;

constexpr steady::duration first_look = 100ms;
constexpr steady::duration longest_pause = 5s;
// What is given to the service to take back a copy, after a stop too.
constexpr auto time_to_abort = 10s;

const char* name_of(blob::blob_type t) {
    return t == blob::blob_type::append ? "an append blob" : "a page blob";
}

/// An append or page blob: the service copies it by itself (Copy Blob, blob-rest.md section 8), or it is
/// built anew through this machine. Both empty the destination at once. So it goes only to where nothing
/// stands, unless that was asked for; what a copy that failed has left there is taken away.
class whole_copy final : public blob_copy {
public:
    using blob_copy::blob_copy;

private:
    task<result<void>> send() override {
        const until u = run_.op.patience();
        copy_link& link = run_.from.link;
        const auto form = copy_link::form::whole_blob;
        if (auto taken = in_the_way()) co_return *taken;
        auto verdict = copy_link::verdict::relay;
        auto refused = result<void>();
        if (link.may(form)) {
            refused = co_await copy_blob(u);
            if (refused) {
                advance(item_.source.size);
                done(way::server_side);
                co_return result<void>();
            }
            verdict = begun_ ? copy_link::verdict::failed : copy_link::judge(refused.error());
            if (verdict == copy_link::verdict::failed) co_return refused;
            if (verdict == copy_link::verdict::refused) link.remember(form, refused.error());
        }
        ACT_CO_TRY_VOID(co_await rebuild(u));
        if (verdict == copy_link::verdict::suspect) link.remember(form, refused.error());
        done(way::through_client);
        co_return result<void>();
    }

    task<result<void>> copy_blob(until u) {
        begun_ = false;
        const request_to_copy ask = [&](blob::copy_origin from) { return copy_and_wait(std::move(from), u); };
        co_return co_await by_service(copy_link::form::whole_blob, ask, u);
    }

    task<result<void>> copy_and_wait(blob::copy_origin from, until u) {
        const auto form = blob::copy_form::automatic_async;
        ACT_CO_TRY(auto copy, co_await run_.to.client.copy(form, std::move(from), to_, description(), u));
        begun_ = true;
        // The ETag of a copy that was still going on is not that of what it became.
        if (copy.status == "success") wrote(std::move(copy.written.etag));
        auto ended = copy.status == "success" ? result<void>() : co_await wait_for(copy.copy_id, u);
        if (!ended) co_await take_back(copy.copy_id);
        if (ended) ended = co_await set_headers(u);
        co_return ended;
    }

    /// Copy Blob takes none: the copy has its source's until then.
    task<result<void>> set_headers(until u) {
        const auto& headers = run_.options.given.headers;
        if (headers.empty()) co_return result<void>();
        ACT_CO_TRY(const blob::properties there, co_await run_.to.client.head(to_, u));
        const auto unchanged_since = blob::conditions::matching(there.etag);
        auto wanted = plan::merged_headers(there.content, headers);
        ACT_CO_TRY(auto set,
                   co_await run_.to.client.set_content_headers(to_, std::move(wanted), unchanged_since, u));
        wrote(std::move(set.etag));
        co_return result<void>();
    }

    std::optional<error> in_the_way() const {
        const auto& there = item_.existing;
        if (!there) return std::nullopt;
        if (there->copy_status == "pending") {
            return error(kind::conflict,
                         "blob '" + to_.name + "' at the destination is still being copied by the service",
                         "wait until that has ended, then run the same command again");
        }
        const bool holds_nothing = there->copy_status == "failed" || there->copy_status == "aborted";
        // Of a run that was killed; should it still go on, its next write is refused.
        const bool left_behind = plan::unfinished(there->metadata);
        if (run_.options.overwrite == plan::overwrite::always || left_behind ||
            (holds_nothing && there->size == 0)) {
            return std::nullopt;
        }
        return error(kind::conflict,
                     std::string("blob '") + from_.name + "' is " + name_of(item_.source.type) +
                         ", and another version of it stands at the destination: a copy that fails would "
                         "lose that",
                     "remove it first, or use --force to replace it all the same");
    }

    task<result<void>> wait_for(std::string id, until u) {
        auto pause = first_look;
        for (;;) {
            ACT_CO_TRY_VOID(co_await sleep_for(pause, u));
            ACT_CO_TRY(const blob::properties there, co_await run_.to.client.head(to_, u));
            if (there.copy_id != id) {
                co_return error(kind::precondition,
                                "blob '" + to_.name +
                                    "' at the destination was written by somebody else "
                                    "while it was copied",
                                "run the same command again");
            }
            if (there.copy_status == "success") co_return result<void>();
            if (there.copy_status != "pending") {
                co_return error(kind::conflict,
                                "the service's copy of blob '" + from_.name + "' ended as " +
                                    there.copy_status +
                                    (there.copy_description.empty() ? "" : ": " + there.copy_description),
                                "run the same command again");
            }
            pause = std::min(longest_pause, pause * 3 / 2);
        }
    }

    /// The operation's stop does not count here: an unfinished copy would go on, and be in the way for two
    /// weeks.
    task<void> take_back(std::string id) {
        const until u = until().within(time_to_abort);
        (void)co_await run_.to.client.abort_copy(to_, id, u);
        auto left = co_await run_.to.client.head(to_, u);
        if (!left || left->copy_id != id || left->copy_status == "success") co_return;
        const auto unchanged_since = blob::conditions::matching(left->etag);
        (void)co_await run_.to.client.remove(to_, blob::snapshots::refuse, unchanged_since, u);
    }

    bool begun_ = false;  ///< the service has said yes
};

}  // namespace

std::unique_ptr<job> copy_whole(copy_run& run, copy_item item) {
    return std::make_unique<whole_copy>(run, std::move(item));
}

}  // namespace act::ops

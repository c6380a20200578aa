#include <fmt/format.h>

#include "transfer/blob/documents.hpp"
#include "transfer/client/impl.hpp"

namespace act::blob {
namespace {

constexpr std::size_t longest_tags = 64 * 1024, longest_properties = 64 * 1024;

void add_snapshots(http::fields& f, snapshots s) {
    if (s == snapshots::include) f.add("x-ms-delete-snapshots", "include");
    if (s == snapshots::only) f.add("x-ms-delete-snapshots", "only");
}

}  // namespace

task<result<client::copy_result>> client::copy(copy_form form, copy_origin from, address to,
                                               write_options options, until u) {
    const auto began = steady::now();
    ACT_CO_TRY(auto op, impl_->start(http::verb::put, to, {}));
    if (form == copy_form::automatic_async && !from.authorization.empty()) {
        co_return error(kind::unsupported, op.what + ": Copy Blob takes no token for its source",
                        "use another form, or a SAS");
    }
    const blob::encryption& encrypted = impl_->account.encryption;
    if (form != copy_form::put_from_url &&
        (from.key || encrypted.key || (form == copy_form::automatic_async && encrypted.given()))) {
        co_return error(kind::unsupported, op.what + ": this form of copy takes no encryption key or scope",
                        "use another form");
    }
    auto& headers = op.request.headers;
    add_origin(headers, from);
    ACT_CO_TRY_VOID(impl_->encrypt(op));
    ACT_CO_TRY_VOID(impl_->open_source(op, from));
    if (form == copy_form::put_from_url) {
        headers.add("x-ms-blob-type", "BlockBlob");
    } else {
        if (form == copy_form::sync_from_url) headers.add("x-ms-requires-sync", "true");
        options.content = {};  // these forms always take the source's
    }
    ACT_CO_TRY_VOID(add_options(headers, options));
    add_conditions(headers, options.when);
    unsigned tries = 1;
    auto answer = co_await impl_->run(op, http::body::none(), u, &tries);
    copy_result out;
    if (!answer) {
        error refused = answer.error();
        if (form != copy_form::put_from_url || tries < 2 || !conditional(options.when) ||
            !condition_failed(refused) || refused.code() == "SourceConditionNotMet") {
            co_return refused;
        }
        // The reply to an earlier try may have been lost after the service had done it. The content is not
        // known here: its checksum tells, else metadata that nobody else would write.
        auto found = co_await impl_->written_before(to, options, began, u);
        const std::string& md5 = options.content.md5;
        const bool telling = md5.empty() ? !options.metadata.empty() : found && found->content.md5 == md5;
        if (!found || found->size != from.size || !telling) co_return refused;
        out.written = result_of(*found);
        out.status = "success";
        co_return out;
    }
    out.written = written(answer->head());
    out.copy_id = answer->head().headers.get("x-ms-copy-id");
    out.status = answer->head().headers.get("x-ms-copy-status");
    if (out.status.empty()) out.status = "success";
    co_return out;
}

task<result<void>> client::abort_copy(address at, std::string copy_id, until u) {
    ACT_CO_TRY(auto op, impl_->start(http::verb::put, at, "comp=copy&copyid=" + encode_component(copy_id)));
    op.request.headers.add("x-ms-copy-action", "abort");
    ACT_CO_TRY_VOID(co_await impl_->run(op, http::body::none(), u));
    co_return result<void>();
}

task<result<void>> client::impl::remove(operation& op, until u) {
    unsigned tries = 1;
    auto answer = co_await run(op, http::body::none(), u, &tries);
    if (!answer && !(tries > 1 && answer.error().status() == 404)) co_return answer.error();
    co_return result<void>();
}

task<result<void>> client::remove(address at, snapshots what, conditions when, until u) {
    ACT_CO_TRY(auto op, impl_->start(http::verb::del, at, {}));
    add_snapshots(op.request.headers, what);
    add_conditions(op.request.headers, when);
    co_return co_await impl_->remove(op, u);
}

task<result<void>> client::remove_snapshot(address at, std::string snapshot, until u) {
    ACT_CO_TRY(auto op, impl_->start(http::verb::del, at, "snapshot=" + encode_component(snapshot)));
    co_return co_await impl_->remove(op, u);
}

task<result<void>> client::remove_version(address at, std::string version, until u) {
    ACT_CO_TRY(auto op, impl_->start(http::verb::del, at, "versionid=" + encode_component(version)));
    co_return co_await impl_->remove(op, u);
}

task<result<void>> client::undelete(address at, std::string deletion_id, until u) {
    ACT_CO_TRY(auto op, impl_->start(http::verb::put, at, "comp=undelete"));
    if (!deletion_id.empty()) {
        op.request.headers.add("x-ms-undelete-source", encode_path(at.name) + "?deletionid=" + deletion_id);
    }
    ACT_CO_TRY_VOID(co_await impl_->run(op, http::body::none(), u));
    co_return result<void>();
}

task<result<unsigned>> client::soft_delete_days(until u) {
    auto op = impl_->start_account(http::verb::get, "restype=service&comp=properties");
    ACT_CO_TRY(const auto text,
               co_await impl_->fetch(op, http::body::none(), longest_properties, nullptr, u));
    const auto days = read_soft_delete(text);
    if (!days) {
        error bad = days.error();
        co_return std::move(bad).in(op.what);
    }
    co_return days->value_or(0);
}

task<result<void>> client::set_tier(address at, std::string tier, until u, std::string rehydrate) {
    ACT_CO_TRY(auto op, impl_->start(http::verb::put, at, "comp=tier"));
    op.request.headers.add("x-ms-access-tier", tier);
    if (!rehydrate.empty()) op.request.headers.add("x-ms-rehydrate-priority", rehydrate);
    ACT_CO_TRY_VOID(co_await impl_->run(op, http::body::none(), u));
    co_return result<void>();
}

task<result<write_result>> client::set_metadata(address at, metadata m, conditions when, until u,
                                                std::string scope) {
    ACT_CO_TRY(auto op, impl_->start(http::verb::put, at, "comp=metadata"));
    ACT_CO_TRY_VOID(check_metadata(m));
    // A blob is under the one or the other.
    if (scope.empty()) ACT_CO_TRY_VOID(impl_->open(op));
    if (!scope.empty()) op.request.headers.add("x-ms-encryption-scope", scope);
    add_metadata(op.request.headers, m);
    add_conditions(op.request.headers, when);
    ACT_CO_TRY(auto answer, co_await impl_->run(op, http::body::none(), u));
    co_return written(answer.head());
}

task<result<write_result>> client::set_content_headers(address at, content_headers content, conditions when,
                                                       until u) {
    ACT_CO_TRY(auto op, impl_->start(http::verb::put, at, "comp=properties"));
    add_content(op.request.headers, content);
    add_conditions(op.request.headers, when);
    ACT_CO_TRY(auto answer, co_await impl_->run(op, http::body::none(), u));
    co_return written(answer.head());
}

task<result<void>> client::set_tags(address at, std::map<std::string, std::string> wanted, until u) {
    ACT_CO_TRY(auto op, impl_->start(http::verb::put, at, "comp=tags"));
    ACT_CO_TRY_VOID(check_tags(wanted));
    const auto document = write_tags(wanted);
    op.request.headers.add("Content-Type", "application/xml; charset=UTF-8");
    ACT_CO_TRY_VOID(co_await impl_->run(op, http::body::text(document), u));
    co_return result<void>();
}

task<result<std::map<std::string, std::string>>> client::get_tags(address at, until u) {
    ACT_CO_TRY(auto op, impl_->start(http::verb::get, at, "comp=tags"));
    ACT_CO_TRY(auto text, co_await impl_->fetch(op, http::body::none(), longest_tags, nullptr, u));
    auto found = read_tags(text);
    if (!found) {
        error bad = found.error();
        co_return std::move(bad).in(op.what);
    }
    co_return found;
}

task<result<std::string>> client::snapshot(address at, until u, std::string scope) {
    ACT_CO_TRY(auto op, impl_->start(http::verb::put, at, "comp=snapshot"));
    // A blob is under the one or the other.
    if (scope.empty()) ACT_CO_TRY_VOID(impl_->open(op));
    if (!scope.empty()) op.request.headers.add("x-ms-encryption-scope", scope);
    ACT_CO_TRY(auto answer, co_await impl_->run(op, http::body::none(), u));
    std::string id(answer.head().headers.get("x-ms-snapshot"));
    if (id.empty())
        co_return error(kind::protocol, fmt::format("{}: the service named no snapshot", op.what));
    co_return id;
}

}  // namespace act::blob

#include <algorithm>
#include <random>

#include <fmt/format.h>

#include "transfer/blob/batch.hpp"
#include "transfer/client/impl.hpp"

namespace act::blob {
namespace {

/// 256 parts with the longest errors stay well below.
constexpr std::size_t longest_answer = 8u << 20;

std::string fresh_boundary() {
    std::random_device device;
    return fmt::format("batch_{:08x}-{:08x}-{:08x}", device(), device(), device());
}

error no_batch(std::string_view what, const error& cause) {
    return error(kind::unsupported, fmt::format("{}: the service has no batches", what),
                 "Remove the blobs one by one.")
        .with_service(cause.code(), cause.status(), cause.request_id());
}

/// How services that do not know Blob Batch refuse it; others say 501 or 405, which are folded to
/// `unsupported`.
bool unknown_there(const error& e) {
    // A 500 without a code: Azurite and account SAS.
    return e.kind() == kind::unsupported || (e.status() == 500 && e.code().empty()) ||
           e.code() == "InvalidQueryParameterValue" || e.code() == "UnsupportedQueryParameter" ||
           e.code() == "UnsupportedHttpVerb";
}

/// The time of a snapshot or version with its colons as they are: Azurite does not decode the queries of
/// parts.
std::string encode_time(std::string_view time) {
    std::string out;
    for (std::string_view rest = time;;) {
        auto colon = rest.find(':');
        out += encode_component(rest.substr(0, colon));
        if (colon == rest.npos) return out;
        out.push_back(':');
        rest.remove_prefix(colon + 1);
    }
}

batch_outcome outcome_of(const batch_part& part) {
    auto e = read_error(batch_status(part), part.headers, part.body);
    return {.status = e.status, .code = std::move(e.code), .message = std::move(e.message)};
}

}  // namespace

task<result<std::vector<batch_outcome>>> client::remove_batch(std::string container,
                                                              std::vector<batch_item> items, snapshots what,
                                                              until u) {
    if (items.empty()) co_return std::vector<batch_outcome>();
    ACT_CO_TRY(auto op, impl_->start_container(http::verb::post, container, "restype=container&comp=batch"));
    if (items.size() > max_batch) {
        co_return error(kind::internal, fmt::format("{}: a batch of {} is too large", op.what, items.size()));
    }
    batch_writer writer(fresh_boundary());
    for (std::size_t i = 0; i < items.size(); ++i) {
        ACT_CO_TRY_VOID(check_blob_name(items[i].name));
        // Each part is a request of its own to the authorizer, but without a version: the outer one's
        // applies.
        http::request part;
        part.method = http::verb::del;
        part.target = impl_->base + encode_blob_path(container, items[i].name);
        if (!items[i].snapshot.empty()) {
            part.target += "?snapshot=" + encode_time(items[i].snapshot);
        } else if (!items[i].version.empty()) {
            part.target += "?versionid=" + encode_time(items[i].version);
        } else if (what == snapshots::include) {
            part.headers.add("x-ms-delete-snapshots", "include");
        } else if (what == snapshots::only) {
            part.headers.add("x-ms-delete-snapshots", "only");
        }
        if (!items[i].etag.empty()) part.headers.add("If-Match", items[i].etag.text);
        if (impl_->authorizer)
            ACT_CO_TRY_VOID(co_await impl_->authorizer->authorize(part, impl_->endpoint, 0, u));
        part.headers.add("Content-Length", "0");
        batch_part wrapped;
        wrapped.id = static_cast<unsigned>(i);
        wrapped.first_line = fmt::format("DELETE {} HTTP/1.1", part.target);
        wrapped.headers = std::move(part.headers);
        writer.add(wrapped);
    }
    op.request.headers.add("Content-Type", writer.content_type());
    const auto body = writer.finish();
    http::fields headers;
    unsigned tries = 0;
    auto text = co_await impl_->fetch(op, http::body::text(body), longest_answer, &headers, u, &tries);
    if (!text) co_return unknown_there(text.error()) ? no_batch(op.what, text.error()) : text.error();

    auto parts = read_batch(headers.get("Content-Type"), *text);
    if (!parts) {
        error bad = parts.error();
        co_return std::move(bad).in(op.what);
    }
    std::vector<batch_outcome> out(items.size());
    for (const auto& part : *parts) {
        if (!part.id) {
            // The whole batch was refused, inside of an answer that says success.
            error refused = fold(read_error(batch_status(part), part.headers, part.body), op.what);
            co_return unknown_there(refused) ? no_batch(op.what, refused) : refused;
        }
        if (*part.id >= out.size()) continue;
        out[*part.id] = outcome_of(part);
        out[*part.id].repeated = tries > 1;
    }
    co_return out;
}

}  // namespace act::blob

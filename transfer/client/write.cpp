#include <fmt/format.h>

#include "engine/codec/base64.hpp"
#include "engine/codec/hash.hpp"
#include "engine/core/log.hpp"
#include "engine/http/hedge.hpp"
#include "transfer/client/body_hash.hpp"
#include "transfer/client/impl.hpp"

namespace act::blob {
namespace {

/// How far the service's clock and ours may tick apart within one call; dates on the wire are whole seconds.
constexpr auto clock_slack = std::chrono::seconds(3);

bool refuses_checksum(const error& e) {
    return e.code() == "FeatureNotSupported" || (e.status() == 400 && e.code() == "UnsupportedHeader");
}

}  // namespace

task<result<http::exchange>> client::impl::run_checked(const operation& op, const http::body& body,
                                                       body_checksum given, until u, unsigned* tries) {
    if (body.length == 0) co_return co_await run(op, body, u, tries);
    for (;;) {
        auto chosen = co_await checksums->choose(u);
        if (!chosen) co_return chosen.error();
        operation with_sum = op;
        auto& headers = with_sum.request.headers;
        if (chosen->kind() == checksum::crc64) {
            if (!given.crc64) {
                ACT_CO_TRY(given.crc64, co_await body_crc64(body, u));
            }
            headers.add("x-ms-content-crc64", codec::crc64_header(*given.crc64));
        } else if (chosen->kind() == checksum::md5) {
            ACT_CO_TRY(auto md5, co_await body_md5(body, u));
            headers.add("Content-MD5", codec::base64_encode(codec::as_bytes(md5)));
        }
        auto answer = co_await run(with_sum, body, u, tries);
        if (answer) {
            chosen->accepted();
        } else if (chosen->kind() != checksum::none && refuses_checksum(answer.error())) {
            chosen->refused();
            continue;
        }
        co_return answer;
    }
}

task<std::optional<properties>> client::impl::written_before(const address& at, const write_options& options,
                                                             steady::time_point since, until u) {
    auto op = start(http::verb::head, at, {});
    if (!op || !open(*op)) co_return std::nullopt;
    auto answer = co_await run(*op, http::body::none(), u);
    if (!answer) co_return std::nullopt;
    const auto& head = answer->head();
    auto found = read_properties(head.headers, head.status, head.content_length);
    auto date = parse_http_date(head.headers.get("Date"));
    if (!found || !date) co_return std::nullopt;
    // By the service's own clock: written since this call began, and by somebody who wrote the very same.
    auto began =
        *date - std::chrono::duration_cast<std::chrono::nanoseconds>(steady::now() - since) - clock_slack;
    if (found->modified < began || found->metadata != options.metadata) co_return std::nullopt;
    co_return std::move(*found);
}

task<result<write_result>> client::put_blob(address at, http::body body, body_checksum sum,
                                            write_options options, until u) {
    const auto began = steady::now();
    ACT_CO_TRY(auto op, impl_->start(http::verb::put, at, {}));
    auto& headers = op.request.headers;
    headers.add("x-ms-blob-type", "BlockBlob");
    ACT_CO_TRY_VOID(impl_->encrypt(op));
    ACT_CO_TRY_VOID(add_options(headers, options));
    add_conditions(headers, options.when);
    unsigned tries = 1;
    auto answer = co_await impl_->run_checked(op, body, sum, u, &tries);
    if (answer) co_return written(answer->head());
    error refused = answer.error();
    if (tries < 2 || !conditional(options.when) || !condition_failed(refused)) co_return refused;
    // The reply to an earlier try may have been lost after the service had done it. Put Blob stores the MD5
    // of what it got, so that content decides.
    auto found = co_await impl_->written_before(at, options, began, u);
    if (!found || found->size != body.length || found->content.md5.empty()) co_return refused;
    ACT_CO_TRY(auto md5, co_await body_md5(body, u));
    if (found->content.md5 != codec::base64_encode(codec::as_bytes(md5))) co_return refused;
    log::debug("{}: an earlier try had written it, its reply was lost", op.what);
    co_return result_of(*found);
}

task<result<write_result>> client::create_append_blob(address at, write_options options, until u) {
    ACT_CO_TRY(auto op, impl_->start(http::verb::put, at, {}));
    op.request.headers.add("x-ms-blob-type", "AppendBlob");
    ACT_CO_TRY_VOID(impl_->encrypt(op));
    ACT_CO_TRY_VOID(add_options(op.request.headers, options));
    add_conditions(op.request.headers, options.when);
    ACT_CO_TRY(auto answer, co_await impl_->run(op, http::body::none(), u));
    co_return written(answer.head());
}

task<result<write_result>> client::create_page_blob(address at, std::uint64_t size, write_options options,
                                                    until u) {
    ACT_CO_TRY(auto op, impl_->start(http::verb::put, at, {}));
    if (size % 512 != 0) {
        co_return error(kind::usage,
                        fmt::format("{}: the size of a page blob must be a multiple of 512", op.what));
    }
    op.request.headers.add("x-ms-blob-type", "PageBlob");
    op.request.headers.add("x-ms-blob-content-length", size);
    ACT_CO_TRY_VOID(impl_->encrypt(op));
    ACT_CO_TRY_VOID(add_options(op.request.headers, options));
    add_conditions(op.request.headers, options.when);
    ACT_CO_TRY(auto answer, co_await impl_->run(op, http::body::none(), u));
    co_return written(answer.head());
}

task<result<void>> client::put_block(address at, std::string block_id, http::body body, body_checksum sum,
                                     std::string lease_id, until u) {
    ACT_CO_TRY(auto op,
               impl_->start(http::verb::put, at, "comp=block&blockid=" + encode_component(block_id)));
    ACT_CO_TRY_VOID(impl_->encrypt(op));
    if (!lease_id.empty()) op.request.headers.add("x-ms-lease-id", lease_id);
    // The same id and content twice is the same as once.
    auto send = [&](until w) -> task<result<void>> {
        ACT_CO_TRY_VOID(co_await impl_->run_checked(op, body, sum, w));
        co_return result<void>();
    };
    co_return co_await http::hedged(impl_->pipeline, body.length, send, send, std::move(u));
}

task<result<void>> client::put_block_from_url(address at, std::string block_id, copy_origin from, range part,
                                              until u) {
    ACT_CO_TRY(auto op,
               impl_->start(http::verb::put, at, "comp=block&blockid=" + encode_component(block_id)));
    add_origin(op.request.headers, from);
    ACT_CO_TRY_VOID(impl_->encrypt(op));
    ACT_CO_TRY_VOID(impl_->open_source(op, from));
    if (part.length != 0) op.request.headers.add("x-ms-source-range", range_header(part));
    ACT_CO_TRY_VOID(co_await impl_->run(op, http::body::none(), u));
    co_return result<void>();
}

task<result<write_result>> client::put_block_list(address at, std::vector<std::string> ids,
                                                  write_options options, until u) {
    const auto began = steady::now();
    ACT_CO_TRY(auto op, impl_->start(http::verb::put, at, "comp=blocklist"));
    if (ids.size() > max_blocks) {
        co_return error(
            kind::usage,
            fmt::format("{}: {} blocks are too many, the limit is {}", op.what, ids.size(), max_blocks),
            "Use a larger block size.");
    }
    ACT_CO_TRY_VOID(impl_->encrypt(op));
    ACT_CO_TRY_VOID(add_options(op.request.headers, options));
    add_conditions(op.request.headers, options.when);
    const auto document = write_block_references(ids);
    unsigned tries = 1;
    auto answer = co_await impl_->run_checked(op, http::body::text(document), {}, u, &tries);
    if (answer) {
        auto out = written(answer->head());
        out.content_md5 = options.content.md5;  // the header's is of the document
        co_return out;
    }
    error refused = answer.error();
    if (tries < 2 || !conditional(options.when) || !condition_failed(refused)) co_return refused;
    auto found = co_await impl_->written_before(at, options, began, u);
    if (!found) co_return refused;
    auto list = co_await get_block_list(at, true, false, u);
    if (!list) co_return refused;
    bool same = std::equal(list->committed.begin(), list->committed.end(), ids.begin(), ids.end(),
                           [](const block_entry& b, const std::string& id) { return b.id == id; });
    if (!same) co_return refused;
    log::debug("{}: an earlier try had committed it, its reply was lost", op.what);
    co_return result_of(*found);
}

task<result<block_list>> client::get_block_list(address at, bool committed, bool uncommitted, until u) {
    constexpr std::size_t longest = 64u << 20;  // 150,000 entries of the longest ids
    const char* type = committed && uncommitted ? "all" : uncommitted ? "uncommitted" : "committed";
    ACT_CO_TRY(auto op,
               impl_->start(http::verb::get, at, fmt::format("comp=blocklist&blocklisttype={}", type)));
    ACT_CO_TRY(auto text, co_await impl_->fetch(op, http::body::none(), longest, nullptr, u));
    auto list = read_block_list(text);
    if (!list) {
        error bad = list.error();
        co_return std::move(bad).in(op.what);
    }
    co_return list;
}

task<result<write_result>> client::append_block(address at, http::body body, std::uint64_t expected_offset,
                                                until u, conditions when) {
    ACT_CO_TRY(auto op, impl_->start(http::verb::put, at, "comp=appendblock"));
    op.request.headers.add("x-ms-blob-condition-appendpos", expected_offset);
    ACT_CO_TRY_VOID(impl_->encrypt(op));
    add_conditions(op.request.headers, when);
    unsigned tries = 1;
    auto answer = co_await impl_->run_checked(op, body, {}, u, &tries);
    if (answer) co_return written(answer->head());
    error refused = answer.error();
    if (tries < 2 || refused.code() != "AppendPositionConditionNotMet") co_return refused;
    // An earlier try may have appended it: then the blob is longer by just this much.
    auto now_there = co_await head(at, u);
    if (!now_there || now_there->size != expected_offset + body.length) co_return refused;
    co_return result_of(*now_there);
}

task<result<write_result>> client::put_page(address at, range part, http::body body, until u,
                                            conditions when) {
    ACT_CO_TRY(auto op, impl_->start(http::verb::put, at, "comp=page"));
    if (part.length == 0 || part.length != body.length || part.offset % 512 != 0 || part.length % 512 != 0) {
        co_return error(kind::usage, fmt::format("{}: pages are written in multiples of 512 bytes", op.what));
    }
    op.request.headers.add("x-ms-page-write", "update");
    ACT_CO_TRY_VOID(impl_->encrypt(op));
    op.request.headers.add("x-ms-range", range_header(part));
    add_conditions(op.request.headers, when);
    ACT_CO_TRY(auto answer, co_await impl_->run_checked(op, body, {}, u));
    co_return written(answer.head());
}

}  // namespace act::blob

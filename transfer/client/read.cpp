#include <fmt/format.h>

#include "engine/codec/base64.hpp"
#include "engine/codec/hash.hpp"
#include "transfer/client/impl.hpp"

namespace act::blob {
namespace {

/// Small enough to be hashed while it is still in the cache.
constexpr std::size_t tile = 256 * 1024;

error not_as_asked(std::string_view what, std::string_view why) {
    return error(kind::protocol, fmt::format("{}: {}", what, why),
                 "Check the endpoint: something else than the Blob service may have answered.");
}

std::optional<std::uint64_t> crc_of(std::string_view header) {
    auto raw = codec::base64_decode(header);
    if (!raw || raw->size() != 8) return std::nullopt;
    std::uint64_t crc = 0;
    for (int i = 7; i >= 0; --i)
        crc = crc << 8 | static_cast<unsigned char>((*raw)[static_cast<std::size_t>(i)]);
    return crc;
}

/// The checks that make an answer one to this request, and its description.
result<download> described(http::exchange answer, const address& at, const std::optional<range>& part,
                           std::string_view what) {
    const auto& head = answer.head();
    if (!head.content_length) return not_as_asked(what, "the answer has no length");
    const auto length = *head.content_length;
    // Some servers answer a range of an empty blob with 206 and a Content-Range that makes no sense.
    const int status = length == 0 ? 200 : head.status;
    auto p = read_properties(head.headers, status, length);
    if (!p) {
        error bad = p.error();
        return std::move(bad).in(what);
    }
    if (part && part->length != 0 && length != 0) {
        if (status == 206) {
            auto range = parse_content_range(head.headers.get("Content-Range"));
            if (!range || range->first != part->offset || range->last - range->first + 1 != length ||
                length > part->length) {
                return not_as_asked(what, "the answer holds another range than was asked for");
            }
        } else if (part->offset != 0 || length > part->length) {
            return not_as_asked(what, "the server does not answer ranges");
        }
    }
    p->name = at.name;
    const auto total = p->size;
    auto crc = crc_of(head.headers.get("x-ms-content-crc64"));
    // Without a range this header is a property that somebody set, and proves nothing about these bytes.
    std::string md5(status == 206 ? head.headers.get("Content-MD5") : "");
    return download{std::move(answer), std::move(*p), total, length, crc, std::move(md5)};
}

}  // namespace

task<result<download>> client::get(address at, std::optional<range> part, conditions when, until u) {
    ACT_CO_TRY(auto plain, impl_->start(http::verb::get, at, {}));
    ACT_CO_TRY_VOID(impl_->open(plain));
    add_conditions(plain.request.headers, when);
    for (;;) {
        operation op = plain;
        std::optional<checksum_choice::turn> chosen;
        const bool ranged = part && part->length != 0;
        if (ranged) {
            op.request.headers.add("x-ms-range", range_header(*part));
            op.request.answer_bytes = part->length;
            if (part->length <= max_checked_range) {
                auto turn = co_await impl_->checksums->choose(u);
                if (!turn) co_return turn.error();
                chosen.emplace(std::move(*turn));
                if (chosen->kind() == checksum::crc64)
                    op.request.headers.add("x-ms-range-get-content-crc64", "true");
                if (chosen->kind() == checksum::md5)
                    op.request.headers.add("x-ms-range-get-content-md5", "true");
            }
        }
        auto answer = co_await impl_->run(op, http::body::none(), u);
        if (answer) {
            if (chosen && chosen->probing() && answer->head().status == 206) {
                // Who answers without it has no such thing, even without saying so.
                answer->head().headers.has("x-ms-content-crc64") ? chosen->accepted() : chosen->refused();
            }
            co_return described(std::move(*answer), at, part, op.what);
        }
        if (chosen && chosen->kind() != checksum::none && answer.error().code() == "FeatureNotSupported") {
            chosen->refused();
        } else if (ranged && part->offset == 0 && answer.error().status() == 416) {
            // Nothing at offset 0: the blob is empty, and no range of it exists.
            part.reset();
        } else {
            co_return answer.error();
        }
    }
}

task<result<void>> client::read_verified(download& d, std::span<std::byte> into, until u) {
    if (into.size() != d.length) {
        co_return error(kind::internal,
                        fmt::format("{}: a buffer of {} bytes for {}", d.info.name, into.size(), d.length));
    }
    const bool by_crc = d.range_crc64.has_value(), by_md5 = !by_crc && !d.range_md5.empty();
    std::optional<codec::digest> md5;
    if (by_md5) md5.emplace(codec::digest::algorithm::md5);
    std::uint64_t crc = 0;
    for (std::size_t done = 0; done < into.size();) {
        auto piece =
            by_crc || by_md5 ? into.subspan(done, std::min(tile, into.size() - done)) : into.subspan(done);
        auto got = co_await d.body.read(piece, u);
        if (!got) {
            error broken = got.error();
            if (broken.kind() == kind::stopped) co_return broken;
            co_return std::move(broken).in(d.info.name);
        }
        if (*got != piece.size()) {
            co_return error(kind::unavailable, fmt::format("{}: the answer ended after {} of {} bytes",
                                                           d.info.name, done + *got, into.size()));
        }
        if (by_crc) crc = codec::crc64(crc, piece);
        if (by_md5) md5->update(piece);
        done += piece.size();
    }
    bool good = true;
    if (by_crc) good = crc == *d.range_crc64;
    if (by_md5) {
        auto sum = md5->finish();
        good = codec::base64_encode(codec::as_bytes(sum)) == d.range_md5;
    }
    if (!good) {
        co_return error(kind::integrity,
                        fmt::format("{}: {} bytes do not have the checksum that the service gave for them",
                                    d.info.name, into.size()),
                        "The data was damaged on its way; run the command again, and check memory and "
                        "network if it recurs.");
    }
    co_return result<void>();
}

task<result<properties>> client::head(address at, until u) {
    ACT_CO_TRY(auto op, impl_->start(http::verb::head, at, {}));
    ACT_CO_TRY_VOID(impl_->open(op));
    ACT_CO_TRY(auto answer, co_await impl_->run(op, http::body::none(), u));
    auto p = read_properties(answer.head().headers, answer.head().status, answer.head().content_length);
    if (!p) {
        error bad = p.error();
        co_return std::move(bad).in(op.what);
    }
    p->name = at.name;
    co_return p;
}

task<result<std::vector<range>>> client::get_page_ranges(address at, conditions when, until u) {
    constexpr std::size_t longest = 64u << 20;
    std::vector<range> all;
    std::string marker;
    do {
        std::string query = "comp=pagelist";
        if (!marker.empty()) query += "&marker=" + encode_component(marker);
        ACT_CO_TRY(auto op, impl_->start(http::verb::get, at, query));
        add_conditions(op.request.headers, when);
        ACT_CO_TRY(auto text, co_await impl_->fetch(op, http::body::none(), longest, nullptr, u));
        auto page = read_page_list(text);
        if (!page) {
            error bad = page.error();
            co_return std::move(bad).in(op.what);
        }
        const std::uint64_t end = all.empty() ? 0 : all.back().offset + all.back().length;
        if (!page->ranges.empty() && page->ranges.front().offset < end)
            co_return not_as_asked(op.what, "the list of its pages goes backwards");
        // An answer with a marker and nothing else would be asked for again for ever.
        if (page->ranges.empty() && !page->next_marker.empty())
            co_return not_as_asked(op.what, "the list of its pages does not go on");
        all.insert(all.end(), page->ranges.begin(), page->ranges.end());
        marker = std::move(page->next_marker);
    } while (!marker.empty());
    co_return all;
}

}  // namespace act::blob

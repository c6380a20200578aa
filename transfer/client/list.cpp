#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>
#include <random>

#include <fmt/format.h>

#include "engine/core/log.hpp"
#include "engine/http/hedge.hpp"
#include "transfer/blob/listing.hpp"
#include "transfer/blob/listing_arrow.hpp"
#include "transfer/client/impl.hpp"

namespace act::blob {
namespace {

constexpr std::size_t chunk = 256 * 1024;
/// Of 5,000 entries, each with the longest name and all the metadata that a blob may have.
constexpr std::size_t longest_page = 64u << 20;
constexpr std::size_t longest_containers_page = 64u << 20;

void append(std::string& query, std::string_view name, std::string_view value) {
    if (!value.empty()) query.append("&").append(name).append("=").append(encode_component(value));
}

std::string query_of(const list_options& o) {
    std::string query = "restype=container&comp=list";
    append(query, "prefix", o.prefix);
    append(query, "delimiter", o.delimiter);
    append(query, "marker", o.marker);
    if (o.max_results != 5000) append(query, "maxresults", std::to_string(o.max_results));
    std::string include;
    auto with = [&](bool wanted, std::string_view what) {
        if (wanted) include.append(include.empty() ? "" : ",").append(what);
    };
    with(o.copy, "copy");
    with(o.deleted, "deleted");
    with(o.metadata, "metadata");
    with(o.snapshots, "snapshots");
    with(o.uncommitted, "uncommittedblobs");
    with(o.versions, "versions");
    with(o.tags, "tags");
    append(query, "include", include);
    return query;
}

/// One answer, scanned while it arrives.
task<result<list_page>> scan(http::exchange& answer, detail wanted, std::size_t most, until u) {
    listing_scanner scanner(wanted, most);
    for (;;) {
        auto got = co_await answer.read_some(scanner.prepare(chunk), u);
        if (!got) co_return got.error();
        if (*got == 0) break;
        ACT_CO_TRY_VOID(scanner.commit(*got));
    }
    ACT_CO_TRY_VOID(scanner.finish());
    co_return list_page(std::move(scanner.items()), scanner.next_marker());
}

/// One answer in columns, which can be read only when all of it is there.
task<result<column_bytes>> read_columns(http::exchange& answer, until u) {
    std::size_t told = 0;
    const std::string_view length = answer.head().headers.get("Content-Length");
    std::from_chars(length.data(), length.data() + length.size(), told);
    column_bytes out;
    std::size_t capacity = 0;
    const auto grow = [&](std::size_t to) {
        std::unique_ptr<char[]> larger(new char[to]);
        if (out.size != 0) std::memcpy(larger.get(), out.memory.get(), out.size);
        out.memory = std::move(larger);
        capacity = to;
    };
    // One byte more than comes shows that it was all.
    grow(std::min(told + 1, longest_page));
    for (;;) {
        if (out.size == capacity) {
            if (capacity > longest_page) co_return error(kind::protocol, "the listing's page is too long");
            grow(std::max(chunk, capacity * 2));
        }
        const std::span room(out.memory.get() + out.size, capacity - out.size);
        auto got = co_await answer.read_some(std::as_writable_bytes(room), u);
        if (!got) co_return got.error();
        if (*got == 0) co_return out;
        out.size += *got;
    }
}

/// Refusals of a request as a whole, which may be of its version or of the form that it asks for.
bool refuses_request(const error& e) {
    constexpr int statuses[] = {400, 405, 406, 409, 415, 501, 505};
    return std::find(std::begin(statuses), std::end(statuses), e.status()) != std::end(statuses);
}

bool has_columns(const http::exchange& answer) {
    return answer.head().headers.get("Content-Type").starts_with(arrow_type);
}

}  // namespace

task<result<list_page>> client::list(std::string container, list_options options, until u) {
    ACT_CO_TRY(auto op, impl_->start_container(http::verb::get, container, query_of(options)));
    backoff waits(impl_->retry, std::random_device()());
    struct one_try {
        list_page page;
        bool begun = false;
        bool strange = false;  ///< columns came that are not those expected
    };
    using form = client::impl::listing_form;
    form asked = impl_->listings.load(std::memory_order_relaxed);
    const auto ask_for = [&](form next) {
        asked = next;
        op.request.headers.set("x-ms-version", asked == form::older_xml ? service_version : arrow_version);
        op.request.headers.remove("Accept");
        if (asked == form::columns) op.request.headers.add("Accept", arrow_type);
    };
    ask_for(asked);
    std::optional<error> refused;
    auto read = [&](one_try& into, until w) -> task<result<void>> {
        ACT_CO_TRY(http::exchange answer, co_await impl_->run(op, http::body::none(), w));
        into.begun = true;
        if (has_columns(answer)) {
            ACT_CO_TRY(auto columns, co_await read_columns(answer, w));
            auto page = read_arrow_listing(std::move(columns), options.detail);
            into.strange = !page;
            if (!page) co_return page.error();
            into.page = std::move(*page);
            co_return result<void>();
        }
        ACT_CO_TRY(into.page, co_await scan(answer, options.detail, options.max_results, w));
        co_return result<void>();
    };
    for (;;) {
        one_try one, other;
        auto first = [&](until w) { return read(one, std::move(w)); };
        auto again = [&](until w) { return read(other, std::move(w)); };
        bool by_second = false;
        auto outcome = co_await http::hedged(impl_->pipeline, 0, first, again, u, &by_second);
        if (outcome) {
            // Only now it is certain that it was for its version that the request was refused.
            if (refused) {
                log::debug("{}: {}; listings are asked for in an older version", op.what, refused->message());
                impl_->listings.store(form::older_xml, std::memory_order_relaxed);
            }
            co_return std::move(by_second ? other.page : one.page);
        }
        error broken = outcome.error();
        if (asked == form::columns && (one.strange || other.strange)) {
            log::debug("{}: {}; listings are asked for in XML", op.what, broken.message());
            // In the same version, for its markers may be of another form than those of others.
            form columns = form::columns;
            impl_->listings.compare_exchange_strong(columns, form::xml, std::memory_order_relaxed);
            ask_for(form::xml);
            continue;
        }
        if (asked != form::older_xml && refuses_request(broken)) {
            refused = std::move(broken);
            ask_for(form::older_xml);
            continue;
        }
        // An account with real folders has nothing below a file, and says so in this way.
        if (broken.code() == "PathConflict" && !options.prefix.empty()) co_return list_page();
        if (broken.kind() == kind::stopped || !one.begun) co_return broken;
        // A connection that breaks within the answer costs the page, not the listing.
        auto delay = transient(broken) ? waits.next({}) : std::nullopt;
        if (!delay) co_return std::move(broken).in("listing of " + op.what);
        ACT_CO_TRY_VOID(co_await sleep_for(*delay, u));
    }
}

task<result<std::vector<container_info>>> client::list_containers(std::string prefix, until u) {
    std::vector<container_info> out;
    std::string marker;
    do {
        std::string query = "comp=list";
        append(query, "prefix", prefix);
        append(query, "marker", marker);
        auto op = impl_->start_account(http::verb::get, query);
        ACT_CO_TRY(auto text,
                   co_await impl_->fetch(op, http::body::none(), longest_containers_page, nullptr, u));
        auto page = read_containers(text);
        if (!page) {
            error bad = page.error();
            co_return std::move(bad).in("list of containers");
        }
        for (auto& c : page->items) out.push_back({std::move(c.name), std::move(c.etag), c.modified});
        if (page->next_marker == marker && !marker.empty()) {
            co_return error(kind::protocol,
                            "list of containers: the service gives the same page again and again");
        }
        marker = std::move(page->next_marker);
    } while (!marker.empty());
    co_return out;
}

task<result<void>> client::create_container(std::string container, until u, container_options how) {
    ACT_CO_TRY(auto op, impl_->start_container(http::verb::put, container, "restype=container"));
    if (!how.default_scope.empty()) {
        op.request.headers.add("x-ms-default-encryption-scope", how.default_scope);
        op.request.headers.add("x-ms-deny-encryption-scope-override", how.only_that_scope ? "true" : "false");
    }
    ACT_CO_TRY_VOID(co_await impl_->run(op, http::body::none(), u));
    co_return result<void>();
}

task<result<void>> client::delete_container(std::string container, until u) {
    ACT_CO_TRY(auto op, impl_->start_container(http::verb::del, container, "restype=container"));
    unsigned tries = 1;
    auto answer = co_await impl_->run(op, http::body::none(), u, &tries);
    if (!answer && !(tries > 1 && answer.error().kind() == kind::not_found)) co_return answer.error();
    co_return result<void>();
}

task<result<properties>> client::container_properties(std::string container, until u) {
    ACT_CO_TRY(auto op, impl_->start_container(http::verb::head, container, "restype=container"));
    ACT_CO_TRY(auto answer, co_await impl_->run(op, http::body::none(), u));
    auto p = read_properties(answer.head().headers, answer.head().status, {});
    if (!p) {
        error bad = p.error();
        co_return std::move(bad).in(op.what);
    }
    p->name = container;
    co_return p;
}

}  // namespace act::blob

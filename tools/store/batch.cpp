// Blob Batch: deletes or tier changes, up to 256 to a request (blob-rest.md section 12).
#include "transfer/blob/batch.hpp"

#include <fmt/format.h>

#include "tools/store/access.hpp"
#include "tools/store/answer.hpp"
#include "tools/store/catalog.hpp"

namespace act::store {

namespace {

constexpr std::size_t largest_batch = 4 * MiB;

struct part {
    call request;
    const operation* what = nullptr;
    answer outcome = failure();
    unsigned id = 0;
};

bool from_account(std::string_view target, std::string_view account) {
    return target.size() > account.size() + 1 && target.substr(1, account.size()) == account &&
           target[account.size() + 1] == '/';
}

// A part refused by itself; a failure refuses the whole.
outcome<> read_part(service& s, const reader& r, const call& outer, const blob::batch_part& from, part& p) {
    call& c = p.request;
    const std::string_view line(from.first_line);
    const std::size_t first = line.find(' '), second = line.find(' ', first + 1);
    if (first == std::string_view::npos || second == std::string_view::npos)
        return failure(codes::invalid_input);
    c.method = std::string(line.substr(0, first));
    c.target = std::string(line.substr(first + 1, second - first - 1));
    c.headers = &from.headers;
    c.content_length = 0;
    c.peer = outer.peer;
    c.tls = outer.tls;
    c.version = outer.version;
    c.request_id = new_uuid();
    c.now = outer.now;
    c.files = outer.files;
    p.id = from.id.value_or(0);
    auto understood = [&]() -> outcome<> {
        // The Python SDK leaves an emulator's account out of the paths of parts: they read as if it were in
        // the host.
        const bool in_path = from_account(c.target, s.options.account);
        const std::string host = in_path ? std::string(outer.header("Host")) : s.options.account + ".";
        ACT_TRY_VOID(parse_target(c, s.options.account, host));
        ACT_TRY(p.what, find_operation(c));
        return {};
    }();
    if (!understood) {
        p.outcome = understood.error();
        return {};
    }
    const auto* run = std::get_if<write_operation>(&p.what->run);
    if (!run || (*run != &delete_blob && *run != &set_blob_tier)) return failure(codes::invalid_input);
    if (!outer.container.empty() && c.container != outer.container) return failure(codes::invalid_input);
    // A part without a credential of its own has that of the whole.
    outcome<> allowed;
    if (!c.has_header("Authorization") && !c.has_param("sig") && outer.who.form == identity::form::key) {
        c.who = outer.who;
    } else {
        allowed = authorize(s, r, *p.what, c);
    }
    if (allowed) allowed = settle_path(r, c);
    if (!allowed) {
        p.outcome = allowed.error();
        p.what = nullptr;
    }
    return {};
}

std::string status_line(int status, std::string_view reason) {
    return fmt::format("HTTP/1.1 {} {}", status, reason);
}

blob::batch_part write_part(part& p) {
    blob::batch_part out;
    out.id = p.id;
    reply r = p.outcome ? std::move(*p.outcome) : failure_reply(p.request, p.outcome.error());
    std::string_view reason = r.status == 202 ? "Accepted" : "OK";
    std::string message;
    if (!p.outcome) {
        message = p.outcome.error().message();
        reason = message;
    }
    out.first_line = status_line(r.status, reason);
    out.headers = std::move(r.headers);
    add_common_headers(out.headers, p.request);
    if (!p.outcome) out.headers.add("Content-Length", std::uint64_t(r.text.size()));
    out.body = std::move(r.text);
    return out;
}

}  // namespace

task<answer> batch(service& s, call& c, http::server_exchange& x) {
    if (!c.content_length) co_return failure(codes::length_required);
    if (*c.content_length > largest_batch) co_return failure(codes::body_too_large);
    auto budget = co_await s.memory.reserve(2 * *c.content_length, s.ends());
    if (!budget) co_return from_error(budget.error());
    auto body = co_await x.read_all(largest_batch, s.ends());
    if (!body) co_return failure(codes::incomplete_body);
    auto parts = blob::read_batch(c.header("Content-Type"), *body);
    if (!parts || parts->empty()) co_return failure(codes::invalid_input);
    if (parts->size() > blob::max_batch) co_return failure(codes::too_many_batch_parts);

    std::vector<part> work(parts->size());
    {
        auto r = s.index->read();
        if (!r) co_return from_error(r.error());
        const operation* kind = nullptr;
        for (std::size_t i = 0; i < work.size(); ++i) {
            ACT_CO_TRY_VOID(read_part(s, *r, c, (*parts)[i], work[i]));
            if (!work[i].what) continue;
            if (kind && kind != work[i].what) co_return failure(codes::mixed_batch);
            kind = work[i].what;
        }
        if (r->failed()) co_return failure();
    }
    auto change = [&](writer& w) -> answer {
        for (part& p : work) {
            if (p.what) p.outcome = std::get<write_operation>(p.what->run)(s, w, p.request);
        }
        return reply();
    };
    answer done = co_await change_index(s, change);
    if (!done) co_return done;

    blob::batch_writer out("batchresponse_" + new_uuid());
    for (part& p : work) out.add(write_part(p));
    reply whole = reply::of(202);
    whole.headers.add("Content-Type", out.content_type());
    whole.text = out.finish();
    co_return whole;
}

}  // namespace act::store

// Lease Blob and Lease Container (blob-rest.md section 13).
#include <charconv>

#include "tools/store/catalog.hpp"
#include "tools/store/conditions.hpp"
#include "tools/store/headers.hpp"
#include "tools/store/operation.hpp"

namespace act::store {

namespace {

constexpr std::int64_t second = 1'000'000'000;

bool is_uuid(std::string_view s) {
    if (s.size() != 36) return false;
    for (std::size_t i = 0; i < s.size(); ++i) {
        const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? s[i] != '-' : !std::isxdigit(static_cast<unsigned char>(s[i]))) return false;
    }
    return true;
}

outcome<std::optional<int>> seconds(const call& c, const char* name) {
    const std::string_view text = c.header(name);
    if (text.empty()) return std::optional<int>();
    int n = 0;
    auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), n);
    if (failed != std::errc() || end != text.data() + text.size()) return invalid_header(name, text);
    return std::optional<int>(n);
}

// The lease as it is after the action, and what is answered. `id` owns the text of a new lease id.
struct change {
    lease now;
    std::string id;
    int status = 200;
    std::optional<std::int64_t> remaining;
};

outcome<change> acquire(const call& c, const lease& old, lease::state s) {
    change out;
    const std::string_view proposed = c.header("x-ms-proposed-lease-id");
    if (!proposed.empty() && !is_uuid(proposed)) return invalid_header("x-ms-proposed-lease-id", proposed);
    ACT_TRY(const auto duration, seconds(c, "x-ms-lease-duration"));
    if (!duration) return missing_header("x-ms-lease-duration");
    if (*duration != -1 && (*duration < 15 || *duration > 60)) {
        return invalid_header("x-ms-lease-duration", c.header("x-ms-lease-duration"));
    }
    if (s == lease::state::breaking) {
        return failure(!proposed.empty() && http::same_name(proposed, old.id) ? codes::lease_breaking_acquire
                                                                              : codes::lease_present);
    }
    if (s == lease::state::leased && (proposed.empty() || !http::same_name(proposed, old.id))) {
        return failure(codes::lease_present);
    }
    out.id = proposed.empty() ? new_uuid() : std::string(proposed);
    out.now.phase = lease::phase::held;
    out.now.seconds = *duration;
    out.now.until = *duration < 0 ? 0 : c.at() + *duration * second;
    out.status = 201;
    return out;
}

outcome<> own(const call& c, const lease& old) {
    const std::string_view given = c.header("x-ms-lease-id");
    if (given.empty()) return missing_header("x-ms-lease-id");
    if (!is_uuid(given)) return invalid_header("x-ms-lease-id", given);
    if (old.phase == lease::phase::none) return failure(codes::lease_not_present);
    if (!http::same_name(given, old.id)) return failure(codes::lease_id_mismatch);
    return {};
}

outcome<change> renew(const call& c, const lease& old, lease::state s) {
    ACT_TRY_VOID(own(c, old));
    if (s == lease::state::breaking || s == lease::state::broken) return failure(codes::lease_broken);
    change out;
    out.id = std::string(old.id);
    out.now = old;
    if (old.seconds > 0) out.now.until = c.at() + old.seconds * second;
    return out;
}

outcome<change> rename(const call& c, const lease& old, lease::state s) {
    const std::string_view proposed = c.header("x-ms-proposed-lease-id");
    if (proposed.empty()) return missing_header("x-ms-proposed-lease-id");
    if (!is_uuid(proposed)) return invalid_header("x-ms-proposed-lease-id", proposed);
    if (s == lease::state::leased && http::same_name(proposed, old.id)) {
        // Again, after the answer to the first try was lost.
        change out;
        out.id = std::string(old.id);
        out.now = old;
        return out;
    }
    ACT_TRY_VOID(own(c, old));
    if (s == lease::state::breaking) return failure(codes::lease_breaking_change);
    if (s != lease::state::leased) return failure(codes::lease_not_present);
    change out;
    out.id = std::string(proposed);
    out.now = old;
    return out;
}

outcome<change> release(const call& c, const lease& old) {
    ACT_TRY_VOID(own(c, old));
    return change();
}

outcome<change> break_it(const call& c, const lease& old, lease::state s) {
    ACT_TRY(const auto period, seconds(c, "x-ms-lease-break-period"));
    if (period && (*period < 0 || *period > 60)) {
        return invalid_header("x-ms-lease-break-period", c.header("x-ms-lease-break-period"));
    }
    if (s == lease::state::available) return failure(codes::lease_not_present);
    change out;
    out.status = 202;
    out.id = std::string(old.id);
    out.now = old;
    out.now.phase = lease::phase::breaking;
    std::int64_t left = 0;
    if (s == lease::state::leased && old.seconds < 0) {
        left = period.value_or(0) * second;
    } else if (s == lease::state::leased || s == lease::state::breaking) {
        left = old.until - c.at();
        if (period) left = std::min<std::int64_t>(left, *period * second);
    }
    out.now.until = c.at() + left;
    out.remaining = (left + second - 1) / second;
    return out;
}

outcome<change> apply(const call& c, const lease& old) {
    const std::string_view action = c.header("x-ms-lease-action");
    const lease::state s = old.at(c.at());
    if (action.empty()) return missing_header("x-ms-lease-action");
    if (http::same_name(action, "acquire")) return acquire(c, old, s);
    if (http::same_name(action, "renew")) return renew(c, old, s);
    if (http::same_name(action, "change")) return rename(c, old, s);
    if (http::same_name(action, "release")) return release(c, old);
    if (http::same_name(action, "break")) return break_it(c, old, s);
    return invalid_header("x-ms-lease-action", action);
}

reply answer_of(const change& made, std::uint64_t etag, nanos modified) {
    reply r = reply::of(made.status);
    add_version_headers(r.headers, etag, modified);
    if (made.status != 202 && !made.id.empty()) r.headers.add("x-ms-lease-id", made.id);
    if (made.remaining) r.headers.add("x-ms-lease-time", static_cast<std::uint64_t>(*made.remaining));
    return r;
}

}  // namespace

answer lease_blob(service&, writer& w, call& c) {
    ACT_TRY(const auto container, existing_container(w, c));
    auto record = load<blob_record>(w, table::blobs, container.id, c.blob);
    if (!record) return failure(codes::blob_not_found);
    ACT_TRY_VOID(check_conditions(c, state::of(&*record), purpose::write));
    ACT_TRY(change made, apply(c, record->lease));
    made.now.id = made.id;
    record->lease = made.now;
    save(w, table::blobs, container.id, c.blob, {}, encode(*record));
    return answer_of(made, record->etag, record->modified);
}

answer lease_container(service&, writer& w, call& c) {
    ACT_TRY(auto container, existing_container(w, c));
    ACT_TRY_VOID(check_conditions(c, state::of(container), purpose::write));
    ACT_TRY(change made, apply(c, container.lease));
    made.now.id = made.id;
    container.lease = made.now;
    w.put(table::containers, c.container, encode(container));
    return answer_of(made, container.etag, container.modified);
}

}  // namespace act::store

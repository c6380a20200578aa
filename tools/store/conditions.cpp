#include "tools/store/conditions.hpp"

#include "tools/store/tag_query.hpp"

namespace act::store {

namespace {

struct names {
    const char *match, *none_match, *modified, *unmodified, *tags;
};
constexpr names own{"If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since", "x-ms-if-tags"};
constexpr names of_source{"x-ms-source-if-match", "x-ms-source-if-none-match",
                          "x-ms-source-if-modified-since", "x-ms-source-if-unmodified-since",
                          "x-ms-source-if-tags"};

std::string_view trim(std::string_view s) {
    while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) s.remove_prefix(1);
    while (!s.empty() && (s.back() == ' ' || s.back() == '\t')) s.remove_suffix(1);
    return s;
}

std::string_view unquoted(std::string_view tag) {
    if (tag.starts_with("W/")) tag.remove_prefix(2);
    if (tag.size() >= 2 && tag.front() == '"' && tag.back() == '"') tag = tag.substr(1, tag.size() - 2);
    return tag;
}

// One of several ETags, with or without quotes, or "*".
bool lists(std::string_view header, const state& s) {
    const std::string mine = etag_text(s.etag);
    while (!header.empty()) {
        const std::size_t comma = header.find(',');
        const std::string_view one = trim(header.substr(0, comma));
        if (one == "*" || unquoted(one) == unquoted(mine)) return true;
        header = comma == std::string_view::npos ? std::string_view() : header.substr(comma + 1);
    }
    return false;
}

// HTTP dates have whole seconds.
wall_time second_of(nanos n) { return std::chrono::floor<std::chrono::seconds>(from_nanos(n)); }

outcome<std::optional<wall_time>> date(const call& c, const char* name) {
    if (!c.has_header(name)) return std::optional<wall_time>();
    const auto parsed = parse_http_date(c.header(name));
    if (!parsed) return invalid_header(name, c.header(name));
    return parsed;
}

bool same_id(std::string_view a, std::string_view b) { return http::same_name(a, b); }

}  // namespace

outcome<> check_conditions(const call& c, const state& s, purpose p) {
    const names& n = p == purpose::source ? of_source : own;
    const std::string_view match = c.header(n.match), none_match = c.header(n.none_match);
    ACT_TRY(const auto modified, date(c, n.modified));
    ACT_TRY(const auto unmodified, date(c, n.unmodified));
    const bool writes = p == purpose::write || p == purpose::create;
    if (writes && (!match.empty() || unmodified) && (!none_match.empty() || modified)) {
        return failure(codes::multiple_conditions);
    }
    const failure unmet(p == purpose::source ? codes::source_condition_not_met : codes::condition_not_met);
    const failure unchanged(p == purpose::read     ? codes::not_modified
                            : p == purpose::source ? codes::source_condition_not_met
                                                   : codes::condition_not_met);

    if (!match.empty()) {
        if (!s.exists || !lists(match, s)) return unmet;
    } else if (unmodified && s.exists && second_of(s.modified) > *unmodified) {
        return unmet;
    }
    if (!none_match.empty()) {
        if (s.exists && lists(none_match, s)) {
            if (p == purpose::create && trim(none_match) == "*") return failure(codes::blob_exists);
            return unchanged;
        }
    } else if (modified && s.exists && second_of(s.modified) <= *modified) {
        return unchanged;
    }
    if (const std::string_view where = c.header(n.tags); !where.empty()) {
        const auto query = tag_query::parse(where);
        if (!query) return invalid_header(n.tags, where);
        if (!s.exists || !query->matches(s.tags)) return unmet;
    }
    return {};
}

outcome<> check_lease(const call& c, const lease& l, leased what, bool needed) {
    const std::string_view given = c.header("x-ms-lease-id");
    const lease::state now = l.at(c.at());
    const bool active = now == lease::state::leased || now == lease::state::breaking;
    if (active) {
        if (given.empty()) {
            if (needed) return failure(codes::lease_id_missing);
            return {};
        }
        if (same_id(given, l.id)) return {};
        return failure(what == leased::blob ? codes::lease_mismatch_blob : codes::lease_mismatch_container);
    }
    if (given.empty()) return {};
    if (l.phase != lease::phase::none) return failure(codes::lease_lost);
    return failure(what == leased::blob ? codes::lease_not_present_blob : codes::lease_not_present_container);
}

outcome<> check_change(const call& c, const blob_record* existing, purpose p) {
    if (existing) {
        ACT_TRY_VOID(check_lease(c, existing->lease, leased::blob, true));
        // Unless the process that was copying has died.
        if (existing->copy.status == "pending" && (!c.files || c.files->alive(existing->copy.owner))) {
            return failure(codes::pending_copy);
        }
    } else if (!c.header("x-ms-lease-id").empty()) {
        return failure(codes::lease_not_present_blob);
    }
    return check_conditions(c, state::of(existing), p);
}

lease after_change(const lease& l, nanos now) {
    const lease::state s = l.at(now);
    return s == lease::state::leased || s == lease::state::breaking ? l : lease();
}

}  // namespace act::store

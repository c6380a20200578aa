#include "tools/store/call.hpp"

#include <algorithm>
#include <charconv>

#include "engine/core/uri.hpp"
#include "transfer/blob/names.hpp"

namespace act::store {

namespace {

std::optional<std::uint64_t> number(std::string_view s) {
    std::uint64_t n = 0;
    auto [end, failed] = std::from_chars(s.data(), s.data() + s.size(), n);
    if (failed != std::errc() || end != s.data() + s.size() || s.empty()) return {};
    return n;
}

// The secondary endpoint of an emulator is its primary.
bool is_account(std::string_view segment, std::string_view account) {
    return segment == account || (segment.size() == account.size() + 10 && segment.starts_with(account) &&
                                  segment.ends_with("-secondary"));
}

}  // namespace

std::string_view call::param(std::string_view name) const {
    for (const auto& [key, value] : query) {
        if (http::same_name(key, name)) return value;
    }
    return {};
}

bool call::has_param(std::string_view name) const {
    return std::any_of(query.begin(), query.end(),
                       [&](const auto& p) { return http::same_name(p.first, name); });
}

reply reply::xml(int status, std::string document) {
    reply r;
    r.status = status;
    r.headers.add("Content-Type", "application/xml");
    r.text = std::move(document);
    return r;
}

// A space in a query may travel as '+' (rclone and the older SDKs for Go write it so), and is signed as a
// space.
void plus_to_space(std::string& target) {
    const std::size_t mark = target.find('?');
    for (std::size_t at = mark;
         at != std::string::npos && (at = target.find('+', at)) != std::string::npos;) {
        target.replace(at, 1, "%20");
    }
}

outcome<> parse_target(call& c, std::string_view account, std::string_view host) {
    plus_to_space(c.target);
    std::string_view target = c.target;
    // The absolute form, as sent to a proxy.
    if (target.starts_with("http://") || target.starts_with("https://")) {
        const std::size_t slash = target.find('/', target.find("//") + 2);
        target = slash == std::string_view::npos ? "/" : target.substr(slash);
    }
    if (!target.starts_with('/')) return failure(codes::invalid_uri);
    const std::size_t mark = target.find('?');
    std::string_view path = target.substr(1, mark == std::string_view::npos ? mark : mark - 1);
    if (mark != std::string_view::npos) c.query = parse_query(target.substr(mark + 1));

    const bool in_host =
        host.size() > account.size() && host.starts_with(account) && host[account.size()] == '.';
    if (!in_host) {
        const std::size_t slash = path.find('/');
        const auto first = decode_component(path.substr(0, slash));
        if (!first || !is_account(*first, account)) {
            return failure(codes::authentication_failed)
                .with("AuthenticationErrorDetail", "This store has no account of that name.");
        }
        path = slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
    }
    if (path.empty()) return {};

    const std::size_t slash = path.find('/');
    auto first = decode_component(path.substr(0, slash));
    if (!first) return failure(codes::invalid_uri);
    if (slash == std::string_view::npos || slash + 1 == path.size()) {
        // A lone segment is a container when it is asked for as one, else a blob of the root container.
        if (!c.has_param("restype") && c.param("comp") != "batch" && slash == std::string_view::npos) {
            c.container = "$root";
            c.blob = std::move(*first);
        } else {
            c.container = std::move(*first);
        }
    } else {
        auto rest = decode_component(path.substr(slash + 1));
        if (!rest) return failure(codes::invalid_uri);
        c.container = std::move(*first);
        // The root folder, as the Data Lake SDK names it.
        if (*rest == "/" && c.has_param("action")) rest->clear();
        c.blob = std::move(*rest);
    }
    if (!c.container.empty() && !blob::check_container_name(c.container)) {
        const bool length = c.container.size() < 3 || c.container.size() > 63;
        return failure(length ? codes::out_of_range_input : codes::invalid_resource_name);
    }
    if (!c.blob.empty() && !blob::check_blob_name(c.blob)) return failure(codes::invalid_resource_name);
    return {};
}

outcome<> settle_path(const reader& r, call& c) {
    if (c.blob.empty() || !r.hierarchical()) return {};
    c.blob = without_empty_segments(c.blob);
    if (c.blob.empty()) return failure(codes::invalid_resource_name);
    return {};
}

outcome<std::optional<std::uint64_t>> header_number(const call& c, std::string_view name) {
    if (!c.has_header(name)) return std::optional<std::uint64_t>();
    auto n = number(c.header(name));
    if (!n) return invalid_header(name, c.header(name));
    return n;
}

outcome<std::optional<std::uint64_t>> param_number(const call& c, std::string_view name) {
    if (!c.has_param(name) || c.param(name).empty()) return std::optional<std::uint64_t>();
    auto n = number(c.param(name));
    if (!n) return invalid_query(name, c.param(name));
    return n;
}

}  // namespace act::store

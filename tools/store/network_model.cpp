#include "tools/store/network_model.hpp"

#include <charconv>

#include <fmt/format.h>

#include "engine/core/units.hpp"

namespace act::store {

namespace {

constexpr std::string_view fault_names = "reset, error500, error503, truncate, stall and list";

/// Calls `each` for the parts between commas until one fails.
template <class F>
result<void> for_each_part(std::string_view text, F each) {
    for (std::size_t at = 0; at <= text.size();) {
        const std::size_t end = std::min(text.find(',', at), text.size());
        ACT_TRY_VOID(each(text.substr(at, end - at)));
        at = end + 1;
    }
    return {};
}

template <class T>
bool read_number(std::string_view text, T& out) {
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), out);
    return failed == std::errc() && end == text.data() + text.size();
}

/// "a" and "b" of "a:b"; the second is empty without a colon.
std::pair<std::string_view, std::string_view> split(std::string_view text, char at) {
    const std::size_t found = text.find(at);
    if (found == std::string_view::npos) return {text, {}};
    return {text.substr(0, found), text.substr(found + 1)};
}

result<void> read_list(fault_plan& to, std::string_view value) {
    const auto [number, status] = split(value, ':');
    const bool known = status.empty() || status == "403" || status == "500" || status == "503";
    if (!read_number(number, to.list_from) || to.list_from == 0 || !known) {
        return error(kind::usage, fmt::format("a fault cannot be `list={}`", value),
                     "give list=N or list=N:STATUS, the first listing being 1, with 403, 500 or 503");
    }
    if (!status.empty()) read_number(status, to.list_status);
    return {};
}

result<void> read_fault(fault_plan& to, std::string_view text) {
    const auto [name, value] = split(text, '=');
    if (name == "list") return read_list(to, value);
    double* part = name == "reset"      ? &to.reset
                   : name == "error500" ? &to.error500
                   : name == "error503" ? &to.error503
                   : name == "truncate" ? &to.truncate
                   : name == "stall"    ? &to.stall
                                        : nullptr;
    if (!part) {
        return error(kind::usage, fmt::format("there is no fault `{}`", text),
                     fmt::format("give {} as NAME=VALUE, separated by commas", fault_names));
    }
    std::string_view number = value, time;
    if (name == "stall") std::tie(number, time) = split(value, ':');
    if (!read_number(number, *part) || !(*part >= 0 && *part <= 1)) {
        return error(kind::usage, fmt::format("a fault cannot be `{}`", text),
                     fmt::format("give {}=P with the part of requests that meet it, from 0 to 1", name));
    }
    if (time.empty()) return {};
    const auto seconds = parse_duration(time);
    if (!seconds || *seconds > 3600) {
        return error(kind::usage, fmt::format("a stall cannot last `{}`", time),
                     "give stall=P:TIME with a time up to 1h, such as stall=0.01:5s");
    }
    to.stall_time = std::chrono::duration_cast<steady::duration>(std::chrono::duration<double>(*seconds));
    return {};
}

}  // namespace

result<void> read_faults(fault_plan& to, std::string_view text) {
    ACT_TRY_VOID(for_each_part(text, [&](std::string_view part) { return read_fault(to, part); }));
    if (to.sum() > 1) {
        return error(kind::usage, fmt::format("the faults `{}` are more than all requests", text),
                     "a request meets one fault at most: let their parts sum up to 1 or less");
    }
    return {};
}

result<void> read_bandwidth(network_model& to, std::string_view text) {
    return for_each_part(text, [&](std::string_view part) -> result<void> {
        const auto [rate, of] = split(part, ':');
        const auto parsed = parse_byte_rate(rate);
        if (!parsed || *parsed < 1024 || !(of.empty() || of == "account" || of == "connection")) {
            return error(kind::usage, fmt::format("a bandwidth cannot be `{}`", part),
                         "give 60MiB/s for each connection or 200MiB/s:account for all together, at least "
                         "1KiB/s");
        }
        (of == "account" ? to.account_rate : to.connection_rate) = *parsed;
        return {};
    });
}

}  // namespace act::store

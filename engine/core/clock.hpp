#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace act {

/// Durations and deadlines.
using steady = std::chrono::steady_clock;
/// Dates: UTC, whole nanoseconds.
using wall_time = std::chrono::time_point<std::chrono::system_clock, std::chrono::nanoseconds>;

wall_time now();

/// "Fri, 26 Jun 2015 23:39:12 GMT": RFC 1123, as HTTP and the Blob service write dates.
std::string to_http_date(wall_time);
std::optional<wall_time> parse_http_date(std::string_view);

/// "2026-01-02T03:04:05Z", whole seconds; and with the fraction of nanoseconds where it is not zero (RFC
/// 3339).
std::string to_iso8601(wall_time);
std::string to_iso8601_nanos(wall_time);
/// Accepts a date alone, seconds or a fraction of up to nine digits, and `Z` or an offset.
std::optional<wall_time> parse_iso8601(std::string_view);

}  // namespace act

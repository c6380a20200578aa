#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace act {

inline constexpr std::uint64_t KiB = 1024;
inline constexpr std::uint64_t MiB = 1024 * KiB;
inline constexpr std::uint64_t GiB = 1024 * MiB;
inline constexpr std::uint64_t TiB = 1024 * GiB;

/// "1.5 GiB", "312 B": three significant digits.
std::string human_size(std::uint64_t bytes);
/// "1 h 02 min", "12.3 s", "45 ms".
std::string human_duration(double seconds);
/// "1,234,567".
std::string human_count(std::uint64_t);
/// "256MiB", "1.5 GB", "64k", "123": nothing for anything else, for negatives and on overflow.
/// Units with an i are powers of 1024, as are single letters; MB and the like are powers of 1000.
std::optional<std::uint64_t> parse_size(std::string_view);
/// "30s", "250ms", "5m", "2h", "7d"; a bare number is seconds. In seconds.
std::optional<double> parse_duration(std::string_view);
/// "500/s", "0.5/s", "3000/min", "500": how many a second.
std::optional<double> parse_rate(std::string_view);
/// "60MiB/s", "60MiB", "100Mbit/s" (bits count by thousands): in bytes a second.
std::optional<double> parse_byte_rate(std::string_view);

}  // namespace act

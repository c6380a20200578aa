#pragma once

#include <functional>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "engine/core/secret.hpp"

template <>
struct fmt::formatter<act::secret> : fmt::formatter<std::string_view> {
    template <class Context>
    auto format(const act::secret& s, Context& context) const {
        return fmt::formatter<std::string_view>::format(act::format_as(s), context);
    }
};

/// Leveled lines for people who look for a fault. Every line passes redact(). Off the hot path: a disabled
/// level costs one relaxed load.
namespace act::log {

enum class level { error, warning, info, debug, trace };

void set_level(level);
level current_level();
inline bool enabled(level l) { return l <= current_level(); }
/// Where finished lines go; the default writes "act: LEVEL text" to stderr. Thread-safe to call. Calls of the
/// sink are serialised, and it must not log itself. Control characters in lines arrive escaped.
void set_sink(std::function<void(level, std::string_view)>);
void write(level, std::string_view line);

template <class... A>
void debug(fmt::format_string<A...> f, A&&... a) {
    if (enabled(level::debug)) write(level::debug, fmt::format(f, std::forward<A>(a)...));
}
template <class... A>
void info(fmt::format_string<A...> f, A&&... a) {
    if (enabled(level::info)) write(level::info, fmt::format(f, std::forward<A>(a)...));
}
template <class... A>
void warning(fmt::format_string<A...> f, A&&... a) {
    if (enabled(level::warning)) write(level::warning, fmt::format(f, std::forward<A>(a)...));
}

}  // namespace act::log

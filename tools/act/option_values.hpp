#pragma once

#include <charconv>
#include <limits>

#include <fmt/format.h>

#include "engine/core/units.hpp"
#include "engine/http/message.hpp"
#include "tools/act/options.hpp"

/// What reads the values of options into their fields: the third part of each row of the table in
/// options.cpp.
namespace act::cli {

using outcome = result<void>;

inline error bad_value(const option& o, std::string_view value, std::string_view wanted) {
    return error(kind::usage, fmt::format("{} cannot be `{}`", o.name, value),
                 fmt::format("give {}", wanted));
}

/// Finds the word, without regard to case, among those that an option takes. Words behind the first `told`
/// are other tools' for the same.
template <class Value, std::size_t N>
result<Value> one_of(const option& o, std::string_view value,
                     const std::pair<std::string_view, Value> (&words)[N], std::size_t told = N) {
    std::string names;
    for (std::size_t i = 0; i < N; ++i) {
        if (http::same_name(words[i].first, value)) return words[i].second;
        if (i < told) names.append(i == 0 ? "one of " : ", ").append(words[i].first);
    }
    return bad_value(o, value, names);
}

template <bool options::*Field>
outcome flag(options& to, const option&, std::string_view) {
    to.*Field = true;
    return {};
}

template <auto Field>
outcome text(options& to, const option&, std::string_view value) {
    to.*Field = std::string(value);
    return {};
}

// Of a list that is not there, nothing is chosen; a variable that is not set must not come to mean
// everything.
template <std::string options::*Field>
outcome file_name(options& to, const option& o, std::string_view value) {
    if (value.empty()) return bad_value(o, value, "the name of a file");
    to.*Field = std::string(value);
    return {};
}

// Taken for none, an empty name would mean the default cluster: another account than the one that was asked
// for.
template <std::string options::*Field>
outcome cluster_name(options& to, const option& o, std::string_view value) {
    if (value.empty()) {
        return error(kind::usage, fmt::format("{} needs a name, and what it got is empty", o.name),
                     fmt::format("a variable that is not set, perhaps; for the default cluster leave out {}",
                                 o.short_name));
    }
    to.*Field = std::string(value);
    return {};
}

// Nor one that names a sweep: it would come to mean all runs.
template <std::string options::*Field>
outcome group_name(options& to, const option& o, std::string_view value) {
    if (value.empty()) return bad_value(o, value, "the group that `act q RUN` shows");
    to.*Field = std::string(value);
    return {};
}

// A file that is written. `-` would be taken for standard output by who knows other programs.
template <std::string options::*Field>
outcome output_name(options& to, const option& o, std::string_view value) {
    if (value == "-")
        return bad_value(o, value,
                         "a file's name: /dev/stdout for standard output, ./- for a file called that");
    return file_name<Field>(to, o, value);
}

template <auto Field, std::uint64_t Least, std::uint64_t Most>
outcome number(options& to, const option& o, std::string_view value) {
    std::uint64_t parsed = 0;
    auto [end, problem] = std::from_chars(value.data(), value.data() + value.size(), parsed);
    if (problem != std::errc() || end != value.data() + value.size() || parsed < Least || parsed > Most) {
        return bad_value(o, value, fmt::format("a whole number from {} to {}", Least, Most));
    }
    using field = std::remove_reference_t<decltype(to.*Field)>;
    if constexpr (std::is_integral_v<field>) {
        to.*Field = static_cast<field>(parsed);
    } else {
        to.*Field = static_cast<typename field::value_type>(parsed);
    }
    return {};
}

template <std::uint64_t options::*Field, std::uint64_t Least, std::uint64_t Most>
outcome size(options& to, const option& o, std::string_view value) {
    auto parsed = parse_size(value);
    if (!parsed || *parsed < Least || *parsed > Most) {
        return bad_value(
            o, value,
            fmt::format("a size from {} to {}, such as 64MiB", human_size(Least), human_size(Most)));
    }
    to.*Field = *parsed;
    return {};
}

// A bare 30 may be meant as days, and as milliseconds.
inline std::optional<double> duration_with_unit(std::string_view value) {
    const bool bare = value.find_first_not_of("0123456789. ") == std::string_view::npos;
    return bare ? std::nullopt : parse_duration(value);
}

// A SAS may live for ten years, which is more than anybody should want.
template <double options::*Field>
outcome duration(options& to, const option& o, std::string_view value) {
    auto parsed = duration_with_unit(value);
    if (!parsed || *parsed < 1 || *parsed > 3650 * 86400.0) {
        return bad_value(o, value, "a time from 1s to 3650d, such as 12h or 7d");
    }
    to.*Field = *parsed;
    return {};
}

template <options::choice::how How>
outcome choose(options& to, const option& o, std::string_view value) {
    if (value.empty()) return bad_value(o, value, "a pattern, such as '*.jpg'");
    to.choices.push_back({How, std::string(value)});
    return {};
}

template <std::optional<std::uint64_t> options::*Field>
outcome limit(options& to, const option& o, std::string_view value) {
    auto parsed = parse_size(value);
    if (!parsed) return bad_value(o, value, "a size, such as 64KiB or 1.5GiB");
    to.*Field = *parsed;
    return {};
}

template <std::optional<wall_time> options::*Field>
outcome moment(options& to, const option& o, std::string_view value) {
    if (auto date = parse_iso8601(value)) {
        to.*Field = *date;
    } else if (auto ago = duration_with_unit(value); ago && *ago < 1e9) {
        to.*Field = now() - std::chrono::nanoseconds(static_cast<std::int64_t>(*ago * 1e9));
    } else {
        return bad_value(o, value,
                         "a date, such as 2026-01-31 or 2026-01-31T12:00:00Z, or an age, such as 12h or 7d");
    }
    return {};
}

}  // namespace act::cli

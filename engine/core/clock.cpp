#include "engine/core/clock.hpp"

#include <array>
#include <cstdint>
#include <limits>

#include <fmt/format.h>

namespace act {

namespace {

using std::chrono::nanoseconds;

constexpr std::array<std::string_view, 7> weekdays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 12> months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

struct fields {
    int year = 1970;
    unsigned month = 1, day = 1, hour = 0, minute = 0, second = 0, nanos = 0;
    unsigned weekday = 4;
};

fields split(wall_time t) {
    using namespace std::chrono;
    const auto date = floor<days>(t);
    const year_month_day ymd(date);
    const hh_mm_ss time(t - date);
    return {.year = static_cast<int>(ymd.year()),
            .month = static_cast<unsigned>(ymd.month()),
            .day = static_cast<unsigned>(ymd.day()),
            .hour = static_cast<unsigned>(time.hours().count()),
            .minute = static_cast<unsigned>(time.minutes().count()),
            .second = static_cast<unsigned>(time.seconds().count()),
            .nanos = static_cast<unsigned>(time.subseconds().count()),
            .weekday = weekday(date).c_encoding()};
}

/// Nothing for impossible dates and for those that 64 bits of nanoseconds cannot hold (1678 to 2261).
std::optional<wall_time> join(const fields& f, std::int64_t offset_seconds = 0) {
    using namespace std::chrono;
    const year_month_day ymd(year(f.year), month(f.month), day(f.day));
    // 60 is a leap second; it becomes the first second of the next minute.
    if (!ymd.ok() || f.hour > 23 || f.minute > 59 || f.second > 60) return std::nullopt;
    const std::int64_t seconds_since_epoch = std::int64_t{sys_days(ymd).time_since_epoch().count()} * 86400 +
                                             std::int64_t{f.hour} * 3600 + std::int64_t{f.minute} * 60 +
                                             f.second - offset_seconds;
    constexpr std::int64_t limit = std::numeric_limits<std::int64_t>::max() / 1'000'000'000 - 1;
    if (seconds_since_epoch > limit || seconds_since_epoch < -limit) return std::nullopt;
    return wall_time(nanoseconds(seconds_since_epoch * 1'000'000'000 + f.nanos));
}

/// Reads a text from the front; the first mismatch makes it fail for good.
class reader {
public:
    explicit reader(std::string_view text) : rest_(text) {}

    unsigned number(std::size_t digits) {
        unsigned value = 0;
        if (rest_.size() < digits) ok_ = false;
        for (std::size_t i = 0; ok_ && i < digits; ++i) {
            if (!digit())
                ok_ = false;
            else
                value = value * 10 + take_digit();
        }
        return value;
    }

    /// ".123" as 123000000; zero where no fraction stands.
    unsigned fraction() {
        if (!skip_if('.')) return 0;
        unsigned value = 0, count = 0;
        while (digit() && count < 9) {
            value = value * 10 + take_digit();
            ++count;
        }
        if (count == 0 || digit()) ok_ = false;
        for (; count < 9; ++count) value *= 10;
        return value;
    }

    template <std::size_t N>
    unsigned one_of(const std::array<std::string_view, N>& words) {
        for (unsigned i = 0; i < N; ++i) {
            if (rest_.starts_with(words[i])) {
                rest_.remove_prefix(words[i].size());
                return i;
            }
        }
        ok_ = false;
        return 0;
    }

    bool skip_if(char c) {
        if (rest_.empty() || rest_.front() != c) return false;
        rest_.remove_prefix(1);
        return true;
    }
    void expect(std::string_view text) {
        if (rest_.starts_with(text))
            rest_.remove_prefix(text.size());
        else
            ok_ = false;
    }
    bool at_end() const { return rest_.empty(); }
    bool ok() const { return ok_; }
    void fail() { ok_ = false; }

private:
    bool digit() const { return !rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9'; }
    unsigned take_digit() {
        const auto value = static_cast<unsigned>(rest_.front() - '0');
        rest_.remove_prefix(1);
        return value;
    }

    std::string_view rest_;
    bool ok_ = true;
};

}  // namespace

wall_time now() { return std::chrono::time_point_cast<nanoseconds>(std::chrono::system_clock::now()); }

std::string to_http_date(wall_time t) {
    const fields f = split(t);
    return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", weekdays[f.weekday], f.day,
                       months[f.month - 1], f.year, f.hour, f.minute, f.second);
}

std::optional<wall_time> parse_http_date(std::string_view text) {
    reader in(text);
    fields f;
    in.one_of(weekdays);  // not compared with the date: it adds nothing
    in.expect(", ");
    f.day = in.number(2);
    in.expect(" ");
    f.month = in.one_of(months) + 1;
    in.expect(" ");
    f.year = static_cast<int>(in.number(4));
    in.expect(" ");
    f.hour = in.number(2);
    in.expect(":");
    f.minute = in.number(2);
    in.expect(":");
    f.second = in.number(2);
    in.expect(" GMT");
    if (!in.ok() || !in.at_end()) return std::nullopt;
    return join(f);
}

std::string to_iso8601(wall_time t) {
    const fields f = split(t);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", f.year, f.month, f.day, f.hour, f.minute,
                       f.second);
}

std::string to_iso8601_nanos(wall_time t) {
    std::string text = to_iso8601(t);
    if (const unsigned nanos = split(t).nanos; nanos != 0) {
        text.pop_back();
        text += fmt::format(".{:09}Z", nanos);
    }
    return text;
}

std::optional<wall_time> parse_iso8601(std::string_view text) {
    reader in(text);
    fields f;
    f.year = static_cast<int>(in.number(4));
    in.expect("-");
    f.month = in.number(2);
    in.expect("-");
    f.day = in.number(2);
    if (!in.ok()) return std::nullopt;
    if (in.at_end()) return join(f);

    if (!in.skip_if('T') && !in.skip_if('t')) return std::nullopt;
    f.hour = in.number(2);
    in.expect(":");
    f.minute = in.number(2);
    if (in.skip_if(':')) {  // a SAS may leave the seconds out
        f.second = in.number(2);
        f.nanos = in.fraction();
    }
    std::int64_t offset = 0;
    if (!in.skip_if('Z') && !in.skip_if('z')) {
        const bool east = in.skip_if('+');
        if (!east && !in.skip_if('-')) return std::nullopt;
        const unsigned hours = in.number(2);
        in.skip_if(':');
        const unsigned minutes = in.number(2);
        if (hours > 23 || minutes > 59) return std::nullopt;
        offset = (std::int64_t{hours} * 3600 + std::int64_t{minutes} * 60) * (east ? 1 : -1);
    }
    if (!in.ok() || !in.at_end()) return std::nullopt;
    return join(f, offset);
}

}  // namespace act

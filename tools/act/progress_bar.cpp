#include "tools/act/progress_bar.hpp"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "engine/core/units.hpp"
#include "engine/core/utf8.hpp"
#include "tools/act/screen.hpp"
#include "tools/act/text.hpp"
#include "tools/act/world.hpp"

namespace act::cli {

namespace {

using namespace std::chrono_literals;

constexpr auto tick = 200ms;
// Short work ends before a line would be worth reading.
constexpr auto first_tick = 400ms;
constexpr auto window = 5s;
constexpr std::size_t bar_cells = 20;

std::string time_left(const progress_view& v) {
    double seconds = -1;
    if (v.bytes_found > v.bytes_done && v.byte_rate > 0) {
        seconds = static_cast<double>(v.bytes_found - v.bytes_done) / v.byte_rate;
    } else if (v.files_found > v.files_done && v.file_rate > 0) {
        seconds = static_cast<double>(v.files_found - v.files_done) / v.file_rate;
    }
    // Small files are bound by their count: the slower of the two estimates is the better one.
    if (v.files_found > v.files_done && v.file_rate > 0) {
        seconds = std::max(seconds, static_cast<double>(v.files_found - v.files_done) / v.file_rate);
    }
    if (seconds < 0 || seconds > 100 * 86400.0) return {};
    auto whole = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(seconds + 0.5));
    return (whole < 60 ? fmt::format("{} s", whole) : human_duration(static_cast<double>(whole))) + " left";
}

}  // namespace

std::string progress_line(const progress_view& v, unsigned columns) {
    // The last column stays free: some terminals wrap when it is written.
    std::size_t room = columns > 1 ? columns - 1 : 0;
    std::vector<std::string> pieces;
    if (v.found_all) {
        double share = v.bytes_found ? static_cast<double>(v.bytes_done) / static_cast<double>(v.bytes_found)
                       : v.files_found
                           ? static_cast<double>(v.files_done) / static_cast<double>(v.files_found)
                           : 1.0;
        share = std::clamp(share, 0.0, 1.0);
        auto full = static_cast<std::size_t>(share * bar_cells);
        pieces.push_back(fmt::format("{:3.0f}%", share * 100 - (share < 1 ? 0.5 : 0)));
        pieces.push_back(fmt::format("[{}{}]", std::string(full, '='), std::string(bar_cells - full, ' ')));
    }
    std::string open_end = v.found_all ? "" : "+";
    pieces.push_back(
        fmt::format("{} of {}{}", human_size(v.bytes_done), human_size(v.bytes_found), open_end));
    pieces.push_back(human_size(static_cast<std::uint64_t>(v.byte_rate)) + "/s");
    pieces.push_back(
        fmt::format("{} of {}{}", human_count(v.files_done), human_count(v.files_found), open_end));
    if (v.found_all) {
        if (auto left = time_left(v); !left.empty()) pieces.push_back(left);
    }
    if (v.failed) pieces.push_back(fmt::format("{} failed", human_count(v.failed)));

    std::string line;
    for (const auto& piece : pieces) {
        std::size_t gap = line.empty() ? 0 : 2;
        if (line.size() + gap + piece.size() > room) return line;
        line.append(gap, ' ');
        line += piece;
    }
    constexpr std::size_t shortest_name = 12;
    if (!v.name.empty() && line.size() + 2 + shortest_name <= room) {
        line += "  " + elide_middle(printable(v.name), room - line.size() - 2);
    }
    return line;
}

double rate_meter::sample(steady::time_point at, std::uint64_t total) {
    points_.push_back({at, total});
    while (points_.size() > 2 && at - points_[1].at >= window) points_.pop_front();
    double seconds = std::chrono::duration<double>(at - points_.front().at).count();
    return seconds <= 0 ? 0 : static_cast<double>(total - points_.front().total) / seconds;
}

progress_bar::progress_bar(const world& w, screen& s, const act::progress& p)
    : world_(w), screen_(s), progress_(p) {
    if (!w.problems_is_terminal || w.variable("TERM", "dumb") == "dumb") return;
    (void)read(steady::now());
    thread_ = std::thread([this] { draw_until_told(); });
}

progress_bar::~progress_bar() {
    if (!thread_.joinable()) return;
    {
        std::lock_guard lock(mutex_);
        ending_ = true;
    }
    wake_.notify_one();
    thread_.join();
    screen_.status({});
}

void progress_bar::name(std::string_view finished) {
    std::lock_guard lock(mutex_);
    name_ = finished;
}

void progress_bar::expect_more(bool more) {
    std::lock_guard lock(mutex_);
    more_ = more;
}

void progress_bar::draw_until_told() {
    auto next = first_tick;
    for (std::unique_lock lock(mutex_); !wake_.wait_for(lock, next, [this] { return ending_; });
         next = tick) {
        progress_view view = read(steady::now());
        lock.unlock();
        screen_.status(progress_line(view, world_.columns()));
        lock.lock();
    }
}

progress_view progress_bar::read(steady::time_point at) {
    constexpr auto relaxed = std::memory_order_relaxed;
    progress_view view;
    view.found_all = !more_ && progress_.scan_finished.load(std::memory_order_acquire);
    view.files_done = progress_.files_done.load(relaxed);
    view.files_found = std::max(view.files_done, progress_.files_found.load(relaxed));
    view.bytes_done = progress_.bytes_done.load(relaxed);
    view.bytes_found = std::max(view.bytes_done, progress_.bytes_found.load(relaxed));
    view.failed = progress_.files_failed.load(relaxed);
    view.byte_rate = bytes_.sample(at, view.bytes_done);
    view.file_rate = files_.sample(at, view.files_done);
    view.name = name_;
    return view;
}

}  // namespace act::cli

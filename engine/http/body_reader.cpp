#include "engine/http/body_reader.hpp"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

namespace act::http {

namespace {

constexpr std::size_t first_capacity = 16 * 1024;
// Chunks smaller than this are read together with the framing behind them.
constexpr std::uint64_t small_chunk = 16 * 1024;

}  // namespace

std::span<std::byte> input_buffer::room(std::size_t limit) {
    if (end_ == capacity_) {
        if (begin_ != 0) {
            std::memmove(data_.get(), data_.get() + begin_, end_ - begin_);
            end_ -= begin_;
            begin_ = 0;
        } else if (capacity_ < limit) {
            const std::size_t larger = std::min(limit, std::max(first_capacity, capacity_ * 2));
            std::unique_ptr<char[]> grown(new char[larger]);
            if (end_ != 0) std::memcpy(grown.get(), data_.get(), end_);
            data_ = std::move(grown);
            capacity_ = larger;
        }
    }
    return std::as_writable_bytes(std::span(data_.get() + end_, capacity_ - end_));
}

std::size_t input_buffer::take(std::span<std::byte> into) {
    const std::size_t n = std::min(into.size(), end_ - begin_);
    if (n != 0) std::memcpy(into.data(), data_.get() + begin_, n);
    consume(n);
    return n;
}

void body_reader::start(framing f, std::uint64_t n) {
    framing_ = f;
    finished_ = f == framing::none;
    left_ = n;
    delivered_ = 0;
    chunks_ = {};
}

std::optional<std::uint64_t> body_reader::left() const {
    if (finished_) return 0;
    if (framing_ == framing::length) return left_;
    return {};
}

void body_reader::took(std::size_t n) {
    delivered_ += n;
    if (framing_ == framing::length) {
        left_ -= n;
        finished_ = left_ == 0;
    } else if (framing_ == framing::chunked) {
        chunks_.took(n);
    }
}

error body_reader::cut_short(const stream& s) const {
    std::string text =
        fmt::format("{} closed the connection after {} bytes of the body", s.peer(), delivered_);
    if (framing_ == framing::length) text += fmt::format(", {} bytes too early", left_);
    return error(kind::unavailable, std::move(text));
}

task<result<std::size_t>> body_reader::read(stream& s, input_buffer& in, std::span<std::byte> into, bool fill,
                                            const until& u) {
    std::size_t done = 0;
    // The end of a chunked body shows only in its last framing: looked for even when `into` is full, but not
    // waited for.
    while (!finished_ && (done < into.size() || (framing_ == framing::chunked && chunks_.needs_framing()))) {
        auto part = into.subspan(done);
        if (framing_ == framing::chunked && chunks_.needs_framing()) {
            if (in.empty()) {
                if (done == into.size() || (done != 0 && !fill)) break;
                auto got = co_await s.read_some(in.room(first_capacity), u);
                if (!got) co_return got.error();
                if (*got == 0) co_return cut_short(s);
                in.added(*got);
            }
            in.consume(chunks_.frame(in.view()));
            if (chunks_.bad()) co_return error(kind::protocol, s.peer() + " sent a malformed chunked body");
            finished_ = chunks_.done();
            continue;
        }
        if (framing_ == framing::length && left_ < part.size())
            part = part.first(static_cast<std::size_t>(left_));
        if (framing_ == framing::chunked && chunks_.left() < part.size()) {
            part = part.first(static_cast<std::size_t>(chunks_.left()));
        }
        if (!in.empty()) {
            const std::size_t n = in.take(part);
            took(n);
            done += n;
            continue;
        }
        if (done != 0 && !fill) break;
        const bool buffered = framing_ == framing::chunked && part.size() < small_chunk;
        auto got = co_await s.read_some(buffered ? in.room(first_capacity) : part, u);
        if (!got) co_return got.error();
        if (*got == 0) {
            if (framing_ != framing::until_close || !s.clean_end()) co_return cut_short(s);
            finished_ = true;
            break;
        }
        if (buffered) {
            in.added(*got);
        } else {
            took(*got);
            done += *got;
        }
    }
    co_return done;
}

void body_reader::read_now(stream& s, input_buffer& in, std::span<std::byte> scratch) {
    while (!finished_ && framing_ == framing::length) {
        auto part = scratch.first(static_cast<std::size_t>(std::min<std::uint64_t>(scratch.size(), left_)));
        const std::size_t n = in.empty() ? s.read_now(part) : in.take(part);
        if (n == 0) return;
        took(n);
    }
    while (!finished_ && framing_ == framing::chunked) {
        if (in.empty()) {
            const std::size_t n = s.read_now(in.room(first_capacity));
            if (n == 0) return;
            in.added(n);
        }
        if (chunks_.needs_framing()) {
            in.consume(chunks_.frame(in.view()));
            if (chunks_.bad()) return;
            finished_ = chunks_.done();
        } else {
            took(in.take(scratch.first(
                static_cast<std::size_t>(std::min<std::uint64_t>(scratch.size(), chunks_.left())))));
        }
    }
}

}  // namespace act::http

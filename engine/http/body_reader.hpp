#pragma once

#include <memory>
#include <optional>

#include "engine/http/chunked.hpp"
#include "engine/http/stream.hpp"

namespace act::http {

/// What was received beyond what is understood so far: heads, the bytes behind them, chunk framing.
class input_buffer {
public:
    std::string_view view() const { return {data_.get() + begin_, end_ - begin_}; }
    bool empty() const { return begin_ == end_; }
    void consume(std::size_t bytes) {
        begin_ += bytes;
        if (begin_ == end_) begin_ = end_ = 0;
    }
    /// Free space behind the bytes; makes more while the capacity is below `limit`. Empty when it is full.
    std::span<std::byte> room(std::size_t limit);
    void added(std::size_t bytes) { end_ += bytes; }
    /// Copies out of the front; says how many.
    std::size_t take(std::span<std::byte> into);

private:
    std::unique_ptr<char[]> data_;
    std::size_t capacity_ = 0, begin_ = 0, end_ = 0;
};

/// Delivers the body of one message, whichever way it is framed.
class body_reader {
public:
    void start_none() { start(framing::none, 0); }
    void start_length(std::uint64_t n) { start(n == 0 ? framing::none : framing::length, n); }
    void start_chunked() { start(framing::chunked, 0); }
    void start_until_close() { start(framing::until_close, 0); }

    bool finished() const { return finished_; }
    /// Bytes to come, where that is known.
    std::optional<std::uint64_t> left() const;
    std::uint64_t delivered() const { return delivered_; }

    /// At least one byte unless the body ends; with `fill`, as many as fit.
    task<result<std::size_t>> read(stream&, input_buffer&, std::span<std::byte> into, bool fill,
                                   const until&);
    /// Takes what is there already, without waiting; for discarding.
    void read_now(stream&, input_buffer&, std::span<std::byte> scratch);

private:
    enum class framing { none, length, chunked, until_close };
    void start(framing, std::uint64_t);
    void took(std::size_t);
    error cut_short(const stream&) const;

    framing framing_ = framing::none;
    bool finished_ = true;
    std::uint64_t left_ = 0;
    std::uint64_t delivered_ = 0;
    chunk_decoder chunks_;
};

}  // namespace act::http

#pragma once

#include <memory>
#include <span>
#include <vector>

#include "engine/codec/hash.hpp"
#include "engine/core/result.hpp"

/// Raw DEFLATE (RFC 1951) of whole buffers, by libdeflate.
namespace act::codec {

/// Compresses one buffer after the other; for one thread at a time. Output depends on the input and the level
/// only.
class deflater {
public:
    /// 1 (fast) to 12 (small); anything else throws std::invalid_argument.
    explicit deflater(int level = 6);
    ~deflater();
    deflater(deflater&&) noexcept;
    deflater& operator=(deflater&&) noexcept;

    /// Replaces the content of `out`, whose memory is reused. May be longer than the input.
    void compress(bytes_view in, std::vector<std::byte>& out);

private:
    struct state;
    std::unique_ptr<state> state_;
};

/// Undoes it where the size of the original is known; for one thread at a time.
class inflater {
public:
    inflater();
    ~inflater();
    inflater(inflater&&) noexcept;
    inflater& operator=(inflater&&) noexcept;

    /// Fills `out` exactly; kind::integrity when the data is damaged, or shorter or longer than that.
    result<void> inflate(bytes_view in, std::span<std::byte> out);

private:
    struct state;
    std::unique_ptr<state> state_;
};

}  // namespace act::codec

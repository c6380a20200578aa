#pragma once

#include <functional>
#include <memory>

#include "engine/codec/hash.hpp"
#include "engine/core/result.hpp"

namespace act::codec {

/// Decompresses what comes in pieces, in bounded memory however much comes out (zlib, which unlike libdeflate
/// can stop anywhere). For one thread at a time.
class inflate_stream {
public:
    enum class format {
        raw,      ///< RFC 1951
        gzip,     ///< RFC 1952: one or more members, and zeros behind the last
        deflate,  ///< what HTTP calls so: RFC 1950, or raw, which some write in its place
    };
    using sink = std::function<result<void>(bytes_view)>;

    explicit inflate_stream(format);
    ~inflate_stream();
    inflate_stream(inflate_stream&&) noexcept;
    inflate_stream& operator=(inflate_stream&&) noexcept;

    /// Hands on what the piece yields, in tiles. kind::integrity when it is damaged or goes on behind the
    /// end; what the sink fails with.
    result<void> feed(bytes_view, const sink&);
    /// kind::integrity unless the stream has come to its end.
    result<void> finish() const;
    /// Ready for the next stream; memory is kept.
    void restart();

private:
    struct state;
    std::unique_ptr<state> state_;
};

}  // namespace act::codec

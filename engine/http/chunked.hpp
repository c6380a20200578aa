#pragma once

#include <cstdint>
#include <string_view>

/// Decodes the framing of a chunked body (RFC 9112 section 7.1), not its data. Private to engine/http.
namespace act::http {

class chunk_decoder {
public:
    /// Consumes framing from the front of `in` until data, the end, an error or the end of `in`; says how
    /// many bytes it took. Call it while needs_framing().
    std::size_t frame(std::string_view in);

    /// Bytes of data that come next; the caller takes them and says so.
    std::uint64_t left() const { return left_; }
    void took(std::uint64_t bytes) {
        left_ -= bytes;
        if (left_ == 0) at_ = state::data_cr;
    }

    bool needs_framing() const { return at_ != state::data && at_ != state::done && at_ != state::bad; }
    bool done() const { return at_ == state::done; }
    bool bad() const { return at_ == state::bad; }

private:
    enum class state {
        size_first,
        size,
        extension,
        size_lf,
        data,
        data_cr,
        data_lf,
        line_first,
        line,
        line_lf,
        end_lf,
        done,
        bad
    };
    state at_ = state::size_first;
    std::uint64_t left_ = 0;
    unsigned digits_ = 0;
    // What extensions and trailers may take together: they carry nothing for us.
    unsigned idle_bytes_ = 0;
};

}  // namespace act::http

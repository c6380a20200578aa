#include "engine/http/chunked.hpp"

#include "engine/http/chars.hpp"

namespace act::http {

namespace {

constexpr unsigned max_idle_bytes = 64 * 1024;

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

}  // namespace

std::size_t chunk_decoder::frame(std::string_view in) {
    std::size_t i = 0;
    while (i < in.size() && needs_framing()) {
        const char c = in[i++];
        switch (at_) {
            case state::size_first:
            case state::size: {
                const int digit = hex_digit(c);
                if (digit >= 0) {
                    // 15 digits keep the sum of anything we count far from overflow.
                    if (++digits_ > 15) {
                        at_ = state::bad;
                        break;
                    }
                    left_ = left_ * 16 + static_cast<unsigned>(digit);
                    at_ = state::size;
                } else if (at_ == state::size && c == '\r') {
                    at_ = state::size_lf;
                } else if (at_ == state::size && (c == ';' || c == ' ' || c == '\t')) {
                    at_ = state::extension;
                } else {
                    at_ = state::bad;
                }
                break;
            }
            case state::extension:
                if (c == '\r') {
                    at_ = state::size_lf;
                } else if (!is_text(c) || ++idle_bytes_ > max_idle_bytes) {
                    at_ = state::bad;
                }
                break;
            case state::size_lf:
                digits_ = 0;
                at_ = c != '\n' ? state::bad : left_ == 0 ? state::line_first : state::data;
                break;
            case state::data_cr:
                at_ = c == '\r' ? state::data_lf : state::bad;
                break;
            case state::data_lf:
                at_ = c == '\n' ? state::size_first : state::bad;
                break;
            case state::line_first:
                if (c == '\r') {
                    at_ = state::end_lf;
                    break;
                }
                at_ = state::line;
                [[fallthrough]];
            case state::line:
                if (c == '\r') {
                    at_ = state::line_lf;
                } else if (!is_text(c) || ++idle_bytes_ > max_idle_bytes) {
                    at_ = state::bad;
                }
                break;
            case state::line_lf:
                at_ = c == '\n' ? state::line_first : state::bad;
                break;
            case state::end_lf:
                at_ = c == '\n' ? state::done : state::bad;
                break;
            case state::data:
            case state::done:
            case state::bad:
                break;
        }
    }
    return i;
}

}  // namespace act::http

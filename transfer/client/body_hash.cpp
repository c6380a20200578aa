#include "transfer/client/body_hash.hpp"

#include <cerrno>
#include <unistd.h>
#include <vector>

#include "engine/codec/hash.hpp"

namespace act::blob {
namespace {

constexpr std::size_t tile = 256 * 1024;
/// The loop serves others after this much.
constexpr std::uint64_t breather = 8ull << 20;

/// Walks over a body tile by tile.
class tiles {
public:
    explicit tiles(const http::body& b) : body_(b) {
        if (b.from == http::body::source::file) memory_.resize(std::min<std::uint64_t>(tile, b.length));
    }

    /// Empty at the end.
    result<codec::bytes_view> next() {
        auto want = static_cast<std::size_t>(std::min<std::uint64_t>(tile, body_.length - done_));
        if (body_.from != http::body::source::file) {
            auto piece = codec::bytes_view(body_.bytes).subspan(done_, want);
            done_ += want;
            return piece;
        }
        std::size_t got = 0;
        while (got < want) {
            auto n = ::pread(body_.fd, memory_.data() + got, want - got,
                             static_cast<off_t>(body_.offset + done_ + got));
            if (n < 0 && errno == EINTR) continue;
            if (n < 0) return error::from_errno(errno, "cannot read the file that is being sent");
            if (n == 0) {
                return error(kind::io, "the file that is being sent became shorter",
                             "Run the command again when nobody writes to it.");
            }
            got += static_cast<std::size_t>(n);
        }
        done_ += want;
        return codec::bytes_view(memory_).first(want);
    }

    bool breathe() const { return done_ < body_.length && done_ % breather == 0; }

private:
    const http::body& body_;
    std::vector<std::byte> memory_;
    std::uint64_t done_ = 0;
};

template <class Update>
task<result<void>> walk(const http::body& b, Update& update, until u) {
    tiles all(b);
    for (;;) {
        ACT_CO_TRY(auto piece, all.next());
        if (piece.empty()) co_return result<void>();
        update(piece);
        if (all.breathe()) ACT_CO_TRY_VOID(co_await sleep_for(steady::duration::zero(), u));
    }
}

}  // namespace

task<result<std::uint64_t>> body_crc64(const http::body& b, until u) {
    std::uint64_t crc = 0;
    auto update = [&crc](codec::bytes_view piece) { crc = codec::crc64(crc, piece); };
    ACT_CO_TRY_VOID(co_await walk(b, update, u));
    co_return crc;
}

task<result<std::string>> body_md5(const http::body& b, until u) {
    codec::digest md5(codec::digest::algorithm::md5);
    auto update = [&md5](codec::bytes_view piece) { md5.update(piece); };
    ACT_CO_TRY_VOID(co_await walk(b, update, u));
    co_return md5.finish();
}

}  // namespace act::blob

#include "engine/file/copy.hpp"

namespace act::file {

result<std::uint64_t> copy(const std::string& from, const std::string& to, std::uint32_t mode,
                           const until& u) {
    ACT_TRY(auto source, open_read(from));
    ACT_TRY(status about, stat_of(source.get(), from));
    ACT_TRY(auto target, aside::create(to));
    std::vector<std::byte> buffer(1 << 20);
    for (std::uint64_t at = 0;;) {
        ACT_TRY_VOID(u.check());
        ACT_TRY(std::size_t n, read_at(source.get(), buffer, at, from));
        if (n > 0) ACT_TRY_VOID(write_at(target.fd(), std::span(buffer).first(n), at, to));
        at += n;
        if (n == buffer.size()) continue;
        ACT_TRY_VOID(target.publish(mode, about.modified));
        return at;
    }
}

}  // namespace act::file

// Any bytes as a zip archive: opening and unpacking end with a value or an error, within the sizes the
// archive states.
#include <cstring>

#include "engine/codec/zip.hpp"

using namespace act;
using namespace act::codec;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    const auto source = [=](std::uint64_t offset, std::span<std::byte> into) -> result<std::size_t> {
        if (offset >= size) return std::size_t{0};
        const std::size_t n = std::min<std::size_t>(into.size(), size - offset);
        std::memcpy(into.data(), data + offset, n);
        return n;
    };
    const auto reader = zip_reader::open(source, size, "fuzz.zip");
    if (!reader) return 0;
    zip_extractor extractor(*reader);
    for (const zip_entry& entry : reader->entries()) {
        std::uint64_t taken = 0;
        const auto done = extractor.extract(entry, [&](bytes_view piece) -> result<void> {
            taken += piece.size();
            return {};
        });
        if (taken > entry.size || (done && taken != entry.size)) __builtin_trap();
    }
    return 0;
}

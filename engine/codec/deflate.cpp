#include "engine/codec/deflate.hpp"

#include <new>
#include <stdexcept>

#include <libdeflate.h>

#include "engine/core/units.hpp"

namespace act::codec {

namespace {

/// Of the memory that buffers are compressed into, which is neither zeroed nor given back between them.
constexpr std::size_t kept_room = 4 * MiB;

}  // namespace

struct deflater::state {
    libdeflate_compressor* compressor;
    std::unique_ptr<std::byte[]> scratch;
    std::size_t room = 0;
    explicit state(int level) : compressor(libdeflate_alloc_compressor(level)) {
        if (!compressor) throw std::bad_alloc();
    }
    ~state() { libdeflate_free_compressor(compressor); }
    state(const state&) = delete;
    state& operator=(const state&) = delete;
};

deflater::deflater(int level) {
    if (level < 1 || level > 12) throw std::invalid_argument("deflate level " + std::to_string(level));
    state_ = std::make_unique<state>(level);
}
deflater::~deflater() = default;
deflater::deflater(deflater&&) noexcept = default;
deflater& deflater::operator=(deflater&&) noexcept = default;

void deflater::compress(bytes_view in, std::vector<std::byte>& out) {
    state& s = *state_;
    const std::size_t bound = libdeflate_deflate_compress_bound(s.compressor, in.size());
    if (s.room < bound) {
        s.scratch = std::make_unique_for_overwrite<std::byte[]>(bound);
        s.room = bound;
    }
    const std::size_t size =
        libdeflate_deflate_compress(s.compressor, in.data(), in.size(), s.scratch.get(), s.room);
    if (size == 0) throw std::logic_error("deflate: the bound was too small");
    out.assign(s.scratch.get(), s.scratch.get() + size);
    if (s.room > kept_room) {
        s.scratch.reset();
        s.room = 0;
    }
}

struct inflater::state {
    libdeflate_decompressor* decompressor;
    state() : decompressor(libdeflate_alloc_decompressor()) {
        if (!decompressor) throw std::bad_alloc();
    }
    ~state() { libdeflate_free_decompressor(decompressor); }
    state(const state&) = delete;
    state& operator=(const state&) = delete;
};

inflater::inflater() : state_(std::make_unique<state>()) {}
inflater::~inflater() = default;
inflater::inflater(inflater&&) noexcept = default;
inflater& inflater::operator=(inflater&&) noexcept = default;

result<void> inflater::inflate(bytes_view in, std::span<std::byte> out) {
    std::byte nothing{};
    std::size_t taken = 0, made = 0;
    const auto outcome =
        libdeflate_deflate_decompress_ex(state_->decompressor, in.data(), in.size(),
                                         out.empty() ? &nothing : out.data(), out.size(), &taken, &made);
    if (outcome != LIBDEFLATE_SUCCESS || taken != in.size() || made != out.size()) {
        return error(kind::integrity, "compressed data is damaged");
    }
    return {};
}

}  // namespace act::codec

#include "engine/codec/deflate.hpp"

#include <new>
#include <stdexcept>

#include <libdeflate.h>

namespace act::codec {

struct deflater::state {
    libdeflate_compressor* compressor;
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
    out.resize(libdeflate_deflate_compress_bound(state_->compressor, in.size()));
    const std::size_t size =
        libdeflate_deflate_compress(state_->compressor, in.data(), in.size(), out.data(), out.size());
    if (size == 0) throw std::logic_error("deflate: the bound was too small");
    out.resize(size);
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

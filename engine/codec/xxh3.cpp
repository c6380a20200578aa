#include <algorithm>

#include "engine/codec/base64.hpp"
#include "engine/codec/hash.hpp"
#include "engine/codec/xxh3_variants.hpp"

namespace act::codec {

namespace {

/// AVX2, not AVX-512: it is the faster of the two while the data is in cache, and equal in memory.
const detail::xxh3_variant& variant() {
    static const detail::xxh3_variant& chosen =
        __builtin_cpu_supports("avx2") ? detail::xxh3_avx2 : detail::xxh3_baseline;
    return chosen;
}

}  // namespace

std::array<std::byte, 16> hash128::bytes() const {
    std::array<std::byte, 16> out;
    for (unsigned i = 0; i < 8; ++i) {
        out[i] = static_cast<std::byte>(high >> (56 - 8 * i));
        out[8 + i] = static_cast<std::byte>(low >> (56 - 8 * i));
    }
    return out;
}

hash128 hash128::from_bytes(std::span<const std::byte, 16> in) {
    hash128 out;
    for (unsigned i = 0; i < 8; ++i) {
        out.high = out.high << 8 | std::to_integer<std::uint64_t>(in[i]);
        out.low = out.low << 8 | std::to_integer<std::uint64_t>(in[8 + i]);
    }
    return out;
}

std::string hash128::hex() const { return codec::hex(bytes()); }

struct xxh3::state {
    alignas(detail::xxh3_state_alignment) std::byte memory[detail::xxh3_state_size];
};

xxh3::xxh3() : state_(std::make_unique<state>()) { reset(); }
xxh3::~xxh3() = default;
xxh3::xxh3(xxh3&&) noexcept = default;
xxh3& xxh3::operator=(xxh3&&) noexcept = default;

void xxh3::update(bytes_view data) {
    if (!data.empty()) variant().update(state_->memory, data.data(), data.size());
}

hash128 xxh3::digest() const {
    hash128 out;
    variant().digest(state_->memory, &out.low, &out.high);
    return out;
}

void xxh3::reset() { variant().reset(state_->memory); }

hash128 xxh3_of(bytes_view data) {
    hash128 out;
    variant().whole(data.data(), data.size(), &out.low, &out.high);
    return out;
}

}  // namespace act::codec

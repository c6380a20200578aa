#pragma once

// Plain types and functions only: xxh3_avx2.cpp is compiled for AVX2, and any inline function of a library
// header that it emitted could be the copy the linker keeps for the whole program.
#include <stddef.h>
#include <stdint.h>

namespace act::codec::detail {

/// XXH3-128 compiled for one instruction set. The state's layout is the same for all.
struct xxh3_variant {
    void (*reset)(void* state);
    void (*update)(void* state, const void* data, size_t size);
    void (*digest)(const void* state, uint64_t* low, uint64_t* high);
    void (*whole)(const void* data, size_t size, uint64_t* low, uint64_t* high);
};

constexpr size_t xxh3_state_size = 576;
constexpr size_t xxh3_state_alignment = 64;

extern const xxh3_variant xxh3_baseline;
extern const xxh3_variant xxh3_avx2;

}  // namespace act::codec::detail

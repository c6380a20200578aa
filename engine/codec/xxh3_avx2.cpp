// Compiled with -mavx2 (CMakeLists.txt); called only where the processor has it.
#define XXH_VECTOR XXH_AVX2
#define ACT_XXH3_VARIANT xxh3_avx2
#include "engine/codec/xxh3_variant.inc"

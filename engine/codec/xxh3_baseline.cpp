#define ACT_XXH3_VARIANT xxh3_baseline
#include "engine/codec/xxh3_variant.inc"

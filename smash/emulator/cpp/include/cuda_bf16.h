// Stand-in for CUDA's type bfloat16: the upper half of a float.
#pragma once
#include "emulator_small_floats.h"

struct __nv_bfloat16 {
    unsigned short bits;

    __nv_bfloat16() = default;
    /// Rounds to nearest; a tie goes to the even value.
    __nv_bfloat16(float value) {
        unsigned wide;
        __builtin_memcpy(&wide, &value, sizeof wide);
        bits = value != value ? 0x7fff : (wide + 0x7fff + (wide >> 16 & 1)) >> 16;
    }
    operator float() const {
        unsigned wide = (unsigned)bits << 16;
        float value;
        __builtin_memcpy(&value, &wide, sizeof value);
        return value;
    }
};

EMULATOR_SMALL_FLOAT(__nv_bfloat16, __nv_bfloat162)

inline float __bfloat162float(__nv_bfloat16 a) { return a; }
inline __nv_bfloat16 __float2bfloat16(float a) { return a; }

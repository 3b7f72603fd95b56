// Stand-in for CUDA's type half: IEEE's binary16.
#pragma once
#include "emulator_small_floats.h"

struct __half {
    unsigned short bits;

    __half() = default;
    /// Rounds to nearest; a tie goes to the even value.
    __half(float value) {
        unsigned wide;
        __builtin_memcpy(&wide, &value, sizeof wide);
        unsigned sign = wide >> 16 & 0x8000;
        float size = __builtin_fabsf(value);
        unsigned rounded;
        if (size != size) {
            rounded = 0x7fff;
        } else if (size >= 65520.0f) {
            rounded = 0x7c00;
        } else if (size < 0x1p-14f) {
            // Subnormal: the sum with 0.5 has the same unit in the last place, so this addition rounds.
            float sum = size + 0.5f;
            __builtin_memcpy(&rounded, &sum, sizeof rounded);
            rounded -= 0x3f000000;
        } else {
            wide &= 0x7fffffff;
            rounded = (wide + 0xfff + (wide >> 13 & 1) - (112u << 23)) >> 13;
        }
        bits = sign | rounded;
    }
    operator float() const {
        unsigned exponent = bits >> 10 & 31, mantissa = bits & 1023;
        if (exponent == 0) return (bits & 0x8000 ? -0x1p-24f : 0x1p-24f) * mantissa;
        unsigned wide = (bits & 0x8000u) << 16 | (exponent == 31 ? 255 : exponent + 112) << 23 | mantissa << 13;
        float value;
        __builtin_memcpy(&value, &wide, sizeof value);
        return value;
    }
};

EMULATOR_SMALL_FLOAT(__half, __half2)

inline float __half2float(__half a) { return a; }
inline __half __float2half(float a) { return a; }

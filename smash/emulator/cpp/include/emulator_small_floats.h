// What the two floating-point types of 16 bits have in common.
#pragma once
#include "cuda_runtime.h"

/// Defines arithmetic and functions of a type of 16 bits and of a pair of two such values. Each operation computes in
/// float and then rounds. For sums, products, quotients and roots this gives the nearest value, as on a card.
#define EMULATOR_SMALL_FLOAT(scalar, pair) \
    struct alignas(4) pair { scalar x, y; }; \
    EMULATOR_SMALL_OPERATOR(scalar, pair, +) EMULATOR_SMALL_OPERATOR(scalar, pair, -) \
    EMULATOR_SMALL_OPERATOR(scalar, pair, *) EMULATOR_SMALL_OPERATOR(scalar, pair, /) \
    inline scalar operator-(scalar a) { return -float(a); } \
    inline pair operator-(pair a) { return {-a.x, -a.y}; } \
    EMULATOR_SMALL_UNARY(scalar, pair, ceil) EMULATOR_SMALL_UNARY(scalar, pair, cos) \
    EMULATOR_SMALL_UNARY(scalar, pair, exp) EMULATOR_SMALL_UNARY(scalar, pair, floor) \
    EMULATOR_SMALL_UNARY(scalar, pair, log) EMULATOR_SMALL_UNARY(scalar, pair, rint) \
    EMULATOR_SMALL_UNARY(scalar, pair, rsqrt) EMULATOR_SMALL_UNARY(scalar, pair, sin) \
    EMULATOR_SMALL_UNARY(scalar, pair, sqrt) EMULATOR_SMALL_UNARY(scalar, pair, trunc) \
    inline scalar __hmax(scalar a, scalar b) { return max(float(a), float(b)); } \
    inline scalar __hmin(scalar a, scalar b) { return min(float(a), float(b)); } \
    inline pair __hmax2(pair a, pair b) { return {__hmax(a.x, b.x), __hmax(a.y, b.y)}; } \
    inline pair __hmin2(pair a, pair b) { return {__hmin(a.x, b.x), __hmin(a.y, b.y)}; } \
    inline bool __hisnan(scalar a) { return isnan(float(a)); } \
    inline bool __hisinf(scalar a) { return isinf(float(a)); }

#define EMULATOR_SMALL_OPERATOR(scalar, pair, op) \
    inline scalar operator op(scalar a, scalar b) { return float(a) op float(b); } \
    inline pair operator op(pair a, pair b) { return {a.x op b.x, a.y op b.y}; } \
    inline scalar &operator op##=(scalar &a, scalar b) { return a = a op b; } \
    inline pair &operator op##=(pair &a, pair b) { return a = a op b; }

#define EMULATOR_SMALL_UNARY(scalar, pair, name) \
    inline scalar h##name(scalar a) { return name(float(a)); } \
    inline pair h2##name(pair a) { return {h##name(a.x), h##name(a.y)}; }

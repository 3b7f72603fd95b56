// Stand-in for CUDA's device header: kernels that CubeCL generates compile with it as plain C++17.
// It includes no header of the standard library, because each kernel is compiled anew and those are slow.
#pragma once
#include "emulator_interface.h"

// `__shared__` alone is a variable of the block; blocks run one after the other, so a static variable will do.
// The emulator renames `extern __shared__` to `extern __dynamic_shared__`.
#define __shared__ static
#define __dynamic_shared__
#define __global__ inline __attribute__((always_inline))
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __cluster_dims__(...)
#define __grid_constant__
// A promise to the optimiser that the emulator does not need.
#define __restrict__
#define __align__(bytes) __attribute__((aligned(bytes)))

using uint3 = EmulatorIndex;
using dim3 = EmulatorIndex;

static uint3 threadIdx, blockIdx, blockDim, gridDim;
static constexpr int warpSize = emulator_warp_size;
alignas(1024) static unsigned char dynamic_shared_mem[emulator_shared_bytes];
static const EmulatorRuntime *emulator_runtime;

// ---- Vectors

#define EMULATOR_VECTORS(element, name) \
    struct alignas(2 * sizeof(element)) name##2 { element x, y; }; \
    struct alignas(4 * sizeof(element)) name##4 { element x, y, z, w; };
EMULATOR_VECTORS(float, float)
EMULATOR_VECTORS(int, int)
EMULATOR_VECTORS(unsigned, uint)
#undef EMULATOR_VECTORS
struct alignas(16) double2 { double x, y; };
struct float3 { float x, y, z; };
struct int3 { int x, y, z; };
inline uint3 make_uint3(unsigned x, unsigned y, unsigned z) { return {x, y, z}; }
inline int3 make_int3(int x, int y, int z) { return {x, y, z}; }

// ---- Threads that wait for each other

inline unsigned emulator_lane() {
    return (threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z)) % emulator_warp_size;
}

/// Other threads run during a wait and change `threadIdx`.
inline unsigned emulator_wait_for_warp() {
    uint3 own = threadIdx;
    unsigned here = emulator_runtime->wait_for_warp();
    threadIdx = own;
    return here;
}

inline void __syncthreads() {
    uint3 own = threadIdx;
    emulator_runtime->wait_for_block();
    threadIdx = own;
}

inline void __syncwarp(unsigned = ~0u) { emulator_wait_for_warp(); }
inline void __threadfence() {}

/// The value of the thread `source` of this warp; the own value if that thread is not here.
template <class T> T emulator_exchange(T value, unsigned source) {
    static_assert(sizeof(T) <= emulator_mailbox_bytes, "a value must fit in a mailbox");
    char *mailboxes = emulator_runtime->mailboxes();
    __builtin_memcpy(mailboxes + emulator_lane() * emulator_mailbox_bytes, &value, sizeof(T));
    unsigned here = emulator_wait_for_warp();
    if (source < emulator_warp_size && (here >> source & 1))
        __builtin_memcpy(&value, mailboxes + source * emulator_mailbox_bytes, sizeof(T));
    return value;
}

template <class T> T __shfl_sync(unsigned, T value, int lane) { return emulator_exchange(value, lane % warpSize); }
template <class T> T __shfl_xor_sync(unsigned, T value, int mask) {
    return emulator_exchange(value, emulator_lane() ^ mask);
}
template <class T> T __shfl_up_sync(unsigned, T value, unsigned by) {
    return emulator_exchange(value, emulator_lane() - by);
}
template <class T> T __shfl_down_sync(unsigned, T value, unsigned by) {
    return emulator_exchange(value, emulator_lane() + by);
}

/// Sets `here` to the threads of this warp that take part, and returns those among them whose predicate holds.
inline unsigned emulator_vote(bool predicate, unsigned &here) {
    char *mailboxes = emulator_runtime->mailboxes();
    mailboxes[emulator_lane() * emulator_mailbox_bytes] = predicate;
    here = emulator_wait_for_warp();
    unsigned votes = 0;
    for (unsigned lane = 0; lane < emulator_warp_size; lane++)
        if ((here >> lane & 1) && mailboxes[lane * emulator_mailbox_bytes]) votes |= 1u << lane;
    return votes;
}

inline unsigned __ballot_sync(unsigned, int predicate) {
    unsigned here;
    return emulator_vote(predicate != 0, here);
}
inline int __any_sync(unsigned mask, int predicate) { return __ballot_sync(mask, predicate) != 0; }
inline int __all_sync(unsigned, int predicate) {
    unsigned here;
    unsigned votes = emulator_vote(predicate != 0, here);
    return votes == here;
}
inline unsigned __activemask() { return emulator_wait_for_warp(); }

// ---- Atomics: only one thread runs at a time, so plain operations are atomic

#define EMULATOR_ATOMIC(name, result) \
    template <class T> T name(T *address, T value) { T old = *address; *address = (result); return old; }
EMULATOR_ATOMIC(atomicAdd, old + value)
EMULATOR_ATOMIC(atomicSub, old - value)
EMULATOR_ATOMIC(atomicMax, value > old ? value : old)
EMULATOR_ATOMIC(atomicMin, value < old ? value : old)
EMULATOR_ATOMIC(atomicAnd, old & value)
EMULATOR_ATOMIC(atomicOr, old | value)
EMULATOR_ATOMIC(atomicXor, old ^ value)
EMULATOR_ATOMIC(atomicExch, value)
#undef EMULATOR_ATOMIC
template <class T> T atomicCAS(T *address, T compare, T value) {
    T old = *address;
    if (old == compare) *address = value;
    return old;
}

// ---- Integers

inline int __ffs(int x) { return __builtin_ffs(x); }
inline int __ffsll(long long x) { return __builtin_ffsll(x); }
inline int __clz(int x) { return x ? __builtin_clz(x) : 32; }
inline int __clzll(long long x) { return x ? __builtin_clzll(x) : 64; }
inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
inline unsigned __brev(unsigned x) {
    unsigned reversed = 0;
    for (int bit = 0; bit < 32; bit++) reversed |= (x >> bit & 1) << (31 - bit);
    return reversed;
}
inline unsigned long long __brevll(unsigned long long x) {
    return (unsigned long long)__brev(x) << 32 | __brev(x >> 32);
}
inline int __mulhi(int a, int b) { return (long long)a * b >> 32; }
inline unsigned __umulhi(unsigned a, unsigned b) { return (unsigned long long)a * b >> 32; }
inline long long __mul64hi(long long a, long long b) { return (__int128)a * b >> 64; }
inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b) {
    return (unsigned __int128)a * b >> 64;
}

// ---- Floating point: the C library has the functions for double (`exp`) and float (`expf`); CUDA overloads `exp`

extern "C" int printf(const char *format, ...);

#define EMULATOR_UNARY(name) \
    extern "C" double name(double) noexcept; \
    extern "C" float name##f(float) noexcept; \
    inline float name(float x) { return name##f(x); }
EMULATOR_UNARY(acos) EMULATOR_UNARY(acosh) EMULATOR_UNARY(asin) EMULATOR_UNARY(asinh) EMULATOR_UNARY(atan)
EMULATOR_UNARY(atanh) EMULATOR_UNARY(ceil) EMULATOR_UNARY(cos) EMULATOR_UNARY(cosh) EMULATOR_UNARY(erf)
EMULATOR_UNARY(exp) EMULATOR_UNARY(floor) EMULATOR_UNARY(log) EMULATOR_UNARY(log1p) EMULATOR_UNARY(rint)
EMULATOR_UNARY(sin) EMULATOR_UNARY(sinh) EMULATOR_UNARY(sqrt) EMULATOR_UNARY(tan) EMULATOR_UNARY(tanh)
EMULATOR_UNARY(trunc)
#undef EMULATOR_UNARY

#define EMULATOR_BINARY(name) \
    extern "C" double name(double, double) noexcept; \
    extern "C" float name##f(float, float) noexcept; \
    inline float name(float x, float y) { return name##f(x, y); }
EMULATOR_BINARY(atan2) EMULATOR_BINARY(hypot) EMULATOR_BINARY(pow)
#undef EMULATOR_BINARY

inline float fma(float x, float y, float z) { return __builtin_fmaf(x, y, z); }
inline double fma(double x, double y, double z) { return __builtin_fma(x, y, z); }
inline float rsqrt(float x) { return 1.0f / sqrtf(x); }
inline double rsqrt(double x) { return 1.0 / sqrt(x); }
inline float rhypotf(float x, float y) { return 1.0f / hypotf(x, y); }
inline double rhypot(double x, double y) { return 1.0 / hypot(x, y); }
inline bool isnan(float x) { return __builtin_isnan(x); }
inline bool isnan(double x) { return __builtin_isnan(x); }
inline bool isinf(float x) { return __builtin_isinf(x); }
inline bool isinf(double x) { return __builtin_isinf(x); }

// A card computes these faster and less exactly; the emulator computes them exactly.
inline float __expf(float x) { return expf(x); }
inline float __logf(float x) { return logf(x); }
inline float __sinf(float x) { return sinf(x); }
inline float __cosf(float x) { return cosf(x); }
inline float __tanhf(float x) { return tanhf(x); }
inline float __powf(float x, float y) { return powf(x, y); }
inline float __fdividef(float x, float y) { return x / y; }
inline float __frcp_rn(float x) { return 1.0f / x; }
inline float __fsqrt_rn(float x) { return sqrtf(x); }
inline float __frsqrt_rn(float x) { return 1.0f / sqrtf(x); }

// ---- Absolute values, minima and maxima: one overload for each type, so that no float becomes an integer

extern "C" int abs(int) noexcept;
inline long abs(long x) { return x < 0 ? -x : x; }
inline long long abs(long long x) { return x < 0 ? -x : x; }
inline float abs(float x) { return __builtin_fabsf(x); }
inline double abs(double x) { return __builtin_fabs(x); }

#define EMULATOR_INTEGER_EXTREMES(first, second, common) \
    inline common min(first a, second b) { return (common)a < (common)b ? a : b; } \
    inline common max(first a, second b) { return (common)a > (common)b ? a : b; }
#define EMULATOR_MIXED_EXTREMES(sign, unsign) \
    EMULATOR_INTEGER_EXTREMES(sign, sign, sign) EMULATOR_INTEGER_EXTREMES(unsign, unsign, unsign) \
    EMULATOR_INTEGER_EXTREMES(sign, unsign, unsign) EMULATOR_INTEGER_EXTREMES(unsign, sign, unsign)
EMULATOR_MIXED_EXTREMES(int, unsigned)
EMULATOR_MIXED_EXTREMES(long, unsigned long)
EMULATOR_MIXED_EXTREMES(long long, unsigned long long)
#undef EMULATOR_MIXED_EXTREMES
#undef EMULATOR_INTEGER_EXTREMES

// If one of the two is no number, the result is the other one.
#define EMULATOR_FLOAT_EXTREMES(first, second, common) \
    inline common min(first a, second b) { return a < b || b != b ? a : b; } \
    inline common max(first a, second b) { return a > b || b != b ? a : b; }
EMULATOR_FLOAT_EXTREMES(float, float, float)
EMULATOR_FLOAT_EXTREMES(double, double, double)
EMULATOR_FLOAT_EXTREMES(float, double, double)
EMULATOR_FLOAT_EXTREMES(double, float, double)
#undef EMULATOR_FLOAT_EXTREMES

// ---- The entry of a compiled kernel

namespace emulator {

template <unsigned...> struct Positions {};

template <auto kernel, class... Parameters, unsigned... position>
inline __attribute__((always_inline)) void call(void (*)(Parameters...), void **arguments, Positions<position...>) {
    kernel(*static_cast<Parameters *>(arguments[position])...);
}

/// Calls the kernel as one thread, whose index is in `threadIdx`.
template <auto kernel, class... Parameters>
inline __attribute__((always_inline)) void call(void (*type)(Parameters...), void **arguments) {
    call<kernel>(type, arguments, Positions<__integer_pack(sizeof...(Parameters))...>());
}

/// Runs the threads of a block one after the other; right for kernels whose threads never wait.
template <auto kernel> void run_threads(const EmulatorLaunch &launch) {
    for (unsigned z = 0; z < launch.block.z; z++)
        for (unsigned y = 0; y < launch.block.y; y++)
            for (unsigned x = 0; x < launch.block.x; x++) {
                threadIdx = {x, y, z};
                call<kernel>(kernel, launch.arguments);
            }
}

/// Runs the threads of a block on stacks of their own, so that they can wait for each other.
template <auto kernel> void run_waiting_threads(const EmulatorLaunch &launch) {
    auto thread = [](void *arguments, unsigned index) {
        unsigned row = index / blockDim.x;
        threadIdx = {index % blockDim.x, row % blockDim.y, row / blockDim.y};
        call<kernel>(kernel, static_cast<void **>(arguments));
    };
    emulator_runtime->run_block(launch.block.x * launch.block.y * launch.block.z, thread, launch.arguments);
}

template <void (*run_block)(const EmulatorLaunch &)> void run_blocks(const EmulatorLaunch &launch) {
    emulator_runtime = launch.runtime;
    gridDim = launch.grid;
    blockDim = launch.block;
    for (unsigned z = 0; z < gridDim.z; z++)
        for (unsigned y = 0; y < gridDim.y; y++)
            for (unsigned x = 0; x < gridDim.x; x++) {
                blockIdx = {x, y, z};
                run_block(launch);
            }
}

}  // namespace emulator

// The emulator appends one of these to a kernel's source.
#define EMULATOR_ENTRY(kernel, run) \
    extern "C" __attribute__((visibility("default"))) void emulator_launch(const EmulatorLaunch *launch) { \
        emulator::run_blocks<emulator::run<kernel>>(*launch); \
    }
#define EMULATOR_ENTRY_ALONE(kernel) EMULATOR_ENTRY(kernel, run_threads)
#define EMULATOR_ENTRY_WAITING(kernel) EMULATOR_ENTRY(kernel, run_waiting_threads)

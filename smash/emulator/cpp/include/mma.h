// Stand-in for CUDA's products of small matrices by a warp. The first thread of a warp holds whole matrices and
// computes; the fragments of the other threads have no elements.
#pragma once
#include "cuda_bf16.h"
#include "cuda_fp16.h"

namespace nvcuda::wmma {

struct matrix_a;
struct matrix_b;
struct accumulator;
struct row_major;
struct col_major;
namespace precision {
struct tf32;
}
enum layout_t { mem_row_major, mem_col_major };

template <class T> struct stored { using type = T; };
template <> struct stored<precision::tf32> { using type = float; };

template <class Use, int m, int n, int k> struct shape;
template <int m, int n, int k> struct shape<matrix_a, m, n, k> { static constexpr int rows = m, columns = k; };
template <int m, int n, int k> struct shape<matrix_b, m, n, k> { static constexpr int rows = k, columns = n; };
template <int m, int n, int k> struct shape<accumulator, m, n, k> { static constexpr int rows = m, columns = n; };

template <class Use, int m, int n, int k, class T, class Layout = void> struct fragment : shape<Use, m, n, k> {
    using type = typename stored<T>::type;
    using shape<Use, m, n, k>::rows;
    using shape<Use, m, n, k>::columns;
    int num_elements = emulator_lane() == 0 ? rows * columns : 0;
    type x[rows * columns];
};

/// Keeps 10 bits of the mantissa; a tie goes away from zero.
inline float __float_to_tf32(float value) {
    unsigned bits;
    __builtin_memcpy(&bits, &value, sizeof bits);
    if ((bits & 0x7f800000) != 0x7f800000) bits = (bits + 0x1000) & 0xffffe000;
    __builtin_memcpy(&value, &bits, sizeof value);
    return value;
}

template <class Fragment, class T> void fill_fragment(Fragment &target, T value) {
    for (int i = 0; i < target.num_elements; i++) target.x[i] = value;
}

template <class Fragment, class T>
void load_matrix_sync(Fragment &target, const T *source, unsigned stride, layout_t layout) {
    emulator_wait_for_warp();
    if (emulator_lane() != 0) return;
    for (int row = 0; row < target.rows; row++)
        for (int column = 0; column < target.columns; column++)
            target.x[row * target.columns + column] =
                source[layout == mem_row_major ? row * stride + column : column * stride + row];
}
template <class Use, int m, int n, int k, class Element, class T>
void load_matrix_sync(fragment<Use, m, n, k, Element, row_major> &target, const T *source, unsigned stride) {
    load_matrix_sync(target, source, stride, mem_row_major);
}
template <class Use, int m, int n, int k, class Element, class T>
void load_matrix_sync(fragment<Use, m, n, k, Element, col_major> &target, const T *source, unsigned stride) {
    load_matrix_sync(target, source, stride, mem_col_major);
}

template <class Fragment, class T>
void store_matrix_sync(T *target, const Fragment &source, unsigned stride, layout_t layout) {
    if (emulator_lane() == 0)
        for (int row = 0; row < source.rows; row++)
            for (int column = 0; column < source.columns; column++)
                target[layout == mem_row_major ? row * stride + column : column * stride + row] =
                    source.x[row * source.columns + column];
    emulator_wait_for_warp();
}

template <class T> struct sum { using type = float; };
template <> struct sum<int> { using type = int; };

/// d = a * b + c. Sums are in float, in the order of the columns of `a`.
template <class D, class A, class B, class C> void mma_sync(D &d, const A &a, const B &b, const C &c) {
    using Sum = typename sum<typename C::type>::type;
    if (emulator_lane() != 0) return;
    for (int row = 0; row < D::rows; row++)
        for (int column = 0; column < D::columns; column++) {
            Sum total = c.x[row * D::columns + column];
            for (int i = 0; i < A::columns; i++)
                total += Sum(a.x[row * A::columns + i]) * Sum(b.x[i * B::columns + column]);
            d.x[row * D::columns + column] = total;
        }
}

}  // namespace nvcuda::wmma

//! The polynomials of a tile: weights and inputs at all points, and outputs computed from their products.

use pulp::Simd;

/// Rows of outputs of a tile.
pub const TILE: usize = 4;
/// Largest number of rows of a kernel in a piece.
const PIECE: usize = 3;
/// The polynomials are evaluated at 0, `±A`, `±B` and infinity. These values are exact and have small powers, which
/// lose few digits.
const A: f32 = 0.75;
const B: f32 = 1.5;
const POINTS: [f64; 5] = [0.0, A as f64, -A as f64, B as f64, -B as f64];
/// Number of points; infinity comes last.
pub const ALL_POINTS: usize = POINTS.len() + 1;
/// Largest number of rows of a kernel.
pub const MOST_ROWS: usize = 7;

/// A piece of the kernel at a point.
pub struct Factor {
    pub point: usize,
    /// The transformed row of an input in a tile that belongs to it.
    pub row: usize,
    /// Rows of the kernel, and the factor of each.
    pub weights: Vec<(usize, f64)>,
}

/// Number of [`factors`]: each piece has as many as its rows plus the outputs of a tile, less one.
pub fn count_factors(rows: usize) -> usize {
    rows + rows.div_ceil(PIECE) * (TILE - 1)
}

/// All pieces of a kernel of `rows` rows at all their points, point by point.
pub fn factors(rows: usize) -> Vec<Factor> {
    let mut factors = Vec::new();
    for first in (0..rows).step_by(PIECE) {
        let taps = PIECE.min(rows - first);
        // Infinity included, one less than outputs and taps together.
        let points = match taps {
            1 => &[0, 1, 2][..],
            2 => &[1, 2, 3, 4],
            _ => &[0, 1, 2, 3, 4],
        };
        for &point in points {
            let at = POINTS[point];
            let others = points.iter().filter(|&&other| other != point);
            let scale: f64 = others.map(|&other| at - POINTS[other]).product();
            let weight = |tap: usize| (first + tap, at.powi(tap as i32) / scale);
            let (row, weights) = (factors.len(), (0..taps).map(weight).collect());
            factors.push(Factor { point, row, weights });
        }
        let (row, weights) = (factors.len(), vec![(first + taps - 1, 1.0)]);
        factors.push(Factor { point: POINTS.len(), row, weights });
    }
    assert_eq!(factors.len(), count_factors(rows), "factors of {rows} rows");
    factors.sort_by_key(|factor| factor.point);
    factors
}

/// The inputs of a piece of three rows at 0, `A`, `-A`, `B`, `-B` and infinity. Each is multiplied by the polynomial
/// that is 0 at the other points.
#[inline(always)]
pub fn inputs_of_three<S: Simd>(simd: S, rows: [S::f32s; 6]) -> [S::f32s; 6] {
    let [r0, r1, r2, r3, r4, r5] = rows;
    let (at_a, of_a) = pair(simd, [r1, r2, r3, r4], B, A);
    let (at_b, of_b) = pair(simd, [r1, r2, r3, r4], A, B);
    [even(simd, [r0, r2, r4]), at_a, of_a, at_b, of_b, even(simd, [r1, r3, r5])]
}

/// The inputs of a piece of two rows at `A`, `-A`, `B`, `-B` and infinity.
#[inline(always)]
pub fn inputs_of_two<S: Simd>(simd: S, rows: [S::f32s; 5]) -> [S::f32s; 5] {
    let [r0, r1, r2, r3, r4] = rows;
    let (at_a, of_a) = pair(simd, [r0, r1, r2, r3], B, A);
    let (at_b, of_b) = pair(simd, [r0, r1, r2, r3], A, B);
    [at_a, of_a, at_b, of_b, even(simd, [r0, r2, r4])]
}

/// The inputs of a piece of one row at 0, `A`, `-A` and infinity.
#[inline(always)]
pub fn inputs_of_one<S: Simd>(simd: S, rows: [S::f32s; 4]) -> [S::f32s; 4] {
    let [r0, r1, r2, r3] = rows;
    let scaled = |factor: f32, value, added| simd.mul_add_e_f32s(simd.splat_f32s(factor), value, added);
    [scaled(-A * A, r0, r2), scaled(A, r1, r2), scaled(-A, r1, r2), scaled(-A * A, r1, r3)]
}

/// `(x² - other²)(x ± point)` times `rows`.
#[inline(always)]
fn pair<S: Simd>(simd: S, rows: [S::f32s; 4], other: f32, point: f32) -> (S::f32s, S::f32s) {
    let scaled = |factor: f32, value, added| simd.mul_add_e_f32s(simd.splat_f32s(factor), value, added);
    let odd = scaled(-other * other, rows[0], rows[2]);
    let even = scaled(-other * other, rows[1], rows[3]);
    (scaled(point, odd, even), scaled(-point, odd, even))
}

/// `(x² - A²)(x² - B²)` times `rows`.
#[inline(always)]
fn even<S: Simd>(simd: S, rows: [S::f32s; 3]) -> S::f32s {
    let scaled = |factor: f32, value, added| simd.mul_add_e_f32s(simd.splat_f32s(factor), value, added);
    scaled(A * A * B * B, rows[0], scaled(-A * A - B * B, rows[1], rows[2]))
}

/// The rows of outputs of a tile, from the products at all points.
#[inline(always)]
pub fn outputs<S: Simd>(simd: S, products: [S::f32s; ALL_POINTS]) -> [S::f32s; TILE] {
    let [at_0, at_a, of_a, at_b, of_b, at_infinity] = products;
    let scaled = |factor: f32, value, added| simd.mul_add_e_f32s(simd.splat_f32s(factor), value, added);
    let times = |factor: f32, value| simd.mul_f32s(simd.splat_f32s(factor), value);
    let (even_a, odd_a) = (simd.add_f32s(at_a, of_a), simd.sub_f32s(at_a, of_a));
    let (even_b, odd_b) = (simd.add_f32s(at_b, of_b), simd.sub_f32s(at_b, of_b));
    [
        simd.add_f32s(at_0, simd.add_f32s(even_a, even_b)),
        scaled(A, odd_a, times(B, odd_b)),
        scaled(A * A, even_a, times(B * B, even_b)),
        scaled(A * A * A, odd_a, scaled(B * B * B, odd_b, at_infinity)),
    ]
}

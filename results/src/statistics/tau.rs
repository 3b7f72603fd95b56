//! Kendall's tau, plain and weighted, in the time of a sort.

use std::cmp::Ordering;

use crate::statistics::sample::Point;

/// Kendall's tau-b: (concordant - discordant) / sqrt((pairs - ties in x) (pairs - ties in y)).
///
/// # Panics
/// If a value is not a number.
pub fn kendall_tau_b(points: &[Point]) -> Option<f64> {
    // Knight's algorithm on integers, without branches that depend on them: intervals take thousands of resamples. The
    // points are sorted by x, then y. The discordant pairs are then those that sorting by y has to swap.
    let both = |&(x, y): &Point| u128::from(key(x)) << 64 | u128::from(key(y));
    let mut sorted: Vec<u128> = points.iter().map(both).collect();
    sorted.sort_unstable();
    let tied_x = tied_pairs(sorted.chunk_by(|a, b| a >> 64 == b >> 64));
    let tied_both = tied_pairs(sorted.chunk_by(|a, b| a == b));
    let mut ys: Vec<u64> = sorted.iter().map(|&both| both as u64).collect();
    let discordant = sort_counting_swaps(&mut ys);
    let tied_y = tied_pairs(ys.chunk_by(|a, b| a == b));
    let all = pairs(points.len());
    let [distinct_x, distinct_y] = [tied_x, tied_y].map(|tied| (all - tied) as f64);
    if distinct_x == 0.0 || distinct_y == 0.0 {
        return None;
    }
    let comparable = all + tied_both - tied_x - tied_y;
    let balance = comparable as f64 - 2.0 * discordant as f64;
    Some((balance / (distinct_x.sqrt() * distinct_y.sqrt())).clamp(-1.0, 1.0))
}

/// Maps numbers to integers in the same order; -0 counts as 0.
fn key(value: f64) -> u64 {
    assert!(!value.is_nan(), "cannot rank {value}");
    let bits = (value + 0.0).to_bits();
    match bits >> 63 {
        0 => bits | 1 << 63,
        _ => !bits,
    }
}

/// Number of pairs among `n` points.
fn pairs(n: usize) -> usize {
    n * n.saturating_sub(1) / 2
}

fn tied_pairs<'a, T: 'a>(groups: impl Iterator<Item = &'a [T]>) -> usize {
    groups.map(|group| pairs(group.len())).sum()
}

/// Sorts the values by merging, and returns the number of pairs that were in the wrong order.
fn sort_counting_swaps(values: &mut Vec<u64>) -> usize {
    let mut merged = vec![0; values.len()];
    let (mut width, mut swaps) = (1, 0);
    while width < values.len() {
        for (from, to) in values.chunks(2 * width).zip(merged.chunks_mut(2 * width)) {
            let (left, right) = from.split_at(width.min(from.len()));
            let (mut l, mut r) = (0, 0);
            for value in to {
                let takes_right = r < right.len() && (l == left.len() || right[r] < left[l]);
                *value = if takes_right { right[r] } else { left[l] };
                swaps += if takes_right { left.len() - l } else { 0 };
                r += usize::from(takes_right);
                l += usize::from(!takes_right);
            }
        }
        std::mem::swap(values, &mut merged);
        width *= 2;
    }
    swaps
}

/// Kendall's tau in which a pair with ranks r and s, counted from the best, weighs `1/r + 1/s`.
///
/// It is the mean of two values: one with ranks by predictor, then truth, the other with ranks by truth, then
/// predictor. It equals SciPy's `weightedtau` for negated values. Later points come before earlier ones if both are tied.
pub fn weighted_tau(points: &[Point]) -> Option<f64> {
    let swapped: Vec<Point> = points.iter().map(|&(x, y)| (y, x)).collect();
    let [by_predictor, by_truth] = [points, &swapped].map(|points| {
        let mut order: Vec<usize> = (0..points.len()).collect();
        order.sort_by(|&a, &b| {
            let ((ax, ay), (bx, by)) = (points[a], points[b]);
            compare(ax, bx).then(compare(ay, by)).then(b.cmp(&a))
        });
        let mut weights = vec![0.0; points.len()];
        for (rank, &point) in order.iter().enumerate() {
            weights[point] = 1.0 / (rank + 1) as f64;
        }
        weights
    });
    Some((additive_tau(points, &by_predictor)? + additive_tau(points, &by_truth)?) / 2.0)
}

/// Tau-b in which a pair weighs the sum of its two points' weights.
fn additive_tau(points: &[Point], weights: &[f64]) -> Option<f64> {
    let n = points.len();
    let mut by_x: Vec<usize> = (0..n).collect();
    by_x.sort_by(|&a, &b| compare(points[a].0, points[b].0));
    let ys: Vec<f64> = points.iter().map(|point| point.1).collect();
    let places = dense_ranks(&ys);
    let all: f64 = (n.max(1) - 1) as f64 * weights.iter().sum::<f64>();
    let tied = |groups: &mut dyn Iterator<Item = Vec<usize>>| -> f64 {
        let of_group =
            |group: Vec<usize>| (group.len() - 1) as f64 * group.iter().map(|&point| weights[point]).sum::<f64>();
        groups.map(of_group).sum()
    };
    let mut by_y: Vec<usize> = (0..n).collect();
    by_y.sort_by(|&a, &b| compare(points[a].1, points[b].1));
    let equal_x = |&a: &usize, &b: &usize| points[a].0 == points[b].0;
    let equal_y = |&a: &usize, &b: &usize| points[a].1 == points[b].1;
    let distinct_x = all - tied(&mut by_x.chunk_by(equal_x).map(<[usize]>::to_vec));
    let distinct_y = all - tied(&mut by_y.chunk_by(equal_y).map(<[usize]>::to_vec));
    let is_tied_x = by_x.chunk_by(equal_x).count() < 2;
    let is_tied_y = by_y.chunk_by(equal_y).count() < 2;
    if is_tied_x || is_tied_y {
        return None;
    }
    // Points with a smaller x so far, by their y.
    let mut below = Sums::new(n);
    let mut balance = 0.0;
    for group in by_x.chunk_by(equal_x) {
        for &point in group {
            let (lower, equal) = (below.before(places[point]), below.before(places[point] + 1));
            let above = below.total - equal;
            let difference = lower - above;
            balance += difference.weight + difference.count * weights[point];
        }
        for &point in group {
            below.add(places[point], weights[point]);
        }
    }
    Some((balance / (distinct_x.sqrt() * distinct_y.sqrt())).clamp(-1.0, 1.0))
}

/// Compares two numbers; -0 counts as 0.
fn compare(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| panic!("cannot compare {a} with {b}"))
}

/// Count and sum of the weights of some points.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    count: f64,
    weight: f64,
}

impl std::ops::Add for Sum {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { count: self.count + other.count, weight: self.weight + other.weight }
    }
}

impl std::ops::Sub for Sum {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self { count: self.count - other.count, weight: self.weight - other.weight }
    }
}

/// Sums over the first places, in logarithmic time (a Fenwick tree).
struct Sums {
    tree: Vec<Sum>,
    total: Sum,
}

impl Sums {
    fn new(places: usize) -> Self {
        Self { tree: vec![Sum::default(); places + 1], total: Sum::default() }
    }

    fn add(&mut self, place: usize, weight: f64) {
        let one = Sum { count: 1.0, weight };
        self.total = self.total + one;
        let mut node = place + 1;
        while node < self.tree.len() {
            self.tree[node] = self.tree[node] + one;
            node += node & node.wrapping_neg();
        }
    }

    /// The sum over the places before this one.
    fn before(&self, place: usize) -> Sum {
        let (mut sum, mut node) = (Sum::default(), place);
        while node > 0 {
            sum = sum + self.tree[node];
            node &= node - 1;
        }
        sum
    }
}

/// Ranks from 0 without gaps; ties share a rank.
fn dense_ranks(values: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| compare(values[a], values[b]));
    let mut places = vec![0; values.len()];
    for (place, ties) in order.chunk_by(|&a, &b| values[a] == values[b]).enumerate() {
        ties.iter().for_each(|&index| places[index] = place);
    }
    places
}

#[cfg(test)]
mod tests;

//! Kendall's tau in the time of a sort.

use crate::statistics::sample::{Point, mean};

/// Kendall's tau-b: (concordant - discordant) / sqrt((pairs - ties in x) (pairs - ties in y)).
///
/// # Panics
/// If a value is not a number.
pub(crate) fn kendall_tau_b(points: &[Point]) -> Option<f64> {
    let both = |&(x, y): &Point| u128::from(key(x)) << 64 | u128::from(key(y));
    let mut sorted: Vec<u128> = points.iter().map(both).collect();
    sorted.sort_unstable();
    tau_of_keys(&sorted, |both| (both >> 64) as u64, |both| both as u64)
}

/// The same from the ranks of x and y, which is faster for many resamples of some points.
pub(crate) fn tau_of_ranks(ranks: impl Iterator<Item = [u32; 2]>) -> Option<f64> {
    let mut sorted: Vec<u64> = ranks.map(both_ranks).collect();
    sorted.sort_unstable();
    tau_of_sorted(&sorted)
}

/// The ranks of x and y as one number, in the order of x, then y.
pub(crate) fn both_ranks([x, y]: [u32; 2]) -> u64 {
    u64::from(x) << 32 | u64::from(y)
}

/// The same from sorted numbers of [`both_ranks`].
pub(crate) fn tau_of_sorted(sorted: &[u64]) -> Option<f64> {
    tau_of_keys(sorted, |both| (both >> 32) as u32, |both| both as u32)
}

/// The ranks of the values of each column. The rows are as long as there are columns, or longer.
pub(crate) fn ranks_by_column(rows: &[impl AsRef<[f64]>], columns: usize) -> Vec<Vec<u32>> {
    let of_column = |column| ranks(&rows.iter().map(|row| row.as_ref()[column]).collect::<Vec<_>>());
    let by_column: Vec<Vec<u32>> = (0..columns).map(of_column).collect();
    (0..rows.len()).map(|row| by_column.iter().map(|ranks| ranks[row]).collect()).collect()
}

/// The mean of tau over all pairs of columns, from their ranks; `None` if there are no pairs, or if one is undefined.
pub(crate) fn tau_between_columns(rows: &[&[u32]]) -> Option<f64> {
    let columns = rows.first()?.len();
    let pairs = (0..columns).flat_map(|second| (0..second).map(move |first| (first, second)));
    let tau = |(first, second)| tau_of_ranks(rows.iter().map(|row: &&[u32]| [row[first], row[second]]));
    let taus: Option<Vec<f64>> = pairs.map(tau).collect();
    taus.filter(|taus| !taus.is_empty()).map(|taus| mean(&taus))
}

/// The rank of each value among the different values, from 0.
///
/// # Panics
/// If a value is not a number.
pub fn ranks(values: &[f64]) -> Vec<u32> {
    let keys: Vec<u64> = values.iter().map(|&value| key(value)).collect();
    let mut different = keys.clone();
    different.sort_unstable();
    different.dedup();
    let rank = |key: &u64| different.partition_point(|other| other < key);
    keys.iter().map(|key| u32::try_from(rank(key)).expect("fewer than 2^32 values")).collect()
}

/// Knight's algorithm on integers that hold x above y, without branches that depend on them: intervals take thousands of
/// resamples. The points are sorted by x, then y. The discordant pairs are then those that sorting by y has to swap.
fn tau_of_keys<K: Ord + Copy, V: Ord + Copy + Default>(
    sorted: &[K],
    x: impl Fn(K) -> V,
    y: impl Fn(K) -> V,
) -> Option<f64> {
    let tied_x = tied_pairs(sorted.chunk_by(|&a, &b| x(a) == x(b)));
    let tied_both = tied_pairs(sorted.chunk_by(|a, b| a == b));
    let mut ys: Vec<V> = sorted.iter().map(|&both| y(both)).collect();
    let discordant = sort_counting_swaps(&mut ys);
    let tied_y = tied_pairs(ys.chunk_by(|a, b| a == b));
    let all = pairs(sorted.len());
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
fn sort_counting_swaps<V: Ord + Copy + Default>(values: &mut Vec<V>) -> usize {
    let mut merged = vec![V::default(); values.len()];
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

#[cfg(test)]
mod tests;

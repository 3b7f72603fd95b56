//! Kendall's tau, plain and weighted, of points that each count several times.

/// Points with the same place in a ranking.
#[derive(Clone, Copy, Debug, Default)]
pub struct Element {
    /// Number of the run of equal predictors that it belongs to.
    pub run: u32,
    /// Rank of its truth; equal truths have equal ranks.
    pub truth: u32,
    /// Number of points.
    pub count: u32,
    /// The same number if the points are in the truly better half, else 0.
    pub in_half: u32,
    /// Sums of the points' weights: by rank of the predictor, and by rank of the truth.
    pub weights: [f64; 2],
}

/// The statistics that compare all pairs of points; each is `None` if the points leave it undefined.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Discordance {
    /// See [`kendall_tau_b`](crate::statistics::tau::kendall_tau_b).
    pub tau: Option<f64>,
    /// See [`Ranking::WeightedTau`](super::Ranking::WeightedTau).
    pub weighted_tau: Option<f64>,
    /// See [`Ranking::BetterHalfTau`](super::Ranking::BetterHalfTau).
    pub better_half_tau: Option<f64>,
}

/// A sum over points or over pairs of points. Each counts 1, also 1 if it is in the better half, and its weights. A pair has the
/// weights of both its points.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    all: u64,
    in_half: u64,
    weights: [f64; 2],
}

impl Sums {
    /// The points of an element.
    fn points(element: &Element) -> Self {
        Self { all: element.count.into(), in_half: element.in_half.into(), weights: element.weights }
    }

    fn add(&mut self, other: Self) {
        self.all += other.all;
        self.in_half += other.in_half;
        self.weights = [0, 1].map(|side| self.weights[side] + other.weights[side]);
    }

    /// All pairs of points within each group of elements, such as those that share a value.
    fn pairs_within<'a>(groups: impl Iterator<Item = &'a [Element]>) -> Self {
        let among = |n: u64| n * n.saturating_sub(1) / 2;
        let mut pairs = Self::default();
        for group in groups {
            let mut points = Self::default();
            group.iter().for_each(|element| points.add(Self::points(element)));
            // Each point belongs to a pair with every other one.
            let others = points.all.saturating_sub(1) as f64;
            pairs.add(Self {
                all: among(points.all),
                in_half: among(points.in_half),
                weights: points.weights.map(|weight| others * weight),
            });
        }
        pairs
    }

    /// The pairs of a point here and one there.
    fn pairs_with(&self, others: &Self) -> Self {
        let [here, there] = [self.all as f64, others.all as f64];
        Self {
            all: self.all * others.all,
            in_half: self.in_half * others.in_half,
            weights: [0, 1].map(|side| here * others.weights[side] + self.weights[side] * there),
        }
    }
}

impl Discordance {
    /// Compares all pairs of points. The elements are in the order of the predictor, then of the truth.
    pub fn of(mut elements: Vec<Element>) -> Self {
        let all = Sums::pairs_within(std::iter::once(elements.as_slice()));
        let tied_x = Sums::pairs_within(elements.chunk_by(|a, b| a.run == b.run));
        let tied_both = Sums::pairs_within(elements.chunk_by(|a, b| a.run == b.run && a.truth == b.truth));
        let discordant = sort_by_truth(&mut elements);
        let tied_y = Sums::pairs_within(elements.chunk_by(|a, b| a.truth == b.truth));
        let are_distinct = all.all > tied_x.all && all.all > tied_y.all;
        let exact = |part: fn(&Sums) -> u64| {
            let [all, x, y, both, swaps] = [all, tied_x, tied_y, tied_both, discordant].map(|pairs| part(&pairs));
            // Sums of integers are exact.
            tau([all, x, y].map(|pairs| pairs as f64), (all + both - x - y) as f64, swaps as f64)
        };
        let weighted = |side: usize| {
            let [all, x, y, both, swaps] =
                [all, tied_x, tied_y, tied_both, discordant].map(|pairs| pairs.weights[side]);
            tau([all, x, y], all + both - x - y, swaps)
        };
        let mean = || Some((weighted(0)? + weighted(1)?) / 2.0);
        Self {
            tau: exact(|pairs| pairs.all),
            weighted_tau: are_distinct.then(mean).flatten(),
            better_half_tau: exact(|pairs| pairs.in_half),
        }
    }
}

/// Tau-b from sums over pairs: all, those tied in x, and those tied in y; those tied in neither; and the discordant ones.
fn tau([all, tied_x, tied_y]: [f64; 3], comparable: f64, discordant: f64) -> Option<f64> {
    let [distinct_x, distinct_y] = [all - tied_x, all - tied_y];
    let is_defined = distinct_x > 0.0 && distinct_y > 0.0;
    is_defined.then(|| ((comparable - 2.0 * discordant) / (distinct_x.sqrt() * distinct_y.sqrt())).clamp(-1.0, 1.0))
}

/// Sorts the elements by truth, by merging, and returns the pairs that were in the wrong order: Knight's algorithm.
fn sort_by_truth(elements: &mut Vec<Element>) -> Sums {
    let mut merged = vec![Element::default(); elements.len()];
    let (mut width, mut swapped) = (1, Sums::default());
    while width < elements.len() {
        for (from, to) in elements.chunks(2 * width).zip(merged.chunks_mut(2 * width)) {
            let (left, right) = from.split_at(width.min(from.len()));
            let (mut l, mut r) = (0, 0);
            // The elements of the right half that are placed so far. An element of the left half follows them only if its
            // truth is larger than theirs.
            let mut passed = Sums::default();
            for place in to {
                let takes_right = match (left.get(l), right.get(r)) {
                    (Some(left), Some(right)) => right.truth < left.truth,
                    (left, _) => left.is_none(),
                };
                if takes_right {
                    *place = right[r];
                    passed.add(Sums::points(place));
                    r += 1;
                } else {
                    *place = left[l];
                    swapped.add(Sums::points(place).pairs_with(&passed));
                    l += 1;
                }
            }
        }
        std::mem::swap(elements, &mut merged);
        width *= 2;
    }
    swapped
}

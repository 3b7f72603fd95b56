//! Compares the scores and true errors of one definition by two versions of the code, *base* and *head*.
//!
//! A comparison states the changes, and the smallest change that it could have seen. [`comparable`](crate::commits::comparable)
//! decides whether two results may be compared.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use crate::commits::comparable::{Aspect, Reason};
use crate::error::{Error, Result};
use crate::statistics::bootstrap::{
    BOOTSTRAP_SEED, FEWEST, Interval, Units, generator, mean_over_groups, percentiles, resample_groups,
};
use crate::statistics::coefficients::Coefficient;
use crate::statistics::ranking::Ranking;
use crate::statistics::ranking::ordered::values_of;
use crate::statistics::sample::{Point, mean, standard_deviation};
use crate::store::Group;
use crate::summaries::join::{Joined, Key, by_seed, complete_mean, join, keep_common, units};
use crate::summaries::predictor::{Measure, score_values};
use crate::tables::Row;
use crate::tables::rows::{ArchitectureRow, ScoreRow, TruthRow};

/// Standard errors that a change must have to be found in four of five comparisons, at the two-sided 5 % level. The
/// value is z(0.975) + z(0.8) of the standard normal distribution.
pub const DETECTABLE_ERRORS: f64 = 2.801_585_218;

/// The tables of one side, with the rows of all its root seeds.
#[derive(Clone, Debug, Default)]
pub struct Tables {
    /// All sampled architectures.
    pub architectures: Vec<ArchitectureRow>,
    /// Scores of the architectures.
    pub scores: Vec<ScoreRow>,
    /// The part of a score that ranks architectures: error or loss.
    pub by: Measure,
    /// Trainings of some of the architectures.
    pub true_errors: Vec<TruthRow>,
}

impl Tables {
    /// Reads the tables.
    ///
    /// # Errors
    /// If a table is missing or faulty, or a row names an unknown architecture.
    pub fn read(group: &Group) -> Result<Self> {
        let tables = Self {
            architectures: group.read()?,
            scores: group.read()?,
            by: Measure::of_group(group)?,
            true_errors: group.read()?,
        };
        let known: BTreeSet<Key> = tables.architectures.iter().map(|row| (row.seed, row.architecture)).collect();
        let scored = tables.scores.iter().map(|row| (ScoreRow::NAME, (row.seed, row.architecture)));
        let trained = tables.true_errors.iter().map(|row| (TruthRow::NAME, (row.seed, row.architecture)));
        match scored.chain(trained).find(|(_, key)| !known.contains(key)) {
            Some((table, (seed, architecture))) => {
                let run = group.runs.iter().find(|run| run.manifest.seed == seed);
                let path = run.map_or(group.folder(), |run| run.dir.path()).to_path_buf();
                Err(Error::MissingArchitecture { path, table, architecture })
            }
            None => Ok(tables),
        }
    }

    /// Joins the tables by root seed and architecture.
    fn joined(&self) -> BTreeMap<u64, Vec<Joined<'_>>> {
        let scores = score_values(&self.scores, self.by);
        let joined =
            join(&self.architectures, &scores, &self.true_errors).expect("trainings are of known architectures");
        by_seed(joined.into_iter().map(|joined| (joined.row.seed, Some(joined))))
    }

    /// The mean error of each architecture with generated weights.
    fn score_errors(&self) -> BTreeMap<Key, f64> {
        let draws = score_values(&self.scores, Measure::Error).into_iter();
        draws.filter_map(|(key, draws)| Some((key, complete_mean(draws)?))).collect()
    }
}

/// One architecture on both sides, base first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair {
    /// Its SMASH score.
    pub scores: [Option<f64>; 2],
    /// The validation error with generated weights, in [0, 1]. It is the score itself, unless the score is by loss.
    pub score_errors: [Option<f64>; 2],
    /// Its true error, in [0, 1], where it was trained.
    pub errors: [Option<f64>; 2],
}

impl Pair {
    /// Score and true error of each side that has both.
    fn points(&self) -> [Option<Point>; 2] {
        [0, 1].map(|side| Some((self.scores[side]?, self.errors[side]?)))
    }
}

/// The data that base and head have in common.
#[derive(Clone, Debug, PartialEq)]
pub struct Paired {
    /// The architectures of each root seed that both sides have.
    pub seeds: BTreeMap<u64, Vec<Pair>>,
    /// Whether the root seeds have the same architectures.
    pub units: Units,
    /// Whether the true errors of one side also count for the other. This is so if every training that both sides have
    /// has the same error. Trainings have then not changed, and a training of one side is known on both.
    pub shared_errors: bool,
}

/// Joins both sides by root seed and architecture. Root seeds of one side alone are left out.
///
/// # Errors
/// The reason, if the sides have no root seed in common or did not sample the same architectures.
///
/// # Panics
/// If a training names an unknown architecture, which [`Tables::read`] refuses.
pub fn pair(base: &Tables, head: &Tables) -> std::result::Result<Paired, Reason> {
    let differ = |detail: String| Reason { aspect: Aspect::Sampling, detail };
    let score_errors = [base.score_errors(), head.score_errors()];
    let units = units(&base.architectures);
    let [base, head] = [base.joined(), head.joined()];
    let mut seeds: BTreeMap<u64, Vec<Pair>> = BTreeMap::new();
    let (mut in_both, mut equal) = (0, 0);
    for (&seed, base) in &base {
        let Some(head) = head.get(&seed) else {
            continue;
        };
        if base.len() != head.len() {
            let (base, head) = (base.len(), head.len());
            return Err(differ(format!("seed {seed} has {base} architectures in base, {head} in head")));
        }
        for (base, index) in base.iter().map(|base| (base, base.row.architecture)) {
            let place = head.binary_search_by_key(&index, |head| head.row.architecture);
            let head = place.ok().map(|place| &head[place]);
            let Some(head) = head.filter(|head| head.row.hash == base.row.hash) else {
                let other = head.map_or("absent", |head| &head.row.hash);
                let hash = &base.row.hash;
                return Err(differ(format!("architecture {index} of seed {seed} is {hash} in base, {other} in head")));
            };
            let errors = [base, head].map(Joined::true_error);
            if errors.iter().all(Option::is_some) {
                in_both += 1;
                equal += usize::from(base.errors == head.errors);
            }
            seeds.entry(seed).or_default().push(Pair {
                scores: [base, head].map(Joined::value),
                score_errors: [0, 1].map(|side| score_errors[side].get(&(seed, index)).copied()),
                errors,
            });
        }
    }
    if seeds.is_empty() {
        let [base, head] = [base, head].map(|seeds| {
            let seeds: Vec<String> = seeds.keys().map(u64::to_string).collect();
            seeds.join(", ")
        });
        return Err(differ(format!("no root seed in common, {base} in base, {head} in head")));
    }
    let shared_errors = in_both >= FEWEST && equal == in_both;
    if shared_errors {
        for pair in seeds.values_mut().flatten() {
            let [base, head] = pair.errors;
            pair.errors = [base.or(head), head.or(base)];
        }
    }
    Ok(Paired { seeds, units, shared_errors })
}

impl Paired {
    /// Counts the architectures with score and true error in base, in head, and in both.
    pub fn counts(&self) -> [usize; 3] {
        let mut counts = [0; 3];
        for pair in self.seeds.values().flatten() {
            let [base, head] = pair.points().map(|point| usize::from(point.is_some()));
            counts[0] += base;
            counts[1] += head;
            counts[2] += base * head;
        }
        counts
    }

    /// By root seed, the values that `take` returns for the architectures. Architectures without a value are left out, in all
    /// root seeds if these share them.
    fn groups<T: Copy>(&self, take: impl Fn(&Pair) -> Option<T>) -> Vec<Vec<T>> {
        let value = |(index, pair): (u32, &Pair)| Some((index, take(pair)?));
        let group = |pairs: &Vec<Pair>| (0..).zip(pairs).filter_map(value).collect();
        let mut groups: BTreeMap<u64, Vec<(u32, T)>> =
            self.seeds.iter().map(|(&seed, pairs)| (seed, group(pairs))).collect();
        keep_common(&mut groups, self.units, |&(index, _)| index);
        groups.into_values().map(|group| group.into_iter().map(|(_, value)| value).collect()).collect()
    }
}

/// A statistic to compare.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Statistic {
    /// How well the score ranks, over the architectures with score and true error on a side.
    Ranking(Ranking),
    /// Mean SMASH score, by error, of the architectures with a score on both sides, trained or not.
    MeanScore,
    /// Mean true error of the architectures with a true error on both sides.
    MeanError,
}

impl Statistic {
    /// All statistics with their command-line names, in the order of printing.
    pub const ALL: [(&str, Self); 9] = [
        ("kendall", Self::Ranking(Ranking::Coefficient(Coefficient::Kendall))),
        ("spearman", Self::Ranking(Ranking::Coefficient(Coefficient::Spearman))),
        ("pearson", Self::Ranking(Ranking::Coefficient(Coefficient::Pearson))),
        ("weighted-tau", Self::Ranking(Ranking::WeightedTau)),
        ("better-half-tau", Self::Ranking(Ranking::BetterHalfTau)),
        ("precision", Self::Ranking(Ranking::Precision(0.1))),
        ("regret", Self::Ranking(Ranking::Regret(1))),
        ("mean-score", Self::MeanScore),
        ("mean-error", Self::MeanError),
    ];

    /// Command-line name.
    pub fn name(self) -> &'static str {
        let known = Self::ALL.into_iter().find(|&(_, statistic)| statistic == self);
        known.expect("every statistic that is compared has a name").0
    }

    /// Human-readable name.
    pub fn label(self) -> String {
        match self {
            Self::Ranking(ranking) => ranking.label(),
            Self::MeanScore => "mean SMASH score".to_owned(),
            Self::MeanError => "mean true error".to_owned(),
        }
    }

    /// Whether the statistic is a share, an error or a difference of errors, rather than a coefficient.
    pub fn is_fraction(self) -> bool {
        match self {
            Self::Ranking(ranking) => matches!(ranking, Ranking::Precision(_) | Ranking::Regret(_)),
            Self::MeanScore | Self::MeanError => true,
        }
    }

    /// Whether the statistic is itself a difference of errors, shown in percentage points.
    pub fn is_difference(self) -> bool {
        matches!(self, Self::Ranking(Ranking::Regret(_)))
    }

    fn higher_is_better(self) -> bool {
        match self {
            Self::Ranking(ranking) => !matches!(ranking, Ranking::Regret(_) | Ranking::BestRank(_)),
            Self::MeanScore | Self::MeanError => false,
        }
    }
}

impl FromStr for Statistic {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let known = Self::ALL.into_iter().find(|(name, _)| *name == text);
        let names = Self::ALL.map(|(name, _)| name).join(", ");
        known.map(|(_, statistic)| statistic).ok_or(format!("expected one of {names}"))
    }
}

/// The change of a statistic.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Change {
    /// The statistic.
    pub statistic: Statistic,
    /// Values in base and in head, the means over the root seeds; `None` if undefined.
    pub values: [Option<f64>; 2],
    /// Head minus base.
    pub interval: Option<Interval>,
    /// The smallest change that the comparison could have seen: [`DETECTABLE_ERRORS`] times the standard error of the
    /// change. The standard error is the standard deviation of the resamples.
    pub detectable: Option<f64>,
}

/// Measures the change of statistics, by a bootstrap with two levels and the given number of resamples.
///
/// A resample draws root seeds with replacement, and for each of them its architectures. Both sides use the same draws.
/// The statistic of a side uses the drawn architectures that the side has measured.
pub fn changes(paired: &Paired, statistics: &[Statistic], resamples: usize) -> Vec<Change> {
    let ranking = |statistic: &Statistic| match statistic {
        Statistic::Ranking(ranking) => Some(*ranking),
        Statistic::MeanScore | Statistic::MeanError => None,
    };
    let rankings: Vec<Ranking> = statistics.iter().filter_map(ranking).collect();
    let points = |pair: &Pair| Some(pair.points()).filter(|points| points.iter().any(Option::is_some));
    // All statistics of a ranking come from one sort of each resample.
    let of_rankings = bootstrap(
        &rankings.iter().copied().map(Statistic::Ranking).collect::<Vec<_>>(),
        (&paired.groups(points), paired.units),
        resamples,
        |points| values_of(&rankings, points),
    );
    let mean_of = |values: &[f64]| vec![(!values.is_empty()).then(|| mean(values))];
    let of_mean = |statistic, errors: fn(&Pair) -> [Option<f64>; 2]| {
        let in_both = |[base, head]: [Option<f64>; 2]| Some([Some(base?), Some(head?)]);
        let groups = paired.groups(|pair| in_both(errors(pair)));
        bootstrap(&[statistic], (&groups, paired.units), resamples, mean_of).remove(0)
    };
    let mut of_rankings = of_rankings.into_iter();
    let change = |&statistic: &Statistic| match statistic {
        Statistic::Ranking(_) => of_rankings.next().expect("a change for each ranking"),
        Statistic::MeanScore => of_mean(statistic, |pair| pair.score_errors),
        Statistic::MeanError => of_mean(statistic, |pair| pair.errors),
    };
    statistics.iter().map(change).collect()
}

fn bootstrap<T: Copy>(
    statistics: &[Statistic],
    (groups, units): (&[Vec<[Option<T>; 2]>], Units),
    resamples: usize,
    values: impl Fn(&[T]) -> Vec<Option<f64>>,
) -> Vec<Change> {
    let of_sides = |groups: &[Vec<[Option<T>; 2]>]| -> Vec<[Option<f64>; 2]> {
        let of_side = |side: usize| -> Vec<Vec<Option<f64>>> {
            let own = |pairs: &Vec<[Option<T>; 2]>| pairs.iter().filter_map(|pair| pair[side]).collect::<Vec<T>>();
            groups.iter().map(|pairs| values(&own(pairs))).collect()
        };
        let sides = [of_side(0), of_side(1)];
        let of_statistic =
            |index: usize| [0, 1].map(|side: usize| mean_over_groups(&sides[side], |of_group| of_group[index]));
        (0..statistics.len()).map(of_statistic).collect()
    };
    let difference = |[base, head]: [Option<f64>; 2]| Some(head? - base?);
    let measured = of_sides(groups);
    let mut draws: Vec<Vec<[Option<f64>; 2]>> = Vec::new();
    if measured.iter().any(|values| difference(*values).is_some()) {
        let mut rng = generator(BOOTSTRAP_SEED);
        draws.extend((0..resamples).map(|_| of_sides(&resample_groups(groups, units, &mut rng))));
    }
    let change = |((index, &statistic), values): ((usize, &Statistic), [Option<f64>; 2])| {
        let mut change = Change { statistic, values, interval: None, detectable: None };
        if let Some(estimate) = difference(values) {
            let differences = draws.iter().map(|draw| difference(draw[index]));
            let defined: Vec<f64> = differences.clone().flatten().collect();
            change.interval = percentiles(estimate, differences);
            change.detectable = standard_deviation(&defined).map(|error| DETECTABLE_ERRORS * error);
        }
        change
    };
    statistics.iter().enumerate().zip(measured).map(change).collect()
}

/// The verdict of a comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The whole interval of the change lies on the worse side of 0.
    Regressed,
    /// The whole interval lies on the better side.
    Improved,
    /// The interval contains 0, or the sample is so small that some resamples leave the statistic undefined.
    NoDifference,
    /// The two results cannot be compared.
    NotComparable(Vec<Reason>),
}

impl Verdict {
    /// Its name for people and programs.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Regressed => "regressed",
            Self::Improved => "improved",
            Self::NoDifference => "no difference shown",
            Self::NotComparable(_) => "not comparable",
        }
    }
}

impl Change {
    /// Returns the verdict by this statistic.
    pub fn judge(&self) -> Verdict {
        let Some(interval) = self.interval else {
            let undefined = match self.values {
                [None, None] => "in base and head",
                [None, Some(_)] => "in base",
                [Some(_), None] => "in head",
                [Some(_), Some(_)] => "in every resample",
            };
            return Verdict::NotComparable(vec![Reason {
                aspect: Aspect::Statistic,
                detail: format!("{} is undefined {undefined}", self.statistic.label()),
            }]);
        };
        // A change is shown only if the whole interval has one sign.
        let rises = match (interval.low, interval.high) {
            _ if interval.undefined > 0 => return Verdict::NoDifference,
            (low, _) if low > 0.0 => true,
            (_, high) if high < 0.0 => false,
            _ => return Verdict::NoDifference,
        };
        if rises == self.statistic.higher_is_better() { Verdict::Improved } else { Verdict::Regressed }
    }
}

#[cfg(test)]
mod tests;

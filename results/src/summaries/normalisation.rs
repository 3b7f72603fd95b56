//! The questions of the paper's section 3.1 about normalisation: which trainings of SMASH networks diverge, and what simple
//! WeightNorm costs in networks of a fixed architecture.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::statistics::bootstrap::{Interval, Units, mean_interval};
use crate::statistics::paired::{rounded_difference, share_difference, wilson};
use crate::statistics::sample::mean;
use crate::summaries::text::{in_order, left_out_text, percent, points_text, share_text};
use crate::tables::Status;
use crate::tables::rows::{FixedTrainingRow, StabilityRow};

/// Name of the normalisation that fixed networks have in the paper. All others are compared with it.
pub const BATCH_NORM: &str = "batch-norm";

/// Name of the paper's normalisation of SMASH networks.
pub const SIMPLE: &str = "simple-weight-norm";

/// Normalisations side by side.
#[derive(Clone, Debug, PartialEq)]
pub struct NormalisationSummary {
    /// The learning rates of SMASH networks, in ascending order.
    pub rates: Vec<f64>,
    /// The normalisations of SMASH networks, in the order of the table.
    pub smash: Vec<Stability>,
    /// The normalisations of fixed networks, in the order of the table.
    pub fixed: Vec<Fixed>,
}

/// Trainings that diverged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Diverged {
    /// Number of trainings that diverged.
    pub diverged: usize,
    /// Number of all trainings.
    pub n: usize,
}

impl Diverged {
    fn of<'a>(statuses: impl Iterator<Item = &'a Status>) -> Self {
        statuses.fold(Self::default(), |Self { diverged, n }, status| Self {
            diverged: diverged + usize::from(*status == Status::Diverged),
            n: n + 1,
        })
    }

    /// The share that diverged, with Wilson's interval; `None` without trainings.
    pub fn share(self) -> Option<Interval> {
        wilson(self.diverged as f64, self.n)
    }
}

/// SMASH networks with one normalisation.
#[derive(Clone, Debug, PartialEq)]
pub struct Stability {
    /// The normalisation.
    pub name: String,
    /// The trainings at each learning rate.
    pub by_rate: Vec<Diverged>,
    /// The trainings at all learning rates.
    pub all: Diverged,
    /// The lowest mean training error of the last epoch among the rates, over the trainings that did not diverge.
    pub lowest_error: Option<f64>,
}

/// Fixed networks with one normalisation.
#[derive(Clone, Debug, PartialEq)]
pub struct Fixed {
    /// The normalisation.
    pub name: String,
    /// Its trainings.
    pub all: Diverged,
    /// Mean true error of the trainings that did not diverge.
    pub error: Option<f64>,
    /// The drop of accuracy of each architecture: its true error minus that with BatchNorm.
    pub drops: Drops,
    /// True errors by root seed, architecture and training; `None` where the training diverged.
    errors: BTreeMap<Key, Option<f64>>,
}

/// Paired differences of true errors.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Drops {
    /// The differences by root seed, one for each architecture: the mean over its training seeds.
    pub by_seed: Vec<Vec<f64>>,
    /// Pairs left out because at least one of both trainings diverged or is missing.
    pub left_out: usize,
}

impl Drops {
    /// The mean over architectures and root seeds.
    pub fn mean(&self) -> Option<Interval> {
        mean_interval(&self.by_seed, Units::Own)
    }

    /// Number of architectures.
    pub fn n(&self) -> usize {
        self.by_seed.iter().map(Vec::len).sum()
    }
}

/// Root seed, architecture and training seed.
type Key = (u64, u32, u32);

/// Compares the normalisations.
pub fn summary(smash: &[StabilityRow], fixed: &[FixedTrainingRow]) -> NormalisationSummary {
    let mut rates: Vec<f64> = smash.iter().map(|row| row.learning_rate).collect();
    rates.sort_by(f64::total_cmp);
    rates.dedup();
    let names = in_order(smash.iter().map(|row| &row.normalisation));
    let smash = names.into_iter().map(|name| {
        let own: Vec<&StabilityRow> = smash.iter().filter(|row| row.normalisation == name).collect();
        let at = |rate: &f64| own.iter().filter(|row| row.learning_rate == *rate).copied().collect::<Vec<_>>();
        let error = |rows: Vec<&StabilityRow>| {
            let errors: Vec<f64> = rows.iter().filter_map(|row| row.error).collect();
            (!errors.is_empty()).then(|| mean(&errors))
        };
        Stability {
            name: name.to_owned(),
            by_rate: rates.iter().map(|rate| Diverged::of(at(rate).iter().map(|row| &row.status))).collect(),
            all: Diverged::of(own.iter().map(|row| &row.status)),
            lowest_error: rates.iter().filter_map(|rate| error(at(rate))).min_by(f64::total_cmp),
        }
    });
    let smash = smash.collect();
    let mut errors: BTreeMap<&str, BTreeMap<Key, Option<f64>>> = BTreeMap::new();
    for row in fixed {
        let key = (row.seed, row.architecture, row.training_seed);
        errors.entry(&row.normalisation).or_default().insert(key, row.error);
    }
    let none = BTreeMap::new();
    let standard = errors.get(BATCH_NORM).unwrap_or(&none);
    let fixed = in_order(fixed.iter().map(|row| &row.normalisation)).into_iter().map(|name| {
        let own = &errors[name];
        let rows = fixed.iter().filter(|row| row.normalisation == name);
        let measured: Vec<f64> = own.values().copied().flatten().collect();
        Fixed {
            all: Diverged::of(rows.map(|row| &row.status)),
            error: (!measured.is_empty()).then(|| mean(&measured)),
            drops: drops(own, standard),
            errors: own.clone(),
            name: name.to_owned(),
        }
    });
    NormalisationSummary { rates, smash, fixed: fixed.collect() }
}

/// Pairs trainings of equal architecture and seed: errors of `own` minus errors of `other`.
fn drops(own: &BTreeMap<Key, Option<f64>>, other: &BTreeMap<Key, Option<f64>>) -> Drops {
    let mut of_architectures: BTreeMap<u64, BTreeMap<u32, Vec<f64>>> = BTreeMap::new();
    let mut left_out = 0;
    let keys: BTreeSet<&Key> = own.keys().chain(other.keys()).collect();
    for key in keys {
        let pair = [own, other].map(|errors| errors.get(key).copied().flatten());
        let [Some(own), Some(other)] = pair else {
            left_out += 1;
            continue;
        };
        let architectures = of_architectures.entry(key.0).or_default();
        architectures.entry(key.1).or_default().push(rounded_difference(own, other));
    }
    let of_seed = |architectures: BTreeMap<u32, Vec<f64>>| architectures.values().map(|pairs| mean(pairs)).collect();
    Drops { by_seed: of_architectures.into_values().map(of_seed).collect(), left_out }
}

impl NormalisationSummary {
    /// SMASH networks with a normalisation.
    pub fn stability(&self, name: &str) -> Option<&Stability> {
        self.smash.iter().find(|stability| stability.name == name)
    }

    /// Fixed networks with a normalisation.
    pub fn fixed(&self, name: &str) -> Option<&Fixed> {
        self.fixed.iter().find(|fixed| fixed.name == name)
    }

    /// Share of trainings that diverge with the second normalisation, minus the share with the first. `None` if one of them has no
    /// training.
    pub fn divergence_difference(&self, better: &str, worse: &str) -> Option<Interval> {
        let [better, worse] = [better, worse].map(|name| self.stability(name).map(|stability| stability.all));
        let (better, worse) = (better?, worse?);
        share_difference((worse.diverged, worse.n), (better.diverged, better.n))
    }

    /// Share of trainings of SMASH networks with the paper's normalisation that do not diverge.
    pub fn stable_share(&self) -> Option<Interval> {
        let Diverged { diverged, n } = self.stability(SIMPLE)?.all;
        wilson((n - diverged) as f64, n)
    }

    /// True error with the second normalisation minus the error with the first, in networks of equal architecture and seed.
    pub fn error_difference(&self, better: &str, worse: &str) -> Option<Interval> {
        drops(&self.fixed(worse)?.errors, &self.fixed(better)?.errors).mean()
    }

    /// Number of all trainings.
    pub fn n(&self) -> usize {
        let smash = self.smash.iter().map(|stability| stability.all.n);
        smash.chain(self.fixed.iter().map(|fixed| fixed.all.n)).sum()
    }

    /// Describes the trainings that no mean of errors holds; empty if there are none.
    pub fn left_out(&self) -> String {
        let diverged = self.fixed.iter().map(|fixed| fixed.all.diverged).sum();
        left_out_text(&[(diverged, "diverged in fixed networks")])
    }
}

impl Stability {
    /// Trainings that diverged at each rate, and at all: `1 of 6`.
    pub fn counts(&self) -> impl Iterator<Item = String> {
        self.by_rate.iter().chain([&self.all]).map(|Diverged { diverged, n }| format!("{diverged} of {n}"))
    }
}

/// Two tables for a terminal.
impl fmt::Display for NormalisationSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:24}", "diverged, by rate")?;
        self.rates.iter().try_for_each(|rate| write!(f, "{rate:>10}"))?;
        write!(f, "{:>10}  share", "all")?;
        for stability in &self.smash {
            write!(f, "\n{:24}", stability.name)?;
            stability.counts().try_for_each(|counts| write!(f, "{counts:>10}"))?;
            write!(f, "  {}", share_text(stability.all.share()))?;
        }
        write!(f, "\n{:24}{:>12}  {:34}diverged", "fixed networks", "true error", "above batch-norm")?;
        for fixed in &self.fixed {
            let error = fixed.error.map_or_else(|| "undefined".to_owned(), percent);
            let drop = match fixed.name == BATCH_NORM {
                true => String::new(),
                false => points_text(fixed.drops.mean()),
            };
            write!(f, "\n{:24}{error:>12}  {drop:34}{} of {}", fixed.name, fixed.all.diverged, fixed.all.n)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stability(name: &str, rate: f64, training_seed: u32, diverged: bool) -> StabilityRow {
        StabilityRow {
            seed: 0,
            normalisation: name.to_owned(),
            learning_rate: rate,
            training_seed,
            status: if diverged { Status::Diverged } else { Status::Ok },
            error: (!diverged).then_some(0.5),
            loss: (!diverged).then_some(1.0),
            chance: 0.85,
            message: None,
        }
    }

    fn fixed(name: &str, architecture: u32, training_seed: u32, error: Option<f64>) -> FixedTrainingRow {
        FixedTrainingRow {
            seed: 0,
            normalisation: name.to_owned(),
            architecture,
            training_seed,
            status: if error.is_some() { Status::Ok } else { Status::Diverged },
            error,
            train_error: error,
            chance: 0.85,
            message: None,
        }
    }

    #[test]
    fn divergences_are_counted_by_rate_and_compared() {
        let mut rows = Vec::new();
        for (name, most) in [(SIMPLE, 0.0), ("weight-norm", 0.01)] {
            for rate in [0.1, 0.001, 0.01] {
                rows.extend((0..10).map(|seed| stability(name, rate, seed, name != SIMPLE && rate >= most)));
            }
        }
        let summary = summary(&rows, &[]);
        assert_eq!(summary.rates, [0.001, 0.01, 0.1]);
        let other = summary.stability("weight-norm").unwrap();
        assert_eq!(other.counts().collect::<Vec<_>>(), ["0 of 10", "10 of 10", "10 of 10", "20 of 30"]);
        assert_eq!(other.lowest_error, Some(0.5));
        let stable = summary.stable_share().unwrap();
        assert!(stable.estimate == 1.0 && stable.low > 0.85 && stable.high == 1.0, "{stable:?}");
        let rise = summary.divergence_difference(SIMPLE, "weight-norm").unwrap();
        assert!((rise.estimate - 2.0 / 3.0).abs() < 1e-12 && rise.low > 0.4 && rise.high < 0.9, "{rise:?}");
        let fall = summary.divergence_difference("weight-norm", SIMPLE).unwrap();
        assert!((fall.low + rise.high).abs() < 1e-12 && (fall.high + rise.low).abs() < 1e-12, "{fall:?}");
        assert_eq!(summary.divergence_difference(SIMPLE, "layer-norm"), None);
    }

    #[test]
    fn errors_are_paired_by_architecture_and_seed_without_divergences() {
        let rows: Vec<FixedTrainingRow> = (0..4)
            .flat_map(|architecture| {
                let error = 0.1 * f64::from(architecture);
                [
                    fixed(BATCH_NORM, architecture, 0, Some(error)),
                    fixed(BATCH_NORM, architecture, 1, Some(error)),
                    fixed(SIMPLE, architecture, 0, Some(error + 0.02)),
                    fixed(SIMPLE, architecture, 1, (architecture != 3).then_some(error + 0.04)),
                ]
            })
            .collect();
        let summary = summary(&[], &rows);
        let simple = summary.fixed(SIMPLE).unwrap();
        assert_eq!(simple.drops.by_seed, [[0.03, 0.03, 0.03, 0.02]]);
        assert_eq!((simple.drops.left_out, simple.all), (1, Diverged { diverged: 1, n: 8 }));
        let drop = summary.error_difference(BATCH_NORM, SIMPLE).unwrap();
        assert!((drop.estimate - 0.0275).abs() < 1e-12 && drop.low > 0.02 - 1e-12, "{drop:?}");
        assert_eq!(summary.error_difference(SIMPLE, BATCH_NORM).unwrap().estimate, -drop.estimate);
        assert_eq!(summary.left_out(), "1 diverged in fixed networks");
        assert_eq!(summary.stable_share(), None);
    }
}

//! The question of the paper's appendices C and D: do generated weights start a network better than standard ones?
//!
//! The same architecture is trained from both, on the same images in the same order. So every difference is one of a pair.

use std::collections::BTreeMap;
use std::fmt;

use crate::error::{Error, Result};
use crate::statistics::bootstrap::{Interval, Units, mean_interval, mean_over_groups};
use crate::statistics::paired::{Signs, rounded_difference};
use crate::statistics::sample::mean;
use crate::summaries::text::{left_out_text, p_text, percent, points_text};
use crate::tables::Status;
use crate::tables::starts::{InitialisationCurveRow, InitialisationRow};

/// The group of architectures that no score chose.
pub const SAMPLED: &str = "sampled";

/// The group of the best architectures by SMASH score.
pub const BEST: &str = "best by score";

/// The two networks of an architecture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// The resulting network.
    BatchNorm,
    /// The network inside the SMASH network. Its ops have simple WeightNorm.
    WeightNorm,
}

impl Form {
    /// Both networks.
    pub const ALL: [Self; 2] = [Self::BatchNorm, Self::WeightNorm];

    /// Name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::BatchNorm => "BatchNorm",
            Self::WeightNorm => "WeightNorm",
        }
    }
}

/// The initial weights of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Start {
    /// Drawn as for any network.
    Standard,
    /// From the SMASH network.
    Generated,
}

impl Start {
    /// Both starts.
    pub const ALL: [Self; 2] = [Self::Standard, Self::Generated];

    /// Name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Generated => "generated",
        }
    }
}

/// The value of generated weights as initial weights.
#[derive(Clone, Debug, PartialEq)]
pub struct InitialisationSummary {
    /// The sampled architectures with each network, then the best ones.
    pub comparisons: Vec<Comparison>,
    /// Test error from generated weights minus that from standard ones, with BatchNorm, minus the same with WeightNorm. It is over
    /// the sampled architectures.
    pub disparity: Option<Interval>,
}

/// Both starts of one network, over one group of architectures.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// Name of the group.
    pub group: &'static str,
    /// The network.
    pub form: Form,
    /// Number of architectures with at least one complete pair of trainings.
    pub n: usize,
    /// Validation error after each epoch.
    pub epochs: Vec<Outcome>,
    /// Test error at the end.
    pub end: Option<Outcome>,
    /// Number of architectures with the lower test error from standard weights (positive), or the same.
    pub signs: Signs,
    /// Failed trainings by start, standard first.
    pub failed: [usize; 2],
    /// Pairs left out because one of the trainings failed or is missing.
    pub incomplete: usize,
}

/// Errors from both starts at one time. Means are over architectures, then over root seeds.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// Mean error by start, standard first.
    pub errors: [f64; 2],
    /// Intervals of these means.
    pub intervals: [Option<Interval>; 2],
    /// Mean error from standard weights minus that from generated ones.
    pub gain: Option<Interval>,
}

/// The trainings of one network from both starts, standard first.
type Pairs<'a> = BTreeMap<Key, [Option<&'a InitialisationRow>; 2]>;

/// The errors of one network from both starts, standard first: on the validation split after each epoch, then on the test set.
type Errors = [Vec<f64>; 2];

/// An architecture, and the mean errors of its pairs of trainings.
type OfArchitecture = (u32, Errors);

/// The architectures of each root seed.
type BySeed = BTreeMap<u64, Vec<OfArchitecture>>;

/// Root seed, architecture, training seed.
type Key = (u64, u32, u32);

/// Pairs the trainings and compares the two starts.
///
/// # Errors
/// If a row names an unknown group, network or start.
pub fn summary(trainings: &[InitialisationRow], curves: &[InitialisationCurveRow]) -> Result<InitialisationSummary> {
    let mut curves_of: BTreeMap<(Form, Start, Key), BTreeMap<u32, Option<f64>>> = BTreeMap::new();
    for row in curves {
        let (form, start) = named("initialisation-curves", &row.network, &row.start)?;
        let key = (row.seed, row.architecture, row.training_seed);
        curves_of.entry((form, start, key)).or_default().insert(row.epoch, row.validation_error);
    }
    let epochs = curves.iter().map(|row| row.epoch).max().unwrap_or(0);
    // By group, network and training: what each start gave.
    let mut pairs: BTreeMap<(&str, Form), Pairs> = BTreeMap::new();
    for row in trainings {
        let (form, start) = named("initialisations", &row.network, &row.start)?;
        let group = [SAMPLED, BEST].into_iter().find(|group| *group == row.group);
        let group = group.ok_or_else(|| unexpected("initialisations", "group", &row.group))?;
        let key = (row.seed, row.architecture, row.training_seed);
        pairs.entry((group, form)).or_default().entry(key).or_default()[start as usize] = Some(row);
    }
    let errors = |form: Form, start: Start, key: Key, row: Option<&InitialisationRow>| -> Option<Vec<f64>> {
        let curve = curves_of.get(&(form, start, key))?;
        let validation = (1..=epochs).map(|epoch| curve.get(&epoch).copied().flatten());
        validation.chain([row?.error]).collect()
    };
    let mut comparisons = Vec::new();
    let mut sampled = Vec::new();
    for (group, form) in [SAMPLED, BEST].into_iter().flat_map(|group| Form::ALL.map(|form| (group, form))) {
        let pairs = pairs.remove(&(group, form)).unwrap_or_default();
        let (mut complete, mut incomplete) = (BTreeMap::<(u64, u32), Vec<Errors>>::new(), 0);
        for (&key, rows) in &pairs {
            let of_start = |start: Start| errors(form, start, key, rows[start as usize]);
            match (of_start(Start::Standard), of_start(Start::Generated)) {
                (Some(standard), Some(generated)) => {
                    complete.entry((key.0, key.1)).or_default().push([standard, generated]);
                }
                _ => incomplete += 1,
            }
        }
        let is_failed = |row: &&InitialisationRow| row.status == Status::Failed;
        let failed = [0, 1].map(|start| pairs.values().filter_map(|rows| rows[start]).filter(is_failed).count());
        // A root seed without a complete pair has an empty group, which leaves means undefined.
        let mut seeds: BySeed = pairs.keys().map(|(seed, ..)| (*seed, Vec::new())).collect();
        for ((seed, architecture), pairs) in complete {
            seeds.entry(seed).or_default().push((architecture, mean_of_pairs(&pairs)));
        }
        comparisons.push(comparison((group, form), &seeds, epochs as usize, (failed, incomplete)));
        if group == SAMPLED {
            sampled.push(seeds);
        }
    }
    let disparity = mean_interval(&disparities(&sampled[0], &sampled[1]), Units::Own);
    Ok(InitialisationSummary { comparisons, disparity })
}

fn named(table: &'static str, network: &str, start: &str) -> Result<(Form, Start)> {
    let form = Form::ALL.into_iter().find(|form| form.name() == network);
    let found = Start::ALL.into_iter().find(|known| known.name() == start);
    Ok((
        form.ok_or_else(|| unexpected(table, "network", network))?,
        found.ok_or_else(|| unexpected(table, "start", start))?,
    ))
}

fn unexpected(table: &'static str, column: &str, found: &str) -> Error {
    Error::Unexpected { table, problem: format!("unknown {column} `{found}`") }
}

fn mean_of_pairs(pairs: &[Errors]) -> Errors {
    [0, 1].map(|start| {
        let times = 0..pairs[0][start].len();
        times.map(|time| mean(&pairs.iter().map(|pair| pair[start][time]).collect::<Vec<_>>())).collect()
    })
}

fn comparison(
    (group, form): (&'static str, Form),
    seeds: &BySeed,
    epochs: usize,
    (failed, incomplete): ([usize; 2], usize),
) -> Comparison {
    let at = |time: usize, of: fn(&Errors, usize) -> f64| -> Vec<Vec<f64>> {
        let of_seed =
            |architectures: &Vec<OfArchitecture>| architectures.iter().map(|(_, errors)| of(errors, time)).collect();
        seeds.values().map(of_seed).collect()
    };
    let outcome = |time: usize| -> Option<Outcome> {
        let of_starts = [at(time, |errors, time| errors[0][time]), at(time, |errors, time| errors[1][time])];
        let mean_of =
            |groups: &Vec<Vec<f64>>| mean_over_groups(groups, |values| (!values.is_empty()).then(|| mean(values)));
        let [standard, generated] = [mean_of(&of_starts[0]), mean_of(&of_starts[1])];
        Some(Outcome {
            errors: [standard?, generated?],
            intervals: of_starts.map(|values| mean_interval(&values, Units::Own)),
            gain: mean_interval(
                &at(time, |errors, time| rounded_difference(errors[0][time], errors[1][time])),
                Units::Own,
            ),
        })
    };
    let losses = at(epochs, |errors, time| rounded_difference(errors[1][time], errors[0][time]));
    Comparison {
        group,
        form,
        n: seeds.values().map(Vec::len).sum(),
        epochs: (0..epochs).filter_map(outcome).collect(),
        end: outcome(epochs),
        signs: Signs::of(losses.into_iter().flatten()),
        failed,
        incomplete,
    }
}

/// For each root seed and each architecture with pairs of both networks: the loss by generated weights at the end with BatchNorm minus
/// that with WeightNorm.
fn disparities(batch_norm: &BySeed, weight_norm: &BySeed) -> Vec<Vec<f64>> {
    let loss = |[standard, generated]: &Errors| {
        rounded_difference(*generated.last().expect("a test error"), *standard.last().expect("a test error"))
    };
    let of_seed = |(seed, architectures): (&u64, &Vec<OfArchitecture>)| {
        let others = weight_norm.get(seed).map_or(&[][..], Vec::as_slice);
        let both = architectures.iter().filter_map(|(architecture, errors)| {
            let (_, other) = others.iter().find(|(other, _)| other == architecture)?;
            Some(rounded_difference(loss(errors), loss(other)))
        });
        both.collect()
    };
    batch_norm.iter().map(of_seed).collect()
}

impl InitialisationSummary {
    /// The sampled architectures as resulting networks, to which the paper's statements apply.
    fn main(&self) -> &Comparison {
        &self.comparisons[0]
    }

    /// Validation error of resulting networks after the first epoch from standard weights, minus that from generated ones.
    pub fn first_epoch_gain(&self) -> Option<Interval> {
        self.main().epochs.first()?.gain
    }

    /// Test error of resulting networks at the end from generated weights, minus that from standard ones.
    pub fn standard_start_gain(&self) -> Option<Interval> {
        Some(self.main().end.as_ref()?.gain?.negated())
    }

    /// Number of sampled architectures with a complete pair of resulting networks.
    pub fn n(&self) -> usize {
        self.main().n
    }

    /// Describes what was left out; empty if nothing was.
    pub fn left_out(&self) -> String {
        let incomplete = self.comparisons.iter().map(|comparison| comparison.incomplete).sum();
        left_out_text(&[(incomplete, "pairs with a training that failed or is missing")])
    }
}

impl Comparison {
    /// Describes how often standard weights won at the end, with the sign test.
    pub fn record(&self) -> String {
        let Signs { positive, zero, negative } = self.signs;
        let p = p_text(self.signs.p_value());
        format!(
            "{positive} better from standard weights, {zero} tied, {negative} better from generated ones, sign test {p}"
        )
    }
}

/// A table for a terminal.
impl fmt::Display for InitialisationSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Comparison { group, form, n, epochs, end, .. } in &self.comparisons {
            writeln!(f, "{group}, {}: n = {n} architectures", form.name())?;
            let times = epochs.iter().enumerate().map(|(epoch, outcome)| (format!("epoch {}", epoch + 1), outcome));
            for (time, Outcome { errors: [standard, generated], gain, .. }) in
                times.chain(end.iter().map(|end| ("test error".to_owned(), end)))
            {
                let [standard, generated] = [*standard, *generated].map(percent);
                writeln!(f, "  {time:12}standard {standard:10}generated {generated:10}gain {}", points_text(*gain))?;
            }
        }
        if !self.left_out().is_empty() {
            writeln!(f, "left out: {}", self.left_out())?;
        }
        write!(f, "loss by generated weights with BatchNorm - with WeightNorm {}", points_text(self.disparity))
    }
}

#[cfg(test)]
mod tests;

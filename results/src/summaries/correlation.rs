//! The question of the paper's section 4.1: does the SMASH score rank architectures as their true error does?
//!
//! Joins the tables of a run and summarises the answer.

use std::collections::BTreeMap;
use std::fmt;

use crate::error::Result;
use crate::statistics::bootstrap::{Interval, RESAMPLES, Units, mean_interval};
use crate::statistics::ceiling::noise_ceiling;
use crate::statistics::coefficients::{Coefficient, Line, least_squares};
use crate::statistics::noise::{SpreadAndNoise, spread_and_noise};
use crate::statistics::ranking::Ranking;
use crate::statistics::ranking::resampling::intervals;
use crate::statistics::sample::{Point, mean, standard_deviation};
use crate::summaries::join::{Joined, by_seed, join, keep_common, units};
pub use crate::summaries::predictor::{Measure, Predictor};
use crate::summaries::text::{SIGN, draws_text, interval_text, left_out_text};
use crate::tables::rows::{ArchitectureRow, TruthRow};

/// How well a predictor, such as the SMASH score, predicts the true error.
#[derive(Clone, Debug, PartialEq)]
pub struct CorrelationSummary {
    /// Human-readable name of the predictor, such as "SMASH score".
    pub predictor: &'static str,
    /// Most noise draws behind a value of the predictor; `None` for a predictor without noise draws.
    pub draws: Option<usize>,
    /// The values behind all coefficients.
    pub points: Points,
    /// Predictor against true error: the mean over the root seeds.
    pub score: Coefficients,
    /// Predictor against true error in each root seed, in order.
    pub score_of_seeds: Vec<Coefficients>,
    /// True errors by the first half of an architecture's trainings against those by the second half, if all trainings
    /// were repeated. A better predictor than the truth itself cannot be distinguished from it.
    pub halves: Option<Coefficients>,
    /// Tau that the expected error itself would reach against these true errors; `None` unless all trainings were repeated.
    pub ceiling: Option<Interval>,
    /// Number of parameters against true error, the first trivial predictor. More predicts a lower error, so its sign is changed.
    pub parameters: Coefficients,
    /// Multiply-adds against true error, the second trivial predictor, with its sign changed too.
    pub multiply_adds: Coefficients,
    /// Spread of the true errors against their noise; `None` with a single architecture.
    pub spread: Option<SpreadAndNoise>,
    /// Architectures left out because none of their trainings ended ok.
    pub without_truth: usize,
    /// Architectures left out because they have no score, or one of their draws did not end ok.
    pub without_score: usize,
}

/// A predictor's values and true errors, without coefficients, which take much longer.
#[derive(Clone, Debug, PartialEq)]
pub struct Points {
    /// Whether the values of the predictor are errors or losses.
    pub by: Measure,
    /// The points of each root seed, in order.
    pub seeds: Vec<SeedPoints>,
    /// Whether the root seeds have the same architectures.
    pub units: Units,
}

impl Points {
    /// Number of architectures over all root seeds. Architectures that the root seeds share count once.
    pub fn n(&self) -> usize {
        self.units.count(self.seeds.iter().map(|seed| seed.points.len()))
    }

    /// Kendall's tau, the mean over the root seeds; `None` if the data leave it undefined.
    pub fn kendall(&self) -> Option<Interval> {
        intervals(&self.groups(), self.units, &[Ranking::Coefficient(Coefficient::Kendall)])[0]
    }

    /// The points alone, by root seed.
    pub fn groups(&self) -> Vec<Vec<Point>> {
        self.seeds.iter().map(|seed| seed.points.clone()).collect()
    }
}

/// One root seed's part of [`Points`].
#[derive(Clone, Debug, PartialEq)]
pub struct SeedPoints {
    /// The root seed.
    pub seed: u64,
    /// Predictor and true error of each architecture, errors in [0, 1]. A predictor is, for example, the SMASH score:
    /// the validation error with generated weights. The true error is the test error with trained weights.
    pub points: Vec<Point>,
    /// The architecture of each point.
    pub architectures: Vec<u32>,
    /// Two standard deviations for each point: of the predictor over its values, such as noise draws, and of the true
    /// error over its trainings. `None` stands for a single value.
    pub deviations: Vec<[Option<f64>; 2]>,
    /// Least-squares line of the true error on the predictor.
    pub line: Option<Line>,
}

/// The coefficients of one predictor; `None` where the data leave one undefined.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Coefficients {
    /// Kendall's tau-b.
    pub kendall: Option<Interval>,
    /// Spearman's rank correlation.
    pub spearman: Option<Interval>,
    /// Pearson's coefficient.
    pub pearson: Option<Interval>,
}

impl Coefficients {
    /// Coefficients averaged over root seeds; see [`intervals`].
    fn of(groups: &[Vec<Point>], units: Units) -> Self {
        let coefficients =
            [Coefficient::Kendall, Coefficient::Spearman, Coefficient::Pearson].map(Ranking::Coefficient);
        let found = intervals(groups, units, &coefficients);
        let [kendall, spearman, pearson] = found.try_into().expect("an interval for each coefficient");
        Self { kendall, spearman, pearson }
    }

    /// Returns one of the three coefficients.
    pub fn get(&self, coefficient: Coefficient) -> Option<Interval> {
        match coefficient {
            Coefficient::Kendall => self.kendall,
            Coefficient::Spearman => self.spearman,
            Coefficient::Pearson => self.pearson,
        }
    }
}

/// Joins tables by seed and architecture as [`summary`] does, without coefficients.
///
/// # Errors
/// As for [`summary`].
pub fn points(architectures: &[ArchitectureRow], predictor: &Predictor, true_errors: &[TruthRow]) -> Result<Points> {
    Ok(sample(architectures, predictor, true_errors)?.points(predictor.by))
}

/// Joins tables by seed and architecture and summarises them.
///
/// It uses the architectures that have a row in `true_errors`. The true error is the mean over the repetitions that
/// ended ok. `test_examples` is the size of the set on which true errors are measured.
///
/// # Errors
/// If a row of `true_errors` names an architecture that `architectures` lacks.
pub fn summary(
    architectures: &[ArchitectureRow],
    predictor: &Predictor,
    true_errors: &[TruthRow],
    test_examples: u64,
) -> Result<CorrelationSummary> {
    let sample = sample(architectures, predictor, true_errors)?;
    let points = sample.points(predictor.by);
    let units = points.units;
    let coefficients = |groups: &[Vec<Point>]| Coefficients::of(groups, units);
    let groups = |point: fn(&Measured) -> Point| -> Vec<Vec<Point>> {
        let group = |measured: &Vec<Measured>| measured.iter().map(point).collect();
        sample.seeds.values().map(group).collect()
    };
    let scored = points.groups();
    let score = coefficients(&scored);
    let score_of_seeds = match &scored[..] {
        [_] => vec![score],
        _ => scored.iter().map(|points| Coefficients::of(std::slice::from_ref(points), Units::Own)).collect(),
    };
    let errors: Vec<Vec<Vec<f64>>> =
        sample.seeds.values().map(|measured| measured.iter().map(|m| m.errors.clone()).collect()).collect();
    let mut measured = sample.seeds.values().flatten().peekable();
    let repeated = measured.peek().is_some() && measured.all(|measured| measured.errors.len() > 1);
    Ok(CorrelationSummary {
        predictor: predictor.name,
        draws: predictor.draws,
        points,
        halves: repeated.then(|| coefficients(&groups(|m| m.halves()))),
        score,
        score_of_seeds,
        ceiling: noise_ceiling(&errors, units),
        parameters: coefficients(&groups(|m| (-(m.row.parameters as f64), m.true_error()))),
        multiply_adds: coefficients(&groups(|m| (-(m.row.multiply_adds as f64), m.true_error()))),
        spread: spread_and_noise(&errors, test_examples),
        without_truth: sample.without_truth,
        without_score: sample.without_score,
    })
}

impl CorrelationSummary {
    /// Number of architectures behind the coefficients; see [`Points::n`].
    pub fn n(&self) -> usize {
        self.points.n()
    }

    /// Each predictor with its human-readable name, the one in question first.
    pub fn predictors(&self) -> Vec<(String, Coefficients)> {
        let trivial = [("parameters", self.parameters), ("multiply-adds", self.multiply_adds)];
        let halves = self.halves.map(|halves| ("true error, half against half", halves));
        let others = trivial.into_iter().chain(halves).map(|(name, coefficients)| (name.to_owned(), coefficients));
        [(self.label(), self.score)].into_iter().chain(others).collect()
    }

    /// Name of the predictor in question, with the noise draws of a score: other estimates of it may have other numbers of them.
    pub fn label(&self) -> String {
        match self.draws {
            Some(draws) => format!("{}, {}", self.predictor, draws_text(draws)),
            None => self.predictor.to_owned(),
        }
    }

    /// Why Kendall's tau is undefined; `None` if it is defined.
    pub fn undefined_reason(&self) -> Option<String> {
        if self.score.kendall.is_some() {
            return None;
        }
        let is_constant = |values: &dyn Fn(&Point) -> f64, points: &[Point]| {
            points.iter().all(|point| values(point) == values(&points[0]))
        };
        let of_seed = |(seed, score): (&SeedPoints, &Coefficients)| {
            let SeedPoints { seed, points, .. } = seed;
            match score.kendall {
                Some(_) => None,
                None if points.len() < 2 => Some(format!("root seed {seed} has fewer than two architectures")),
                None if is_constant(&|point| point.0, points) => {
                    Some(format!("all values of {} are equal in root seed {seed}", self.predictor))
                }
                None => Some(format!("all true errors are equal in root seed {seed}")),
            }
        };
        let mut of_seeds = self.points.seeds.iter().zip(&self.score_of_seeds);
        Some(of_seeds.find_map(of_seed).unwrap_or_else(|| "no architecture has both values".to_owned()))
    }

    /// Mean value of the predictor minus the mean true error; `None` unless both are errors, or if a root seed has too few values.
    pub fn excess(&self) -> Option<Interval> {
        let of_seed = |seed: &SeedPoints| seed.points.iter().map(|(predictor, truth)| predictor - truth).collect();
        let differences: Vec<Vec<f64>> = self.points.seeds.iter().map(of_seed).collect();
        (self.points.by == Measure::Error).then(|| mean_interval(&differences, self.points.units)).flatten()
    }

    /// Describes what was left out; empty if nothing was.
    pub fn left_out(&self) -> String {
        left_out_text(&[
            (self.without_truth, "without a true error"),
            (self.without_score, "without a value of the predictor"),
        ])
    }

    /// The largest number of resamples that any interval left out.
    fn undefined_resamples(&self) -> usize {
        let of_seeds = self.score_of_seeds.iter().copied();
        let predictors = self.predictors().into_iter().map(|(_, coefficients)| coefficients);
        let intervals =
            predictors.chain(of_seeds).flat_map(|coefficients| Coefficient::ALL.map(|c| coefficients.get(c)));
        intervals.flatten().map(|interval| interval.undefined).max().unwrap_or(0)
    }
}

/// A table of coefficients and a few lines about it, for a terminal.
impl fmt::Display for CorrelationSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let left_out = match self.left_out() {
            words if words.is_empty() => words,
            words => format!(" (left out: {words})"),
        };
        writeln!(f, "true error against its predictors, n = {}{left_out}", self.n())?;
        let longest = self.predictors().iter().map(|(name, _)| name.len()).max();
        let width = longest.map_or(0, |longest| longest + 2);
        let row = |name: &str, cells: [String; 3]| {
            let [kendall, spearman, pearson] = cells;
            format!("{name:width$}{kendall:24}{spearman:24}{pearson}")
        };
        writeln!(f, "{}", row("", Coefficient::ALL.map(|c| c.label().to_owned())))?;
        let of_seeds = self.points.seeds.iter().zip(&self.score_of_seeds);
        // A single seed would repeat the line above.
        let of_seeds = of_seeds.filter(|_| self.score_of_seeds.len() > 1);
        let of_seeds = of_seeds.map(|(points, &score)| (format!("  seed {}", points.seed), score));
        let mut predictors = self.predictors().into_iter();
        let score = predictors.next();
        for (name, coefficients) in score.into_iter().chain(of_seeds).chain(predictors) {
            let cells = Coefficient::ALL.map(|c| interval_text(coefficients.get(c)));
            writeln!(f, "{}", row(&name, cells))?;
        }
        if let Some(reason) = self.undefined_reason() {
            writeln!(f, "Kendall τ is undefined: {reason}")?;
        }
        writeln!(f, "{SIGN}")?;
        if let Some(ceiling) = self.ceiling {
            writeln!(f, "noise ceiling: Kendall τ {}", interval_text(Some(ceiling)))?;
        }
        match self.spread {
            Some(spread) => writeln!(f, "{spread}")?,
            None => writeln!(f, "spread of true errors: needs two architectures of one seed")?,
        }
        write!(f, "[ ]: 95 % percentile bootstrap over root seeds and their architectures, {RESAMPLES} resamples")?;
        match self.undefined_resamples() {
            0 => Ok(()),
            undefined => write!(f, ", up to {undefined} of them undefined and left out"),
        }
    }
}

/// Writes standard deviations of errors, in percentage points.
impl fmt::Display for SpreadAndNoise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let training = match self.training {
            Some(training) => format!("{:.2} by the seed of one training", 100.0 * training),
            None => "the training seed's share not measured".to_owned(),
        };
        write!(
            f,
            "spread of true errors {:.2} points, noise of one {:.2} ({:.2} by the test set, {training}); spread / noise ",
            100.0 * self.spread,
            100.0 * self.noise,
            100.0 * self.sampling,
        )?;
        match self.ratio() {
            Some(ratio) => write!(f, "{ratio:.1}"),
            None => write!(f, "undefined"),
        }
    }
}

/// An architecture with all its measurements.
struct Measured<'a> {
    row: &'a ArchitectureRow,
    /// Values of the predictor, at least one; their mean counts.
    scores: Vec<f64>,
    /// Test errors of the repetitions that ended ok, at least one.
    errors: Vec<f64>,
}

impl Measured<'_> {
    fn true_error(&self) -> f64 {
        mean(&self.errors)
    }

    /// Predictor and true error.
    fn point(&self) -> Point {
        (mean(&self.scores), self.true_error())
    }

    fn deviations(&self) -> [Option<f64>; 2] {
        [&self.scores, &self.errors].map(|values| standard_deviation(values))
    }

    /// True errors by the first half of the trainings, and by the second half.
    fn halves(&self) -> Point {
        let (first, second) = self.errors.split_at(self.errors.len() / 2);
        (mean(first), mean(second))
    }
}

struct Sample<'a> {
    /// Architectures by root seed, in order.
    seeds: BTreeMap<u64, Vec<Measured<'a>>>,
    units: Units,
    without_truth: usize,
    without_score: usize,
}

impl Sample<'_> {
    fn points(&self, by: Measure) -> Points {
        let of_seed = |(&seed, measured): (&u64, &Vec<Measured>)| {
            let points: Vec<Point> = measured.iter().map(Measured::point).collect();
            SeedPoints {
                seed,
                architectures: measured.iter().map(|m| m.row.architecture).collect(),
                deviations: measured.iter().map(Measured::deviations).collect(),
                line: least_squares(&points),
                points,
            }
        };
        Points { by, seeds: self.seeds.iter().map(of_seed).collect(), units: self.units }
    }
}

/// Gathers the trained architectures that have a score and a true error, and counts the others.
fn sample<'a>(
    architectures: &'a [ArchitectureRow],
    predictor: &Predictor,
    true_errors: &[TruthRow],
) -> Result<Sample<'a>> {
    let (mut without_truth, mut without_score) = (0, 0);
    let joined = join(architectures, &predictor.values, true_errors)?;
    let trained = joined.into_iter().filter_map(|Joined { row, values, errors }| Some((row, values, errors?)));
    let mut seeds = by_seed(trained.map(|(row, values, errors)| {
        let has_error = !errors.is_empty();
        without_truth += usize::from(!has_error);
        without_score += usize::from(has_error && values.is_none());
        let scores = values.filter(|_| has_error);
        (row.seed, scores.map(|scores| Measured { row, scores, errors }))
    }));
    let units = units(architectures);
    keep_common(&mut seeds, units, |measured| measured.row.architecture);
    Ok(Sample { seeds, units, without_truth, without_score })
}

#[cfg(test)]
mod tests;

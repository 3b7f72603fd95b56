//! True errors of a benchmark, which a correlation study may use instead of training.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use anyhow::{Context, Result, anyhow, ensure};
use burn::tensor::backend::AutodiffBackend;
use results::statistics::sample::pooled_variance;
use results::store::benchmark::TrainingRow;
use smash::{Architecture, ResultingTraining, SearchSpace, Seed};

use crate::settings::studies::CorrelationStudy;
use crate::tasks::learning_curve::Epoch;
use crate::tasks::pool::Taken;
use crate::tasks::setup::Images;
use crate::tasks::stored_rows::read_benchmark;

/// Standard deviations by which two trainings of one architecture may differ. Chance exceeds them once in 16,000 pairs.
const MOST_DEVIATIONS: f64 = 4.0;

/// The trainings of a benchmark whose settings are those of a study.
#[derive(Debug)]
pub struct KnownErrors {
    /// By canonical hash and training seed.
    trainings: BTreeMap<(String, u32), TrainingRow>,
    /// The completed epochs, by number of the architecture in the benchmark and training seed.
    curves: BTreeMap<(u32, u32), Vec<Epoch>>,
    /// The architectures, by number.
    architectures: BTreeMap<u32, Architecture>,
    /// The canonical hashes of the architectures.
    canonical: HashMap<Architecture, String>,
    /// Its folder, for messages.
    place: String,
    /// Name of the benchmark.
    name: String,
    /// Root seed of the trainings.
    pub seed: u64,
    /// The largest difference between two trainings of one architecture that their noise explains; `None` if no architecture has
    /// two trainings.
    pub largest_difference: Option<f64>,
}

impl KnownErrors {
    /// Reads the benchmark in a folder.
    ///
    /// # Errors
    /// A folder without a benchmark, a damaged file or a wrong row, or a benchmark of other images, another search space or another
    /// recipe than the study.
    pub fn read<B: AutodiffBackend>(folder: &Path, study: &CorrelationStudy, images: &Images<B>) -> Result<Self> {
        Self::checked(folder, study, images).map_err(|error| match study.benchmark {
            Some(_) => anyhow!("{error:#}; --fresh trains here instead"),
            None => error,
        })
    }

    fn checked<B: AutodiffBackend>(folder: &Path, study: &CorrelationStudy, images: &Images<B>) -> Result<Self> {
        let place = folder.display().to_string();
        let benchmark = read_benchmark(folder)?;
        let benchmark = benchmark.with_context(|| format!("{place}: no benchmark.toml there"))?;
        let settings = &benchmark.settings;
        let own = |key: &str| {
            let value = settings.study.get(key).cloned();
            value.with_context(|| format!("{place}: benchmark.toml has no `study.{key}`"))
        };
        let recipe: ResultingTraining = own("resulting")?.try_into().with_context(|| place.clone())?;
        let validation = own("data")?.get("validation").and_then(toml::Value::as_integer);
        let [train, test] = images.digests();
        let parts = [
            ("images", settings.dataset.train.sha256 == *train && settings.dataset.test.sha256 == *test),
            ("number of validation images", validation == i64::try_from(study.data.validation).ok()),
            ("search space", benchmark.space == study.space),
            ("recipe of the resulting networks", recipe == *study.truth_settings()),
        ];
        for (part, is_same) in parts {
            ensure!(is_same, "{place}: the benchmark has another {part} than the study");
        }
        benchmark.check_counts(images.task())?;
        let mut curves: BTreeMap<(u32, u32), Vec<Epoch>> = BTreeMap::new();
        for row in &benchmark.curves {
            curves.entry((row.architecture, row.training_seed)).or_default().push(Epoch {
                train_loss: row.train_loss,
                train_error: row.train_error,
                validation_error: Some(row.validation_error),
            });
        }
        let key = |row: &TrainingRow| ((row.canonical.clone(), row.training_seed), row.clone());
        let trainings = benchmark.trainings.iter().map(key).collect();
        let canonical = |row: &TrainingRow| (benchmark.architectures[&row.architecture].clone(), row.canonical.clone());
        let canonical = benchmark.trainings.iter().map(canonical).collect();
        let largest_difference = largest_difference(&trainings);
        let is_verified = study.benchmark.as_ref().is_some_and(|used| used.verified > 0);
        ensure!(
            largest_difference.is_some() || !is_verified,
            "{place}: no architecture has two trainings, so the noise by which to verify it is unknown"
        );
        Ok(Self {
            trainings,
            curves,
            canonical,
            seed: settings.seed,
            largest_difference,
            place,
            architectures: benchmark.architectures,
            // Where the folder lies on this machine says nothing about the trainings.
            name: folder.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        })
    }

    /// Checks that the benchmark has the root seed of a study that samples its own architectures. A study that takes the
    /// architectures of the benchmark may have any.
    ///
    /// # Errors
    /// Another root seed.
    pub fn check_seed(&self, seed: Seed) -> Result<()> {
        ensure!(self.seed == seed.0, "{}: the benchmark has root seed {}, the study {}", self.place, self.seed, seed.0);
        Ok(())
    }

    /// The architectures that have at least `trainings` trainings, in the order of sampling, `most` of them at most.
    ///
    /// # Errors
    /// None with enough trainings.
    pub fn architectures(&self, trainings: usize, most: usize) -> Result<Vec<Architecture>> {
        let mut known: BTreeMap<u32, usize> = BTreeMap::new();
        for row in self.trainings.values().filter(|row| (row.training_seed as usize) < trainings) {
            *known.entry(row.architecture).or_default() += 1;
        }
        let complete = known.into_iter().filter(|&(_, count)| count == trainings).take(most);
        let architectures: Vec<_> = complete.map(|(number, _)| self.architectures[&number].clone()).collect();
        ensure!(!architectures.is_empty(), "{}: no architecture has {trainings} trainings", self.place);
        Ok(architectures)
    }

    /// A training as a row of the run, for architecture number `index`; `None` if the benchmark lacks it.
    pub fn truth(
        &self,
        space: &SearchSpace,
        architecture: &Architecture,
        training_seed: usize,
        [seed, index]: [u64; 2],
    ) -> Option<Taken> {
        // A hash takes a while, and the benchmark has most of them.
        let canonical = self.canonical.get(architecture).cloned();
        let canonical = canonical.unwrap_or_else(|| architecture.canonical_hash(space));
        let row = self.trainings.get(&(canonical, training_seed as u32))?;
        Some(Taken {
            truth: row.truth(seed, index as u32),
            epochs: self.curves.get(&(row.architecture, row.training_seed)).cloned().unwrap_or_default(),
            origin: format!("{} (benchmark {})", row.commit, self.name),
        })
    }
}

/// The largest difference between two trainings of one architecture that their noise explains; `None` if no architecture has
/// two trainings.
fn largest_difference(trainings: &BTreeMap<(String, u32), TrainingRow>) -> Option<f64> {
    let mut errors: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for ((canonical, _), row) in trainings {
        errors.entry(canonical).or_default().extend(row.test_error);
    }
    let variance = pooled_variance(errors.values().map(Vec::as_slice))?;
    Some(MOST_DEVIATIONS * (2.0 * variance).sqrt())
}

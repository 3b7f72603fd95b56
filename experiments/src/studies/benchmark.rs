//! The benchmark study: a look-up table of architectures that no score has chosen, each trained from several seeds.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use burn::tensor::backend::AutodiffBackend;
use results::store::benchmark::{CurveRow, TrainingRow, as_truths};
use results::store::identity::StoredFile;
use results::tables::write_table;
use smash::blueprint::Blueprint;
use smash::{Architecture, Counts};

use crate::engine::stop;
use crate::engine::study::Study;
use crate::engine::unit::{Done, Kind, Unit, gather, gather_beside};
use crate::provenance;
use crate::settings::studies::BenchmarkStudy;
use crate::tasks::kept_networks::keep;
use crate::tasks::setup::{Setup, sampled_architecture};
use crate::tasks::training::Training;

/// Upper bound on draws per requested architecture; after that many draws, the space has no more.
const MOST_DRAWS: u64 = 100;

/// Upper bound on draws in a row that give nothing new; after them, the space has too few.
const MOST_IN_VAIN: u64 = 10_000;

/// One seed of a benchmark study.
pub struct BenchmarkRun<'a, B: AutodiffBackend> {
    study: &'a BenchmarkStudy,
    setup: Setup<'a, B>,
    /// The architectures of the range that is trained.
    architectures: Vec<Architecture>,
    commit: String,
}

impl<'a, B: AutodiffBackend> BenchmarkRun<'a, B> {
    /// Samples the architectures.
    ///
    /// # Errors
    /// A space with too few architectures.
    pub fn new(study: &'a BenchmarkStudy, setup: Setup<'a, B>, commit: &str) -> Result<Self> {
        let mut architectures = distinct(study, &setup)?;
        architectures.drain(..study.first);
        Ok(Self { study, setup, architectures, commit: commit.into() })
    }

    /// Trains the network at this `place` of the range.
    fn train(&self, place: usize, training_seed: usize, done: Done<'_>) -> Result<()> {
        let (setup, study, architecture) = (&self.setup, self.study, &self.architectures[place]);
        let number = (study.first + place) as u32;
        let training = Training {
            setup,
            settings: &study.resulting,
            examples: setup.training(),
            // Every study uses this key for this architecture, so its true error is the same in all of them.
            key: [architecture.canonical_number(&study.space), training_seed as u64],
            name: file_stem("training", number, training_seed),
            validates: true,
        };
        let trained = training.run(Blueprint::of(&study.space, setup.task, architecture), done)?;
        let test_error = trained.evaluate(setup.test()).map(|test| test.error);
        keep(setup, &training.name, &trained, Some(architecture), test_error)?;
        let last_validation = trained.validation.last().filter(|_| trained.failure.is_none());
        let counts = Counts::of(&study.space, setup.task, architecture);
        let [train_sha256, test_sha256] = setup.images.digests().clone();
        let row = TrainingRow {
            architecture: number,
            canonical: architecture.canonical_hash(&study.space),
            hash: architecture.hash(),
            json: architecture.to_json(),
            parameters: counts.parameters,
            multiply_adds: counts.multiply_adds,
            ops: architecture.op_count() as u32,
            depth: counts.depth,
            training_seed: training_seed as u32,
            status: trained.status(),
            test_error,
            validation_error: last_validation.map(|last| last.error),
            train_error: trained.last_epoch().map(|last| last.error),
            train_loss: trained.last_epoch().map(|last| last.loss),
            epochs: trained.epochs(),
            message: trained.failure.clone(),
            commit: self.commit.clone(),
            processor: provenance::processor_class().into(),
            train_sha256,
            test_sha256,
        };
        let epochs = trained.trainer.history.iter().zip(&trained.validation);
        let curve = epochs.enumerate().map(|(index, (train, validation))| CurveRow {
            architecture: number,
            training_seed: training_seed as u32,
            epoch: index as u32 + 1,
            train_error: train.error,
            train_loss: train.loss,
            validation_error: validation.error,
            validation_loss: validation.loss,
        });
        write_table(&self.curve(number, training_seed), &curve.collect::<Vec<_>>())?;
        write_table(&self.output(number, training_seed), &[row])?;
        training.forget()
    }

    fn output(&self, number: u32, training_seed: usize) -> StoredFile {
        self.setup.dir.unit::<TrainingRow>(&file_stem("training", number, training_seed))
    }

    fn curve(&self, number: u32, training_seed: usize) -> StoredFile {
        self.setup.dir.unit::<CurveRow>(&file_stem("curve", number, training_seed))
    }
}

fn file_stem(stem: &str, number: u32, training_seed: usize) -> String {
    format!("{stem}-{number:05}-{training_seed}")
}

/// The first distinct architectures of the paper's sampler, up to the end of the range. The first of several isomorphic ones
/// counts, so that a number names one network whatever the range is.
///
/// # Errors
/// A space that has too few architectures.
fn distinct<B: AutodiffBackend>(study: &BenchmarkStudy, setup: &Setup<'_, B>) -> Result<Vec<Architecture>> {
    let wanted = study.first + study.architectures;
    let mut seen = BTreeSet::new();
    let mut architectures = Vec::new();
    let [mut draws, mut in_vain] = [0, 0];
    while architectures.len() < wanted {
        ensure!(
            draws < MOST_DRAWS * wanted as u64 && in_vain < MOST_IN_VAIN,
            "`study.architectures`: {draws} draws from the space give only {} distinct architectures, expected {wanted}",
            architectures.len()
        );
        stop::check()?;
        let architecture = sampled_architecture(&study.space, setup.seed, draws);
        draws += 1;
        in_vain += 1;
        if seen.insert(architecture.canonical_hash(&study.space)) {
            architectures.push(architecture);
            in_vain = 0;
        }
    }
    Ok(architectures)
}

impl<B: AutodiffBackend> Study for BenchmarkRun<'_, B> {
    fn stages(&self) -> Vec<Kind> {
        vec![Kind::TrainResulting]
    }

    fn units(&self, _stage: usize) -> Vec<Unit<'_>> {
        let steps = self.study.resulting.epochs * self.setup.batches(self.study.resulting.batch_size);
        let unit = |(place, training_seed): (usize, usize)| {
            let number = (self.study.first + place) as u32;
            Unit {
                kind: Kind::TrainResulting,
                name: format!("seed {}, architecture {number}, training {training_seed}", self.setup.seed.0),
                output: self.output(number, training_seed),
                beside: Some(self.curve(number, training_seed)),
                supplied: None,
                steps,
                work: Box::new(move |done| self.train(place, training_seed, done)),
            }
        };
        let seeds = self.study.training_seeds;
        let pairs = (0..self.architectures.len()).flat_map(|place| (0..seeds).map(move |seed| (place, seed)));
        pairs.map(unit).collect()
    }

    fn write_tables(&self) -> Result<()> {
        let units = self.units(0);
        let curves: Vec<CurveRow> = gather_beside(&units)?;
        let trainings: Vec<TrainingRow> = gather(&units)?;
        let (architectures, true_errors) = as_truths(&trainings, self.setup.seed.0);
        let dir = self.setup.dir;
        dir.write(&architectures)?;
        dir.write(&true_errors)?;
        // The rows of the trainings name the commit, so they stay with the units: equal runs give equal tables.
        dir.write(&curves)?;
        Ok(())
    }
}

//! The throughput study: the time of each kind of step on the device. Each step has another architecture, as in real runs.

use std::time::Instant;

use anyhow::Result;
use burn::tensor::backend::AutodiffBackend;
use results::ThroughputRow;
use results::store::identity::StoredFile;
use results::tables::write_table;
use smash::scoring::{score, score_noise};
use smash::{Architecture, Blueprint, Examples, ResultingTrainer, SmashTrainer};

use crate::engine::study::Study;
use crate::engine::unit::{Done, Kind, Unit, gather};
use crate::settings::studies::ThroughputStudy;
use crate::tasks::setup::Setup;

/// The steps that are timed: name, and stem of the file.
const STEPS: [(&str, &str); 4] = [
    ("SMASH training step", "smash"),
    ("resulting-net training step", "resulting"),
    ("scoring", "scoring"),
    ("generated weights", "weights"),
];

/// One seed of a throughput study.
pub struct ThroughputRun<'a, B: AutodiffBackend> {
    study: &'a ThroughputStudy,
    setup: Setup<'a, B>,
    architectures: Vec<Architecture>,
}

impl<'a, B: AutodiffBackend> ThroughputRun<'a, B> {
    /// Samples the architectures.
    pub fn new(study: &'a ThroughputStudy, setup: Setup<'a, B>) -> Self {
        Self { study, architectures: setup.sample(&study.space, study.steps), setup }
    }

    /// Runs one step for each architecture and records its seconds.
    fn time(&self, kind: usize, done: Done<'_>) -> Result<Vec<ThroughputRow>> {
        let ThroughputStudy { space, hypernet, smash, resulting, .. } = self.study;
        let (task, seed, device) = (self.setup.task, self.setup.seed, self.setup.device());
        let images = self.setup.training();
        let batch = Examples { indices: &images.indices[..smash.batch_size.min(images.indices.len())], ..images };
        let mut trainer = SmashTrainer::<B>::new(space.clone(), Some(hypernet), smash, task, seed, device);
        let net = trainer.net.valid();
        // Every step ends by reading a value back, so that the device has finished. An epoch of one batch is a step.
        let mut step = |index: usize, architecture: &Architecture| -> Result<f64> {
            let noise = score_noise(seed, index);
            match kind {
                0 => timed(|| Ok(trainer.train_epoch(smash, batch, seed, &|| true)?)),
                1 => {
                    let key = [index as u64, 0];
                    let mut trainer =
                        ResultingTrainer::<B>::new(Blueprint::of(space, task, architecture), seed, key, device);
                    timed(|| Ok(trainer.train_epoch(resulting, batch, seed, &|| true)?))
                }
                2 => timed(|| Ok(score(&net, architecture, &noise, batch).map(drop)?)),
                _ => timed(|| {
                    let corner = net.generate(architecture, &noise).matrix().slice([0..1, 0..1]);
                    let _ = corner.into_data();
                    Ok(())
                }),
            }
        };
        let mut rows = Vec::new();
        for (index, architecture) in self.architectures.iter().enumerate() {
            rows.push(ThroughputRow {
                seed: seed.0,
                step: STEPS[kind].0.into(),
                index: index as u32,
                images: batch.indices.len() as u32,
                seconds: step(index, architecture)?,
            });
            done(1)?;
        }
        Ok(rows)
    }

    fn output(&self, kind: usize) -> StoredFile {
        self.setup.dir.unit::<ThroughputRow>(&format!("throughput-{}", STEPS[kind].1))
    }
}

fn timed(step: impl FnOnce() -> Result<()>) -> Result<f64> {
    let start = Instant::now();
    step()?;
    Ok(start.elapsed().as_secs_f64())
}

impl<B: AutodiffBackend> Study for ThroughputRun<'_, B> {
    fn stages(&self) -> Vec<Kind> {
        vec![Kind::Time]
    }

    fn units(&self, _stage: usize) -> Vec<Unit<'_>> {
        let unit = |kind: usize| Unit {
            kind: Kind::Time,
            name: format!("seed {}, {}", self.setup.seed.0, STEPS[kind].0),
            output: self.output(kind),
            beside: None,
            supplied: None,
            steps: self.study.steps,
            work: Box::new(move |done| Ok(write_table(&self.output(kind), &self.time(kind, done)?)?)),
        };
        (0..STEPS.len()).map(unit).collect()
    }

    fn write_tables(&self) -> Result<()> {
        let dir = self.setup.dir;
        dir.write(&self.setup.architecture_rows(&self.study.space, &self.architectures))?;
        dir.write(&gather::<ThroughputRow>(&self.units(0))?)?;
        Ok(())
    }
}

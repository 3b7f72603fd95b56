//! The fidelity study: does a fast training recipe rank architectures as the paper's recipe does?

use anyhow::Result;
use burn::tensor::backend::AutodiffBackend;
use results::{EpochRow, FastTruthRow, TruthRow};
use smash::Architecture;

use crate::engine::study::Study;
use crate::engine::unit::{Kind, Unit, gather, gather_beside};
use crate::settings::studies::FidelityStudy;
use crate::tasks::setup::Setup;
use crate::tasks::true_errors::TrueErrors;

/// One seed of a fidelity study.
pub struct FidelityRun<'a, B: AutodiffBackend> {
    study: &'a FidelityStudy,
    setup: Setup<'a, B>,
    architectures: Vec<Architecture>,
}

impl<'a, B: AutodiffBackend> FidelityRun<'a, B> {
    /// Samples the architectures.
    pub fn new(study: &'a FidelityStudy, setup: Setup<'a, B>) -> Self {
        Self { study, architectures: setup.sample(&study.space, study.architectures), setup }
    }

    fn true_errors(&self, stage: usize) -> TrueErrors<'_> {
        let (kind, stem, settings) = match stage {
            0 => (Kind::TrainResulting, "truth", &self.study.resulting),
            _ => (Kind::TrainFast, "fast-truth", &self.study.fast),
        };
        TrueErrors { kind, stem, space: &self.study.space, settings, known: None, validates: false }
    }
}

impl<B: AutodiffBackend> Study for FidelityRun<'_, B> {
    fn stages(&self) -> Vec<Kind> {
        vec![Kind::TrainResulting, Kind::TrainFast]
    }

    fn units(&self, stage: usize) -> Vec<Unit<'_>> {
        let seeds = self.study.training_seeds;
        let unit = |(index, seed)| {
            let (true_errors, architecture) = (self.true_errors(stage), &self.architectures[index]);
            let mut unit = true_errors.unit(&self.setup, index, seed, move || Ok(Some((index, architecture))));
            unit.supplied = Some(Box::new(move || true_errors.is_supplied(&self.setup, (index, architecture), seed)));
            unit
        };
        let pairs = (0..self.architectures.len()).flat_map(|index| (0..seeds).map(move |seed| (index, seed)));
        pairs.map(unit).collect()
    }

    fn write_tables(&self) -> Result<()> {
        let dir = self.setup.dir;
        dir.write(&self.setup.architecture_rows(&self.study.space, &self.architectures))?;
        dir.write(&gather::<TruthRow>(&self.units(0))?)?;
        let fast = |row: TruthRow| FastTruthRow {
            seed: row.seed,
            architecture: row.architecture,
            training_seed: row.training_seed,
            status: row.status,
            error: row.error,
        };
        let rows: Vec<TruthRow> = gather(&self.units(1))?;
        dir.write(&rows.into_iter().map(fast).collect::<Vec<_>>())?;
        // The stem of a unit tells the recipes apart.
        let mut epochs: Vec<EpochRow> = gather_beside(&self.units(0))?;
        epochs.extend(gather_beside(&self.units(1))?);
        dir.write(&epochs)?;
        Ok(())
    }
}

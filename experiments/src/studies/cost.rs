//! The cost study: multiply-adds of searches and trainings at the paper's sizes (abstract, section 4.4). Nothing is trained.

use std::ops::Range;

use anyhow::Result;
use burn::tensor::backend::AutodiffBackend;
use results::PhaseCostRow;
use results::store::identity::StoredFile;
use results::summaries::cost::TRAINING;
use results::tables::write_table;
use smash::predictors::{Costs, PASSES_OF_STEP};
use smash::{Stream, Task};

use crate::engine::study::Study;
use crate::engine::unit::{Done, Kind, Unit, gather};
use crate::settings::parts::SmashSearch;
use crate::settings::untrained::CostStudy;
use crate::tasks::scores::shards;
use crate::tasks::setup::{Setup, sampled_architecture};

/// Phases of a search by SMASH score, in order.
const HYPERNET: &str = "SMASH training, HyperNet";
const MAIN_NETWORK: &str = "SMASH training, main network";
const SCORES: &str = "scores";

/// One seed of a study of costs.
pub struct CostRun<'a, B: AutodiffBackend> {
    study: &'a CostStudy,
    setup: Setup<'a, B>,
}

impl<'a, B: AutodiffBackend> CostRun<'a, B> {
    /// Counts the systems of the study.
    pub fn new(study: &'a CostStudy, setup: Setup<'a, B>) -> Self {
        Self { study, setup }
    }

    fn row(&self, system: &str, phase: &str, architecture: Option<usize>, multiply_adds: f64) -> PhaseCostRow {
        PhaseCostRow {
            seed: self.setup.seed.0,
            system: system.into(),
            phase: phase.into(),
            architecture: architecture.map(|index| index as u32),
            multiply_adds,
        }
    }

    /// The unit that counts some architectures of a search.
    fn unit<'s>(&'s self, number: usize, search: &'s SmashSearch, shard: usize, range: Range<usize>) -> Unit<'s> {
        let output = self.output(number, shard);
        Unit {
            kind: Kind::Sample,
            name: format!("seed {}, {}, shard {shard}", self.setup.seed.0, search.name),
            output: output.clone(),
            beside: None,
            supplied: None,
            steps: range.len(),
            work: Box::new(move |done| Ok(write_table(&output, &self.count(search, range.clone(), done)?)?)),
        }
    }

    fn output(&self, number: usize, shard: usize) -> StoredFile {
        self.setup.dir.unit::<PhaseCostRow>(&format!("phase-costs-{number}-{shard:04}"))
    }

    /// Counts the phases of a search for two architectures of each index. One is drawn within the limits of training,
    /// at a step that stands for an equal part of the training. The other is drawn from the whole space, as scored
    /// architectures are.
    fn count(&self, search: &SmashSearch, range: Range<usize>, done: Done<'_>) -> Result<Vec<PhaseCostRow>> {
        let SmashSearch { name, space, hypernet, smash, .. } = search;
        let (seed, task) = (self.setup.seed, Task::CIFAR_100);
        let mut rows = Vec::new();
        for index in range {
            let progress = (index as f64 + 0.5) / self.study.architectures as f64;
            let mut rng = seed.rng(Stream::SmashArchitecture, &[index as u64]);
            let trained = smash.sampling.draw(space, smash.limits(space, progress), task, &mut rng);
            let trained = Costs::of(space, task, Some(hypernet), &trained);
            let sampled = sampled_architecture(space, seed, index as u64);
            let sampled = Costs::of(space, task, Some(hypernet), &sampled);
            for (phase, cost) in phases(self.study, search, &trained, &sampled) {
                rows.push(self.row(name, phase, Some(index), cost));
            }
            done(1)?;
        }
        Ok(rows)
    }
}

/// Cost of the training of a network with free weights, given its cost for one image.
fn training(study: &CostStudy, forward: u64) -> f64 {
    let images = study.training_images as f64 * study.epochs as f64;
    PASSES_OF_STEP as f64 * images * forward as f64
}

/// The cost of each phase of a search if it trained its network with one architecture, and scored and trained another.
/// A step counts a full batch. Floats hold the products, because they may be too large for whole numbers.
fn phases(study: &CostStudy, search: &SmashSearch, trained: &Costs, sampled: &Costs) -> [(&'static str, f64); 4] {
    let SmashSearch { smash, plan, noise_draws, .. } = search;
    let images = study.training_images - study.validation_images;
    let steps = smash.epochs as f64 * images.div_ceil(smash.batch_size) as f64;
    let passes = PASSES_OF_STEP as f64 * steps * smash.architectures_per_step as f64;
    let scores = (plan.random + plan.perturbations + plan.chain) as f64 * *noise_draws as f64;
    let score = sampled.generation as f64 + study.validation_images as f64 * sampled.in_smash as f64;
    [
        (HYPERNET, passes * trained.generation as f64),
        (MAIN_NETWORK, passes * smash.batch_size as f64 * trained.in_smash as f64),
        (SCORES, scores * score),
        (TRAINING, training(study, sampled.resulting)),
    ]
}

impl<B: AutodiffBackend> Study for CostRun<'_, B> {
    fn stages(&self) -> Vec<Kind> {
        vec![Kind::Sample]
    }

    fn units(&self, _stage: usize) -> Vec<Unit<'_>> {
        let mut units = Vec::new();
        for (number, search) in self.study.searches.iter().enumerate() {
            let shards = shards(self.study.architectures, self.study.shard).enumerate();
            units.extend(shards.map(|(shard, range)| self.unit(number, search, shard, range)));
        }
        units
    }

    fn write_tables(&self) -> Result<()> {
        let mut rows = Vec::new();
        for system in &self.study.systems {
            if let Some(baseline) = &system.baseline {
                let forward = baseline.blueprint(Task::CIFAR_100)?.counts().multiply_adds;
                rows.push(self.row(&system.name, TRAINING, None, training(self.study, forward)));
            }
        }
        rows.extend(gather::<PhaseCostRow>(&self.units(0))?);
        Ok(self.setup.dir.write(&rows)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::definition::{Scale, load};
    use crate::settings::studies::Study as StudyDefinition;

    /// The paper's numbers: 45,000 images in batches of 50 for 100 epochs, 700 scores on 5,000 images, and 300 epochs of a
    /// resulting network on 50,000 images.
    #[test]
    fn phases_are_the_steps_scores_and_trainings_of_the_paper() {
        let StudyDefinition::Cost(study) = load("cost", Scale::Paper, &[]).unwrap().study else {
            panic!("`cost` is a study of costs");
        };
        let search = study.searches.iter().find(|search| search.name == "SMASHv2").unwrap();
        let costs = |size: u64| Costs {
            resulting: 7 * size,
            in_smash: 5 * size,
            generation: 3 * size,
            channels: 1,
            classes: 100,
        };
        let (trained, sampled) = (costs(1), costs(10));
        let [hypernet, main_network, scores, training] =
            phases(&study, search, &trained, &sampled).map(|(_, cost)| cost);
        assert_eq!(hypernet + main_network, (90_000 * trained.score_training_step(50)) as f64);
        assert_eq!(hypernet, (90_000 * trained.score_training_step(0)) as f64);
        assert_eq!(scores, (700 * sampled.score(5000, 1)) as f64);
        assert_eq!(training, sampled.training(300 * 50_000) as f64);
    }
}

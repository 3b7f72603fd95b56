//! The normalisation study: SMASH networks and fixed networks with each normalisation of their ops (paper, section 3.1).

use anyhow::Result;
use burn::tensor::backend::AutodiffBackend;
use results::summaries::normalisation::BATCH_NORM;
use results::tables::write_table;
use results::{FixedTrainingRow, StabilityRow, Status};
use smash::{Architecture, Blueprint, Evaluation, OpNormalisation, SmashTraining};

use crate::engine::study::Study;
use crate::engine::unit::{Kind, Unit, gather};
use crate::settings::normalisation::NormalisationStudy;
use crate::tasks::kept_networks::keep;
use crate::tasks::setup::Setup;
use crate::tasks::smash_network::SmashRun;
use crate::tasks::training::Training;

/// One seed of a normalisation study.
pub struct NormalisationRun<'a, B: AutodiffBackend> {
    study: &'a NormalisationStudy,
    setup: Setup<'a, B>,
    /// Trainings of SMASH networks: each normalisation at each learning rate.
    smash: Vec<SmashTraining>,
    /// Normalisations of fixed networks; `None` is BatchNorm.
    fixed: Vec<Option<OpNormalisation>>,
    architectures: Vec<Architecture>,
}

impl<'a, B: AutodiffBackend> NormalisationRun<'a, B> {
    /// Samples the fixed architectures.
    pub fn new(study: &'a NormalisationStudy, setup: Setup<'a, B>) -> Self {
        let others = study.normalisations.iter().copied().map(Some);
        Self {
            study,
            smash: study.smash_trainings(),
            fixed: [None].into_iter().chain(others).collect(),
            architectures: setup.sample(&study.space, study.architectures),
            setup,
        }
    }

    /// Training error from which on an epoch counts as guessing.
    fn chance(&self) -> f64 {
        chance(self.setup.task.classes, self.setup.training().indices.len())
    }

    fn smash_units(&self) -> Vec<Unit<'_>> {
        let seeds = self.study.smash_seeds;
        let unit = |(index, seed)| self.smash_unit(index, seed);
        (0..self.smash.len()).flat_map(|index| (0..seeds).map(move |seed| (index, seed))).map(unit).collect()
    }

    fn smash_unit(&self, index: usize, training_seed: usize) -> Unit<'_> {
        let (settings, setup) = (&self.smash[index], &self.setup);
        let SmashTraining { normalisation, learning_rate, .. } = *settings;
        let name = format!("stability-{index}-{training_seed}");
        let output = setup.dir.unit::<StabilityRow>(&name);
        let (seed, words) = (setup.seed.0, normalisation.name());
        Unit {
            kind: Kind::TrainSmash,
            name: format!("seed {seed}, SMASH network with {words} at rate {learning_rate}, training {training_seed}"),
            output: output.clone(),
            beside: None,
            supplied: None,
            steps: settings.epochs * setup.batches(settings.batch_size),
            work: Box::new(move |done| {
                let training = SmashRun {
                    setup,
                    space: &self.study.space,
                    hypernet: Some(&self.study.hypernet),
                    settings,
                    // Normalisations and rates share the random numbers.
                    seed: setup.seed.of_member(training_seed as u64),
                    kept: &[],
                    stem: name.clone(),
                };
                let last = training.last_epoch(done)?.map_err(|diverged| diverged.to_string());
                let chance = self.chance();
                let (last, message) = judged(last, chance);
                let row = StabilityRow {
                    seed,
                    normalisation: words.to_owned(),
                    learning_rate,
                    training_seed: training_seed as u32,
                    status: status_of(last),
                    error: last.map(|last| last.error),
                    loss: last.map(|last| last.loss),
                    chance,
                    message,
                };
                write_table(&output, &[row])?;
                training.forget()
            }),
        }
    }

    fn fixed_units(&self) -> Vec<Unit<'_>> {
        let mut units = Vec::new();
        for number in 0..self.fixed.len() {
            for architecture in 0..self.architectures.len() {
                units.extend((0..self.study.training_seeds).map(|seed| self.fixed_unit(number, architecture, seed)));
            }
        }
        units
    }

    fn fixed_unit(&self, number: usize, index: usize, training_seed: usize) -> Unit<'_> {
        let (setup, settings, architecture) = (&self.setup, &self.study.resulting, &self.architectures[index]);
        let name = format!("fixed-{number}-{index}-{training_seed}");
        let output = setup.dir.unit::<FixedTrainingRow>(&name);
        let (seed, normalisation) = (setup.seed.0, self.fixed[number]);
        let words = normalisation.map_or(BATCH_NORM, OpNormalisation::name);
        Unit {
            kind: Kind::TrainResulting,
            name: format!("seed {seed}, architecture {index} with {words}, training {training_seed}"),
            output: output.clone(),
            beside: None,
            supplied: None,
            steps: settings.epochs * setup.batches(settings.batch_size),
            work: Box::new(move |done| {
                let (space, task) = (&self.study.space, setup.task);
                let blueprint = match normalisation {
                    None => Blueprint::of(space, task, architecture),
                    Some(normalisation) => Blueprint::normalised(space, task, architecture, normalisation),
                };
                let training = Training {
                    setup,
                    settings,
                    examples: setup.training(),
                    // Normalisations share the random numbers, so that their errors are paired.
                    key: [index as u64, training_seed as u64],
                    name: name.clone(),
                    validates: false,
                };
                let trained = training.run(blueprint, done)?;
                let last = match &trained.failure {
                    Some(failure) => Err(failure.clone()),
                    None => Ok(*trained.last_epoch().expect("a training has at least one epoch")),
                };
                let chance = self.chance();
                let (last, message) = judged(last, chance);
                let error = last.and_then(|_| trained.evaluate(setup.test())).map(|test| test.error);
                keep(setup, &name, &trained, Some(architecture), error)?;
                let row = FixedTrainingRow {
                    seed,
                    normalisation: words.to_owned(),
                    architecture: index as u32,
                    training_seed: training_seed as u32,
                    status: status_of(last),
                    error,
                    train_error: last.map(|last| last.error),
                    chance,
                    message,
                };
                write_table(&output, &[row])?;
                training.forget()
            }),
        }
    }
}

impl<B: AutodiffBackend> Study for NormalisationRun<'_, B> {
    fn stages(&self) -> Vec<Kind> {
        vec![Kind::TrainSmash, Kind::TrainResulting]
    }

    fn units(&self, stage: usize) -> Vec<Unit<'_>> {
        match stage {
            0 => self.smash_units(),
            _ => self.fixed_units(),
        }
    }

    fn write_tables(&self) -> Result<()> {
        let dir = self.setup.dir;
        dir.write(&gather::<StabilityRow>(&self.smash_units())?)?;
        dir.write(&self.setup.architecture_rows(&self.study.space, &self.architectures))?;
        dir.write(&gather::<FixedTrainingRow>(&self.fixed_units())?)?;
        Ok(())
    }
}

/// The mean error of guessing among classes, less three standard deviations for this number of images.
fn chance(classes: usize, images: usize) -> f64 {
    let right = 1.0 / classes as f64;
    1.0 - right - 3.0 * (right * (1.0 - right) / images as f64).sqrt()
}

/// The last epoch of a training that did not diverge, or why the training counts as diverged. `last` is the last epoch, or
/// the message of a loss that is not finite.
fn judged(last: Result<Evaluation, String>, chance: f64) -> (Option<Evaluation>, Option<String>) {
    match last {
        Err(message) => (None, Some(message)),
        Ok(last) if last.error >= chance => (
            None,
            Some(format!("training error {:.4} in the last epoch, which is guessing from {chance:.4} on", last.error)),
        ),
        Ok(last) => (Some(last), None),
    }
}

fn status_of(last: Option<Evaluation>) -> Status {
    if last.is_some() { Status::Ok } else { Status::Diverged }
}

#[cfg(test)]
mod tests {
    use results::summaries::normalisation::SIMPLE;

    use super::*;

    #[test]
    fn a_training_that_guesses_or_has_no_finite_loss_diverged() {
        // Guessing among ten classes is wrong in 90 % of the cases, with a deviation of 0.003 for 10,000 images.
        let chance = chance(10, 10_000);
        assert!((chance - 0.891).abs() < 1e-12, "{chance}");
        let last = |error| Evaluation { error, top5_error: 0.5, loss: 2.0 };
        let judge = |error| judged(Ok(last(error)), chance);
        assert_eq!(judge(0.89), (Some(last(0.89)), None));
        let (none, message) = judge(0.892);
        let expected = "training error 0.8920 in the last epoch, which is guessing from 0.8910 on";
        assert_eq!((none, message.as_deref()), (None, Some(expected)));
        assert_eq!(judged(Err("loss is NaN".into()), chance), (None, Some("loss is NaN".into())));
    }

    #[test]
    fn the_papers_normalisation_has_the_name_that_summaries_use() {
        assert_eq!(OpNormalisation::SimpleWeightNorm.name(), SIMPLE);
    }
}

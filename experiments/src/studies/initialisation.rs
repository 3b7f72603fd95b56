//! The initialisation study: do generated weights start a resulting network better than standard ones (appendices C and D)?
//!
//! Each architecture is trained four times for each training seed: as a network with BatchNorm and as one with simple WeightNorm,
//! from generated and from standard weights. All four have the same recipe and see the same images in the same order.

use std::sync::OnceLock;

use anyhow::Result;
use burn::tensor::backend::AutodiffBackend;
use results::store::identity::StoredFile;
use results::summaries::initialisation::{BEST, Form, SAMPLED, Start};
use results::tables::write_table;
use results::{InitialisationCurveRow, InitialisationRow, ScoreRow};
use smash::predictors::{warm_resulting_network, warm_simple_weight_norm_network};
use smash::scoring::{ScoreStatistics, score_noise};
use smash::{Architecture, Blueprint, Network};

use crate::engine::study::Study;
use crate::engine::unit::{Done, Kind, Unit, gather, gather_beside};
use crate::settings::initialisation::InitialisationStudy;
use crate::tasks::kept_networks::keep;
use crate::tasks::scores::{Scoring, ranked};
use crate::tasks::setup::Setup;
use crate::tasks::smash_network::SmashRun;
use crate::tasks::training::Training;

/// One seed of an initialisation study.
pub struct InitialisationRun<'a, B: AutodiffBackend> {
    study: &'a InitialisationStudy,
    setup: Setup<'a, B>,
    /// The sampled architectures that are trained, then those from which the score chooses.
    architectures: Vec<Architecture>,
    /// The chosen ones, once all scores exist.
    best: OnceLock<Vec<usize>>,
}

/// One training: the network, its start, the place among the trained architectures, and the training seed.
#[derive(Clone, Copy)]
struct Job {
    form: Form,
    start: Start,
    place: usize,
    training_seed: usize,
}

impl Job {
    /// The stem of its file names.
    fn name(self) -> String {
        let Self { form, start, place, training_seed } = self;
        format!("{}-{}-{place:05}-{training_seed}", form.name().to_lowercase(), start.name())
    }
}

impl<'a, B: AutodiffBackend> InitialisationRun<'a, B> {
    /// Samples the architectures.
    pub fn new(study: &'a InitialisationStudy, setup: Setup<'a, B>) -> Self {
        let architectures = setup.sample(&study.space, study.architectures + study.candidates);
        Self { study, setup, architectures, best: OnceLock::new() }
    }

    fn smash(&self) -> SmashRun<'_, B> {
        let study = self.study;
        SmashRun::only(&self.setup, &study.space, &study.hypernet, &study.smash)
    }

    fn scoring_units(&self) -> Vec<Unit<'_>> {
        let scoring = Scoring {
            setup: &self.setup,
            architectures: &self.architectures,
            draws: self.study.noise_draws,
            shard: self.study.shard,
            statistics: ScoreStatistics::Running,
            batch_size: self.study.smash.batch_size,
        };
        scoring.units(|| self.smash().network())
    }

    /// The best candidates by SMASH score; fewer if too many scores failed.
    fn best(&self) -> Result<&[usize]> {
        if let Some(best) = self.best.get() {
            return Ok(best);
        }
        let scores: Vec<ScoreRow> = gather(&self.scoring_units())?;
        let mut best = ranked(&scores, self.study.architectures..self.architectures.len(), |row| row.error);
        best.truncate(self.study.best);
        Ok(self.best.get_or_init(|| best))
    }

    /// The index of the architecture at a place among the trained ones; `None` if too many scores failed.
    fn index(&self, place: usize) -> Result<Option<usize>> {
        match place.checked_sub(self.study.architectures) {
            None => Ok(Some(place)),
            Some(rank) => Ok(self.best()?.get(rank).copied()),
        }
    }

    fn jobs(&self) -> Vec<Job> {
        let mut jobs = Vec::new();
        for place in 0..self.study.architectures + self.study.best {
            for training_seed in 0..self.study.training_seeds {
                for (form, start) in Form::ALL.into_iter().flat_map(|form| Start::ALL.map(|start| (form, start))) {
                    jobs.push(Job { form, start, place, training_seed });
                }
            }
        }
        jobs
    }

    fn output(&self, job: Job) -> StoredFile {
        self.setup.dir.unit::<InitialisationRow>(&job.name())
    }

    fn curve(&self, job: Job) -> StoredFile {
        self.setup.dir.unit::<InitialisationCurveRow>(&format!("{}-curve", job.name()))
    }

    fn training_units(&self) -> Vec<Unit<'_>> {
        let recipe = &self.study.resulting;
        let unit = |job: Job| Unit {
            kind: Kind::TrainResulting,
            name: format!("seed {}, {}", self.setup.seed.0, job.name()),
            output: self.output(job),
            beside: Some(self.curve(job)),
            supplied: None,
            steps: recipe.epochs * self.setup.batches(recipe.batch_size),
            work: Box::new(move |done| self.train(job, done)),
        };
        self.jobs().into_iter().map(unit).collect()
    }

    fn train(&self, job: Job, done: Done<'_>) -> Result<()> {
        let (setup, study) = (&self.setup, self.study);
        let Some(index) = self.index(job.place)? else {
            write_table::<InitialisationCurveRow>(&self.curve(job), &[])?;
            return Ok(write_table::<InitialisationRow>(&self.output(job), &[])?);
        };
        let architecture = &self.architectures[index];
        let training = Training {
            setup,
            settings: &study.resulting,
            examples: setup.training(),
            // It names neither network nor start, so that all four trainings see the same images in the same order.
            key: [architecture.canonical_number(&study.space), job.training_seed as u64],
            name: job.name(),
            validates: true,
        };
        let trained = training.run_from(self.initial(job, architecture, &training)?, done)?;
        let error = trained.evaluate(setup.test()).map(|test| test.error);
        keep(setup, &training.name, &trained, Some(architecture), error)?;
        let curve = (1..=study.resulting.epochs).map(|epoch| InitialisationCurveRow {
            seed: setup.seed.0,
            architecture: index as u32,
            network: job.form.name().into(),
            start: job.start.name().into(),
            training_seed: job.training_seed as u32,
            epoch: epoch as u32,
            validation_error: trained.validation.get(epoch - 1).map(|validation| validation.error),
        });
        write_table(&self.curve(job), &curve.collect::<Vec<_>>())?;
        let row = InitialisationRow {
            seed: setup.seed.0,
            architecture: index as u32,
            group: if job.place < study.architectures { SAMPLED } else { BEST }.into(),
            network: job.form.name().into(),
            start: job.start.name().into(),
            training_seed: job.training_seed as u32,
            status: trained.status(),
            error,
            epochs: trained.epochs(),
            message: trained.failure,
        };
        write_table(&self.output(job), &[row])?;
        training.forget()
    }

    /// The network before its first step. Generated weights are those of the first noise draw of the scores.
    fn initial(&self, job: Job, architecture: &Architecture, training: &Training<'_, B>) -> Result<Network<B>> {
        let (space, task) = (&self.study.space, self.setup.task);
        let blueprint = match job.form {
            Form::BatchNorm => Blueprint::of(space, task, architecture),
            Form::WeightNorm => Blueprint::in_smash_with_simple_weight_norm(space, task, architecture),
        };
        let standard = training.initial(blueprint);
        if job.start == Start::Standard {
            return Ok(standard);
        }
        let smash = self.smash().network()?;
        let weights = smash.generate(architecture, &score_noise(self.setup.seed, 0));
        Ok(match job.form {
            Form::BatchNorm => warm_resulting_network(&smash, task, architecture, &weights, standard),
            Form::WeightNorm => warm_simple_weight_norm_network(&smash, task, architecture, &weights),
        })
    }
}

impl<B: AutodiffBackend> Study for InitialisationRun<'_, B> {
    fn stages(&self) -> Vec<Kind> {
        vec![Kind::TrainSmash, Kind::Score, Kind::TrainResulting]
    }

    fn units(&self, stage: usize) -> Vec<Unit<'_>> {
        match self.stages()[stage] {
            Kind::TrainSmash => vec![self.smash().unit()],
            Kind::Score => self.scoring_units(),
            _ => self.training_units(),
        }
    }

    fn write_tables(&self) -> Result<()> {
        let dir = self.setup.dir;
        dir.write(&self.setup.architecture_rows(&self.study.space, &self.architectures))?;
        dir.write(&self.smash().epochs()?)?;
        dir.write(&gather::<ScoreRow>(&self.scoring_units())?)?;
        let units = self.training_units();
        dir.write(&gather::<InitialisationRow>(&units)?)?;
        dir.write(&gather_beside::<InitialisationCurveRow>(&units)?)?;
        Ok(())
    }
}

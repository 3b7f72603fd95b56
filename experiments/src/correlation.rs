//! The correlation study: train a SMASH network, score sampled architectures, train every k-th by score (section 4.1).

use std::path::PathBuf;

use anyhow::{Context, Result};
use burn::module::AutodiffModule;
use burn::tensor::backend::AutodiffBackend;
use results::store::write_atomically;
use results::tables::write_table;
use results::{EpochRow, ScoreRow, Status, TruthRow};
use smash::checkpoint::Checkpoint;
use smash::scoring::{score, score_noise};
use smash::{Architecture, Evaluation, SmashNet, SmashTrainer};

use crate::definition::CorrelationStudy;
use crate::study::{Setup, Study, read_checkpoint, remove};
use crate::truths::Truths;
use crate::units::{Kind, Unit, gather};

/// One seed of a correlation study.
pub struct CorrelationRun<'a, B: AutodiffBackend> {
    study: &'a CorrelationStudy,
    setup: Setup<'a, B>,
    architectures: Vec<Architecture>,
}

impl<'a, B: AutodiffBackend> CorrelationRun<'a, B> {
    /// Samples the architectures to score.
    pub fn new(study: &'a CorrelationStudy, setup: Setup<'a, B>) -> Self {
        Self {
            study,
            architectures: setup.sample(&study.space, study.scored),
            setup,
        }
    }

    fn network_path(&self) -> PathBuf {
        self.setup.dir.checkpoint_path("smash.safetensors")
    }

    fn shard_path(&self, shard: usize) -> PathBuf {
        self.setup.dir.unit_path(&format!("scores-{shard:04}.parquet"))
    }

    fn shard_range(&self, shard: usize) -> std::ops::Range<usize> {
        let first = shard * self.study.shard;
        first..(first + self.study.shard).min(self.study.scored)
    }

    fn shards(&self) -> usize {
        self.study.scored.div_ceil(self.study.shard)
    }

    fn training_unit(&self) -> Unit<'_> {
        let settings = &self.study.smash;
        Unit {
            kind: Kind::TrainSmash,
            name: format!("seed {}, SMASH network", self.setup.seed.0),
            output: self.network_path(),
            steps: settings.epochs * self.setup.batches(settings.batch_size),
            work: Box::new(|done| self.train(done)),
        }
    }

    fn scoring_units(&self) -> Vec<Unit<'_>> {
        let unit = |shard| Unit {
            kind: Kind::Score,
            name: format!("seed {}, scores, shard {shard}", self.setup.seed.0),
            output: self.shard_path(shard),
            steps: self.shard_range(shard).len() * self.study.noise_draws,
            work: Box::new(move |done| self.score_shard(shard, done)),
        };
        (0..self.shards()).map(unit).collect()
    }

    fn truth_units(&self) -> Result<Vec<Unit<'_>>> {
        let mut units = Vec::new();
        for index in self.selected()? {
            for training_seed in 0..self.study.training_seeds {
                let truths = Truths {
                    kind: Kind::TrainResulting,
                    stem: "truth",
                    space: &self.study.space,
                    settings: self.study.truth_settings(),
                };
                units.push(truths.unit(&self.setup, &self.architectures[index], index, training_seed));
            }
        }
        Ok(units)
    }

    /// Sorts by SMASH score and takes every k-th; failed scores are left out.
    fn selected(&self) -> Result<Vec<usize>> {
        let scores = self.scores()?;
        let mut ranking: Vec<(f64, usize)> = Vec::new();
        for architecture in 0..self.study.scored {
            let draws: Vec<&ScoreRow> = scores
                .iter()
                .filter(|row| row.architecture as usize == architecture)
                .collect();
            let errors: Option<Vec<f64>> = draws.iter().map(|row| row.error).collect();
            if let Some(errors) = errors {
                ranking.push((errors.iter().sum::<f64>() / errors.len() as f64, architecture));
            }
        }
        ranking.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        Ok(ranking
            .into_iter()
            .step_by(self.study.every)
            .map(|(_, architecture)| architecture)
            .collect())
    }

    fn scores(&self) -> Result<Vec<ScoreRow>> {
        gather(&self.scoring_units())
    }

    fn train(&self, done: &dyn Fn(usize)) -> Result<()> {
        let study = self.study;
        let settings = &study.smash;
        let (seed, device) = (self.setup.seed, self.setup.device());
        let in_training = self.setup.dir.checkpoint_path("smash-in-training.safetensors");
        let examples = self.setup.training();
        let mut trainer = SmashTrainer::<B>::new(study.space.clone(), &study.hypernet, self.setup.task, seed, device);
        if in_training.exists() {
            let restored = trainer.restore(read_checkpoint(&in_training)?, device);
            restored.with_context(|| in_training.display().to_string())?;
            done(trainer.history.len() * examples.batches(settings.batch_size));
        }
        while trainer.history.len() < settings.epochs {
            trainer.train_epoch(settings, examples, seed, device, &|| done(1))?;
            write_atomically(&in_training, &trainer.checkpoint().to_bytes())?;
        }
        let row = |(epoch, train): (usize, &Evaluation)| EpochRow {
            seed: seed.0,
            unit: "smash".into(),
            epoch: epoch as u32,
            learning_rate: settings.learning_rate * settings.schedule.factor(epoch as f64 / settings.epochs as f64),
            train_loss: train.loss,
            train_error: train.error,
            validation_error: None,
        };
        self.setup
            .dir
            .write(&trainer.history.iter().enumerate().map(row).collect::<Vec<_>>())?;
        let mut network = Checkpoint::default();
        network.add("hypernet", &trainer.net.hypernet);
        network.add("main", &trainer.net.main);
        write_atomically(&self.network_path(), &network.to_bytes())?;
        remove(&in_training)
    }

    /// The trained SMASH network, off the gradient tape.
    fn network(&self) -> Result<SmashNet<B::InnerBackend>> {
        let study = self.study;
        let Setup { task, seed, .. } = self.setup;
        let trainer = SmashTrainer::<B>::new(study.space.clone(), &study.hypernet, task, seed, self.setup.device());
        let path = self.network_path();
        let mut checkpoint = read_checkpoint(&path)?;
        let restore = || -> Result<_> {
            let hypernet = checkpoint.restore("hypernet", trainer.net.hypernet.valid())?;
            let main = checkpoint.restore("main", trainer.net.main.valid())?;
            checkpoint.finish()?;
            Ok(SmashNet {
                space: study.space.clone(),
                hypernet,
                main,
            })
        };
        restore().with_context(|| path.display().to_string())
    }

    fn score_shard(&self, shard: usize, done: &dyn Fn(usize)) -> Result<()> {
        let net = self.network()?;
        let (seed, device) = (self.setup.seed, self.setup.device());
        let validation = self.setup.validation();
        let mut rows = Vec::new();
        for index in self.shard_range(shard) {
            for draw in 0..self.study.noise_draws {
                let noise = score_noise(seed, draw);
                // An architecture whose score is not finite has failed; the others go on.
                let outcome = score(&net, &self.architectures[index], &noise, validation, device).ok();
                rows.push(ScoreRow {
                    seed: seed.0,
                    architecture: index as u32,
                    draw: draw as u32,
                    error: outcome.map(|evaluation| evaluation.error),
                    loss: outcome.map(|evaluation| evaluation.loss),
                    status: if outcome.is_some() { Status::Ok } else { Status::Failed },
                });
                done(1);
            }
        }
        write_table(&self.shard_path(shard), &rows)?;
        Ok(())
    }
}

impl<B: AutodiffBackend> Study for CorrelationRun<'_, B> {
    fn stages(&self) -> Vec<(Kind, usize)> {
        let study = self.study;
        vec![
            (Kind::TrainSmash, 1),
            (Kind::Score, self.shards()),
            (
                Kind::TrainResulting,
                study.scored.div_ceil(study.every) * study.training_seeds,
            ),
        ]
    }

    fn units(&self, stage: usize) -> Result<Vec<Unit<'_>>> {
        Ok(match stage {
            0 => vec![self.training_unit()],
            1 => self.scoring_units(),
            _ => self.truth_units()?,
        })
    }

    fn write_tables(&self) -> Result<()> {
        let dir = self.setup.dir;
        dir.write(&self.setup.architecture_rows(&self.study.space, &self.architectures))?;
        dir.write(&self.scores()?)?;
        let mut truths: Vec<TruthRow> = gather(&self.truth_units()?)?;
        truths.sort_by_key(|row| (row.architecture, row.training_seed));
        dir.write(&truths)?;
        Ok(())
    }
}

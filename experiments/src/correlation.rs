//! The correlation study: train a SMASH network, score sampled architectures, train every k-th by score (section 4.1).

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use burn::module::AutodiffModule;
use burn::tensor::backend::AutodiffBackend;
use datasets::{DataSet, Split};
use results::store::write_atomically;
use results::tables::{read_table, write_table};
use results::{ArchitectureRow, EpochRow, RunDir, ScoreRow, Status, TruthRow};
use smash::checkpoint::Checkpoint;
use smash::scoring::{score, score_noise};
use smash::{
    Architecture, Counts, Evaluation, EvaluationSet, Examples, Limits, ResultingTrainer, Seed, SmashNet, SmashTrainer,
    Stream, Task,
};

use crate::definition::CorrelationStudy;
use crate::units::{Kind, Unit};

/// Images of an evaluation batch; decides nothing but speed.
const EVALUATION_BATCH: usize = 100;

/// One seed of a correlation study.
pub struct SeedRun<'a, B: AutodiffBackend> {
    study: &'a CorrelationStudy,
    data: &'a DataSet,
    dir: &'a RunDir,
    seed: Seed,
    split: Split,
    task: Task,
    architectures: Vec<Architecture>,
    device: B::Device,
}

impl<'a, B: AutodiffBackend> SeedRun<'a, B> {
    /// Samples the architectures to score and splits off the validation images.
    ///
    /// # Errors
    /// More validation images than there are.
    pub fn new(
        study: &'a CorrelationStudy,
        data: &'a DataSet,
        dir: &'a RunDir,
        seed: u64,
        device: B::Device,
    ) -> Result<Self> {
        let seed = Seed(seed);
        let split = Split::random(
            data.train.len(),
            study.data.validation,
            &mut seed.rng(Stream::Split, &[]),
        )?;
        let task = Task {
            image_channels: data.train.channels,
            image_size: data.train.height,
            classes: data.train.classes,
        };
        let sample = |index: usize| {
            let mut rng = seed.rng(Stream::ScoredArchitecture, &[index as u64]);
            smash::sampling::sample(&study.space, Limits::of(&study.space), &mut rng)
        };
        let architectures = (0..study.scored).map(sample).collect();
        Ok(Self {
            study,
            data,
            dir,
            seed,
            split,
            task,
            architectures,
            device,
        })
    }

    fn examples<'b>(&'b self, indices: &'b [usize]) -> Examples<'b> {
        Examples {
            set: &self.data.train,
            indices,
            normalisation: &self.data.normalisation,
        }
    }

    fn network_path(&self) -> PathBuf {
        self.dir.checkpoint_path("smash.safetensors")
    }

    fn shard_path(&self, shard: usize) -> PathBuf {
        self.dir.unit_path(&format!("scores-{shard:04}.parquet"))
    }

    fn truth_path(&self, architecture: usize, training_seed: usize) -> PathBuf {
        self.dir
            .unit_path(&format!("truth-{architecture:05}-{training_seed}.parquet"))
    }

    fn shard_range(&self, shard: usize) -> std::ops::Range<usize> {
        let first = shard * self.study.shard;
        first..(first + self.study.shard).min(self.study.scored)
    }

    fn shards(&self) -> usize {
        self.study.scored.div_ceil(self.study.shard)
    }

    /// The unit that trains the SMASH network.
    pub fn training_units(&self) -> Vec<Unit<'_>> {
        let settings = &self.study.smash;
        vec![Unit {
            kind: Kind::TrainSmash,
            name: format!("seed {}, SMASH network", self.seed.0),
            output: self.network_path(),
            steps: settings.epochs * self.examples(&self.split.train).batches(settings.batch_size),
            work: Box::new(|done| self.train(done)),
        }]
    }

    /// The units that score the architectures; they need the SMASH network.
    pub fn scoring_units(&self) -> Vec<Unit<'_>> {
        let unit = |shard| Unit {
            kind: Kind::Score,
            name: format!("seed {}, scores, shard {shard}", self.seed.0),
            output: self.shard_path(shard),
            steps: self.shard_range(shard).len() * self.study.noise_draws,
            work: Box::new(move |done| self.score_shard(shard, done)),
        };
        (0..self.shards()).map(unit).collect()
    }

    /// The units that train resulting networks; they need all scores.
    ///
    /// # Errors
    /// Scores that cannot be read.
    pub fn truth_units(&self) -> Result<Vec<Unit<'_>>> {
        let settings = &self.study.resulting;
        let steps = settings.epochs * self.examples(&self.split.train).batches(settings.batch_size);
        let mut units = Vec::new();
        for architecture in self.selected()? {
            for training_seed in 0..self.study.training_seeds {
                units.push(Unit {
                    kind: Kind::TrainResulting,
                    name: format!(
                        "seed {}, architecture {architecture}, training {training_seed}",
                        self.seed.0
                    ),
                    output: self.truth_path(architecture, training_seed),
                    steps,
                    work: Box::new(move |done| self.train_resulting(architecture, training_seed, done)),
                });
            }
        }
        Ok(units)
    }

    /// Numbers of resulting networks to train, known before there are scores.
    pub fn truth_count(&self) -> usize {
        self.study.scored.div_ceil(self.study.every) * self.study.training_seeds
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
        let mut rows = Vec::new();
        for shard in 0..self.shards() {
            rows.extend(read_table::<ScoreRow>(&self.shard_path(shard))?);
        }
        Ok(rows)
    }

    fn train(&self, done: &dyn Fn(usize)) -> Result<()> {
        let study = self.study;
        let settings = &study.smash;
        let in_training = self.dir.checkpoint_path("smash-in-training.safetensors");
        let examples = self.examples(&self.split.train);
        let mut trainer =
            SmashTrainer::<B>::new(study.space.clone(), &study.hypernet, self.task, self.seed, &self.device);
        if in_training.exists() {
            let restored = trainer.restore(read_checkpoint(&in_training)?, &self.device);
            restored.with_context(|| in_training.display().to_string())?;
            done(trainer.history.len() * examples.batches(settings.batch_size));
        }
        while trainer.history.len() < settings.epochs {
            trainer.train_epoch(settings, examples, self.seed, &self.device, &|| done(1))?;
            write_atomically(&in_training, &trainer.checkpoint().to_bytes())?;
        }
        let row = |(epoch, train): (usize, &Evaluation)| EpochRow {
            seed: self.seed.0,
            unit: "smash".into(),
            epoch: epoch as u32,
            learning_rate: settings.learning_rate * settings.schedule.factor(epoch as f64 / settings.epochs as f64),
            train_loss: train.loss,
            train_error: train.error,
            validation_error: None,
        };
        self.dir
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
        let trainer = SmashTrainer::<B>::new(study.space.clone(), &study.hypernet, self.task, self.seed, &self.device);
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
        let validation = EvaluationSet::new(self.examples(&self.split.validation), EVALUATION_BATCH, &self.device);
        let mut rows = Vec::new();
        for index in self.shard_range(shard) {
            for draw in 0..self.study.noise_draws {
                let noise = score_noise(self.seed, draw);
                // An architecture whose score is not finite has failed; the others go on.
                let outcome = score(&net, &self.architectures[index], &noise, &validation, &self.device).ok();
                rows.push(ScoreRow {
                    seed: self.seed.0,
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

    fn train_resulting(&self, index: usize, training_seed: usize, done: &dyn Fn(usize)) -> Result<()> {
        let settings = &self.study.resulting;
        let key = [index as u64, training_seed as u64];
        let architecture = &self.architectures[index];
        let in_training = self
            .dir
            .checkpoint_path(&format!("truth-{index:05}-{training_seed}.safetensors"));
        let examples = self.examples(&self.split.train);
        let mut trainer =
            ResultingTrainer::<B>::new(&self.study.space, self.task, architecture, self.seed, key, &self.device);
        if in_training.exists() {
            let restored = trainer.restore(read_checkpoint(&in_training)?, &self.device);
            restored.with_context(|| in_training.display().to_string())?;
            done(trainer.history.len() * examples.batches(settings.batch_size));
        }
        let mut row = TruthRow {
            seed: self.seed.0,
            architecture: index as u32,
            training_seed: training_seed as u32,
            status: Status::Failed,
            error: None,
            validation_error: None,
            train_loss: None,
            epochs: 0,
            message: None,
        };
        while trainer.history.len() < settings.epochs {
            if let Err(error) = trainer.train_epoch(settings, examples, self.seed, &self.device, &|| done(1)) {
                // A diverged network is a result, not the end of the run.
                row.message = Some(error.to_string());
                break;
            }
            if trainer.history.len() < settings.epochs {
                write_atomically(&in_training, &trainer.checkpoint().to_bytes())?;
            }
        }
        row.epochs = trainer.history.len() as u32;
        if row.message.is_none() {
            let evaluate = |examples| trainer.evaluate(&EvaluationSet::new(examples, EVALUATION_BATCH, &self.device));
            let all: Vec<usize> = (0..self.data.test.len()).collect();
            let test = Examples {
                set: &self.data.test,
                indices: &all,
                normalisation: &self.data.normalisation,
            };
            row.error = Some(evaluate(test).error);
            row.validation_error = Some(evaluate(self.examples(&self.split.validation)).error);
            row.train_loss = trainer.history.last().map(|train| train.loss);
            row.status = Status::Ok;
        }
        write_table(&self.truth_path(index, training_seed), &[row])?;
        remove(&in_training)
    }

    /// Gathers the outputs of all units into the tables of the run.
    ///
    /// # Errors
    /// A unit's output that cannot be read, or a table that cannot be written.
    pub fn write_tables(&self) -> Result<()> {
        let row = |(index, architecture): (usize, &Architecture)| {
            let counts = Counts::of(&self.study.space, self.task, architecture);
            ArchitectureRow {
                seed: self.seed.0,
                architecture: index as u32,
                hash: architecture.hash(),
                json: architecture.to_json(),
                parameters: counts.parameters,
                multiply_adds: counts.multiply_adds,
                ops: architecture.op_count() as u32,
                depth: counts.depth,
            }
        };
        let architectures: Vec<ArchitectureRow> = self.architectures.iter().enumerate().map(row).collect();
        self.dir.write(&architectures)?;
        self.dir.write(&self.scores()?)?;
        let mut truths: Vec<TruthRow> = Vec::new();
        for unit in self.truth_units()? {
            truths.extend(read_table::<TruthRow>(&unit.output)?);
        }
        truths.sort_by_key(|row| (row.architecture, row.training_seed));
        self.dir.write(&truths)?;
        Ok(())
    }
}

fn read_checkpoint(path: &Path) -> Result<Checkpoint> {
    let bytes = std::fs::read(path).with_context(|| format!("{}: cannot be read", path.display()))?;
    Checkpoint::from_bytes(&bytes).with_context(|| path.display().to_string())
}

/// Removes the checkpoint of an unfinished unit, once its output is there.
fn remove(path: &Path) -> Result<()> {
    if path.exists() {
        std::fs::remove_file(path).with_context(|| format!("{}: cannot be removed", path.display()))?;
    }
    Ok(())
}

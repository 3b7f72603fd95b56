//! Training resulting networks: the true error of an architecture.

use anyhow::{Context, Result};
use burn::tensor::backend::AutodiffBackend;
use results::store::write_atomically;
use results::tables::write_table;
use results::{Status, TruthRow};
use smash::{Architecture, ResultingTrainer, ResultingTraining, SearchSpace};

use crate::study::{Setup, read_checkpoint, remove};
use crate::units::{Kind, Unit};

/// Trainings of architectures by one recipe.
pub struct Truths<'a> {
    /// What the units are called.
    pub kind: Kind,
    /// Stem of the names of their files.
    pub stem: &'static str,
    /// The space that the architectures are of.
    pub space: &'a SearchSpace,
    /// The recipe.
    pub settings: &'a ResultingTraining,
}

impl<'a> Truths<'a> {
    /// The unit that trains one architecture, number `index` of the run, with one seed. Its output is one [`TruthRow`].
    pub fn unit<B: AutodiffBackend>(
        self,
        setup: &'a Setup<'a, B>,
        architecture: &'a Architecture,
        index: usize,
        training_seed: usize,
    ) -> Unit<'a> {
        let name = format!("{}-{index:05}-{training_seed}", self.stem);
        let batches = setup.batches(self.settings.batch_size);
        Unit {
            kind: self.kind,
            name: format!("seed {}, architecture {index}, training {training_seed}", setup.seed.0),
            output: setup.dir.unit_path(&format!("{name}.parquet")),
            steps: self.settings.epochs * batches,
            work: Box::new(move |done| self.train(setup, architecture, [index, training_seed], &name, done)),
        }
    }

    fn train<B: AutodiffBackend>(
        &self,
        setup: &Setup<'_, B>,
        architecture: &Architecture,
        [index, training_seed]: [usize; 2],
        name: &str,
        done: &dyn Fn(usize),
    ) -> Result<()> {
        let (settings, device) = (self.settings, setup.device());
        let key = [index as u64, training_seed as u64];
        let in_training = setup.dir.checkpoint_path(&format!("{name}.safetensors"));
        let examples = setup.training();
        let mut trainer = ResultingTrainer::<B>::new(self.space, setup.task, architecture, setup.seed, key, device);
        if in_training.exists() {
            let restored = trainer.restore(read_checkpoint(&in_training)?, device);
            restored.with_context(|| in_training.display().to_string())?;
            done(trainer.history.len() * examples.batches(settings.batch_size));
        }
        let mut row = TruthRow {
            seed: setup.seed.0,
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
            if let Err(error) = trainer.train_epoch(settings, examples, setup.seed, device, &|| done(1)) {
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
            row.error = Some(trainer.evaluate(setup.test()).error);
            row.validation_error = Some(trainer.evaluate(setup.validation()).error);
            row.train_loss = trainer.history.last().map(|train| train.loss);
            row.status = Status::Ok;
        }
        write_table(&setup.dir.unit_path(&format!("{name}.parquet")), &[row])?;
        remove(&in_training)
    }
}

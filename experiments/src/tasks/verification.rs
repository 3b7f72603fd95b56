//! Verifies a benchmark on this machine: some of its trainings are done again, and must agree.

use anyhow::{Result, ensure};
use burn::tensor::backend::AutodiffBackend;
use results::tables::write_table;
use results::{TruthRow, VerificationRow};
use smash::{Architecture, Stream};

use crate::engine::unit::{Kind, Unit};
use crate::settings::studies::CorrelationStudy;
use crate::tasks::known_errors::KnownErrors;
use crate::tasks::setup::Setup;
use crate::tasks::true_errors::{Measured, TrueErrors};

/// The trainings that are done again.
pub struct Verification<'a, B: AutodiffBackend> {
    /// The study that uses the benchmark.
    pub study: &'a CorrelationStudy,
    /// The images.
    pub setup: &'a Setup<'a, B>,
    /// The architectures of the run.
    pub architectures: &'a [Architecture],
    /// The benchmark.
    pub known: &'a KnownErrors,
    /// Number of trainings.
    pub count: usize,
}

impl<'a, B: AutodiffBackend> Verification<'a, B> {
    /// One unit for each training. Its output is one [`VerificationRow`]. A run with another root seed than the benchmark
    /// verifies nothing, because its trainings draw other random numbers.
    pub fn units(self) -> Vec<Unit<'a>> {
        if self.setup.seed.0 != self.known.seed {
            return Vec::new();
        }
        let mut rng = self.setup.seed.rng(Stream::Verification, &[]);
        let order = datasets::shuffled_indices(self.architectures.len(), &mut rng).into_iter();
        let stored = order.filter_map(|index| Some((index, self.stored(index)?)));
        let units = stored.take(self.count).enumerate();
        units.map(|(place, (index, stored))| self.unit(place, index, stored)).collect()
    }

    /// The first training of an architecture, as the benchmark holds it.
    fn stored(&self, index: usize) -> Option<TruthRow> {
        let key = [self.setup.seed.0, index as u64];
        Some(self.known.truth(&self.study.space, &self.architectures[index], 0, key)?.truth)
    }

    fn unit(&self, place: usize, index: usize, stored: TruthRow) -> Unit<'a> {
        let (setup, architecture) = (self.setup, &self.architectures[index]);
        let largest = self.known.largest_difference.unwrap_or(0.0);
        let settings = self.study.truth_settings();
        let trainings = TrueErrors {
            kind: Kind::Verify,
            stem: "verification",
            space: &self.study.space,
            settings,
            known: None,
            validates: false,
        };
        let name = format!("verification-{place:05}");
        let output = setup.dir.unit::<VerificationRow>(&name);
        Unit {
            kind: Kind::Verify,
            name: format!("seed {}, verification {place}, architecture {index}", setup.seed.0),
            output: output.clone(),
            beside: None,
            supplied: None,
            steps: settings.epochs * setup.batches(settings.batch_size),
            work: Box::new(move |done| {
                let Measured { truth: here, training, .. } =
                    trainings.measure(setup, architecture, [index, 0], &name, done)?;
                let row = VerificationRow {
                    seed: here.seed,
                    architecture: here.architecture,
                    training_seed: here.training_seed,
                    stored_error: stored.error,
                    error: here.error,
                    agreement: agreement(&stored, &here, largest)?.into(),
                };
                write_table(&output, &[row])?;
                training.forget()
            }),
        }
    }
}

/// How a stored training agrees with the same training here. Other processors and other versions of the code round
/// differently. Two such trainings differ as two training seeds do.
///
/// # Errors
/// Two trainings that differ by more than `largest`, or of which one failed.
fn agreement(stored: &TruthRow, here: &TruthRow, largest: f64) -> Result<&'static str> {
    if stored == here {
        return Ok("equal");
    }
    let percent = |error: Option<f64>| error.map_or("no error".to_owned(), |error| format!("{:.2} %", 100.0 * error));
    let is_near = matches!((stored.error, here.error), (Some(stored), Some(here)) if (stored - here).abs() <= largest);
    ensure!(
        is_near,
        "architecture {}: the benchmark has {}, this machine {}; noise explains at most {:.2} points. The benchmark does not \
         hold for this program; --fresh trains here instead",
        stored.architecture,
        percent(stored.error),
        percent(here.error),
        100.0 * largest
    );
    Ok("within noise")
}

#[cfg(test)]
mod tests {
    use results::Status;

    use super::*;

    fn training(error: Option<f64>, loss: f64) -> TruthRow {
        TruthRow {
            seed: 0,
            architecture: 3,
            training_seed: 0,
            status: if error.is_some() { Status::Ok } else { Status::Failed },
            error,
            validation_error: error,
            train_error: error,
            train_loss: Some(loss),
            epochs: 3,
            message: None,
        }
    }

    #[test]
    fn equal_trainings_noise_and_contradictions_are_told_apart() {
        let stored = training(Some(0.20), 1.0);
        assert_eq!(agreement(&stored, &stored.clone(), 0.04).unwrap(), "equal");
        assert_eq!(agreement(&stored, &training(Some(0.20), 1.1), 0.04).unwrap(), "within noise");
        assert_eq!(agreement(&stored, &training(Some(0.23), 1.0), 0.04).unwrap(), "within noise");
        for other in [Some(0.25), None] {
            let error = agreement(&stored, &training(other, 1.0), 0.04).unwrap_err().to_string();
            assert!(error.contains("architecture 3: the benchmark has 20.00 %"), "{error}");
        }
    }
}

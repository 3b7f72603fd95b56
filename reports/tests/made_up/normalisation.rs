//! Made-up tables of a study of normalisations.

use std::path::Path;

use results::{FixedTrainingRow, StabilityRow, Status};

use super::jitter;
use crate::made_up::{open_run, write};

/// Stores trainings with two normalisations. WeightNorm diverges at the higher rate, and once in a fixed network.
pub fn store(root: &Path) {
    let definition = "[study]\nkind = \"normalisation\"\n\
         [[claim]]\nstatistic = \"divergence-difference\"\nbetween = [\"simple-weight-norm\", \"weight-norm\"]\ngreater_than = 0.1\n\
         [[claim]]\nstatistic = \"stable-share\"\ngreater_than = 0.5\n\
         [[claim]]\nstatistic = \"error-difference\"\nbetween = [\"simple-weight-norm\", \"batch-norm\"]\ngreater_than = -0.02\n\
         [figure]\nkind = \"normalisation-panels\"\ntitle = \"Normalisation\"\n";
    let dir = open_run(root, "normalisation", 0, definition);
    let ended = |diverged: bool, error: f64| match diverged {
        true => (Status::Diverged, None, Some("loss is NaN".to_owned())),
        false => (Status::Ok, Some(error), None),
    };
    let (mut smash, mut fixed) = (Vec::new(), Vec::new());
    for normalisation in ["simple-weight-norm", "weight-norm"] {
        for (learning_rate, training_seed) in (0..10).flat_map(|seed| [(0.001, seed), (0.01, seed)]) {
            let diverged = normalisation == "weight-norm" && learning_rate > 0.005;
            let (status, error, message) = ended(diverged, 0.5);
            smash.push(StabilityRow {
                seed: 0,
                normalisation: normalisation.to_owned(),
                learning_rate,
                training_seed,
                status,
                error,
                loss: error.map(|_| 1.5),
                chance: 0.87,
                message,
            });
        }
    }
    for (normalisation, above) in [("batch-norm", 0.0), ("simple-weight-norm", 0.01), ("weight-norm", 0.05)] {
        for architecture in 0..10 {
            let diverged = normalisation == "weight-norm" && architecture == 9;
            let (status, error, message) = ended(diverged, 0.3 + above + 0.005 * jitter(architecture, 1));
            fixed.push(FixedTrainingRow {
                seed: 0,
                normalisation: normalisation.to_owned(),
                architecture,
                training_seed: 0,
                status,
                error,
                train_error: error,
                chance: 0.87,
                message,
            });
        }
    }
    write(&dir, &smash);
    write(&dir, &fixed);
}

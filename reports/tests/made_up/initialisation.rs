//! Made-up tables of a study of initial weights.

use std::path::Path;

use results::{InitialisationCurveRow, InitialisationRow, Status};

use super::jitter;
use crate::made_up::{open_run, write};

/// Stores trainings of n sampled and two more architectures from both starts, over three epochs. Generated weights are ahead by 0.05
/// after the first epoch, and behind by 0.01 at the end with BatchNorm.
pub fn store(root: &Path, n: u32) {
    let claims = ["first-epoch-gain", "standard-start-gain", "start-disparity"];
    let claims = claims.map(|name| format!("[[claim]]\nstatistic = \"{name}\"\ngreater_than = 0.0\n")).concat();
    let definition = format!(
        "{claims}[study]\nkind = \"initialisation\"\n[figure]\nkind = \"start-curves\"\ntitle = \"Initial weights\"\n\
         x_label = \"Epochs\"\ny_label = \"Validation error\"\n"
    );
    let dir = open_run(root, "warm-init", 0, &definition);
    let (mut rows, mut curves) = (Vec::new(), Vec::new());
    for architecture in 0..n + 2 {
        for (network, loss) in [("BatchNorm", 0.01), ("WeightNorm", 0.0)] {
            for (start, ahead, loss) in [("standard", 0.0, 0.0), ("generated", 0.05, loss)] {
                let own =
                    0.02 * jitter(architecture, 1) + 0.002 * jitter(architecture, (1000.0 * (ahead + loss)) as u32);
                rows.push(InitialisationRow {
                    seed: 0,
                    architecture,
                    group: if architecture < n { "sampled" } else { "best by score" }.to_owned(),
                    network: network.to_owned(),
                    start: start.to_owned(),
                    training_seed: 0,
                    status: Status::Ok,
                    error: Some(0.2 + own + loss),
                    epochs: 3,
                    message: None,
                });
                curves.extend((1..=3).map(|epoch| InitialisationCurveRow {
                    seed: 0,
                    architecture,
                    network: network.to_owned(),
                    start: start.to_owned(),
                    training_seed: 0,
                    epoch,
                    validation_error: Some(0.5 / f64::from(epoch) + own - if epoch == 1 { ahead } else { -loss }),
                }));
            }
        }
    }
    write(&dir, &rows);
    write(&dir, &curves);
}

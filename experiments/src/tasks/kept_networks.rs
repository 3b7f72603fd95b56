//! Trained networks that a run keeps on request, as safetensors files that other programs can load.
//!
//! The metadata of a file is one line of JSON before the seal. Its steps alone say how the network computes.

use anyhow::Result;
use burn::tensor::backend::AutodiffBackend;
use results::RunDir;
use results::store::files::{create_folder, is_file};
use serde_json::{Value, json};
use smash::Architecture;
use smash::training::checkpoint::Checkpoint;

use crate::engine::checkpoints::write_checkpoint;
use crate::engine::study::Study;
use crate::engine::unit::Kind;
use crate::tasks::setup::Setup;
use crate::tasks::training::Trained;

/// Writes the network of a unit, if the run keeps networks and the training ended ok. `name` is the stem of the unit's output.
/// Hand-designed networks have no architecture.
///
/// # Errors
/// If the file system refuses.
pub fn keep<B: AutodiffBackend>(
    setup: &Setup<'_, B>,
    name: &str,
    trained: &Trained<B>,
    architecture: Option<&Architecture>,
    test_error: Option<f64>,
) -> Result<()> {
    let Some(test_error) = test_error.filter(|_| setup.keeps_networks) else { return Ok(()) };
    let (net, data) = (&trained.trainer.net, &setup.images.data);
    let [_, test_sha256] = setup.images.digests();
    let architecture = architecture.map(|architecture| serde_json::from_str::<Value>(&architecture.to_json()));
    let metadata = json!({
        "architecture": architecture.transpose()?,
        "task": net.blueprint.task,
        "steps": net.blueprint.steps,
        "features": net.blueprint.features,
        "normalisation": { "mean": data.normalisation.mean, "std": data.normalisation.std },
        "data_set": data.name,
        "test_sha256": test_sha256,
        "test_error": test_error,
    });
    let mut network = Checkpoint { metadata: metadata.to_string(), ..Default::default() };
    network.add("resulting", &net.weights);
    let file = setup.dir.network(name);
    create_folder(file.path.parent().expect("a network lies in a folder"))?;
    write_checkpoint(&file, network)
}

/// Says how many networks the runs hold, and how many of their trainings have none.
///
/// # Errors
/// If a place cannot be checked.
pub fn counted(runs: &[Box<dyn Study + '_>], dirs: &[RunDir]) -> Result<String> {
    let [mut kept, mut missing] = [0, 0];
    for (run, dir) in runs.iter().zip(dirs) {
        for (stage, kind) in run.stages().into_iter().enumerate() {
            if !matches!(kind, Kind::Verify | Kind::TrainResulting | Kind::TrainFast | Kind::TrainSystem) {
                continue;
            }
            for unit in run.units(stage) {
                let name = unit.output.path.file_stem().unwrap_or_default().to_string_lossy();
                let count = if is_file(&dir.network(&name).path)? { &mut kept } else { &mut missing };
                *count += 1;
            }
        }
    }
    Ok(format!(
        "networks: {kept} kept; {missing} trainings have none: a pool, a benchmark or an earlier run supplied them, or they failed"
    ))
}

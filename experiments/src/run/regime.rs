//! The regime of a correlation study, counted from sampled architectures before anything is trained.

use anyhow::Result;
use burn::tensor::backend::AutodiffBackend;
use results::summaries::regime::{Regime, Regimes};
use results::{out, outln};
use smash::counts::{generated_weights, learned_weights};
use smash::{Architecture, Counts, SearchSpace, Seed, Task};

use crate::settings::definition::Scale;
use crate::settings::library::Library;
use crate::settings::studies::{CorrelationStudy, Study};
use crate::tasks::setup::{Images, sampled_architecture};

/// Number of sampled architectures that means are taken over.
const SAMPLED: u64 = 200;

/// Number of images of CIFAR-100 outside its test set; the paper's own settings do not state it.
const CIFAR_TRAINING_IMAGES: usize = 50_000;

/// The regime of a study whose networks learn from this number of `training_images`, without the validation images.
pub fn of(study: &CorrelationStudy, task: Task, training_images: usize) -> Regime {
    let CorrelationStudy { space, smash, .. } = study;
    let sample = (0..SAMPLED).map(|index| sampled_architecture(space, Seed(0), index));
    let architectures: Vec<Architecture> = sample.collect();
    let learned =
        learned_weights(space, smash.learned_convolutions, smash.normalisation, smash.stem, smash.memory, task);
    let generated = mean(architectures.iter().map(|one| generated_weights(space, one) as f64));
    let blocks = |value: &dyn Fn(usize, &Architecture) -> f64| {
        (0..smash::space::BLOCKS).map(|block| mean(architectures.iter().map(|one| value(block, one)))).collect()
    };
    let mut costs: Vec<f64> =
        architectures.iter().map(|one| Counts::of(space, task, one).multiply_adds as f64 / 1e6).collect();
    costs.sort_by(f64::total_cmp);
    let steps = training_images.div_ceil(smash.batch_size) * smash.epochs;
    Regime {
        learned_to_generated: learned as f64 / generated,
        hypernet_to_generated: study.hypernet.weights(space) as f64 / generated,
        max_units: space.max_units() as u64,
        depth_compression: space.depth_compression as u64,
        cell: space.compression.map(|cell| [cell.rows as u64, cell.columns as u64]),
        banks: blocks(&|block, one| written_banks(space, block, one) as f64),
        ops: blocks(&|block, one| one.blocks[block].ops.len() as f64),
        single_op_blocks: blocks(&|block, one| f64::from(u8::from(one.blocks[block].ops.len() == 1))),
        multiply_adds: [
            mean(costs.iter().copied()),
            costs[costs.len() / 20],
            costs[costs.len() - 1 - costs.len() / 20],
        ],
        smash_steps: steps as u64,
        epochs_ratio: smash.epochs as f64 / study.truth_settings().epochs as f64,
    }
}

/// The regime of a run, and the regime of the same artefact at the paper's settings; `None` for another kind of study.
///
/// # Errors
/// A definition that cannot be read.
pub fn beside_paper<B: AutodiffBackend>(
    library: Library<'_>,
    artefact: &str,
    study: &Study,
    images: &Images<B>,
) -> Result<Option<Regimes>> {
    let Study::Correlation(study) = study else {
        return Ok(None);
    };
    let here = of(study, images.task(), images.training_images(&study.data));
    let paper = at_scale(library, artefact, Scale::Paper)?;
    Ok(paper.map(|paper| Regimes { here, paper }))
}

/// The regime of an artefact at a scale, on the images that its definition names; `None` for another kind of study.
fn at_scale(library: Library<'_>, artefact: &str, scale: Scale) -> Result<Option<Regime>> {
    let Study::Correlation(study) = library.load(artefact, scale, &[])?.study else {
        return Ok(None);
    };
    // This is exact for the two sets of images that built-in definitions name. Another set counts as images like CIFAR-10's.
    let classes = if study.data.name == "cifar100" { 100 } else { 10 };
    let task = Task::of_images(3, study.data.image_size.unwrap_or(32), classes);
    let images = study.data.train.unwrap_or(CIFAR_TRAINING_IMAGES).saturating_sub(study.data.validation);
    Ok(Some(of(&study, task, images)))
}

/// The regime of a correlation study at every scale that it has, and the paper's; `None` for another kind of study. At the scale
/// of this run, it is the regime of the run itself.
///
/// # Errors
/// A definition that cannot be read.
pub fn at_all_scales<B: AutodiffBackend>(
    library: Library<'_>,
    artefact: &str,
    study: &Study,
    scale: Scale,
    images: &Images<B>,
) -> Result<Option<AllScales>> {
    let Some(Regimes { here, paper }) = beside_paper(library, artefact, study, images)? else {
        return Ok(None);
    };
    let mut of_scales = Vec::new();
    for other in Scale::ALL {
        let regime = match other {
            _ if other == scale => Some(here.clone()),
            Scale::Paper => Some(paper.clone()),
            _ => at_scale(library, artefact, other)?,
        };
        of_scales.extend(regime.map(|regime| (other.name(), regime)));
    }
    Ok(Some(AllScales { of_scales, paper }))
}

/// The regimes of a study at its scales.
pub struct AllScales {
    /// By the name of the scale, from the smallest.
    pub of_scales: Vec<(&'static str, Regime)>,
    /// The paper's.
    paper: Regime,
}

impl AllScales {
    /// Prints a table with a column for each scale.
    pub fn print(&self) {
        let regimes: Vec<&Regime> = self.of_scales.iter().map(|(_, regime)| regime).collect();
        outln!();
        out!("{:<44}", "regime (* departs from the paper's)");
        self.of_scales.iter().for_each(|(name, _)| out!("{name:<24}"));
        outln!();
        for (name, cells) in Regime::lines(&regimes, &self.paper) {
            out!("{name:<44}");
            cells.iter().for_each(|cell| out!("{cell:<24}"));
            outln!();
        }
        outln!();
    }
}

/// Number of banks of a block that hold something after its last op.
fn written_banks(space: &SearchSpace, block: usize, architecture: &Architecture) -> usize {
    let block_of = &architecture.blocks[block];
    let last = block_of.ops.iter().filter_map(|op| op.writes.last()).max();
    last.map_or(0, |bank| bank + 1).max(space.input_banks(block, block_of.bank_size))
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len() as f64;
    values.sum::<f64>() / count
}

//! The size of a run, counted from its settings: units of work, sampled architectures, networks and batches, each with a bound.
//!
//! Numbers within their own bounds can still make a run that no machine can plan or hold.

use anyhow::{Result, ensure};
use smash::counts::learned_weights;
use smash::encoding::EncodingLayout;
use smash::space::BLOCKS;
use smash::training::smash_training::SmashTraining;
use smash::{HyperNetConfig, ResultingTraining, SearchSpace, Task};

use crate::settings::studies::{SmashSearch, Study, Subject};

/// Largest number of units of work in all root seeds. Each is a file.
const MOST_UNITS: f64 = 200_000.0;

/// Largest number of banks that the ops of all sampled architectures read. A plan holds these architectures.
const MOST_READS: f64 = (1_u64 << 28) as f64;

/// Largest number of weights of a network: 1 GiB, and several times that in training.
pub const MOST_WEIGHTS: u64 = 1 << 28;

/// Largest number of values that the ops of a network read for one batch: 8 GiB.
const MOST_OF_BATCH: f64 = (1_u64 << 31) as f64;

/// The size of one root seed. Each field is an upper bound, as a float, because a product may be far too large.
#[derive(Default)]
struct Size {
    /// Units of work.
    units: f64,
    /// Banks that the ops of all sampled architectures read.
    reads: f64,
    /// Weights of the largest SMASH network, with the values of its HyperNet.
    weights: f64,
    /// Values that the ops of the largest network read for one batch.
    batch: f64,
}

impl Size {
    fn units(&mut self, count: usize) {
        self.units += count as f64;
    }

    fn samples(&mut self, count: usize, space: &SearchSpace) {
        let banks: usize = (0..BLOCKS).map(|block| space.block_budget(block)).sum::<usize>() / space.base_channels;
        self.reads += count as f64 * banks as f64;
    }

    fn smash(&mut self, space: &SearchSpace, hypernet: Option<&HyperNetConfig>, smash: &SmashTraining, task: Task) {
        let learned =
            learned_weights(space, smash.learned_convolutions, smash.normalisation, smash.stem, smash.memory, task)
                as f64;
        let own = hypernet.map_or(0.0, |hypernet| values_of_hypernet(hypernet, space));
        self.weights = self.weights.max(learned + own);
        self.batch(space, smash.batch_size, task);
    }

    fn training(&mut self, space: &SearchSpace, training: &ResultingTraining, task: Task) {
        self.batch(space, training.batch_size, task);
    }

    fn batch(&mut self, space: &SearchSpace, batch_size: usize, task: Task) {
        let Task { image_size, image_depth, stem_stride, .. } = task;
        let pixels = |block: usize| {
            let [size, depth] = [image_size, image_depth].map(|edge| edge.div_ceil(stem_stride << block) as f64);
            depth * size * size
        };
        let values: f64 = (0..BLOCKS).map(|block| pixels(block) * space.block_budget(block) as f64).sum();
        self.batch = self.batch.max(batch_size as f64 * space.budget[1] * values);
    }

    fn search(&mut self, search: &SmashSearch, task: Task) {
        let SmashSearch { space, hypernet, smash, plan, .. } = search;
        self.units(2);
        self.samples(plan.random + plan.perturbations + plan.chain, space);
        self.smash(space, Some(hypernet), smash, task);
    }
}

/// Weights of a HyperNet, and the values of its input and of all its layers for one architecture.
fn values_of_hypernet(hypernet: &HyperNetConfig, space: &SearchSpace) -> f64 {
    let inputs = EncodingLayout::new(space).channels + 1;
    let of_layers: usize = hypernet.shapes(inputs, space.hypernet_outputs()).iter().map(|shape| shape[0]).sum();
    let slices: usize = (0..BLOCKS).map(|block| space.slice_budget(block, space.budget[1], 1)).sum();
    let cells = (space.max_units() * space.cells_per_unit() * slices * space.cells_per_slice()) as f64;
    hypernet.weights(space) as f64 + cells * (inputs + of_layers) as f64
}

impl Study {
    /// Checks that the run of some root seeds is not too large. The settings have passed [`Study::validate`]. The tasks are those of
    /// [`Study::data_sets`].
    ///
    /// # Errors
    /// A run that is too large, with its size and the bound.
    pub fn check_size(&self, seeds: u64, tasks: &[Task]) -> Result<()> {
        let Size { units, reads, weights, batch } = self.size(tasks)?;
        let seeds = seeds as f64;
        for (found, what, most) in [
            (seeds * units, "units of work", MOST_UNITS),
            (seeds * reads, "banks read by all sampled architectures", MOST_READS),
            (weights, "weights and values in a SMASH network and its HyperNet", MOST_WEIGHTS as f64),
            (batch, "values read by the ops of a network for one batch", MOST_OF_BATCH),
        ] {
            ensure!(found <= most, "the run is too large: up to {found:.0} {what}, expected at most {most:.0}");
        }
        Ok(())
    }

    fn size(&self, tasks: &[Task]) -> Result<Size> {
        let mut size = Size::default();
        let task = tasks[0];
        let mut of_searches = tasks[1..].iter();
        let mut of_search = |search: &SmashSearch| match &search.data {
            Some(_) => *of_searches.next().expect("a task for each data set"),
            None => task,
        };
        match self {
            Self::Correlation(study) => {
                let (scored, verified) = match &study.benchmark {
                    Some(used) => (used.scored, used.verified),
                    None => (study.scored, 0),
                };
                let trained = scored.div_ceil(study.trained_every());
                size.units(verified + scored.div_ceil(study.shard));
                size.units(trained * study.training_seeds + trained.div_ceil(study.shard));
                size.samples(scored, &study.space);
                size.training(&study.space, study.truth_settings(), task);
                for network in study.network_settings()? {
                    size.units(1);
                    size.smash(&network.space, network.hypernet.as_ref(), &network.smash, task);
                }
            }
            Self::Fidelity(study) => {
                size.units(2 * study.architectures * study.training_seeds);
                size.samples(study.architectures, &study.space);
                size.training(&study.space, &study.resulting, task);
                size.training(&study.space, &study.fast, task);
            }
            Self::Benchmark(study) => {
                size.units(study.architectures * study.training_seeds);
                size.samples(study.first + study.architectures, &study.space);
                size.training(&study.space, &study.resulting, task);
            }
            Self::Throughput(study) => {
                size.samples(study.steps, &study.space);
                size.smash(&study.space, Some(&study.hypernet), &study.smash, task);
            }
            Self::Ensemble(study) => {
                size.units(study.members * (1 + study.scored.div_ceil(study.shard)));
                size.samples(study.scored, &study.space);
                size.smash(&study.space, Some(&study.hypernet), &study.smash, task);
            }
            Self::Corruption(study) => {
                size.units(1 + study.scored.div_ceil(study.shard));
                size.samples(study.scored, &study.space);
                size.smash(&study.space, Some(&study.hypernet), &study.smash, task);
            }
            Self::ProxyGradient(study) => {
                size.units(1 + study.starts);
                size.samples(study.starts, &study.space);
                size.smash(&study.space, Some(&study.hypernet), &study.smash, task);
            }
            Self::Search(study) => study.searches.iter().for_each(|search| size.search(search, of_search(search))),
            Self::Comparison(study) => {
                let folds = study.folds.as_ref().map_or(1, |folds| folds.count);
                size.units(study.systems.len() + study.rows().len() * folds * study.training_seeds);
                let of_trials = study.systems.iter().filter_map(|system| system.trained_search.as_ref());
                let trainings: Vec<_> = of_trials.map(|search| &search.training).chain([&study.training]).collect();
                for search in &study.searches {
                    let own = of_search(search);
                    (0..study.searches_of_each()).for_each(|_| size.search(search, own));
                    trainings.iter().for_each(|training| size.training(&search.space, training, task));
                }
            }
            Self::Initialisation(study) => {
                let sampled = study.architectures + study.candidates;
                size.units(
                    1 + sampled.div_ceil(study.shard) + 4 * (study.architectures + study.best) * study.training_seeds,
                );
                size.samples(sampled, &study.space);
                size.smash(&study.space, Some(&study.hypernet), &study.smash, task);
                size.training(&study.space, &study.resulting, task);
            }
            Self::Normalisation(study) => {
                let smash = study.normalisations.len() * study.learning_rates.len() * study.smash_seeds;
                let fixed = (study.normalisations.len() + 1) * study.architectures * study.training_seeds;
                size.units(smash + fixed);
                size.samples(study.architectures, &study.space);
                size.smash(&study.space, Some(&study.hypernet), &study.smash, task);
                size.training(&study.space, &study.resulting, task);
            }
            Self::Sampling(study) => {
                for sampled in &study.spaces {
                    size.units(study.draws.div_ceil(study.shard));
                    // One architecture at a time is held.
                    size.samples(1, &sampled.space);
                }
            }
            Self::Cost(study) => {
                for search in &study.searches {
                    size.units(study.architectures.div_ceil(study.shard));
                    size.samples(1, &search.space);
                }
            }
            Self::Drawing(study) => {
                for subject in &study.subjects {
                    if let Subject::Sampled { space } = subject {
                        size.samples(1, space);
                    }
                }
            }
        }
        Ok(size)
    }
}

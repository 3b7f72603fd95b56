//! The settings of each study kind, as definitions give them.

use std::collections::BTreeMap;

use results::Measure;
use serde::{Deserialize, Serialize};
use smash::baselines::Baseline;
use smash::scoring::ScoreStatistics;
use smash::search::rivals::SearchMethod;
use smash::training::smash_training::SmashTraining;
use smash::{HyperNetConfig, ResultingTraining, SearchSpace};

use crate::settings::initialisation::InitialisationStudy;
use crate::settings::networks::FurtherNetwork;
use crate::settings::normalisation::NormalisationStudy;
pub use crate::settings::parts::{Data, SmashSearch};
use crate::settings::predictors::Predictor;
use crate::settings::search_cost::SearchCost;
use crate::settings::untrained::{CostStudy, SamplingStudy};

/// The study kinds.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Study {
    /// SMASH score against true error.
    Correlation(Box<CorrelationStudy>),
    /// True error by the fast recipe against true error by the paper's recipe.
    Fidelity(Box<FidelityStudy>),
    /// Trained architectures to look up.
    Benchmark(Box<BenchmarkStudy>),
    /// Time of each kind of step.
    Throughput(Box<ThroughputStudy>),
    /// Scores of several SMASH networks.
    Ensemble(Box<EnsembleStudy>),
    /// Scores with weights from corrupted encodings.
    Corruption(Box<CorruptionStudy>),
    /// Architectural gradient descent by proxy.
    ProxyGradient(Box<ProxyStudy>),
    /// The best architectures by SMASH score.
    Search(Box<SearchStudy>),
    /// Systems trained under one recipe.
    Comparison(Box<ComparisonStudy>),
    /// Networks that start from generated or from standard weights.
    Initialisation(Box<InitialisationStudy>),
    /// Normalisations of ops, in SMASH networks and in networks of fixed architectures.
    Normalisation(Box<NormalisationStudy>),
    /// Architectures that a figure shows.
    Drawing(Box<DrawingStudy>),
    /// Distributions of sampled architectures.
    Sampling(Box<SamplingStudy>),
    /// Multiply-adds of searches and trainings.
    Cost(Box<CostStudy>),
}

/// The recipe that resulting networks are trained by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Recipe {
    /// The paper's: `study.resulting`.
    Paper,
    /// A shorter one: `study.fast`.
    Fast,
}

impl Recipe {
    /// Name as on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Paper => "paper",
            Self::Fast => "fast",
        }
    }
}

/// Settings of a correlation study (paper, section 4.1).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CorrelationStudy {
    /// Number of architectures that are sampled and scored. A benchmark gives its own.
    pub scored: usize,
    /// A number k: every k-th of them, by score, is trained. A benchmark has the true errors of all.
    pub every: usize,
    /// Number of noise draws z that each score is the mean over.
    pub noise_draws: usize,
    /// The measure of a score that ranks architectures.
    #[serde(default, skip_serializing_if = "is_paper")]
    pub by: Measure,
    /// The statistics that BatchNorm normalises with in scoring.
    #[serde(default, skip_serializing_if = "is_paper")]
    pub statistics: ScoreStatistics,
    /// Number of trainings of each trained architecture, with different seeds.
    pub training_seeds: usize,
    /// The benchmark whose architectures are scored and whose true errors replace trainings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub benchmark: Option<UsedBenchmark>,
    /// Number of architectures that one unit of work scores.
    pub shard: usize,
    /// The images.
    pub data: Data,
    /// The search space.
    pub space: SearchSpace,
    /// Size of the HyperNet.
    pub hypernet: HyperNetConfig,
    /// Training of the SMASH network.
    pub smash: SmashTraining,
    /// The one of the two trainings below that gives the true error.
    pub recipe: Recipe,
    /// Training of the resulting networks.
    pub resulting: ResultingTraining,
    /// A faster training of the resulting networks.
    pub fast: ResultingTraining,
    /// Further SMASH networks beside the one of `smash`, for predictors.
    #[serde(default, rename = "network", skip_serializing_if = "Vec::is_empty")]
    pub networks: Vec<FurtherNetwork>,
    /// Predictors that are compared on the trained architectures; the others are compared with the first one.
    #[serde(default, rename = "predictor", skip_serializing_if = "Vec::is_empty")]
    pub predictors: Vec<Predictor>,
    /// Simulated searches on the trained architectures, if there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search_cost: Option<SearchCost>,
}

/// A benchmark whose true errors replace the trainings of a study.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct UsedBenchmark {
    /// Its name without the data set: `laptop` stands for `laptop-shapes` on the data set `shapes`.
    pub name: String,
    /// Number of its trainings that are done again, to verify it on this machine.
    pub verified: usize,
    /// The most architectures of it that are scored: the first ones in the order of sampling.
    pub scored: usize,
}

impl UsedBenchmark {
    /// Name of the folder of the benchmark for a data set.
    pub fn folder_name(&self, dataset: &str) -> String {
        format!("{}-{dataset}", self.name)
    }
}

// A setting with the paper's value is not written, so that definitions keep the hashes that name results.
fn is_paper<T: Default + PartialEq>(setting: &T) -> bool {
    *setting == T::default()
}

/// Settings of a fidelity study: the same architectures trained by both recipes.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FidelityStudy {
    /// Number of architectures that are sampled and trained.
    pub architectures: usize,
    /// Number of trainings of each architecture by each recipe.
    pub training_seeds: usize,
    /// The images.
    pub data: Data,
    /// The search space.
    pub space: SearchSpace,
    /// Training of the resulting networks.
    pub resulting: ResultingTraining,
    /// A faster training of the resulting networks.
    pub fast: ResultingTraining,
}

/// Settings of a benchmark study: a range of the sampled architectures, each trained from several seeds.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct BenchmarkStudy {
    /// Number of the first architecture that is trained, counted from 0.
    pub first: usize,
    /// Number of architectures that are trained, starting with `first`.
    pub architectures: usize,
    /// Number of trainings of each architecture.
    pub training_seeds: usize,
    /// The images.
    pub data: Data,
    /// The search space.
    pub space: SearchSpace,
    /// The training.
    pub resulting: ResultingTraining,
}

/// Settings of a throughput study.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ThroughputStudy {
    /// Number of timed steps of each kind, each with another architecture.
    pub steps: usize,
    /// The images.
    pub data: Data,
    /// The search space.
    pub space: SearchSpace,
    /// Size of the HyperNet.
    pub hypernet: HyperNetConfig,
    /// Training of the SMASH network; all steps have its batch size.
    pub smash: SmashTraining,
    /// Training of the resulting networks.
    pub resulting: ResultingTraining,
}

/// Settings of an ensemble study (paper, figure 5b).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct EnsembleStudy {
    /// Number of SMASH networks, each with another seed.
    pub members: usize,
    /// Number of architectures that all networks score.
    pub scored: usize,
    /// Number of noise draws z that each score is the mean over.
    pub noise_draws: usize,
    /// Number of architectures that one unit of work scores.
    pub shard: usize,
    /// The images.
    pub data: Data,
    /// The search space.
    pub space: SearchSpace,
    /// Size of each HyperNet.
    pub hypernet: HyperNetConfig,
    /// Training of each SMASH network.
    pub smash: SmashTraining,
}

/// Settings of a corruption study (paper, section 4.2).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CorruptionStudy {
    /// Number of architectures that are sampled.
    pub scored: usize,
    /// Number of noise draws z, the same for all encodings of an architecture.
    pub noise_draws: usize,
    /// Number of architectures that one unit of work scores.
    pub shard: usize,
    /// The images.
    pub data: Data,
    /// The search space.
    pub space: SearchSpace,
    /// Size of the HyperNet.
    pub hypernet: HyperNetConfig,
    /// Training of the SMASH network.
    pub smash: SmashTraining,
}

/// Settings of a proxy-gradient study (paper, section 4.2).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ProxyStudy {
    /// Number of sampled architectures that both methods start from.
    pub starts: usize,
    /// Number of scored proposals of each method from each start.
    pub steps: usize,
    /// Number of elements of the architecture that a step changes.
    pub changes: usize,
    /// Number of noise draws z that each score is the mean over.
    pub noise_draws: usize,
    /// The images.
    pub data: Data,
    /// The search space.
    pub space: SearchSpace,
    /// Size of the HyperNet.
    pub hypernet: HyperNetConfig,
    /// Training of the SMASH network.
    pub smash: SmashTraining,
}

/// Settings of a search study (paper, appendix E).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SearchStudy {
    /// The images.
    pub data: Data,
    /// The searches.
    pub searches: Vec<SmashSearch>,
}

/// Settings of a comparison of systems (paper, sections 4.3 and 4.4).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ComparisonStudy {
    /// The images that all systems are trained on.
    pub data: Data,
    /// Number of trainings of each system on each fold, with different seeds.
    pub training_seeds: usize,
    /// Parts of the training set to train systems on, one after the other, if there are any.
    pub folds: Option<Folds>,
    /// The common recipe of all systems.
    pub training: ResultingTraining,
    /// Whether the report shows the top-5 error.
    pub top5: bool,
    /// Searches by SMASH score.
    pub searches: Vec<SmashSearch>,
    /// Whether each training seed has SMASH networks and searches of its own, so that trainings of a found system vary with the search.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub own_searches: bool,
    /// The systems, in the order of the table.
    #[serde(rename = "system")]
    pub systems: Vec<System>,
    /// Hand-designed networks at the size of a found architecture, if there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub equal_size: Option<EqualSize>,
}

/// Parts of a training set: the official folds if the set has them, else parts drawn at random.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Folds {
    /// Number of folds; the first ones if they are official.
    pub count: usize,
    /// Number of images in each fold that is drawn at random.
    pub size: usize,
}

/// One row of a comparison; at most one of the three ways to run it is given.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct System {
    /// Its name, such as `WRN-28-10`.
    pub name: String,
    /// The smaller network that stands for it at this scale, if there is one.
    pub here: Option<String>,
    /// The numbers that the paper quotes, in percent and millions; the report shows them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paper: Option<toml::Table>,
    /// The numbers that the paper quotes on other data sets, by the name of the data set.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub paper_on: BTreeMap<String, toml::Table>,
    /// A hand-designed network.
    pub baseline: Option<Baseline>,
    /// The best architecture of a search by SMASH score.
    pub smash: Option<FoundSystem>,
    /// The best architecture of a search that trains every architecture it looks at.
    pub trained_search: Option<TrainedSearch>,
}

/// Hand-designed networks of a comparison, each also trained at the size of a found architecture: once with as many parameters,
/// once with as many multiply-adds.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct EqualSize {
    /// The system found by SMASH score whose counts are the budgets.
    pub to: String,
    /// The hand-designed systems.
    pub systems: Vec<String>,
}

/// The architecture of a system, found by SMASH score.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FoundSystem {
    /// The search that found it.
    pub search: String,
    /// Whether each op keeps only its first convolution, as 3x3 (paper, table 2).
    #[serde(default)]
    pub single_3x3: bool,
}

/// A search that trains every architecture that it looks at.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TrainedSearch {
    /// The search by SMASH score whose space it searches.
    pub space_of: String,
    /// How it chooses the next architecture.
    pub method: SearchMethod,
    /// Number of full trainings that the search may spend.
    pub trials: usize,
    /// How each is trained.
    pub training: ResultingTraining,
}

/// Settings of a drawing study (paper, figures 1 and 3).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct DrawingStudy {
    /// The images; the smallest kind is enough, because nothing is trained.
    pub data: Data,
    /// Whether encodings are drawn too.
    pub encoding: bool,
    /// The architectures to draw.
    pub subjects: Vec<Subject>,
}

/// An architecture to draw.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", tag = "subject")]
pub enum Subject {
    /// A well-known pattern.
    Named {
        /// The pattern.
        pattern: Pattern,
    },
    /// A sample of a space.
    Sampled {
        /// The space.
        space: Box<SearchSpace>,
    },
}

/// The patterns of figure 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Pattern {
    /// Ops that add to the banks that they read.
    Resnet,
    /// Ops that read all banks and write a new one.
    Densenet,
    /// Columns of different depth that meet.
    Fractalnet,
}

impl CorrelationStudy {
    /// A number k: every k-th architecture, by score, has a true error.
    pub fn trained_every(&self) -> usize {
        if self.benchmark.is_some() { 1 } else { self.every }
    }

    /// The recipe in use.
    pub fn truth_settings(&self) -> &ResultingTraining {
        match self.recipe {
            Recipe::Paper => &self.resulting,
            Recipe::Fast => &self.fast,
        }
    }
}

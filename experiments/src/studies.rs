//! The settings of each study kind, as definitions give them.

use std::collections::BTreeMap;

use results::Measure;
use serde::{Deserialize, Serialize};
use smash::baselines::Baseline;
use smash::rivals::SearchMethod;
use smash::scoring::ScoreStatistics;
use smash::search::SearchPlan;
use smash::training::SmashTraining;
use smash::{HyperNetConfig, ResultingTraining, SearchSpace};

use crate::networks::FurtherNetwork;
use crate::predictors::Predictor;

/// The study kinds.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Study {
    /// SMASH score against true error.
    Correlation(Box<CorrelationStudy>),
    /// True error by the fast recipe against that by the paper's.
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
    /// Architectures that a figure shows.
    Drawing(Box<DrawingStudy>),
}

/// Which recipe resulting networks are trained by.
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
    /// Architectures that are sampled and scored.
    pub scored: usize,
    /// Every how many-th of them, by score, is trained.
    pub every: usize,
    /// Noise draws z that each score is the mean over.
    pub noise_draws: usize,
    /// What of them ranks architectures.
    #[serde(default, skip_serializing_if = "is_paper")]
    pub by: Measure,
    /// What BatchNorm normalises with in scoring.
    #[serde(default, skip_serializing_if = "is_paper")]
    pub statistics: ScoreStatistics,
    /// Trainings of each trained architecture, with different seeds.
    pub training_seeds: usize,
    /// Architectures scored in one unit of work.
    pub shard: usize,
    /// The images.
    pub data: Data,
    /// The search space.
    pub space: SearchSpace,
    /// Size of the HyperNet.
    pub hypernet: HyperNetConfig,
    /// Training of the SMASH network.
    pub smash: SmashTraining,
    /// Which of the two trainings below gives the true error.
    pub recipe: Recipe,
    /// Training of the resulting networks.
    pub resulting: ResultingTraining,
    /// A faster one.
    pub fast: ResultingTraining,
    /// SMASH networks beside that of `smash`, for predictors.
    #[serde(default, rename = "network", skip_serializing_if = "Vec::is_empty")]
    pub networks: Vec<FurtherNetwork>,
    /// Predictors that are compared on the trained architectures; the first is what the others are compared with.
    #[serde(default, rename = "predictor", skip_serializing_if = "Vec::is_empty")]
    pub predictors: Vec<Predictor>,
}

// Not written where it is as in the paper, so that definitions keep the hashes that name results.
fn is_paper<T: Default + PartialEq>(setting: &T) -> bool {
    *setting == T::default()
}

/// Settings of a fidelity study: the same architectures trained by both recipes.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FidelityStudy {
    /// Architectures that are sampled and trained.
    pub architectures: usize,
    /// Trainings of each architecture by each recipe.
    pub training_seeds: usize,
    /// The images.
    pub data: Data,
    /// The search space.
    pub space: SearchSpace,
    /// Training of the resulting networks.
    pub resulting: ResultingTraining,
    /// A faster one.
    pub fast: ResultingTraining,
}

/// Settings of a benchmark study: a range of the sampled architectures, each trained from several seeds.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct BenchmarkStudy {
    /// Number of the first architecture that is trained, counted from 0.
    pub first: usize,
    /// Architectures that are trained, from that one on.
    pub architectures: usize,
    /// Trainings of each architecture.
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
    /// Steps of each kind that are timed, each with another architecture.
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
    /// SMASH networks, each of another seed.
    pub members: usize,
    /// Architectures that all of them score.
    pub scored: usize,
    /// Noise draws z that each score is the mean over.
    pub noise_draws: usize,
    /// Architectures scored in one unit of work.
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
    /// Architectures that are sampled.
    pub scored: usize,
    /// Noise draws z, the same for all encodings of an architecture.
    pub noise_draws: usize,
    /// Architectures scored in one unit of work.
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
    /// Sampled architectures that both methods start from.
    pub starts: usize,
    /// Scored proposals of each method from each start.
    pub steps: usize,
    /// Elements of the architecture that a step changes.
    pub changes: usize,
    /// Noise draws z that each score is the mean over.
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

/// Settings of one search by SMASH score (paper, appendix C).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SmashSearch {
    /// Its name, as in `SMASHv2`.
    pub name: String,
    /// Images to search on, if not those of the study.
    pub data: Option<Data>,
    /// Noise draws z that each score is the mean over.
    pub noise_draws: usize,
    /// The search space.
    pub space: SearchSpace,
    /// Size of the HyperNet.
    pub hypernet: HyperNetConfig,
    /// Training of the SMASH network.
    pub smash: SmashTraining,
    /// How many architectures each stage scores.
    pub plan: SearchPlan,
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
    /// Trainings of each system on each fold, with different seeds.
    pub training_seeds: usize,
    /// Whether systems are trained on parts of the training set, one after the other.
    pub folds: Option<Folds>,
    /// The one recipe.
    pub training: ResultingTraining,
    /// Whether the report shows the top-5 error.
    pub top5: bool,
    /// Searches by SMASH score.
    pub searches: Vec<SmashSearch>,
    /// The systems, in the order of the table.
    #[serde(rename = "system")]
    pub systems: Vec<System>,
}

/// Parts of a training set: the official ones where the set has them, else drawn at random.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Folds {
    /// How many; of official ones the first.
    pub count: usize,
    /// Images in each that is drawn.
    pub size: usize,
}

/// One row of a comparison; at most one of the three ways to run it is given.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct System {
    /// Its name, as in `WRN-28-10`.
    pub name: String,
    /// What stands for it at this scale, if it is smaller.
    pub here: Option<String>,
    /// The numbers that the paper quotes, in percent and millions, for the report.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paper: Option<toml::Table>,
    /// What the paper quotes on other data sets, by their name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub paper_on: BTreeMap<String, toml::Table>,
    /// A hand-designed network.
    pub baseline: Option<Baseline>,
    /// The best architecture of a search by SMASH score.
    pub smash: Option<FoundSystem>,
    /// The best architecture of a search that trains what it looks at.
    pub trained_search: Option<TrainedSearch>,
}

/// How a system is run.
#[derive(Clone, Copy, Debug)]
pub enum SystemKind<'a> {
    /// A hand-designed network.
    Baseline(&'a Baseline),
    /// The best architecture of a search by SMASH score.
    Smash(&'a FoundSystem),
    /// The best architecture of a search that trains what it looks at.
    TrainedSearch(&'a TrainedSearch),
}

/// Which architecture a system is.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FoundSystem {
    /// The search that found it.
    pub search: String,
    /// Only the first convolution of each op, of 3x3 (paper, table 2).
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
    /// Full trainings that it may spend.
    pub trials: usize,
    /// How each is trained.
    pub training: ResultingTraining,
}

/// Settings of a drawing study (paper, figures 1 and 3).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct DrawingStudy {
    /// Images of the smallest kind: nothing is trained.
    pub data: Data,
    /// Whether encodings are drawn too.
    pub encoding: bool,
    /// What is drawn.
    pub subjects: Vec<Subject>,
}

/// An architecture to draw.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", tag = "subject")]
pub enum Subject {
    /// A well-known pattern.
    Named {
        /// Which.
        pattern: Pattern,
    },
    /// A sample of a space.
    Sampled {
        /// The space.
        space: Box<SearchSpace>,
    },
}

/// The patterns of figure 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pattern {
    /// Ops that add to what they read.
    Resnet,
    /// Ops that read all and write a new bank.
    Densenet,
    /// Columns of different depth that meet.
    Fractalnet,
}

/// Which images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Data {
    /// Name of the data set.
    pub name: String,
    /// Height and width in pixels; the set's own if not given.
    pub image_size: Option<usize>,
    /// Training images, the validation images included; all if not given.
    pub train: Option<usize>,
    /// Images held out of the training set for scoring.
    pub validation: usize,
    /// Test images; all if not given.
    pub test: Option<usize>,
}

impl CorrelationStudy {
    /// The recipe in use.
    pub fn truth_settings(&self) -> &ResultingTraining {
        match self.recipe {
            Recipe::Paper => &self.resulting,
            Recipe::Fast => &self.fast,
        }
    }
}

impl System {
    /// How it is run; nothing for one of which only quoted numbers are shown.
    pub fn kind(&self) -> Option<SystemKind<'_>> {
        let baseline = self.baseline.as_ref().map(SystemKind::Baseline);
        let smash = self.smash.as_ref().map(SystemKind::Smash);
        baseline
            .or(smash)
            .or(self.trained_search.as_ref().map(SystemKind::TrainedSearch))
    }
}

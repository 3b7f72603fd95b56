//! `experiments architecture`: architectures from files, checked and counted, and architectures to write to a file.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use clap::{Args, Subcommand};
use datasets::LoadOptions;
use results::store::files::read_text;
use results::summaries::text::percent;
use results::{errln, outln};
use serde_json::{Value, json};
use smash::{Architecture, Counts, SearchSpace, Seed, Task};

use crate::commands::{DataFolder, variable};
use crate::device::Device;
use crate::settings::definition::{Definition, Scale};
use crate::settings::library::Library;
use crate::settings::studies::{Data, Pattern, Study};
use crate::tasks::setup::{sampled_architecture, task_of};
use crate::tasks::stored_rows::{CheckedBenchmark, read_benchmark, warn_if_unlisted};

/// The commands.
#[derive(Subcommand)]
pub enum Command {
    /// Check that architectures are valid in a search space. The error names the block, the op and the broken rule.
    Validate(Validate),
    /// Print hashes, parameters, multiply-adds and depth of architectures, and their true errors in a benchmark.
    Canonical(Canonical),
    /// Print the SMASH scores of architectures by the stored SMASH network of a complete run.
    Score(Score),
    /// Train architectures by the recipe of an artefact, and print their true errors. The same command resumes.
    Train(Train),
    /// Print an architecture as JSON: a well-known block, or a sample of a search space.
    Build(Build),
}

/// The files of architectures, and the form of the answer.
#[derive(Args)]
pub struct Files {
    /// Files with an architecture in its stored form, JSON.
    #[arg(required = true, value_name = "FILE.json")]
    files: Vec<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// The artefact whose search space, images and recipe count.
#[derive(Args)]
pub struct Place {
    /// Artefact whose search space counts.
    #[arg(long, value_name = "NAME", default_value = "fig4")]
    pub artefact: String,
    /// Scale: smoke, laptop, gpu or paper.
    #[arg(long, default_value = "laptop")]
    pub scale: Scale,
    /// Data set to use instead of the definition's.
    #[arg(long, value_name = "NAME")]
    pub dataset: Option<String>,
    /// Set a value of the definition, in TOML, such as study.space.width=4; repeat the option for several.
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Folder of definitions, NAME.toml, beside the built-in ones [default: SMASH_DEFINITIONS].
    #[arg(long, value_name = "DIR")]
    definitions: Option<PathBuf>,
}

/// Options of `validate`.
#[derive(Args)]
pub struct Validate {
    #[command(flatten)]
    files: Files,
    #[command(flatten)]
    place: Place,
    /// Search of the artefact whose search space counts, if it has several, such as SMASHv2 of appendix-e.
    #[arg(long, value_name = "NAME")]
    search: Option<String>,
}

/// Options of `canonical`.
#[derive(Args)]
pub struct Canonical {
    #[command(flatten)]
    of: Validate,
    #[command(flatten)]
    data: DataFolder,
    /// Folder of a benchmark to look true errors up in [default: the one that the definition names].
    #[arg(long, value_name = "DIR")]
    benchmark: Option<PathBuf>,
    /// Folder of the benchmarks that definitions name.
    #[arg(long, value_name = "DIR", default_value = "results/benchmarks")]
    benchmarks: PathBuf,
}

/// Options of `score`.
#[derive(Args)]
pub struct Score {
    #[command(flatten)]
    pub(super) files: Files,
    /// Artefact of the run.
    #[arg(long, value_name = "NAME", default_value = "fig4")]
    pub(super) artefact: String,
    /// Scale of the run: smoke, laptop, gpu or paper.
    #[arg(long, default_value = "laptop")]
    pub(super) scale: Scale,
    /// Data set of the run, if runs on several are stored.
    #[arg(long, value_name = "NAME")]
    pub(super) dataset: Option<String>,
    /// Folder that holds the run at any level, or s3://BUCKET/PREFIX.
    #[arg(long, value_name = "DIR", default_value = results::store::DEFAULT_ROOT)]
    pub(super) results: PathBuf,
    /// The images and the device.
    #[command(flatten)]
    pub machine: Machine,
}

/// Options of `train`.
#[derive(Args)]
pub struct Train {
    #[command(flatten)]
    pub(super) files: Files,
    #[command(flatten)]
    pub(super) place: Place,
    /// Number of trainings of each architecture [default: the definition's].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(super) training_seeds: Option<u16>,
    /// Root seed of the trainings and of the validation images.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(super) seed: u64,
    /// Folder of the stored runs, or s3://BUCKET/PREFIX; the trainings go to `.trainings` in it.
    #[arg(long, value_name = "DIR", default_value = results::store::DEFAULT_ROOT)]
    pub(super) results: PathBuf,
    /// The images and the device.
    #[command(flatten)]
    pub machine: Machine,
}

/// The images and the device to compute with.
#[derive(Args)]
pub struct Machine {
    /// The folder of data sets.
    #[command(flatten)]
    pub data: DataFolder,
    /// Device to compute on: cpu, cuda, cuda:INDEX or wgpu.
    #[arg(long, default_value = "cpu")]
    pub device: Device,
}

/// Options of `build`.
#[derive(Args)]
pub struct Build {
    /// Well-known block to repeat in all blocks; it is valid in a search space of its own.
    #[arg(
        long,
        required_unless_present = "seed",
        conflicts_with_all = ["seed", "index", "artefact", "scale", "dataset", "set", "definitions", "search"]
    )]
    block: Option<Pattern>,
    /// Root seed of the sample.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Number of the sample among those of the seed, counted from 0 [default: 0].
    #[arg(long, value_name = "N", requires = "seed")]
    index: Option<u64>,
    #[command(flatten)]
    place: Place,
    /// Search of the artefact whose search space is sampled, if it has several.
    #[arg(long, value_name = "NAME")]
    search: Option<String>,
}

/// An architecture, and the name of its file.
pub struct Subject {
    /// Name of the file.
    pub file: String,
    /// The architecture.
    pub architecture: Architecture,
}

impl Files {
    /// Reads all files.
    ///
    /// # Errors
    /// The first file that holds no architecture.
    pub fn read(&self) -> Result<Vec<Subject>> {
        self.files.iter().map(|file| read(file)).collect()
    }
}

fn read(file: &Path) -> Result<Subject> {
    let place = file.display().to_string();
    let text = read_text(file)?;
    // Some editors begin a text with a byte order mark, which is no part of JSON.
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let architecture = Architecture::from_json(text).with_context(|| place.clone())?;
    Ok(Subject { file: place, architecture })
}

impl Subject {
    /// Checks every rule of the search space of `artefact`.
    ///
    /// # Errors
    /// The first broken rule, with its place.
    pub fn validate(&self, space: &SearchSpace, artefact: &str) -> Result<()> {
        let valid = self.architecture.validate(space);
        valid.with_context(|| format!("{}: not in the search space of {artefact}", self.file))
    }
}

impl Place {
    /// The definition.
    ///
    /// # Errors
    /// As [`Library::load`].
    pub fn definition(&self) -> Result<Definition> {
        let folder = self.definitions.clone().or_else(|| variable("SMASH_DEFINITIONS"));
        let mut set = self.set.clone();
        let name = self.dataset.iter().map(|name| toml::Value::from(name.as_str()));
        set.extend(name.map(|name| format!("study.data.name = {name}")));
        Library { folder: folder.as_deref() }.load(&self.artefact, self.scale, &set)
    }

    /// Artefact and scale in words.
    pub fn words(&self) -> String {
        format!("{} at {} scale", self.artefact, self.scale.name())
    }

    /// The search space of a study, or of one of its searches, and its images.
    fn space_of<'a>(&self, study: &'a Study, search: Option<&str>) -> Result<(&'a SearchSpace, &'a Data)> {
        let space = match study {
            Study::Correlation(study) => Some(&study.space),
            Study::Fidelity(study) => Some(&study.space),
            Study::Benchmark(study) => Some(&study.space),
            Study::Throughput(study) => Some(&study.space),
            Study::Ensemble(study) => Some(&study.space),
            Study::Corruption(study) => Some(&study.space),
            Study::ProxyGradient(study) => Some(&study.space),
            Study::Initialisation(study) => Some(&study.space),
            Study::Normalisation(study) => Some(&study.space),
            Study::Search(_) | Study::Comparison(_) | Study::Drawing(_) | Study::Sampling(_) | Study::Cost(_) => None,
        };
        let (artefact, data) = (&self.artefact, study.data_sets()[0]);
        match (space, search) {
            (Some(space), None) => Ok((space, data)),
            (Some(_), Some(name)) => bail!("--search {name}: `{artefact}` has one search space and no searches"),
            (None, _) => {
                let searches = study.searches();
                let names: Vec<&str> = searches.iter().map(|search| search.name.as_str()).collect();
                ensure!(!names.is_empty(), "`{artefact}` has no single search space; fig4 has one");
                let names = names.join(", ");
                let found = match (search, searches) {
                    (Some(name), _) => {
                        let found = searches.iter().find(|search| search.name == name);
                        found.with_context(|| format!("--search {name}: expected a search of `{artefact}`: {names}"))?
                    }
                    (None, [only]) => only,
                    (None, _) => {
                        bail!("`{artefact}` has several searches: expected --search with one of {names}")
                    }
                };
                Ok((&found.space, found.data.as_ref().unwrap_or(data)))
            }
        }
    }
}

/// Runs `validate`. Every file is checked, whatever is wrong with the others.
///
/// # Errors
/// The fault of each file, in one line each.
pub fn validate(options: &Validate) -> Result<()> {
    let Validate { files, place, search } = options;
    let definition = place.definition()?;
    let (space, _) = place.space_of(&definition.study, search.as_deref())?;
    let mut faults = Vec::new();
    let mut answers = Vec::new();
    for file in &files.files {
        let outcome = read(file).and_then(|subject| subject.validate(space, &place.words()));
        let error = outcome.err().map(|error| format!("{error:#}"));
        if error.is_none() && !files.json {
            outln!("{}: valid in the search space of {}", file.display(), place.words());
        }
        answers.push(json!({
            "file": file.display().to_string(),
            "valid": error.is_none(),
            "error": &error,
            "base_channels": space.base_channels,
            "width": space.width,
        }));
        faults.extend(error);
    }
    if files.json {
        print(&answers)?;
    }
    ensure!(faults.is_empty(), "{}", faults.join("\n"));
    Ok(())
}

/// Runs `canonical`.
///
/// # Errors
/// A file without a valid architecture, a data set that cannot be read, or a benchmark that does not fit.
pub fn canonical(options: &Canonical) -> Result<()> {
    let Validate { files, place, search } = &options.of;
    let subjects = files.read()?;
    let definition = place.definition()?;
    let (space, data) = place.space_of(&definition.study, search.as_deref())?;
    subjects.iter().try_for_each(|subject| subject.validate(space, &place.words()))?;
    let load = LoadOptions {
        data_dir: options.data.path(),
        image_size: data.image_size,
        // Sizes and classes are the same for any number of images.
        n_train: Some(1),
        n_test: Some(1),
        ..LoadOptions::default()
    };
    let images = match datasets::load(&data.name, &load) {
        // The shapes of official files are known without the files.
        Err(error @ datasets::Error::Missing { .. }) => datasets::outline(&data.name, &load)?.ok_or(error)?,
        images => images?,
    };
    let task = task_of(&images);
    let benchmark = benchmark(options, &definition.study, (space, task), &images.name)?;
    let mut answers = Vec::new();
    for Subject { file, architecture } in &subjects {
        let (hash, canonical) = (architecture.hash(), architecture.canonical_hash(space));
        let Counts { parameters, multiply_adds, depth } = Counts::of(space, task, architecture);
        let errors = benchmark.as_ref().map(|(_, benchmark)| {
            let rows = benchmark.trainings.iter().filter(|row| row.canonical == canonical);
            rows.map(|row| row.test_error).collect::<Vec<Option<f64>>>()
        });
        answers.push(json!({
            "file": file,
            "hash": hash,
            "canonical_hash": canonical,
            "parameters": parameters,
            "multiply_adds": multiply_adds,
            "depth": depth,
            "ops": architecture.op_count(),
            "known_errors": errors,
        }));
        if !files.json {
            outln!("{file}");
            outln!("  hash            {hash}");
            outln!("  canonical hash  {canonical}");
            outln!("  parameters      {parameters}");
            outln!("  multiply-adds   {multiply_adds}");
            outln!("  depth           {depth} convolutions");
            if let (Some(errors), Some((name, _))) = (errors, &benchmark) {
                let errors: Vec<String> =
                    errors.iter().map(|error| error.map_or("diverged".to_owned(), percent)).collect();
                let known = if errors.is_empty() { "no".to_owned() } else { errors.join(", ") };
                outln!("  known           {known} (benchmark {name})");
            }
        }
    }
    if files.json {
        print(&answers)?;
    }
    Ok(())
}

/// The benchmark to look up, with its name. A benchmark that only the definition names may be missing.
fn benchmark(
    options: &Canonical,
    study: &Study,
    (space, task): (&SearchSpace, Task),
    dataset: &str,
) -> Result<Option<(String, CheckedBenchmark)>> {
    let named = match study {
        Study::Correlation(study) => study.benchmark.as_ref().map(|used| used.folder_name(dataset)),
        _ => None,
    };
    let folder = options.benchmark.clone().or(named.map(|name| options.benchmarks.join(name)));
    let Some(folder) = folder else { return Ok(None) };
    let place = folder.display();
    let Some(benchmark) = read_benchmark(&folder)? else {
        ensure!(options.benchmark.is_none(), "{place}: no benchmark.toml there");
        errln!("note: {place}: no benchmark there to look up true errors");
        return Ok(None);
    };
    let settings = &benchmark.settings;
    ensure!(benchmark.space == *space, "{place}: the benchmark has another search space than the artefact");
    ensure!(
        settings.dataset.name == dataset,
        "{place}: the benchmark has images of `{}`, expected `{dataset}`",
        settings.dataset.name
    );
    benchmark.check_counts(task)?;
    warn_if_unlisted(&folder)?;
    Ok(Some((folder.file_name().unwrap_or_default().to_string_lossy().into_owned(), benchmark)))
}

/// Runs `build`.
///
/// # Errors
/// A definition that cannot be read, or has several search spaces.
pub fn build(options: &Build) -> Result<()> {
    let Build { block, seed, index, place, search } = options;
    let architecture = match (block, seed) {
        (Some(pattern), _) => pattern.architecture(),
        (None, seed) => {
            let seed = seed.context("the command line asks for a block or a seed")?;
            let definition = place.definition()?;
            let (space, _) = place.space_of(&definition.study, search.as_deref())?;
            sampled_architecture(space, Seed(seed), index.unwrap_or(0))
        }
    };
    outln!("{}", architecture.to_json());
    Ok(())
}

/// Prints the answers for all files as a list.
///
/// # Errors
/// None, for these plain values.
pub fn print(answers: &[Value]) -> Result<()> {
    outln!("{}", serde_json::to_string_pretty(answers)?);
    Ok(())
}

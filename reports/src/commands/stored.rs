//! The options that select stored results, and the results that they select.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use clap::Args;
use rayon::iter::{IndexedParallelIterator, IntoParallelIterator, ParallelIterator};
use reports::artefact::Artefact;
use reports::report::readme;
use results::store::files::is_folder;
use results::store::manifest::RunStatus;
use results::store::{DEFAULT_ROOT, Found, Group, StoredRun, find_runs, groups, latest_groups, newest};
use results::{ArchitectureRow, errln};
use smash_space::{Architecture, SearchSpace};

/// Name of the README's block with stored results.
const RESULTS: &str = "results";

/// A README that shows results and figures.
pub struct Readme {
    /// The file.
    pub path: PathBuf,
    text: String,
    /// Folder of the figures, from the README's own folder on.
    figures: String,
}

impl Readme {
    /// Reads the file. The figures are below `out`.
    ///
    /// # Errors
    /// A file that cannot be read or has no place for results, or figures outside its folder.
    pub fn read(path: PathBuf, out: &Path) -> Result<Self> {
        let place = || path.display().to_string();
        let folder = path.parent().and_then(|folder| out.strip_prefix(folder).ok());
        let folder =
            folder.with_context(|| format!("{}: expected to be below the folder of {}", out.display(), place()))?;
        let text = std::fs::read_to_string(&path).with_context(place)?;
        readme::splice(&text, RESULTS, "").with_context(place)?;
        Ok(Self { figures: format!("{}/figures", folder.display()), text, path })
    }
}

/// Options that select stored results.
#[derive(Args)]
pub struct Stored {
    /// Folder of the stored runs, or s3://BUCKET/PREFIX.
    #[arg(long, default_value = DEFAULT_ROOT)]
    pub results: PathBuf,
    /// Only this scale; may be given several times.
    #[arg(long)]
    pub scale: Vec<String>,
    /// Only results on this data set; may be given several times.
    #[arg(long, value_name = "NAME")]
    pub dataset: Vec<String>,
}

/// Results that were selected, and why others cannot be read.
pub struct Selected {
    /// The results.
    pub artefacts: Vec<Artefact>,
    /// The faults, each with the file and the problem.
    pub faulty: Vec<String>,
}

impl Selected {
    /// Prints the faults as errors. The exit code is that of a failure if there are any.
    pub fn finish(&self) -> ExitCode {
        self.faulty.iter().for_each(|fault| errln!("error: {fault}"));
        match self.faulty.is_empty() {
            true => ExitCode::SUCCESS,
            false => ExitCode::FAILURE,
        }
    }
}

impl Stored {
    /// The newest result for every artefact, scale and data set. A result that cannot be read leaves the others as they are.
    ///
    /// # Errors
    /// A folder that cannot be listed, or no result that can be read.
    pub fn all(&self, artefact: Option<&str>) -> Result<Selected> {
        let selected = self.newest_of(self.runs(artefact)?);
        let what = artefact.map_or("any artefact".to_owned(), |name| format!("`{name}`"));
        ensure!(!selected.artefacts.is_empty(), "{}", self.nothing(&what, &selected.faulty));
        Ok(selected)
    }

    /// As [`Stored::all`] for some artefacts. There may be no result.
    ///
    /// # Errors
    /// A folder that cannot be listed.
    pub fn of_artefacts(&self, names: &BTreeSet<&str>) -> Result<Selected> {
        let mut found = self.runs(None)?;
        found.runs.retain(|run| names.contains(run.manifest.artefact.as_str()));
        Ok(self.newest_of(found))
    }

    /// The newest of these results for every artefact, scale and data set.
    fn newest_of(&self, Found { runs, faulty }: Found) -> Selected {
        let mut faulty: Vec<String> = faulty.iter().map(ToString::to_string).collect();
        let all = groups(runs.clone());
        let latest = latest_groups(runs);
        for group in &latest {
            print_choice(group, all.iter().filter(|other| other.subject() == group.subject()));
        }
        let load = |group| Artefact::load(group, &self.results);
        // The intervals take nearly all the time.
        let loaded: Vec<Result<Artefact>> = latest.into_par_iter().with_max_len(1).map(load).collect();
        let mut artefacts = Vec::new();
        for loaded in loaded {
            match loaded {
                Ok(loaded) => artefacts.push(loaded),
                Err(error) => faulty.push(format!("{error:#}")),
            }
        }
        Selected { artefacts, faulty }
    }

    /// The results of these runs and no others, one for each artefact and definition.
    ///
    /// # Errors
    /// A folder that holds no complete run, or a faulty table.
    pub fn of_runs(&self, folders: &[PathBuf]) -> Result<Selected> {
        let load = |group| Artefact::load(group, &self.results);
        let groups = groups(complete_runs(folders)?);
        let artefacts: Vec<Artefact> = groups.into_par_iter().with_max_len(1).map(load).collect::<Result<_>>()?;
        let mut names = BTreeSet::new();
        for name in artefacts.iter().map(Artefact::name) {
            ensure!(names.insert(name.clone()), "--run: two results would be drawn as {name}; draw them one at a time");
        }
        Ok(Selected { artefacts, faulty: Vec::new() })
    }

    /// The one result that all these runs belong to.
    ///
    /// # Errors
    /// A folder that holds no complete run, or runs of several results.
    pub fn group_of_runs(folders: &[PathBuf]) -> Result<Group> {
        let mut groups = groups(complete_runs(folders)?);
        ensure!(groups.len() == 1, "--run: expected root seeds of one result, found {} results", groups.len());
        Ok(groups.swap_remove(0))
    }

    /// The README with the stored results and speed. It shows the figure of figure 4 with the most architectures.
    pub fn spliced(&self, artefacts: &[Artefact], file: &Readme) -> Result<String> {
        let place = || file.path.display().to_string();
        let of_name = artefacts.iter().filter(|artefact| artefact.group.manifest().artefact == "fig4");
        let shown = of_name
            .max_by_key(|artefact| artefact.findings.n().map_or(0, |(n, _)| n))
            .with_context(|| self.nothing("`fig4`", &[]))?;
        let block = readme::block(artefacts, shown, &file.figures);
        let text = readme::splice(&file.text, RESULTS, &block).with_context(place)?;
        match results::summaries::peer::read(&self.results)? {
            Some(table) => readme::splice(&text, "speed", &readme::speed_block(&table)).with_context(place),
            None => Ok(text),
        }
    }

    /// The newest result of an artefact.
    ///
    /// # Errors
    /// No complete run, or a faulty table.
    pub fn newest(&self, artefact: &str) -> Result<Selected> {
        let (group, faulty) = self.newest_group(artefact)?;
        Ok(Selected { artefacts: vec![Artefact::load(group, &self.results)?], faulty })
    }

    /// The runs of the newest result of an artefact, and the manifests that cannot be read.
    ///
    /// # Errors
    /// No complete run.
    pub fn newest_group(&self, artefact: &str) -> Result<(Group, Vec<String>)> {
        let Found { runs, faulty } = self.runs(Some(artefact))?;
        let faulty: Vec<String> = faulty.iter().map(ToString::to_string).collect();
        let all = groups(runs);
        let group = newest(all.clone());
        let group = group.with_context(|| self.nothing(&format!("`{artefact}`"), &faulty))?;
        print_choice(&group, all.iter());
        Ok((group, faulty))
    }

    /// The stored runs, and the manifests that cannot be read.
    ///
    /// # Errors
    /// A folder that cannot be listed.
    pub fn runs(&self, artefact: Option<&str>) -> Result<Found> {
        let mut found = find_runs(&self.results, artefact)?;
        let is_of = |chosen: &[String], name: &String| chosen.is_empty() || chosen.contains(name);
        found.runs.retain(|StoredRun { manifest, .. }| {
            is_of(&self.scale, &manifest.scale) && is_of(&self.dataset, &manifest.dataset.name)
        });
        Ok(found)
    }

    /// Says why there is no result: the folder does not exist, or holds none that is wanted.
    fn nothing(&self, what: &str, faulty: &[String]) -> String {
        if matches!(is_folder(&self.results), Ok(false)) {
            return format!("{}: no such folder; expected one with a run of {what}", self.results.display());
        }
        let scale = match self.scale.is_empty() {
            true => String::new(),
            false => format!(" at scale {}", self.scale.join(" or ")),
        };
        let dataset = match self.dataset.is_empty() {
            true => String::new(),
            false => format!(" on {}", self.dataset.join(" or ")),
        };
        let faulty = match faulty {
            [] => String::new(),
            faulty => format!(" that can be read: {}", faulty.join("; ")),
        };
        format!("{}: no complete run of {what}{scale}{dataset}{faulty}", self.results.display())
    }
}

/// The architectures of a result, if it has the table. Tables of older programs lack canonical hashes. These then follow from
/// the search space, unless this program cannot read it.
///
/// # Errors
/// A table that cannot be read.
pub fn architectures_of(group: &Group) -> Result<Option<Vec<ArchitectureRow>>> {
    let Some(mut rows) = group.read_if_there::<ArchitectureRow>()? else { return Ok(None) };
    let space = space_of(group);
    let computed = |row: &ArchitectureRow| {
        let (space, architecture) = (space.as_ref()?, Architecture::from_json(&row.json).ok()?);
        architecture.validate(space).ok().map(|()| architecture.canonical_hash(space))
    };
    for row in rows.iter_mut().filter(|row| row.canonical.is_none()) {
        row.canonical = computed(row);
    }
    Ok(Some(rows))
}

/// The search space that a result's definition states; `None` if this program cannot read it.
fn space_of(group: &Group) -> Option<SearchSpace> {
    let space = group.manifest().definition.get("study")?.get("space")?;
    space.clone().try_into().ok()
}

/// The runs in these folders.
///
/// # Errors
/// A folder that holds no complete run, or is given twice.
fn complete_runs(folders: &[PathBuf]) -> Result<Vec<StoredRun>> {
    let runs: Vec<StoredRun> = folders.iter().map(|folder| StoredRun::open(folder)).collect::<Result<_, _>>()?;
    let mut places = BTreeSet::new();
    for folder in folders {
        // A folder in an object store has one spelling.
        let place = folder.canonicalize().unwrap_or_else(|_| folder.clone());
        ensure!(places.insert(place), "--run {}: given twice", folder.display());
    }
    for StoredRun { dir, manifest } in &runs {
        ensure!(manifest.status == RunStatus::Complete, "{}: the run is not complete", dir.path().display());
    }
    Ok(runs)
}

/// Says in one line which result was chosen, and why, if there were several.
fn print_choice<'a>(chosen: &Group, candidates: impl Iterator<Item = &'a Group>) {
    let (mut all, mut ahead) = (0, Vec::new());
    for group in candidates {
        all += 1;
        ahead.extend(group.ends_in_future().then(|| group.folder().display().to_string()));
    }
    let manifest = chosen.manifest();
    let why = if all > 1 {
        format!("the newest of {all} results, by the end of the run")
    } else {
        "the only result".to_owned()
    };
    let ahead = match ahead.is_empty() {
        true => String::new(),
        false => format!("; warning: an end after now counts as the oldest: {}", ahead.join(", ")),
    };
    errln!(
        "{}, {} scale, {}: commit {}, definition {:.8}, {why}{ahead}",
        manifest.artefact,
        manifest.scale,
        manifest.dataset.name,
        manifest.short_commit(),
        manifest.definition_hash
    );
}

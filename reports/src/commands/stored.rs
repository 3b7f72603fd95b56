//! The options that select stored results, and the results that they select.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::Args;
use rayon::iter::{IndexedParallelIterator, IntoParallelIterator, ParallelIterator};
use reports::artefact::Artefact;
use reports::report::readme;
use results::store::{DEFAULT_ROOT, StoredRun, find_runs, latest_group, latest_groups};

/// Options that select stored results.
#[derive(Args)]
pub struct Stored {
    /// Folder of the stored runs, or s3://BUCKET/PREFIX.
    #[arg(long, default_value = DEFAULT_ROOT)]
    pub results: PathBuf,
    /// Only this scale; may be given several times.
    #[arg(long)]
    pub scale: Vec<String>,
}

impl Stored {
    /// The newest result for every artefact, scale and data set.
    pub fn all(&self, artefact: Option<&str>) -> Result<Vec<Artefact>> {
        let groups = latest_groups(self.runs(artefact)?);
        let what = artefact.map_or("any artefact".to_owned(), |name| format!("`{name}`"));
        ensure!(!groups.is_empty(), "{}", self.nothing(&what));
        let load = |group| Artefact::load(group, &self.results);
        // The intervals take nearly all the time. The first of several errors is reported, whichever was found first.
        let loaded: Vec<Result<Artefact>> = groups.into_par_iter().with_max_len(1).map(load).collect();
        loaded.into_iter().collect()
    }

    /// The README with the stored results and speed. It shows the figure of figure 4 with the most architectures.
    pub fn spliced(&self, artefacts: &[Artefact], file: &Path, out: &Path) -> Result<String> {
        let place = || file.display().to_string();
        let of_name = artefacts.iter().filter(|artefact| artefact.group.manifest().artefact == "fig4");
        let shown = of_name
            .max_by_key(|artefact| artefact.findings.n().map_or(0, |(n, _)| n))
            .with_context(|| self.nothing("`fig4`"))?;
        let folder = file.parent().and_then(|folder| out.strip_prefix(folder).ok());
        let folder =
            folder.with_context(|| format!("{}: expected to be below the folder of {}", out.display(), place()))?;
        let text = std::fs::read_to_string(file).with_context(place)?;
        let block = readme::block(artefacts, shown, &format!("{}/figures", folder.display()));
        let text = readme::splice(&text, "results", &block).with_context(place)?;
        match results::summaries::peer::read(&self.results)? {
            Some(table) => readme::splice(&text, "speed", &readme::speed_block(&table)).with_context(place),
            None => Ok(text),
        }
    }

    /// The newest result of an artefact.
    pub fn newest(&self, artefact: &str) -> Result<Artefact> {
        let group = latest_group(self.runs(Some(artefact))?);
        let group = group.with_context(|| self.nothing(&format!("`{artefact}`")))?;
        Artefact::load(group, &self.results)
    }

    pub fn runs(&self, artefact: Option<&str>) -> Result<Vec<StoredRun>> {
        let mut runs = find_runs(&self.results, artefact)?;
        runs.retain(|run| self.scale.is_empty() || self.scale.contains(&run.manifest.scale));
        Ok(runs)
    }

    fn nothing(&self, what: &str) -> String {
        let scale = match self.scale.is_empty() {
            true => String::new(),
            false => format!(" at scale {}", self.scale.join(" or ")),
        };
        format!("{}: no complete run of {what}{scale}", self.results.display())
    }
}

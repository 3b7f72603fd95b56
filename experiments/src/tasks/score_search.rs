//! The search of the paper's appendix C as units of work.
//!
//! The first unit trains a SMASH network. The second one scores architectures with it and finds the best of them.

use anyhow::{Context, Result};
use burn::tensor::backend::AutodiffBackend;
use results::store::files::remove;
use results::store::identity::StoredFile;
use results::summaries::search::name_of_member;
use results::tables::{read_table, write_table};
use results::{CandidateRow, errln};
use smash::search::{Stage, search};
use smash::{Architecture, Counts, Seed};

use crate::engine::damage::read_if_usable;
use crate::engine::stop;
use crate::engine::unit::{Done, Kind, Unit};
use crate::settings::studies::SmashSearch;
use crate::tasks::scores::{Scorer, mean_error, status_of};
use crate::tasks::setup::Setup;
use crate::tasks::smash_network::SmashRun;

/// Number of scored candidates after which an unfinished search is saved.
const SAVED_EVERY: usize = 20;

/// One search of a run.
pub struct ScoreSearch<'a, B: AutodiffBackend> {
    /// Its settings.
    pub search: &'a SmashSearch,
    /// Its index among the searches of the run, which is part of its file names.
    pub number: usize,
    /// Its index among several searches by these settings, each with a SMASH network of its own. `None` if it is the only one.
    pub member: Option<usize>,
    /// The images that it searches on.
    pub setup: &'a Setup<'a, B>,
}

impl<B: AutodiffBackend> Clone for ScoreSearch<'_, B> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<B: AutodiffBackend> Copy for ScoreSearch<'_, B> {}

impl<'a, B: AutodiffBackend> ScoreSearch<'a, B> {
    /// Its SMASH network.
    pub fn smash(self) -> SmashRun<'a, B> {
        SmashRun {
            setup: self.setup,
            space: &self.search.space,
            hypernet: Some(&self.search.hypernet),
            settings: &self.search.smash,
            seed: self.seed(),
            kept: &[],
            stem: format!("smash-{}", self.number),
        }
    }

    /// Root of its random numbers. Only the split into training and validation images is the same for all members.
    fn seed(self) -> Seed {
        self.setup.seed.of_member(self.member.unwrap_or(0) as u64)
    }

    fn name(self) -> String {
        let name = &self.search.name;
        self.member.map_or_else(|| name.clone(), |member| name_of_member(name, member))
    }

    fn stem(self) -> String {
        format!("candidates-{}", self.number)
    }

    fn output(self) -> StoredFile {
        self.setup.dir.unit::<CandidateRow>(&self.stem())
    }

    /// The unit that searches, once the network is trained.
    pub fn unit(self) -> Unit<'a> {
        let plan = &self.search.plan;
        Unit {
            kind: Kind::Search,
            name: format!("seed {}, search `{}`", self.setup.seed.0, self.name()),
            output: self.output(),
            beside: None,
            supplied: None,
            steps: plan.random + plan.perturbations + plan.chain,
            work: Box::new(move |done| self.run(done)),
        }
    }

    fn run(self, done: Done<'_>) -> Result<()> {
        let Setup { seed, task, .. } = *self.setup;
        let SmashSearch { space, plan, noise_draws, .. } = self.search;
        let (name, own_seed) = (self.name(), self.seed());
        let net = self.smash().network()?;
        let scorer = Scorer::new(self.setup, &net, *noise_draws).with_noise_of(own_seed);
        // Each candidate follows from the scores before it, so a search resumes by replaying its stored scores.
        let unfinished = self.setup.dir.unfinished::<CandidateRow>(&self.stem());
        let known: Vec<CandidateRow> = read_if_usable(&unfinished, read_table)?.unwrap_or_default();
        let mut rows: Vec<CandidateRow> = Vec::new();
        let score = |stage: Stage, architecture: &Architecture| -> Result<f64> {
            let hash = architecture.hash();
            let replayed = known.get(rows.len());
            let error = match replayed.filter(|row| row.hash == hash) {
                Some(row) => row.error,
                None => {
                    if replayed.is_some() {
                        let place = unfinished.path.display();
                        errln!("warning: {place}: row {} is not of {hash}, which is scored again", rows.len());
                    }
                    mean_error(&scorer.scores(architecture))
                }
            };
            rows.push(CandidateRow {
                seed: seed.0,
                search: name.clone(),
                stage: stage.name().into(),
                index: rows.len() as u32,
                hash,
                canonical: Some(architecture.canonical_hash(space)),
                json: architecture.to_json(),
                parameters: Counts::of(space, task, architecture).parameters,
                error,
                status: status_of(error.is_some()),
            });
            if rows.len() > known.len() && rows.len().is_multiple_of(SAVED_EVERY) {
                write_table(&unfinished, &rows)?;
            }
            done(1)?;
            // A failed score counts as worse than any other.
            Ok(error.unwrap_or(f64::INFINITY))
        };
        let searched = search(space, plan, own_seed, score);
        if stop::is_asked() && rows.len() > known.len() {
            write_table(&unfinished, &rows)?;
        }
        searched?;
        write_table(&self.output(), &rows)?;
        Ok(remove(&unfinished.path)?)
    }

    /// The first candidate with the lowest score.
    ///
    /// # Errors
    /// A table that cannot be read, or no candidate with a finite score.
    pub fn best(self) -> Result<Architecture> {
        let summary = results::summaries::search::summary(&read_table(&self.output())?);
        let (_, best) =
            summary.best().with_context(|| format!("search `{}`: no candidate has a finite score", self.name()))?;
        Architecture::from_json(&best.json).with_context(|| self.output().path.display().to_string())
    }
}

//! The correlation of score and true error from commit to commit.
//!
//! A history holds every stored result of an artefact at one scale on one data set, in the order of time.

use std::collections::BTreeMap;

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use results::statistics::bootstrap::Interval;
use results::store::{Group, StoredRun, groups};

use crate::artefact::shown_title;
use crate::findings::ranking::{is_correlation, points};

/// The stored results of one artefact at one scale on one data set; at least two.
#[derive(Clone, Debug)]
pub struct History {
    /// Human-readable title, such as `SMASH score against true error: laptop scale, shapes`.
    pub title: String,
    /// The results, the oldest first.
    pub entries: Vec<Entry>,
}

/// One stored result: a definition at a commit on a class of device, with all its seeds.
#[derive(Clone, Debug)]
pub struct Entry {
    /// When its last run ended.
    pub ended: String,
    /// The abbreviated commit, with a mark if the working tree differed from it.
    pub commit: String,
    /// First digits of the definition's hash. Results of different definitions are not comparable.
    pub definition: String,
    /// Description of the device.
    pub device: String,
    /// Number of root seeds.
    pub seeds: usize,
    /// Its correlation, or the reason why it cannot be read.
    pub outcome: Result<Outcome, String>,
}

/// The correlation of one stored result.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    /// Number of architectures.
    pub n: usize,
    /// Kendall's tau between predictor and true error; `None` if undefined.
    pub tau: Option<Interval>,
}

/// The histories of all artefacts that measure a correlation and have more than one stored result. They are ordered by
/// artefact, scale and data set.
///
/// A result that can no longer be read is also an entry, with the reason: it must not hide the newest one.
pub fn histories(runs: Vec<StoredRun>) -> Vec<History> {
    let mut subjects: BTreeMap<[String; 3], Vec<Group>> = BTreeMap::new();
    for group in groups(runs).into_iter().filter(is_correlation) {
        subjects.entry(group.subject().map(String::from)).or_default().push(group);
    }
    let several = subjects.into_iter().filter(|(_, groups)| groups.len() > 1);
    several
        .map(|([_, scale, dataset], mut groups)| {
            groups.sort_by(|a, b| a.end().cmp(b.end()));
            let newest = groups[groups.len() - 1].manifest();
            History {
                title: format!("{}: {scale} scale, {dataset}", shown_title(newest)),
                entries: groups.par_iter().map(entry).collect(),
            }
        })
        .collect()
}

fn entry(group: &Group) -> Entry {
    let manifest = group.manifest();
    let outcome = points(group).map(|points| Outcome { n: points.n(), tau: points.kendall() });
    Entry {
        ended: group.end().to_owned(),
        commit: manifest.short_commit(),
        definition: manifest.definition_hash.chars().take(8).collect(),
        device: manifest.device.clone(),
        seeds: group.runs.len(),
        outcome: outcome.map_err(|error| format!("{error:#}")),
    }
}

//! Results of a search by SMASH score and of its stages (section 4.3 and appendix E of the paper).

use std::collections::BTreeMap;
use std::fmt;

use crate::statistics::bootstrap::Interval;
use crate::statistics::paired::rounded_difference;
use crate::statistics::student::mean_t_interval;
use crate::summaries::text::{counted, in_order, left_out_text, percent, points_text};
use crate::tables::rows::CandidateRow;

/// Name of the stage that the others are compared with.
pub const RANDOM: &str = "random";

/// Between the name of a search and the number of its repetition.
const REPETITION: &str = ", search ";

/// Name in tables of one of several searches by the same settings. `member` counts from 0, the number in the name from 1.
pub fn name_of_member(search: &str, member: usize) -> String {
    format!("{search}{REPETITION}{}", member + 1)
}

/// The name of a search without the number of its repetition, and that number.
fn without_number(name: &str) -> (&str, Option<u32>) {
    let parts = name.rsplit_once(REPETITION).and_then(|(search, number)| Some((search, number.parse().ok()?)));
    parts.map_or((name, None), |(search, number)| (search, Some(number)))
}

/// Results of the searches.
#[derive(Clone, Debug, PartialEq)]
pub struct SearchSummary {
    /// Every search of every root seed, ordered by name, number and seed.
    pub searches: Vec<SearchRun>,
    /// Lowest score of the random stage minus the lowest of the later stages. It is the mean over searches and root
    /// seeds; each of them has a SMASH network of its own. `None` for fewer than three.
    pub gain: Option<Interval>,
}

/// One search of one root seed.
#[derive(Clone, Debug, PartialEq)]
pub struct SearchRun {
    /// Its name in the table, such as `SMASHv2`.
    pub search: String,
    /// The number of this repetition, from 1, if there are several.
    pub number: Option<u32>,
    /// Its name for readers.
    pub shown: String,
    /// The root seed.
    pub seed: u64,
    /// Its stages, in the order in which they began.
    pub stages: Vec<Stage>,
    /// The candidate with the lowest score; ties go to the first. `None` if none has a score.
    pub best: Option<Best>,
    /// The lowest score so far after each candidate, in the order of scoring; `None` before the first score.
    pub lowest: Vec<Option<f64>>,
    /// Number of candidates without a score.
    pub failed: usize,
}

/// A stage of a search.
#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    /// `random`, `perturbation` or `chain`.
    pub name: String,
    /// Position of its first candidate in the order of scoring.
    pub begin: usize,
    /// Number of candidates with a score.
    pub scored: usize,
    /// Its lowest score, in [0, 1].
    pub best: Option<f64>,
    /// Lowest score of the random stage minus that of this stage.
    pub improvement: Option<f64>,
}

/// The architecture that a search returns.
#[derive(Clone, Debug, PartialEq)]
pub struct Best {
    /// Its SMASH score, in [0, 1].
    pub error: f64,
    /// Its hash.
    pub hash: String,
    /// The architecture itself, in its stored form.
    pub json: String,
    /// Position in the order of scoring.
    pub index: u32,
    /// Free parameters of its resulting network.
    pub parameters: u64,
    /// The stage that found it.
    pub stage: String,
}

/// Summarises every search of every root seed.
pub fn summary(rows: &[CandidateRow]) -> SearchSummary {
    /// Name, number and root seed of a search.
    type Key<'a> = (&'a str, Option<u32>, u64);
    let mut of_searches: BTreeMap<Key<'_>, Vec<&CandidateRow>> = BTreeMap::new();
    for row in rows {
        let (search, number) = without_number(&row.search);
        of_searches.entry((search, number, row.seed)).or_default().push(row);
    }
    let searches: Vec<SearchRun> = of_searches.into_values().map(search_run).collect();
    let gains: Vec<f64> = searches.iter().filter_map(SearchRun::gain).collect();
    SearchSummary { searches, gain: mean_t_interval(&[gains]) }
}

fn search_run(mut rows: Vec<&CandidateRow>) -> SearchRun {
    rows.sort_by_key(|row| row.index);
    let mut stages: Vec<Stage> = Vec::new();
    let mut best: Option<&CandidateRow> = None;
    let mut lowest = Vec::new();
    for (position, &row) in rows.iter().enumerate() {
        let known = stages.iter().position(|stage| stage.name == row.stage);
        let index = known.unwrap_or(stages.len());
        if known.is_none() {
            stages.push(Stage { name: row.stage.clone(), begin: position, scored: 0, best: None, improvement: None });
        }
        if let Some(error) = row.error {
            let stage = &mut stages[index];
            stage.scored += 1;
            stage.best = Some(stage.best.map_or(error, |best| best.min(error)));
            if best.and_then(|best| best.error).is_none_or(|best| error < best) {
                best = Some(row);
            }
        }
        lowest.push(best.and_then(|best| best.error));
    }
    let random = stages.iter().find(|stage| stage.name == RANDOM).and_then(|stage| stage.best);
    for stage in stages.iter_mut().filter(|stage| stage.name != RANDOM) {
        stage.improvement = random.zip(stage.best).map(|(random, best)| rounded_difference(random, best));
    }
    let (search, number) = without_number(&rows[0].search);
    SearchRun {
        search: search.to_owned(),
        shown: search.to_owned(),
        number,
        seed: rows[0].seed,
        best: best.map(|row| Best {
            error: row.error.expect("the best has a score"),
            hash: row.hash.clone(),
            json: row.json.clone(),
            index: row.index,
            parameters: row.parameters,
            stage: row.stage.clone(),
        }),
        failed: rows.iter().filter(|row| row.error.is_none()).count(),
        stages,
        lowest,
    }
}

impl SearchRun {
    /// Its name in tables with its number, if there are several: different for each search of a root seed.
    pub fn name(&self) -> String {
        let number = self.number.map_or_else(String::new, |number| format!("{REPETITION}{number}"));
        format!("{}{number}", self.search)
    }

    /// Name of the search, with its number and the seed if there are several.
    pub fn label(&self, seeds: usize) -> String {
        let number = self.number.map_or_else(String::new, |number| format!("{REPETITION}{number}"));
        match seeds {
            1 => format!("{}{number}", self.shown),
            _ => format!("{}{number}, seed {}", self.shown, self.seed),
        }
    }

    /// Number of candidates with a score.
    pub fn scored(&self) -> usize {
        self.stages.iter().map(|stage| stage.scored).sum()
    }

    /// The largest improvement of a later stage; `None` if no stage can be compared.
    fn gain(&self) -> Option<f64> {
        self.stages.iter().filter_map(|stage| stage.improvement).reduce(f64::max)
    }
}

impl SearchSummary {
    /// The search that found the lowest score of all, with that architecture.
    pub fn best(&self) -> Option<(&SearchRun, &Best)> {
        let searches = self.searches.iter();
        let scored = searches.filter_map(|search| Some((search, search.best.as_ref()?)));
        scored.min_by(|(_, a), (_, b)| a.error.total_cmp(&b.error))
    }

    /// Number of candidates with a score, over all searches.
    pub fn scored(&self) -> usize {
        self.searches.iter().map(SearchRun::scored).sum()
    }

    /// Names of the stages of all searches, in the order in which they first appear.
    pub fn stages(&self) -> Vec<&str> {
        in_order(self.searches.iter().flat_map(|search| &search.stages).map(|stage| &stage.name))
    }

    /// Number of root seeds.
    pub fn seeds(&self) -> usize {
        let mut seeds: Vec<u64> = self.searches.iter().map(|search| search.seed).collect();
        seeds.sort_unstable();
        seeds.dedup();
        seeds.len()
    }

    /// Describes what was left out; empty if nothing was.
    pub fn left_out(&self) -> String {
        let failed = self.searches.iter().map(|search| search.failed).sum();
        left_out_text(&[counted(failed, ["candidate without a score", "candidates without a score"])])
    }
}

/// Writes the result of the stage: `21.50 % of 50 (+1.20 points)`.
impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let best = self.best.map_or_else(|| "no score".to_owned(), percent);
        write!(f, "{best} of {}", self.scored)?;
        match self.improvement {
            Some(improvement) => write!(f, " ({:+.2} points)", 100.0 * improvement),
            None => Ok(()),
        }
    }
}

/// A few lines for a terminal.
impl fmt::Display for SearchSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for search in &self.searches {
            write!(f, "{}: {} scored", search.label(self.seeds()), search.scored())?;
            for stage in &search.stages {
                write!(f, ", {} {stage}", stage.name)?;
            }
            match &search.best {
                Some(best) => {
                    writeln!(f, "\n  best: {} with {} parameters, {}", best.hash, best.parameters, percent(best.error))?
                }
                None => writeln!(f, "\n  best: none")?,
            }
        }
        if !self.left_out().is_empty() {
            writeln!(f, "left out: {}", self.left_out())?;
        }
        write!(f, "gain over random sampling {}", points_text(self.gain))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tables::Status;

    fn row(search: &str, index: u32, stage: &str, error: Option<f64>) -> CandidateRow {
        CandidateRow {
            seed: 0,
            search: search.to_owned(),
            stage: stage.to_owned(),
            index,
            hash: format!("{index:08x}"),
            canonical: None,
            json: "{}".to_owned(),
            parameters: 1000 + u64::from(index),
            error,
            status: if error.is_some() { Status::Ok } else { Status::Failed },
        }
    }

    fn three_searches() -> Vec<CandidateRow> {
        let errors = [
            ("random", Some(0.5)),
            ("random", Some(0.4)),
            ("random", None),
            ("perturbation", Some(0.45)),
            ("perturbation", Some(0.38)),
            ("chain", Some(0.38)),
        ];
        let search = |name| (0..).zip(errors).map(move |(index, (stage, error))| row(name, index, stage, error));
        ["a", "b", "c"].into_iter().flat_map(search).collect()
    }

    #[test]
    fn every_stage_is_compared_with_the_random_one() {
        let summary = summary(&three_searches());
        assert_eq!((summary.searches.len(), summary.scored(), summary.seeds()), (3, 15, 1));
        let search = &summary.searches[1];
        assert_eq!(search.label(1), "b");
        let stages: Vec<String> = search.stages.iter().map(Stage::to_string).collect();
        assert_eq!(stages, ["40.00 % of 2", "38.00 % of 2 (+2.00 points)", "38.00 % of 1 (+2.00 points)"]);
        let best = search.best.as_ref().unwrap();
        assert_eq!((best.hash.as_str(), best.parameters, best.stage.as_str()), ("00000004", 1004, "perturbation"));
        let lowest = [0.5, 0.4, 0.4, 0.4, 0.38, 0.38].map(Some);
        assert_eq!(search.lowest, lowest);
        assert!((summary.gain.unwrap().estimate - 0.02).abs() < 1e-12);
        assert_eq!(summary.left_out(), "3 candidates without a score");
        assert_eq!(summary.best().unwrap().0.search, "a");
    }

    #[test]
    fn repeated_searches_are_told_apart_by_their_number() {
        let names = ["a", "b, search x", &name_of_member("a", 9), &name_of_member("a", 1)];
        let rows: Vec<_> = names.iter().map(|name| row(name, 0, "random", Some(0.5))).collect();
        let labels: Vec<String> = summary(&rows).searches.iter().map(|search| search.label(1)).collect();
        assert_eq!(labels, ["a", "a, search 2", "a, search 10", "b, search x"]);
        let searches: Vec<String> = summary(&rows).searches.into_iter().map(|search| search.search).collect();
        assert_eq!(searches, ["a", "a", "a", "b, search x"]);
    }

    #[test]
    fn two_searches_have_no_interval_and_one_without_scores_has_no_best() {
        let rows: Vec<_> = three_searches().into_iter().filter(|row| row.search != "c").collect();
        assert_eq!(summary(&rows).gain, None);
        let nothing = summary(&[row("a", 0, "random", None)]);
        assert_eq!((&nothing.searches[0].best, &nothing.searches[0].lowest[..]), (&None, &[None][..]));
        assert!(nothing.to_string().contains("best: none"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(8))]

        #[test]
        fn the_order_of_rows_changes_nothing(shuffled in Just(three_searches()).prop_shuffle()) {
            prop_assert_eq!(summary(&shuffled), summary(&three_searches()));
        }
    }
}

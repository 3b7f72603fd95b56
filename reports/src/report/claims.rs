//! The ledger of the paper's claims with the verdicts of stored results: text, Markdown and JSON.

use std::fmt;

use results::Verdict;
use results::summaries::regime::Regimes;
use serde_json::{Value, json};

use crate::artefact::{Artefact, Judged};
use crate::findings::markdown::table;
use crate::ledger::{Check, Statement};
use crate::report::json::judged_claim;

/// Title of the section in reports.
pub const TITLE: &str = "Claims of the paper";

/// Names of the columns of the table.
pub const COLUMNS: [&str; 9] =
    ["section", "the paper says", "artefact", "claim", "result", "verdict", "estimate", "departs in", "remark"];

/// Column of the verdict.
pub const VERDICT: usize = 5;

/// Explains the table.
pub const EXPLANATION: &str = "Each line is one statement of the paper, in our words or quoted, with one stored result. Verdicts \
    follow from 95 % intervals, given in brackets. *Departs in* counts the conditions that differ from the paper's, for correlation \
    studies that recorded them. *Not run* means that no stored result of the artefact is reported. *No statistic* means that the result \
    lacks the statistic, for the reason in the remark.";

/// The statements with their stored results.
pub struct Ledger<'a> {
    lines: Vec<Line<'a>>,
}

/// A statement with its stored results.
struct Line<'a> {
    statement: &'a Statement,
    results: Vec<Tested<'a>>,
}

/// A stored result that tests a statement.
struct Tested<'a> {
    artefact: &'a Artefact,
    /// The claim with the verdict of the data, or why the result does not have the statistic.
    judged: Result<Judged<'a>, String>,
}

/// A line of the table: a statement with one of its results, if it has any.
pub struct Row<'a> {
    /// The result.
    pub artefact: Option<&'a Artefact>,
    /// The verdict on the claim.
    pub verdict: Option<Verdict>,
    /// The cells of the table.
    pub cells: [String; COLUMNS.len()],
}

impl<'a> Ledger<'a> {
    /// Judges the claims of the statements by these results. An artefact that is not built in belongs to no statement.
    pub fn new(statements: &'a [Statement], artefacts: &'a [Artefact]) -> Self {
        let line = |statement: &'a Statement| {
            let results = match &statement.check {
                Check::Claim { artefact, claim } => {
                    let of_name = artefacts.iter().filter(|one| one.group.manifest().artefact == *artefact);
                    let tested = |artefact: &'a Artefact| Tested {
                        artefact,
                        judged: artefact.judge(claim).map_err(|error| format!("{error:#}")),
                    };
                    of_name.map(tested).collect()
                }
                _ => Vec::new(),
            };
            Line { statement, results }
        };
        Self { lines: statements.iter().map(line).collect() }
    }

    /// The number of statements, verdicts, and statements without a verdict, in words.
    pub fn summary(&self) -> String {
        let judged = self.lines.iter().flat_map(|line| &line.results).filter_map(|result| result.judged.as_ref().ok());
        let verdicts: Vec<Verdict> = judged.map(|judged| judged.verdict).collect();
        let of_verdict = |verdict| verdicts.iter().filter(|one| **one == verdict).count();
        let without = |is_it: fn(&Check) -> bool| {
            self.lines.iter().filter(|line| line.results.is_empty() && is_it(&line.statement.check)).count()
        };
        let lacks_statistic =
            |line: &&Line| !line.results.is_empty() && line.results.iter().all(|result| result.judged.is_err());
        format!(
            "The ledger has {} statements. Stored results give {} verdicts: {} held, {} not held, {} undecided. Statements without a \
             verdict: {} not run, {} whose results lack the statistic, {} shown and {} refuted by tests of the code, {} that cannot be \
             tested.",
            self.lines.len(),
            verdicts.len(),
            of_verdict(Verdict::Held),
            of_verdict(Verdict::NotHeld),
            of_verdict(Verdict::Undecided),
            without(|check| matches!(check, Check::Claim { .. })),
            self.lines.iter().filter(lacks_statistic).count(),
            without(|check| matches!(check, Check::Tests(_))),
            without(|check| matches!(check, Check::Refuted(_))),
            without(|check| matches!(check, Check::Untestable(_))),
        )
    }

    /// The lines of the table.
    pub fn rows(&self) -> Vec<Row<'a>> {
        self.lines.iter().flat_map(Line::rows).collect()
    }

    /// The section of the report in Markdown, with the conditions in their long form.
    pub fn markdown(&self) -> String {
        let rows = self.rows().into_iter().map(|row| row.cells.to_vec());
        let mut paragraphs = vec![format!("## {TITLE}"), self.summary(), EXPLANATION.to_owned(), table(&COLUMNS, rows)];
        paragraphs.extend(self.departures());
        paragraphs.join("\n\n") + "\n"
    }

    /// The conditions in which each result departs from the paper, by name; `None` if no result recorded its conditions.
    pub fn departures(&self) -> Option<String> {
        let mut rows: Vec<Vec<String>> = Vec::new();
        for artefact in self.lines.iter().flat_map(|line| &line.results).map(|result| result.artefact) {
            if let Some(departures) = regimes(artefact).map(Regimes::departures) {
                let row = vec![artefact.group.manifest().artefact.clone(), place(artefact), departures.join("; ")];
                if !rows.contains(&row) {
                    rows.push(row);
                }
            }
        }
        (!rows.is_empty()).then(|| table(&["artefact", "result", "conditions that depart from the paper's"], rows))
    }

    /// A list with one object for each statement.
    pub fn json(&self) -> Value {
        self.lines.iter().map(Line::json).collect()
    }
}

impl<'a> Line<'a> {
    fn rows(&self) -> Vec<Row<'a>> {
        let Statement { section, says, check, note } = self.statement;
        let with_note = |tests: &[String]| [&[tests.join(", ")], note.as_slice()].concat().join("; ");
        let note = || note.clone().unwrap_or_default();
        let row = |artefact: Option<&'a Artefact>, verdict, [name, claim, word, estimate, remark]: [String; 5]| Row {
            artefact,
            verdict,
            cells: [
                section.clone(),
                says.clone(),
                name,
                claim,
                artefact.map_or_else(String::new, place),
                word,
                estimate,
                artefact.map_or_else(String::new, departs),
                remark,
            ],
        };
        let untested = |word: &str, remark: String| {
            vec![row(None, None, [String::new(), String::new(), word.to_owned(), String::new(), remark])]
        };
        let (name, claim) = match check {
            Check::Claim { artefact, claim } => (artefact, claim),
            Check::Tests(tests) => return untested("shown by tests", with_note(tests)),
            Check::Refuted(tests) => return untested("refuted by tests", with_note(tests)),
            Check::Untestable(why) => return untested("cannot be tested", why.clone()),
        };
        if self.results.is_empty() {
            return vec![row(None, None, [name.clone(), claim.to_string(), "not run".into(), String::new(), note()])];
        }
        let of_result = |result: &Tested<'a>| {
            let (words, verdict, word, estimate, remark) = match &result.judged {
                Ok(Judged { words, verdict, interval, .. }) => {
                    let estimate = claim.statistic.value_text(*interval);
                    (words.clone(), Some(*verdict), verdict.to_string(), estimate, note())
                }
                Err(problem) => {
                    let remark = [note(), problem.replace('\n', " ")].into_iter().filter(|part| !part.is_empty());
                    let remark = remark.collect::<Vec<_>>().join("; ");
                    (claim.to_string(), None, "no statistic".to_owned(), String::new(), remark)
                }
            };
            row(Some(result.artefact), verdict, [name.clone(), words, word, estimate, remark])
        };
        self.results.iter().map(of_result).collect()
    }

    fn json(&self) -> Value {
        let Statement { section, says, check, note } = self.statement;
        let mut object = json!({
            "section": section, "says": says, "note": note,
            "artefact": null, "claim": null, "tests": null, "refuted": null, "untestable": null,
            "results": self.results.iter().map(Tested::json).collect::<Vec<_>>(),
        });
        match check {
            Check::Claim { artefact, claim } => {
                object["artefact"] = json!(artefact);
                object["claim"] = json!(claim);
            }
            Check::Tests(tests) => object["tests"] = json!(tests),
            Check::Refuted(tests) => object["refuted"] = json!(tests),
            Check::Untestable(why) => object["untestable"] = json!(why),
        }
        object
    }
}

impl Tested<'_> {
    fn json(&self) -> Value {
        let manifest = self.artefact.group.manifest();
        json!({
            "scale": manifest.scale,
            "dataset": manifest.dataset.name,
            "folder": self.artefact.group.folder().display().to_string(),
            "commit": manifest.commit,
            "definition": manifest.definition_hash,
            "judged": self.judged.as_ref().ok().map(judged_claim),
            "problem": self.judged.as_ref().err(),
            "departures": regimes(self.artefact).map(Regimes::departures),
        })
    }
}

/// The conditions of a result beside the paper's; `None` if it did not record them.
fn regimes(artefact: &Artefact) -> Option<&Regimes> {
    artefact.group.manifest().regime.as_ref()
}

/// The number of conditions in which a result departs from the paper, in words.
fn departs(artefact: &Artefact) -> String {
    match regimes(artefact) {
        Some(regimes) => format!("{} of {}", regimes.departures().len(), regimes.count()),
        None => "not counted".to_owned(),
    }
}

/// Scale and data set of a result.
fn place(artefact: &Artefact) -> String {
    let manifest = artefact.group.manifest();
    format!("{}, {}", manifest.scale, manifest.dataset.name)
}

/// A few lines for each statement, for a terminal. Conditions have their long form.
impl fmt::Display for Ledger<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.lines {
            writeln!(f, "{}: {}", line.statement.section, line.statement.says)?;
            for Row { artefact, cells: [_, _, name, claim, result, verdict, estimate, _, remark], .. } in line.rows() {
                let departures = artefact.and_then(regimes).map(|regimes| match regimes.departures() {
                    none if none.is_empty() => "departs in no condition".to_owned(),
                    some => format!("departs in {} of {}: {}", some.len(), regimes.count(), some.join(", ")),
                });
                let parts = [name, claim, result, estimate, departures.unwrap_or_default(), remark];
                let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
                writeln!(f, "    {verdict:<18}{}", parts.join("; "))?;
            }
        }
        write!(f, "\n{}", self.summary())
    }
}

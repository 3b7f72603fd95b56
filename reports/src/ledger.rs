//! The ledger of the paper's claims: each statement that a number could contradict, and how it is tested here.

use anyhow::{Context, Result, anyhow};
use results::Claim;
use serde::Deserialize;

/// The file of the statements, and its content.
const PLACE: &str = "reports/claims.toml";
const TEXT: &str = include_str!("../claims.toml");

/// The keys of which a statement has one.
const WAYS: &str = "`artefact` with `claim`, `tests`, `refuted` or `untestable`, and no two of these";

/// A statement of the paper.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    /// Where it stands in the paper, such as `4.1`.
    pub section: String,
    /// The statement in one line.
    pub says: String,
    /// How it is tested.
    pub check: Check,
    /// How the test differs from the statement, if it does.
    pub note: Option<String>,
}

/// How a statement is tested.
#[derive(Clone, Debug, PartialEq)]
pub enum Check {
    /// A claim of an artefact; stored results judge it.
    Claim {
        /// Name of the artefact.
        artefact: String,
        /// One of the claims of its definition.
        claim: Claim,
    },
    /// Tests of the code show it; each is `FILE::NAME`.
    Tests(Vec<String>),
    /// Tests of the code contradict it.
    Refuted(Vec<String>),
    /// It cannot be tested here, for this reason.
    Untestable(String),
}

/// A statement as the file has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    section: String,
    says: String,
    artefact: Option<String>,
    claim: Option<Claim>,
    tests: Option<Vec<String>>,
    refuted: Option<Vec<String>>,
    untestable: Option<String>,
    note: Option<String>,
}

/// The statements in the order of the paper.
///
/// # Errors
/// If the built-in file is faulty.
pub fn statements() -> Result<Vec<Statement>> {
    parse(TEXT)
}

/// Reads statements from the text of the file.
///
/// # Errors
/// If an entry is faulty. The error names the file and the entry.
pub fn parse(text: &str) -> Result<Vec<Statement>> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct File {
        statement: Vec<toml::Table>,
    }
    let file: File = toml::from_str(text).context(PLACE)?;
    let statement = |(number, table): (usize, toml::Table)| {
        let says = table.get("says").and_then(toml::Value::as_str).unwrap_or("without `says`").to_owned();
        let place = || format!("{PLACE}: statement {number} ({says})");
        let entry: Entry = table.try_into().with_context(place)?;
        entry.check().map_err(|problem| anyhow!("{}: {problem}", place()))
    };
    (1..).zip(file.statement).map(statement).collect()
}

impl Entry {
    /// The statement, or the fault of the entry in words.
    fn check(self) -> Result<Statement, String> {
        let Self { section, says, artefact, claim, tests, refuted, untestable, note } = self;
        let texts = [&section, &says].into_iter().chain(tests.iter().flatten()).chain(refuted.iter().flatten());
        for text in texts.chain(&artefact).chain(&untestable).chain(&note) {
            if text.trim().is_empty() || text.contains(['\n', '|']) {
                return Err(format!("expected one line without `|`, found {text:?}"));
            }
        }
        let check = match (artefact, claim, tests, refuted, untestable) {
            (Some(artefact), Some(claim), None, None, None) => Check::Claim { artefact, claim },
            (None, None, Some(tests), None, None) if !tests.is_empty() => Check::Tests(tests),
            (None, None, None, Some(tests), None) if !tests.is_empty() => Check::Refuted(tests),
            (None, None, None, None, Some(why)) => Check::Untestable(why),
            _ => return Err(format!("expected {WAYS}")),
        };
        Ok(Statement { section, says, check, note })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: &str =
        "[[statement]]\nsection = '1'\nsays = 'First.'\nuntestable = 'No number.'\n[[statement]]\nsection = '2'\n";

    #[test]
    fn each_statement_has_one_way_to_test_it() {
        let check = |keys: &str| parse(&format!("{START}says = 'Second.'\n{keys}")).unwrap().swap_remove(1).check;
        assert_eq!(check("tests = ['a.rs::b']"), Check::Tests(vec!["a.rs::b".into()]));
        assert_eq!(check("refuted = ['a.rs::b']"), Check::Refuted(vec!["a.rs::b".into()]));
        assert_eq!(check("untestable = 'Why.'"), Check::Untestable("Why.".into()));
        let claim = check("artefact = 'fig4'\nclaim = { statistic = 'kendall', greater_than = 0.5 }");
        let Check::Claim { artefact, claim } = claim else { panic!("{claim:?}") };
        assert_eq!((artefact.as_str(), claim.to_string().as_str()), ("fig4", "Kendall τ > 0.5"));
    }

    #[test]
    fn a_faulty_statement_is_named_with_its_file() {
        for (keys, expected) in [
            ("", WAYS),
            ("artefact = 'fig4'", WAYS),
            ("tests = ['a.rs::b']\nuntestable = 'Why.'", WAYS),
            ("tests = []", WAYS),
            ("artefact = 'fig4'\nclaim = { statistic = 'tau', greater_than = 0.0 }", "`tau`"),
            ("artefact = 'fig4'\nclaim = { statistic = 'kendall' }", "greater_than"),
            ("untestable = 'Why.'\nnotes = 'x'", "unknown field `notes`"),
            ("untestable = 'Why.'\nnote = \"a\\nb\"", "expected one line without `|`"),
        ] {
            let error = format!("{:#}", parse(&format!("{START}says = 'Second.'\n{keys}")).unwrap_err());
            assert!(error.starts_with("reports/claims.toml: statement 2 (Second.): "), "{keys}: {error}");
            assert!(error.contains(expected), "{keys}: {error}");
        }
        let error = format!("{:#}", parse("[[claim]]\n").unwrap_err());
        assert!(error.starts_with("reports/claims.toml: "), "{error}");
    }
}

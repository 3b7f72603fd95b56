//! Hand-designed networks at the size of a found architecture, in one table for each count.

use results::ComparisonSummary;
use results::summaries::comparison::{SystemSummary, TOLERANCE};

use super::markdown::table;

/// A table for each count that networks were scaled by; none if nothing was scaled. `to` is the found system. `names` and `line` are
/// the columns and cells that all tables of systems have.
pub(super) fn paragraphs(
    summary: &ComparisonSummary,
    to: &str,
    names: &[&str],
    line: impl Fn(&SystemSummary) -> Vec<String>,
) -> Vec<String> {
    let mut counts: Vec<&str> = Vec::new();
    for equal in summary.systems.iter().filter_map(|system| system.equal.as_ref()) {
        if !counts.contains(&equal.count.as_str()) {
            counts.push(&equal.count);
        }
    }
    let shown = summary.system(to).map_or(to, |system| system.shown.as_str());
    let of_count = |count: &str| {
        let is_shown = |system: &&SystemSummary| match &system.equal {
            Some(equal) => equal.count == count,
            None => system.name == to,
        };
        let mut heads = names.to_vec();
        let difference = format!("difference of {count}");
        heads.insert(1, &difference);
        let lines = summary.systems.iter().filter(is_shown).map(|system| {
            let mut line = line(system);
            line.insert(1, system.equal.as_ref().map_or_else(String::new, |equal| equal.difference_text()));
            line
        });
        [
            format!(
                "Equal {count}: each hand-designed network has the width that brings its {count} nearest to those of {shown}. \
                 Depth and recipe stay. Counts within {:.0} % are called equal.",
                100.0 * TOLERANCE
            ),
            table(&heads, lines),
        ]
    };
    counts.into_iter().flat_map(of_count).collect()
}

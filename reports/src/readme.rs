//! The part of README.md that is spliced in from stored results.

use anyhow::{Result, ensure};
use results::correlation::interval_text;

use crate::artefact::Artefact;

/// Mark before the spliced part.
pub const BEGIN: &str = "<!-- BEGIN: results -->";
/// Mark after it.
pub const END: &str = "<!-- END: results -->";

/// The text with everything between the marks replaced.
///
/// # Errors
/// If the marks are not there once each, in order.
pub fn splice(text: &str, block: &str) -> Result<String> {
    let once = |mark: &str| text.matches(mark).count() == 1;
    let parts = text.split_once(BEGIN).and_then(|(before, rest)| {
        let (_, after) = rest.split_once(END)?;
        Some((before, after))
    });
    ensure!(
        parts.is_some() && once(BEGIN) && once(END),
        "expected the marks `{BEGIN}` and `{END}`, once each and in this order",
    );
    let (before, after) = parts.unwrap_or_default();
    Ok(format!("{before}{BEGIN}\n{block}\n{END}{after}"))
}

/// The spliced part: the figure of `shown`, and a table of all artefacts with links to their
/// figures in the folder `figures`.
pub fn block(artefacts: &[Artefact], shown: &Artefact, figures: &str) -> String {
    let mut lines = vec!["<!-- Written by `reports readme`; do not edit. -->".to_owned()];
    let title = &shown.group.manifest().title;
    lines.push(format!("![{title}]({figures}/{}.svg)\n", shown.name()));
    lines.push("| result | scale | data set | n | seeds | Kendall τ | claim | verdict |".to_owned());
    lines.push("| --- | --- | --- | --- | --- | --- | --- | --- |".to_owned());
    lines.extend(artefacts.iter().map(|artefact| row(artefact, figures)));
    lines.join("\n")
}

fn row(artefact: &Artefact, figures: &str) -> String {
    let manifest = artefact.group.manifest();
    let title = match artefact.figure {
        Some(_) => format!("[{}]({figures}/{}.svg)", manifest.title, artefact.name()),
        None => manifest.title.clone(),
    };
    let (n, kendall) = match &artefact.summary {
        Some(summary) => (summary.n().to_string(), interval_text(summary.score.kendall)),
        None => Default::default(),
    };
    let (claim, verdict) = match artefact.verdict() {
        Some((claim, verdict)) => (claim.to_string(), verdict.to_string()),
        None => Default::default(),
    };
    let seeds = artefact.group.runs.len().to_string();
    let (scale, dataset) = (manifest.scale.clone(), manifest.dataset.name.clone());
    let cells = [title, scale, dataset, n, seeds, kendall, claim, verdict];
    format!("| {} |", cells.join(" | "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_the_marks_is_replaced() {
        let text = format!("before\n{BEGIN}\nold\n{END}\nafter\n");
        let once = splice(&text, "new").unwrap();
        assert_eq!(once, format!("before\n{BEGIN}\nnew\n{END}\nafter\n"));
        assert_eq!(splice(&once, "new").unwrap(), once);
    }

    #[test]
    fn marks_that_are_missing_doubled_or_swapped_are_an_error() {
        let check = |text: String| {
            let message = splice(&text, "new").unwrap_err().to_string();
            assert!(message.contains(BEGIN) && message.contains(END), "{message}");
        };
        check("no marks".to_owned());
        check(BEGIN.to_owned());
        check(format!("{END}{BEGIN}"));
        check(format!("{BEGIN}{BEGIN}{END}"));
    }
}

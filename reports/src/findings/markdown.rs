//! Pieces of the report in Markdown that several kinds of study share.

use results::statistics::bootstrap::RESAMPLES;

/// A table, by the names of its columns and its lines of cells.
pub(crate) fn table(names: &[impl ToString], lines: impl IntoIterator<Item = Vec<String>>) -> String {
    let header: Vec<String> = names.iter().map(ToString::to_string).collect();
    let mut text = format!("| {} |\n|{}", header.join(" | "), " --- |".repeat(header.len()));
    for cells in lines {
        text += &format!("\n| {} |", cells.join(" | "));
    }
    text
}

/// A sentence about omissions, with a space behind it; empty if nothing was left out.
pub(super) fn left_out_sentence(left_out: &str) -> String {
    match left_out.is_empty() {
        true => String::new(),
        false => format!("Left out: {left_out}. "),
    }
}

/// A paragraph about the results that cannot be read, if there are any.
pub(crate) fn not_read(faulty: &[String]) -> Option<String> {
    let faulty: Vec<String> = faulty.iter().map(|fault| fault.replace('\n', " ")).collect();
    (!faulty.is_empty()).then(|| format!("**Left out, because it cannot be read:** {}", faulty.join("; ")))
}

/// Names the omissions, and explains the brackets of bootstrap intervals over root seeds and their units.
pub(super) fn bootstrap_note(left_out: &str, units: &str) -> String {
    format!(
        "{}Brackets hold 95 % intervals of the percentile bootstrap over root seeds and their {units}, {RESAMPLES} resamples.",
        left_out_sentence(left_out)
    )
}

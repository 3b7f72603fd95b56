//! Verdicts in coloured boxes, and the ids of sections.

use results::Verdict;

use crate::artefact::Artefact;

/// In place of a verdict.
pub(super) const NO_CLAIM: &str = "<span class=\"badge none\">no claim</span>";

/// A verdict as a word in a coloured box.
pub(super) fn badge(verdict: Verdict) -> String {
    let class = match verdict {
        Verdict::Held => "held",
        Verdict::NotHeld => "not-held",
        Verdict::Undecided => "undecided",
    };
    format!("<span class=\"badge {class}\">{verdict}</span>")
}

/// The id of the section of an artefact.
pub(super) fn anchor(artefact: &Artefact) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    artefact.name().chars().map(plain).collect()
}

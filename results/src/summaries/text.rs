//! Text of statistics, the same for terminals, figures and reports, and quoted words for a shell.

use std::collections::BTreeSet;

use crate::statistics::bootstrap::{Interval, LEVEL};

/// The sign of every τ, and of the other coefficients of a predictor. METHODOLOGY.md names the same convention.
pub const SIGN: &str =
    "positive τ: low values go with low errors; predictors where more is better have their sign changed";

/// A sentence about an interval and a p-value of which only one excludes 0; `reason` says how they differ. `None` if they agree.
pub fn disagreement(interval: Option<Interval>, p: Option<f64>, reason: &str) -> Option<String> {
    let (interval, p) = (interval?, p?);
    match (interval.excludes(0.0), p < LEVEL) {
        (true, false) => Some(format!("The interval excludes 0, but p is not below {LEVEL}: {reason}.")),
        (false, true) => Some(format!("p is below {LEVEL}, but the interval contains 0: {reason}.")),
        _ => None,
    }
}

/// A coefficient and its interval: `+0.45 [+0.28, +0.60]`.
pub fn interval_text(interval: Option<Interval>) -> String {
    match interval {
        Some(Interval { estimate, low, high, .. }) => format!("{estimate:+.2} [{low:+.2}, {high:+.2}]"),
        None => "undefined".to_owned(),
    }
}

/// A difference of two fractions in percentage points: `+1.25 [+0.50, +2.00] points`.
pub fn points_text(interval: Option<Interval>) -> String {
    match interval.map(in_percent) {
        Some([estimate, low, high]) => format!("{estimate:+.2} [{low:+.2}, {high:+.2}] points"),
        None => "undefined".to_owned(),
    }
}

/// A fraction in percent: `85 % [70, 93]`.
pub fn share_text(interval: Option<Interval>) -> String {
    match interval.map(in_percent) {
        Some([estimate, low, high]) => format!("{estimate:.0} % [{low:.0}, {high:.0}]"),
        None => "undefined".to_owned(),
    }
}

/// A ratio with its interval: `0.71 [0.40, 2.65]`.
pub fn ratio_text(interval: Option<Interval>) -> String {
    match interval {
        Some(Interval { estimate, low, high, .. }) => format!("{estimate:.2} [{low:.2}, {high:.2}]"),
        None => "undefined".to_owned(),
    }
}

/// An error in percent with its interval: `21.50 % [20.10, 22.90]`.
pub fn error_text(interval: Option<Interval>) -> String {
    match interval.map(in_percent) {
        Some([estimate, low, high]) => format!("{estimate:.2} % [{low:.2}, {high:.2}]"),
        None => "undefined".to_owned(),
    }
}

/// The estimate and the ends of its interval, in percent.
fn in_percent(interval: Interval) -> [f64; 3] {
    [interval.estimate, interval.low, interval.high].map(|part| 100.0 * part)
}

/// A fraction in percent without an interval: `21.50 %`.
pub fn percent(fraction: f64) -> String {
    format!("{:.2} %", 100.0 * fraction)
}

/// Noise draws in words: `1 noise draw`, `2 noise draws`.
pub fn draws_text(draws: usize) -> String {
    match draws {
        1 => "1 noise draw".to_owned(),
        _ => format!("{draws} noise draws"),
    }
}

/// A number of multiply-adds: `none`, `320`, `1.2e9`.
pub fn cost_text(multiply_adds: f64) -> String {
    match multiply_adds {
        0.0 => "none".to_owned(),
        few if few < 1000.0 => format!("{few:.0}"),
        many => format!("{many:.1e}"),
    }
}

/// The first names of a list, and the number of the others: `a, b and 3 more`.
pub fn first_of(names: &[String], most: usize) -> String {
    let first = names[..names.len().min(most)].join(", ");
    match names.len().saturating_sub(most) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

/// A p-value: `p = 0.0123`, or `p < 0.0001`.
pub fn p_text(p: Option<f64>) -> String {
    match p {
        Some(p) if p < 1e-4 => "p < 0.0001".to_owned(),
        Some(p) => format!("p = {p:.4}"),
        None => "p undefined".to_owned(),
    }
}

/// Lists omissions and their reasons, without empty ones: `2 without a score, 1 failed`. Empty if nothing was left out.
pub fn left_out_text(reasons: &[(usize, &str)]) -> String {
    let some = reasons.iter().filter(|(count, _)| *count > 0);
    let words: Vec<String> = some.map(|(count, why)| format!("{count} {why}")).collect();
    words.join(", ")
}

/// A number of omissions with the reason in the form for it, the one for 1 or the one for more, as [`left_out_text`] takes it.
pub fn counted(count: usize, [one, more]: [&str; 2]) -> (usize, &str) {
    (count, if count == 1 { one } else { more })
}

/// The different names, in the order of their first use.
pub fn in_order<'a>(names: impl IntoIterator<Item = &'a String>) -> Vec<&'a str> {
    let mut known = BTreeSet::new();
    names.into_iter().map(String::as_str).filter(|name| known.insert(*name)).collect()
}

/// Quotes a word for a shell.
pub fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_statistic_has_its_unit_and_a_missing_value_is_no_number() {
        let interval = Some(Interval { estimate: 0.25, low: -0.005, high: 0.5, undefined: 0 });
        assert_eq!(interval_text(interval), "+0.25 [-0.01, +0.50]");
        assert_eq!(points_text(interval), "+25.00 [-0.50, +50.00] points");
        assert_eq!(share_text(interval), "25 % [-0, 50]");
        assert_eq!(ratio_text(interval), "0.25 [-0.01, 0.50]");
        assert_eq!(error_text(interval), "25.00 % [-0.50, 50.00]");
        assert_eq!([p_text(Some(0.5)), p_text(Some(1e-9))], ["p = 0.5000", "p < 0.0001"]);
        for text in [interval_text(None), points_text(None), error_text(None), p_text(None)] {
            assert!(text.ends_with("undefined"), "{text}");
        }
        assert_eq!(
            left_out_text(&[(2, "without a score"), (0, "skipped"), (1, "failed")]),
            "2 without a score, 1 failed"
        );
    }

    #[test]
    fn only_an_interval_and_a_p_value_that_disagree_are_explained() {
        let interval = |low, high| Some(Interval { estimate: (low + high) / 2.0, low, high, undefined: 0 });
        let text = |interval, p| disagreement(interval, p, "they differ");
        assert_eq!([text(interval(0.1, 0.3), Some(0.01)), text(interval(-0.1, 0.3), Some(0.3))], [None, None]);
        assert_eq!([text(None, Some(0.01)), text(interval(0.1, 0.3), None)], [None, None]);
        let found = [text(interval(-0.3, -0.1), Some(0.3)), text(interval(-0.1, 0.3), Some(0.01))].map(Option::unwrap);
        assert_eq!(found[0], "The interval excludes 0, but p is not below 0.05: they differ.");
        assert_eq!(found[1], "p is below 0.05, but the interval contains 0: they differ.");
    }

    #[test]
    fn a_quoted_word_is_one_word_for_a_shell() {
        for word in ["plain", "two words", "it's", "a \"b\" $c `d` \\"] {
            let output = std::process::Command::new("sh").args(["-c", &format!("printf %s {}", quoted(word))]).output();
            assert_eq!(String::from_utf8(output.unwrap().stdout).unwrap(), word);
        }
    }
}

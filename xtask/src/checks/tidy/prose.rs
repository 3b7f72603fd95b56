//! Every interval that the prose states is one that the generated report states, with the same sign.

use std::fs;

use crate::process::root;

/// Intervals that the report does not state. They are of single runs, which it gives only together, and of earlier results.
const NOT_IN_THE_REPORT: [&str; 13] = [
    "+0.39 [+0.26, +0.50]",
    "+0.62 [+0.40, +0.79]",
    "-0.06 [-0.31, +0.19]",
    "+0.28 [-0.18, +0.54]",
    "+0.01 [-0.36, +0.34]",
    "+0.09 [-0.00, +0.19]",
    "+0.10 [+0.02, +0.18]",
    "+0.12 [+0.03, +0.21]",
    "+0.13 [+0.06, +0.21]",
    "+0.15 [-0.02, +0.32]",
    "+0.85 [+0.80, +0.89]",
    "+0.81 [+0.75, +0.86]",
    "+0.28 [+0.05, +0.50]",
];

#[test]
fn stated_intervals_are_in_the_report() {
    let read = |path: &str| fs::read_to_string(root().join(path)).unwrap();
    let (generated, own) = split_generated(&read("README.md"));
    let known = [intervals(&read("reports/REPORT.md")), intervals(&generated)].concat();
    let mut unknown = Vec::new();
    for (path, prose) in [("README.md", own), ("docs/results.md", read("docs/results.md"))] {
        let stated = intervals(&prose);
        assert!(stated.len() > 5, "{path}: expected intervals in the prose");
        for interval in stated {
            if !known.contains(&interval) && !NOT_IN_THE_REPORT.contains(&interval.as_str()) {
                unknown.push(format!("{path}: {interval}"));
            }
        }
    }
    assert!(unknown.is_empty(), "not in reports/REPORT.md:\n{}\n", unknown.join("\n"));
}

/// The generated blocks of a text, and all else.
fn split_generated(text: &str) -> (String, String) {
    let (mut generated, mut own) = (String::new(), String::new());
    let mut is_generated = false;
    for line in text.lines() {
        is_generated |= line.contains("<!-- BEGIN");
        let part = if is_generated { &mut generated } else { &mut own };
        part.extend([line, "\n"]);
        is_generated &= !line.contains("<!-- END");
    }
    (generated, own)
}

/// The estimates with intervals in a text, such as `+0.10 [-0.16, +0.36]`.
fn intervals(text: &str) -> Vec<String> {
    let opening = text.match_indices(" [");
    let found = opening.filter_map(|(place, _)| {
        let estimate = text[..place].rsplit(|c: char| c.is_whitespace() || "|(*".contains(c)).next()?;
        let (low, rest) = text[place + 2..].split_once(", ")?;
        let (high, _) = rest.split_once(']')?;
        let numbers = [estimate, low, high];
        let are_decimals = numbers.iter().all(|number| number.contains('.') && number.parse::<f64>().is_ok());
        are_decimals.then(|| format!("{estimate} [{low}, {high}]"))
    });
    found.collect()
}

#[test]
fn a_planted_interval_is_found() {
    let text = "τ = +0.41 [+0.33, +0.49], **-1.5 [-2.0, +3.0]** points; see [a, b] and 3 [1, 2]";
    assert_eq!(intervals(text), ["+0.41 [+0.33, +0.49]", "-1.5 [-2.0, +3.0]"]);
}

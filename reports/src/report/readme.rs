//! The part of README.md that is spliced in from stored results.

use anyhow::{Result, ensure};
use results::summaries::peer::PeerTable;
use results::summaries::text::in_order;

use crate::artefact::{Artefact, Judged};
use crate::findings::markdown;

/// Replaces the text between the marks of a block: `<!-- BEGIN: name -->` and `<!-- END: name -->`.
///
/// # Errors
/// If the two marks do not occur once each, in this order.
pub fn splice(text: &str, name: &str, block: &str) -> Result<String> {
    let [begin, end] = marks(name);
    let once = |mark: &str| text.matches(mark).count() == 1;
    let parts = text.split_once(&begin).and_then(|(before, rest)| {
        let (_, after) = rest.split_once(&end)?;
        Some((before, after))
    });
    ensure!(
        parts.is_some() && once(&begin) && once(&end),
        "expected the marks `{begin}` and `{end}`, once each and in this order",
    );
    let (before, after) = parts.unwrap_or_default();
    Ok(format!("{before}{begin}\n<!-- Written by `reports report`; do not edit. -->\n{block}\n{end}{after}"))
}

fn marks(name: &str) -> [String; 2] {
    ["BEGIN", "END"].map(|place| format!("<!-- {place}: {name} -->"))
}

/// The speed of our steps against PyTorch's: one line of a table for each size.
pub fn speed_block(table: &PeerTable) -> String {
    let names = in_order(table.rows.iter().map(|row| &row.name));
    let sizes = in_order(table.rows.iter().map(|row| &row.size));
    let cell = |size: &str, name: &str| {
        let row = table.rows.iter().find(|row| row.size == size && row.name == name);
        row.map_or_else(String::new, |row| {
            let [minimum, median] = row.ratios();
            format!("{minimum:.2} ({median:.2})")
        })
    };
    let line = |size: &&str| {
        let cells = names.iter().map(|name| cell(size, name));
        [(*size).to_owned()].into_iter().chain(cells).collect()
    };
    let header: Vec<&str> = [&["size"], &names[..]].concat();
    format!(
        "{}\n\nCommit {}, PyTorch {}, {}, {} threads, float32, batches of 50, {} rounds.",
        markdown::table(&header, sizes.iter().map(line)),
        table.commit,
        table.torch,
        table.cpu,
        table.threads,
        table.rounds
    )
}

/// The spliced part: the figure of `shown`, and a table of all artefacts with a line for each claim. The table links to
/// their figures in the folder `figures`.
pub fn block(artefacts: &[Artefact], shown: &Artefact, figures: &str) -> String {
    let title = &shown.title;
    let names = ["result", "scale", "data set", "n", "seeds", "statistic", "claim", "verdict"];
    let table = markdown::table(&names, artefacts.iter().flat_map(|artefact| rows(artefact, figures)));
    format!("![{title}]({figures}/{}.svg)\n\n{table}", shown.name())
}

/// A line for each claim of an artefact, or a single line without a claim.
fn rows(artefact: &Artefact, figures: &str) -> Vec<Vec<String>> {
    let manifest = artefact.group.manifest();
    let title = match artefact.figure {
        Some(_) => format!("[{}]({figures}/{}.svg)", artefact.title, artefact.name()),
        None => artefact.title.clone(),
    };
    let n = artefact.findings.n().map(|(n, what)| format!("{n} {what}"));
    let seeds = artefact.group.runs.len().to_string();
    let (scale, dataset) = (manifest.scale.clone(), manifest.dataset.name.clone());
    let conditions = vec![title, scale, dataset, n.unwrap_or_default(), seeds];
    let row = |result: [String; 3]| [conditions.clone(), result.to_vec()].concat();
    let judged = |Judged { words, found, verdict, .. }: Judged<'_>| row([found, words, verdict.to_string()]);
    let rows: Vec<Vec<String>> = artefact.judged().into_iter().map(judged).collect();
    match rows.is_empty() {
        true => vec![row([artefact.headline(), String::new(), String::new()])],
        false => rows,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use results::summaries::peer::PeerRow;

    #[test]
    fn only_text_between_the_marks_of_the_name_is_replaced() {
        let other = "<!-- BEGIN: b -->\nkept\n<!-- END: b -->\n";
        let text = format!("before\n<!-- BEGIN: a -->\nold\n<!-- END: a -->\n{other}");
        let once = splice(&text, "a", "new").unwrap();
        assert!(once.starts_with("before\n<!-- BEGIN: a -->\n") && once.ends_with(other));
        assert!(once.contains("\nnew\n") && !once.contains("old"));
        assert_eq!(splice(&once, "a", "new").unwrap(), once);
    }

    #[test]
    fn marks_that_are_missing_doubled_or_swapped_are_an_error() {
        let [begin, end] = marks("a");
        for text in ["no marks".to_owned(), begin.clone(), format!("{end}{begin}"), format!("{begin}{begin}{end}")] {
            let message = splice(&text, "a", "new").unwrap_err().to_string();
            assert!(message.contains(&begin) && message.contains(&end), "{message}");
        }
    }

    #[test]
    fn a_ratio_is_the_time_of_pytorch_over_ours() {
        let row = |size: &str, name: &str, ours, peer| PeerRow { size: size.into(), name: name.into(), ours, peer };
        let table = PeerTable {
            commit: "abc".into(),
            cpu: "a processor".into(),
            threads: 2,
            torch: "2.15.0".into(),
            rounds: 10,
            rows: vec![row("small", "scoring", [2.0, 4.0], [3.0, 3.0]), row("v1", "HyperNet", [1.0, 1.0], [2.0, 2.5])],
        };
        let block = speed_block(&table);
        assert!(block.contains("| size | scoring | HyperNet |"), "{block}");
        assert!(block.contains("| small | 1.50 (0.75) |  |"), "{block}");
        assert!(block.contains("| v1 |  | 2.00 (2.50) |"), "{block}");
    }
}

//! The history of a correlation as a table, with each interval drawn on an axis from -1 to 1.

use results::statistics::bootstrap::Interval;
use results::summaries::text::interval_text;

use super::text::{escape, row, table};
use crate::report::history::{Entry, History};

/// Pixels of the drawing of an interval: its width, from -1 to 1, and its height.
const WIDTH: f64 = 200.0;
const HEIGHT: f64 = 20.0;

/// The section with all histories.
pub(super) fn section(histories: &[History]) -> String {
    let tables: String = histories.iter().map(history).collect();
    let body = match tables.is_empty() {
        true => "<p>No correlation is stored from more than one commit or definition.</p>\n".to_owned(),
        false => tables,
    };
    format!(
        "<section aria-labelledby=\"history\">\n<h2 id=\"history\">History over commits</h2>\n<p>Kendall τ between score and true \
         error with its 95 % interval, for every stored result, the oldest first. Results of different definitions or devices \
         differ in more than the commit; with one seed, an interval excludes the variation between SMASH \
         networks.</p>\n{body}</section>\n"
    )
}

fn history(history: &History) -> String {
    let names = ["ended", "commit", "n", "seeds", "Kendall τ", "from -1 to 1", "definition", "device"];
    let header = names.map(str::to_owned);
    let rows: Vec<String> = history.entries.iter().map(line).collect();
    format!("<h3>{}</h3>\n{}", escape(&history.title), table(&header, &rows))
}

fn line(entry: &Entry) -> String {
    let code = |text: &str| format!("<code>{}</code>", escape(text));
    let [n, tau, drawing] = match &entry.outcome {
        Ok(outcome) => {
            let drawing = outcome.tau.map(|tau| drawing(&tau)).unwrap_or_default();
            [outcome.n.to_string(), interval_text(outcome.tau), drawing]
        }
        Err(reason) => [String::new(), format!("not readable: {}", escape(reason)), String::new()],
    };
    let cells = [
        escape(&entry.ended),
        code(&entry.commit),
        n,
        entry.seeds.to_string(),
        tau,
        drawing,
        code(&entry.definition),
        escape(&entry.device),
    ];
    row(&cells, "")
}

/// Draws the estimate as a point and the interval as a line, beside a mark at 0. The cell before it has the same numbers.
fn drawing(interval: &Interval) -> String {
    let x = |value: f64| WIDTH * (1.0 + value) / 2.0;
    let (low, high, middle) = (x(interval.low), x(interval.high), HEIGHT / 2.0);
    format!(
        "<svg class=\"interval\" width=\"{WIDTH}\" height=\"{HEIGHT}\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" aria-hidden=\"true\"><path \
         class=\"zero\" d=\"M{zero} 0V{HEIGHT}\"/><path d=\"M{low:.1} {middle}H{high:.1}\"/><circle cx=\"{estimate:.1}\" \
         cy=\"{middle}\" r=\"4\"/></svg>",
        zero = x(0.0),
        estimate = x(interval.estimate),
    )
}

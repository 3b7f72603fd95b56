//! The regime of a study: the conditions of its SMASH network and its space, beside the paper's.
//!
//! They decide how far a correlation found here carries over to the paper's.

use serde::{Deserialize, Serialize};

/// Properties that can be counted before anything is trained; means over sampled architectures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Regime {
    /// Freely learned weights of the main network divided by the mean of the generated weights.
    pub learned_to_generated: f64,
    /// Weights of the HyperNet divided by the mean of the generated weights.
    pub hypernet_to_generated: f64,
    /// N_max / N: output units of the widest op.
    pub max_units: u64,
    /// D: number of units of N channels that a slice of the encoding covers.
    pub depth_compression: u64,
    /// Rows and columns of W that a cell of the encoding stands for; `None` in the paper's layout, r * N by D * N.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cell: Option<[u64; 2]>,
    /// Written memory banks of each block, including the block's input.
    pub banks: Vec<f64>,
    /// Ops of each block.
    pub ops: Vec<f64>,
    /// Share of blocks with a single op, for each block, in [0, 1].
    pub single_op_blocks: Vec<f64>,
    /// Millions of multiply-adds of a resulting network: the mean, the 5th and the 95th percentile.
    pub multiply_adds: [f64; 3],
    /// Training steps of the SMASH network.
    pub smash_steps: u64,
    /// Epochs of the SMASH network for each epoch of a resulting network.
    pub epochs_ratio: f64,
}

/// The regime of a run and the paper's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Regimes {
    /// Regime of the run.
    pub here: Regime,
    /// Regime of the same study with the paper's settings.
    pub paper: Regime,
}

/// A value is marked if it differs from the paper's by more than this factor.
pub const MARKED_FACTOR: f64 = 2.0;

/// A share of blocks is marked if it differs from the paper's by more than this.
pub const MARKED_SHARE: f64 = 0.1;

/// Mark of a value that departs from the paper's.
pub const MARK: &str = "*";

impl Regime {
    /// Names of the lines of the table. The last line is left out if all regimes have the paper's layout of W.
    const LINES: [&'static str; 11] = [
        "learned / generated weights",
        "HyperNet / generated weights",
        "N_max / N",
        "D",
        "banks per block",
        "ops per block",
        "blocks with a single op, %",
        "million multiply-adds (5 to 95 %)",
        "steps of the SMASH network",
        "its epochs / those of a resulting network",
        "rows x columns of W in a cell of c",
    ];

    /// The lines of a table with a column for each of some regimes: the name and the cells, with [`MARK`] at each value that
    /// departs from the paper's regime.
    pub fn lines(columns: &[&Self], paper: &Self) -> Vec<(&'static str, Vec<String>)> {
        let has_cell = columns.iter().chain([&paper]).any(|regime| regime.cell.is_some());
        let columns: Vec<[String; 11]> = columns.iter().map(|regime| regime.cells(paper)).collect();
        let cells = |line: usize| columns.iter().map(|cells| cells[line].clone()).collect();
        let lines = Self::LINES.into_iter().enumerate().map(|(line, name)| (name, cells(line)));
        lines.take(Self::LINES.len() - usize::from(!has_cell)).collect()
    }

    /// The cells of a column.
    fn cells(&self, paper: &Self) -> [String; 11] {
        let near = |value: f64, paper: f64| {
            let factor = (value / paper).max(paper / value);
            factor.is_finite() && factor <= MARKED_FACTOR
        };
        let all_near = |values: &[f64], paper: &[f64]| {
            values.len() == paper.len() && values.iter().zip(paper).all(|(&value, &paper)| near(value, paper))
        };
        let mut shares = self.single_op_blocks.iter().zip(&paper.single_op_blocks);
        let shares_near = shares.all(|(value, paper)| (value - paper).abs() <= MARKED_SHARE);
        let [mean, low, high] = self.multiply_adds;
        let percent: Vec<f64> = self.single_op_blocks.iter().map(|share| 100.0 * share).collect();
        let real = |value: f64, paper: f64| marked(number(value), near(value, paper));
        let whole = |value: u64, paper: u64| marked(value.to_string(), near(value as f64, paper as f64));
        [
            real(self.learned_to_generated, paper.learned_to_generated),
            real(self.hypernet_to_generated, paper.hypernet_to_generated),
            whole(self.max_units, paper.max_units),
            whole(self.depth_compression, paper.depth_compression),
            marked(list(&self.banks, 0), all_near(&self.banks, &paper.banks)),
            marked(list(&self.ops, 1), all_near(&self.ops, &paper.ops)),
            marked(list(&percent, 0), shares_near),
            marked(
                format!("{} ({} to {})", number(mean), number(low), number(high)),
                near(mean, paper.multiply_adds[0]),
            ),
            whole(self.smash_steps, paper.smash_steps),
            real(self.epochs_ratio, paper.epochs_ratio),
            marked(
                self.cell.map_or("rN x DN".to_owned(), |[rows, columns]| format!("{rows} x {columns}")),
                self.cell == paper.cell,
            ),
        ]
    }
}

impl Regimes {
    /// The conditions that depart from the paper's, by their names in the table.
    pub fn departures(&self) -> Vec<&'static str> {
        let departs = |cells: &[String]| cells.iter().any(|cell| cell.contains(MARK));
        self.lines().into_iter().filter(|(_, cells)| departs(cells)).map(|(name, _)| name).collect()
    }

    /// Number of conditions that are compared.
    pub fn count(&self) -> usize {
        self.lines().len()
    }

    fn lines(&self) -> Vec<(&'static str, Vec<String>)> {
        Regime::lines(&[&self.here], &self.paper)
    }
}

/// A number with about three digits.
fn number(value: f64) -> String {
    match value {
        value if value < 10.0 => format!("{value:.2}"),
        value if value < 100.0 => format!("{value:.1}"),
        value => format!("{value:.0}"),
    }
}

fn list(values: &[f64], digits: usize) -> String {
    let texts: Vec<String> = values.iter().map(|value| format!("{value:.digits$}")).collect();
    texts.join(" / ")
}

fn marked(text: String, is_near: bool) -> String {
    if is_near { text } else { format!("{text} {MARK}") }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn paper() -> Regime {
        Regime {
            learned_to_generated: 0.9,
            hypernet_to_generated: 1.6,
            max_units: 7,
            depth_compression: 3,
            cell: None,
            banks: vec![65.0, 95.0, 112.0],
            ops: vec![17.0, 21.0, 37.0],
            single_op_blocks: vec![0.0; 3],
            multiply_adds: [1538.0, 1116.0, 2030.0],
            smash_steps: 270_000,
            epochs_ratio: 10.0,
        }
    }

    #[test]
    fn the_paper_does_not_depart_from_itself() {
        let cells = paper().cells(&paper());
        assert!(cells.iter().all(|cell| !cell.contains(MARK)), "{cells:?}");
        assert_eq!(cells[7], "1538 (1116 to 2030)");
    }

    #[test]
    fn a_value_is_marked_beyond_a_factor_of_two_and_a_share_beyond_a_tenth() {
        let regime = |learned_to_generated, share| Regime {
            learned_to_generated,
            single_op_blocks: vec![0.0, share, 0.0],
            ..paper()
        };
        let marks = |regime: &Regime| regime.cells(&paper()).map(|cell| cell.contains(MARK));
        for (value, is_marked) in [(0.45, false), (0.44, true), (1.8, false), (1.81, true), (0.0, true)] {
            assert_eq!(marks(&regime(value, 0.0))[0], is_marked, "{value}");
        }
        for (share, is_marked) in [(0.1, false), (0.11, true)] {
            assert_eq!(marks(&regime(0.9, share))[6], is_marked, "{share}");
        }
        let regimes = Regimes { here: regime(0.44, 0.11), paper: paper() };
        assert_eq!(regimes.departures(), ["learned / generated weights", "blocks with a single op, %"]);
    }

    #[test]
    fn the_size_of_a_cell_is_a_condition_only_where_a_regime_has_its_own() {
        let own = Regime { cell: Some([4, 12]), ..paper() };
        let plain = Regimes { here: paper(), paper: paper() };
        assert_eq!((plain.count(), plain.departures().len()), (10, 0));
        let compressed = Regimes { here: own.clone(), paper: paper() };
        assert_eq!((compressed.count(), compressed.departures()), (11, vec!["rows x columns of W in a cell of c"]));
        let (_, cells) = Regime::lines(&[&own, &paper()], &paper()).pop().unwrap();
        assert_eq!(cells, ["4 x 12 *", "rN x DN"]);
        let alike = Regimes { here: own.clone(), paper: own };
        assert_eq!((alike.count(), alike.departures().len()), (11, 0));
        // Manifests of older programs lack the field, and so do those of the paper's layout.
        assert!(!toml::to_string(&paper()).unwrap().contains("cell"));
    }
}

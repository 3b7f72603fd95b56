//! Distributions of sampled architectures, and the paper's statements about them (appendix A, table 1).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::statistics::bootstrap::Interval;
use crate::statistics::paired::wilson;
use crate::statistics::student::mean_t_interval;
use crate::summaries::claim::Statistic;
use crate::summaries::text::{error_text, in_order};
use crate::tables::counts::{OpValueRow, SampleRow};

/// Largest relative difference between a draw and the network that the paper reports, in parameters and in depth. The
/// draw is then of the same size.
pub const SAME_SIZE: f64 = 0.1;

/// The paper's statements about a space, as numbers. Parameters are in millions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Stated {
    /// Largest number of memory banks in a block.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub banks: Option<u32>,
    /// Largest number of parameters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget: Option<f64>,
    /// Number of parameters that is rarely exceeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rarely_above: Option<f64>,
    /// Parameters of the network that a search found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameters: Option<f64>,
    /// Depth of that network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub depth: Option<u32>,
}

/// The draws from one space.
#[derive(Clone, Debug, PartialEq)]
pub struct SpaceSummary {
    /// Its name.
    pub name: String,
    /// The paper's statements about it.
    pub stated: Stated,
    /// Number of draws.
    pub draws: usize,
    /// Number of draws of which no two are isomorphic.
    pub distinct: usize,
    /// Most memory banks that a block of any draw uses.
    pub most_banks: u32,
    /// Share of draws whose blocks use no more banks than the paper states.
    pub within_banks: Option<Interval>,
    /// Mean share of the stated banks that a block leaves unused.
    pub spare_banks: Option<Interval>,
    /// Share of draws within the stated budget of parameters.
    pub within_budget: Option<Interval>,
    /// Share of draws with no more parameters than are rarely exceeded.
    pub rarely_exceeded: Option<Interval>,
    /// Share of draws that have the size of the network that the paper reports; see [`SAME_SIZE`].
    pub found_size: Option<Interval>,
}

/// How often each value of a quantity occurs in each space.
#[derive(Clone, Debug, PartialEq)]
pub struct Distribution {
    /// Name of the quantity, with its unit.
    pub name: String,
    /// One unit of the name in stored values.
    pub unit: f64,
    /// Counts of stored values, in the order of the spaces.
    pub counts: Vec<BTreeMap<u64, u64>>,
}

/// The draws from all spaces.
#[derive(Clone, Debug, PartialEq)]
pub struct SamplingSummary {
    /// The spaces in the order of the definition.
    pub spaces: Vec<SpaceSummary>,
    /// The distributions of all quantities.
    pub distributions: Vec<Distribution>,
}

/// Summarises the draws from the named spaces.
pub fn summary(named: &[(String, Stated)], samples: &[SampleRow], values: &[OpValueRow]) -> SamplingSummary {
    let rows: Vec<Vec<&SampleRow>> =
        named.iter().map(|(name, _)| samples.iter().filter(|row| row.space == *name).collect()).collect();
    let spaces = named.iter().zip(&rows).map(|((name, stated), rows)| space_summary(name, *stated, rows)).collect();
    let mut distributions = of_samples(&rows);
    for quantity in in_order(values.iter().map(|row| &row.quantity)) {
        let counts = named.iter().map(|(name, _)| {
            let mut counts = BTreeMap::new();
            for row in values.iter().filter(|row| row.space == *name && row.quantity == quantity) {
                *counts.entry(u64::from(row.value)).or_default() += row.count;
            }
            counts
        });
        distributions.push(Distribution { name: quantity.to_owned(), unit: 1.0, counts: counts.collect() });
    }
    SamplingSummary { spaces, distributions }
}

fn banks(row: &SampleRow) -> [u32; 3] {
    [row.banks_block_1, row.banks_block_2, row.banks_block_3]
}

fn space_summary(name: &str, stated: Stated, rows: &[&SampleRow]) -> SpaceSummary {
    let share =
        |is_met: &dyn Fn(&SampleRow) -> bool| wilson(rows.iter().filter(|row| is_met(row)).count() as f64, rows.len());
    let at_most = |millions: f64| share(&|row| row.parameters as f64 <= 1e6 * millions);
    let is_near = |found: f64, stated: f64| (found / stated - 1.0).abs() <= SAME_SIZE;
    let same_size = |parameters: f64, depth: u32| {
        share(&|row| {
            is_near(row.parameters as f64, 1e6 * parameters) && is_near(f64::from(row.depth), f64::from(depth))
        })
    };
    let mut by_seed: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
    for row in rows {
        // Divided by the stated number below, so that this is the mean number of banks of a block.
        let used = banks(row).map(f64::from).iter().sum::<f64>() / 3.0;
        by_seed.entry(row.seed).or_default().push(used);
    }
    let used = mean_t_interval(&by_seed.into_values().collect::<Vec<_>>());
    let spare = |most: u32| {
        let left = |used: f64| 1.0 - used / f64::from(most);
        used.map(|Interval { estimate, low, high, undefined }| Interval {
            estimate: left(estimate),
            low: left(high),
            high: left(low),
            undefined,
        })
    };
    SpaceSummary {
        name: name.to_owned(),
        stated,
        draws: rows.len(),
        distinct: rows.iter().map(|row| &row.canonical).collect::<BTreeSet<_>>().len(),
        most_banks: rows.iter().flat_map(|row| banks(row)).max().unwrap_or(0),
        within_banks: stated.banks.and_then(|most| share(&|row| banks(row).iter().all(|&banks| banks <= most))),
        spare_banks: stated.banks.and_then(spare),
        within_budget: stated.budget.and_then(at_most),
        rarely_exceeded: stated.rarely_above.and_then(at_most),
        found_size: stated.parameters.zip(stated.depth).and_then(|(parameters, depth)| same_size(parameters, depth)),
    }
}

/// The values of a quantity in a draw.
type Values = fn(&SampleRow) -> Vec<u64>;

/// The distributions that follow from the rows of draws: for each space its rows.
fn of_samples(rows: &[Vec<&SampleRow>]) -> Vec<Distribution> {
    let quantities: [(&str, f64, Values); 5] = [
        ("million parameters", 1e6, |row| vec![row.parameters]),
        ("billion multiply-adds", 1e9, |row| vec![row.multiply_adds]),
        ("depth", 1.0, |row| vec![u64::from(row.depth)]),
        ("ops of a block", 1.0, |row| [row.ops_block_1, row.ops_block_2, row.ops_block_3].map(u64::from).into()),
        ("banks of a block", 1.0, |row| banks(row).map(u64::from).into()),
    ];
    let distribution = |(name, unit, values): (&str, f64, Values)| {
        let counts = rows.iter().map(|rows| {
            let mut counts = BTreeMap::new();
            for value in rows.iter().flat_map(|row| values(row)) {
                *counts.entry(value).or_default() += 1;
            }
            counts
        });
        Distribution { name: name.to_owned(), unit, counts: counts.collect() }
    };
    quantities.into_iter().map(distribution).collect()
}

impl SpaceSummary {
    /// A statistic about the space. The outer `None`: the paper states nothing about it, or it is about other studies.
    pub fn statistic(&self, statistic: Statistic) -> Option<Option<Interval>> {
        let Stated { banks, budget, rarely_above, parameters, depth } = self.stated;
        let (is_stated, value) = match statistic {
            Statistic::WithinBanks => (banks.is_some(), self.within_banks),
            Statistic::SpareBanks => (banks.is_some(), self.spare_banks),
            Statistic::WithinBudget => (budget.is_some(), self.within_budget),
            Statistic::RarelyExceeded => (rarely_above.is_some(), self.rarely_exceeded),
            Statistic::FoundSize => (parameters.and(depth).is_some(), self.found_size),
            _ => (false, None),
        };
        is_stated.then_some(value)
    }
}

impl Distribution {
    /// The value below which a share of the counts of a space lies, in the unit of the name; `None` without counts.
    pub fn quantile(&self, space: usize, share: f64) -> Option<f64> {
        let counts = &self.counts[space];
        let wanted = share * counts.values().sum::<u64>() as f64;
        let mut below = 0;
        let found = counts.iter().find(|&(_, count)| {
            below += count;
            below as f64 >= wanted
        });
        found.map(|(&value, _)| value as f64 / self.unit)
    }
}

/// The draws of each space in one line each.
impl fmt::Display for SamplingSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, space) in self.spaces.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            let SpaceSummary { name, draws, distinct, most_banks, .. } = space;
            write!(f, "{name}: {draws} draws, {distinct} distinct, at most {most_banks} banks in a block")?;
            if let (Some(parameters), Some(share)) = (space.stated.rarely_above, space.rarely_exceeded) {
                write!(f, ", up to {parameters} M parameters {}", error_text(Some(share)))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(draw: u32, canonical: &str, parameters: u64, banks: [u32; 3]) -> SampleRow {
        let [banks_block_1, banks_block_2, banks_block_3] = banks;
        SampleRow {
            seed: 0,
            space: "A".into(),
            draw,
            canonical: canonical.into(),
            parameters,
            multiply_adds: 1_000_000_000,
            depth: 100,
            ops_block_1: 1,
            ops_block_2: 2,
            ops_block_3: 3,
            banks_block_1,
            banks_block_2,
            banks_block_3,
        }
    }

    #[test]
    fn statements_are_shares_and_means_of_draws() {
        let stated = Stated {
            banks: Some(100),
            budget: Some(16.0),
            rarely_above: Some(5.0),
            parameters: Some(4.6),
            depth: Some(105),
        };
        let rows = [
            row(0, "x", 4_500_000, [10, 20, 30]),
            row(1, "y", 5_000_001, [10, 20, 60]),
            row(2, "x", 17_000_000, [10, 20, 101]),
            row(3, "z", 5_000_000, [40, 40, 40]),
        ];
        let values = [
            OpValueRow { seed: 0, space: "A".into(), quantity: "groups".into(), value: 1, count: 3 },
            OpValueRow { seed: 1, space: "A".into(), quantity: "groups".into(), value: 1, count: 2 },
            OpValueRow { seed: 0, space: "A".into(), quantity: "groups".into(), value: 8, count: 5 },
        ];
        let summary = summary(&[("A".into(), stated)], &rows, &values);
        let space = &summary.spaces[0];
        assert_eq!((space.draws, space.distinct, space.most_banks), (4, 3, 101));
        let estimate = |statistic| space.statistic(statistic).unwrap().unwrap().estimate;
        assert_eq!(estimate(Statistic::WithinBanks), 0.75);
        assert_eq!(estimate(Statistic::WithinBudget), 0.75);
        assert_eq!(estimate(Statistic::RarelyExceeded), 0.5);
        // 4.5 and the two of about 5 million lie within a tenth of 4.6 million, and 100 of 105.
        assert_eq!(estimate(Statistic::FoundSize), 0.75);
        let used = (20.0 + 30.0 + 131.0 / 3.0 + 40.0) / 4.0;
        assert!((estimate(Statistic::SpareBanks) - (1.0 - used / 100.0)).abs() < 1e-12);
        assert_eq!(space.statistic(Statistic::Kendall), None);
        assert_eq!(SpaceSummary { stated: Stated::default(), ..space.clone() }.statistic(Statistic::WithinBanks), None);

        let named = |name: &str| summary.distributions.iter().find(|found| found.name == name).unwrap();
        assert_eq!(named("groups").counts, [BTreeMap::from([(1, 5), (8, 5)])]);
        assert_eq!(named("ops of a block").counts, [BTreeMap::from([(1, 4), (2, 4), (3, 4)])]);
        let parameters = named("million parameters");
        assert_eq!([0.0, 0.5, 1.0].map(|share| parameters.quantile(0, share)), [4.5, 5.0, 17.0].map(Some));
    }
}

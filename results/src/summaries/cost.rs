//! The cost of searches and trainings in multiply-adds, beside quoted budgets (paper, abstract and section 4.4).

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::statistics::bootstrap::Interval;
use crate::statistics::sample::mean;
use crate::statistics::student::mean_t_interval;
use crate::summaries::text::cost_text;
use crate::tables::counts::PhaseCostRow;

/// The phase that trains a resulting or hand-designed network. All other phases belong to the search.
pub const TRAINING: &str = "training";

/// Floating-point operations of a multiply-add.
const FLOPS_OF_MULTIPLY_ADD: f64 = 2.0;

const SECONDS_OF_DAY: f64 = 86_400.0;

/// The published budget of a search: either operations, or days on GPUs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Quoted {
    /// Floating-point operations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flops: Option<f64>,
    /// Days of one GPU.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gpu_days: Option<f64>,
    /// Floating-point operations that the GPU can do in a second at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peak_flops: Option<f64>,
    /// Where the budget is published.
    pub source: String,
}

/// The cost of one system.
#[derive(Clone, Debug, PartialEq)]
pub struct SystemCost {
    /// Its name.
    pub name: String,
    /// The published budget of its search; `None` if its cost is counted here.
    pub quoted: Option<Quoted>,
    /// Mean multiply-adds of each phase of its search, in order; empty if no search is counted.
    pub phases: Vec<(String, f64)>,
    /// Multiply-adds of its search, or of its quoted budget; `None` if there is neither.
    pub search: Option<Interval>,
    /// Multiply-adds of one training of its network; `None` if none is counted.
    pub training: Option<Interval>,
}

/// The costs of all systems.
#[derive(Clone, Debug, PartialEq)]
pub struct CostSummary {
    /// First those of the definition, then the counted searches in the order of the table.
    pub systems: Vec<SystemCost>,
}

impl Quoted {
    /// Whether it is one budget: operations, or days with or without the peak of the GPU.
    pub fn is_one_budget(&self) -> bool {
        match self.flops {
            Some(_) => self.gpu_days.is_none() && self.peak_flops.is_none(),
            None => self.gpu_days.is_some(),
        }
    }

    /// Its multiply-adds. For days on GPUs it is an upper bound: their work if they always computed at their peak.
    /// `None` if that peak is not given.
    pub fn multiply_adds(&self) -> Option<f64> {
        let of_days = || Some(self.gpu_days? * SECONDS_OF_DAY * self.peak_flops?);
        Some(self.flops.or_else(of_days)? / FLOPS_OF_MULTIPLY_ADD)
    }
}

/// Writes the published number: `1.0e20 FLOPs`, or `22400 GPU-days`.
impl fmt::Display for Quoted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.flops, self.gpu_days) {
            (Some(flops), _) => write!(f, "{flops:.1e} FLOPs"),
            (None, Some(days)) => write!(f, "{days} GPU-days"),
            (None, None) => f.write_str("no budget"),
        }
    }
}

/// Summarises the costs. `named` lists the systems of the definition, with their quoted budgets.
pub fn summary(named: &[(String, Option<Quoted>)], rows: &[PhaseCostRow]) -> CostSummary {
    let mut systems: Vec<(&str, Option<&Quoted>)> =
        named.iter().map(|(name, quoted)| (name.as_str(), quoted.as_ref())).collect();
    for row in rows {
        if !systems.iter().any(|(name, _)| *name == row.system) {
            systems.push((&row.system, None));
        }
    }
    CostSummary { systems: systems.into_iter().map(|(name, quoted)| system_cost(name, quoted, rows)).collect() }
}

fn system_cost(name: &str, quoted: Option<&Quoted>, rows: &[PhaseCostRow]) -> SystemCost {
    let rows = rows.iter().filter(|row| row.system == name);
    let (training, search): (Vec<&PhaseCostRow>, Vec<&PhaseCostRow>) = rows.partition(|row| row.phase == TRAINING);
    let mut phases: Vec<(String, Vec<f64>)> = Vec::new();
    for row in &search {
        match phases.iter_mut().find(|(phase, _)| *phase == row.phase) {
            Some((_, costs)) => costs.push(row.multiply_adds),
            None => phases.push((row.phase.clone(), vec![row.multiply_adds])),
        }
    }
    let exact = |cost: f64| Interval { estimate: cost, low: cost, high: cost, undefined: 0 };
    SystemCost {
        name: name.to_owned(),
        quoted: quoted.cloned(),
        phases: phases.into_iter().map(|(phase, costs)| (phase, mean(&costs))).collect(),
        search: quoted.and_then(Quoted::multiply_adds).map(exact).or_else(|| total(&search)),
        training: match training[..] {
            // A hand-designed network is not sampled, so its count is exact.
            [first, ..] if first.architecture.is_none() => Some(exact(first.multiply_adds)),
            _ => total(&training),
        },
    }
}

/// The mean over architectures of the sum over phases.
fn total(rows: &[&PhaseCostRow]) -> Option<Interval> {
    let mut by_seed: BTreeMap<u64, BTreeMap<Option<u32>, f64>> = BTreeMap::new();
    for row in rows {
        *by_seed.entry(row.seed).or_default().entry(row.architecture).or_default() += row.multiply_adds;
    }
    let groups: Vec<Vec<f64>> = by_seed.into_values().map(|costs| costs.into_values().collect()).collect();
    mean_t_interval(&groups)
}

impl CostSummary {
    /// All costs by name: `SMASHv2, search` and `SMASHv2, training`.
    pub fn costs(&self) -> impl Iterator<Item = (String, Option<Interval>)> {
        self.systems.iter().flat_map(|system| {
            let named = |what: &str| format!("{}, {what}", system.name);
            [(named("search"), system.search), (named("training"), system.training)]
        })
    }

    /// By how many orders of magnitude the first cost lies below the second. Both are named as by [`Self::costs`]. The
    /// interval joins the ends of both costs' intervals, so it is at least as wide as one of 95 %. `None` if a cost is
    /// undefined.
    pub fn reduction(&self, first: &str, second: &str) -> Option<Interval> {
        let cost = |wanted: &str| self.costs().find(|(name, _)| name == wanted)?.1.filter(|cost| cost.low > 0.0);
        let (first, second) = (cost(first)?, cost(second)?);
        Some(Interval {
            estimate: (second.estimate / first.estimate).log10(),
            low: (second.low / first.high).log10(),
            high: (second.high / first.low).log10(),
            undefined: 0,
        })
    }
}

/// The costs of each system in one line each.
impl fmt::Display for CostSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |cost: Option<Interval>| cost.map_or_else(|| "-".to_owned(), |cost| cost_text(cost.estimate));
        write!(f, "{:<32}{:>12}{:>12}  multiply-adds", "system", "search", "training")?;
        for system in &self.systems {
            write!(f, "\n{:<32}{:>12}{:>12}", system.name, text(system.search), text(system.training))?;
            if let Some(quoted) = &system.quoted {
                write!(f, "  quoted: {quoted}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(system: &str, phase: &str, architecture: Option<u32>, multiply_adds: f64) -> PhaseCostRow {
        PhaseCostRow { seed: 0, system: system.into(), phase: phase.into(), architecture, multiply_adds }
    }

    fn quoted(flops: Option<f64>, gpu_days: Option<f64>, peak_flops: Option<f64>) -> Quoted {
        Quoted { flops, gpu_days, peak_flops, source: "somebody".into() }
    }

    #[test]
    fn a_search_is_the_mean_over_architectures_of_the_sum_of_its_phases() {
        let mut rows = vec![row("WRN", TRAINING, None, 4e3)];
        for (architecture, cost) in (0..).zip([1.75, 2.0, 2.25]) {
            rows.push(row("SMASH", "scores", Some(architecture), cost));
            rows.push(row("SMASH", "main network", Some(architecture), 10.0 * cost));
            rows.push(row("SMASH", TRAINING, Some(architecture), 220.0));
        }
        let named = [("WRN".into(), None), ("Evolution".into(), Some(quoted(Some(4.4e12), None, None)))];
        let summary = summary(&named, &rows);
        let names: Vec<&str> = summary.systems.iter().map(|system| system.name.as_str()).collect();
        assert_eq!(names, ["WRN", "Evolution", "SMASH"]);
        let smash = &summary.systems[2];
        assert_eq!(smash.phases, [("scores".to_owned(), 2.0), ("main network".to_owned(), 20.0)]);
        assert_eq!(smash.search.unwrap().estimate, 22.0);
        // All trainings cost the same, so the interval has no width.
        let reduction = summary.reduction("SMASH, training", "Evolution, search").unwrap();
        assert!([reduction.low, reduction.estimate, reduction.high].iter().all(|orders| (orders - 10.0).abs() < 1e-12));
        let search = summary.reduction("SMASH, search", "SMASH, training").unwrap();
        assert!(search.low < 1.0 && (search.estimate - 1.0).abs() < 1e-12 && search.high > 1.0, "{search:?}");
        assert_eq!(summary.systems[0].training.map(|cost| cost.low), Some(4e3));
        assert_eq!(summary.reduction("WRN, search", "WRN, training"), None);
    }

    #[test]
    fn a_quoted_budget_is_converted_only_by_its_own_numbers() {
        assert_eq!(quoted(Some(1e20), None, None).multiply_adds(), Some(5e19));
        assert_eq!(quoted(None, Some(100.0), None).multiply_adds(), None);
        assert_eq!(quoted(None, Some(10.0), Some(2e12)).multiply_adds(), Some(864e15));
        assert!(quoted(Some(1e20), None, None).is_one_budget());
        for faulty in
            [quoted(None, None, Some(1.0)), quoted(Some(1.0), Some(1.0), None), quoted(Some(1.0), None, Some(1.0))]
        {
            assert!(!faulty.is_one_budget(), "{faulty:?}");
        }
    }
}

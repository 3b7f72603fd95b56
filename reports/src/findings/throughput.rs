//! Findings of a throughput study: the speed of each step.

use std::fmt;
use std::path::Path;

use anyhow::Result;
use results::ThroughputRow;
use results::store::Group;
use results::summaries::throughput::{StepSummary, summary};

use super::markdown::table;
use super::{Findings, KindOfStudy};

#[derive(Debug)]
struct ThroughputFindings(Vec<StepSummary>);

/// Reads the table of a throughput study.
pub(super) fn load(group: &Group, _: &Path) -> Result<Findings> {
    Ok(Box::new(ThroughputFindings(summary(&group.read::<ThroughputRow>()?))))
}

impl KindOfStudy for ThroughputFindings {
    fn paragraphs(&self) -> Vec<String> {
        let names = ["step", "images per second", "seconds: 10 %, median, 90 %", "steps", "beyond the median"];
        let line = |step: &StepSummary| {
            let [low, median, high] = step.seconds;
            vec![
                step.step.clone(),
                format!("{:.0}", step.images_per_second),
                format!("{low:.4}, {median:.4}, {high:.4}"),
                step.steps.to_string(),
                format!("{:.1} of {:.1} s", step.excess, step.total),
            ]
        };
        vec![table(&names, self.0.iter().map(line))]
    }
}

impl fmt::Display for ThroughputFindings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

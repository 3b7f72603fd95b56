//! The conditions of a correlation study: counted before it ran, and measured in it.

use std::collections::BTreeMap;

use anyhow::Result;
use results::store::Group;
use results::summaries::regime::{MARK, MARKED_FACTOR, MARKED_SHARE, Regime, Regimes};
use results::summaries::text::percent;
use results::{CorrelationSummary, EpochRow, TruthRow};

use super::markdown::table;

/// The conditions of a correlation study.
#[derive(Clone, Debug)]
pub(super) struct RegimeFindings {
    /// The counted conditions.
    counted: Regimes,
    /// Training error of the last epoch of the SMASH network, in [0, 1]; the mean over root seeds.
    smash_error: Option<f64>,
    /// Training error of the last epoch of the trained networks, in [0, 1]; the mean over all trainings.
    trained_error: Option<f64>,
}

impl RegimeFindings {
    /// Reads the conditions that the run recorded, with the training errors that it measured; `None` if an older
    /// program ran the study.
    pub fn load(group: &Group) -> Result<Option<Self>> {
        let Some(counted) = group.manifest().regime.clone() else {
            return Ok(None);
        };
        // The plain network's epochs come first. The last one of each root seed counts.
        let epochs = group.read_if_there::<EpochRow>()?.unwrap_or_default();
        let plain = epochs.iter().filter(|row| row.unit == "smash");
        let last: BTreeMap<u64, f64> = plain.map(|row| (row.seed, row.train_error)).collect();
        let trained = group.read::<TruthRow>()?.into_iter().filter_map(|row| row.train_error);
        let mean = |errors: Vec<f64>| (!errors.is_empty()).then(|| errors.iter().sum::<f64>() / errors.len() as f64);
        Ok(Some(Self {
            counted,
            smash_error: mean(last.into_values().collect()),
            trained_error: mean(trained.collect()),
        }))
    }

    /// The conditions beside the paper's. `summary` is that of the same study.
    pub fn paragraphs(&self, summary: &CorrelationSummary) -> [String; 2] {
        let Regimes { here, paper } = &self.counted;
        let counted = Regime::lines(&[here, paper], paper).into_iter();
        let counted = counted.map(|(name, cells)| [vec![name.to_owned()], cells].concat());
        let ratio = summary.spread.and_then(|spread| spread.ratio());
        let measured = [
            ("training error of the SMASH network, last epoch", self.smash_error.map(percent)),
            ("training error of the trained networks, last epoch", self.trained_error.map(percent)),
            ("spread over noise of the true errors", ratio.map(|ratio| format!("{ratio:.1}"))),
        ];
        let measured = measured.map(|(name, here)| {
            let here = here.unwrap_or_else(|| "not measured".to_owned());
            vec![name.to_owned(), here, "not given".to_owned()]
        });
        [
            table(&["regime", "here", "paper"], counted.chain(measured)),
            format!(
                "The column `paper` is counted from the paper's settings. Means are over architectures that were sampled \
                 before the run, and ratios divide by a mean. A mean of ratios over the run's own architectures differs. {MARK} marks a value more \
                 than {MARKED_FACTOR} times as large or as small as the paper's, and a share of blocks that differs by more than {:.0} points.",
                100.0 * MARKED_SHARE
            ),
        ]
    }
}

//! Findings of a normalisation study: trainings that diverge, and the cost of each normalisation in fixed networks.

use std::path::Path;

use anyhow::{Result, ensure};
use results::statistics::bootstrap::Interval;
use results::store::Group;
use results::summaries::normalisation::{BATCH_NORM, Fixed, Stability, summary};
use results::summaries::text::{left_out_text, percent, points_text, share_text};
use results::{Claim, FixedTrainingRow, NormalisationSummary, StabilityRow, Statistic};

use super::markdown::{left_out_sentence, table};
use super::{BOOTSTRAP, Findings, KindOfStudy, does_not_fit, no_statistic};
use crate::figure::definition::{FigureData, FigureKind};

/// Reads the tables of a normalisation study.
pub(super) fn load(group: &Group, _: &Path) -> Result<Findings> {
    Ok(Box::new(summary(&group.read::<StabilityRow>()?, &group.read::<FixedTrainingRow>()?)))
}

impl KindOfStudy for NormalisationSummary {
    fn interval(&self, claim: &Claim) -> Result<Option<Interval>> {
        let known = |names: &[String; 2], is_known: &dyn Fn(&str) -> bool| {
            for name in names {
                ensure!(is_known(name), "`between` names `{name}`, which the study does not compare");
            }
            Ok(())
        };
        match (claim.statistic, &claim.between) {
            (Statistic::StableShare, _) => Ok(self.stable_share()),
            (Statistic::DivergenceDifference, Some(names)) => {
                known(names, &|name| self.stability(name).is_some())?;
                Ok(self.divergence_difference(&names[0], &names[1]))
            }
            (Statistic::ErrorDifference, Some(names)) => {
                known(names, &|name| self.fixed(name).is_some())?;
                Ok(self.error_difference(&names[0], &names[1]))
            }
            _ => Err(no_statistic(claim)),
        }
    }

    fn headline(&self) -> String {
        Statistic::StableShare.text(self.stable_share())
    }

    fn n(&self) -> Option<(usize, &'static str)> {
        Some((self.n(), "trainings"))
    }

    fn left_out(&self) -> String {
        self.left_out()
    }

    fn caption(&self) -> Vec<String> {
        vec![
            format!("simple WeightNorm trains: {}", share_text(self.stable_share())),
            "left: trainings of SMASH networks at each rate".to_owned(),
            "right: a circle is an architecture, a diamond the mean".to_owned(),
            format!("{BOOTSTRAP} of means, Wilson of shares"),
        ]
    }

    fn paragraphs(&self) -> Vec<String> {
        let rates = self.rates.iter().map(|rate| format!("rate {rate}"));
        let names: Vec<String> = ["normalisation".to_owned()].into_iter().chain(rates).collect();
        let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
        names.extend(["all rates", "share that diverges", "lowest training error of a rate"]);
        let line = |stability: &Stability| {
            let counts = stability.counts();
            let share = share_text(stability.all.share());
            let error = stability.lowest_error.map_or_else(|| "none trained".to_owned(), percent);
            [stability.name.clone()].into_iter().chain(counts).chain([share, error]).collect()
        };
        let smash = table(&names, self.smash.iter().map(line));
        let fixed_names = ["normalisation", "diverged", "true error", "above BatchNorm", "architectures", "left out"];
        let fixed = table(&fixed_names, self.fixed.iter().map(fixed_line));
        vec![
            "Trainings of SMASH networks that diverge, by normalisation of the generated 1x1 weights. Shares have Wilson's \
             interval."
                .to_owned(),
            smash,
            "Networks of fixed architectures. Differences are paired by architecture and seed, and have a 95 % bootstrap \
             interval over architectures."
                .to_owned(),
            fixed,
            left_out_sentence(&self.left_out()).trim_end().to_owned(),
        ]
        .into_iter()
        .filter(|paragraph| !paragraph.is_empty())
        .collect()
    }

    fn figure(&self, kind: FigureKind) -> Result<FigureData<'_>> {
        match kind {
            FigureKind::NormalisationPanels => Ok(FigureData::Normalisation(self)),
            _ => Err(does_not_fit(kind)),
        }
    }
}

fn fixed_line(fixed: &Fixed) -> Vec<String> {
    let is_standard = fixed.name == BATCH_NORM;
    let unless_standard = |text: String| if is_standard { String::new() } else { text };
    vec![
        fixed.name.clone(),
        format!("{} of {}", fixed.all.diverged, fixed.all.n),
        fixed.error.map_or_else(|| "none trained".to_owned(), percent),
        unless_standard(points_text(fixed.drops.mean())),
        unless_standard(fixed.drops.n().to_string()),
        unless_standard(left_out_text(&[(fixed.drops.left_out, "unpaired, because a training diverged")])),
    ]
}

//! Findings of an ensemble study: how far SMASH networks of different seeds agree.

use std::path::Path;

use anyhow::Result;
use results::statistics::bootstrap::Interval;
use results::store::Group;
use results::summaries::ensemble::summary;
use results::summaries::text::interval_text;
use results::{Claim, EnsembleSummary, MemberScoreRow, Statistic};

use super::markdown::bootstrap_note;
use super::{BOOTSTRAP, Findings, KindOfStudy, Values, does_not_fit, no_statistic, with_deviation};
use crate::figure::definition::{FigureData, FigureKind};

/// Reads the table of an ensemble study.
pub(super) fn load(group: &Group, _: &Path) -> Result<Findings> {
    Ok(Box::new(summary(&group.read::<MemberScoreRow>()?)))
}

impl KindOfStudy for EnsembleSummary {
    fn interval(&self, claim: &Claim) -> Result<Option<Interval>> {
        match claim.statistic {
            Statistic::MemberAgreement => Ok(self.agreement),
            _ => Err(no_statistic(claim)),
        }
    }

    fn headline(&self) -> String {
        Statistic::MemberAgreement.text(self.agreement)
    }

    fn n(&self) -> Option<(usize, &'static str)> {
        Some((self.n(), "architectures"))
    }

    fn left_out(&self) -> String {
        self.left_out()
    }

    fn caption(&self) -> Vec<String> {
        let agreement = format!("mean Kendall τ between HyperNets {}", interval_text(self.agreement));
        let shares = self.shares.map(|shares| format!("variance: {shares}"));
        [agreement, BOOTSTRAP.to_owned()].into_iter().chain(shares).collect()
    }

    fn paragraphs(&self) -> Vec<String> {
        let shares = match self.shares {
            Some(shares) => format!("Parts of the variance of scores: {shares}."),
            None => "The variance of scores cannot be divided.".to_owned(),
        };
        let agreement = format!(
            "Mean Kendall τ between two of {} HyperNets, on {} architectures: {}. {shares}",
            self.members,
            self.n(),
            interval_text(self.agreement)
        );
        vec![agreement, bootstrap_note(&self.left_out(), "architectures")]
    }

    fn figure(&self, kind: FigureKind) -> Result<FigureData<'_>> {
        match kind {
            FigureKind::ScoreRank => Ok(FigureData::Ensemble(self)),
            _ => Err(does_not_fit(kind)),
        }
    }

    fn values(&self) -> Option<Values> {
        let of_seeds = self.seeds.iter().flat_map(|seed| {
            let ranked = seed.ranked.iter();
            ranked.map(|ranked| {
                let key = (seed.seed, ranked.architecture);
                (key, vec![with_deviation(ranked.mean, ranked.deviation)])
            })
        });
        Some(Values { names: vec!["mean score"], of_architectures: of_seeds.collect() })
    }
}

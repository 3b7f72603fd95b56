//! The claims of a definition about its result, and the verdict of the data on each.

use std::fmt;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::statistics::bootstrap::Interval;
use crate::statistics::coefficients::Coefficient;
use crate::summaries::text::{error_text, interval_text, points_text, ratio_text, share_text};

/// A claim that a machine can check: a statistic is greater than a value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stated")]
pub struct Claim {
    /// The statistic.
    pub statistic: Statistic,
    /// Value that the statistic is claimed to exceed; errors and shares are fractions, as in the tables.
    pub greater_than: f64,
    /// The two systems or normalisations of an [`Statistic::ErrorDifference`], the two predictors of a [`Statistic::TauDifference`]
    /// or a [`Statistic::ScoreDifference`], the two normalisations of a [`Statistic::DivergenceDifference`] or the two costs of a [`Statistic::CostReduction`]. The first
    /// is claimed to be better.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub between: Option<[String; 2]>,
    /// The search space, for a statistic of sampled architectures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
}

/// A claim as a definition states it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stated {
    statistic: Statistic,
    greater_than: f64,
    between: Option<[String; 2]>,
    of: Option<String>,
}

impl TryFrom<Stated> for Claim {
    type Error = String;

    fn try_from(stated: Stated) -> Result<Self, String> {
        let Stated { statistic, greater_than, between, of } = stated;
        let of_two = match statistic {
            Statistic::ErrorDifference => Some("systems"),
            Statistic::TauDifference | Statistic::ScoreDifference => Some("predictors"),
            Statistic::DivergenceDifference => Some("normalisations"),
            Statistic::CostReduction => Some("costs"),
            _ => None,
        };
        let name = statistic.name();
        match (of_two, &between) {
            (Some(of), None) => {
                return Err(format!("statistic `{name}` needs `between`, the names of two {of}"));
            }
            (None, Some(_)) => {
                return Err(format!(
                    "statistic `{name}` has no `between`, which belongs to `error-difference`, `tau-difference`, \
                     `score-difference`, `divergence-difference` and `cost-reduction` alone"
                ));
            }
            _ => {}
        }
        match (statistic.is_of_space(), &of) {
            (true, None) => Err(format!("statistic `{name}` needs `of`, the name of a search space")),
            (false, Some(_)) => Err(format!(
                "statistic `{name}` has no `of`, which belongs to the statistics of sampled architectures alone"
            )),
            _ => Ok(Self { statistic, greater_than, between, of }),
        }
    }
}

/// The claims of a definition, in its order. A single claim is written as a table, and several as a list of tables.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Claims(pub Vec<Claim>);

impl Claims {
    /// Whether there is no claim.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Claims {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0[..] {
            [claim] => claim.serialize(serializer),
            claims => claims.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Claims {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OneOrMore)
    }
}

/// Reads a claim or a list of claims.
struct OneOrMore;

impl<'de> Visitor<'de> for OneOrMore {
    type Value = Claims;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a claim or a list of claims")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Claims, A::Error> {
        Claim::deserialize(MapAccessDeserializer::new(map)).map(|claim| Claims(vec![claim]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Claims, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(list)).map(Claims)
    }
}

/// Statistics that a claim can be about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Statistic {
    /// Kendall's tau between predictor and true error.
    Kendall,
    /// Kendall's partial tau between a study's first predictor and true error, given the number of parameters.
    PartialKendall,
    /// Spearman's rank correlation between predictor and true error.
    Spearman,
    /// Pearson's coefficient between predictor and true error.
    Pearson,
    /// Mean SMASH score of the artefact to compare with, minus that of this artefact.
    LevelDrop,
    /// Kendall's tau of the artefact to compare with, minus that of this artefact.
    TauDrop,
    /// Mean true error of the best tenth by this artefact's score, minus that of the best tenth by the score of the artefact
    /// to compare with.
    TopModelsRise,
    /// Mean Kendall tau between the scores of two SMASH networks of different seeds.
    MemberAgreement,
    /// Kendall's tau of the first of two predictors, minus that of the second.
    TauDifference,
    /// Mean score by the second of two predictors minus that by the first.
    ScoreDifference,
    /// Standard deviation between SMASH networks of their mean score, divided by that between architectures of one network's
    /// scores.
    LevelSpread,
    /// Mean score minus the mean true error of the same architectures.
    ScoreExcess,
    /// Share of architectures for which the correct encoding has the lowest error of all.
    CorrectIsBest,
    /// Mean increase of the error caused by a corrupted encoding.
    CorruptionLoss,
    /// Lowest error found by random steps, minus that found by steps along the gradient.
    GradientGain,
    /// Lowest score of random sampling minus the lowest score of the later stages of a search.
    SearchGain,
    /// Test error found by random search minus that found by SMASH, at equal cost.
    SearchCostGain,
    /// Error of the second of two systems or normalisations minus that of the first.
    ErrorDifference,
    /// Validation error of resulting networks after the first epoch from standard initial weights, minus that from generated ones.
    FirstEpochGain,
    /// Test error of resulting networks at the end from generated initial weights, minus that from standard ones.
    StandardStartGain,
    /// [`Self::StandardStartGain`] minus the same of networks with WeightNorm in place of BatchNorm.
    StartDisparity,
    /// Share of SMASH trainings that diverge with the second of two normalisations, minus the share with the first.
    DivergenceDifference,
    /// Share of SMASH trainings with simple WeightNorm that do not diverge.
    StableShare,
    /// Orders of magnitude by which the first of two costs lies below the second.
    CostReduction,
    /// Share of draws whose blocks use no more memory banks than the paper states.
    WithinBanks,
    /// Mean share of these banks that a block leaves unused.
    SpareBanks,
    /// Share of draws within the paper's budget of parameters.
    WithinBudget,
    /// Share of draws with no more parameters than the paper calls rarely exceeded.
    RarelyExceeded,
    /// Share of draws with about the size of the network that the paper found.
    FoundSize,
}

impl Statistic {
    /// All statistics.
    pub const ALL: [Self; 29] = [
        Self::Kendall,
        Self::PartialKendall,
        Self::Spearman,
        Self::Pearson,
        Self::LevelDrop,
        Self::TauDrop,
        Self::TopModelsRise,
        Self::MemberAgreement,
        Self::TauDifference,
        Self::ScoreDifference,
        Self::LevelSpread,
        Self::ScoreExcess,
        Self::CorrectIsBest,
        Self::CorruptionLoss,
        Self::GradientGain,
        Self::SearchGain,
        Self::SearchCostGain,
        Self::ErrorDifference,
        Self::FirstEpochGain,
        Self::StandardStartGain,
        Self::StartDisparity,
        Self::DivergenceDifference,
        Self::StableShare,
        Self::CostReduction,
        Self::WithinBanks,
        Self::SpareBanks,
        Self::WithinBudget,
        Self::RarelyExceeded,
        Self::FoundSize,
    ];

    /// Its name in definitions.
    fn name(self) -> String {
        let name = toml::Value::try_from(self).expect("a statistic is written by its name");
        name.as_str().expect("a name is text").to_owned()
    }

    /// Whether it is about the architectures drawn from one search space.
    fn is_of_space(self) -> bool {
        matches!(
            self,
            Self::WithinBanks | Self::SpareBanks | Self::WithinBudget | Self::RarelyExceeded | Self::FoundSize
        )
    }

    /// Name and value: `Kendall τ +0.21 [+0.06, +0.35]`.
    pub fn text(self, interval: Option<Interval>) -> String {
        format!("{} {}", self.label(), self.value_text(interval))
    }

    /// A value of the statistic, in its unit.
    pub fn value_text(self, interval: Option<Interval>) -> String {
        match self {
            Self::Kendall
            | Self::PartialKendall
            | Self::Spearman
            | Self::Pearson
            | Self::TauDrop
            | Self::MemberAgreement
            | Self::TauDifference
            | Self::CostReduction => interval_text(interval),
            Self::LevelSpread => ratio_text(interval),
            Self::WithinBanks | Self::SpareBanks | Self::WithinBudget | Self::RarelyExceeded | Self::FoundSize => {
                error_text(interval)
            }
            Self::CorrectIsBest | Self::StableShare => share_text(interval),
            Self::LevelDrop
            | Self::ScoreDifference
            | Self::TopModelsRise
            | Self::ScoreExcess
            | Self::CorruptionLoss
            | Self::GradientGain
            | Self::SearchGain
            | Self::SearchCostGain
            | Self::ErrorDifference
            | Self::FirstEpochGain
            | Self::StandardStartGain
            | Self::StartDisparity
            | Self::DivergenceDifference => points_text(interval),
        }
    }

    /// Human-readable name.
    pub fn label(self) -> &'static str {
        match self {
            Self::Kendall => Coefficient::Kendall.label(),
            Self::Spearman => Coefficient::Spearman.label(),
            Self::Pearson => Coefficient::Pearson.label(),
            Self::PartialKendall => "Kendall τ given parameters",
            Self::LevelDrop => "drop of the mean score",
            Self::TauDrop => "drop of Kendall τ",
            Self::TopModelsRise => "rise of the best tenth's true error",
            Self::MemberAgreement => "Kendall τ between HyperNets",
            Self::TauDifference => "difference of Kendall τ",
            Self::ScoreDifference => "difference of the mean score",
            Self::LevelSpread => "spread of mean scores between networks over that between architectures",
            Self::ScoreExcess => "mean score above mean true error",
            Self::CorrectIsBest => "share with the correct encoding best",
            Self::CorruptionLoss => "mean increase of error by corruption",
            Self::GradientGain => "gain of the gradient over random steps",
            Self::SearchGain => "gain of the search over random sampling",
            Self::SearchCostGain => "gain of SMASH over random search at equal cost",
            Self::ErrorDifference => "difference of test error",
            Self::FirstEpochGain => "gain by generated initial weights after the first epoch",
            Self::StandardStartGain => "gain by standard initial weights at the end",
            Self::StartDisparity => "gain by standard initial weights, BatchNorm minus WeightNorm",
            Self::DivergenceDifference => "difference of the share that diverges",
            Self::StableShare => "share that trains with simple WeightNorm",
            Self::CostReduction => "orders of magnitude between costs",
            Self::WithinBanks => "share of draws within the stated banks",
            Self::SpareBanks => "mean share of the stated banks left unused",
            Self::WithinBudget => "share of draws within the budget of parameters",
            Self::RarelyExceeded => "share of draws up to the rarely exceeded size",
            Self::FoundSize => "share of draws of the found network's size",
        }
    }
}

impl Claim {
    /// The subject of the claim: its statistic, with its systems, predictors, costs or space.
    pub fn subject(&self) -> String {
        match (&self.between, &self.of) {
            (Some([better, worse]), _) if self.statistic == Statistic::TauDifference => {
                format!("τ of {better} - τ of {worse}")
            }
            (Some([better, worse]), _) if self.statistic == Statistic::ScoreDifference => {
                format!("mean score of {worse} - mean score of {better}")
            }
            (Some([better, worse]), _) if self.statistic == Statistic::DivergenceDifference => {
                format!("share diverged with {worse} - share with {better}")
            }
            (Some([first, second]), _) if self.statistic == Statistic::CostReduction => {
                format!("orders of magnitude from {first} to {second}")
            }
            (Some([better, worse]), _) => format!("error of {worse} - error of {better}"),
            (None, Some(space)) => format!("{space}: {}", self.statistic.label()),
            (None, None) => self.statistic.label().to_owned(),
        }
    }

    /// The claim with other names of its systems.
    pub fn with_systems(&self, name: impl Fn(&str) -> String) -> Self {
        let between = self.between.as_ref().map(|systems| [&systems[0], &systems[1]].map(|system| name(system)));
        Self { between, ..self.clone() }
    }

    /// Judges the claim by the 95 % interval of its statistic.
    ///
    /// `None` stands for a statistic that the data leave undefined. `ceiling` is the most that the statistic can be
    /// expected to be, if known. Data that are too noisy for anything to fulfil the claim do not refute it.
    pub fn judge(&self, interval: Option<Interval>, ceiling: Option<Interval>) -> Verdict {
        let is_in_reach = ceiling.is_none_or(|ceiling| ceiling.low > self.greater_than);
        match interval {
            // Some resamples leave the statistic undefined: the sample is too small for an interval to judge by.
            Some(interval) if interval.undefined > 0 => Verdict::Undecided,
            Some(interval) if interval.low > self.greater_than => Verdict::Held,
            Some(interval) if interval.high < self.greater_than && is_in_reach => Verdict::NotHeld,
            _ => Verdict::Undecided,
        }
    }
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} > {}", self.subject(), self.greater_than)
    }
}

/// The verdict of the data on a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The whole interval agrees with the claim.
    Held,
    /// The whole interval contradicts it.
    NotHeld,
    /// The interval agrees in part and contradicts in part, or there is none.
    Undecided,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Held => "held",
            Self::NotHeld => "not held",
            Self::Undecided => "undecided",
        })
    }
}

#[cfg(test)]
mod tests;

//! Figure 5b of the paper: do SMASH networks that differ only in their seed score architectures alike?

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::statistics::bootstrap::{Interval, Units, bootstrap};
use crate::statistics::sample::{mean, standard_deviation};
use crate::statistics::tau::{ranks_by_column, tau_between_columns};
use crate::summaries::join::complete_mean;
use crate::summaries::text::{interval_text, left_out_text, percent};
use crate::tables::rows::MemberScoreRow;

/// How far the members of an ensemble agree.
#[derive(Clone, Debug, PartialEq)]
pub struct EnsembleSummary {
    /// Largest number of members of any root seed's ensemble.
    pub members: usize,
    /// The ensemble of each root seed, in order.
    pub seeds: Vec<EnsembleSeed>,
    /// Kendall's tau between the scores of two members, the mean over pairs of members and over the root seeds.
    pub agreement: Option<Interval>,
    /// Parts of the variance of scores, the means over the root seeds. `None` if a root seed has one member, one
    /// architecture or no variance.
    pub shares: Option<VarianceShares>,
    /// Architectures left out because a member has no score of them, or one of its draws did not end ok.
    pub incomplete: usize,
}

/// One root seed's ensemble.
#[derive(Clone, Debug, PartialEq)]
pub struct EnsembleSeed {
    /// The root seed.
    pub seed: u64,
    /// The architectures with a score by every member, from the lowest mean to the highest.
    pub ranked: Vec<Ranked>,
}

/// One architecture's scores.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranked {
    /// The architecture.
    pub architecture: u32,
    /// Mean score over the members, in [0, 1].
    pub mean: f64,
    /// Standard deviation of the score over the members; `None` with one member.
    pub deviation: Option<f64>,
    /// The score by each member: the mean over its noise draws.
    pub scores: Vec<f64>,
}

/// Parts of the sum of squares of the scores x(a, m) of architecture a by member m; they add up to 1.
///
/// There are A architectures and M members. x(a) is the mean over members, x(m) the mean over architectures, and x the
/// mean over all. Then:
/// `Σ (x(a, m) - x)² = M Σ (x(a) - x)² + A Σ (x(m) - x)² + Σ (x(a, m) - x(a) - x(m) + x)²`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VarianceShares {
    /// Part between architectures, on which all members agree: the first sum.
    pub architectures: f64,
    /// Part between members, some of which give lower scores to all architectures than others: the second sum.
    pub members: f64,
    /// The remaining part, on which members disagree: the third sum.
    pub rest: f64,
}

impl VarianceShares {
    /// Splits the variance of `scores[a][m]`; `None` without variance.
    fn of(scores: &[&[f64]]) -> Option<Self> {
        let members = scores.first().map_or(0, |scores| scores.len());
        if members < 2 || scores.len() < 2 {
            return None;
        }
        let of_architectures: Vec<f64> = scores.iter().map(|scores| mean(scores)).collect();
        let of_member = |member: usize| scores.iter().map(|scores| scores[member]).sum::<f64>() / scores.len() as f64;
        let of_members: Vec<f64> = (0..members).map(of_member).collect();
        let middle = mean(&of_architectures);
        let squares = |values: &[f64]| values.iter().map(|x| (x - middle).powi(2)).sum::<f64>();
        let architectures = members as f64 * squares(&of_architectures);
        let between_members = scores.len() as f64 * squares(&of_members);
        let all: f64 = scores.iter().map(|scores| squares(scores)).sum();
        (all > 0.0).then(|| Self {
            architectures: architectures / all,
            members: between_members / all,
            rest: (all - architectures - between_members).max(0.0) / all,
        })
    }
}

/// The errors of each architecture by noise draw; `None` for a draw that did not end ok.
type Draws = BTreeMap<u32, BTreeMap<u32, Option<f64>>>;

/// Averages scores over draws and members, and measures how far members agree.
pub fn summary(rows: &[MemberScoreRow]) -> EnsembleSummary {
    // By root seed and member.
    let mut draws: BTreeMap<u64, BTreeMap<u32, Draws>> = BTreeMap::new();
    for row in rows {
        let of_member = draws.entry(row.seed).or_default().entry(row.member).or_default();
        of_member.entry(row.architecture).or_default().insert(row.draw, row.error);
    }
    let members = draws.values().map(BTreeMap::len).max().unwrap_or(0);
    let mut incomplete = 0;
    let mut seeds = Vec::new();
    for (&seed, members) in &draws {
        let architectures: BTreeSet<u32> = members.values().flat_map(BTreeMap::keys).copied().collect();
        let mut ranked: Vec<Ranked> = architectures.iter().filter_map(|&a| ranked(a, members)).collect();
        incomplete += architectures.len() - ranked.len();
        ranked.sort_by(|a, b| a.mean.total_cmp(&b.mean));
        seeds.push(EnsembleSeed { seed, ranked });
    }
    let groups: Vec<Vec<&[f64]>> =
        seeds.iter().map(|seed| seed.ranked.iter().map(|ranked| &ranked.scores[..]).collect()).collect();
    let shares: Option<Vec<VarianceShares>> = groups.iter().map(|group| VarianceShares::of(group)).collect();
    let average = |part: fn(&VarianceShares) -> f64, shares: &[VarianceShares]| {
        mean(&shares.iter().map(part).collect::<Vec<_>>())
    };
    let of_members = |group: &Vec<&[f64]>| ranks_by_column(group, group.first().map_or(0, |scores| scores.len()));
    let ranks: Vec<Vec<Vec<u32>>> = groups.iter().map(of_members).collect();
    let ranks: Vec<Vec<&[u32]>> = ranks.iter().map(|group| group.iter().map(Vec::as_slice).collect()).collect();
    EnsembleSummary {
        members,
        agreement: bootstrap(&ranks, Units::Own, tau_between_columns),
        shares: shares.filter(|shares| !shares.is_empty()).map(|shares| VarianceShares {
            architectures: average(|shares| shares.architectures, &shares),
            members: average(|shares| shares.members, &shares),
            rest: average(|shares| shares.rest, &shares),
        }),
        seeds,
        incomplete,
    }
}

/// The scores of an architecture, if every member has one.
fn ranked(architecture: u32, members: &BTreeMap<u32, Draws>) -> Option<Ranked> {
    let score = |of_member: &Draws| complete_mean(of_member.get(&architecture)?.values().copied());
    let scores: Vec<f64> = members.values().map(score).collect::<Option<_>>()?;
    Some(Ranked { architecture, mean: mean(&scores), deviation: standard_deviation(&scores), scores })
}

impl EnsembleSummary {
    /// Number of architectures with a score by every member, over all root seeds.
    pub fn n(&self) -> usize {
        self.seeds.iter().map(|seed| seed.ranked.len()).sum()
    }

    /// Describes what was left out; empty if nothing was.
    pub fn left_out(&self) -> String {
        left_out_text(&[(self.incomplete, "without a score by every HyperNet")])
    }
}

/// Writes the parts in percent.
impl fmt::Display for VarianceShares {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} between architectures, {} between HyperNets, {} on which they disagree",
            percent(self.architectures),
            percent(self.members),
            percent(self.rest)
        )
    }
}

/// A few lines for a terminal.
impl fmt::Display for EnsembleSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "scores by {} HyperNets, n = {} architectures", self.members, self.n())?;
        if self.incomplete > 0 {
            writeln!(f, "left out: {}", self.left_out())?;
        }
        writeln!(f, "mean Kendall τ between two of them {}", interval_text(self.agreement))?;
        match self.shares {
            Some(shares) => write!(f, "variance of scores: {shares}"),
            None => write!(f, "variance of scores: undefined"),
        }
    }
}

#[cfg(test)]
mod tests;

//! What a definition claims about its result, and the verdict of the data.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::statistics::{Coefficient, Interval};

/// A claim that a machine can check: the coefficient between SMASH score and true error is greater
/// than a value.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// The coefficient.
    pub statistic: Coefficient,
    /// What it is claimed to exceed.
    pub greater_than: f64,
}

impl Claim {
    /// Judges the claim by the 95 % interval of its coefficient; `None` stands for a coefficient
    /// that the data leave undefined.
    pub fn judge(&self, interval: Option<Interval>) -> Verdict {
        match interval {
            // A sample so small that some resamples leave the coefficient undefined has no interval to judge by.
            Some(interval) if interval.undefined > 0 => Verdict::Undecided,
            Some(interval) if interval.low > self.greater_than => Verdict::Supported,
            Some(interval) if interval.high < self.greater_than => Verdict::Refuted,
            _ => Verdict::Undecided,
        }
    }
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} > {}", self.statistic.label(), self.greater_than)
    }
}

/// What the data say about a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The whole interval agrees with the claim.
    Supported,
    /// The whole interval contradicts it.
    Refuted,
    /// The interval holds both, or there is none.
    Undecided,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Supported => "supported",
            Self::Refuted => "refuted",
            Self::Undecided => "undecided",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_needs_the_whole_interval() {
        let claim = Claim {
            statistic: Coefficient::Kendall,
            greater_than: 0.0,
        };
        let check = |low, high, expected| {
            let interval = Interval {
                estimate: (low + high) / 2.0,
                low,
                high,
                undefined: 0,
            };
            assert_eq!(claim.judge(Some(interval)), expected, "[{low}, {high}]");
        };
        check(0.1, 0.5, Verdict::Supported);
        check(-0.5, -0.1, Verdict::Refuted);
        check(-0.1, 0.9, Verdict::Undecided);
        check(0.0, 0.9, Verdict::Undecided);
        check(-0.9, 0.0, Verdict::Undecided);
        assert_eq!(claim.judge(None), Verdict::Undecided);
        let degenerate = Interval {
            estimate: -1.0,
            low: -1.0,
            high: -1.0,
            undefined: 1,
        };
        assert_eq!(claim.judge(Some(degenerate)), Verdict::Undecided);
    }

    #[test]
    fn a_claim_is_parsed_strictly() {
        let parse = toml::from_str::<Claim>;
        let claim = parse("statistic = \"kendall\"\ngreater_than = 0.25").unwrap();
        assert_eq!(claim.to_string(), "Kendall τ > 0.25");
        assert!(parse("statistic = \"tau\"\ngreater_than = 0.0").is_err());
        assert!(parse("statistic = \"kendall\"").is_err());
        assert!(parse("statistic = \"kendall\"\ngreater_than = 0.0\nless_than = 1.0").is_err());
    }
}

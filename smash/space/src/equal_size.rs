//! Hand-designed networks as large as another network.
//!
//! The paper sets networks of 1.6 to 38.6 million parameters side by side (section 4.4). Equal sizes are our addition.

use crate::baselines::Baseline;
use crate::blueprint::Blueprint;
use crate::counts::Counts;
use crate::error::BaselineError;
use crate::task::Task;

/// Largest width that is tried.
const WIDEST: usize = 8192;

/// The count that two networks have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SizeCount {
    /// Learned parameters.
    Parameters,
    /// Multiply-adds for one image.
    MultiplyAdds,
}

impl SizeCount {
    /// Both counts.
    pub const ALL: [Self; 2] = [Self::Parameters, Self::MultiplyAdds];

    /// Name in words and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Parameters => "parameters",
            Self::MultiplyAdds => "multiply-adds",
        }
    }

    /// This one of a network's counts.
    pub fn of(self, counts: Counts) -> u64 {
        match self {
            Self::Parameters => counts.parameters,
            Self::MultiplyAdds => counts.multiply_adds,
        }
    }
}

/// A hand-designed network with the width whose count is nearest to `budget`, up or down. Equally near widths give the narrower
/// one. Depth and all else stay.
///
/// # Errors
/// As [`Baseline::blueprint`].
pub fn nearest(baseline: &Baseline, task: Task, count: SizeCount, budget: u64) -> Result<Blueprint, BaselineError> {
    let of_width = |width| baseline.of_width(task, width);
    let size = |width| Ok::<u64, BaselineError>(count.of(of_width(width)?.counts()));
    // Counts rise with the width. `high` becomes the first width that reaches the budget, `low` the one before it.
    let [mut low, mut high] = [0, 1];
    while high < WIDEST && size(high)? < budget {
        low = high;
        high = (2 * high).min(WIDEST);
    }
    while high - low > 1 {
        let middle = low.midpoint(high);
        if size(middle)? < budget {
            low = middle;
        } else {
            high = middle;
        }
    }
    let is_low_nearer = low > 0 && budget.abs_diff(size(low)?) <= budget.abs_diff(size(high)?);
    of_width(if is_low_nearer { low } else { high })
}

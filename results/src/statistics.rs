//! Statistics of a ranking: correlation coefficients, least-squares lines, bootstrap intervals, and the noise of errors.
//!
//! A statistic that is undefined for its data (fewer than two points, no variance) is `None`. Samples hold only finite
//! numbers; anything else breaks an invariant and panics.

pub mod bootstrap;
pub mod ceiling;
pub mod coefficients;
pub mod front;
pub mod noise;
pub mod paired;
pub mod paired_bootstrap;
pub mod power;
pub mod ranking;
pub mod sample;
pub mod student;
pub mod tau;

#[cfg(test)]
pub(crate) mod tests;

//! The commands that run artefacts, and that draw, export and compare their results.

pub mod architecture;
pub mod benchmark;
pub mod claims;
pub mod combinations;
pub mod compare;
pub mod draw;
pub mod forward;
pub mod list;
mod notices;
pub mod package;
pub mod report;
pub mod reproduce;
pub mod status;

/// The scales of a run. They are named here too, so that a wrong name is an error before any build.
pub const SCALES: [&str; 4] = ["smoke", "laptop", "gpu", "paper"];

//! The commands of the binary that are more than a few lines.

pub mod claims;
pub mod compare;
pub mod deviations;
pub mod draw;
pub mod form;
pub mod rank;
pub mod stats;
pub mod status;
pub mod stored;
pub mod summary;

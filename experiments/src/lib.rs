//! What is run: definitions with overlays for each scale, units of work, and the study kinds.

pub mod correlation;
pub mod definition;
pub mod device;
pub mod provenance;
pub mod run;
pub mod units;

//! What is run: definitions with overlays for each scale, units of work, and the study kinds.

pub mod correlation;
pub mod definition;
pub mod device;
pub mod fidelity;
/// Agreement with numbers of the released code, for devices that tests do not run on.
#[path = "../../smash/tests/golden/mod.rs"]
mod golden;
pub mod peer;
pub mod provenance;
pub mod run;
pub mod study;
pub mod throughput;
pub mod truths;
pub mod units;
pub mod workers;

//! The experiments: definitions with an overlay for each scale, units of work, and the study kinds.

// With the feature `cuda`, `device` loads a CUDA library, which needs unsafe code.
#![cfg_attr(not(feature = "cuda"), forbid(unsafe_code))]

pub mod benchmark;
pub mod comparison;
pub mod correlation;
pub mod corruption;
pub mod definition;
pub mod device;
pub mod drawings;
pub mod ensemble;
pub mod fidelity;
pub mod found;
/// Comparison with numbers of the released code, for devices that the tests do not run on.
#[path = "../../smash/tests/golden/mod.rs"]
mod golden;
pub mod networks;
pub mod part;
pub mod peer;
pub mod plan;
pub mod pool;
mod power;
pub mod predictors;
pub mod provenance;
pub mod proxy;
pub mod record;
pub mod regime;
pub mod run;
pub mod scores;
pub mod search;
pub mod smash_run;
pub mod stop;
pub mod studies;
pub mod study;
mod study_checks;
pub mod throughput;
pub mod training;
pub mod trials;
pub mod truths;
pub mod units;
pub mod workers;
pub mod workflow;

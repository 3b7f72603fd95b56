//! The experiments: definitions with an overlay for each scale, units of work, and the study kinds.

// With the feature `cuda`, the module `cuda` loads CUDA's libraries, which needs unsafe code.
#![cfg_attr(not(feature = "cuda"), forbid(unsafe_code))]
#![deny(clippy::print_stdout, clippy::print_stderr)]

pub mod commands;
#[cfg(feature = "cuda")]
mod cuda;
pub mod device;
pub mod engine;
pub mod on_device;
mod peer;
pub mod provenance;
pub mod run;
pub mod settings;
mod studies;
pub mod tasks;

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

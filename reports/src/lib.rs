//! Figures, tables and the report, drawn from stored results.
//!
//! Every file is a function of the manifests and tables that it is drawn from: equal results give equal bytes.

#![forbid(unsafe_code)]
#![deny(clippy::print_stdout, clippy::print_stderr)]

pub mod artefact;
pub mod drawing;
pub mod figure;
pub mod findings;
pub mod ledger;
pub mod output;
pub mod picture;
pub mod report;

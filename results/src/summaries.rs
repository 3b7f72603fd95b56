//! From the tables of a study to its summary: one file for each kind of study, the claims, and statistics in words.

pub mod architectures;
pub mod claim;
pub mod comparison;
pub mod contrast;
pub mod correlation;
pub mod corruption;
pub mod cost;
pub mod ensemble;
pub mod figure;
pub mod fronts;
pub mod initialisation;
pub(crate) mod join;
pub mod levels;
#[cfg(test)]
pub(crate) mod made_up;
pub mod normalisation;
pub mod peer;
pub(crate) mod predictor;
pub mod predictors;
pub mod proxy;
pub mod ranked;
pub mod regime;
pub mod sampling;
pub mod search;
pub mod search_cost;
pub mod taus;
pub mod text;
pub mod throughput;

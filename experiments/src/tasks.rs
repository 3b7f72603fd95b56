//! The kinds of work that several study kinds share.

pub(crate) mod images;
pub(crate) mod kept_networks;
pub(crate) mod known_errors;
pub(crate) mod learning_curve;
pub mod pool;
pub(crate) mod predictions;
pub(crate) mod score_search;
pub(crate) mod scores;
pub(crate) mod setup;
pub(crate) mod smash_network;
pub mod stored_rows;
pub(crate) mod trained_search;
pub(crate) mod training;
pub(crate) mod true_errors;
pub(crate) mod verification;

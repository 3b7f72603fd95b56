//! The kinds of work that several study kinds share.

pub mod images;
pub mod kept_networks;
pub mod known_errors;
pub mod learning_curve;
pub mod pool;
pub mod predictions;
pub mod score_search;
pub mod scores;
pub mod setup;
pub mod smash_network;
pub mod stored_rows;
pub mod trained_search;
pub mod training;
pub mod true_errors;
pub mod verification;

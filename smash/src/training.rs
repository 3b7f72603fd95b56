//! Training of SMASH networks and of resulting networks, with evaluation and checkpoints.

pub mod checkpoint;
pub mod evaluation;
pub mod guide;
pub mod images;
pub mod optimiser;
pub mod resulting_training;
pub mod smash_training;

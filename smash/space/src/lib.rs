//! The search space of SMASH (paper, sections 3.2 and 3.3): architectures as plain data, without tensors.
//!
//! A [`SearchSpace`] holds the limits, and [`sampling::sample`] draws an [`Architecture`] from it. [`Encoding`] is the
//! tensor c of the architecture. [`Blueprint`] describes the network that the architecture stands for, step by step.
#![forbid(unsafe_code)]

pub mod architecture;
pub mod baselines;
pub mod blueprint;
mod canonical;
pub mod corruption;
pub mod counts;
pub mod elements;
pub mod encoding;
pub mod equal_size;
pub mod error;
pub mod features;
pub mod forms;
pub mod learned_convolutions;
pub mod named_blocks;
pub mod op_forms;
pub mod op_normalisation;
pub mod random;
pub mod sampling;
pub mod space;
pub mod task;

pub use architecture::{Architecture, Block, Conv, Op};
pub use blueprint::{Activation, Blueprint};
pub use counts::Counts;
pub use encoding::Encoding;
pub use forms::{Memory, Read, Stem, Write};
pub use learned_convolutions::LearnedConvolutions;
pub use op_forms::OpForms;
pub use op_normalisation::OpNormalisation;
pub use random::{Seed, Stream};
pub use sampling::Limits;
pub use space::SearchSpace;
pub use task::Task;

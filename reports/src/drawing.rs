//! Drawings of architectures: as graphs, as memory banks, and as encodings (paper, figures 1, 3 and 6 to 13).
//!
//! A graph is simplified, or shows every convolution.

mod architecture;
mod banks;
mod compact;
mod dot;
mod encoding;
mod graph;
mod layout;
#[cfg(test)]
mod made_up;
mod network;
mod scene;

pub use architecture::Architecture;
pub use banks::banks_figure;
pub(crate) use compact::{Compact, compact};
pub use dot::dot;
pub use encoding::encoding_figure;
pub use graph::Graph;
pub use network::graph_figure;
pub use scene::Scene;

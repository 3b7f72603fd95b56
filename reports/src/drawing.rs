//! Drawings of architectures: as graphs, simplified or with every convolution, as memory banks and as encodings (paper, figures
//! 1, 3 and 6 to 13).

pub mod architecture;
mod banks;
pub mod dot;
mod encoding;
pub mod graph;
mod layout;
mod network;
mod scene;

pub use banks::banks_figure;
pub use encoding::encoding_figure;
pub use network::{block_drawing, network_drawing};
pub use scene::Scene;

//! The networks: HyperNet, main network with generated weights, and networks with free weights.

pub mod free_network;
pub mod gabor;
pub mod generated_weights;
pub mod hypernet;
pub mod layers;
pub mod main_net;
pub mod memory;
pub mod op_form;
pub mod op_norm;
pub mod shared_weights;
pub mod smash_net;
mod volume;

//! The commands that check and measure this repository.

pub mod bench;
pub mod ci;
pub mod deny;
pub mod fuzz;
pub mod gpu_check;
mod kernel_times;
pub mod sanitize;
pub mod soak;
pub mod tables;
#[cfg(test)]
mod tidy;

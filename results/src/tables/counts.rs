//! The kinds of row of studies that sample and count, and train nothing. docs/tables.md lists them.

use crate::tables::declare;

declare! {
    /// One architecture drawn from a search space, in a study of the space itself.
    pub struct SampleRow in "samples" {
        /// Root seed of the run.
        pub seed: u64,
        /// Name of the space.
        pub space: String,
        /// Index of the draw, counted from 0 for each root seed and space.
        pub draw: u32,
        /// Canonical hash: equal for isomorphic architectures.
        pub canonical: String,
        /// Number of free parameters of the resulting network on CIFAR-100.
        pub parameters: u64 as "count",
        /// Cost of one forward pass of the resulting network on CIFAR-100.
        pub multiply_adds: u64 as "multiply-adds per example",
        /// Number of convolutions on the longest path from input to output.
        pub depth: u32 as "count",
        /// Number of ops in the first block.
        pub ops_block_1: u32 as "count",
        /// Number of ops in the second block.
        pub ops_block_2: u32 as "count",
        /// Number of ops in the third block.
        pub ops_block_3: u32 as "count",
        /// Number of memory banks in use in the first block.
        pub banks_block_1: u32 as "count",
        /// Number of memory banks in use in the second block.
        pub banks_block_2: u32 as "count",
        /// Number of memory banks in use in the third block.
        pub banks_block_3: u32 as "count",
    }
}

declare! {
    /// How often a number occurs among the ops of all architectures drawn from a space.
    pub struct OpValueRow in "op-values" {
        /// Root seed of the run.
        pub seed: u64,
        /// Name of the space.
        pub space: String,
        /// The counted quantity, such as `banks read`.
        pub quantity: String,
        /// The number.
        pub value: u32 as "the quantity's own",
        /// How often it occurs: once for each op, and once for each active convolution or each of its axes where the
        /// quantity belongs to convolutions.
        pub count: u64 as "count",
    }
}

declare! {
    /// The cost of one phase of a search or of a training, counted for one architecture. The mean over architectures
    /// is the cost of the phase.
    pub struct PhaseCostRow in "phase-costs" {
        /// Root seed of the run.
        pub seed: u64,
        /// Name of the system.
        pub system: String,
        /// The phase, such as `scores`.
        pub phase: String,
        /// Index of the sampled architecture, counted from 0; missing for a hand-designed network.
        pub architecture: Option<u32>,
        /// Cost of the whole phase if all its architectures were as large as this one.
        pub multiply_adds: f64 as "multiply-adds",
    }
    fault(multiply_adds) = positive_cost
}

fn positive_cost(multiply_adds: f64) -> Option<&'static str> {
    let is_cost = multiply_adds.is_finite() && multiply_adds > 0.0;
    (!is_cost).then_some("`multiply_adds` must be finite and above 0")
}

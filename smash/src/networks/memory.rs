//! Memory banks at run time: reading concatenates, writing adds (paper, section 3.1).

use burn::prelude::*;
use smash_kernels::parts::{Shared, add, parts};
use smash_space::architecture::{Block, Op};

/// The banks of one block while it runs.
pub struct MemoryBanks<B: Backend> {
    banks: Vec<Option<Shared<B>>>,
    bank_channels: usize,
}

impl<B: Backend> MemoryBanks<B> {
    /// Cuts the block input into banks. A remainder of channels is dropped, and the other banks are empty.
    ///
    /// # Shapes
    /// - `input`: `[batch, channels, height, width]`
    pub fn new(input: Tensor<B, 4>, block: &Block, base_channels: usize) -> Self {
        let bank_channels = block.bank_size * base_channels;
        let input_banks = input.dims()[1] / bank_channels;
        let parts = parts(input, bank_channels, input_banks).into_iter();
        let mut banks: Vec<_> = parts.map(|part| Some(Shared::new(part))).collect();
        banks.resize_with(block.banks_used(input_banks), || None);
        Self { banks, bank_channels }
    }

    /// The banks that an op reads, to be concatenated along the channels.
    pub fn read(&self, op: &Op) -> Vec<Tensor<B, 4>> {
        op.reads.iter().map(|&bank| self.bank(bank)).collect()
    }

    /// Adds the output of an op to the banks that it writes, slice by slice in turn. An empty bank counts as zero.
    pub fn write(&mut self, op: &Op, output: Tensor<B, 4>) {
        let slices = output.dims()[1] / self.bank_channels;
        let slices = parts(output, self.bank_channels, slices.min(op.writes.len()));
        let slices: Vec<Shared<B>> = slices.into_iter().map(Shared::new).collect();
        for (&bank, slice) in op.writes.iter().zip(slices.iter().cycle()) {
            let held = self.banks[bank].take();
            self.banks[bank] = Some(Shared::new(match held {
                Some(held) => add(held.read(), slice.read()),
                None => slice.read(),
            }));
        }
    }

    /// All banks, to be concatenated along the channels: the output of the block.
    pub fn into_output(self) -> Vec<Tensor<B, 4>> {
        (0..self.banks.len()).map(|bank| self.bank(bank)).collect()
    }

    fn bank(&self, bank: usize) -> Tensor<B, 4> {
        match &self.banks[bank] {
            Some(held) => held.read(),
            None => panic!("bank {bank} is read before anything was written to it"),
        }
    }
}

//! Memory banks at run time: reading concatenates, writing adds (paper, section 3.1), and other forms (appendix D).

use burn::module::{Module, Param, ParamId};
use burn::prelude::*;
use burn::tensor::activation::{sigmoid, softmax};
use smash_kernels::parts::{Shared, add, parts};
use smash_kernels::pooling::global_average;
use smash_space::architecture::{Block, Op};
use smash_space::forms::{Memory, Read, Write};

/// The form of a block's memory, with its parameters. In the paper's form it has none.
#[derive(Module, Debug)]
pub struct BlockMemory<B: Backend> {
    /// How banks are read and written, and how they start.
    pub form: Memory,
    /// The start of the banks if memory persists, `[channels, height, width]` for all channels of the block. A bank has
    /// the channels that it would have if all banks were concatenated, at any size of banks. Training steps move it
    /// without a gradient.
    pub start: Option<Param<Tensor<B, 3>>>,
    /// The vector that attention compares banks with, `[N_max]`. Smaller banks use its leading values.
    pub query: Option<Param<Tensor<B, 1>>>,
}

impl<B: Backend> BlockMemory<B> {
    /// Memory before the first training step: banks start at zero, and attention is even.
    ///
    /// # Shapes
    /// - `start`: `[channels, height, width]` of the block
    /// - `largest_bank`: N_max
    pub fn new(form: Memory, start: [usize; 3], largest_bank: usize, device: &B::Device) -> Self {
        let persists = form.persistence > 0.0;
        let attends = form.read == Read::Attention;
        Self {
            form,
            start: persists.then(|| Param::initialized(ParamId::new(), Tensor::zeros(start, device))),
            query: attends.then(|| Param::from_tensor(Tensor::zeros([largest_bank], device))),
        }
    }

    /// Moves the start of the banks towards the tensors that a training step wrote to them, as their mean over images,
    /// `[channels, height, width]`. Channels of banks that the step did not use stay.
    pub fn update(&mut self, written: &Tensor<B, 3>) {
        let start = self.start.take().expect("only memory that persists has a mean");
        let leading = start.val().slice(0..written.dims()[0]);
        let moved = leading.clone() + (written.clone() - leading) * self.form.persistence;
        let new = start.val().slice_assign(0..written.dims()[0], moved);
        self.start = Some(Param::initialized(start.id, new.detach().set_require_grad(false)));
    }

    /// The sum of the start of a bank and of the tensor written to it, `[batch, channels, height, width]`.
    fn with_start(&self, bank: usize, channels: usize, written: Tensor<B, 4>) -> Tensor<B, 4> {
        match &self.start {
            Some(start) => written + start.val().narrow(0, bank * channels, channels).unsqueeze(),
            None => written,
        }
    }
}

/// The banks of one block while it runs.
pub struct MemoryBanks<'a, B: Backend> {
    /// The tensors that the block wrote, without the start.
    banks: Vec<Option<Shared<B>>>,
    bank_channels: usize,
    memory: &'a BlockMemory<B>,
}

impl<'a, B: Backend> MemoryBanks<'a, B> {
    /// Cuts the block input into banks. A remainder of channels is dropped, and the other banks are empty.
    ///
    /// # Shapes
    /// - `input`: `[batch, channels, height, width]`
    pub fn new(input: Tensor<B, 4>, block: &Block, base_channels: usize, memory: &'a BlockMemory<B>) -> Self {
        let bank_channels = block.bank_size * base_channels;
        let input_banks = input.dims()[1] / bank_channels;
        let parts = parts(input, bank_channels, input_banks).into_iter();
        let mut banks: Vec<_> = parts.map(|part| Some(Shared::new(part))).collect();
        banks.resize_with(block.banks_used(input_banks), || None);
        Self { banks, bank_channels, memory }
    }

    /// The banks that an op reads, `[batch, bank channels, height, width]` each, to be concatenated along the channels.
    pub fn read(&self, op: &Op) -> Vec<Tensor<B, 4>> {
        let read = |&bank: &usize| {
            let held = held_by(bank, self.banks[bank].as_ref()).read();
            self.memory.with_start(bank, self.bank_channels, held)
        };
        let banks = op.reads.iter().map(read).collect();
        match &self.memory.query {
            Some(query) => attended(query.val(), banks),
            None => banks,
        }
    }

    /// Writes the output of an op, `[batch, units * N, height, width]`, to its banks, slice by slice in turn. An empty bank
    /// takes its slice as it is.
    pub fn write(&mut self, op: &Op, output: Tensor<B, 4>) {
        let slices = output.dims()[1] / self.bank_channels;
        let slices = parts(output, self.bank_channels, slices.min(op.writes.len()));
        let slices: Vec<Shared<B>> = slices.into_iter().map(Shared::new).collect();
        for (&bank, slice) in op.writes.iter().zip(slices.iter().cycle()) {
            let held = self.banks[bank].take();
            self.banks[bank] = Some(Shared::new(match held {
                Some(held) => written(self.memory.form.write, held.read_last(), slice.read()),
                None => slice.read(),
            }));
        }
    }

    /// All banks, to be concatenated along the channels: the output of the block. If memory persists, also the mean over
    /// images of the tensors written to them, `[channels, height, width]`.
    pub fn into_output(self) -> (Vec<Tensor<B, 4>>, Option<Tensor<B, 3>>) {
        let Self { banks, bank_channels, memory } = self;
        let written: Vec<_> =
            banks.into_iter().enumerate().map(|(bank, held)| held_by(bank, held).read_last()).collect();
        let mean = memory.start.as_ref().map(|_| {
            let banks = Tensor::cat(written.iter().map(|bank| bank.clone().detach()).collect(), 1);
            let [_, channels, height, width] = banks.dims();
            banks.mean_dim(0).reshape([channels, height, width])
        });
        let start = |(bank, written)| memory.with_start(bank, bank_channels, written);
        let output = written.into_iter().enumerate().map(start);
        (output.collect(), mean)
    }
}

/// The contents of a bank.
fn held_by<T>(bank: usize, held: Option<T>) -> T {
    held.unwrap_or_else(|| panic!("bank {bank} is read before anything was written to it"))
}

/// The tensor that a bank holds after a write.
fn written<B: Backend>(write: Write, held: Tensor<B, 4>, slice: Tensor<B, 4>) -> Tensor<B, 4> {
    match write {
        Write::Add => add(held, slice),
        // `Shared` needs a gradient of every reader. The factor 0 gives the overwritten tensor a gradient of 0.
        Write::Overwrite => add(held * 0.0, slice),
        Write::Multiply => held * sigmoid(slice),
    }
}

/// Banks times the softmax over them, and times their number, so that even weights leave them unchanged. Each image has
/// weights of its own.
///
/// # Shapes
/// - `query`: `[N_max]`
/// - `banks`: `[batch, channels, height, width]` each
fn attended<B: Backend>(query: Tensor<B, 1>, banks: Vec<Tensor<B, 4>>) -> Vec<Tensor<B, 4>> {
    let [batch, channels, ..] = banks[0].dims();
    let query = query.slice(0..channels).unsqueeze();
    let agreements = banks.iter().map(|bank| (global_average(bank.clone()) * query.clone()).sum_dim(1)).collect();
    let weights = softmax(Tensor::<B, 2>::cat(agreements, 1), 1) * banks.len() as f64;
    let weighted =
        |(index, bank): (usize, Tensor<B, 4>)| bank * weights.clone().narrow(1, index, 1).reshape([batch, 1, 1, 1]);
    banks.into_iter().enumerate().map(weighted).collect()
}

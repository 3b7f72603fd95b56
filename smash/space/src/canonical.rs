//! A hash of an architecture that does not depend on how the architecture is written down.
//!
//! It ignores the numbers of the memory banks and the order of an op's two paths. It also ignores the order of ops that
//! do not depend on each other. Architectures that differ in nothing else are the same network with its weights in
//! another order. They have the same distribution of true errors.
//!
//! There are no dead operations to remove. A block passes on all its banks, and every slice of an op's output goes to
//! one.

use sha2::{Digest, Sha256};

use crate::architecture::{Architecture, Block, Conv, Op};
use crate::space::SearchSpace;

/// Digest of the known facts about a node.
type Colour = [u8; 32];

/// A block as a graph. Its nodes are inputs, ops, slices of their outputs, and sums that are read or passed on.
#[derive(Default)]
struct Graph {
    colours: Vec<Colour>,
    /// The nodes from which each node is computed.
    inputs: Vec<Vec<usize>>,
}

impl Architecture {
    /// The canonical hash: 16 hexadecimal digits.
    ///
    /// Isomorphic architectures have equal hashes. Colour refinement finds the hash, and it cannot tell some regular
    /// graphs apart. Two architectures of many ops could therefore share a hash without being isomorphic. All their ops
    /// would have to be alike, except for which op reads which.
    pub fn canonical_hash(&self, space: &SearchSpace) -> String {
        format!("{:016x}", self.canonical_number(space))
    }

    /// The canonical hash as a number, for the key of a random stream.
    pub fn canonical_number(&self, space: &SearchSpace) -> u64 {
        let mut hash = Sha256::new();
        hash.update(b"smash-canonical-v1");
        for (index, block) in self.blocks.iter().enumerate() {
            hash.update((block.bank_size as u64).to_le_bytes());
            hash.update(Graph::of(block, space.input_banks(index, block.bank_size)).refined());
        }
        let digest: Colour = hash.finalize().into();
        let (first, _) = digest.split_first_chunk().expect("a digest has 32 bytes");
        u64::from_be_bytes(*first)
    }
}

impl Graph {
    fn of(block: &Block, input_banks: usize) -> Self {
        let mut graph = Self::default();
        // The contents of each bank: the nodes whose sum it holds.
        let mut banks: Vec<Vec<usize>> = (0..input_banks).map(|_| vec![graph.add("input", vec![])]).collect();
        banks.resize(block.banks_used(input_banks), Vec::new());
        // A sum that several ops read is one node.
        let mut sums: Vec<Option<usize>> = vec![None; banks.len()];
        for op in &block.ops {
            let read = op.reads.iter().map(|&bank| graph.sum(&banks, &mut sums, bank)).collect();
            let node = graph.add(&label(op), read);
            let count = op.output_slices(block.bank_size).min(op.writes.len());
            // Without groups, slices of the output can change places together with their weights. With groups they
            // cannot.
            let is_grouped = op.convs.iter().flatten().any(|conv| conv.groups > 1);
            let slices: Vec<usize> = (0..count)
                .map(|slice| graph.add(&format!("slice {}", if is_grouped { slice } else { 0 }), vec![node]))
                .collect();
            for (&bank, &slice) in op.writes.iter().zip(slices.iter().cycle()) {
                banks[bank].push(slice);
                sums[bank] = None;
            }
        }
        let output = (0..banks.len()).map(|bank| graph.sum(&banks, &mut sums, bank)).collect();
        graph.add("output", output);
        graph
    }

    fn sum(&mut self, banks: &[Vec<usize>], sums: &mut [Option<usize>], bank: usize) -> usize {
        *sums[bank].get_or_insert_with(|| self.add("sum", banks[bank].clone()))
    }

    fn add(&mut self, label: &str, inputs: Vec<usize>) -> usize {
        self.colours.push(Sha256::digest(label.as_bytes()).into());
        self.inputs.push(inputs);
        self.inputs.len() - 1
    }

    /// Refines the colours by the neighbours' colours until no further nodes become different, then digests all
    /// colours.
    fn refined(mut self) -> Colour {
        let mut readers = vec![Vec::new(); self.inputs.len()];
        for (node, inputs) in self.inputs.iter().enumerate() {
            inputs.iter().for_each(|&input| readers[input].push(node));
        }
        let mut different = 0;
        loop {
            let mut order: Vec<usize> = (0..self.colours.len()).collect();
            order.sort_unstable_by_key(|&node| self.colours[node]);
            let mut sorted: Vec<Colour> = order.iter().map(|&node| self.colours[node]).collect();
            let digest = Sha256::digest(sorted.as_flattened()).into();
            sorted.dedup();
            if sorted.len() == different {
                return digest;
            }
            different = sorted.len();
            // The colours of the inputs and of the readers of each node. Each list is in order, so none has to be sorted.
            let mut neighbours = vec![[Vec::new(), Vec::new()]; order.len()];
            for node in order {
                readers[node].iter().for_each(|&reader| neighbours[reader][0].push(self.colours[node]));
                self.inputs[node].iter().for_each(|&input| neighbours[input][1].push(self.colours[node]));
            }
            for (colour, neighbours) in self.colours.iter_mut().zip(neighbours) {
                let mut hash = Sha256::new();
                hash.update(*colour);
                for colours in neighbours {
                    hash.update((colours.len() as u64).to_le_bytes());
                    hash.update(colours.as_flattened());
                }
                *colour = hash.finalize().into();
            }
        }
    }
}

/// Describes an op's computation, with its two paths in a fixed order.
fn label(op: &Op) -> String {
    let path = |convs: &[Option<Conv>]| {
        let conv = |conv: &Conv| format!("{:?}/{:?}/{}", conv.kernel, conv.dilation, conv.groups);
        convs.iter().flatten().map(conv).collect::<Vec<_>>().join(">")
    };
    let mut paths = [path(&op.convs[..2]), path(&op.convs[2..])];
    paths.sort_unstable();
    format!("op {} {paths:?}", op.units)
}

//! Architectures as unrolled graphs: ops and the data that flows between them.

use std::collections::{BTreeMap, BTreeSet};

use smash_space::architecture::Op;

use super::architecture::{Architecture, Block, outputs, path_labels};

/// Kind of a node, which decides its look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The beginning or the end of a network or a block.
    End,
    /// A whole op or, if its convolutions are nodes too, its 1x1 convolution.
    Op,
    /// One of the further convolutions of an op.
    Conv,
    /// A sum, a concatenation, a slice or a transition between blocks.
    Join,
}

/// A node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its kind.
    pub kind: Kind,
    /// The lines of its label.
    pub label: Vec<String>,
}

/// A graph whose edges go from earlier to later nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Graph {
    /// The nodes.
    pub nodes: Vec<Node>,
    /// Pairs of an earlier and a later node, each once.
    pub edges: BTreeSet<(usize, usize)>,
}

impl Graph {
    /// Makes the graph of the whole network with one node for each op (paper, figures 6 and 7).
    ///
    /// An edge goes from each op to the ops that read a bank it wrote. This holds even if others have added to the bank
    /// since. No op is useless, because all banks leave the block. Only ops that no op of the block reads have an edge to
    /// the end of the block; otherwise every op would have one. `base_channels` is the paper's N; without it, widths are
    /// in units of N.
    pub fn network(architecture: &Architecture, base_channels: Option<usize>) -> Self {
        let mut graph = Self::default();
        let mut from = graph.add(Kind::End, ["stem"], []);
        for (index, block) in architecture.blocks.iter().enumerate() {
            let unread = graph.simplified(block, index, from, base_channels);
            let is_last = index + 1 == architecture.blocks.len();
            from = match is_last {
                true => graph.add(Kind::End, ["classifier"], unread),
                false => graph.add(Kind::Join, ["transition"], unread),
            };
        }
        graph
    }

    /// Makes the graph of one block with every convolution, sum and concatenation (paper, figures 8 to 13). `index` is
    /// its place in the network.
    ///
    /// Banks with the same content so far share one node; otherwise a wide block would have hundreds.
    pub fn block(block: &Block, index: usize, base_channels: Option<usize>) -> Self {
        let mut graph = Self::default();
        let mut banks: Vec<Option<usize>> = vec![None; block.banks()];
        let range = match block.input_banks {
            1 => "bank 0".to_owned(),
            count => format!("banks 0 to {}", count - 1),
        };
        let input = graph.add(Kind::End, ["block input".to_owned(), range], []);
        banks[..block.input_banks].fill(Some(input));
        for (op_index, op) in block.ops.iter().enumerate() {
            let name = format!("op {index}.{op_index}");
            let output = graph.op(&name, op, &banks, base_channels);
            let slices = op.output_slices(block.bank_size);
            // The banks that take each slice, by their previous content.
            let mut written: BTreeMap<(Option<usize>, usize), Vec<usize>> = BTreeMap::new();
            for (place, &bank) in op.writes.iter().enumerate() {
                written.entry((banks[bank], place % slices)).or_default().push(bank);
            }
            for ((held, slice), taking) in written {
                let node = match (held, slices) {
                    (None, 1) => output,
                    _ => graph.join(held.map_or("", |_| "+ "), &taking, held.into_iter().chain([output])),
                };
                if slices > 1 {
                    graph.nodes[node].label.push(format!("slice {slice} of {slices}"));
                }
                for bank in taking {
                    banks[bank] = Some(node);
                }
            }
        }
        let held: BTreeSet<usize> = banks.into_iter().flatten().collect();
        graph.add(Kind::End, ["all banks"], held);
        graph
    }

    /// Adds a node that reads from others.
    fn add<const LINES: usize>(
        &mut self,
        kind: Kind,
        label: [impl Into<String>; LINES],
        from: impl IntoIterator<Item = usize>,
    ) -> usize {
        let node = self.nodes.len();
        let label = label.map(Into::into).into();
        self.nodes.push(Node { kind, label });
        self.edges.extend(from.into_iter().map(|from| (from, node)));
        node
    }

    /// Adds a sum or concatenation that names its banks, in short lines because there may be dozens.
    fn join(&mut self, what: &str, banks: &[usize], from: impl IntoIterator<Item = usize>) -> usize {
        if let [bank] = banks {
            return self.add(Kind::Join, [format!("{what}bank {bank}")], from);
        }
        let node = self.add(Kind::Join, [format!("{what}banks")], from);
        let lines = banks.chunks(8).map(|chunk| {
            let numbers: Vec<String> = chunk.iter().map(usize::to_string).collect();
            numbers.join(", ")
        });
        self.nodes[node].label.extend(lines);
        node
    }

    /// Adds a block with one node for each op. Returns the nodes that none of its ops reads.
    fn simplified(
        &mut self,
        block: &Block,
        index: usize,
        input: usize,
        base_channels: Option<usize>,
    ) -> BTreeSet<usize> {
        let inputs: Vec<usize> = (0..block.input_banks).collect();
        // The nodes so far, with the banks that each wrote.
        let mut writers: Vec<(usize, &[usize])> = vec![(input, &inputs)];
        let mut unread = BTreeSet::from([input]);
        for (op_index, op) in block.ops.iter().enumerate() {
            let mut is_read = vec![false; block.banks()];
            op.reads.iter().for_each(|&bank| is_read[bank] = true);
            let read = writers.iter().filter(|(_, banks)| banks.iter().any(|&bank| is_read[bank]));
            let read: BTreeSet<usize> = read.map(|&(node, _)| node).collect();
            unread.retain(|node| !read.contains(node));
            let node = self.add(Kind::Op, [format!("op {index}.{op_index}")], read);
            let label = &mut self.nodes[node].label;
            label.push(outputs(op, base_channels));
            label.extend(path_labels(op));
            unread.insert(node);
            writers.push((node, &op.writes));
        }
        unread
    }

    /// Adds the 1x1 convolution of an op and the nodes after it. Returns the node of the op's output.
    fn op(&mut self, name: &str, op: &Op, banks: &[Option<usize>], base_channels: Option<usize>) -> usize {
        let read: BTreeSet<usize> = op.reads.iter().filter_map(|&bank| banks[bank]).collect();
        let narrowed = match op.reads[..] {
            [bank] => self.add(Kind::Op, [name.to_owned(), format!("1x1 of bank {bank}")], read),
            _ => {
                let read = self.join("concat ", &op.reads, read);
                self.add(Kind::Op, [name.to_owned(), "1x1".to_owned()], [read])
            }
        };
        let outputs: Vec<usize> = op
            .paths()
            .map(|path| {
                path.iter().fold(narrowed, |from, conv| {
                    self.add(Kind::Conv, [conv.to_string(), outputs(op, base_channels)], [from])
                })
            })
            .collect();
        match outputs[..] {
            [output] => output,
            _ => self.add(Kind::Join, ["+"], outputs),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::made_up::{SMALL, blocks};
    use super::*;

    fn small() -> Architecture {
        Architecture::from_json(SMALL, None).unwrap()
    }

    #[test]
    fn a_network_has_one_node_for_each_op_with_its_description() {
        let graph = Graph::network(&small(), Some(6));
        // Stem, two ops, classifier. The second op reads the output of the first and, in bank 0, the input.
        assert_eq!(graph.edges, BTreeSet::from([(0, 1), (0, 2), (1, 2), (2, 3)]));
        assert_eq!(graph.nodes[1].label, ["op 0.0", "N = 6", "3x3, d 2"]);
        assert_eq!(graph.nodes[2].label, ["op 0.1", "N = 6", "3x5, d 1x2, g 2", "3x3"]);
    }

    #[test]
    fn an_expanded_block_has_every_convolution_sum_and_concatenation() {
        let graph = Graph::block(&small().blocks[0], 0, None);
        let labels: Vec<&str> = graph.nodes.iter().map(|node| node.label[0].as_str()).collect();
        let expected = [
            "block input",
            "op 0.0",
            "3x3, d 2",
            "+ bank 0",
            "concat banks",
            "op 0.1",
            "3x5, d 1x2, g 2",
            "3x3",
            "+",
            "all banks",
        ];
        assert_eq!(labels, expected);
        // Bank 1 holds the output of the first op, bank 0 its sum with the input. The second op reads both.
        for edge in [(2, 3), (0, 3), (2, 4), (3, 4)] {
            assert!(graph.edges.contains(&edge), "{edge:?}");
        }
    }

    proptest! {
        /// Reads and writes decide which op depends on which; the graph has exactly these edges.
        #[test]
        fn edges_between_ops_follow_from_reads_and_writes(block in blocks()) {
            let graph = graph_of(&block);
            let first_op = 1;
            let ops = &block.ops;
            let writes_what_is_read = |writer: usize, reader: usize| {
                ops[writer].writes.iter().any(|bank| ops[reader].reads.contains(bank))
            };
            for reader in 0..ops.len() {
                for writer in 0..ops.len() {
                    let expected = writer < reader && writes_what_is_read(writer, reader);
                    let edge = (first_op + writer, first_op + reader);
                    prop_assert_eq!(graph.edges.contains(&edge), expected, "{:?}", edge);
                }
                let reads_input = ops[reader].reads.iter().any(|&bank| bank < block.input_banks);
                prop_assert_eq!(graph.edges.contains(&(0, first_op + reader)), reads_input);
                let is_read = (reader + 1..ops.len()).any(|later| writes_what_is_read(reader, later));
                let end = graph.nodes.len() - 1;
                prop_assert_eq!(graph.edges.contains(&(first_op + reader, end)), !is_read);
            }
        }

        #[test]
        fn an_expanded_block_has_a_node_for_each_convolution_and_sum(block in blocks()) {
            let graph = Graph::block(&block, 2, None);
            let count = |kind| graph.nodes.iter().filter(|node| node.kind == kind).count();
            prop_assert_eq!(count(Kind::Op), block.ops.len());
            let convs = block.ops.iter().map(|op| op.convs.iter().flatten().count()).sum::<usize>();
            prop_assert_eq!(count(Kind::Conv), convs);
            let sums: usize = graph.nodes.iter().filter(|node| node.label[0].starts_with("+ bank")).map(banks_named).sum();
            let mut written: BTreeSet<usize> = (0..block.input_banks).collect();
            let added = block.ops.iter().flat_map(|op| &op.writes).filter(|&&bank| !written.insert(bank)).count();
            prop_assert_eq!(sums, added);
            prop_assert!(graph.edges.iter().all(|(from, to)| from < to && *to < graph.nodes.len()));
            // Only the input has no incoming edge, and only the end has no outgoing edge.
            for (index, node) in graph.nodes.iter().enumerate() {
                prop_assert_eq!(graph.edges.iter().any(|edge| edge.1 == index), index > 0, "{:?}", node);
                let is_end = index + 1 == graph.nodes.len();
                prop_assert_eq!(graph.edges.iter().any(|edge| edge.0 == index), !is_end);
            }
        }
    }

    /// Number of banks that a sum names.
    fn banks_named(node: &Node) -> usize {
        let lines = node.label.iter().filter(|line| !line.starts_with("slice"));
        lines.flat_map(|line| line.split([' ', ','])).filter(|word| word.parse::<usize>().is_ok()).count()
    }

    fn graph_of(block: &Block) -> Graph {
        let mut graph = Graph::default();
        let input = graph.add(Kind::End, ["in"], []);
        let unread = graph.simplified(block, 0, input, None);
        graph.add(Kind::End, ["out"], unread);
        graph
    }
}

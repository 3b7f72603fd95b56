//! A block as an unrolled graph: ops and what flows between them.

use std::collections::BTreeSet;

use super::architecture::{Block, Op};

/// What a node is, which decides how it looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Where a block begins.
    Input,
    /// A whole op.
    Op,
    /// One convolution of an op.
    Conv,
    /// A sum or a concatenation.
    Join,
    /// Where a block ends.
    Output,
}

/// A node with the lines of its label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// What it is.
    pub kind: Kind,
    /// The lines of its label.
    pub label: Vec<String>,
}

/// A graph whose edges go from earlier to later nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Graph {
    /// The nodes.
    pub nodes: Vec<Node>,
    /// From and to, each pair once.
    pub edges: BTreeSet<(usize, usize)>,
}

impl Graph {
    /// A node that reads from others.
    fn add(&mut self, kind: Kind, label: Vec<String>, from: impl IntoIterator<Item = usize>) -> usize {
        let node = self.nodes.len();
        self.nodes.push(Node { kind, label });
        self.edges.extend(from.into_iter().map(|from| (from, node)));
        node
    }

    /// A block with one node for each op, and an edge from each op to those that read what it wrote, also where later ops
    /// added to it. To the end of the block go the ops that no op reads, lest everything goes there.
    pub fn simplified(block: &Block, base_channels: Option<usize>) -> Self {
        let mut graph = Self::default();
        let input = graph.add(Kind::Input, vec!["in".into()], []);
        let mut contributors: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); block.banks()];
        for bank in contributors.iter_mut().take(block.input_banks()) {
            bank.insert(input);
        }
        for op in &block.ops {
            let read: BTreeSet<usize> = op.reads.iter().flat_map(|&bank| contributors[bank].clone()).collect();
            let mut label = vec![op.outputs(base_channels)];
            label.extend(op.convs.iter().flatten().map(|conv| conv.label()));
            let node = graph.add(Kind::Op, label, read);
            for &bank in &op.writes {
                contributors[bank].insert(node);
            }
        }
        let unread: Vec<usize> = (0..graph.nodes.len())
            .filter(|&node| !graph.edges.iter().any(|&(from, _)| from == node))
            .collect();
        graph.add(Kind::Output, vec!["out".into()], unread);
        graph
    }

    /// A block with every convolution, sum and concatenation.
    pub fn expanded(block: &Block, base_channels: Option<usize>) -> Self {
        let mut graph = Self::default();
        let mut banks: Vec<Option<usize>> = vec![None; block.banks()];
        for (bank, held) in banks.iter_mut().enumerate().take(block.input_banks()) {
            *held = Some(graph.add(Kind::Input, vec![format!("bank {bank}")], []));
        }
        for (index, op) in block.ops.iter().enumerate() {
            let output = graph.op(index, op, &banks, base_channels);
            for &bank in &op.writes {
                banks[bank] = Some(match banks[bank] {
                    Some(held) => graph.add(Kind::Join, vec![format!("+ bank {bank}")], [held, output]),
                    None => output,
                });
            }
        }
        let held: BTreeSet<usize> = banks.into_iter().flatten().collect();
        graph.add(Kind::Output, vec!["out".into()], held);
        graph
    }

    fn op(&mut self, index: usize, op: &Op, banks: &[Option<usize>], base_channels: Option<usize>) -> usize {
        let mut read: BTreeSet<usize> = op.reads.iter().filter_map(|&bank| banks[bank]).collect();
        if read.len() > 1 {
            read = [self.add(Kind::Join, vec!["concat".into()], read)].into();
        }
        let label = vec![format!("op {index}: 1x1"), op.outputs(base_channels)];
        let narrowed = self.add(Kind::Op, label, read);
        let paths: Vec<usize> = [&op.convs[..2], &op.convs[2..]]
            .into_iter()
            .filter(|path| path[0].is_some())
            .map(|path| {
                path.iter()
                    .flatten()
                    .fold(narrowed, |from, conv| self.add(Kind::Conv, vec![conv.label()], [from]))
            })
            .collect();
        match paths[..] {
            [path] => path,
            _ => self.add(Kind::Join, vec!["+".into()], paths),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::architecture::Architecture;
    use super::super::architecture::tests::SMALL;
    use super::*;

    #[test]
    fn edges_of_a_simplified_block_are_its_reads() {
        let architecture = Architecture::from_json(SMALL).unwrap();
        let graph = Graph::simplified(&architecture.blocks[0], Some(6));
        // In, two ops, out: the second op reads what the first wrote and, in bank 0, what came in.
        assert_eq!(graph.edges, BTreeSet::from([(0, 1), (0, 2), (1, 2), (2, 3)]));
        assert_eq!(graph.nodes[1].label, ["N = 6", "3x3, d 2"]);
    }

    #[test]
    fn an_expanded_block_has_every_convolution_and_sum() {
        let architecture = Architecture::from_json(SMALL).unwrap();
        let graph = Graph::expanded(&architecture.blocks[0], None);
        let labels: Vec<&str> = graph.nodes.iter().map(|node| node.label[0].as_str()).collect();
        let expected = [
            "bank 0",
            "op 0: 1x1",
            "3x3, d 2",
            "+ bank 0",
            "concat",
            "op 1: 1x1",
            "3x5, d 1x2, g 2",
            "3x3",
            "+",
            "out",
        ];
        assert_eq!(labels, expected);
        // Bank 1 holds what the first op gave, bank 0 the sum with what came in; the second op reads both.
        assert!(graph.edges.contains(&(2, 3)) && graph.edges.contains(&(0, 3)));
        assert!(graph.edges.contains(&(2, 4)) && graph.edges.contains(&(3, 4)));
        assert!(graph.edges.iter().all(|(from, to)| from < to));
    }
}

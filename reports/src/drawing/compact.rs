//! Small drawings of networks, for a page that holds hundreds.
//!
//! Each drawing needs few bytes. The style sheet of the page defines its look and the arrow heads.

use std::fmt::Write;

use anyhow::Result;

use super::architecture::Architecture;
use super::graph::{Graph, Kind};
use super::layout::layout;
use super::scene::width_of;

/// Pixels between the text of a node and its outline, between lines, and between layers.
const PADDING: (i32, i32) = (8, 3);
const LINE: i32 = 17;
const GAP: i32 = 16;
/// Pixels between the heads of two arrows that end at a node.
const ARROW: i32 = 11;

/// A small drawing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Compact {
    /// Width and height in pixels, including an edge of 2 around the shapes.
    pub size: [i32; 2],
    /// Elements of SVG. A line is a path of class `edge`, or `bend` if it has no arrow head. A node is a box of class
    /// `op`, `end` or `join` with its text.
    pub shapes: String,
}

/// Draws the whole network with one node for each op. A node shows its outputs, then its paths of convolutions, a line each.
///
/// # Errors
/// If the network has too many lines to draw.
pub(crate) fn compact(architecture: &Architecture, base_channels: Option<usize>) -> Result<Compact> {
    let graph = Graph::network(architecture, base_channels);
    let labels: Vec<Vec<String>> = graph
        .nodes
        .iter()
        .map(|node| match (node.kind, &node.label[..]) {
            // The name of an op says no more than its place.
            (Kind::Op, [_, outputs, first, more @ ..]) => {
                let first = format!("{outputs}: {first}");
                let more = more.iter().map(|path| format!("+ {path}"));
                [first].into_iter().chain(more).collect()
            }
            (_, label) => label.to_vec(),
        })
        .collect();
    let mut arrows = vec![0; graph.nodes.len()];
    for &(_, to) in &graph.edges {
        arrows[to] += 1;
    }
    let size = |(label, arrows): (&Vec<String>, i32)| {
        let width = label.iter().map(|line| width_of(line)).max().unwrap_or(0) + 2 * PADDING.0;
        (width.max(ARROW * (arrows + 1)), LINE * label.len() as i32 + 2 * PADDING.1)
    };
    let sizes: Vec<(i32, i32)> = labels.iter().zip(arrows).map(size).collect();
    let laid_out = layout(&graph, &sizes, GAP)?;
    let mut shapes = String::new();
    for line in &laid_out.lines {
        let class = if line.arrow { "edge" } else { "bend" };
        let points: Vec<String> = line.points.iter().map(|(x, y)| format!("{x} {y}")).collect();
        put(&mut shapes, format_args!("<path class=\"{class}\" d=\"M{}\"/>", points.join("L")));
    }
    for ((node, label), [left, top, width, height]) in graph.nodes.iter().zip(&labels).zip(laid_out.boxes) {
        let class = match node.kind {
            Kind::End => "end",
            Kind::Op | Kind::Conv => "op",
            Kind::Join => "join",
        };
        put(
            &mut shapes,
            format_args!("<rect class=\"{class}\" x=\"{left}\" y=\"{top}\" width=\"{width}\" height=\"{height}\"/>"),
        );
        for (line, row) in label.iter().zip(1..) {
            let (x, y) = (left + width / 2, top + PADDING.1 + LINE * row - 4);
            put(&mut shapes, format_args!("<text x=\"{x}\" y=\"{y}\">{line}</text>"));
        }
    }
    let [width, height] = laid_out.size;
    Ok(Compact { size: [width + 4, height + 4], shapes })
}

fn put(text: &mut String, what: std::fmt::Arguments) {
    text.write_fmt(what).expect("a string takes everything");
}

#[cfg(test)]
mod tests {
    use super::super::made_up::RESNET;
    use super::*;

    #[test]
    fn every_op_has_its_box_and_every_edge_its_arrow() {
        let architecture = Architecture::from_json(RESNET, None).unwrap();
        let graph = Graph::network(&architecture, Some(8));
        let drawn = compact(&architecture, Some(8)).unwrap();
        let count = |class: &str| drawn.shapes.matches(&format!("class=\"{class}\"")).count();
        let ops: usize = architecture.blocks.iter().map(|block| block.ops.len()).sum();
        assert_eq!(count("op"), ops);
        assert_eq!(count("edge"), graph.edges.len());
        assert!(drawn.shapes.contains("N = 16: 3x3"), "{}", drawn.shapes);
        assert_eq!(drawn, compact(&architecture, Some(8)).unwrap());
    }
}

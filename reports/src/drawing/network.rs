//! A whole architecture, one graph for each block, or one block with all its convolutions (paper, appendix E).

use plotters::style::text_anchor::HPos;

use super::architecture::Architecture;
use super::graph::{Graph, Kind, Node};
use super::layout::{Point, layout};
use super::scene::{LIGHT_FILL, LINE, Scene, WHITE_FILL, text_width};

const PADDING: i32 = 10;
/// Free space between the drawings of two blocks.
const BLOCK_GAP: i32 = 70;
const TITLE_HEIGHT: i32 = 44;

/// The simplified blocks side by side.
pub fn network_drawing(architecture: &Architecture, base_channels: Option<usize>, title: &str) -> Scene {
    let mut scene = Scene::default();
    scene.title(title, (0, LINE / 2));
    let mut left = 0;
    for (index, block) in architecture.blocks.iter().enumerate() {
        let drawing = graph_drawing(&Graph::simplified(block, base_channels));
        let name = format!("block {}", index + 1);
        scene.text(&name, (left, TITLE_HEIGHT + LINE / 2), HPos::Left);
        let width = drawing.extent().0.max(text_width(&name));
        scene.place(drawing, (left, TITLE_HEIGHT + 2 * LINE));
        left += width + BLOCK_GAP;
    }
    scene
}

/// One block with every convolution, sum and concatenation.
pub fn block_drawing(architecture: &Architecture, block: usize, base_channels: Option<usize>, title: &str) -> Scene {
    let mut scene = Scene::default();
    scene.title(title, (0, LINE / 2));
    let graph = Graph::expanded(&architecture.blocks[block], base_channels);
    scene.place(graph_drawing(&graph), (0, TITLE_HEIGHT));
    scene
}

/// A graph, laid out.
pub(super) fn graph_drawing(graph: &Graph) -> Scene {
    let sizes: Vec<Point> = graph.nodes.iter().map(size).collect();
    let edges: Vec<(usize, usize)> = graph.edges.iter().copied().collect();
    let placed = layout(&sizes, &edges);
    let mut scene = Scene::default();
    for route in placed.routes {
        scene.arrow(route);
    }
    for ((node, (x, y)), (width, height)) in graph.nodes.iter().zip(placed.centres).zip(sizes) {
        let corners = [(x - width / 2, y - height / 2), (x + width / 2, y + height / 2)];
        let fill = if node.kind == Kind::Op { LIGHT_FILL } else { WHITE_FILL };
        scene.rectangle(corners, fill, matches!(node.kind, Kind::Op | Kind::Conv));
        let first = y - LINE * (node.label.len() as i32 - 1) / 2;
        for (line, y) in node.label.iter().zip((first..).step_by(LINE as usize)) {
            scene.text(line, (x, y), HPos::Center);
        }
    }
    scene
}

/// Width and height of a node with its label.
fn size(node: &Node) -> Point {
    let widest = node.label.iter().map(|line| text_width(line)).max().unwrap_or(0);
    (widest + 2 * PADDING, LINE * node.label.len() as i32 + PADDING)
}

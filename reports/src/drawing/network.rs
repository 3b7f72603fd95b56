//! Drawings of the graphs of architectures (paper, figures 6 to 13).

use anyhow::Result;
use plotters::style::WHITE;

use super::graph::{Graph, Kind};
use super::layout::layout;
use super::scene::{LINE, Outline, SHADE, Scene, width_of};

/// Pixels between the text of a node and its outline.
const PADDING: (i32, i32) = (12, 6);
/// Least number of pixels between two layers.
const LAYER_GAP: i32 = 40;
/// Pixels between the heads of two arrows that end at a node.
const ARROW: i32 = 13;

/// Draws a graph with its title.
///
/// Ops have a heavy outline and a shade. Further convolutions have round corners, sums and concatenations a dotted
/// outline. The beginning and the end of a network or block have round sides.
///
/// # Errors
/// If the graph has too many lines to draw.
pub fn graph_figure(graph: &Graph, title: &str) -> Result<Scene> {
    Ok(graph_scene(graph)?.titled(Some(title)))
}

/// Draws a graph without a title.
pub(super) fn graph_scene(graph: &Graph) -> Result<Scene> {
    let mut arrows = vec![0; graph.nodes.len()];
    for &(_, to) in &graph.edges {
        arrows[to] += 1;
    }
    let size = |(label, arrows): (&Vec<String>, i32)| {
        let width = label.iter().map(|line| width_of(line)).max().unwrap_or(0) + 2 * PADDING.0;
        (width.max(40).max(ARROW * (arrows + 1)), LINE * label.len() as i32 + 2 * PADDING.1)
    };
    let labels = graph.nodes.iter().map(|node| &node.label);
    let sizes: Vec<(i32, i32)> = labels.zip(arrows).map(size).collect();
    let laid_out = layout(graph, &sizes, LAYER_GAP)?;
    let mut scene = Scene::default();
    scene.reach((laid_out.size[0] + 2, laid_out.size[1] + 2));
    for line in laid_out.lines {
        if let [.., from, to] = line.points[..]
            && line.arrow
        {
            scene.arrow_head(from, to);
        }
        scene.line(&line.points, 1.0);
    }
    for (node, rectangle) in graph.nodes.iter().zip(laid_out.boxes) {
        let [left, top, width, height] = rectangle;
        match node.kind {
            Kind::End => scene.frame(rectangle, height, WHITE, Outline::Solid(1.0)),
            Kind::Op => scene.frame(rectangle, 0, SHADE, Outline::Solid(3.0)),
            Kind::Conv => scene.frame(rectangle, 12, WHITE, Outline::Solid(1.0)),
            Kind::Join => scene.frame(rectangle, 0, WHITE, Outline::Dashed),
        }
        scene.label(&node.label, (left + width / 2, top + height / 2));
    }
    Ok(scene)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::architecture::Architecture;
    use super::super::made_up::{RESNET, blocks};
    use super::*;
    use crate::picture::Format;

    #[test]
    fn a_drawn_network_names_all_its_parts_and_equal_ones_are_equal_bytes() {
        let architecture = Architecture::from_json(RESNET, None).unwrap();
        let svg = || {
            let graph = Graph::network(&architecture, Some(8));
            String::from_utf8(graph_figure(&graph, "A ResNet").unwrap().picture().bytes(Format::Svg).unwrap()).unwrap()
        };
        let text = svg();
        for part in ["A ResNet", "stem", "op 0.0", "op 0.1", "N = 16", "3x3", "classifier"] {
            assert!(text.contains(&format!(">{part}</text>")), "{part} is missing in {text}");
        }
        assert_eq!(text, svg());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn no_text_covers_another(block in blocks()) {
            graph_figure(&Graph::block(&block, 1, Some(8)), "A block").unwrap().assert_legible();
        }
    }
}

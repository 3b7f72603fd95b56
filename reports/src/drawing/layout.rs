//! Positions of a graph's nodes and of the bends of its edges: in layers from top to bottom, without overlap.
//!
//! All edges of a node that skip layers share one line, which runs down to the layer above its last reader. The line
//! takes a place of its own, a bend, in each layer that it passes. No line therefore crosses a node.

use anyhow::{Result, ensure};

use super::graph::Graph;

/// Pixels between neighbours in a layer: between two nodes, or between a bend and its neighbour.
const NODE_GAP: i32 = 28;
const BEND_GAP: i32 = 16;
/// Pixels that each line adds to the gap between two layers, and the largest gap.
const GAP_PER_EDGE: i32 = 3;
const MOST_GAP: i32 = 120;
/// Largest number of lines between two layers, in all layers: far more than anyone can follow.
const MOST_LINES: usize = 1 << 18;
/// Number of rounds that improve orders, and that improve places.
const ORDER_ROUNDS: usize = 24;
const PLACE_ROUNDS: usize = 40;

/// A graph with its layout, in pixels from the upper left corner.
#[derive(Clone, Debug)]
pub struct Layout {
    /// Left, top, width and height of each node.
    pub boxes: Vec<[i32; 4]>,
    /// The lines to draw, each from point to point.
    pub lines: Vec<Line>,
    /// Width and height of the whole drawing.
    pub size: [i32; 2],
}

/// A line between two layers, which first runs down through the upper one.
#[derive(Clone, Debug)]
pub struct Line {
    /// Its points, downwards.
    pub points: Vec<(i32, i32)>,
    /// Whether it ends at a node.
    pub arrow: bool,
}

/// An element that takes a place in a layer.
struct Item {
    layer: usize,
    width: i32,
    /// Whether it is a node rather than a bend.
    is_node: bool,
    above: Vec<usize>,
    below: Vec<usize>,
}

/// Lays out a graph whose nodes have the given widths and heights in pixels. Its layers are at least `least_gap` apart.
///
/// # Errors
/// If the graph has too many lines to draw.
pub fn layout(graph: &Graph, sizes: &[(i32, i32)], least_gap: i32) -> Result<Layout> {
    let items = items(graph, sizes)?;
    let layers = ordered(&items);
    let centres = placed(&items, &layers);
    Ok(drawn(sizes, &items, &layers, &centres, least_gap))
}

/// Nodes, then bends, joined from layer to layer. A node's layer is the length of the longest path that ends at it.
fn items(graph: &Graph, sizes: &[(i32, i32)]) -> Result<Vec<Item>> {
    let item = |layer, width, is_node| Item { layer, width, is_node, above: Vec::new(), below: Vec::new() };
    let mut items: Vec<Item> = sizes.iter().map(|&(width, _)| item(0, width, true)).collect();
    // Edges go from earlier to later nodes, and the edges of earlier nodes come first.
    for &(from, to) in &graph.edges {
        items[to].layer = items[to].layer.max(items[from].layer + 1);
    }
    let mut lines = graph.edges.len();
    let connect = |items: &mut Vec<Item>, from: usize, to: usize| {
        items[from].below.push(to);
        items[to].above.push(from);
    };
    for from in 0..sizes.len() {
        let readers = || graph.edges.range((from, 0)..(from + 1, 0)).map(|&(_, to)| to);
        let top = items[from].layer;
        let last = readers().map(|to| items[to].layer).max().unwrap_or(top);
        lines += last.saturating_sub(top + 1);
        ensure!(lines <= MOST_LINES, "the graph has more than {MOST_LINES} lines between its layers, too many to draw");
        // The item of this line in each layer, from the node's layer on.
        let mut chain = vec![from];
        for layer in top + 1..last {
            let bend = items.len();
            items.push(item(layer, 0, false));
            connect(&mut items, chain[chain.len() - 1], bend);
            chain.push(bend);
        }
        for to in readers() {
            let above = chain[items[to].layer - 1 - top];
            connect(&mut items, above, to);
        }
    }
    Ok(items)
}

/// Orders the items of each layer so that few lines cross. Each item moves to the mean place of its neighbours, from
/// above and from below in turn. The best of all orders is kept.
fn ordered(items: &[Item]) -> Vec<Vec<usize>> {
    let depth = items.iter().map(|item| item.layer + 1).max().unwrap_or(0);
    let mut layers = vec![Vec::new(); depth];
    for (index, item) in items.iter().enumerate() {
        layers[item.layer].push(index);
    }
    let mut best = (crossings(items, &layers), layers.clone());
    for round in 0..ORDER_ROUNDS {
        let downwards = round % 2 == 0;
        let mut places = places(items.len(), &layers);
        for step in 0..depth {
            let layer = if downwards { step } else { depth - 1 - step };
            let mean = |index: usize| {
                let neighbours = if downwards { &items[index].above } else { &items[index].below };
                match neighbours.len() {
                    0 => places[index],
                    n => neighbours.iter().map(|&neighbour| places[neighbour]).sum::<f64>() / n as f64,
                }
            };
            let mut keyed: Vec<(f64, usize)> = layers[layer].iter().map(|&index| (mean(index), index)).collect();
            keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
            layers[layer] = keyed.into_iter().map(|(_, index)| index).collect();
            set_places(&mut places, &layers[layer]);
        }
        let found = crossings(items, &layers);
        if found < best.0 {
            best = (found, layers.clone());
        }
    }
    best.1
}

/// The place of each item within its layer, from 0 to 1.
fn places(count: usize, layers: &[Vec<usize>]) -> Vec<f64> {
    let mut places = vec![0.0; count];
    for layer in layers {
        set_places(&mut places, layer);
    }
    places
}

fn set_places(places: &mut [f64], layer: &[usize]) {
    for (place, &index) in layer.iter().enumerate() {
        places[index] = (place as f64 + 0.5) / layer.len() as f64;
    }
}

/// Counts the pairs of lines that cross.
fn crossings(items: &[Item], layers: &[Vec<usize>]) -> usize {
    let mut places = vec![0; items.len()];
    for layer in layers {
        for (place, &index) in layer.iter().enumerate() {
            places[index] = place;
        }
    }
    let mut count = 0;
    for layer in layers {
        let mut lines: Vec<(usize, usize)> = layer
            .iter()
            .flat_map(|&from| items[from].below.iter().map(move |&to| (from, to)))
            .map(|(from, to)| (places[from], places[to]))
            .collect();
        lines.sort_unstable();
        // The lines so far that end at each place, as a Fenwick tree: entry i sums the i & -i places before it.
        let mut ends = vec![0; lines.iter().map(|line| line.1 + 2).max().unwrap_or(0)];
        for (before, (_, to)) in lines.into_iter().enumerate() {
            let mut left_or_here = 0;
            let mut entry = to + 1;
            while entry > 0 {
                left_or_here += ends[entry];
                entry &= entry - 1;
            }
            count += before - left_or_here;
            let mut entry = to + 1;
            while entry < ends.len() {
                ends[entry] += 1;
                entry += entry & entry.wrapping_neg();
            }
        }
    }
    count
}

/// Horizontal centres. Each layer in turn is placed as near to its neighbours above or below as its order and gaps allow.
fn placed(items: &[Item], layers: &[Vec<usize>]) -> Vec<f64> {
    let mut centres = vec![0.0; items.len()];
    for layer in layers {
        let wanted = vec![(0.0, 1.0); layer.len()];
        place(items, layer, &wanted, &mut centres);
    }
    for round in 0..PLACE_ROUNDS {
        let downwards = round % 2 == 0;
        for step in 0..layers.len() {
            let layer = if downwards { &layers[step] } else { &layers[layers.len() - 1 - step] };
            let wanted: Vec<(f64, f64)> =
                layer.iter().map(|&index| wanted(items, index, downwards, &centres)).collect();
            place(items, layer, &wanted, &mut centres);
        }
    }
    centres
}

/// The preferred place of an item, and the weight of that preference: long lines should be straight.
fn wanted(items: &[Item], index: usize, downwards: bool, centres: &[f64]) -> (f64, f64) {
    let item = &items[index];
    let neighbours = if downwards { &item.above } else { &item.below };
    let pull = |neighbour: usize| match (item.is_node, items[neighbour].is_node) {
        (true, true) => 1.0,
        (false, false) => 8.0,
        _ => 2.0,
    };
    let weight: f64 = neighbours.iter().map(|&neighbour| pull(neighbour)).sum();
    if weight == 0.0 {
        return (centres[index], 0.1);
    }
    let sum: f64 = neighbours.iter().map(|&other| pull(other) * centres[other]).sum();
    (sum / weight, weight)
}

/// Finds the places nearest to the wanted ones, by weighted squares, that keep order and gaps. Without the gaps this is
/// isotonic regression: neighbours that want to pass each other are pooled at their mean.
fn place(items: &[Item], layer: &[usize], wanted: &[(f64, f64)], centres: &mut [f64]) {
    let mut offsets = Vec::with_capacity(layer.len());
    let mut offset = 0.0;
    for (position, &index) in layer.iter().enumerate() {
        if position > 0 {
            offset += f64::from(distance(&items[layer[position - 1]], &items[index]));
        }
        offsets.push(offset);
    }
    // Mean, weight and number of each pool.
    let mut pools: Vec<(f64, f64, usize)> = Vec::new();
    for (&(at, weight), offset) in wanted.iter().zip(&offsets) {
        let mut pool = (at - offset, weight, 1);
        while let Some(&(mean, weight, count)) = pools.last()
            && mean >= pool.0
        {
            let total = weight + pool.1;
            pool = ((mean * weight + pool.0 * pool.1) / total, total, count + pool.2);
            pools.pop();
        }
        pools.push(pool);
    }
    let means = pools.iter().flat_map(|&(mean, _, count)| std::iter::repeat_n(mean, count));
    for ((&index, mean), offset) in layer.iter().zip(means).zip(offsets) {
        centres[index] = mean + offset;
    }
}

/// Pixels between the centres of neighbours.
fn distance(left: &Item, right: &Item) -> i32 {
    let gap = if left.is_node && right.is_node { NODE_GAP } else { BEND_GAP };
    // The last 2 pixels allow for two roundings.
    (left.width + 1) / 2 + (right.width + 1) / 2 + gap + 2
}

/// Converts positions to pixels. Lines leave a node at the middle of its lower side, and spread over the upper side of
/// the next node.
fn drawn(sizes: &[(i32, i32)], items: &[Item], layers: &[Vec<usize>], centres: &[f64], least_gap: i32) -> Layout {
    let left =
        (0..items.len()).map(|index| centres[index] - f64::from(items[index].width) / 2.0).fold(f64::MAX, f64::min);
    let x = |index: usize| (centres[index] - left).round() as i32;
    let mut boxes = vec![[0; 4]; sizes.len()];
    // Upper and lower end of each layer.
    let mut bands = Vec::with_capacity(layers.len());
    let mut top = 0;
    for layer in layers {
        let tall = |&&index: &&usize| items[index].is_node;
        let height = layer.iter().filter(tall).map(|&index| sizes[index].1).max().unwrap_or(0);
        for &index in layer.iter().filter(tall) {
            let (width, height) = sizes[index];
            boxes[index] = [x(index) - width / 2, top, width, height];
        }
        bands.push((top, top + height));
        let lines: usize = layer.iter().map(|&index| items[index].below.len()).sum();
        let gap = (least_gap + GAP_PER_EDGE * lines as i32).min(MOST_GAP);
        top += height + gap;
    }
    let mut lines = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let (band_top, band_bottom) = bands[item.layer];
        let start = if item.is_node { band_top + sizes[index].1 } else { band_top };
        for &to in &item.below {
            let end = if items[to].is_node {
                let [left, _, width, _] = boxes[to];
                let mut above = items[to].above.clone();
                above.sort_by(|&a, &b| centres[a].total_cmp(&centres[b]));
                let place = above.iter().position(|&other| other == index).expect("it is one of them");
                left + width * (place as i32 + 1) / (above.len() as i32 + 1)
            } else {
                x(to)
            };
            let mut points = vec![(x(index), start), (x(index), band_bottom), (end, bands[items[to].layer].0)];
            points.dedup();
            let arrow = items[to].is_node;
            lines.push(Line { points, arrow });
        }
    }
    let right = boxes.iter().map(|[left, _, width, _]| left + width);
    let bends = lines.iter().flat_map(|line| line.points.iter().map(|point| point.0));
    let width = right.chain(bends).max().unwrap_or(0);
    let height = bands.last().map_or(0, |band| band.1);
    Layout { boxes, lines, size: [width, height] }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::made_up::blocks;
    use super::*;

    fn sizes(graph: &Graph) -> Vec<(i32, i32)> {
        let size = |label: &Vec<String>| {
            let width = label.iter().map(|line| 9 * line.len() as i32).max().unwrap_or(0);
            (width, 20 * label.len() as i32)
        };
        graph.nodes.iter().map(|node| size(&node.label)).collect()
    }

    /// Whether a part of a line lies strictly within a box.
    fn enters([(x0, y0), (x1, y1)]: [(i32, i32); 2], [left, top, width, height]: [i32; 4]) -> bool {
        (1..40).any(|step| {
            let at = |from: i32, to: i32| f64::from(from) + f64::from(to - from) * f64::from(step) / 40.0;
            let (x, y) = (at(x0, x1), at(y0, y1));
            let within = |value: f64, low: i32, size: i32| value > f64::from(low) && value < f64::from(low + size);
            within(x, left, width) && within(y, top, height)
        })
    }

    proptest! {
        #[test]
        fn nothing_overlaps(block in blocks()) {
            let graph = Graph::block(&block, 0, None);
            let laid_out = layout(&graph, &sizes(&graph), 20).unwrap();
            let [width, height] = laid_out.size;
            for (index, &[left, top, w, h]) in laid_out.boxes.iter().enumerate() {
                prop_assert!(left >= 0 && top >= 0 && left + w <= width && top + h <= height);
                for &[l, t, other_w, other_h] in &laid_out.boxes[index + 1..] {
                    let apart = left + w < l || l + other_w < left || top + h < t || t + other_h < top;
                    prop_assert!(apart, "{:?} and {:?}", [left, top, w, h], [l, t, other_w, other_h]);
                }
            }
            for line in &laid_out.lines {
                for part in line.points.windows(2) {
                    prop_assert!(part[0].1 <= part[1].1);
                    for &node in &laid_out.boxes {
                        prop_assert!(!enters([part[0], part[1]], node), "{:?} in {:?}", part, node);
                    }
                }
            }
        }

        #[test]
        fn crossings_are_the_pairs_of_lines_that_cross(block in blocks()) {
            let graph = Graph::block(&block, 0, None);
            let items = items(&graph, &sizes(&graph)).unwrap();
            let layers = ordered(&items);
            let places: Vec<usize> = (0..items.len())
                .map(|index| layers[items[index].layer].iter().position(|&other| other == index).unwrap())
                .collect();
            let lines = |layer: &Vec<usize>| -> Vec<(usize, usize)> {
                let of_item = |&from: &usize| items[from].below.iter().map(move |&to| (from, to));
                layer.iter().flat_map(of_item).map(|(from, to)| (places[from], places[to])).collect()
            };
            let crossing = |lines: Vec<(usize, usize)>| {
                let pairs = lines.iter().flat_map(|a| lines.iter().map(move |b| (a, b)));
                pairs.filter(|(a, b)| a.0 < b.0 && a.1 > b.1).count()
            };
            prop_assert_eq!(crossings(&items, &layers), layers.iter().map(lines).map(crossing).sum::<usize>());
        }

        #[test]
        fn every_edge_into_a_node_has_an_arrow(block in blocks()) {
            let graph = Graph::block(&block, 0, None);
            let laid_out = layout(&graph, &sizes(&graph), 20).unwrap();
            for (index, &[left, top, width, _]) in laid_out.boxes.iter().enumerate() {
                let ends = |line: &&Line| {
                    let (x, y) = line.points[line.points.len() - 1];
                    line.arrow && y == top && (left..=left + width).contains(&x)
                };
                let edges = graph.edges.iter().filter(|edge| edge.1 == index).count();
                prop_assert_eq!(laid_out.lines.iter().filter(ends).count(), edges);
            }
            prop_assert_eq!(laid_out.lines.iter().filter(|line| line.arrow).count(), graph.edges.len());
        }
    }

    #[test]
    fn a_graph_of_too_many_lines_is_refused() {
        use super::super::graph::{Kind, Node};
        let node = || Node { kind: Kind::Op, label: Vec::new() };
        let graph = |count: usize| Graph {
            nodes: (0..count).map(|_| node()).collect(),
            edges: (0..count).flat_map(|to| (0..to).map(move |from| (from, to))).collect(),
        };
        let lay_out = |count| layout(&graph(count), &vec![(9, 9); count], 20).map(|layout| layout.boxes.len());
        assert_eq!(lay_out(60).unwrap(), 60);
        let error = lay_out(600).unwrap_err().to_string();
        assert_eq!(error, "the graph has more than 262144 lines between its layers, too many to draw");
    }
}

//! Places for the nodes of a graph, in layers from top to bottom, and the ways of its edges between them.
//!
//! The usual three steps: layers by longest path, orders by barycentres, places by neighbours. An edge over several layers gets a
//! place of its own in each, so that it passes between nodes. Nothing is random: equal graphs give equal layouts.

/// Free space between neighbours of a layer, and between layers, in pixels.
const GAP: i32 = 26;
const LAYER_GAP: i32 = 46;
const SWEEPS: usize = 12;

/// A point in pixels.
pub type Point = (i32, i32);

/// Where everything goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Centre of each node.
    pub centres: Vec<Point>,
    /// Points of each edge from its first node's lower side to its second one's upper side, in the order of the edges.
    pub routes: Vec<Vec<Point>>,
    /// Width and height of all.
    pub size: Point,
}

/// A node, or the place of an edge in a layer that it crosses.
struct Item {
    layer: usize,
    width: i32,
    above: Vec<usize>,
    below: Vec<usize>,
}

/// Lays out nodes of these widths and heights; edges go from lower to higher indices.
pub fn layout(sizes: &[Point], edges: &[(usize, usize)]) -> Layout {
    let mut items: Vec<Item> = sizes
        .iter()
        .map(|&(width, _)| Item {
            layer: 0,
            width,
            above: Vec::new(),
            below: Vec::new(),
        })
        .collect();
    for node in 0..sizes.len() {
        let deepest = edges
            .iter()
            .filter(|(_, to)| *to == node)
            .map(|&(from, _)| items[from].layer + 1);
        items[node].layer = deepest.max().unwrap_or(0);
    }
    let ways: Vec<Vec<usize>> = edges.iter().map(|&edge| way(&mut items, edge)).collect();
    let mut layers: Vec<Vec<usize>> = Vec::new();
    layers.resize_with(items.iter().map(|item| item.layer + 1).max().unwrap_or(0), Vec::new);
    for (index, item) in items.iter().enumerate() {
        layers[item.layer].push(index);
    }
    order(&items, &mut layers);
    let mut x = places(&items, &layers);
    let left = (0..items.len())
        .map(|item| x[item] - items[item].width / 2)
        .min()
        .unwrap_or(0);
    x.iter_mut().for_each(|x| *x -= left);
    let width = (0..items.len())
        .map(|item| x[item] + items[item].width / 2)
        .max()
        .unwrap_or(0);

    let height_of = |layer: &Vec<usize>| {
        let heights = layer.iter().filter_map(|&item| sizes.get(item)).map(|size| size.1);
        heights.max().unwrap_or(0)
    };
    let mut top = 0;
    let mut spans = Vec::new();
    for layer in &layers {
        let height = height_of(layer);
        spans.push((top, top + height));
        top += height + LAYER_GAP;
    }
    let centre = |item: usize| {
        let (top, bottom) = spans[items[item].layer];
        (x[item], (top + bottom) / 2)
    };
    // Straight down through a layer, so that no node beside it is touched.
    let through = |&item: &usize| {
        let (top, bottom) = spans[items[item].layer];
        [(x[item], top), (x[item], bottom)]
    };
    let route = |(way, &(from, to)): (&Vec<usize>, &(usize, usize))| {
        let (start, end) = (centre(from), centre(to));
        let mut points = vec![(start.0, start.1 + sizes[from].1 / 2)];
        points.extend(way.iter().flat_map(through));
        points.push((end.0, end.1 - sizes[to].1 / 2));
        points
    };
    Layout {
        centres: (0..sizes.len()).map(centre).collect(),
        routes: ways.iter().zip(edges).map(route).collect(),
        size: (width, (top - LAYER_GAP).max(0)),
    }
}

/// The places of an edge between its ends, linked to each other.
fn way(items: &mut Vec<Item>, (from, to): (usize, usize)) -> Vec<usize> {
    assert!(from < to, "an edge from {from} to {to}");
    let mut way = Vec::new();
    let mut last = from;
    for layer in items[from].layer + 1..items[to].layer {
        items.push(Item {
            layer,
            width: 2,
            above: vec![last],
            below: Vec::new(),
        });
        let item = items.len() - 1;
        items[last].below.push(item);
        way.push(item);
        last = item;
    }
    items[last].below.push(to);
    items[to].above.push(last);
    way
}

/// Sorts each layer by the mean place of its neighbours, in turn of those above and those below.
fn order(items: &[Item], layers: &mut [Vec<usize>]) {
    for sweep in 0..SWEEPS {
        let mut place = vec![0.0; items.len()];
        for layer in layers.iter() {
            for (index, &item) in layer.iter().enumerate() {
                place[item] = (index as f64 + 0.5) / layer.len() as f64;
            }
        }
        let downwards = sweep % 2 == 0;
        let count = layers.len();
        for step in 0..count {
            let layer = &mut layers[if downwards { step } else { count - 1 - step }];
            let mean = |item: usize| {
                let neighbours = if downwards {
                    &items[item].above
                } else {
                    &items[item].below
                };
                let sum: f64 = neighbours.iter().map(|&other| place[other]).sum();
                if neighbours.is_empty() {
                    place[item]
                } else {
                    sum / neighbours.len() as f64
                }
            };
            let mut keyed: Vec<(f64, usize)> = layer.iter().map(|&item| (mean(item), item)).collect();
            keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
            *layer = keyed.into_iter().map(|(_, item)| item).collect();
            let size = layer.len() as f64;
            for (index, &item) in layer.iter().enumerate() {
                place[item] = (index as f64 + 0.5) / size;
            }
        }
    }
}

/// Moves items towards their neighbours, as far as the order and the gaps of a layer allow.
fn places(items: &[Item], layers: &[Vec<usize>]) -> Vec<i32> {
    let distance = |left: usize, right: usize| f64::from((items[left].width + items[right].width) / 2 + GAP);
    let mut x = vec![0.0; items.len()];
    for layer in layers {
        for pair in layer.windows(2) {
            x[pair[1]] = x[pair[0]] + distance(pair[0], pair[1]);
        }
    }
    for _ in 0..SWEEPS {
        for layer in layers {
            let wanted: Vec<f64> = layer
                .iter()
                .map(|&item| {
                    let neighbours = || items[item].above.iter().chain(&items[item].below);
                    let count = neighbours().count();
                    let sum: f64 = neighbours().map(|&other| x[other]).sum();
                    if count == 0 { x[item] } else { sum / count as f64 }
                })
                .collect();
            // The mean of the places when pushed to the right and when pushed to the left keeps order and gaps.
            let (mut right, mut left) = (wanted.clone(), wanted);
            for index in 1..layer.len() {
                right[index] = right[index].max(right[index - 1] + distance(layer[index - 1], layer[index]));
            }
            for index in (1..layer.len()).rev() {
                left[index - 1] = left[index - 1].min(left[index] - distance(layer[index - 1], layer[index]));
            }
            for (index, &item) in layer.iter().enumerate() {
                x[item] = (left[index] + right[index]) / 2.0;
            }
        }
    }
    // Rounded from left to right, so that no gap is rounded away.
    let mut whole = vec![0; items.len()];
    for layer in layers {
        for (index, &item) in layer.iter().enumerate() {
            let least = match index {
                0 => i32::MIN,
                _ => whole[layer[index - 1]] + distance(layer[index - 1], item).ceil() as i32,
            };
            whole[item] = (x[item].round() as i32).max(least);
        }
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Graphs by a small congruential generator: which edges there are decides nothing but the picture.
    fn graph(nodes: usize, mut state: u64) -> (Vec<Point>, Vec<(usize, usize)>) {
        let mut next = |below: u64| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        let sizes = (0..nodes)
            .map(|_| (40 + next(120) as i32, 20 + next(40) as i32))
            .collect();
        let mut edges = Vec::new();
        for to in 1..nodes {
            for from in 0..to {
                if from + 1 == to || next(4) == 0 {
                    edges.push((from, to));
                }
            }
        }
        (sizes, edges)
    }

    #[test]
    fn nodes_do_not_overlap_and_edges_go_down() {
        for seed in 0..20 {
            let (sizes, edges) = graph(4 + seed as usize, seed);
            let layout = layout(&sizes, &edges);
            let corners = |node: usize| {
                let ((x, y), (width, height)) = (layout.centres[node], sizes[node]);
                [x - width / 2, x + width / 2, y - height / 2, y + height / 2]
            };
            for node in 0..sizes.len() {
                let [left, right, top, bottom] = corners(node);
                assert!(left >= 0 && top >= 0, "{left}, {top}");
                assert!(right <= layout.size.0 && bottom <= layout.size.1);
                for other in 0..node {
                    let [l, r, t, b] = corners(other);
                    assert!(right < l || r < left || bottom < t || b < top, "{node} and {other}");
                }
            }
            for route in &layout.routes {
                assert!(route.windows(2).all(|pair| pair[0].1 < pair[1].1), "{route:?}");
            }
        }
    }

    #[test]
    fn equal_graphs_give_equal_layouts() {
        let (sizes, edges) = graph(12, 3);
        assert_eq!(layout(&sizes, &edges), layout(&sizes, &edges));
    }
}

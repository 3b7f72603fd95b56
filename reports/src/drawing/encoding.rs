//! A network as graph, as memory banks and as encoding tensor, one above the other (paper, figure 3).

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use plotters::prelude::RGBColor;
use plotters::style::text_anchor::HPos;
use results::{DrawingRow, EncodingCellRow};

use super::architecture::Architecture;
use super::banks::block_banks;
use super::graph::Graph;
use super::network::graph_drawing;
use super::scene::{LINE, Scene};

const GAP: i32 = 70;
/// Width and height of a cell.
const CELL: (i32, i32) = (22, 14);
/// Names of the parts stand left of the cells.
const LEFT: i32 = 110;
const COLD: RGBColor = RGBColor(0xF2, 0xF2, 0xF2);

/// The figure of one drawing with its encoding.
///
/// # Errors
/// An architecture that cannot be read, no drawing with an encoding, or cells outside of it.
pub fn encoding_figure(title: &str, rows: &[DrawingRow], cells: &[EncodingCellRow]) -> Result<Scene> {
    let row = rows.first().context("no architecture to draw")?;
    let architecture = Architecture::from_json(&row.json).with_context(|| row.drawing.clone())?;
    let base = Some(row.base_channels as usize);
    let mut scene = Scene::default();
    scene.title(title, (0, LINE / 2));
    let graphs = architecture
        .blocks
        .iter()
        .map(|block| graph_drawing(&Graph::simplified(block, base)));
    let mut top = side_by_side(&mut scene, "unrolled graph", 2 * LINE, graphs);
    let banks = architecture.blocks.iter().map(|block| block_banks(block, base));
    top = side_by_side(
        &mut scene,
        "memory banks: squares are reads, triangles are writes",
        top,
        banks,
    );
    let heading =
        "encoding tensor c: channel against slice of input channels; the darker, the more rows of output units are +1";
    scene.text(heading, (0, top + LINE / 2), HPos::Left);
    let of_drawing: Vec<&EncodingCellRow> = cells.iter().filter(|cell| cell.drawing == row.drawing).collect();
    scene.place(encoding(row, &of_drawing)?, (0, top + 2 * LINE));
    Ok(scene)
}

/// Draws scenes of blocks under a heading and returns where the next heading goes.
fn side_by_side(scene: &mut Scene, heading: &str, top: i32, drawings: impl Iterator<Item = Scene>) -> i32 {
    scene.text(heading, (0, top + LINE / 2), HPos::Left);
    let (mut left, mut bottom) = (0, 0);
    for (index, drawing) in drawings.enumerate() {
        let (width, height) = drawing.extent();
        scene.text(&format!("block {}", index + 1), (left, top + 2 * LINE), HPos::Left);
        scene.place(drawing, (left, top + 3 * LINE));
        left += width + GAP;
        bottom = bottom.max(top + 3 * LINE + height);
    }
    bottom + 2 * LINE
}

fn encoding(row: &DrawingRow, cells: &[&EncodingCellRow]) -> Result<Scene> {
    let sizes = [row.encoding_channels, row.encoding_units, row.encoding_slices];
    let [Some(channels), Some(units), Some(slices)] = sizes else {
        anyhow::bail!("{}: no encoding is stored with it", row.drawing);
    };
    let mut hot: BTreeMap<(u32, u32), u32> = BTreeMap::new();
    let mut parts: BTreeMap<u32, &str> = BTreeMap::new();
    for cell in cells {
        ensure!(
            cell.channel < channels && cell.unit < units && cell.slice < slices,
            "{}: cell ({}, {}, {}) lies outside of the encoding of {channels} channels, {units} units and {slices} slices",
            row.drawing,
            cell.channel,
            cell.unit,
            cell.slice
        );
        *hot.entry((cell.channel, cell.slice)).or_default() += 1;
        parts.insert(cell.channel, &cell.part);
    }
    let mut scene = Scene::default();
    let corner = |channel: u32, slice: u32| (LEFT + CELL.0 * slice as i32, CELL.1 * channel as i32);
    for channel in 0..channels {
        for slice in 0..slices {
            let share = hot
                .get(&(channel, slice))
                .map_or(0.0, |&rows| f64::from(rows) / f64::from(units));
            let (x, y) = corner(channel, slice);
            let shade = |light: u8| (f64::from(light) * (1.0 - share) + 30.0 * share) as u8;
            let fill = RGBColor(shade(COLD.0), shade(COLD.1), shade(COLD.2));
            scene.rectangle([(x, y), (x + CELL.0 - 2, y + CELL.1 - 2)], fill, false);
        }
    }
    // Each part is named at the middle of the channels that it was seen to have.
    let mut spans: BTreeMap<&str, (u32, u32)> = BTreeMap::new();
    for (&channel, &part) in &parts {
        let span = spans.entry(part).or_insert((channel, channel));
        *span = (span.0.min(channel), span.1.max(channel));
    }
    for (part, (first, last)) in spans {
        let y = (corner(first, 0).1 + corner(last, 0).1 + CELL.1) / 2;
        scene.text(part, (LEFT - 14, y), HPos::Right);
        scene.line(
            vec![
                (LEFT - 8, corner(first, 0).1),
                (LEFT - 8, corner(last, 0).1 + CELL.1 - 2),
            ],
            COLD_LINE,
            2,
        );
    }
    Ok(scene)
}

const COLD_LINE: RGBColor = RGBColor(0x88, 0x88, 0x88);

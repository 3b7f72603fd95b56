//! Memory banks as lanes and ops as columns that read from them and write to them (paper, figure 1).

use anyhow::{Context, Result};
use plotters::prelude::RGBColor;
use plotters::style::text_anchor::HPos;
use results::DrawingRow;

use super::architecture::{Architecture, Block};
use super::scene::{LIGHT_FILL, LINE, Scene, WHITE_FILL, text_width};
use crate::figure::canvas::INK;

const LANE: i32 = 40;
const PADDING: i32 = 8;
const COLUMN_GAP: i32 = 26;
/// Between the names of the banks and the first op.
const LEFT: i32 = 96;
const HELD: RGBColor = RGBColor(0xB8, 0xC4, 0xCE);
const EMPTY: RGBColor = RGBColor(0xEE, 0xEE, 0xEE);

/// The first block of each drawing, one under the other.
///
/// # Errors
/// An architecture that cannot be read.
pub fn banks_figure(title: &str, rows: &[DrawingRow]) -> Result<Scene> {
    let mut scene = Scene::default();
    scene.title(title, (0, LINE / 2));
    let mut top = 2 * LINE;
    for row in rows {
        let architecture = Architecture::from_json(&row.json).with_context(|| row.drawing.clone())?;
        scene.text(&row.drawing, (0, top + LINE / 2), HPos::Left);
        let drawing = block_banks(&architecture.blocks[0], Some(row.base_channels as usize));
        top += 3 * LINE / 2;
        let height = drawing.extent().1;
        scene.place(drawing, (0, top));
        top += height + 2 * LINE;
    }
    legend(&mut scene, top);
    Ok(scene)
}

fn legend(scene: &mut Scene, y: i32) {
    read_mark(scene, (8, y));
    scene.text("reads (concatenated)", (24, y), HPos::Left);
    write_mark(scene, (268, y));
    scene.text("writes (added)", (284, y), HPos::Left);
    scene.line(vec![(460, y), (500, y)], HELD, 6);
    scene.text("bank that holds something", (512, y), HPos::Left);
}

fn read_mark(scene: &mut Scene, (x, y): (i32, i32)) {
    scene.rectangle([(x - 6, y - 6), (x + 6, y + 6)], WHITE_FILL, true);
}

fn write_mark(scene: &mut Scene, (x, y): (i32, i32)) {
    scene.polygon(vec![(x - 8, y - 7), (x + 8, y - 7), (x, y + 8)], INK);
}

/// The banks of a block over its ops.
pub(super) fn block_banks(block: &Block, base_channels: Option<usize>) -> Scene {
    let mut scene = Scene::default();
    let labels: Vec<Vec<String>> = block
        .ops
        .iter()
        .map(|op| {
            let convs = op.convs.iter().flatten().map(|conv| conv.label());
            [op.outputs(base_channels)].into_iter().chain(convs).collect()
        })
        .collect();
    let widths: Vec<i32> = labels
        .iter()
        .map(|lines| lines.iter().map(|line| text_width(line)).max().unwrap_or(0) + 2 * PADDING)
        .collect();
    let lines = labels.iter().map(Vec::len).max().unwrap_or(0) as i32;
    let box_height = lines * LINE + PADDING;
    let lane = |bank: usize| box_height + LANE * (bank as i32 + 1);
    let mut left = LEFT;
    let columns: Vec<i32> = widths
        .iter()
        .map(|width| {
            left += width + COLUMN_GAP;
            left - width / 2 - COLUMN_GAP
        })
        .collect();

    for bank in 0..block.banks() {
        let y = lane(bank);
        scene.text(&format!("bank {bank}"), (0, y), HPos::Left);
        let first_write = block.ops.iter().position(|op| op.writes.contains(&bank));
        let held_from = match first_write {
            _ if bank < block.input_banks() => LEFT - 16,
            Some(op) => columns[op] + widths[op] / 4,
            None => left,
        };
        scene.line(vec![(LEFT - 16, y), (held_from, y)], EMPTY, 6);
        scene.line(vec![(held_from, y), (left, y)], HELD, 6);
    }
    for (((op, lines), &x), &width) in block.ops.iter().zip(&labels).zip(&columns).zip(&widths) {
        let (reads_at, writes_at) = (x - width / 4, x + width / 4);
        let lowest = |banks: &[usize]| lane(banks.iter().copied().max().unwrap_or(0));
        scene.line(vec![(reads_at, lowest(&op.reads)), (reads_at, box_height)], INK, 1);
        scene.line(vec![(writes_at, box_height), (writes_at, lowest(&op.writes))], INK, 1);
        scene.rectangle([(x - width / 2, 0), (x + width / 2, box_height)], LIGHT_FILL, true);
        for (line, y) in lines.iter().zip((PADDING / 2 + LINE / 2..).step_by(LINE as usize)) {
            scene.text(line, (x, y), HPos::Center);
        }
        op.reads
            .iter()
            .for_each(|&bank| read_mark(&mut scene, (reads_at, lane(bank))));
        op.writes
            .iter()
            .for_each(|&bank| write_mark(&mut scene, (writes_at, lane(bank))));
    }
    scene
}

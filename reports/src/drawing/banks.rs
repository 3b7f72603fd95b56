//! Drawings of architectures as memory banks (paper, figure 1).
//!
//! Each bank is a lane. Time runs downwards, and ops read and write.

use anyhow::{Context, Result, ensure};
use plotters::style::text_anchor::{HPos, VPos};
use results::DrawingRow;

use smash_space::architecture::Op;

use super::architecture::{Architecture, Block, outputs, path_labels};
use super::scene::{LINE, Outline, Pixel, SHADE, Scene, ring, width_of};
use crate::picture::Width;
use crate::picture::shapes::INK;

/// Pixels between two lanes, and between the last one and the ops.
const LANE: i32 = 40;
const TO_OPS: i32 = 56;
/// Pixels from the first line of a panel to its ops, and between two ops.
const HEAD: i32 = 46;
const BETWEEN_OPS: i32 = 22;
/// Pixels between an op's text and its outline, above and below.
const PADDING: i32 = 8;
/// Half the width of a mark, in pixels.
const MARK: i32 = 8;
/// Pixels between the blocks of one drawing.
const BETWEEN: i32 = 32;

/// Draws several architectures in columns, each with its name and with its blocks one below the other.
///
/// # Errors
/// If there is no architecture, or one is not in the stored form.
pub fn banks_figure(rows: &[DrawingRow], title: Option<&str>, width: Width) -> Result<Scene> {
    ensure!(!rows.is_empty(), "no architecture to draw");
    let mut panels = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        // A named pattern is the same for every root seed.
        let is_drawn = |other: &DrawingRow| other.drawing == row.drawing && other.json == row.json;
        if rows[..index].iter().any(is_drawn) {
            continue;
        }
        let architecture = of_row(row)?;
        let base_channels = Some(row.base_channels as usize);
        let mut panel = Scene::default();
        panel.text(&row.drawing, (0, 0), HPos::Left, VPos::Top);
        panel.place(banks_scene(&architecture, base_channels), (0, LINE + 8));
        panels.push(panel);
    }
    panels.push(legend());
    Ok(Scene::in_columns(panels, width).titled(title))
}

/// Reads the architecture of a row.
pub(super) fn of_row(row: &DrawingRow) -> Result<Architecture> {
    Architecture::from_json(&row.json, Some(row.width as usize))
        .with_context(|| format!("drawings: seed {}: `{}`", row.seed, row.drawing))
}

/// Draws the blocks one below the other, or only the first if all are equal.
pub(super) fn banks_scene(architecture: &Architecture, base_channels: Option<usize>) -> Scene {
    let blocks = &architecture.blocks;
    let mut scene = Scene::default();
    let mut panel = |title: &str, block: &Block, name: &str| {
        let top = match scene.size().1 {
            0 => 0,
            height => height + BETWEEN,
        };
        let mut panel = Scene::default();
        panel.text(title, (0, 0), HPos::Left, VPos::Top);
        panel.place(block_scene(block, name, base_channels), (0, LINE + 8));
        scene.place(panel, (0, top));
    };
    if blocks.iter().all(|block| *block == blocks[0]) && blocks.len() > 1 {
        panel(&format!("each of {} blocks", blocks.len()), &blocks[0], "op ");
    } else {
        for (index, block) in blocks.iter().enumerate() {
            panel(&format!("block {index}"), block, &format!("op {index}."));
        }
    }
    scene
}

/// Explains the marks, in one column.
pub(super) fn legend() -> Scene {
    let mut scene = Scene::default();
    let x = MARK + 4;
    let names = ["an op reads the bank", "an op writes to the empty bank", "an op adds to what the bank holds"];
    for (row, name) in (0..).zip(names) {
        let y = LINE / 2 + 2 + 26 * row;
        match row {
            0 => read_mark(&mut scene, (x, y)),
            1 => write_mark(&mut scene, (x, y), false),
            _ => write_mark(&mut scene, (x, y), true),
        }
        scene.text(name, (x + 24, y), HPos::Left, VPos::Center);
    }
    let y = LINE / 2 + 2 + 26 * 3;
    scene.dashed(&[(x, y - 10), (x, y)]);
    scene.line(&[(x, y), (x, y + 10)], 3.0);
    scene.text("a bank, empty and in use", (x + 24, y), HPos::Left, VPos::Center);
    scene
}

/// Draws one block. The names of its ops begin with `name`.
fn block_scene(block: &Block, name: &str, base_channels: Option<usize>) -> Scene {
    let labels: Vec<Vec<String>> =
        (0..).zip(&block.ops).map(|(op_index, op)| op_label(op, &format!("{name}{op_index}"), base_channels)).collect();
    let box_width = labels.iter().flatten().map(|line| width_of(line)).max().unwrap_or(0) + 24;
    let lane = |bank: usize| MARK + 4 + LANE * bank as i32;
    let box_left = lane(block.banks() - 1) + TO_OPS;
    let heights = labels.iter().map(|label| LINE * label.len() as i32 + 2 * PADDING);
    let mut tops = Vec::new();
    let mut bottom = HEAD;
    for height in heights.clone() {
        tops.push(bottom);
        bottom += height + BETWEEN_OPS;
    }
    let mut scene = Scene::default();
    draw_lanes(&mut scene, block, lane, &tops, bottom);
    let input = block.input_banks;
    let mut written = input;
    for (((op, label), top), height) in block.ops.iter().zip(&labels).zip(&tops).zip(heights) {
        let (reads, writes) = (read_height(*top), write_height(*top));
        scene.line(&[(lane(op.reads[0]), reads), (box_left, reads)], 1.0);
        scene.arrow_head((0, reads), (box_left, reads));
        for &bank in &op.reads {
            read_mark(&mut scene, (lane(bank), reads));
        }
        scene.line(&[(lane(op.writes[0]), writes), (box_left, writes)], 1.0);
        for &bank in &op.writes {
            scene.arrow_head((box_left, writes), (lane(bank) + MARK, writes));
            write_mark(&mut scene, (lane(bank), writes), bank < written);
        }
        written = op.writes.iter().fold(written, |written, bank| written.max(bank + 1));
        scene.frame([box_left, *top, box_width, height], 0, SHADE, Outline::Solid(2.0));
        scene.label(label, (box_left + box_width / 2, top + height / 2));
    }
    scene
}

/// Draws each bank with its number: thin while the bank is empty, then heavy, with an arrow at the end of the block.
fn draw_lanes(scene: &mut Scene, block: &Block, lane: impl Fn(usize) -> i32, tops: &[i32], bottom: i32) {
    let begin = LINE + 2;
    for bank in 0..block.banks() {
        let x = lane(bank);
        scene.text(&bank.to_string(), (x, 0), HPos::Center, VPos::Top);
        let first = block.ops.iter().position(|op| op.writes.contains(&bank));
        let filled = match first {
            Some(op) if bank >= block.input_banks => write_height(tops[op]),
            _ => begin,
        };
        scene.dashed(&[(x, begin), (x, filled)]);
        scene.line(&[(x, filled), (x, bottom)], 3.0);
        scene.arrow_head((x, begin), (x, bottom + 8));
    }
}

/// Height at which the line of reads meets an op, below its top.
fn read_height(top: i32) -> i32 {
    top + 12
}

/// Height at which the line of writes meets an op, far enough below the line of reads for the marks.
fn write_height(top: i32) -> i32 {
    top + 12 + 2 * MARK + 6
}

/// Name and width of an op, then a line for each of its paths.
fn op_label(op: &Op, name: &str, base_channels: Option<usize>) -> Vec<String> {
    let mut lines = vec![format!("{name}: {}", outputs(op, base_channels))];
    lines.extend(path_labels(op));
    lines
}

fn read_mark(scene: &mut Scene, at: Pixel) {
    scene.disc(at, f64::from(MARK - 2), INK);
}

fn write_mark(scene: &mut Scene, (x, y): Pixel, adds: bool) {
    ring(scene, (x, y), f64::from(MARK));
    if adds {
        scene.line(&[(x - MARK + 3, y), (x + MARK - 3, y)], 2.0);
        scene.line(&[(x, y - MARK + 3), (x, y + MARK - 3)], 2.0);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::made_up::{RESNET, SMALL, blocks};
    use super::*;
    use crate::picture::Format;

    fn row(drawing: &str, json: &str) -> DrawingRow {
        DrawingRow {
            seed: 3,
            drawing: drawing.into(),
            json: json.into(),
            base_channels: 8,
            width: 1,
            encoding_channels: None,
            encoding_units: None,
            encoding_slices: None,
        }
    }

    #[test]
    fn drawings_stand_in_columns_with_their_names_each_once() {
        let mut rows = vec![row("ResNet", RESNET), row("small", SMALL)];
        let figure = banks_figure(&rows, Some("Two blocks"), Width::Page).unwrap();
        figure.assert_legible();
        let texts: Vec<String> = figure.texts().into_iter().map(|(text, _)| text).collect();
        for part in ["Two blocks", "ResNet", "small", "op 0.0: N = 16", "op 0.1: N = 8", "3x5, d 1x2, g 2"] {
            assert!(texts.iter().any(|text| text == part), "{part} is missing in {texts:?}");
        }
        let again = DrawingRow { seed: 4, ..rows[0].clone() };
        rows.push(again);
        let svg = |figure: Scene| figure.picture().bytes(Format::Svg).unwrap();
        assert_eq!(svg(banks_figure(&rows, Some("Two blocks"), Width::Page).unwrap()), svg(figure));
    }

    #[test]
    fn faults_in_stored_drawings_are_named() {
        let message = |rows: &[DrawingRow]| format!("{:#}", banks_figure(rows, None, Width::Page).err().unwrap());
        assert_eq!(message(&[]), "no architecture to draw");
        let found = message(&[row("ResNet", "{}")]);
        assert!(found.starts_with("drawings: seed 3: `ResNet`: "), "{found}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn no_text_covers_another(block in blocks()) {
            block_scene(&block, "op 0.", Some(8)).titled(Some("A block")).assert_legible();
        }
    }
}

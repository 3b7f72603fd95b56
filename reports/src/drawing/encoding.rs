//! An architecture as graph, as memory banks and as the encoding tensor c (paper, figure 3).

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use plotters::style::RGBColor;
use plotters::style::text_anchor::{HPos, VPos};
use results::{DrawingRow, EncodingCellRow};

use super::architecture::Architecture;
use super::banks::{banks_scene, legend, of_row};
use super::graph::Graph;
use super::network::graph_scene;
use super::scene::{LINE, Outline, Pixel, SHADE, Scene, width_of};
use crate::picture::Width;

/// Pixels between two architectures.
const BETWEEN: i32 = 60;
/// Pixels that all cells should take together, `(width, height)`, then the least and the most for one cell.
const CELLS: Pixel = (300, 700);
const LEAST_CELL: i32 = 5;
const MOST_CELL: Pixel = (44, 24);
/// Pixels above the cells for the names of ops, and between the names and the cells.
const HEAD: i32 = 70;
const TO_NAMES: i32 = 40;
/// Pixels between the names of parts and the cells.
const TO_CELLS: i32 = 40;

/// Draws the architectures that have an encoding, one below the other. Each appears as graph, as memory banks and as encoding.
///
/// A row of the encoding is a channel, a column a slice of input channels. A cell is darker the more of its output units hold +1.
///
/// # Errors
/// If there is no such architecture, one is not in the stored form, or its encoding does not fit it.
pub fn encoding_figure(
    rows: &[DrawingRow],
    cells: &[EncodingCellRow],
    title: Option<&str>,
    width: Width,
) -> Result<Scene> {
    let mut figure = Scene::default();
    let encoded: Vec<&DrawingRow> = rows.iter().filter(|row| row.encoding_channels.is_some()).collect();
    ensure!(!encoded.is_empty(), "no architecture with an encoding to draw");
    for row in &encoded {
        let mut name = row.drawing.clone();
        if encoded.iter().any(|other| other.seed != row.seed) {
            name += &format!(", seed {}", row.seed);
        }
        let architecture = of_row(row)?;
        let base_channels = Some(row.base_channels as usize);
        let mut banks = banks_scene(&architecture, base_channels);
        let bottom = banks.size().1 + LINE;
        banks.place(legend(), (0, bottom));
        let panels = [
            (format!("{name}: graph"), graph_scene(&Graph::network(&architecture, base_channels))?),
            ("memory banks".to_owned(), banks),
            ("encoding c, by op and channel".to_owned(), Encoding::of(row, cells, &architecture)?.scene()),
        ];
        let top = match figure.size().1 {
            0 => 0,
            height => height + BETWEEN,
        };
        let with_heading = panels.map(|(heading, panel)| {
            let mut whole = Scene::default();
            whole.text(&heading, (0, 0), HPos::Left, VPos::Top);
            whole.place(panel, (0, LINE + 12));
            whole
        });
        figure.place(Scene::in_columns(with_heading.to_vec(), width), (0, top));
    }
    Ok(figure.titled(title))
}

/// An encoding with the meaning of its rows and columns.
struct Encoding {
    channels: usize,
    units: usize,
    slices: usize,
    /// Number of units of a channel and slice that hold +1; cells without any are left out.
    hot: BTreeMap<(usize, usize), usize>,
    /// Each part with the first and last channel that holds +1 anywhere, in order.
    parts: Vec<(String, usize, usize)>,
    /// Name and first slice of each op.
    ops: Vec<(String, usize)>,
}

impl Encoding {
    fn of(row: &DrawingRow, cells: &[EncodingCellRow], architecture: &Architecture) -> Result<Self> {
        let place = || format!("drawings: seed {}: `{}`", row.seed, row.drawing);
        let size = |name: &str, size: Option<u32>| match size {
            Some(size) if (1..=10_000).contains(&size) => Ok(size as usize),
            _ => Err(anyhow::anyhow!("{}: {name}: expected 1 to 10000, found {size:?}", place())),
        };
        let channels = size("encoding_channels", row.encoding_channels)?;
        let units = size("encoding_units", row.encoding_units)?;
        let slices = size("encoding_slices", row.encoding_slices)?;
        let mut hot: BTreeMap<(usize, usize), usize> = BTreeMap::new();
        let mut extents: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
        let mut met = BTreeSet::new();
        for cell in cells.iter().filter(|cell| cell.seed == row.seed && cell.drawing == row.drawing) {
            let [channel, unit, slice] = [cell.channel, cell.unit, cell.slice].map(|index| index as usize);
            ensure!(
                channel < channels && unit < units && slice < slices,
                "encoding-cells: seed {}: `{}`: expected a cell of {channels} channels, {units} units and {slices} slices, found \
                 ({channel}, {unit}, {slice})",
                row.seed,
                row.drawing
            );
            if met.insert((channel, unit, slice)) {
                *hot.entry((channel, slice)).or_default() += 1;
            }
            let extent = extents.entry(&cell.part).or_insert((channel, channel));
            *extent = (extent.0.min(channel), extent.1.max(channel));
        }
        ensure!(!hot.is_empty(), "{}: no cell of its encoding holds +1", place());
        let mut parts: Vec<_> =
            extents.into_iter().map(|(part, (first, last))| (part.to_owned(), first, last)).collect();
        parts.sort_by_key(|&(_, first, _)| first);
        let ops = first_slices(architecture, slices)
            .with_context(|| format!("{}: no depth compression gives its ops {slices} slices", place()))?;
        Ok(Self { channels, units, slices, hot, parts, ops })
    }

    fn scene(&self) -> Scene {
        let mut scene = Scene::default();
        let left = self.parts.iter().map(|(part, ..)| width_of(part)).max().unwrap_or(0) + TO_CELLS;
        let cell = |room: i32, count: usize, most: i32| (room / count as i32).clamp(LEAST_CELL, most);
        let cell_width = cell(CELLS.0, self.slices, MOST_CELL.0);
        let cell_height = cell(CELLS.1, self.channels, MOST_CELL.1);
        let x = |slice: usize| left + cell_width * slice as i32;
        let y = |channel: usize| HEAD + cell_height * channel as i32;
        let (right, bottom) = (x(self.slices), y(self.channels));
        for (&(channel, slice), &count) in &self.hot {
            let corner = (x(slice + 1), y(channel + 1));
            scene.fill((x(slice), y(channel)), corner, shade(count, self.units));
        }
        scene.line(&[(left, HEAD), (right, HEAD), (right, bottom), (left, bottom), (left, HEAD)], 2.0);
        let mut free = 0;
        for (name, slice) in &self.ops {
            // A line goes from the op's first slice to its name, which moves aside for the names before it.
            let text = x(*slice).max(free);
            scene.line(&[(text, HEAD - TO_NAMES), (x(*slice), HEAD), (x(*slice), bottom)], 1.0);
            scene.text(name, (text, HEAD - TO_NAMES - 2), HPos::Left, VPos::Bottom);
            free = text + width_of(name) + 10;
        }
        let mut lowest = i32::MIN;
        for (part, first, last) in &self.parts {
            let (top, end) = (y(*first) + 1, y(last + 1) - 1);
            let bracket = left - 8;
            scene.line(&[(left - 3, top), (bracket, top), (bracket, end), (left - 3, end)], 1.0);
            let middle = (top + end) / 2;
            let text = middle.max(lowest);
            scene.line(&[(bracket, middle), (left - TO_CELLS + 8, text)], 1.0);
            scene.text(part, (left - TO_CELLS + 4, text), HPos::Right, VPos::Center);
            lowest = text + LINE;
        }
        let below = bottom.max(lowest) + 14;
        let size = format!("{} slices of input channels, {} channels", self.slices, self.channels);
        scene.text(&size, (left, below), HPos::Left, VPos::Top);
        let mut next = left;
        for count in 1..=self.units {
            let text = match self.units {
                1 => "+1".to_owned(),
                units => format!("{count} of {units}"),
            };
            let width = 22 + 8 + width_of(&text) + 24;
            if next + width > right.max(left + CELLS.0) && next > left {
                break;
            }
            let top = below + LINE + 12;
            scene.frame([next, top, 22, 16], 0, shade(count, self.units), Outline::Solid(1.0));
            scene.text(&text, (next + 30, top + 8), HPos::Left, VPos::Center);
            next += width;
        }
        if self.units > 1 {
            scene.text("output units hold +1, all others -1", (left, below + 2 * LINE + 14), HPos::Left, VPos::Top);
        }
        scene
    }
}

/// The shade of a cell, by the number of its units that hold +1.
fn shade(count: usize, units: usize) -> RGBColor {
    let darkest = 0x22;
    let lightest = i32::from(SHADE.0) - 0x20;
    let step = |count: usize| (lightest - darkest) * (units - count) as i32 / units.saturating_sub(1).max(1) as i32;
    let level = (darkest + step(count)) as u8;
    RGBColor(level, level, level)
}

/// Name and first slice of each op. An op takes the channels that it reads, in units of N, divided by the depth
/// compression and rounded up. No op gets more slices from a larger compression. Compressions with the same sum
/// therefore give the same slices.
fn first_slices(architecture: &Architecture, slices: usize) -> Option<Vec<(String, usize)>> {
    let channels: Vec<(String, usize)> = (0..)
        .zip(&architecture.blocks)
        .flat_map(|(index, block)| {
            let ops = (0..).zip(&block.ops);
            ops.map(move |(op_index, op): (usize, _)| (format!("{index}.{op_index}"), op.reads.len() * block.bank_size))
        })
        .collect();
    let most = channels.iter().map(|(_, channels)| *channels).max()?;
    (1..=most).find_map(|compression| {
        let mut start = 0;
        let firsts = channels
            .iter()
            .map(|(name, channels)| {
                let first = start;
                start += channels.div_ceil(compression);
                (name.clone(), first)
            })
            .collect();
        (start == slices).then_some(firsts)
    })
}

#[cfg(test)]
mod tests {
    use super::super::made_up::SMALL;
    use super::*;
    use crate::picture::Format;

    fn row() -> DrawingRow {
        DrawingRow {
            seed: 3,
            drawing: "sample 0".into(),
            json: SMALL.into(),
            base_channels: 6,
            width: 1,
            encoding_channels: Some(9),
            encoding_units: Some(2),
            encoding_slices: Some(3),
        }
    }

    fn cell(part: &str, channel: u32, unit: u32, slice: u32) -> EncodingCellRow {
        EncodingCellRow { seed: 3, drawing: "sample 0".into(), part: part.into(), channel, unit, slice }
    }

    #[test]
    fn a_figure_shows_graph_banks_and_encoding_with_its_parts() {
        let cells = [cell("reads", 0, 0, 0), cell("reads", 1, 0, 2), cell("writes", 4, 0, 1), cell("writes", 4, 1, 1)];
        let figure = encoding_figure(&[row()], &cells, Some("A network"), Width::Page).unwrap();
        figure.assert_legible();
        let texts: Vec<String> = figure.texts().into_iter().map(|(text, _)| text).collect();
        for part in [
            "sample 0: graph",
            "memory banks",
            "encoding c, by op and channel",
            "reads",
            "writes",
            "op 0.1",
            "op 0.1: N = 6",
            "0.1",
        ] {
            assert!(texts.iter().any(|text| text == part), "{part} is missing in {texts:?}");
        }
        let svg = |cells: &[EncodingCellRow]| {
            let figure = encoding_figure(&[row()], cells, Some("A network"), Width::Page).unwrap();
            figure.picture().bytes(Format::Svg).unwrap()
        };
        assert_eq!(svg(&cells), svg(&cells));
        let darker = [cells.to_vec(), vec![cell("reads", 0, 1, 0)]].concat();
        assert_ne!(svg(&cells), svg(&darker), "a cell more makes no difference");
    }

    #[test]
    fn cells_that_do_not_fit_are_named() {
        let message =
            |row: DrawingRow, cell| format!("{:#}", encoding_figure(&[row], &[cell], None, Width::Page).err().unwrap());
        let found = message(row(), cell("reads", 9, 0, 0));
        assert!(found.contains("expected a cell of 9 channels, 2 units and 3 slices, found (9, 0, 0)"), "{found}");
        let mut long = row();
        long.encoding_slices = Some(5);
        let found = message(long, cell("reads", 0, 0, 0));
        assert!(found.contains("no depth compression gives its ops 5 slices"), "{found}");
        let mut none = row();
        none.encoding_channels = None;
        assert_eq!(message(none, cell("reads", 0, 0, 0)), "no architecture with an encoding to draw");
        let mut other = cell("reads", 0, 0, 0);
        other.seed = 4;
        assert!(message(row(), other).ends_with("no cell of its encoding holds +1"));
    }

    #[test]
    fn the_slices_of_ops_follow_from_their_sum() {
        let architecture = Architecture::from_json(SMALL, None).unwrap();
        let starts = |slices| first_slices(&architecture, slices).map(|ops| ops.into_iter().map(|op| op.1).collect());
        assert_eq!(starts(3), Some(vec![0, 1]));
        assert_eq!(starts(2), Some(vec![0, 1]));
        assert_eq!(starts(4), None::<Vec<usize>>);
    }

    #[test]
    fn more_units_are_darker_and_all_of_them_darkest() {
        let shades: Vec<u8> = (1..=8).map(|count| shade(count, 8).0).collect();
        assert!(shades.windows(2).all(|pair| pair[0] > pair[1]), "{shades:?}");
        assert_eq!(shades[7], shade(1, 1).0);
    }
}

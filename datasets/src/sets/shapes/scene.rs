//! The layouts that make up the classes, and the drawing of a scene.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::canvas::{Canvas, Colour, Figure, Outline, Vector, coverage, mix};
use crate::shuffled_indices;

pub(super) const CLASSES: usize = 10;

/// Number of layouts per class. A network learns each layout separately, so it learns a class bit by bit rather than
/// all at once. Its error then depends little on the time at which its training found something out.
const LAYOUTS_PER_CLASS: usize = 5;

/// Side of the square grid of places.
const GRID: usize = 3;

/// A part of a layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Part {
    /// Row and column on the grid.
    place: [usize; 2],
    kind: Kind,
    /// Whether the part is lighter than the background; otherwise it is darker.
    light: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Disc,
    Ring,
    Cross,
    /// A square of horizontal stripes.
    Across,
    /// A square of vertical stripes.
    Upright,
    /// A square of checks.
    Checks,
}

const KINDS: [Kind; 6] = [Kind::Disc, Kind::Ring, Kind::Cross, Kind::Across, Kind::Upright, Kind::Checks];

/// Parts of a layout, in the order of their places.
pub(super) type Layout = [Part; 4];

/// One layout of each class in order, then the next of each, up to `LAYOUTS_PER_CLASS`. They are part of the definition
/// of the set: the same for every seed.
///
/// Classes 2k and 2k + 1 have layouts of the same parts at other places. So parts alone do not reveal the class. Two of
/// the four parts are light and two dark, so that brightness does not reveal it. A layout and its mirror image count as
/// one.
pub(super) fn layouts() -> Vec<Layout> {
    let mut rng = ChaCha8Rng::seed_from_u64(0x006c_6179_6f75_7473); // "layouts"
    let mut layouts: Vec<Layout> = Vec::new();
    while layouts.len() < CLASSES * LAYOUTS_PER_CLASS {
        let kinds: [Kind; 4] = std::array::from_fn(|_| KINDS[rng.random_range(0..KINDS.len())]);
        let pair: [Layout; 2] = std::array::from_fn(|_| arrange(kinds, &mut rng));
        let known = |layout: &Layout| layouts.iter().any(|other| other == layout || *other == mirrored(layout));
        if pair[0] != pair[1] && pair[0] != mirrored(&pair[1]) && !pair.iter().any(known) {
            layouts.extend(pair);
        }
    }
    layouts
}

/// Light and dark parts of these kinds, two each, at random places.
fn arrange(kinds: [Kind; 4], rng: &mut ChaCha8Rng) -> Layout {
    let places = shuffled_indices(GRID * GRID, rng);
    let mut layout =
        std::array::from_fn(|i| Part { place: [places[i] / GRID, places[i] % GRID], kind: kinds[i], light: i < 2 });
    layout.sort();
    layout
}

fn mirrored(layout: &Layout) -> Layout {
    let mut mirrored = layout.map(|part| Part { place: [part.place[0], GRID - 1 - part.place[1]], ..part });
    mirrored.sort();
    mirrored
}

/// Draws a scene of a class at `size` times `size` pixels.
pub(super) fn draw(class: usize, layouts: &[Layout], size: usize, rng: &mut ChaCha8Rng) -> Canvas {
    let base: Colour = std::array::from_fn(|_| rng.random_range(0.3..0.7));
    let mut canvas = draw_background(size, base, rng);
    let layout = &layouts[rng.random_range(0..LAYOUTS_PER_CLASS) * CLASSES + class];
    let layout = if rng.random_bool(0.5) { *layout } else { mirrored(layout) };
    let shift: Vector = std::array::from_fn(|_| rng.random_range(-0.06..0.06));
    for part in layout {
        draw_part(&mut canvas, base, part, shift, rng);
    }
    canvas.add_noise(rng.random_range(0.02..0.12), rng);
    canvas
}

/// A shaded background with some dots and short bars.
fn draw_background(size: usize, base: Colour, rng: &mut ChaCha8Rng) -> Canvas {
    let [ax, ay] = random_axis(rng);
    let steepness = rng.random_range(0.0..0.3);
    let tint = random_tint(rng);
    let mut canvas = Canvas::new(size, |[x, y]| add(base, tint, ((x - 0.5) * ax + (y - 0.5) * ay) * steepness));
    for _ in 0..rng.random_range(2..=5) {
        let outline = if rng.random_bool(0.5) { Outline::Disc } else { Outline::Bar };
        let figure = Figure {
            outline,
            centre: [rng.random_range(0.0..1.0), rng.random_range(0.0..1.0)],
            radius: rng.random_range(0.03..0.12),
            axis: random_axis(rng),
        };
        let colour = add(base, random_tint(rng), rng.random_range(0.1..0.3));
        canvas.paint(&figure, |_| colour);
    }
    canvas
}

fn draw_part(canvas: &mut Canvas, base: Colour, part: Part, shift: Vector, rng: &mut ChaCha8Rng) {
    let [row, column] = part.place.map(|place| (place as f32 + 0.5) / GRID as f32);
    let centre = [column + shift[0], row + shift[1]].map(|middle| middle + rng.random_range(-0.04..0.04));
    let outline = match part.kind {
        Kind::Disc => Outline::Disc,
        Kind::Ring => Outline::Ring,
        Kind::Cross => Outline::Cross,
        Kind::Across | Kind::Upright | Kind::Checks => Outline::Square,
    };
    let figure = Figure { outline, centre, radius: rng.random_range(0.13..0.18), axis: nearly_horizontal_axis(rng) };
    let strength = rng.random_range(0.15..0.45);
    let lightness = random_lightness(rng);
    let colour = add(base, lightness, if part.light { strength } else { -strength });
    // A period of the texture is half a side of the square.
    let period_px = figure.radius * canvas.size as f32;
    let wave = |along: f32| {
        let turns = along / figure.radius;
        let from_middle = (turns - turns.floor() - 0.5).abs();
        coverage((from_middle - 0.25) * period_px)
    };
    canvas.paint(&figure, |[x, y]| {
        let [across, upright] = [wave(y - centre[1]), wave(x - centre[0])];
        let share = match part.kind {
            Kind::Disc | Kind::Ring | Kind::Cross => 1.0,
            Kind::Across => across,
            Kind::Upright => upright,
            Kind::Checks => across * (1.0 - upright) + upright * (1.0 - across),
        };
        mix(base, colour, share)
    });
}

/// A unit vector of random direction.
fn random_axis(rng: &mut ChaCha8Rng) -> Vector {
    loop {
        let [x, y]: Vector = [rng.random_range(-1.0..1.0), rng.random_range(-1.0..1.0)];
        let length = (x * x + y * y).sqrt();
        if (0.1..1.0).contains(&length) {
            return [x / length, y / length];
        }
    }
}

/// A unit vector that rises or falls by at most 0.2 of its run, 11 degrees.
fn nearly_horizontal_axis(rng: &mut ChaCha8Rng) -> Vector {
    let tilt: f32 = rng.random_range(-0.2..0.2);
    let length = (1.0 + tilt * tilt).sqrt();
    [1.0 / length, tilt / length]
}

/// A change of colour towards light or, equally often, towards dark.
fn random_tint(rng: &mut ChaCha8Rng) -> Colour {
    let sign = if rng.random_bool(0.5) { 1.0 } else { -1.0 };
    random_lightness(rng).map(|channel| sign * channel)
}

/// A change of colour towards light, of different strength in each channel.
fn random_lightness(rng: &mut ChaCha8Rng) -> Colour {
    std::array::from_fn(|_| rng.random_range(0.4..1.0))
}

/// `base` with `strength` times a tint.
fn add(base: Colour, tint: Colour, strength: f32) -> Colour {
    std::array::from_fn(|channel| base[channel] + tint[channel] * strength)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_layout_equals_another_or_its_mirror_image() {
        let layouts = layouts();
        assert_eq!(layouts.len(), CLASSES * LAYOUTS_PER_CLASS);
        for (i, layout) in layouts.iter().enumerate() {
            for other in &layouts[..i] {
                assert!(layout != other && *layout != mirrored(other), "{layout:?}");
            }
        }
    }

    #[test]
    fn parts_alone_do_not_tell_a_class_from_the_next() {
        for pair in layouts().chunks(2) {
            let [even, odd] = [pair[0], pair[1]].map(|layout| {
                let mut parts = layout.map(|part| (part.kind, part.light));
                parts.sort();
                parts
            });
            assert_eq!(even, odd);
        }
    }

    #[test]
    fn a_layout_has_four_places_and_as_much_light_as_dark() {
        for layout in layouts() {
            assert_eq!(layout.iter().filter(|part| part.light).count(), 2);
            assert!(layout.windows(2).all(|parts| parts[0].place < parts[1].place));
        }
    }

    /// One part on an even background, `[channels, 16, 16]` as bytes.
    fn drawn(part: Part, rng: &mut ChaCha8Rng) -> Vec<u8> {
        let base = [0.5; 3];
        let mut canvas = Canvas::new(16, |_| base);
        draw_part(&mut canvas, base, part, [0.0; 2], rng);
        let mut bytes = Vec::new();
        canvas.append_bytes(&mut bytes);
        bytes
    }

    #[test]
    fn stripes_change_most_across_themselves() {
        for (kind, expected) in
            [(Kind::Across, 0.0..0.7), (Kind::Upright, 1.4..10.0), (Kind::Checks, 0.8..1.25), (Kind::Ring, 0.8..1.25)]
        {
            let mut rng = ChaCha8Rng::seed_from_u64(0);
            let [mut along_rows, mut along_columns] = [0.0; 2];
            for i in 0..200 {
                let part = Part { place: [1, 1], kind, light: i % 2 == 0 };
                for plane in drawn(part, &mut rng).chunks(256) {
                    let at = |row: usize, column: usize| f64::from(plane[row * 16 + column]);
                    for (a, b) in (0..15).flat_map(|a| (0..16).map(move |b| (a, b))) {
                        along_rows += (at(b, a + 1) - at(b, a)).powi(2);
                        along_columns += (at(a + 1, b) - at(a, b)).powi(2);
                    }
                }
            }
            let ratio = along_rows / along_columns;
            assert!(expected.contains(&ratio), "{kind:?}: {ratio} not in {expected:?}");
        }
    }

    #[test]
    fn a_part_lies_at_its_place_and_is_as_light_as_it_says() {
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        for i in 0..GRID * GRID * 2 {
            let part = Part { place: [i / 2 / GRID, i / 2 % GRID], kind: Kind::Disc, light: i % 2 == 0 };
            let bytes = drawn(part, &mut rng);
            let [mut weight, mut row, mut column] = [0.0; 3];
            for (pixel, &value) in bytes[..256].iter().enumerate() {
                let change = f64::from(value) - 128.0;
                assert!(if part.light { change >= 0.0 } else { change <= 0.0 }, "{part:?}: {value}");
                weight += change;
                row += change * ((pixel / 16) as f64 + 0.5) / 16.0;
                column += change * ((pixel % 16) as f64 + 0.5) / 16.0;
            }
            let found = [row / weight, column / weight].map(|centre| (centre * GRID as f64) as usize);
            assert_eq!(found, part.place);
        }
    }
}

//! The layouts that make up the classes, and how a scene of one is drawn.

use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::canvas::{Canvas, Colour, Figure, Outline, Vector, coverage, mix};

pub(super) const CLASSES: usize = 10;

/// Layouts of a class. Each is a skill of its own: a class is learned bit by bit rather than all at once, and so the
/// error of a network depends little on when its training found something out.
const LAYOUTS_PER_CLASS: usize = 4;

/// Side of the square grid of places.
const GRID: usize = 3;

/// A part of a layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Part {
    /// Row and column on the grid.
    place: [usize; 2],
    kind: Kind,
    /// Lighter than the background, or darker.
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

const KINDS: [Kind; 6] = [
    Kind::Disc,
    Kind::Ring,
    Kind::Cross,
    Kind::Across,
    Kind::Upright,
    Kind::Checks,
];

/// Parts of a layout, in the order of their places.
pub(super) type Layout = [Part; 4];

/// The layouts, `LAYOUTS_PER_CLASS` of each class in turn. They are part of the definition of the set: the same for
/// every seed.
///
/// Classes 2k and 2k + 1 have layouts of the same parts at other places, so that parts alone do not tell the class. Two of the four parts are light and two dark, so that brightness does not. A layout and its mirror image are
/// one and the same.
pub(super) fn layouts() -> Vec<Layout> {
    let mut rng = ChaCha8Rng::seed_from_u64(0x006c_6179_6f75_7473); // "layouts"
    let mut layouts: Vec<Layout> = Vec::new();
    while layouts.len() < CLASSES * LAYOUTS_PER_CLASS {
        let kinds: [Kind; 4] = std::array::from_fn(|_| KINDS[rng.random_range(0..KINDS.len())]);
        let pair: [Layout; 2] = std::array::from_fn(|_| arrange(kinds, &mut rng));
        let known = |layout: &Layout| {
            layouts
                .iter()
                .any(|other| other == layout || *other == mirrored(layout))
        };
        if pair[0] != pair[1] && pair[0] != mirrored(&pair[1]) && !pair.iter().any(known) {
            layouts.extend(pair);
        }
    }
    layouts
}

/// Light and dark parts of these kinds, two each, at random places.
fn arrange(kinds: [Kind; 4], rng: &mut ChaCha8Rng) -> Layout {
    let mut places: Vec<[usize; 2]> = (0..GRID * GRID).map(|i| [i / GRID, i % GRID]).collect();
    places.shuffle(rng);
    let mut layout = std::array::from_fn(|i| Part {
        place: places[i],
        kind: kinds[i],
        light: i < 2,
    });
    layout.sort();
    layout
}

fn mirrored(layout: &Layout) -> Layout {
    let mut mirrored = layout.map(|part| Part {
        place: [part.place[0], GRID - 1 - part.place[1]],
        ..part
    });
    mirrored.sort();
    mirrored
}

/// Draws a scene of a class at `size` times `size` pixels.
pub(super) fn draw(class: usize, layouts: &[Layout], size: usize, rng: &mut ChaCha8Rng) -> Canvas {
    let base: Colour = std::array::from_fn(|_| rng.random_range(0.3..0.7));
    let mut canvas = draw_background(size, base, rng);
    let layout = &layouts[rng.random_range(0..LAYOUTS_PER_CLASS) * CLASSES + class];
    let layout = if rng.random_bool(0.5) {
        *layout
    } else {
        mirrored(layout)
    };
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
    let mut canvas = Canvas::new(size, |[x, y]| {
        add(base, tint, ((x - 0.5) * ax + (y - 0.5) * ay) * steepness)
    });
    for _ in 0..rng.random_range(2..=5) {
        let outline = if rng.random_bool(0.5) {
            Outline::Disc
        } else {
            Outline::Bar
        };
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
        Kind::Ring => Outline::Ring { hole: 0.5 },
        Kind::Cross => Outline::Cross { half_width: 0.3 },
        Kind::Across | Kind::Upright | Kind::Checks => Outline::Square,
    };
    let figure = Figure {
        outline,
        centre,
        radius: rng.random_range(0.13..0.18),
        axis: nearly_horizontal_axis(rng),
    };
    let strength = rng.random_range(0.15..0.45);
    let lightness = random_lightness(rng);
    let colour = add(base, lightness, if part.light { strength } else { -strength });
    // A period of the texture is the half of a side of the square.
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

/// A change of colour towards light or, as often, towards dark.
fn random_tint(rng: &mut ChaCha8Rng) -> Colour {
    let sign = if rng.random_bool(0.5) { 1.0 } else { -1.0 };
    random_lightness(rng).map(|channel| sign * channel)
}

/// A change of colour towards light, not equally strong in all channels.
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
    fn no_layout_is_another_or_its_mirror_image() {
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
}

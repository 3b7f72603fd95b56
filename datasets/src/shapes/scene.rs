//! The ten classes, and how a scene of one is drawn.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::canvas::{CHANNELS, Canvas, Colour, Figure, Outline, Vector, coverage, mix};

/// What an image shows. The order in [`Class::ALL`] gives the labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// A patch of stripes, nearly horizontal.
    StripesAcross,
    /// A patch of stripes, nearly vertical.
    StripesUpright,
    /// A patch of checks.
    Checks,
    /// A ring.
    Ring,
    /// A disc with a wedge missing.
    NotchedDisc,
    /// A cross.
    Cross,
    /// Two marks of one kind, far apart, side by side.
    EqualAbreast,
    /// Two marks of one kind, far apart, one above the other.
    EqualStacked,
    /// Two marks of different kinds, far apart, side by side.
    UnequalAbreast,
    /// Two marks of different kinds, far apart, one above the other.
    UnequalStacked,
}

impl Class {
    pub(super) const ALL: [Class; 10] = [
        Class::StripesAcross,
        Class::StripesUpright,
        Class::Checks,
        Class::Ring,
        Class::NotchedDisc,
        Class::Cross,
        Class::EqualAbreast,
        Class::EqualStacked,
        Class::UnequalAbreast,
        Class::UnequalStacked,
    ];
}

/// Draws a scene of a class at `size` times `size` pixels.
pub(super) fn draw(class: Class, size: usize, rng: &mut ChaCha8Rng) -> Canvas {
    let base: Colour = std::array::from_fn(|_| rng.random_range(0.3..0.7));
    let mut canvas = draw_background(size, base, rng);
    match class {
        Class::StripesAcross => draw_patch(&mut canvas, base, Texture::Across, rng),
        Class::StripesUpright => draw_patch(&mut canvas, base, Texture::Upright, rng),
        Class::Checks => draw_patch(&mut canvas, base, Texture::Checks, rng),
        Class::Ring => draw_object(&mut canvas, base, random_ring(rng), rng),
        Class::NotchedDisc => draw_object(&mut canvas, base, random_notched_disc(rng), rng),
        Class::Cross => draw_object(&mut canvas, base, random_cross(rng), rng),
        Class::EqualAbreast => {
            draw_pair(&mut canvas, base, equal_marks(rng), places_abreast(rng), rng);
        }
        Class::EqualStacked => {
            draw_pair(&mut canvas, base, equal_marks(rng), places_stacked(rng), rng);
        }
        Class::UnequalAbreast => {
            draw_pair(&mut canvas, base, unequal_marks(rng), places_abreast(rng), rng);
        }
        Class::UnequalStacked => {
            draw_pair(&mut canvas, base, unequal_marks(rng), places_stacked(rng), rng);
        }
    }
    canvas.add_noise(rng.random_range(0.02..0.08), rng);
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

#[derive(Debug, Clone, Copy)]
enum Texture {
    Across,
    Upright,
    Checks,
}

/// A disc or square, textured in two colours.
fn draw_patch(canvas: &mut Canvas, base: Colour, texture: Texture, rng: &mut ChaCha8Rng) {
    let outline = if rng.random_bool(0.5) {
        Outline::Disc
    } else {
        Outline::Square
    };
    let figure = random_figure(outline, rng);
    let period = rng.random_range(0.21..0.3);
    let upright_axis = nearly_horizontal_axis(rng);
    let across_axis = [-upright_axis[1], upright_axis[0]];
    let [upright_phase, across_phase] = [rng.random_range(0.0..1.0), rng.random_range(0.0..1.0)];
    let period_px = period * canvas.size as f32;
    // Whether a place is in the one or the other half of a period along an axis, 0 to 1.
    let wave = |[x, y]: Vector, [ax, ay]: Vector, phase: f32| {
        let turns = (x * ax + y * ay) / period + phase;
        let from_middle = (turns - turns.floor() - 0.5).abs();
        coverage((from_middle - 0.25) * period_px)
    };
    let tint = random_tint(rng);
    let contrast = rng.random_range(0.1..0.35);
    let [one, other] = [add(base, tint, contrast), add(base, tint, -contrast)];
    canvas.paint(&figure, |place| {
        let upright = wave(place, upright_axis, upright_phase);
        let across = wave(place, across_axis, across_phase);
        let share = match texture {
            Texture::Across => across,
            Texture::Upright => upright,
            Texture::Checks => across * (1.0 - upright) + upright * (1.0 - across),
        };
        mix(one, other, share)
    });
}

/// One large object.
fn draw_object(canvas: &mut Canvas, base: Colour, outline: Outline, rng: &mut ChaCha8Rng) {
    let figure = random_figure(outline, rng);
    let colour = add(base, random_tint(rng), rng.random_range(0.2..0.45));
    canvas.paint(&figure, |_| colour);
}

/// Two small marks, each in a colour of its own.
fn draw_pair(canvas: &mut Canvas, base: Colour, outlines: [Outline; 2], centres: [Vector; 2], rng: &mut ChaCha8Rng) {
    for (outline, centre) in outlines.into_iter().zip(centres) {
        let radius = rng.random_range(0.15..0.21);
        let figure = Figure {
            outline,
            centre,
            radius,
            axis: random_axis(rng),
        };
        let colour = add(base, random_tint(rng), rng.random_range(0.2..0.45));
        canvas.paint(&figure, |_| colour);
    }
}

const N_MARK_KINDS: usize = 3;

fn random_mark(kind: usize, rng: &mut ChaCha8Rng) -> Outline {
    match kind {
        0 => Outline::Disc,
        1 => random_ring(rng),
        _ => random_cross(rng),
    }
}

/// Two marks of one kind, which may differ in thickness.
fn equal_marks(rng: &mut ChaCha8Rng) -> [Outline; 2] {
    let kind = rng.random_range(0..N_MARK_KINDS);
    [random_mark(kind, rng), random_mark(kind, rng)]
}

fn unequal_marks(rng: &mut ChaCha8Rng) -> [Outline; 2] {
    let first = rng.random_range(0..N_MARK_KINDS);
    let second = (first + rng.random_range(1..N_MARK_KINDS)) % N_MARK_KINDS;
    [random_mark(first, rng), random_mark(second, rng)]
}

/// Two places near the left and the right border, at nearly one height.
fn places_abreast(rng: &mut ChaCha8Rng) -> [Vector; 2] {
    let height = rng.random_range(0.22..0.78);
    [0.18..0.28, 0.72..0.82].map(|range| [rng.random_range(range), height + rng.random_range(-0.06..0.06)])
}

fn places_stacked(rng: &mut ChaCha8Rng) -> [Vector; 2] {
    places_abreast(rng).map(|[x, y]| [y, x])
}

fn random_ring(rng: &mut ChaCha8Rng) -> Outline {
    Outline::Ring {
        hole: rng.random_range(0.4..0.6),
    }
}

fn random_notched_disc(rng: &mut ChaCha8Rng) -> Outline {
    Outline::NotchedDisc {
        slope: rng.random_range(0.5..1.0),
    }
}

fn random_cross(rng: &mut ChaCha8Rng) -> Outline {
    Outline::Cross {
        half_width: rng.random_range(0.22..0.34),
    }
}

/// A large figure, wholly inside the image if it is round.
fn random_figure(outline: Outline, rng: &mut ChaCha8Rng) -> Figure {
    let radius = rng.random_range(0.2..0.36);
    let centre = std::array::from_fn(|_| rng.random_range(radius..1.0 - radius));
    Figure {
        outline,
        centre,
        radius,
        axis: random_axis(rng),
    }
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

/// A unit vector that rises or falls by at most 0.35 of its run, 19 degrees.
fn nearly_horizontal_axis(rng: &mut ChaCha8Rng) -> Vector {
    let tilt: f32 = rng.random_range(-0.35..0.35);
    let length = (1.0 + tilt * tilt).sqrt();
    [1.0 / length, tilt / length]
}

/// A random change of colour that changes at least one channel by 1 or -1. A tint and its opposite
/// are equally likely, so that no class is brighter than another.
fn random_tint(rng: &mut ChaCha8Rng) -> Colour {
    let mut tint: Colour = std::array::from_fn(|_| rng.random_range(-1.0..1.0));
    tint[rng.random_range(0..CHANNELS)] = if rng.random_bool(0.5) { 1.0 } else { -1.0 };
    tint
}

/// `base` with `strength` times a tint.
fn add(base: Colour, tint: Colour, strength: f32) -> Colour {
    std::array::from_fn(|channel| base[channel] + tint[channel] * strength)
}

//! A small colour canvas, and the outlines painted on it.

use rand::Rng;

/// Channels of a canvas: red, green, blue.
pub(super) const CHANNELS: usize = 3;

pub(super) type Colour = [f32; CHANNELS];

/// A point or direction. A canvas spans 0 to 1 from left to right and from top to bottom.
pub(super) type Vector = [f32; 2];

/// A square picture. Its colours are meant to lie between 0 and 1.
#[derive(Debug)]
pub(super) struct Canvas {
    /// Height and width in pixels.
    pub(super) size: usize,
    /// `[height, width]`.
    pixels: Vec<Colour>,
}

impl Canvas {
    /// A canvas of `size` times `size` pixels whose colours are a function of the place.
    pub(super) fn new(size: usize, colour: impl Fn(Vector) -> Colour) -> Canvas {
        let centre = |i: usize| (i as f32 + 0.5) / size as f32;
        let pixels = (0..size * size).map(|i| colour([centre(i % size), centre(i / size)])).collect();
        Canvas { size, pixels }
    }

    /// Paints a figure with smooth edges, in a colour that is a function of the place.
    pub(super) fn paint(&mut self, figure: &Figure, colour: impl Fn(Vector) -> Colour) {
        let size = self.size as f32;
        // No outline reaches further than the square root of 2 times the radius.
        let reach = figure.radius * 1.5;
        let first = |centre: f32| ((centre - reach) * size - 1.0).max(0.0) as usize;
        let end = |centre: f32| (((centre + reach) * size + 1.0).max(0.0) as usize).min(self.size);
        for row in first(figure.centre[1])..end(figure.centre[1]) {
            for column in first(figure.centre[0])..end(figure.centre[0]) {
                let place = [(column as f32 + 0.5) / size, (row as f32 + 0.5) / size];
                let cover = coverage(figure.distance(place) * size);
                let pixel = &mut self.pixels[row * self.size + column];
                *pixel = mix(*pixel, colour(place), cover);
            }
        }
    }

    /// Adds independent, nearly normal noise of this standard deviation to each value.
    pub(super) fn add_noise(&mut self, deviation: f32, rng: &mut impl Rng) {
        // The sum of four bytes has the mean 510 and the standard deviation 147.8.
        let scale = deviation / 147.8;
        for value in self.pixels.as_flattened_mut() {
            let sum: i32 = rng.next_u32().to_le_bytes().map(i32::from).iter().sum();
            *value += (sum - 510) as f32 * scale;
        }
    }

    /// Appends the picture as bytes, `[channels, height, width]`.
    pub(super) fn append_bytes(&self, out: &mut Vec<u8>) {
        for channel in 0..CHANNELS {
            // The cast saturates at 0 and 255.
            out.extend(self.pixels.iter().map(|pixel| (pixel[channel] * 255.0 + 0.5) as u8));
        }
    }
}

/// An outline with its place, size and direction.
#[derive(Debug, Clone, Copy)]
pub(super) struct Figure {
    pub(super) outline: Outline,
    pub(super) centre: Vector,
    /// Half the width of the outline.
    pub(super) radius: f32,
    /// Unit vector along which the outline's own first axis points.
    pub(super) axis: Vector,
}

/// An outline around 0 with radius 1.
#[derive(Debug, Clone, Copy)]
pub(super) enum Outline {
    Disc,
    Square,
    /// A disc with a round hole in the middle, half as wide.
    Ring,
    /// Two crossed bars.
    Cross,
    /// One bar along the first axis.
    Bar,
}

impl Figure {
    /// Signed distance of a place from the outline, negative inside (exact near most edges).
    fn distance(&self, place: Vector) -> f32 {
        let [dx, dy] = [place[0] - self.centre[0], place[1] - self.centre[1]];
        let [ax, ay] = self.axis;
        let x = (dx * ax + dy * ay) / self.radius;
        let y = (dy * ax - dx * ay) / self.radius;
        let from_centre = (x * x + y * y).sqrt();
        let bar = |x: f32, y: f32, half_width: f32| (x.abs() - 1.0).max(y.abs() - half_width);
        let distance = match self.outline {
            Outline::Disc => from_centre - 1.0,
            Outline::Square => bar(x, y, 1.0),
            Outline::Ring => (from_centre - 1.0).max(0.5 - from_centre),
            Outline::Cross => bar(x, y, 0.3).min(bar(y, x, 0.3)),
            Outline::Bar => bar(x, y, 0.3),
        };
        distance * self.radius
    }
}

/// The share of a pixel inside an edge at a signed distance in pixels.
pub(super) fn coverage(distance: f32) -> f32 {
    (0.5 - distance).clamp(0.0, 1.0)
}

/// Mixes a `share` of `b` into `a`.
pub(super) fn mix(a: Colour, b: Colour, share: f32) -> Colour {
    std::array::from_fn(|channel| a[channel] + (b[channel] - a[channel]) * share)
}

//! Pictures as PNG, with smooth edges and 300 pixels to an inch.

use ::png::{BitDepth, ColorType, Encoder, PixelDimensions, Unit};
use anyhow::{Context, Result, ensure};
use plotters::style::RGBAColor;
use tiny_skia::{Color, FillRule, LineJoin, Paint, Path, PathBuilder, Pixmap, StrokeDash, Transform};

use super::path::{Stroke, path};
use super::shapes::{Picture, Shape, Step};

/// Largest number of pixels of an image: 500 MB in memory.
const MOST_PIXELS: f64 = 134_217_728.0;

/// Pixels of an inch.
const RESOLUTION: f64 = 300.0;

/// The image. A picture too large for 300 pixels to an inch has one pixel of the image for each of its own.
pub(super) fn bytes(picture: &Picture) -> Result<Vec<u8>> {
    let (width, height) = picture.size;
    let fine = RESOLUTION / 72.0 * picture.scale;
    let zoom = if width * height * fine * fine <= MOST_PIXELS { fine } else { 1.0 };
    ensure!(
        width * height * zoom * zoom <= MOST_PIXELS,
        "the drawing has {width} by {height} pixels, expected at most {MOST_PIXELS} in all; SVG and PDF have no such limit"
    );
    let [columns, rows] = [width, height].map(|pixels| (pixels * zoom).round() as u32);
    let mut pixmap = Pixmap::new(columns, rows).context("an image without pixels")?;
    pixmap.fill(Color::WHITE);
    for shape in &picture.shapes {
        draw(&mut pixmap, shape, Transform::from_scale(zoom as f32, zoom as f32));
    }
    // Every pixel is opaque.
    let opaque: Vec<u8> = pixmap.data().chunks_exact(4).flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect();
    let mut image = Vec::new();
    let mut encoder = Encoder::new(&mut image, columns, rows);
    encoder.set_color(ColorType::Rgb);
    encoder.set_depth(BitDepth::Eight);
    let per_metre = (zoom / picture.scale * 72.0 / 0.0254).round() as u32;
    encoder.set_pixel_dims(Some(PixelDimensions { xppu: per_metre, yppu: per_metre, unit: Unit::Meter }));
    encoder.write_header()?.write_image_data(&opaque)?;
    Ok(image)
}

fn draw(pixmap: &mut Pixmap, shape: &Shape, transform: Transform) {
    let (steps, RGBAColor(red, green, blue, opacity), stroke) = path(shape);
    // A shape without extent, such as the text of a space, has no path.
    let Some(path) = skia_path(&steps) else { return };
    let mut paint = Paint::default();
    paint.set_color_rgba8(red, green, blue, (255.0 * opacity).round() as u8);
    match stroke {
        Stroke::Filled => pixmap.fill_path(&path, &paint, FillRule::Winding, transform, None),
        Stroke::Drawn(width, dash) => {
            let dash = StrokeDash::new(dash.iter().map(|&length| length as f32).collect(), 0.0);
            let stroke =
                tiny_skia::Stroke { width: width as f32, line_join: LineJoin::Round, dash, ..Default::default() };
            pixmap.stroke_path(&path, &paint, &stroke, transform, None);
        }
    }
}

fn skia_path(steps: &[Step]) -> Option<Path> {
    let mut path = PathBuilder::new();
    for step in steps {
        match *step {
            Step::Move((x, y)) => path.move_to(x as f32, y as f32),
            Step::Line((x, y)) => path.line_to(x as f32, y as f32),
            Step::Curve((ax, ay), (bx, by), (x, y)) => {
                path.cubic_to(ax as f32, ay as f32, bx as f32, by as f32, x as f32, y as f32);
            }
            Step::Close => path.close(),
        }
    }
    path.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_of_too_many_pixels_is_refused() {
        let error = bytes(&Picture::new((20_000.0, 20_000.0), Vec::new())).unwrap_err().to_string();
        assert!(error.starts_with("the drawing has 20000 by 20000 pixels, expected at most "), "{error}");
    }
}

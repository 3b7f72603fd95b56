//! Pictures as PDF, one page of the picture's size. Texts are outlines, so a document needs no font for them.

use std::collections::BTreeMap;
use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use pdf_writer::types::LineJoinStyle;
use pdf_writer::{Content, Filter, Finish, Name, Pdf, Rect, Ref};

use plotters::style::RGBAColor;

use super::path::{Stroke, path};
use super::shapes::{Picture, Point, Step};

/// The document. It has no date, so equal pictures give equal bytes.
pub(super) fn bytes(picture: &Picture) -> Vec<u8> {
    let mut opacities: BTreeMap<u32, String> = BTreeMap::new();
    let content = content(picture, &mut opacities);
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::default());
    packed.write_all(&content).expect("memory takes everything");
    let packed = packed.finish().expect("memory takes everything");

    let [catalog, pages, page, stream] = [1, 2, 3, 4].map(Ref::new);
    let mut pdf = Pdf::new();
    pdf.catalog(catalog).pages(pages);
    pdf.pages(pages).kids([page]).count(1);
    let mut only = pdf.page(page);
    let [width, height] = [picture.size.0, picture.size.1].map(|pixels| (pixels * picture.scale) as f32);
    only.parent(pages).contents(stream).media_box(Rect::new(0.0, 0.0, width, height));
    let mut resources = only.resources();
    let mut states = resources.ext_g_states();
    for (opacity, name) in &opacities {
        let opacity = f32::from_bits(*opacity);
        let mut state = states.insert(Name(name.as_bytes())).start::<pdf_writer::writers::ExtGraphicsState>();
        state.stroking_alpha(opacity).non_stroking_alpha(opacity);
    }
    states.finish();
    resources.finish();
    only.finish();
    pdf.stream(stream, &packed).filter(Filter::FlateDecode);
    pdf.finish()
}

/// The shapes as operators. Each opacity gets a name.
fn content(picture: &Picture, opacities: &mut BTreeMap<u32, String>) -> Vec<u8> {
    let mut content = Content::new();
    let scale = picture.scale as f32;
    // The y axis of a page points upwards.
    content.transform([scale, 0.0, 0.0, -scale, 0.0, picture.size.1 as f32 * scale]);
    content.set_line_join(LineJoinStyle::RoundJoin);
    let mut opacity_before = 1.0_f64;
    for shape in &picture.shapes {
        let (steps, RGBAColor(red, green, blue, opacity), stroke) = path(shape);
        // The text of a space has no path.
        if steps.is_empty() {
            continue;
        }
        if opacity != opacity_before {
            let next = format!("g{}", opacities.len());
            let name = opacities.entry((opacity as f32).to_bits()).or_insert(next);
            content.set_parameters(Name(name.as_bytes()));
            opacity_before = opacity;
        }
        let [red, green, blue] = [red, green, blue].map(|level| f32::from(level) / 255.0);
        match stroke {
            Stroke::Filled => content.set_fill_rgb(red, green, blue),
            Stroke::Drawn(width, dash) => content
                .set_stroke_rgb(red, green, blue)
                .set_line_width(width as f32)
                .set_dash_pattern(dash.iter().map(|&length| length as f32), 0.0),
        };
        for step in steps {
            match step {
                Step::Move(to) => content.move_to(short(to).0, short(to).1),
                Step::Line(to) => content.line_to(short(to).0, short(to).1),
                Step::Curve(first, second, to) => {
                    let [first, second, to] = [first, second, to].map(short);
                    content.cubic_to(first.0, first.1, second.0, second.1, to.0, to.1)
                }
                Step::Close => content.close_path(),
            };
        }
        match stroke {
            Stroke::Filled => content.fill_nonzero(),
            Stroke::Drawn(..) => content.stroke(),
        };
    }
    content.finish().to_vec()
}

/// A place with three digits after the point, which is finer than any printer.
fn short((x, y): Point) -> (f32, f32) {
    let round = |value: f64| ((value * 1000.0).round() / 1000.0) as f32;
    (round(x), round(y))
}

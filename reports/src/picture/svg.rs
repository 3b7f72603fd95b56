//! Pictures as SVG. Texts stay texts, with the embedded font first among the wanted ones.

use std::fmt::Write;

use plotters::style::RGBAColor;
use plotters::style::text_anchor::HPos;

use super::shapes::{Picture, Point, Shape, Text};

/// The document.
pub(super) fn bytes(picture: &Picture) -> Vec<u8> {
    let (width, height) = picture.size;
    let mut document = format!(
        "<svg width=\"{}pt\" height=\"{}pt\" viewBox=\"0 0 {width} {height}\" xmlns=\"http://www.w3.org/2000/svg\" \
         font-family=\"DejaVu Sans, Verdana, sans-serif\">\n<rect width=\"{width}\" height=\"{height}\" fill=\"#FFFFFF\"/>\n",
        number(width * picture.scale),
        number(height * picture.scale),
    );
    for shape in &picture.shapes {
        writeln!(document, "{}", element(shape)).expect("a string takes everything");
    }
    document += "</svg>\n";
    document.into_bytes()
}

fn element(shape: &Shape) -> String {
    match shape {
        Shape::Line(points, paint, width, dash) => {
            let dash: Vec<String> = dash.iter().copied().map(number).collect();
            let dash = match dash.is_empty() {
                true => String::new(),
                false => format!(" stroke-dasharray=\"{}\"", dash.join(" ")),
            };
            let (points, paint, width) = (list(points), painted("stroke", *paint), number(*width));
            format!(
                "<polyline points=\"{points}\" fill=\"none\" {paint} stroke-width=\"{width}\"{dash} stroke-linejoin=\"round\"/>"
            )
        }
        Shape::Area(outline, paint) => format!("<polygon points=\"{}\" {}/>", list(outline), painted("fill", *paint)),
        Shape::Circle((x, y), radius, paint) => {
            let [x, y, radius] = [*x, *y, *radius].map(number);
            format!("<circle cx=\"{x}\" cy=\"{y}\" r=\"{radius}\" {}/>", painted("fill", *paint))
        }
        Shape::Text(text) => text_element(text),
    }
}

fn text_element(text: &Text) -> String {
    let anchor = match text.side {
        HPos::Left => "",
        HPos::Center => " text-anchor=\"middle\"",
        HPos::Right => " text-anchor=\"end\"",
    };
    let (x, y) = text.base();
    let [x, y, size] = [x, y, text.size].map(number);
    let turn = if text.is_turned { format!(" transform=\"rotate(-90 {x} {y})\"") } else { String::new() };
    let text = text.text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    format!("<text x=\"{x}\" y=\"{y}\" font-size=\"{size}\"{anchor}{turn} fill=\"#222222\">{text}</text>")
}

fn painted(what: &str, RGBAColor(red, green, blue, opacity): RGBAColor) -> String {
    let colour = format!("{what}=\"#{red:02X}{green:02X}{blue:02X}\"");
    match opacity {
        1.0 => colour,
        opacity => format!("{colour} {what}-opacity=\"{opacity}\""),
    }
}

fn list(points: &[Point]) -> String {
    let points: Vec<String> = points.iter().map(|&(x, y)| format!("{},{}", number(x), number(y))).collect();
    points.join(" ")
}

/// A number with at most two digits after the point, and no sign at zero.
fn number(value: f64) -> String {
    let text = format!("{value:.2}");
    let short = text.trim_end_matches('0').trim_end_matches('.');
    if short == "-0" { "0".to_owned() } else { short.to_owned() }
}

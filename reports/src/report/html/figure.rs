//! A figure within the page: the SVG of the report, and colours for a dark page.
//!
//! A layer of links lies over the points that stand for architectures.

use std::collections::BTreeSet;

use anyhow::Result;

use super::text::escape;
use crate::artefact::Artefact;
use crate::figure::{Drawn, Placed};
use crate::picture::Format;

/// Radius around a point within which the point is hit, in pixels of the figure.
const REACH: f64 = 11.0;

/// A figure and its colours, as `#RRGGBB`.
pub(super) struct Figure {
    pub html: String,
    pub colours: BTreeSet<String>,
}

/// The drawn figure. `target` returns the id of the row that a point links to, and its values in words.
///
/// # Errors
/// If the picture cannot be written, or `target` fails.
pub(super) fn figure(
    artefact: &Artefact,
    Drawn { picture, places }: &Drawn,
    mut target: impl FnMut(&Placed) -> Result<(String, String)>,
) -> Result<Figure> {
    let title = &artefact.title;
    let svg = String::from_utf8(picture.bytes(Format::Svg)?).expect("an SVG is text");
    let label = match artefact.headline() {
        words if words.is_empty() => escape(title),
        words => escape(&format!("{title}: {words}")),
    };
    let svg_begin = format!("<svg role=\"img\" aria-label=\"{label}\" ");
    let colours = colours(&svg);
    let svg = svg.replacen("<svg ", &svg_begin, 1);
    let mut layer = String::new();
    if !places.is_empty() {
        let mut links = Vec::with_capacity(places.len());
        for place in places {
            let (id, words) = target(place)?;
            let (x, y) = place.at;
            links.push((
                x,
                format!(
                    "<a href=\"#{id}\" aria-label=\"{}\"><circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{REACH}\"/></a>\n",
                    escape(&words)
                ),
            ));
        }
        // The order from left to right is that of the arrow keys.
        links.sort_by(|a, b| a.0.total_cmp(&b.0));
        let links: String = links.into_iter().map(|(_, link)| link).collect();
        let (width, height) = picture.size();
        layer = format!(
            "<svg class=\"points\" viewBox=\"0 0 {width} {height}\" role=\"group\" aria-label=\"{} points; arrow keys go from one \
             to the next\">\n{links}</svg>\n",
            places.len()
        );
    }
    let html = format!(
        "<figure class=\"wide\" tabindex=\"0\"><div class=\"plot\">\n{svg}{layer}</div><figcaption class=\"hint\">The figure is \
         wider than the window. It scrolls to the side.</figcaption></figure>\n"
    );
    Ok(Figure { html, colours })
}

/// The colours of fills and strokes in an SVG.
fn colours(svg: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for mark in ["fill=\"#", "stroke=\"#"] {
        let parts = svg.split(mark).skip(1);
        found.extend(parts.filter_map(|part| part.get(..6)).map(|digits| format!("#{digits}")));
    }
    found
}

/// The rules of a style sheet that adapt figures of these colours to a dark page.
pub(super) fn dark_rules(colours: &BTreeSet<String>) -> String {
    let rule = |colour: &String| {
        let dark = dark(colour);
        format!("  .plot [fill=\"{colour}\"] {{ fill: {dark} }} .plot [stroke=\"{colour}\"] {{ stroke: {dark} }}\n")
    };
    let rules: String = colours.iter().map(rule).collect();
    format!("@media (prefers-color-scheme: dark) {{\n{rules}}}\n")
}

/// Converts a colour for a dark page. Greys are inverted: black on white becomes nearly white on the page's colour.
/// Other colours become lighter.
fn dark(colour: &str) -> String {
    const INK: f64 = 236.0;
    const PAPER: f64 = 22.0;
    let channel = |index: usize| {
        let digits = &colour[1 + 2 * index..3 + 2 * index];
        f64::from(u8::from_str_radix(digits, 16).expect("colours have six digits"))
    };
    let channels = [channel(0), channel(1), channel(2)];
    let is_grey = channels.iter().all(|level| *level == channels[0]);
    let [red, green, blue] = channels.map(|level| match is_grey {
        true => (INK + (PAPER - INK) * level / 255.0).round() as u8,
        false => (level + 0.35 * (255.0 - level)).round() as u8,
    });
    format!("#{red:02X}{green:02X}{blue:02X}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn black_on_white_becomes_light_on_dark_and_every_colour_has_its_rules() {
        assert_eq!(dark("#FFFFFF"), "#161616");
        assert_eq!(dark("#000000"), "#ECECEC");
        assert_eq!(dark("#0072B2"), "#59A3CD");
        let svg = "<rect fill=\"#FFFFFF\" stroke=\"none\"/><line stroke=\"#0072B2\"/>";
        let found = colours(svg);
        assert_eq!(found, BTreeSet::from(["#0072B2".to_owned(), "#FFFFFF".to_owned()]));
        let rules = dark_rules(&found);
        assert!(rules.contains(".plot [fill=\"#FFFFFF\"] { fill: #161616 }"), "{rules}");
        assert!(rules.contains(".plot [stroke=\"#0072B2\"] { stroke: #59A3CD }"), "{rules}");
    }
}

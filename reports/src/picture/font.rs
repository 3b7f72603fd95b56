//! The font of all figures, which is a part of the program: widths of texts, line breaks, and the outlines of letters.

use std::sync::LazyLock;

use plotters::style::text_anchor::HPos;
use skrifa::instance::{LocationRef, Size};
use skrifa::outline::{DrawSettings, OutlinePen};
use skrifa::{FontRef, GlyphId, MetadataProvider};

use super::shapes::{Point, Step, Text};

static FONT: LazyLock<FontRef<'static>> =
    LazyLock::new(|| FontRef::new(dejavu::sans::regular()).expect("the embedded font parses"));

/// Between two facts in a line.
const BETWEEN: &str = " · ";

/// Width in pixels of a text.
pub(crate) fn text_width(text: &str, size: f64) -> f64 {
    glyphs(text, size).1
}

/// Width in pixels of the longest line of some texts.
pub(crate) fn widest(texts: &[String], size: f64) -> f64 {
    texts.iter().flat_map(|text| text.lines()).map(|line| text_width(line, size)).fold(0.0, f64::max)
}

/// Breaks a text into lines of at most this width. A word that is wider has a line of its own.
pub(crate) fn wrapped(text: &str, size: f64, width: f64) -> Vec<String> {
    joined(text.split_whitespace(), " ", size, width)
}

/// Joins facts into lines of at most this width, and breaks facts that are wider.
pub(crate) fn joined_facts(facts: &[String], size: f64, width: f64) -> Vec<String> {
    let facts: Vec<String> = facts.iter().flat_map(|fact| wrapped(fact, size, width)).collect();
    joined(facts.iter().map(String::as_str), BETWEEN, size, width)
}

fn joined<'a>(parts: impl Iterator<Item = &'a str>, between: &str, size: f64, width: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for part in parts {
        match lines.last_mut() {
            Some(line) if text_width(&format!("{line}{between}{part}"), size) <= width => {
                *line += between;
                *line += part;
            }
            _ => lines.push(part.to_owned()),
        }
    }
    lines
}

/// The letters of a text, each with its distance from the begin, and the width of the whole, in pixels.
fn glyphs(text: &str, size: f64) -> (Vec<(GlyphId, f64)>, f64) {
    let charmap = FONT.charmap();
    let metrics = FONT.glyph_metrics(Size::new(size as f32), LocationRef::default());
    let mut right = 0.0;
    let mut placed = Vec::with_capacity(text.len());
    for letter in text.chars() {
        let glyph = charmap.map(letter).unwrap_or(GlyphId::NOTDEF);
        placed.push((glyph, right));
        right += f64::from(metrics.advance_width(glyph).unwrap_or(0.0));
    }
    (placed, right)
}

/// The outlines of a text's letters.
pub(super) fn outlines(text: &Text) -> Vec<Step> {
    let (glyphs, width) = glyphs(&text.text, text.size);
    let begin = match text.side {
        HPos::Left => 0.0,
        HPos::Center => -width / 2.0,
        HPos::Right => -width,
    };
    let all = FONT.outline_glyphs();
    let mut pen = Pen { steps: Vec::new(), is_turned: text.is_turned, base: text.base(), right: 0.0, last: (0.0, 0.0) };
    for (glyph, right) in glyphs {
        pen.right = begin + right;
        if let Some(outline) = all.get(glyph) {
            let settings = DrawSettings::unhinted(Size::new(text.size as f32), LocationRef::default());
            outline.draw(settings, &mut pen).expect("the embedded font draws its letters");
        }
    }
    pen.steps
}

/// Takes the outline of a letter, whose y axis points upwards.
struct Pen {
    steps: Vec<Step>,
    is_turned: bool,
    /// Place of the text's side, on the base line.
    base: Point,
    /// Distance of the letter from the text's place.
    right: f64,
    last: Point,
}

impl Pen {
    fn to(&self, x: f32, y: f32) -> Point {
        let (x, y) = (f64::from(x) + self.right, f64::from(y));
        let (left, base) = self.base;
        match self.is_turned {
            true => (left - y, base - x),
            false => (left + x, base - y),
        }
    }
}

impl OutlinePen for Pen {
    fn move_to(&mut self, x: f32, y: f32) {
        self.last = self.to(x, y);
        self.steps.push(Step::Move(self.last));
    }

    fn line_to(&mut self, x: f32, y: f32) {
        self.last = self.to(x, y);
        self.steps.push(Step::Line(self.last));
    }

    fn quad_to(&mut self, cx: f32, cy: f32, x: f32, y: f32) {
        let (from, control, to) = (self.last, self.to(cx, cy), self.to(x, y));
        let part = |end: Point| (end.0 + (control.0 - end.0) * 2.0 / 3.0, end.1 + (control.1 - end.1) * 2.0 / 3.0);
        self.last = to;
        self.steps.push(Step::Curve(part(from), part(to), to));
    }

    fn curve_to(&mut self, cx0: f32, cy0: f32, cx1: f32, cy1: f32, x: f32, y: f32) {
        self.last = self.to(x, y);
        self.steps.push(Step::Curve(self.to(cx0, cy0), self.to(cx1, cy1), self.last));
    }

    fn close(&mut self) {
        self.steps.push(Step::Close);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_between_facts_and_long_facts_between_words() {
        let facts = ["n = 3", "seeds 0, 1", "a fact that is too long for one line"].map(str::to_owned);
        let lines = joined_facts(&facts, 16.0, 200.0);
        assert_eq!(lines, ["n = 3 · seeds 0, 1", "a fact that is too long for", "one line"]);
        assert!(widest(&lines, 16.0) <= 200.0);
    }

    #[test]
    fn letters_are_as_wide_as_the_font_says() {
        // An `m` of DejaVu Sans is 1995 of 2048 units wide, an `i` 569.
        assert!((text_width("mi", 2048.0) - 2564.0).abs() < 1e-3, "{}", text_width("mi", 2048.0));
    }
}

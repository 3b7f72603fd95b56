//! Shapes as paths of lines and curves, for the formats that know nothing else.

use plotters::style::RGBAColor;

use super::font;
use super::shapes::{Dash, INK, Point, Shape, Step};

/// How a path is painted.
pub(super) enum Stroke {
    Filled,
    /// Along its course, with a width in pixels.
    Drawn(f64, Dash),
}

/// Distance of the control points of a quarter circle from its ends, in radii.
const QUARTER: f64 = 0.552_284_75;

/// A shape as a path, and its paint.
pub(super) fn path(shape: &Shape) -> (Vec<Step>, RGBAColor, Stroke) {
    match shape {
        Shape::Line(points, paint, width, dash) => (through(points).collect(), *paint, Stroke::Drawn(*width, dash)),
        Shape::Area(outline, paint) => (through(outline).chain([Step::Close]).collect(), *paint, Stroke::Filled),
        Shape::Circle(centre, radius, paint) => (circle(*centre, *radius), *paint, Stroke::Filled),
        Shape::Text(text) => (font::outlines(text), INK.into(), Stroke::Filled),
    }
}

fn through(points: &[Point]) -> impl Iterator<Item = Step> {
    points.iter().enumerate().map(|(index, &point)| if index == 0 { Step::Move(point) } else { Step::Line(point) })
}

fn circle((x, y): Point, radius: f64) -> Vec<Step> {
    let at = |right: f64, down: f64| (x + radius * right, y + radius * down);
    let quarter = |(x, y): Point, (to_x, to_y): Point| {
        Step::Curve(
            at(x + QUARTER * to_x, y + QUARTER * to_y),
            at(to_x + QUARTER * x, to_y + QUARTER * y),
            at(to_x, to_y),
        )
    };
    let ends = [(1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0), (1.0, 0.0)];
    let quarters = ends.windows(2).map(|pair| quarter(pair[0], pair[1]));
    [Step::Move(at(1.0, 0.0))].into_iter().chain(quarters).chain([Step::Close]).collect()
}

//! The figures of artefacts: title, legend, plot, and a caption of conditions and statistics.
//!
//! The same drawing goes to SVG and to PNG.

pub(crate) mod canvas;
mod corruption;
mod descent;
mod predictors;
mod rank;
mod scatter;
mod search;
mod systems;

use std::cell::RefCell;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

use crate::artefact::{Artefact, FigureKind};
use crate::drawing::{Scene, banks_figure, encoding_figure};
use crate::findings::Findings;
use canvas::{Canvas, HEADER, MARGIN, Placed, SIZE, register_font, text_width};

/// Height of the strip between the axis label and the caption.
const CAPTION_GAP: i32 = 24;
const CAPTION_LINE: i32 = 26;

/// The figure as an SVG document.
///
/// # Errors
/// If the artefact has no figure, if its figure does not fit its kind of study, or if there is nothing to draw.
pub fn svg(artefact: &Artefact) -> Result<Vec<u8>> {
    svg_with_places(artefact).map(|(document, _)| document)
}

/// The figure as an SVG document, and the places of the single architectures in it.
pub(crate) fn svg_with_places(artefact: &Artefact) -> Result<(Vec<u8>, Vec<Placed>)> {
    if let Some(drawing) = drawing_of(artefact)? {
        return Ok((drawing.svg()?, Vec::new()));
    }
    let mut document = String::new();
    let backend = SVGBackend::with_string(&mut document, SIZE);
    let placed = draw(backend.into_drawing_area(), artefact)?;
    Ok((document.into_bytes(), placed))
}

/// Writes the figure as a PNG image.
///
/// # Errors
/// As for [`svg`], and if the file system refuses.
pub fn write_png(artefact: &Artefact, path: &Path) -> Result<()> {
    if let Some(drawing) = drawing_of(artefact)? {
        return drawing.write_png(path);
    }
    let unfinished = path.with_extension("writing.png");
    draw(BitMapBackend::new(&unfinished, SIZE).into_drawing_area(), artefact)?;
    fs::rename(&unfinished, path).with_context(|| format!("{}: cannot write", path.display()))
}

/// Draws the figure of an artefact that shows architectures, with the conditions below it. It is as large as necessary.
fn drawing_of(artefact: &Artefact) -> Result<Option<Scene>> {
    let (Some(definition), Findings::Drawing { drawings, cells }) = (&artefact.figure, &artefact.findings) else {
        return Ok(None);
    };
    let title = &definition.title;
    let drawing = match definition.kind {
        FigureKind::MemoryBanks => banks_figure(drawings, title),
        FigureKind::Encoding => encoding_figure(drawings, cells, title),
        kind => bail!(
            "{}: a figure of kind {kind:?} does not fit its kind of study",
            artefact.name()
        ),
    };
    let captioned = drawing.and_then(|drawing| drawing.captioned(&artefact.conditions()));
    captioned.map(Some).with_context(|| artefact.name())
}

fn draw<DB: DrawingBackend>(root: DrawingArea<DB, Shift>, artefact: &Artefact) -> Result<Vec<Placed>>
where
    DB::ErrorType: 'static,
{
    let name = || artefact.name();
    let Some(definition) = &artefact.figure else {
        bail!("{}: its definition has no `[figure]`", name());
    };
    register_font();
    root.fill(&WHITE)?;
    let caption = [wrap(artefact.conditions())?, wrap(artefact.findings.caption())?].concat();
    let caption_top = SIZE.1 as i32 - MARGIN / 2 - CAPTION_LINE * caption.len() as i32;
    let canvas = Canvas {
        root: &root,
        plot_size: (SIZE.0 - 2 * MARGIN as u32, (caption_top - CAPTION_GAP - HEADER) as u32),
        placed: RefCell::default(),
    };
    canvas.title(&definition.title)?;
    for (line, y) in caption.iter().zip((caption_top..).step_by(CAPTION_LINE as usize)) {
        canvas.text(line, (MARGIN, y), HPos::Left, VPos::Top)?;
    }
    let drawn = match (definition.kind, &artefact.findings) {
        (FigureKind::ScatterFit, Findings::Correlation(found)) => {
            scatter::draw(&canvas, definition, &found.summary, false)
        }
        (FigureKind::ScatterErrorBars, Findings::Correlation(found)) => {
            scatter::draw(&canvas, definition, &found.summary, true)
        }
        (FigureKind::TauCost | FigureKind::TauChanges, Findings::Correlation(found)) => match &found.predictors {
            Some(predictors) => predictors::draw(&canvas, definition, predictors),
            None => bail!("{}: its study compares no predictors", name()),
        },
        (FigureKind::ScoreRank, Findings::Ensemble(summary)) => rank::draw(&canvas, definition, summary),
        (FigureKind::CorruptionBars, Findings::Corruption(summary)) => corruption::draw(&canvas, definition, summary),
        (FigureKind::Descent, Findings::Proxy(summary)) => descent::draw(&canvas, definition, summary),
        (FigureKind::SearchProgress, Findings::Search(summary)) => search::draw(&canvas, definition, summary),
        (FigureKind::SearchProgress, Findings::Comparison(found)) => search::draw(&canvas, definition, &found.searches),
        (FigureKind::SystemBars, Findings::Comparison(found)) => systems::draw(&canvas, definition, found),
        (kind, _) => bail!("{}: a figure of kind {kind:?} does not fit its kind of study", name()),
    };
    drawn.with_context(name)?;
    root.present()?;
    Ok(canvas.placed.into_inner())
}

/// Joins facts into lines that fit into the figure.
fn wrap(facts: Vec<String>) -> Result<Vec<String>> {
    let mut lines: Vec<String> = Vec::new();
    for fact in facts {
        let longer = lines.last().map(|line| format!("{line} · {fact}"));
        match longer {
            Some(longer) if text_width(&longer)? <= SIZE.0 as i32 - 2 * MARGIN => {
                lines.pop();
                lines.push(longer);
            }
            _ => lines.push(fact),
        }
    }
    Ok(lines)
}

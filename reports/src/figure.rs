//! The figures of artefacts: title, legend, plot, and a caption of conditions and statistics.
//!
//! The same drawing goes to SVG and to PNG.

mod axis;
pub(crate) mod canvas;
mod conditions;
mod corruption;
mod costs;
pub mod definition;
mod descent;
mod ends;
mod histograms;
mod normalisation;
mod predictors;
mod rank;
mod scatter;
mod search;
mod search_cost;
mod starts;
mod systems;

use std::cell::RefCell;
use std::path::Path;

use anyhow::{Context, Result};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};
use results::store::files::write_by;

use crate::artefact::Artefact;
use crate::drawing::{Scene, banks_figure, encoding_figure};
use canvas::{Canvas, HEADER, MARGIN, Placed, SIZE, register_font, text_width};
use definition::{FigureData, FigureDefinition};

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
    if let Some(drawing) = drawing_of(artefact).with_context(|| artefact.name())? {
        return Ok((drawing.svg()?, Vec::new()));
    }
    let mut document = String::new();
    let backend = SVGBackend::with_string(&mut document, SIZE);
    let placed = draw(backend.into_drawing_area(), artefact).with_context(|| artefact.name())?;
    Ok((document.into_bytes(), placed))
}

/// Writes the figure as a PNG image.
///
/// # Errors
/// As for [`svg`], and if the file system refuses.
pub fn write_png(artefact: &Artefact, path: &Path) -> Result<()> {
    if let Some(drawing) = drawing_of(artefact).with_context(|| artefact.name())? {
        return drawing.write_png(path);
    }
    write_by(path, |unfinished| {
        let area = BitMapBackend::new(unfinished, SIZE).into_drawing_area();
        draw(area, artefact).with_context(|| artefact.name()).map(drop)
    })
}

/// The definition of an artefact's figure, and its data.
fn definition_and_data(artefact: &Artefact) -> Result<(&FigureDefinition, FigureData<'_>)> {
    let definition = artefact.figure.as_ref().context("its definition has no `[figure]`")?;
    Ok((definition, artefact.findings.figure(definition.kind)?))
}

/// Draws the figure of an artefact that shows architectures, with the conditions below it. It is as large as necessary.
/// `None` if the figure has axes instead.
fn drawing_of(artefact: &Artefact) -> Result<Option<Scene>> {
    let (definition, data) = definition_and_data(artefact)?;
    let drawing = match data {
        FigureData::MemoryBanks(drawings) => banks_figure(drawings, &definition.title),
        FigureData::Encoding(drawings, cells) => encoding_figure(drawings, cells, &definition.title),
        _ => return Ok(None),
    };
    drawing?.captioned(&artefact.conditions()).map(Some)
}

fn draw<DB: DrawingBackend>(root: DrawingArea<DB, Shift>, artefact: &Artefact) -> Result<Vec<Placed>>
where
    DB::ErrorType: 'static,
{
    let (definition, data) = definition_and_data(artefact)?;
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
    match data {
        FigureData::Scatter(summary) => scatter::draw(&canvas, definition, summary, false)?,
        FigureData::ScatterErrorBars(summary) => scatter::draw(&canvas, definition, summary, true)?,
        FigureData::Predictors(summary) => predictors::draw(&canvas, definition, summary)?,
        FigureData::Conditions(panels) => conditions::draw(&canvas, &panels)?,
        FigureData::Ensemble(summary) => rank::draw(&canvas, definition, summary)?,
        FigureData::Corruption(summary) => corruption::draw(&canvas, definition, summary)?,
        FigureData::Proxy(summary) => descent::draw(&canvas, definition, summary)?,
        FigureData::Search(summary) => search::draw(&canvas, definition, summary)?,
        FigureData::SearchCost(summary) => search_cost::draw(&canvas, definition, summary)?,
        FigureData::Systems(summary, labels) => systems::draw(&canvas, definition, summary, &labels)?,
        FigureData::Starts(summary) => starts::draw(&canvas, definition, summary)?,
        FigureData::Normalisation(summary) => normalisation::draw(&canvas, summary)?,
        FigureData::Costs(summary) => costs::draw(&canvas, definition, summary)?,
        FigureData::Histograms(summary) => histograms::draw(&canvas, summary)?,
        FigureData::MemoryBanks(_) | FigureData::Encoding(..) => unreachable!("this figure has no axes"),
    }
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

//! The figures of artefacts: title, legend, plot, and a caption of conditions and statistics.

mod axis;
mod canvas;
mod chance;
mod conditions;
mod corruption;
mod costs;
pub mod definition;
mod descent;
mod ends;
mod histograms;
mod legend;
mod marks;
mod normalisation;
mod plot;
mod predictors;
mod rank;
mod scatter;
mod search;
mod search_cost;
mod starts;
mod systems;

use anyhow::{Context, Result};
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

use crate::artefact::Artefact;
use crate::drawing::{banks_figure, encoding_figure};
use crate::picture::{Format, Picture, Width};
use canvas::Canvas;
pub(crate) use canvas::Placed;
use chance::error_by_chance;
use definition::{FigureData, FigureDefinition};

/// The look of a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Its width in a paper.
    pub width: Width,
    /// Whether it has its title.
    pub with_title: bool,
    /// Whether it has its caption.
    pub with_caption: bool,
}

impl Default for Look {
    fn default() -> Self {
        Self { width: Width::Page, with_title: true, with_caption: true }
    }
}

/// A figure that is drawn.
pub struct Drawn {
    /// The figure.
    pub picture: Picture,
    /// The places of the single architectures in it.
    pub(crate) places: Vec<Placed>,
}

/// The figures of some artefacts, in their order; `None` for an artefact without a figure.
///
/// # Errors
/// As for [`picture`].
pub fn drawn(artefacts: &[Artefact], look: Look) -> Result<Vec<Option<Drawn>>> {
    let of_artefact = |artefact: &Artefact| artefact.figure.as_ref().map(|_| draw(artefact, look)).transpose();
    artefacts.par_iter().map(|artefact| of_artefact(artefact).with_context(|| artefact.name())).collect()
}

/// The figure as an SVG document with title and caption, as wide as a page.
///
/// # Errors
/// As for [`picture`].
pub fn svg(artefact: &Artefact) -> Result<Vec<u8>> {
    picture(artefact, Look::default())?.bytes(Format::Svg)
}

/// The figure as a picture.
///
/// # Errors
/// If the artefact has no figure, if its figure does not fit its kind of study, or if there is nothing to draw.
pub fn picture(artefact: &Artefact, look: Look) -> Result<Picture> {
    Ok(draw(artefact, look).with_context(|| artefact.name())?.picture)
}

/// The facts of the caption: conditions, statistics and notes on the drawing.
///
/// # Errors
/// As for [`picture`].
pub fn caption(artefact: &Artefact) -> Result<Vec<String>> {
    let (_, data) = definition_and_data(artefact).with_context(|| artefact.name())?;
    Ok(caption_lines(artefact, &data).concat())
}

/// The definition of an artefact's figure, and its data.
fn definition_and_data(artefact: &Artefact) -> Result<(&FigureDefinition, FigureData<'_>)> {
    let definition = artefact.figure.as_ref().context("its definition has no `[figure]`")?;
    Ok((definition, artefact.findings.figure(definition.kind)?))
}

/// The conditions, then the statistics with notes on the drawing. Both begin a line.
fn caption_lines(artefact: &Artefact, data: &FigureData<'_>) -> [Vec<String>; 2] {
    let mut facts = artefact.findings.caption();
    match data {
        FigureData::Scatter(data) => facts.extend(scatter::notes(data)),
        FigureData::Search(_) | FigureData::Systems(..) => facts.extend(chance::fact(by_chance(artefact))),
        _ => {}
    }
    [artefact.conditions(), facts]
}

/// The error by chance; `None` if a manifest of an older program lacks the number of classes.
fn by_chance(artefact: &Artefact) -> Option<f64> {
    artefact.group.manifest().dataset.classes.map(error_by_chance)
}

fn draw(artefact: &Artefact, look: Look) -> Result<Drawn> {
    let (definition, data) = definition_and_data(artefact)?;
    let captions = if look.with_caption { caption_lines(artefact, &data) } else { Default::default() };
    let title = look.with_title.then_some(definition.title.as_str());
    // Drawings of architectures are as large as necessary.
    let drawing = match data {
        FigureData::MemoryBanks(drawings) => Some(banks_figure(drawings, title, look.width)?),
        FigureData::Encoding(drawings, cells) => Some(encoding_figure(drawings, cells, title, look.width)?),
        _ => None,
    };
    if let Some(drawing) = drawing {
        let picture = drawing.captioned(&captions.concat()).picture().fitted(look.width);
        return Ok(Drawn { picture, places: Vec::new() });
    }
    let mut canvas = Canvas::new(look.width);
    title.iter().for_each(|title| canvas.title(title));
    let by_chance = by_chance(artefact);
    match data {
        FigureData::Scatter(data) => scatter::draw(&mut canvas, definition, &data)?,
        FigureData::Predictors(summary) => predictors::draw(&mut canvas, definition, summary)?,
        FigureData::Conditions(panels) => conditions::draw(&mut canvas, &panels),
        FigureData::Ensemble(summary) => rank::draw(&mut canvas, definition, summary)?,
        FigureData::Corruption(summary) => corruption::draw(&mut canvas, definition, summary)?,
        FigureData::Proxy(summary) => descent::draw(&mut canvas, definition, summary)?,
        FigureData::Search(summary) => search::draw(&mut canvas, definition, summary, by_chance)?,
        FigureData::SearchCost(summary) => search_cost::draw(&mut canvas, definition, summary)?,
        FigureData::Systems(summary, labels) => {
            systems::draw(&mut canvas, definition, summary, &labels, by_chance)?;
        }
        FigureData::Starts(summary) => starts::draw(&mut canvas, definition, summary)?,
        FigureData::Normalisation(summary) => normalisation::draw(&mut canvas, summary)?,
        FigureData::Costs(summary) => costs::draw(&mut canvas, definition, summary)?,
        FigureData::Histograms(summary) => histograms::draw(&mut canvas, summary)?,
        FigureData::MemoryBanks(_) | FigureData::Encoding(..) => unreachable!("this figure has no axes"),
    }
    for facts in &captions {
        canvas.caption(facts);
    }
    let (picture, places) = canvas.finish();
    Ok(Drawn { picture, places })
}

//! The architectures behind the points of a figure, with their measurements and drawings.
//!
//! The page holds each drawing once.

use std::collections::BTreeMap;
use std::fmt::Write;

use anyhow::{Context, Result};
use results::ArchitectureRow;
use results::summaries::text::percent;

use super::text::{escape, row, table};
use crate::artefact::{Artefact, Space};
use crate::drawing::{Architecture, Compact, compact};
use crate::findings::Values;

/// The drawings of the page by their content, numbered in the order of appearance.
#[derive(Default)]
pub(super) struct Drawings {
    numbers: BTreeMap<Compact, usize>,
}

impl Drawings {
    /// Returns the id of the drawing of an architecture in its stored form.
    ///
    /// # Errors
    /// If it cannot be drawn.
    pub fn id(&mut self, json: &str, space: &Space) -> Result<String> {
        let architecture = Architecture::from_json(json, space.width)?;
        let next = self.numbers.len();
        let drawn = compact(&architecture, space.base_channels)?;
        let number = self.numbers.entry(drawn).or_insert(next);
        Ok(format!("drawing-{number}"))
    }

    /// All drawings, as symbols that the page can show anywhere.
    pub fn symbols(self) -> String {
        let mut ordered: Vec<(usize, Compact)> =
            self.numbers.into_iter().map(|(drawn, number)| (number, drawn)).collect();
        ordered.sort_by_key(|(number, _)| *number);
        let mut text = String::from(
            "<svg class=\"symbols\" aria-hidden=\"true\">\n<marker id=\"arrow\" viewBox=\"0 0 9 8\" refX=\"9\" refY=\"4\" \
             markerWidth=\"9\" markerHeight=\"8\" orient=\"auto\"><path d=\"M0 0L9 4L0 8Z\"/></marker>\n",
        );
        for (number, Compact { size: [width, height], shapes }) in ordered {
            writeln!(text, "<symbol id=\"drawing-{number}\" viewBox=\"-2 -2 {width} {height}\">{shapes}</symbol>")
                .expect("a string takes everything");
        }
        text + "</svg>\n"
    }
}

/// An architecture in words, such as `seed 0, architecture 12: SMASH score 71.20 %, true error 30.10 %`.
pub(super) fn words(values: &Values, (seed, architecture): (u64, u32)) -> String {
    let named = values.names.iter().zip(&values.of_architectures[&(seed, architecture)]);
    let values: Vec<String> = named.map(|(name, value)| format!("{name} {value}")).collect();
    format!("seed {seed}, architecture {architecture}: {}", values.join(", "))
}

/// A table with one row for each architecture, which names its drawing. `section` is the id of the table's section.
///
/// # Errors
/// If an architecture is not in its table, or cannot be drawn.
pub(super) fn values_table(
    values: &Values,
    artefact: &Artefact,
    section: &str,
    drawings: &mut Drawings,
) -> Result<String> {
    let space = Space::of(artefact.group.manifest(), None);
    let stored: Vec<ArchitectureRow> = artefact.group.read()?;
    let stored: BTreeMap<(u64, u32), &ArchitectureRow> =
        stored.iter().map(|row| ((row.seed, row.architecture), row)).collect();
    let mut rows = Vec::with_capacity(values.of_architectures.len());
    for (key, of_architecture) in &values.of_architectures {
        let place = || format!("architectures: seed {}, architecture {}", key.0, key.1);
        let architecture = stored.get(key).with_context(|| format!("{}: expected a row, found none", place()))?;
        let drawing = drawings.id(&architecture.json, &space).with_context(place)?;
        let mut cells = vec![key.0.to_string(), key.1.to_string()];
        cells.extend(of_architecture.clone());
        cells.extend([architecture.parameters, architecture.multiply_adds].map(|count| count.to_string()));
        cells.extend([architecture.ops, architecture.depth].map(|count| count.to_string()));
        cells.push(format!("<button type=\"button\" class=\"drawn\">{}</button>", escape(&architecture.hash)));
        let id = row_id(section, *key);
        rows.push(row(&cells, &format!(" id=\"{id}\" data-drawing=\"{drawing}\"")));
    }
    let names = ["seed", "architecture"].into_iter().chain(values.names.iter().copied());
    let names = names.chain(["parameters", "multiply-adds", "ops", "depth", "hash"]);
    let header: Vec<String> = names.map(escape).collect();
    Ok(format!(
        "<details><summary>The {} architectures of the figure</summary>\n{}</details>\n",
        rows.len(),
        table(&header, &rows)
    ))
}

/// The id of an architecture's row in the section with the given id.
pub(super) fn row_id(section: &str, (seed, architecture): (u64, u32)) -> String {
    format!("{section}-{seed}-{architecture}")
}

/// Draws the best architecture of each search; empty if there is no search.
///
/// # Errors
/// If one cannot be drawn.
pub(super) fn best_of_searches(artefact: &Artefact, drawings: &mut Drawings) -> Result<String> {
    let Some(summary) = artefact.findings.searches() else {
        return Ok(String::new());
    };
    let mut figures = String::new();
    for search in &summary.searches {
        let Some(best) = &search.best else { continue };
        let space = Space::of(artefact.group.manifest(), Some(&search.search));
        let id = drawings
            .id(&best.json, &space)
            .with_context(|| format!("candidates: `{}`, seed {}, index {}", search.search, search.seed, best.index))?;
        let label = escape(&search.label(summary.seeds()));
        writeln!(
            figures,
            "<figure><svg role=\"img\" aria-label=\"Architecture {hash}\"><use href=\"#{id}\"/></svg><figcaption>{label}: \
             {error}, {parameters} parameters, <code>{hash}</code></figcaption></figure>",
            hash = escape(&best.hash),
            error = percent(best.error),
            parameters = best.parameters,
        )
        .expect("a string takes everything");
    }
    Ok(match figures.is_empty() {
        true => figures,
        false => format!(
            "<details><summary>The best architecture of each search</summary>\n<div class=\"drawings\">\n{figures}</div></details>\n"
        ),
    })
}

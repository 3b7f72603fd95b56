//! The command `draw`: the drawings of one architecture (paper, appendix E).

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use results::CandidateRow;
use results::store::Group;

use crate::drawing::architecture::Architecture;
use crate::drawing::graph::Graph;
use crate::drawing::{Scene, block_drawing, dot, network_drawing};
use crate::output::{self, Output};

/// An architecture to draw.
#[derive(Clone, Debug)]
pub struct Subject {
    /// Stem of the names of its files.
    stem: String,
    title: String,
    architecture: Architecture,
    base_channels: Option<usize>,
}

impl Subject {
    /// The architecture of a file.
    ///
    /// # Errors
    /// A file that cannot be read or is no architecture.
    pub fn of_file(path: &Path, base_channels: Option<usize>) -> Result<Self> {
        let place = || path.display().to_string();
        let text = std::fs::read_to_string(path).with_context(place)?;
        let stem = path
            .file_stem()
            .map_or_else(place, |stem| stem.to_string_lossy().into_owned());
        Ok(Self {
            title: stem.clone(),
            stem,
            architecture: Architecture::from_json(&text).with_context(place)?,
            base_channels,
        })
    }

    /// The best candidate of each search of some runs, by seed: the first with the lowest score.
    ///
    /// # Errors
    /// Runs without candidates, or a table that cannot be read.
    pub fn of_searches(group: &Group) -> Result<Vec<Self>> {
        let manifest = group.manifest();
        let rows = group.read_if_there::<CandidateRow>()?.unwrap_or_default();
        let mut best: BTreeMap<(u64, &str), (f64, &CandidateRow)> = BTreeMap::new();
        for row in &rows {
            let Some(error) = row.error else { continue };
            let known = best.entry((row.seed, &row.search)).or_insert((error, row));
            if error < known.0 {
                *known = (error, row);
            }
        }
        ensure!(
            !best.is_empty(),
            "{}: no search in it has a candidate with a score",
            group.runs[0].dir.path().display()
        );
        let subject = |((seed, search), (error, row)): ((u64, &str), (f64, &CandidateRow))| {
            let slug: String = search
                .chars()
                .map(|c| {
                    if c.is_ascii_alphanumeric() {
                        c.to_ascii_lowercase()
                    } else {
                        '-'
                    }
                })
                .collect();
            Ok(Self {
                stem: format!(
                    "{}-{}-{}-{slug}-seed-{seed}",
                    manifest.artefact, manifest.scale, manifest.dataset.name
                ),
                title: format!(
                    "{search}: {:.2} % SMASH score, {} parameters ({}, {} scale, {}, seed {seed})",
                    100.0 * error,
                    row.parameters,
                    manifest.artefact,
                    manifest.scale,
                    manifest.dataset.name
                ),
                architecture: Architecture::from_json(&row.json).with_context(|| row.hash.clone())?,
                base_channels: base_channels(&manifest.definition, search),
            })
        };
        best.into_iter().map(subject).collect()
    }

    /// Writes the drawings into a folder and says where.
    ///
    /// # Errors
    /// If one cannot be drawn or written.
    pub fn draw(&self, folder: &Path, png: bool) -> Result<()> {
        std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        let blocks = &self.architecture.blocks;
        let named = |graph: fn(&_, _) -> Graph| -> Vec<(String, Graph)> {
            let block = |(index, block)| (format!("block {}", index + 1), graph(block, self.base_channels));
            blocks.iter().enumerate().map(block).collect()
        };
        let whole = network_drawing(&self.architecture, self.base_channels, &self.title);
        self.write(folder, "", &whole, &dot::dot(&named(Graph::simplified)), png)?;
        for (index, expanded) in named(Graph::expanded).into_iter().enumerate() {
            let title = format!("{}, {}", self.title, expanded.0);
            let drawing = block_drawing(&self.architecture, index, self.base_channels, &title);
            let suffix = format!("-block-{}", index + 1);
            self.write(folder, &suffix, &drawing, &dot::dot(&[expanded]), png)?;
        }
        Ok(())
    }

    fn write(&self, folder: &Path, suffix: &str, drawing: &Scene, dot: &str, png: bool) -> Result<()> {
        let path = |extension: &str| folder.join(format!("{}{suffix}.{extension}", self.stem));
        let outputs = [
            Output {
                path: path("svg"),
                bytes: drawing.svg()?,
            },
            Output {
                path: path("dot"),
                bytes: dot.as_bytes().to_vec(),
            },
        ];
        output::write(&outputs)?;
        if png {
            drawing.write_png(&path("png"))?;
            println!("{}", path("png").display());
        }
        Ok(())
    }
}

/// N of a search's space, as the definition of the run gives it.
fn base_channels(definition: &toml::Table, search: &str) -> Option<usize> {
    let searches = definition.get("study")?.get("searches")?.as_array()?;
    let of_name = searches
        .iter()
        .find(|entry| entry.get("name").and_then(toml::Value::as_str) == Some(search));
    let value = of_name?.get("space")?.get("base-channels")?.as_integer()?;
    usize::try_from(value).ok()
}

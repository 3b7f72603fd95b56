//! `reports draw`: draws architectures as graphs, from a file or as the best results of an artefact's searches.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};
use reports::artefact::Space;
use reports::drawing::{Architecture, Graph, dot, graph_figure};
use reports::output::{self, Output};
use reports::picture;
use results::errln;
use results::summaries::search::{Best, SearchRun};

use super::stored::{Selected, Stored};

/// Largest file of an architecture in bytes: far more than the largest that can be drawn.
const MOST_BYTES: u64 = 1 << 24;

/// Drawings to make, and their format.
#[derive(Args)]
pub struct Draw {
    /// File with an architecture in its stored form, JSON.
    #[arg(required_unless_present = "artefact", conflicts_with_all = ["scale", "dataset"], value_name = "ARCH.json")]
    file: Option<PathBuf>,
    /// Draw the architecture with the lowest SMASH score of each search of this artefact's newest runs, by root seed;
    /// also expanded.
    #[arg(long, conflicts_with = "file")]
    artefact: Option<String>,
    #[command(flatten)]
    stored: Stored,
    /// The paper's N: channels of one unit; without it, widths are in units of N.
    #[arg(long, value_name = "N", requires = "file", value_parser = clap::value_parser!(u16).range(1..))]
    base_channels: Option<u16>,
    /// Reference width of the search space; without it, block inputs have as few banks as the ops allow.
    #[arg(long, value_name = "WIDTH", requires = "file", value_parser = clap::value_parser!(u16).range(1..))]
    width: Option<u16>,
    /// Also draw each block with all its convolutions, sums and concatenations.
    #[arg(long)]
    expanded: bool,
    /// Draw only this block, counted from 0, with all its convolutions, sums and concatenations.
    #[arg(long, conflicts_with = "expanded")]
    block: Option<usize>,
    /// Format of the files; may be given several times.
    #[arg(long, value_enum, default_values = ["svg", "dot"])]
    format: Vec<Format>,
    /// Folder for the files.
    #[arg(long, default_value = "drawings")]
    out: PathBuf,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A vector image for browsers.
    Svg,
    /// A vector image for documents.
    Pdf,
    /// Text for Graphviz.
    Dot,
    /// A pixel image.
    Png,
}

/// An architecture with the names of its drawings.
struct Subject {
    /// Start of the file names.
    file: String,
    /// Origin of the architecture, for errors.
    place: String,
    title: String,
    architecture: Architecture,
    base_channels: Option<usize>,
}

/// Writes the drawings, and prints the paths of the files.
pub fn run(options: &Draw) -> Result<()> {
    let subjects = match (&options.artefact, &options.file) {
        (Some(artefact), _) => best_of_searches(artefact, &options.stored)?,
        (None, Some(file)) => vec![from_file(file, options.base_channels, options.width)?],
        (None, None) => unreachable!("the command line asks for a file or an artefact"),
    };
    for subject in &subjects {
        let expanded = options.expanded || options.artefact.is_some();
        for (name, title, graph) in graphs(subject, options.block, expanded)? {
            write(options, &format!("{}-{name}", subject.file), &title, &graph)?;
        }
    }
    Ok(())
}

fn from_file(file: &Path, base_channels: Option<u16>, width: Option<u16>) -> Result<Subject> {
    let place = file.display().to_string();
    let mut text = String::new();
    let open = File::open(file).with_context(|| place.clone())?;
    open.take(MOST_BYTES + 1).read_to_string(&mut text).with_context(|| place.clone())?;
    ensure!(text.len() as u64 <= MOST_BYTES, "{place}: expected at most {MOST_BYTES} bytes");
    // Some editors begin a text with a byte order mark, which is no part of JSON.
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let stem = file.file_stem().unwrap_or(file.as_os_str()).to_string_lossy().into_owned();
    Ok(Subject {
        architecture: Architecture::from_json(text, width.map(usize::from)).with_context(|| place.clone())?,
        place,
        title: stem.clone(),
        file: stem,
        base_channels: base_channels.map(usize::from),
    })
}

fn best_of_searches(artefact: &str, stored: &Stored) -> Result<Vec<Subject>> {
    let Selected { mut artefacts, faulty } = stored.newest(artefact)?;
    faulty.iter().for_each(|fault| errln!("warning: {fault}"));
    let artefact = artefacts.swap_remove(0);
    let summary = artefact.findings.searches();
    let searches =
        &summary.with_context(|| format!("{}: its study searches no architectures", artefact.name()))?.searches;
    let best: Vec<(&SearchRun, &Best)> =
        searches.iter().filter_map(|search| Some((search, search.best.as_ref()?))).collect();
    ensure!(!best.is_empty(), "{}: candidates: expected one with a score, found none", artefact.name());
    let subject = |(search, best): (&SearchRun, &Best)| {
        let (index, seed, shown) = (best.index, search.seed, search.label(1));
        let space = Space::of(artefact.group.manifest(), Some(&search.search));
        let search = search.name();
        let place = format!("{}: candidates: `{search}`, seed {seed}, index {index}", artefact.name());
        Ok(Subject {
            file: format!("{}-{}-seed-{seed}", artefact.name(), file_name(&search)),
            title: format!(
                "Best of {shown}, seed {seed}: SMASH score {:.2} %, {} parameters",
                100.0 * best.error,
                best.parameters
            ),
            architecture: Architecture::from_json(&best.json, space.width).with_context(|| place.clone())?,
            place,
            base_channels: space.base_channels,
        })
    };
    best.into_iter().map(subject).collect()
}

/// Name, title and graph of each drawing.
fn graphs(subject: &Subject, block: Option<usize>, expanded: bool) -> Result<Vec<(String, String, Graph)>> {
    let Subject { title, architecture, base_channels, .. } = subject;
    let blocks = architecture.blocks.len();
    let of_block = |index: usize| {
        let graph = Graph::block(&architecture.blocks[index], index, *base_channels);
        (format!("block-{index}"), format!("{title}, block {index}"), graph)
    };
    if let Some(index) = block {
        ensure!(index < blocks, "{}: block {index}: expected 0 to {}, counted from 0", subject.place, blocks - 1);
        return Ok(vec![of_block(index)]);
    }
    let network = Graph::network(architecture, *base_channels);
    let mut graphs = vec![("network".to_owned(), title.clone(), network)];
    if expanded {
        graphs.extend((0..blocks).map(of_block));
    }
    Ok(graphs)
}

fn write(options: &Draw, name: &str, title: &str, graph: &Graph) -> Result<()> {
    let picture = || anyhow::Ok(graph_figure(graph, title).with_context(|| name.to_owned())?.picture());
    let path = |extension: &str| options.out.join(format!("{name}.{extension}"));
    for format in &options.format {
        let (path, bytes) = match format {
            Format::Svg => (path("svg"), picture()?.bytes(picture::Format::Svg)?),
            Format::Pdf => (path("pdf"), picture()?.bytes(picture::Format::Pdf)?),
            Format::Dot => (path("dot"), dot(title, graph).into_bytes()),
            Format::Png => {
                let path = path("png");
                let bytes = picture()?.bytes(picture::Format::Png).with_context(|| path.display().to_string())?;
                (path, bytes)
            }
        };
        output::write(&[Output { path, bytes }])?;
    }
    Ok(())
}

/// Makes a name usable as part of a file name.
fn file_name(name: &str) -> String {
    let plain = |c: char| if c.is_alphanumeric() { c } else { '-' };
    name.chars().map(plain).collect()
}

//! `experiments images`: the images of an artefact as an `.npz` file, for other programs.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::Args;
use results::store::files::write_atomically;
use results::{errln, outln};

use crate::commands::DataFolder;
use crate::commands::architecture::Place;
use crate::tasks::images::load_data;

/// The artefact, and the file to write.
#[derive(Args)]
pub struct Images {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    data: DataFolder,
    /// File to write, FILE.npz.
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
}

/// Writes the training and the test images that a run of the artefact uses.
///
/// # Errors
/// A data set that cannot be read or has volumes, or a file that cannot be written.
pub fn write(options: &Images) -> Result<()> {
    let to = options.to.display();
    ensure!(options.to.extension().is_some_and(|own| own == "npz"), "--to {to}: expected a name that ends in .npz");
    let definition = options.place.definition()?;
    let data = load_data(definition.study.data_sets()[0], options.data.path().as_deref())?;
    ensure!(data.train.depth == 1, "{}: expected a set of images, found volumes", data.name);
    data.warnings.iter().for_each(|warning| errln!("warning: {warning}"));
    write_atomically(&options.to, &datasets::to_npz(&data))?;
    outln!("{to}: {} training images and {} test images of `{}`", data.train.len(), data.test.len(), data.name);
    Ok(())
}

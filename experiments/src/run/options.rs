//! The choices of the command line for a run, and the command lines of its workers.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::device::Device;
use crate::run::part::Part;
use crate::settings::definition::Scale;
use crate::settings::studies::Recipe;

/// The choices of the command line.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// The scale, which selects the overlay of the definition.
    pub scale: Scale,
    /// Data set to use instead of the definition's.
    pub dataset: Option<String>,
    /// Data set to search architectures on, if the definition searches on another data set than it trains on.
    pub source: Option<String>,
    /// Folder of the real data sets.
    pub data_dir: Option<PathBuf>,
    /// Single settings that override the definition's, `KEY=VALUE` in TOML.
    pub set: Vec<String>,
    /// Folder of a benchmark, whose true errors a correlation study uses instead of training.
    pub benchmark: Option<PathBuf>,
    /// Folder of a pool, to take trained networks from and add them to.
    pub pool: Option<PathBuf>,
    /// Recipe to train resulting networks by, instead of the definition's.
    pub recipe: Option<Recipe>,
    /// Train resulting networks with bfloat16 products.
    pub bfloat16: bool,
    /// Number of seeds to run, starting with seed 0.
    pub seeds: u64,
    /// Number of units to run at the same time.
    pub jobs: usize,
    /// The device to compute on.
    pub device: Device,
    /// Folder of the stored runs.
    pub results: PathBuf,
    /// Print the plan and stop.
    pub plan_only: bool,
    /// Seconds that the run may take; the plan then says which size of run makes the most of them.
    pub budget: Option<f64>,
    /// Write the units as a workflow to this folder, and run nothing.
    pub export_workflow: Option<PathBuf>,
    /// The part to do, if another process has started the run.
    pub part: Option<Part>,
}

impl RunOptions {
    /// Number of threads of a unit when several units run side by side.
    pub fn threads_of_worker(&self) -> usize {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        (cores / self.jobs).max(1)
    }

    /// The command that starts a worker of this run.
    pub fn worker_command(&self, artefact: &str, version: &str) -> Result<Command> {
        let words = self.command_of_part(artefact, version)?;
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]);
        Ok(command)
    }

    /// This program and the arguments that any part of a run needs.
    pub fn command_of_part(&self, artefact: &str, version: &str) -> Result<Vec<OsString>> {
        let program = std::env::current_exe().context("the path of this program is not known")?;
        let mut command: Vec<OsString> = vec![program.into(), "run".into(), artefact.into()];
        let mut option = |name: &str, value: OsString| command.extend([name.into(), value]);
        option("--scale", self.scale.name().into());
        option("--part-of", version.into());
        option("--seeds", self.seeds.to_string().into());
        option("--jobs", self.jobs.to_string().into());
        option("--device", self.device.to_string().into());
        // A part may run in another working folder.
        option("--results", absolute(&self.results)?);
        if let Some(name) = &self.dataset {
            option("--dataset", name.into());
        }
        if let Some(name) = &self.source {
            option("--source", name.into());
        }
        if let Some(folder) = &self.data_dir {
            option("--data-dir", absolute(folder)?);
        }
        for (name, folder) in [("--benchmark", &self.benchmark), ("--pool", &self.pool)] {
            if let Some(folder) = folder {
                option(name, absolute(folder)?);
            }
        }
        command.extend(self.of_definition().into_iter().map(OsString::from));
        Ok(command)
    }

    /// The options that change the definition, except the options for data sets.
    pub fn of_definition(&self) -> Vec<String> {
        let mut words = Vec::new();
        for setting in &self.set {
            words.extend(["--set".into(), setting.clone()]);
        }
        if let Some(recipe) = self.recipe {
            words.extend(["--recipe".into(), recipe.name().into()]);
        }
        if self.bfloat16 {
            words.push("--bfloat16".into());
        }
        words
    }
}

fn absolute(path: &Path) -> Result<OsString> {
    Ok(results::store::files::absolute(path)?.into())
}

//! A part of a run that another process has started: the work to do, and the check whether this program may do it.

use std::fmt;
use std::str::FromStr;

use anyhow::{Result, ensure};
use clap::{ArgMatches, Args, FromArgMatches};

use crate::settings::definition::Definition;

/// A part of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Version of the run.
    pub version: Version,
    /// Whether this program may have been built from another commit.
    pub any_commit: bool,
    /// The work to do.
    pub work: PartialWork,
}

/// Work that a process may do for a run that another process has started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartialWork {
    /// Run the units that standard input asks for.
    Serve,
    /// Run one unit, given by its stage and its index in that stage.
    Unit(usize, usize),
    /// Write the tables, once all units are done.
    Tables,
}

/// The flags that a [`Part`] is parsed from. Without `--unit` and `--tables`, its work is [`PartialWork::Serve`].
#[derive(Args)]
struct Flags {
    /// Do a part of a run that another process has started, given the version of the run. Without --unit and --tables, do the
    /// units that standard input asks for.
    #[arg(long, hide = true, value_name = "COMMIT,DIRTY,DEFINITION", required = false, conflicts_with = "all")]
    part_of: Version,
    /// Do the part even if this program was built from another commit than the run was started with.
    #[arg(long, hide = true, requires = "part_of")]
    any_commit: bool,
    /// Run one unit, given by its stage and its index in that stage.
    #[arg(long, hide = true, value_name = "STAGE:INDEX", requires = "part_of", value_parser = parse_place)]
    unit: Option<(usize, usize)>,
    /// Write the tables of a run whose units are all done.
    #[arg(long, hide = true, requires = "part_of", conflicts_with = "unit")]
    tables: bool,
}

fn parse_place(text: &str) -> Result<(usize, usize), String> {
    let numbers = text.split_once(':');
    let numbers = numbers.and_then(|(stage, index)| Some((stage.parse().ok()?, index.parse().ok()?)));
    numbers.ok_or_else(|| "expected STAGE:INDEX".to_owned())
}

impl FromArgMatches for Part {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let flags = Flags::from_arg_matches(matches)?;
        Ok(Self {
            version: flags.part_of,
            any_commit: flags.any_commit,
            work: match flags.unit {
                Some((stage, index)) => PartialWork::Unit(stage, index),
                None if flags.tables => PartialWork::Tables,
                None => PartialWork::Serve,
            },
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for Part {
    fn group_id() -> Option<clap::Id> {
        Flags::group_id()
    }

    fn augment_args(command: clap::Command) -> clap::Command {
        Flags::augment_args(command)
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Flags::augment_args_for_update(command)
    }
}

/// The version of a run, which a part must share with the process that started the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Label of the program.
    pub commit: String,
    /// Whether its sources had changes that were not committed.
    pub dirty: bool,
    /// Hash of the definition.
    pub definition: String,
}

/// Its form on the command line.
impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},{},{}", self.commit, self.dirty, self.definition)
    }
}

impl FromStr for Version {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || "expected COMMIT,DIRTY,DEFINITION".to_owned();
        let words: Vec<&str> = text.split(',').collect();
        let &[commit, dirty, definition] = &words[..] else {
            return Err(expected());
        };
        Ok(Self {
            commit: commit.to_owned(),
            dirty: dirty.parse().map_err(|_| expected())?,
            definition: definition.to_owned(),
        })
    }
}

/// The version of a run of a definition.
pub fn version(commit: &str, dirty: bool, definition: &Definition) -> Version {
    Version { commit: commit.to_owned(), dirty, definition: definition.hash() }
}

/// Label of the starter, and whether its sources differed from their commit. `own` is the label of this program.
///
/// # Errors
/// A program of another commit, unless the part permits it, or another definition.
pub fn starter(part: &Part, own: &str, definition: &Definition) -> Result<(String, bool)> {
    let Version { commit, dirty, definition: hash } = &part.version;
    ensure!(
        own == commit || part.any_commit,
        "this program was built from commit {own}, but the run was started by commit {commit}; --any-commit runs the part anyway"
    );
    ensure!(
        *hash == definition.hash(),
        "this program has another definition than the run: its file has changed since the start, or another version has replaced the run"
    );
    Ok((commit.clone(), *dirty))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::definition::{self, Scale};

    #[test]
    fn a_part_is_done_by_the_version_that_started_the_run() {
        let definition = definition::load("fig4", Scale::Smoke, &[]).unwrap();
        let part = Part { version: version("a1", true, &definition), any_commit: false, work: PartialWork::Tables };
        let started = ("a1".to_string(), true);
        assert_eq!(starter(&part, "a1", &definition).unwrap(), started);
        let error = starter(&part, "b2", &definition).unwrap_err().to_string();
        assert!(error.contains("commit b2") && error.contains("commit a1"), "{error}");
        let any = Part { any_commit: true, ..part };
        assert_eq!(starter(&any, "b2", &definition).unwrap(), started);
        let other = definition::load("fig4", Scale::Laptop, &[]).unwrap();
        assert!(starter(&any, "a1", &other).unwrap_err().to_string().contains("another definition"));
    }

    #[test]
    fn a_version_has_a_commit_a_truth_value_and_a_hash() {
        let version: Version = "a1,false,d2".parse().unwrap();
        assert_eq!((version.commit.as_str(), version.dirty), ("a1", false));
        assert_eq!(version.to_string(), "a1,false,d2");
        for wrong in ["", "a1", "a1,true", "a1,maybe,d2", "a1,true,d2,"] {
            assert!(wrong.parse::<Version>().is_err(), "{wrong}");
        }
    }
}

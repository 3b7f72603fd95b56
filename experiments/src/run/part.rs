//! A part of a run that another process has started: the work to do, and the check whether this program may do it.

use anyhow::{Result, bail, ensure};

use crate::settings::definition::Definition;

/// A part of a run.
#[derive(Clone, Debug)]
pub struct Part {
    /// Version of the run: commit, `true` or `false` for a dirty tree, and hash of the definition, separated by commas.
    pub version: String,
    /// Whether this program may have been built from another commit.
    pub any_commit: bool,
    /// The work to do.
    pub work: PartialWork,
}

/// Work that a process may do for a run that another process has started.
#[derive(Clone, Copy, Debug)]
pub enum PartialWork {
    /// Run the units that standard input asks for.
    Serve,
    /// Run one unit, given by its stage and its index in that stage.
    Unit(usize, usize),
    /// Write the tables, once all units are done.
    Tables,
}

/// The text that a part must share with the process that started the run.
pub fn version(commit: &str, dirty: bool, definition: &Definition) -> String {
    format!("{commit},{dirty},{}", definition.hash())
}

/// Commit of the starter and whether its tree was dirty, parsed from its [`version`]. `built_from` is the commit that this
/// program was built from, if it is known.
pub fn starter(part: &Part, built_from: Option<&str>, definition: &Definition) -> Result<(String, bool)> {
    let parts: Vec<&str> = part.version.split(',').collect();
    let &[commit, dirty, hash] = &parts[..] else {
        bail!("`--part-of {}`: expected commit, true or false, and hash", part.version);
    };
    let own = built_from.unwrap_or(commit);
    ensure!(
        own == commit || part.any_commit,
        "this program was built from commit {own}, the run was started with commit {commit}; --any-commit runs the part all the same"
    );
    ensure!(
        hash == definition.hash(),
        "this program was replaced by another version while it ran, or has another definition"
    );
    Ok((commit.to_string(), dirty == "true"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::definition::{self, Scale};

    #[test]
    fn a_part_is_done_by_the_version_that_started_the_run() {
        let definition = definition::load("fig4", Scale::Smoke, &[]).unwrap();
        let of = |version: String, any_commit| Part {
            version,
            any_commit,
            work: PartialWork::Tables,
        };
        let part = of(version("a1", true, &definition), false);
        let started = ("a1".to_string(), true);
        assert_eq!(starter(&part, None, &definition).unwrap(), started);
        assert_eq!(starter(&part, Some("a1"), &definition).unwrap(), started);
        let error = starter(&part, Some("b2"), &definition).unwrap_err().to_string();
        assert!(error.contains("commit b2") && error.contains("commit a1"), "{error}");
        let any = of(part.version.clone(), true);
        assert_eq!(starter(&any, Some("b2"), &definition).unwrap(), started);
        let other = definition::load("fig4", Scale::Laptop, &[]).unwrap();
        assert!(
            starter(&any, None, &other)
                .unwrap_err()
                .to_string()
                .contains("another definition")
        );
        assert!(starter(&of("a1".into(), false), None, &definition).is_err());
    }
}

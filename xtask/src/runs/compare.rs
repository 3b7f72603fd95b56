//! `cargo xtask compare`: compares two versions of the code by their results.
//!
//! It builds both versions, runs the artefact if its results are not stored yet, and lets `reports compare` judge.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail, ensure};
use experiments_label::git;

use crate::errln;
use crate::process::{self, Binaries, Gpu};
use crate::runs::forward::{SCALES, flag};

/// Stands for this checkout, with changes that are not committed.
const WORKTREE: &str = "WORKTREE";

/// Levels from a store of runs to a manifest: artefact, scale, device class, commit, definition, seed, file.
const MOST_LEVELS: usize = 7;

/// The statistics of `reports compare`. They are named here too, so that a wrong name is an error before any build.
const STATISTICS: [&str; 9] = [
    "kendall",
    "spearman",
    "pearson",
    "weighted-tau",
    "better-half-tau",
    "precision",
    "regret",
    "mean-score",
    "mean-error",
];

/// The two sides to compare, and the options that decide more than the run of a side that is not stored yet.
#[derive(clap::Args)]
pub struct Args {
    /// Side to compare with: a commit, branch or tag, WORKTREE, or a folder of stored runs, which may be s3://BUCKET/PREFIX.
    base: String,
    /// Side to judge, in the same form. WORKTREE is this checkout, with changes that are not committed.
    head: String,
    /// Name of the artefact, which must compare scores with true errors.
    #[arg(long, default_value = "fig4")]
    artefact: String,
    /// Scale of the runs.
    #[arg(long, default_value = "laptop", value_parser = SCALES)]
    scale: String,
    /// Number of root seeds to run; stored runs may have more.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    seeds: u32,
    /// Data set to use instead of the definition's.
    #[arg(long, value_name = "NAME")]
    dataset: Option<String>,
    /// Device to compute on: `cpu`, `cuda`, `cuda:INDEX` or `wgpu`.
    #[arg(long, default_value = "cpu", value_parser = process::parse_device)]
    device: String,
    /// Folder of the results, or s3://BUCKET/PREFIX [default: results/runs of this repository]
    #[arg(long, value_name = "DIR")]
    results: Option<PathBuf>,
    /// Statistic that decides the verdict.
    #[arg(long, default_value = "kendall", value_parser = STATISTICS)]
    statistic: String,
    /// Format of the answer.
    #[arg(long, default_value = "text", value_parser = ["text", "json", "markdown"])]
    format: String,
    /// Make the head the new baseline in results/baselines, unless it regressed.
    #[arg(long)]
    save: bool,
}

/// One side of the comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Side {
    /// A folder of stored runs.
    Folder(PathBuf),
    /// A commit, by its first twelve digits.
    Commit(String),
    /// This checkout, with changes that are not committed.
    Worktree,
}

/// Compares the sides. It returns the exit code of `reports compare`; all errors have exit code 2.
pub fn run(args: &Args, forwarded: &[OsString]) -> ExitCode {
    match compare(args, forwarded) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            process::exit_code(&error);
            ExitCode::from(2)
        }
    }
}

fn compare(args: &Args, forwarded: &[OsString]) -> Result<u8> {
    let root = process::repository()?;
    let [base, head] = [side(root, &args.base)?, side(root, &args.head)?];
    if let ([Side::Folder(_), Side::Folder(_)], Some(word)) = ([&base, &head], forwarded.first()) {
        bail!("`{}` is an argument of runs, but both sides are stored results", word.display());
    }
    ensure!(base != head, "`{}` and `{}` are the same", args.base, args.head);
    ensure!(
        !args.save || head != Side::Worktree,
        "--save needs a commit or a folder as head, because a baseline of {WORKTREE} cannot be reproduced"
    );
    // A commit with the sources of this checkout needs no other checkout.
    let here = experiments_label::of(root)?.name;
    if here.contains('-') && [&base, &head].iter().any(|side| matches!(side, Side::Commit(_))) {
        errln!("note: uncommitted changes are not compared; name {WORKTREE} to include them");
    }
    match (&base, &head) {
        (Side::Folder(base), Side::Folder(head)) => {
            [base, head].iter().try_for_each(|folder| check_stored(folder, args, None))?
        }
        (Side::Folder(folder), _) | (_, Side::Folder(folder)) => {
            let class = args.device.split(':').next().expect("a split has a first part");
            check_stored(folder, args, Some(class))?;
        }
        _ => {}
    }
    let gpu = Gpu::needed_for(&args.device)?;
    let is_own = |side: &Side| matches!(side, Side::Commit(commit) if *commit == here) || *side == Side::Worktree;
    let own = match is_own(&base) || is_own(&head) {
        true => Binaries::build(gpu)?,
        false => Binaries::build_reports()?,
    };
    let stored = |side: &Side| -> Result<PathBuf> {
        match side {
            Side::Folder(folder) => Ok(folder.clone()),
            Side::Worktree => tables(own.experiments().args(run_arguments(args, forwarded))),
            Side::Commit(commit) if *commit == here => tables(own.experiments().args(run_arguments(args, forwarded))),
            Side::Commit(commit) => {
                errln!("building commit {commit}");
                let binaries = Binaries::build_of(&checkout(root, commit)?, &root.join("target/compare/target"), gpu)?;
                tables(binaries.experiments().args(run_arguments(args, forwarded)))
            }
        }
    };
    let head_runs = stored(&head)?;
    let base_runs = match &base {
        // Runs of another definition could not be compared, so the base's runs beside the head's are the right ones, if they
        // exist.
        Side::Commit(commit) if !matches!(head, Side::Folder(_)) => match stored_beside(&head_runs, commit, args.seeds)
        {
            Some(runs) => runs,
            None => stored(&base)?,
        },
        _ => stored(&base)?,
    };
    process::code(own.reports().args(compare_arguments(args, &base_runs, &head_runs)))
}

/// Checks that a folder holds a result that can take part, before minutes of building and running.
///
/// # Errors
/// A folder in which no manifest is that of a complete run of the artefact at the scale and on the data set that the options name,
/// or on another `class` of device than the run of the other side. An object store, and a manifest that cannot be read, are left
/// to `reports compare`.
fn check_stored(folder: &Path, args: &Args, class: Option<&str>) -> Result<()> {
    if process::is_object(&folder.to_string_lossy()) {
        return Ok(());
    }
    let text = |table: &toml::Table, key: &str| table.get(key).and_then(toml::Value::as_str).map(str::to_owned);
    let fits = |manifest: &toml::Table| {
        let data_set = manifest.get("dataset").and_then(toml::Value::as_table).and_then(|set| text(set, "name"));
        // A set of one's own has another name in results.
        let wanted = args.dataset.as_ref().filter(|name| !name.contains(':'));
        let is = |key: &str, wanted: &str| text(manifest, key).as_deref() == Some(wanted);
        is("artefact", &args.artefact)
            && is("scale", &args.scale)
            && is("status", "complete")
            && class.is_none_or(|class| is("device_class", class))
            && wanted.is_none_or(|wanted| data_set.as_ref() == Some(wanted))
    };
    for entry in walkdir::WalkDir::new(folder).max_depth(MOST_LEVELS) {
        let entry = entry.with_context(|| folder.display().to_string())?;
        if entry.file_name() != "manifest.toml" {
            continue;
        }
        match fs::read_to_string(entry.path()).ok().and_then(|text| text.parse().ok()) {
            Some(manifest) if !fits(&manifest) => {}
            _ => return Ok(()),
        }
    }
    let on = args.dataset.as_ref().map_or_else(String::new, |name| format!(" on {name}"));
    let class = class.map_or_else(String::new, |class| format!(" on device class {class}"));
    bail!("{}: no complete run of `{}` at scale {}{on}{class} to compare", folder.display(), args.artefact, args.scale)
}

/// The side that a word of the command line stands for.
fn side(root: &Path, text: &str) -> Result<Side> {
    if text == WORKTREE {
        return Ok(Side::Worktree);
    }
    let revision = format!("{text}^{{commit}}");
    let commit = git(root, &["rev-parse", "--verify", "--quiet", "--short=12", "--end-of-options", &revision]);
    match (Path::new(text).is_dir() || process::is_object(text), commit) {
        (true, Ok(_)) => bail!("`{text}` is a folder and a revision: write ./{text} for the folder, or the commit"),
        (true, Err(_)) => Ok(Side::Folder(text.into())),
        (false, Ok(commit)) => Ok(Side::Commit(commit)),
        (false, Err(_)) => {
            git(root, &["rev-parse", "--git-dir"])
                .with_context(|| format!("`{text}`: no folder of stored runs, and git cannot look for a commit"))?;
            bail!("`{text}`: neither a commit of this repository nor a folder of stored runs")
        }
    }
}

/// A checkout of its own for a commit, kept for the next call.
fn checkout(root: &Path, commit: &str) -> Result<PathBuf> {
    let folder = root.join("target/compare").join(commit);
    if !folder.exists() {
        let place = folder.display().to_string();
        // `--force` is needed if git remembers a folder that is gone.
        git(root, &["worktree", "add", "--quiet", "--force", "--detach", &place, commit])?;
    }
    let is_whole = folder.join(".git").exists()
        && git(&folder, &["rev-parse", "--short=12", "HEAD"])? == commit
        && git(&folder, &["status", "--porcelain"])?.is_empty();
    ensure!(is_whole, "{}: expected an unchanged checkout of {commit}; remove the folder", folder.display());
    Ok(folder)
}

/// Runs `experiments run` and returns the folder that holds the runs of all seeds, found from the places of their tables.
fn tables(experiments: &mut Command) -> Result<PathBuf> {
    let lines = process::lines(experiments)?;
    let place = lines.iter().find_map(|line| line.strip_prefix("tables: "));
    let runs = place.and_then(|run| Path::new(run).parent());
    Ok(runs.context("experiments: expected a line `tables: FOLDER`")?.into())
}

/// The runs of a commit with the same artefact, scale, device class and definition, if all seeds are complete.
fn stored_beside(runs: &Path, commit: &str, n_seeds: u32) -> Option<PathBuf> {
    let found = runs.parent()?.parent()?.join(commit).join(runs.file_name()?);
    let is_complete = |seed: u32| {
        let manifest = fs::read_to_string(found.join(format!("seed-{seed}/manifest.toml")));
        manifest.is_ok_and(|text| text.lines().any(|line| line == "status = \"complete\""))
    };
    (0..n_seeds).all(is_complete).then_some(found)
}

fn run_arguments(args: &Args, forwarded: &[OsString]) -> Vec<OsString> {
    let results = args.results.clone().unwrap_or_else(process::default_results);
    let mut arguments = vec!["run".into(), (&args.artefact).into(), flag("--scale", &args.scale)];
    arguments.push(flag("--seeds", args.seeds.to_string()));
    arguments.push(flag("--device", &args.device));
    arguments.push(flag("--results", results));
    arguments.extend(args.dataset.iter().map(|dataset| flag("--dataset", dataset)));
    arguments.extend_from_slice(forwarded);
    arguments
}

fn compare_arguments(args: &Args, base: &Path, head: &Path) -> Vec<OsString> {
    let mut arguments = vec!["compare".into(), base.into(), head.into()];
    arguments.push(flag("--artefact", &args.artefact));
    arguments.push(flag("--scale", &args.scale));
    arguments.extend(args.dataset.iter().map(|dataset| flag("--dataset", dataset)));
    arguments.push(flag("--statistic", &args.statistic));
    arguments.push(flag("--format", &args.format));
    let baselines = || process::root().join("results/baselines");
    arguments.extend(args.save.then(|| flag("--save", baselines())));
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Verb;

    fn parse(line: &str) -> Result<(Args, Vec<OsString>), String> {
        let words = ["xtask", "compare"].into_iter().chain(line.split_whitespace());
        match crate::parse(words.map(OsString::from)) {
            Ok((Verb::Compare(args), forwarded)) => Ok((args, forwarded)),
            Ok(_) => panic!("`{line}` is another command"),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn runs_and_comparison_get_the_same_artefact_and_scale() {
        let words = |text: &str| text.split(' ').map(OsString::from).collect::<Vec<_>>();
        let check = |line: &str, run: &str, compare: &str| {
            let (args, forwarded) = parse(line).unwrap();
            assert_eq!(run_arguments(&args, &forwarded), words(run));
            assert_eq!(compare_arguments(&args, Path::new("b"), Path::new("h")), words(compare));
        };
        check(
            "HEAD~1 HEAD --results r",
            "run fig4 --scale=laptop --seeds=1 --device=cpu --results=r",
            "compare b h --artefact=fig4 --scale=laptop --statistic=kendall --format=text",
        );
        check(
            "a b --artefact fig5a --scale smoke --seeds 3 --dataset cifar10 --data-dir d --set a.b=1 --pool p --jobs 2 \
             --results r --statistic regret --format json",
            "run fig5a --scale=smoke --seeds=3 --device=cpu --results=r --dataset=cifar10 --data-dir d --set a.b=1 --pool p \
             --jobs 2",
            "compare b h --artefact=fig5a --scale=smoke --dataset=cifar10 --statistic=regret --format=json",
        );
        let save = compare_arguments(&parse("a b --save").unwrap().0, Path::new("b"), Path::new("h"));
        let baselines = save.last().unwrap().to_str().unwrap();
        assert!(baselines.starts_with("--save=") && baselines.ends_with("results/baselines"), "{save:?}");
    }

    #[test]
    fn an_argument_for_a_run_is_refused_if_nothing_runs() {
        let (args, forwarded) = parse("./src ./recipes --jobs 2").unwrap();
        let error = compare(&args, &forwarded).unwrap_err().to_string();
        assert!(error.starts_with("`--jobs` is an argument of runs, "), "{error}");
    }

    #[test]
    fn a_folder_that_cannot_take_part_is_refused_before_any_build() {
        let folder = tempfile::tempdir().unwrap();
        let (args, _) = parse("a b --dataset shapes").unwrap();
        let check = |class| check_stored(folder.path(), &args, class).map_err(|error| error.to_string());
        let run = folder.path().join("fig4/laptop/cpu/a/b/seed-0");
        let write = |scale: &str| {
            let text = "artefact = 'fig4'\nstatus = 'complete'\ndevice_class = 'cpu'\n[dataset]\nname = 'shapes'";
            fs::create_dir_all(&run).unwrap();
            fs::write(run.join("manifest.toml"), format!("scale = '{scale}'\n{text}")).unwrap();
        };
        assert!(check(None).unwrap_err().ends_with("no complete run of `fig4` at scale laptop on shapes to compare"));
        write("smoke");
        assert!(check(None).is_err());
        write("laptop");
        assert_eq!((check(None), check(Some("cpu"))), (Ok(()), Ok(())));
        assert!(check(Some("cuda")).unwrap_err().ends_with("on device class cuda to compare"));
    }

    #[test]
    fn every_statistic_of_the_reports_is_known_here() {
        let source = fs::read_to_string(process::root().join("results/src/commits/compare.rs")).unwrap();
        let (_, list) = source.split_once("pub const ALL: [(&str, Self); ").unwrap();
        let (list, _) = list.split_once("];").unwrap();
        assert_eq!(list.split('"').skip(1).step_by(2).collect::<Vec<_>>(), STATISTICS);
    }

    #[test]
    fn wrong_arguments_are_refused_by_name() {
        for (line, expected) in [
            ("HEAD", "<HEAD>"),
            ("a b --scale huge", "smoke, laptop, gpu, paper"),
            ("a b --format html", "text, json, markdown"),
            ("a b --seeds 0", "0 is not in 1.."),
            ("a b --device gpu", "expected cpu, cuda, cuda:INDEX or wgpu"),
            ("a b --statistic tau", "kendall, spearman"),
        ] {
            let error = parse(line).err().unwrap_or_else(|| panic!("`{line}` was accepted"));
            assert!(error.contains(expected), "`{line}` gave: {error}");
        }
    }

    /// Makes a repository with two commits and returns both.
    fn repository(folder: &Path) -> [String; 2] {
        git(folder, &["init", "--quiet"]).unwrap();
        [1, 2].map(|number| {
            fs::write(folder.join("file"), number.to_string()).unwrap();
            git(folder, &["add", "file"]).unwrap();
            let name = ["-c", "user.name=n", "-c", "user.email=e"];
            git(folder, &[&name[..], &["commit", "--quiet", "-m", "m"]].concat()).unwrap();
            git(folder, &["rev-parse", "--short=12", "HEAD"]).unwrap()
        })
    }

    #[test]
    fn a_word_is_a_commit_a_folder_or_a_mistake() {
        let folder = tempfile::tempdir().unwrap();
        let [first, second] = repository(folder.path());
        let side = |text: &str| side(folder.path(), text);
        assert_eq!(side("HEAD~1").unwrap(), Side::Commit(first));
        assert_eq!(side("HEAD").unwrap(), Side::Commit(second));
        assert_eq!(side("WORKTREE").unwrap(), Side::Worktree);
        let runs = folder.path().display().to_string();
        assert_eq!(side(&runs).unwrap(), Side::Folder(folder.path().into()));
        for wrong in ["HEAD~9", "no-such-folder", "--all"] {
            let error = side(wrong).unwrap_err().to_string();
            assert!(error.starts_with(&format!("`{wrong}`: neither")), "{error}");
        }
        let other = tempfile::tempdir().unwrap();
        let error = format!("{:#}", super::side(other.path(), "HEAD").unwrap_err());
        assert!(error.starts_with("`HEAD`: no folder") && error.contains("not a git repository"), "{error}");
        // Tests run in the folder of their crate, which has a `src`.
        git(folder.path(), &["branch", "src"]).unwrap();
        assert!(side("src").unwrap_err().to_string().contains("write ./src"));
        assert_eq!(side("./src").unwrap(), Side::Folder("./src".into()));
    }

    #[test]
    fn a_checkout_is_kept_and_one_that_was_changed_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let [first, _] = repository(folder.path());
        for _ in 0..2 {
            let checkout = checkout(folder.path(), &first).unwrap();
            assert_eq!(checkout, folder.path().join("target/compare").join(&first));
            assert_eq!(fs::read_to_string(checkout.join("file")).unwrap(), "1");
            // A checkout that was removed is made again.
            fs::remove_dir_all(&checkout).unwrap();
        }
        let kept = checkout(folder.path(), &first).unwrap();
        assert_eq!(checkout(folder.path(), &first).unwrap(), kept);
        fs::write(kept.join("file"), "changed").unwrap();
        let error = checkout(folder.path(), &first).unwrap_err().to_string();
        assert!(error.ends_with(&format!("expected an unchanged checkout of {first}; remove the folder")), "{error}");
    }

    #[test]
    fn only_complete_runs_of_all_seeds_are_used_again() {
        let folder = tempfile::tempdir().unwrap();
        let class = folder.path().join("fig4/laptop/cpu");
        let head = class.join("bbbb/12345678");
        let write = |seed: u32, status: &str| {
            let run = class.join(format!("aaaa/12345678/seed-{seed}"));
            fs::create_dir_all(&run).unwrap();
            fs::write(run.join("manifest.toml"), format!("seed = {seed}\nstatus = \"{status}\"\n")).unwrap();
        };
        assert_eq!(stored_beside(&head, "aaaa", 1), None);
        write(0, "complete");
        write(1, "running");
        assert_eq!(stored_beside(&head, "aaaa", 1), Some(class.join("aaaa/12345678")));
        assert_eq!(stored_beside(&head, "aaaa", 2), None);
        write(1, "complete");
        assert_eq!(stored_beside(&head, "aaaa", 2), Some(class.join("aaaa/12345678")));
        assert_eq!(stored_beside(&head, "aaa", 2), None);
        assert_eq!(stored_beside(&class.join("bbbb/87654321"), "aaaa", 1), None);
    }
}

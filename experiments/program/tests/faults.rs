//! Every fault that docs/faults.md lists, and the state that it leaves behind.
//!
//! No finished work is lost, and no file is half written. The same command then ends with the tables of an undisturbed run.

#![cfg(unix)]

mod binary;
mod stored;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::SystemTime;

use binary::{error_of, experiments, files, succeeded, tables};
use results::Manifest;
use results::store::manifest::RunStatus;
use results::store::seal;
use stored::{flip, name_of, sealed, stored_manifest, text_of};

const SIGKILL: i32 = 9;

/// Tables by their path.
type Tables = BTreeMap<PathBuf, Vec<u8>>;

/// The tables that every run of [`run_in`] must end with.
static EXPECTED: LazyLock<Tables> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    succeeded(&run_in(folder.path()).output().unwrap());
    tables_in(folder.path())
});

/// `fig4` with a pool, one unit after the other, so that files are written in one order.
fn run_in(folder: &Path) -> Command {
    // A missing pool would be noted beside the one error that tests look for.
    fs::create_dir_all(folder.join("pool")).unwrap();
    let mut command = experiments(&folder.join("results"), &["fig4", "--jobs", "1", "--pool"]);
    command.arg(folder.join("pool"));
    command
}

fn tables_in(folder: &Path) -> Tables {
    tables(&folder.join("results"))
}

/// Finished work that must not be done again: outputs of units and trainings in the pool, with their modification times.
fn done(folder: &Path) -> BTreeMap<PathBuf, SystemTime> {
    let is_done = |file: &PathBuf| {
        let of_unit = file.parent().unwrap().ends_with("units") && name_of(file).ends_with(".parquet");
        of_unit || file.ends_with("checkpoints/smash.safetensors") || file.starts_with(folder.join("pool/truths"))
    };
    let time = |file: PathBuf| {
        let time = fs::metadata(&file).unwrap().modified().unwrap();
        (file, time)
    };
    sealed(folder).into_iter().filter(is_done).map(time).collect()
}

fn check_seal(file: &Path, fault: &str) {
    seal::check(file, &fs::read(file).unwrap()).unwrap_or_else(|error| panic!("{fault}: {error}"));
}

/// Resumes a run that a fault has ended, and compares the tables.
fn goes_on(folder: &Path, fault: &str) {
    for file in sealed(folder) {
        check_seal(&file, fault);
    }
    let before = done(folder);
    let output = run_in(folder).output().unwrap();
    assert!(output.status.success(), "{fault}: {}", text_of(&output));
    assert_eq!(tables_in(folder), *EXPECTED, "{fault}");
    let after = done(folder);
    // The table of epochs is not the output of a unit of its own: it is written again with its network.
    for (file, time) in before.iter().filter(|(file, _)| !name_of(file).starts_with("epochs-")) {
        assert_eq!(after.get(file), Some(time), "{fault}: {} was done again", file.display());
    }
    let leftover = files(folder).into_iter().find(|file| name_of(file).starts_with(".writing-"));
    assert_eq!(leftover, None, "{fault}");
}

/// Makes a fault happen at the first, second, third place and so on, each in a folder of its own. A run that succeeds ends this,
/// because the fault has no place left to happen at. Returns the number of places.
fn at_every_place(fault: &str, ended_as_expected: impl Fn(&Output) -> bool + Sync) -> usize {
    let (next, last) = (AtomicUsize::new(1), AtomicUsize::new(usize::MAX));
    LazyLock::force(&EXPECTED);
    let work = || {
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            if place > last.load(Ordering::Relaxed) {
                return;
            }
            let fault = format!("{fault}@{place}");
            let folder = tempfile::tempdir().unwrap();
            let output = run_in(folder.path()).env("SMASH_FAULT", &fault).output().unwrap();
            if output.status.success() {
                last.fetch_min(place - 1, Ordering::Relaxed);
                assert_eq!(tables_in(folder.path()), *EXPECTED);
                return;
            }
            assert!(ended_as_expected(&output), "{fault}: {}, {}", output.status, text_of(&output));
            goes_on(folder.path(), &fault);
        }
    };
    thread::scope(|scope| {
        let threads = [scope.spawn(work), scope.spawn(work)];
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
    last.into_inner()
}

#[test]
fn a_kill_at_any_point_of_any_write_loses_no_finished_work() {
    let places = at_every_place("kill", |output| output.status.signal() == Some(SIGKILL));
    // Each file has three places.
    assert!(places > 60 && places.is_multiple_of(3), "{places}");
}

#[test]
fn a_disk_that_is_full_at_any_file_is_one_error_and_loses_nothing() {
    let places = at_every_place("full", |output| {
        let text = text_of(output);
        output.status.code() == Some(1) && text.trim_end().lines().count() == 1 && text.contains("cannot write")
    });
    assert!(places > 20, "{places}");
}

fn halve(file: &Path) {
    let bytes = fs::read(file).unwrap();
    fs::write(file, &bytes[..bytes.len() / 2]).unwrap();
}

#[test]
fn a_damaged_file_is_reported_kept_and_made_again() {
    let folder = tempfile::tempdir().unwrap();
    succeeded(&run_in(folder.path()).output().unwrap());
    let results = folder.path().join("results");
    let stored = sealed(&results);
    assert!(stored.len() > 10, "{stored:?}");
    for (number, file) in stored.iter().enumerate() {
        // Each file gets one kind of damage, and each kind of file gets both.
        let damage = [flip, halve][number % 2];
        damage(file);
        let output = run_in(folder.path()).output().unwrap();
        let (text, name) = (text_of(&output), name_of(file));
        assert!(output.status.success(), "{name}: {text}");
        assert!(text.contains("warning: ") && text.contains(name), "{name}: {text}");
        assert_eq!(tables_in(folder.path()), *EXPECTED, "{name}");
        sealed(&results).iter().for_each(|file| check_seal(file, name));
        // A damaged table is gathered again; any other damaged file is kept for people to look at.
        let is_table = file.extension().unwrap() == "parquet" && !file.parent().unwrap().ends_with("units");
        let kept = file.with_file_name(format!("{name}.damaged"));
        assert_ne!(kept.exists(), is_table, "{name}");
        let manifest = Manifest::read(&stored_manifest(&results)).unwrap();
        assert!(manifest.warnings.iter().any(|warning| warning.contains(name)), "{name}: {:?}", manifest.warnings);
    }
}

#[test]
fn streams_that_nobody_reads_end_no_run_and_lose_no_warning() {
    let folder = tempfile::tempdir().unwrap();
    let unread = || {
        let mut run = run_in(folder.path()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop((run.stdout.take(), run.stderr.take()));
        assert!(run.wait().unwrap().success());
        assert_eq!(tables_in(folder.path()), *EXPECTED);
    };
    unread();
    let results = folder.path().join("results");
    let stored = sealed(&results);
    let unit = stored.iter().find(|file| file.parent().unwrap().ends_with("units")).unwrap();
    flip(unit);
    unread();
    let manifest = Manifest::read(&stored_manifest(&results)).unwrap();
    assert!(manifest.warnings.iter().any(|warning| warning.contains(name_of(unit))), "{:?}", manifest.warnings);
}

#[cfg(target_os = "linux")]
#[test]
fn output_that_cannot_be_stored_is_one_error_at_the_end_of_a_whole_run() {
    let folder = tempfile::tempdir().unwrap();
    let full = || fs::File::options().write(true).open("/dev/full").unwrap();
    let error = error_of(run_in(folder.path()).stdout(full()));
    assert!(error.starts_with("error: standard output: cannot be written: "), "{error}");
    assert_eq!(tables_in(folder.path()), *EXPECTED);
}

#[cfg(target_os = "linux")]
#[test]
fn a_link_in_the_place_of_a_lock_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    succeeded(&run_in(folder.path()).output().unwrap());
    let lock = stored_manifest(&folder.path().join("results")).with_file_name("lock");
    let target = folder.path().join("target");
    fs::write(&target, "of another").unwrap();
    fs::remove_file(&lock).unwrap();
    std::os::unix::fs::symlink(&target, &lock).unwrap();
    let error = error_of(&mut run_in(folder.path()));
    assert!(error.contains("lock: cannot open: expected a file, found a symbolic link"), "{error}");
    assert_eq!(fs::read_to_string(&target).unwrap(), "of another");
}

#[test]
fn a_damaged_pool_is_trained_anew() {
    let folder = tempfile::tempdir().unwrap();
    succeeded(&run_in(folder.path()).output().unwrap());
    let pool = folder.path().join("pool");
    let stored = sealed(&pool);
    assert!(stored.len() >= 5, "{stored:?}");
    stored.iter().for_each(|file| flip(file));
    fs::remove_dir_all(folder.path().join("results")).unwrap();
    let output = run_in(folder.path()).output().unwrap();
    assert!(output.status.success(), "{}", text_of(&output));
    assert_eq!(tables_in(folder.path()), *EXPECTED);
    assert!(text_of(&output).contains("pool"), "{}", text_of(&output));
    // A run reads the two files of a network only up to the first damaged one, so only truths are compared.
    let made_again = sealed(&pool);
    let truths = |files: &[PathBuf]| files.iter().filter(|file| file.parent().unwrap().ends_with("truths")).count();
    assert_eq!(truths(&made_again), truths(&stored));
    for file in made_again.iter().filter(|file| file.parent().unwrap().ends_with("truths")) {
        check_seal(file, "a damaged pool");
    }
}

#[test]
fn a_damaged_checkpoint_of_an_unfinished_training_is_left_out() {
    for training in ["smash-in-training", "truth-00001-0"] {
        let folder = tempfile::tempdir().unwrap();
        // The run is killed after the training has written its first checkpoint: at the first place of the next file.
        let next = if training.starts_with("smash") { "epochs-smash" } else { "truth-00001-0.parquet" };
        let mut run = experiments(&folder.path().join("results"), &["fig4", "--jobs", "1"]);
        let output = run.env("SMASH_FAULT", format!("kill@{next}")).output().unwrap();
        assert_eq!(output.status.signal(), Some(SIGKILL));
        let is_checkpoint = |file: &&PathBuf| file.ends_with(format!("checkpoints/{training}.safetensors"));
        let stored = sealed(folder.path());
        let checkpoint = stored.iter().find(is_checkpoint).expect("it was in training");
        flip(checkpoint);
        let mut again = experiments(&folder.path().join("results"), &["fig4", "--jobs", "1"]);
        let output = again.output().unwrap();
        assert!(output.status.success(), "{}", text_of(&output));
        assert!(text_of(&output).contains(training), "{}", text_of(&output));
        assert_eq!(tables_in(folder.path()), *EXPECTED, "{training}");
    }
}

#[test]
fn a_clock_that_is_set_back_changes_no_table() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = run_in(folder.path());
    let output = run.env("SMASH_FAULT", "kill@truth-00001-0").output().unwrap();
    assert_eq!(output.status.signal(), Some(SIGKILL));
    // The manifest looks as if the clock had been years ahead at the start of the run.
    let path = stored_manifest(&folder.path().join("results"));
    let manifest = Manifest::read(&path).unwrap();
    let ahead = Manifest { start: "2999-01-01T00:00:00Z".into(), ..manifest };
    ahead.write(&path).unwrap();
    goes_on(folder.path(), "a clock set back");
    let manifest = Manifest::read(&path).unwrap();
    assert_eq!((manifest.status, manifest.start), (RunStatus::Complete, ahead.start));
}

#[test]
fn a_folder_that_cannot_be_written_to_is_one_error() {
    // A superuser may write everywhere, so another user has to try.
    const NOBODY: u32 = 65_534;
    let folder = tempfile::tempdir().unwrap();
    let results = folder.path().join("results");
    fs::create_dir(&results).unwrap();
    let is_superuser = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
    let set_mode = |mode| {
        let permissions = std::os::unix::fs::PermissionsExt::from_mode(mode);
        fs::set_permissions(&results, permissions).unwrap();
    };
    set_mode(0o555);
    let mut command = experiments(&results, &["fig4"]);
    if is_superuser {
        // The user `nobody` can run a copy of the program here.
        let program = folder.path().join("program");
        fs::copy(env!("CARGO_BIN_EXE_experiments"), &program).unwrap();
        let permissions = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(folder.path(), permissions).unwrap();
        command = Command::new(program);
        command.args(["run", "fig4", "--scale", "smoke", "--results"]).arg(&results);
        command.uid(NOBODY).gid(NOBODY);
    }
    let error = error_of(&mut command);
    assert!(error.contains("cannot create the folder"), "{error}");
    assert_eq!(files(&results), Vec::<PathBuf>::new());
    set_mode(0o755);
    succeeded(&experiments(&results, &["fig4"]).output().unwrap());
    assert_eq!(tables_in(folder.path()), *EXPECTED);
}

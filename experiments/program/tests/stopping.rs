//! Runs that get a request to stop, and runs with a part that is killed, done twice or done by two processes.

#![cfg(unix)]

mod binary;
mod planned;
mod stored;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use binary::{error_of, experiments, files, succeeded, tables};
use planned::Planned;
use results::store::manifest::RunStatus;
use results::store::seal;
use results::{Manifest, terminal};
use stored::{flip, name_of, sealed, stored_manifest, text_of};

/// Many epochs, so that there is time to disturb the run.
const LONG: [&str; 5] = ["fig4", "--set", "study.smash.epochs=60", "--set", "study.resulting.epochs=60"];

/// Waits for a file whose name starts with `start`.
fn wait_for(folder: &Path, start: &str) {
    let until = Instant::now() + Duration::from_secs(60);
    while !folder.exists() || !files(folder).iter().any(|file| name_of(file).starts_with(start)) {
        assert!(Instant::now() < until, "no {start} in {}", folder.display());
        thread::sleep(Duration::from_millis(2));
    }
}

fn start(command: &mut Command) -> Child {
    command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

fn signal(process: &Child, signal: &str) {
    let id = process.id().to_string();
    assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
}

#[test]
fn a_second_runner_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let first = start(&mut experiments(folder.path(), &LONG));
    wait_for(folder.path(), "smash-in-training");
    let error = error_of(&mut experiments(folder.path(), &LONG));
    assert!(error.contains("seed-0: another process is running this"), "{error}");
    // Another definition is another run.
    succeeded(&experiments(folder.path(), &["fig1"]).output().unwrap());
    let output = first.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", text_of(&output));
    succeeded(&experiments(folder.path(), &LONG).output().unwrap());
}

#[test]
fn a_stop_request_writes_a_checkpoint_within_the_epoch() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    succeeded(&experiments(&at("whole"), &LONG).output().unwrap());
    let mut under_way = 0;
    for (jobs, name, code) in [("1", "-TERM", 143), ("2", "-TERM", 143), ("2", "-INT", 130), ("1", "-HUP", 129)] {
        // Under `nohup`, this signal stops no run.
        if name == "-HUP" && !terminal::ends_with_terminal() {
            continue;
        }
        let results = at(&format!("stopped{name}{jobs}"));
        let arguments = [&LONG[..], &["--jobs", jobs]].concat();
        for training in ["smash-in-training", "truth-00000-"] {
            let run = start(&mut experiments(&results, &arguments));
            wait_for(&results, training);
            signal(&run, name);
            let output = run.wait_with_output().unwrap();
            assert_eq!(output.status.code(), Some(code), "{}", text_of(&output));
            assert!(text_of(&output).contains("resumes the run"), "{}", text_of(&output));
            let is_checkpoint = |file: &&PathBuf| name_of(file).starts_with(training);
            let stored = sealed(&results);
            let checkpoint = stored.iter().find(is_checkpoint).expect("it was in training");
            seal::check(checkpoint, &fs::read(checkpoint).unwrap()).unwrap();
            // A checkpoint in the middle of an epoch also has the losses so far.
            let bytes = fs::read(checkpoint).unwrap();
            under_way += usize::from(bytes.windows(7).any(|bytes| bytes == b"\"tally\""));
            let manifest = Manifest::read(&stored_manifest(&results)).unwrap();
            assert_eq!(manifest.status, RunStatus::Running);
        }
        succeeded(&experiments(&results, &arguments).output().unwrap());
        assert_eq!(tables(&results), tables(&at("whole")), "{jobs} {name}");
    }
    // An epoch has three steps or more, so few of the eight stops fall on its end.
    assert!(under_way > 0);
}

#[test]
fn the_end_of_a_terminal_that_is_ignored_does_not_stop_a_run() {
    let folder = tempfile::tempdir().unwrap();
    let run = experiments(folder.path(), &LONG);
    let mut ignoring = Command::new("nohup");
    ignoring.arg(run.get_program()).args(run.get_args()).env_remove("SMASH_DATA_DIR");
    let run = start(&mut ignoring);
    wait_for(folder.path(), "smash-in-training");
    signal(&run, "-HUP");
    let output = run.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", text_of(&output));
}

#[test]
fn an_error_during_a_stop_is_printed() {
    let folder = tempfile::tempdir().unwrap();
    let run = start(&mut experiments(folder.path(), &[&LONG[..], &["--jobs", "1"]].concat()));
    wait_for(folder.path(), "smash-in-training");
    // The process sleeps while its folder of checkpoints becomes a file. It then finds the request to stop.
    signal(&run, "-STOP");
    let stored = files(folder.path());
    let checkpoint = stored.iter().find(|file| name_of(file).starts_with("smash-in-training")).expect("in training");
    let checkpoints = checkpoint.parent().unwrap();
    fs::remove_dir_all(checkpoints).unwrap();
    fs::write(checkpoints, "").unwrap();
    signal(&run, "-TERM");
    signal(&run, "-CONT");
    let output = run.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(143), "{}", text_of(&output));
    let text = text_of(&output);
    assert!(text.contains("error: ") && text.contains("checkpoints") && text.contains("stopped; "), "{text}");
}

#[test]
fn a_worker_refuses_a_unit_that_its_run_lacks() {
    let folder = tempfile::tempdir().unwrap();
    let planned = Planned::of(&mut experiments(&folder.path().join("r"), &["fig4"]), &folder.path().join("workflow"));
    let requests = folder.path().join("requests");
    for (request, expected) in [
        ("99 0", "the run has no stage 99"),
        ("0 99", "stage 0 has no unit 99"),
        ("next", "expected `STAGE INDEX`, found `next`"),
    ] {
        fs::write(&requests, format!("{request}\n")).unwrap();
        let output = planned.part(&[]).stdin(fs::File::open(&requests).unwrap()).output().unwrap();
        let text = text_of(&output);
        assert!(!output.status.success() && text.contains(&format!("error: {expected}")), "{text}");
    }
}

#[test]
fn a_stop_keeps_the_states_that_predictors_ask_for() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let early = "study.predictor=[{ name = 'early', method = { kind = 'score', draws = 1, after-epochs = 1 } }]";
    let arguments = [&LONG[..], &["--set", early]].concat();
    succeeded(&experiments(&at("whole"), &arguments).output().unwrap());
    let run = start(&mut experiments(&at("stopped"), &arguments));
    // This file exists once the first epoch is over.
    wait_for(&at("stopped"), "smash-in-training");
    signal(&run, "-TERM");
    assert_eq!(run.wait_with_output().unwrap().status.code(), Some(143));
    let stored = sealed(&at("stopped"));
    let checkpoint = stored.iter().find(|file| name_of(file).starts_with("smash-in-training")).expect("in training");
    let bytes = fs::read(checkpoint).unwrap();
    assert!(bytes.windows(8).any(|bytes| bytes == b"after-1."), "{}", checkpoint.display());
    succeeded(&experiments(&at("stopped"), &arguments).output().unwrap());
    assert_eq!(tables(&at("stopped")), tables(&at("whole")));
}

#[test]
fn a_unit_that_is_killed_takes_no_other_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    succeeded(&experiments(&at("whole"), &["fig4"]).output().unwrap());
    let run = || experiments(&at("results"), &["fig4", "--jobs", "2"]);
    // The fault kills only a worker: the process that started it writes no such file.
    let error = error_of(run().env("SMASH_FAULT", "kill@truth-00001-0"));
    assert!(
        error.contains("1 of 3 units were killed") && error.contains("truth 1") && error.contains("signal: 9"),
        "{error}"
    );
    let stored = sealed(&at("results"));
    let truths = stored.iter().filter(|file| file.parent().unwrap().ends_with("units"));
    assert_eq!(truths.filter(|file| name_of(file).starts_with("truth-")).count(), 2, "{stored:?}");
    let manifest = Manifest::read(&stored_manifest(&at("results"))).unwrap();
    assert_eq!(manifest.status, RunStatus::Failed);
    succeeded(&run().output().unwrap());
    assert_eq!(tables(&at("results")), tables(&at("whole")));
}

#[test]
fn a_unit_that_runs_twice_at_once_leaves_the_output_of_one_run() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    succeeded(&experiments(&at("whole"), &["fig4"]).output().unwrap());
    let planned = Planned::of(&mut experiments(&at("results"), &["fig4"]), &at("workflow"));
    for (place, _) in planned.units() {
        // A node dies in the middle of the unit; after that, two nodes run the unit at the same time.
        let unit = || start(&mut planned.part(&["--unit", place]));
        let mut dead = unit();
        thread::sleep(Duration::from_millis(30));
        dead.kill().unwrap();
        dead.wait().unwrap();
        for unit in [unit(), unit()] {
            succeeded(&unit.wait_with_output().unwrap());
        }
    }
    succeeded(&planned.part(&["--tables"]).output().unwrap());
    assert_eq!(tables(&at("results")), tables(&at("whole")));
}

#[test]
fn a_damaged_unit_of_another_scheduler_is_done_again() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    succeeded(&experiments(&at("whole"), &["fig4"]).output().unwrap());
    succeeded(&experiments(&at("results"), &["fig4"]).output().unwrap());
    let planned = Planned::of(&mut experiments(&at("results"), &["fig4"]), &at("workflow"));
    let (place, output) = planned.units()[1];
    flip(Path::new(output));
    let gather = || planned.part(&["--tables"]);
    let error = error_of(&mut gather());
    assert!(error.contains(output) && error.contains("must run again"), "{error}");
    assert!(error_of(&mut gather()).contains("is missing"));
    succeeded(&planned.part(&["--unit", place]).output().unwrap());
    succeeded(&gather().output().unwrap());
    assert_eq!(tables(&at("results")), tables(&at("whole")));
}

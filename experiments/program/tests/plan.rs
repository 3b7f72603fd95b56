//! `--plan` through the binary: what it counts, where its times come from, and its JSON.

mod binary;

use std::fs;
use std::path::Path;
use std::process::Output;

use binary::{error_of, experiments, files, other, succeeded};
use results::Manifest;
use results::statistics::bootstrap::Units;
use results::statistics::power::expected_interval;
use serde_json::Value;

/// The plans of a command, one for each artefact.
fn plans(results: &Path, arguments: &[&str]) -> Vec<Value> {
    let output = experiments(results, arguments).args(["--plan", "--json"]).output().unwrap();
    succeeded(&output);
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn plan(results: &Path, arguments: &[&str]) -> Value {
    let [plan] = <[Value; 1]>::try_from(plans(results, arguments)).unwrap();
    plan
}

/// Numbers of all, done and supplied units of a kind.
fn counts(plan: &Value, kind: &str) -> [u64; 3] {
    let units = units(plan, kind);
    ["all", "done", "supplied"].map(|name| units[name].as_u64().unwrap())
}

fn units<'a>(plan: &'a Value, kind: &str) -> &'a Value {
    plan["units"].as_array().unwrap().iter().find(|units| units["kind"] == kind).unwrap()
}

const NETWORK: &str = "train SMASH network";
const TRAININGS: &str = "train resulting networks";

#[test]
fn trainings_in_the_pool_take_no_time_and_pooled_runs_give_the_times_of_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let pool = at("pool");
    let pooled = ["fig4", "--pool", pool.to_str().unwrap()];
    succeeded(&experiments(&at("first"), &pooled).output().unwrap());

    let none = plan(&at("none"), &["fig4"]);
    let [all, 0, 0] = counts(&none, TRAININGS) else { panic!("{none}") };
    assert_eq!(units(&none, TRAININGS)["seconds"], Value::Null);
    assert_eq!(none["precision"]["between_seeds_unknown"], "no result is stored");
    let budget = error_of(&mut experiments(&at("none"), &["fig4", "--plan", "--json", "--budget", "1h"]));
    assert!(budget.contains("no result of `fig4` at this scale"), "{budget}");
    // Without scores, nobody knows which architectures will be trained. The network is known.
    let before = plan(&at("none"), &pooled);
    assert_eq!((counts(&before, NETWORK), counts(&before, TRAININGS)), ([1, 0, 1], [all, 0, 0]));
    // The plan of a complete run has nothing left.
    let complete = plan(&at("first"), &pooled);
    assert_eq!(counts(&complete, TRAININGS), [all, all, 0]);
    assert_eq!(units(&complete, TRAININGS)["seconds"], 0.0);

    // A second root seed trains anew. The first one of the same run is from the pool, and has no time.
    let two = [&pooled[..], &["--seeds", "2"]].concat();
    succeeded(&experiments(&at("second"), &two).output().unwrap());
    let more = plan(&at("second"), &["fig4", "--seeds", "3"]);
    assert_eq!(counts(&more, TRAININGS), [3 * all, 2 * all, 0]);
    let trainings = units(&more, TRAININGS);
    assert!(trainings["seconds_of_unit"].as_f64().unwrap() > 0.0, "{trainings}");
    assert!(trainings["seconds_source"].as_str().unwrap().starts_with("fig4 of commit "), "{trainings}");
    assert!(trainings["seconds"].as_f64().unwrap() > 0.0, "{trainings}");
    let between = &more["precision"]["between_seeds_unknown"];
    assert_ne!(between, "the stored result has one root seed", "{more}");
}

#[test]
fn all_architectures_are_looked_for_in_the_pool_if_all_are_trained() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let pool = at("pool");
    let arguments = ["fig4", "--set", "study.every=1", "--pool", pool.to_str().unwrap()];
    succeeded(&experiments(&at("first"), &arguments).output().unwrap());
    let plan = plan(&at("second"), &arguments);
    let [all, 0, supplied] = counts(&plan, TRAININGS) else { panic!("{plan}") };
    assert_eq!(all, supplied);
}

#[test]
fn published_results_serve_where_no_own_result_is_stored() {
    let folder = tempfile::tempdir().unwrap();
    let benchmarks = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../results/benchmarks");
    let plan = |artefact: &str| -> Value {
        let mut command = other(&["run", artefact, "--scale", "laptop", "--plan", "--json", "--results"]);
        let output = command.arg(folder.path()).arg("--benchmarks").arg(&benchmarks).output().unwrap();
        succeeded(&output);
        serde_json::from_slice(&output.stdout).unwrap()
    };
    for artefact in ["fig4", "rivals"] {
        let plan = plan(artefact);
        // The benchmark has all true errors, so no training takes time.
        let [all, 0, supplied] = counts(&plan, TRAININGS) else { panic!("{plan}") };
        assert!(all > 0 && supplied == all, "{plan}");
        let source = plan["precision"]["tau_source"].as_str().unwrap();
        assert!(source.starts_with(&format!("{artefact} of commit ")), "{source}");
    }
}

#[test]
fn root_seeds_that_share_a_benchmark_share_the_chance_of_its_sample() {
    let folder = tempfile::tempdir().unwrap();
    let benchmarks = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../results/benchmarks");
    let benchmarks = benchmarks.to_str().unwrap();
    let mut command = other(&["run", "fig4", "--plan", "--json", "--seeds", "3", "--benchmarks", benchmarks]);
    let output = command.arg("--results").arg(folder.path()).output().unwrap();
    succeeded(&output);
    let plan: Value = serde_json::from_slice(&output.stdout).unwrap();
    let number = |name: &str| plan["precision"][name].as_f64().unwrap();
    let architectures = plan["precision"]["architectures"].as_u64().unwrap() as usize;
    let widths = [Units::Own, Units::Shared].map(|units| {
        let interval = expected_interval(number("tau"), number("between_seeds"), architectures, 3, units).unwrap();
        interval.high - interval.low
    });
    assert!((number("width") - widths[1]).abs() < 1e-9 && widths[0] < widths[1], "{plan}, {widths:?}");
}

#[test]
fn a_budget_has_the_time_of_predictors() {
    let folder = tempfile::tempdir().unwrap();
    let early = "study.predictor=[{ name = 'early', method = { kind = 'score', draws = 1, after-epochs = 1 } }]";
    let sized = ["fig4", "--set", "study.scored=20", "--set", early];
    succeeded(&experiments(folder.path(), &sized).output().unwrap());
    let budget = [&sized[..], &["--budget", "1h"]].concat();
    let advice = plan(folder.path(), &budget);
    assert!(advice["precision"]["budget"]["best"]["architectures"].as_u64().unwrap() >= 10, "{advice}");
    // Predictors that take a million seconds leave no time for any run.
    let path = files(folder.path()).into_iter().find(|file| file.ends_with("manifest.toml")).unwrap();
    let mut manifest = Manifest::read(&path).unwrap();
    assert!(manifest.timings.insert("ask predictors".to_owned(), 1e6).is_some());
    manifest.write(&path).unwrap();
    let error = error_of(experiments(folder.path(), &budget).arg("--plan"));
    assert!(error.contains("--budget: a root seed with the fewest architectures takes "), "{error}");
}

#[test]
fn a_plan_names_the_part_of_w_behind_a_cell_of_the_encoding() {
    let folder = tempfile::tempdir().unwrap();
    let regime = |arguments: &[&str]| plan(folder.path(), arguments)["regime"].clone();
    assert_eq!(regime(&["fig4"])["smoke"].get("cell"), None);
    let own = regime(&["fig4", "--set", "study.space.compression={ rows = 1, columns = 2 }"]);
    assert_eq!((&own["smoke"]["cell"], own["paper"].get("cell")), (&serde_json::json!([1, 2]), None));
}

#[test]
fn a_flag_that_an_artefact_has_no_use_for_stops_all_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let error = |arguments: &[&str]| error_of(&mut experiments(folder.path(), arguments));
    // The first artefact has two recipes, the second one has not.
    let recipe = error(&["--all", "--recipe", "fast"]);
    assert!(recipe.contains("--recipe: `appendix-e` has one recipe"), "{recipe}");
    let bfloat16 = error(&["fig1", "--plan", "--device", "cuda", "--bfloat16"]);
    assert!(bfloat16.contains("--bfloat16: `fig1` trains no resulting network"), "{bfloat16}");
    assert!(files(folder.path()).is_empty());
}

#[test]
fn the_plan_of_all_artefacts_names_each() {
    let folder = tempfile::tempdir().unwrap();
    // Some artefacts train nothing. With --all, the flag is for the others.
    let listed = plans(folder.path(), &["--all", "--device", "cuda", "--bfloat16"]);
    let names: Vec<&str> = listed.iter().map(|plan| plan["artefact"].as_str().unwrap()).collect();
    assert!(names.is_sorted() && names.contains(&"fig4") && names.contains(&"table1"), "{names:?}");
    let text = experiments(folder.path(), &["fig4", "--plan"]).output().unwrap().stdout;
    assert!(String::from_utf8(text).unwrap().starts_with("fig4, smoke scale, shapes\n"));
}

#[test]
fn a_plan_at_the_papers_scale_needs_no_data() {
    let folder = tempfile::tempdir().unwrap();
    for (artefact, images) in [("fig4", "cifar100"), ("table2", "stl10"), ("table3", "imagenet32")] {
        let results = folder.path().to_str().unwrap();
        let arguments = ["run", artefact, "--scale", "paper", "--plan", "--results", results];
        let paper = other(&arguments).output().unwrap();
        succeeded(&paper);
        let text = String::from_utf8(paper.stdout).unwrap();
        assert!(text.starts_with(&format!("{artefact}, paper scale, {images}\n")), "{text}");
        let note = String::from_utf8(paper.stderr).unwrap();
        assert!(note.contains("note: the plan counts with the official numbers of images"), "{note}");
    }
}

#[test]
fn a_plan_for_a_device_needs_no_device() {
    let folder = tempfile::tempdir().unwrap();
    for device in ["cuda", "wgpu"] {
        let of_device = plan(folder.path(), &["fig4", "--device", device]);
        assert_eq!(of_device["device_class"], device);
        assert_eq!(counts(&of_device, TRAININGS), counts(&plan(folder.path(), &["fig4"]), TRAININGS));
    }
    // A workflow starts the program that exports it, so that one needs the code for the device.
    let version = other(&["--version"]).output().unwrap();
    let has_cuda = String::from_utf8(version.stdout).unwrap().contains("cuda");
    let workflow = folder.path().join("workflow");
    let mut export = experiments(&folder.path().join("results"), &["fig4", "--device", "cuda:1", "--export-workflow"]);
    export.arg(&workflow);
    if has_cuda {
        succeeded(&export.output().unwrap());
        let plan = fs::read_to_string(workflow.join("plan.json")).unwrap();
        assert!(plan.contains("--device=cuda:1") && plan.contains("\"gpu\": 1"), "{plan}");
    } else {
        let error = error_of(&mut export);
        assert!(
            error.ends_with("built without CUDA; `cargo xtask reproduce --device cuda` builds one with it"),
            "{error}"
        );
        assert!(!workflow.exists() && !folder.path().join("results").exists());
    }
}

#[test]
fn wrong_places_are_refused_before_any_work() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let results = at("results");
    let error = |arguments: &[&str]| error_of(&mut experiments(&results, arguments));
    fs::write(at("file"), "").unwrap();
    let file = at("file");
    assert!(error(&["fig4", "--pool", file.to_str().unwrap()]).ends_with("file: expected a folder, found a file"));
    let own = folder.path().to_str().unwrap();
    assert!(error(&["--definition", own]).contains("a folder; `NAME --definitions "));
    assert!(error(&["fig4", "--dataset", "npz:"]).contains("no path; expected folder:DIR or npz:FILE"));
    let built_in = Path::new(env!("CARGO_MANIFEST_DIR")).join("../definitions/fig1.toml");
    let text = fs::read_to_string(built_in).unwrap().replace("kind = \"memory-banks\"", "kind = \"pie\"");
    fs::write(at("mine.toml"), text).unwrap();
    let mine = error(&["--definition", at("mine.toml").to_str().unwrap()]);
    assert!(mine.contains("mine.toml: `figure`: ") && mine.contains("pie"), "{mine}");
    for (variable, value) in [("RAYON_NUM_THREADS", "0"), ("RAYON_NUM_THREADS", "x"), ("POLARS_MAX_THREADS", "1000000")]
    {
        let error = error_of(experiments(&results, &["fig1"]).env(variable, value));
        assert!(error.starts_with(&format!("error: {variable}={value}: expected ")), "{error}");
    }
    assert!(!results.exists());
    // A pool that is not there is noted, because a new one begins like this.
    let output = experiments(&results, &["fig4", "--plan", "--pool", at("none").to_str().unwrap()]).output().unwrap();
    succeeded(&output);
    assert!(String::from_utf8(output.stderr).unwrap().contains("none: no pool is there yet"));
}

#[test]
fn a_plan_runs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let output = experiments(folder.path(), &["fig4", "--plan"]).output().unwrap();
    succeeded(&output);
    assert!(String::from_utf8(output.stdout).unwrap().contains("train resulting networks"));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_budget_names_the_run_that_makes_the_most_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let plan = |arguments: &[&str]| experiments(folder.path(), &[arguments, &["--plan"]].concat()).output().unwrap();
    let lines = |output: &Output| String::from_utf8_lossy(&output.stdout).into_owned();
    let none = experiments(folder.path(), &["fig4", "--plan", "--budget", "30m"]).output().unwrap();
    assert!(!none.status.success());
    assert!(String::from_utf8_lossy(&none.stderr).contains("no result of `fig4` at this scale"));
    assert!(error_of(&mut experiments(folder.path(), &["fig1", "--plan", "--budget", "1h"])).contains("fig1"));

    let sized = ["fig4", "--seeds", "2", "--set", "study.scored=24"];
    succeeded(&experiments(folder.path(), &sized).output().unwrap());
    let output = plan(&[&sized[..], &["--budget", "1h"]].concat());
    succeeded(&output);
    let text = lines(&output);
    assert!(text.contains("2 root seeds with 12 architectures each: expected Kendall"), "{text}");
    assert!(text.contains("narrowest in 60 minutes: ") && text.contains("--set study.every=2"), "{text}");
    assert!(text.contains("no stored result of `fidelity`"), "{text}");
    let named = ["--set", "study.benchmark={name='none',verified=0,scored=9}", "--fresh", "--budget", "1h"];
    let text = lines(&plan(&[&sized[..], &named].concat()));
    assert!(text.contains("--set study.every=2 --fresh"), "{text}");
    let sized_fidelity = ["fidelity", "--set", "study.architectures=12"];
    succeeded(&experiments(folder.path(), &sized_fidelity).output().unwrap());
    let text = lines(&plan(&[&sized[..], &["--budget", "1h"]].concat()));
    let (_, epochs) = text.split_once("epochs of resulting networks: ").unwrap();
    let widths = epochs.split("width ").skip(1);
    let widths: Vec<f64> = widths.map(|rest| rest.split_once(' ').unwrap().0.parse().unwrap()).collect();
    let &[paper, fast] = &widths[..] else { panic!("{text}") };
    // The times are measured, so either width may be the smaller one, and both may be equal to two digits.
    let [advised, other] = match text.contains("--recipe fast\n") {
        true => [fast, paper],
        false => [paper, fast],
    };
    assert!(advised <= other, "{text}");
}

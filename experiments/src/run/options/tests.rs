//! Tests that options survive as arguments, and that wrong ones are refused.

use clap::Parser;
use proptest::option;
use proptest::prelude::*;

use super::*;

#[derive(Debug, Parser)]
struct Cli {
    #[command(flatten)]
    options: RunOptions,
}

fn parse(words: impl IntoIterator<Item = OsString>) -> Result<RunOptions, String> {
    Cli::try_parse_from(std::iter::once("run".into()).chain(words))
        .map(|cli| cli.options)
        .map_err(|error| error.to_string())
}

fn words(line: &str) -> impl Iterator<Item = OsString> {
    line.split_whitespace().map(OsString::from)
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["--[a-z]{1,5}(=[a-z]{1,3})?", ".*"]
}

fn path() -> impl Strategy<Value = PathBuf> {
    ".+".prop_map(PathBuf::from)
}

fn part() -> impl Strategy<Value = Part> {
    let work = prop_oneof![
        Just(PartialWork::Serve),
        any::<(usize, usize)>().prop_map(|(stage, index)| PartialWork::Unit(stage, index)),
        Just(PartialWork::Tables),
    ];
    ("[0-9a-f]{12}", any::<bool>(), "[0-9a-f]{64}", any::<bool>(), work).prop_map(
        |(commit, dirty, definition, any_commit, work)| Part {
            version: Version { commit, dirty, definition },
            any_commit,
            work,
        },
    )
}

/// What is run, and whether it is planned, exported or a part; not every combination is permitted.
fn selections() -> impl Strategy<Value = RunOptions> {
    let default = parse(words("fig4")).unwrap();
    let all = RunOptions { artefact: None, all: true, ..default.clone() };
    let plan = |budget: Option<f64>| RunOptions { plan_only: true, json: budget.is_some(), budget, ..default.clone() };
    let plans = [None, Some(90.0), Some(0.1), Some(1e300)].map(plan);
    let (named, of_file) = (default.clone(), RunOptions { artefact: None, ..default.clone() });
    prop_oneof![
        Just(all),
        path().prop_map(move |file| RunOptions { definition: Some(file), ..of_file.clone() }),
        path().prop_map(move |folder| RunOptions { definitions: Some(folder), ..default.clone() }),
        proptest::sample::select(plans.to_vec()),
        (option::of(path()), option::of(part()), "[a-z][a-z0-9-]*").prop_map(move |(folder, part, name)| {
            RunOptions { artefact: Some(name), export_workflow: folder, part, ..named.clone() }
        }),
    ]
}

fn options() -> impl Strategy<Value = RunOptions> {
    let names = (option::of(text()), option::of(text()), prop::collection::vec(text(), 0..3));
    let paths = (option::of(path()), option::of(path()), option::of(path()), path(), path());
    let recipe = option::of(prop_oneof![Just(Recipe::Paper), Just(Recipe::Fast)]);
    let device = prop_oneof![Just(Device::Cpu), any::<usize>().prop_map(Device::Cuda), Just(Device::Wgpu)];
    let scale = proptest::sample::select(Scale::ALL.to_vec());
    let numbers = (1..=MAX_SEEDS, option::of(1..=MAX_JOBS), any::<[bool; 4]>());
    (selections(), names, paths, recipe, device, scale, numbers).prop_map(
        |(
            selection,
            (dataset, source, set),
            (data_dir, benchmark, pool, results, benchmarks),
            recipe,
            device,
            scale,
            (seeds, jobs, [bfloat16, fresh, only_scores, keep_networks]),
        )| RunOptions {
            scale,
            dataset,
            source,
            data_dir,
            set,
            benchmark,
            benchmarks,
            fresh,
            only_scores,
            pool,
            keep_networks,
            recipe,
            bfloat16,
            seeds,
            jobs,
            device,
            results,
            ..selection
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn options_are_parsed_from_their_own_arguments(options in options()) {
        prop_assert_eq!(parse(options.to_arguments()), Ok(options));
    }
}

#[test]
fn a_part_runs_anywhere_with_the_options_of_its_run() {
    let version: Version = "a1,true,d2".parse().unwrap();
    let line = "--all --definitions d --scale smoke --pool p --results r --set a.b=1 --jobs 3 --keep-networks --dataset folder:d --source cifar10";
    let run = parse(words(line)).unwrap();
    let command = run.command_of_part(Path::new("program"), "fig4", &version).unwrap();
    let worker = run.worker_command(&Program::running("a1").unwrap(), "fig4", &version).unwrap();
    assert_eq!(command[0], "program");
    assert_eq!(worker.get_args().collect::<Vec<_>>(), command[1..].iter().collect::<Vec<_>>());
    assert_eq!(command[1], "run");
    let part = parse(command[2..].to_vec()).unwrap();
    assert!(part.results.is_absolute() && part.results.ends_with("r"), "{part:?}");
    assert!(part.benchmarks.is_absolute(), "{part:?}");
    assert!(part.definitions.as_ref().is_some_and(|folder| folder.is_absolute()), "{part:?}");
    assert!(part.pool.as_ref().is_some_and(|pool| pool.is_absolute()), "{part:?}");
    let place = part.dataset.as_deref().and_then(|name| name.strip_prefix("folder:"));
    assert!(place.is_some_and(|place| place.starts_with('/') && place.ends_with("/d")), "{part:?}");
    let expected = RunOptions {
        artefact: Some("fig4".to_owned()),
        all: false,
        definitions: part.definitions.clone(),
        dataset: part.dataset.clone(),
        benchmarks: part.benchmarks.clone(),
        pool: part.pool.clone(),
        results: part.results.clone(),
        part: Some(Part { version, any_commit: false, work: PartialWork::Serve }),
        ..run
    };
    assert_eq!(part, expected);
}

#[test]
fn a_duration_has_a_number_and_a_unit() {
    assert_eq!(parse_duration("90s"), Ok(90.0));
    assert_eq!(parse_duration("1.5m"), Ok(90.0));
    assert_eq!(parse_duration("2h"), Ok(7200.0));
    for faulty in ["", "30", "m", "-1m", "0h", "infm", "3 d", "5µ"] {
        assert!(parse_duration(faulty).unwrap_err().contains("30m"), "{faulty}");
    }
}

#[test]
fn wrong_arguments_are_refused_by_name() {
    for (line, expected) in [
        ("", "<ARTEFACT>"),
        ("fig4 --all", "cannot be used with"),
        ("fig4 --definition a.toml", "cannot be used with"),
        ("--all --definition a.toml", "cannot be used with"),
        ("--definition a.toml --definitions d", "cannot be used with"),
        ("fig4 --no-such-flag", "--no-such-flag"),
        ("fig4 --scale huge", "expected smoke, laptop, gpu or paper"),
        ("fig4 --recipe slow", "paper, fast"),
        ("fig4 --seeds 0", "0 is not in 1.."),
        ("fig4 --seeds 501", "501 is not in 1..=500"),
        ("fig4 --seeds 18446744073709551615", "is not in 1..=500"),
        ("fig4 --jobs 0", "0 is not in 1.."),
        ("fig4 --jobs 1025", "1025 is not in 1..=1024"),
        ("fig4 --plan --export-workflow d", "cannot be used with"),
        ("--all --export-workflow d", "cannot be used with"),
        ("--all --part-of a1,true,d2", "cannot be used with"),
        ("fig4 --budget 1h", "--plan"),
        ("fig4 --json", "--plan"),
        ("fig4 --device gpu", "expected cpu, cuda, cuda:INDEX or wgpu"),
        ("fig4 --device cuda:", "expected cpu, cuda, cuda:INDEX or wgpu"),
        ("fig4 --device cpu:0", "expected cpu, cuda, cuda:INDEX or wgpu"),
        ("fig4 --part-of a1", "expected COMMIT,DIRTY,DEFINITION"),
        ("fig4 --unit 0:1", "--part-of"),
        ("fig4 --tables", "--part-of"),
        ("fig4 --part-of a1,true,d2 --unit 3", "expected STAGE:INDEX"),
        ("fig4 --part-of a1,true,d2 --unit 0:1 --tables", "cannot be used with"),
    ] {
        let error = parse(words(line)).err().unwrap_or_else(|| panic!("`{line}` was accepted"));
        assert!(error.contains(expected), "`{line}` gave: {error}");
    }
}

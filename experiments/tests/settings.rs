//! Plans of definitions whose numbers are changed: a plan or one clear error, whatever the numbers. Nothing is trained.

use clap::Parser;
use experiments::device::Device;
use experiments::engine::program::Program;
use experiments::on_device::{Task, run};
use experiments::run::options::RunOptions;
use experiments::settings::definition::{Scale, load};
use experiments::settings::library::Library;
use proptest::prelude::*;

/// Largest number of values in the images of a data set, so that drawing them takes little time.
const MOST_VALUES: usize = 1_000_000;

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    options: RunOptions,
}

/// The paths of all numbers of a table outside lists, and whether each is a float.
fn numbers(value: &toml::Value, path: &str) -> Vec<(String, bool)> {
    match value {
        toml::Value::Table(table) => {
            let inner = table.iter();
            inner.flat_map(|(key, inner)| numbers(inner, &format!("{path}.{key}"))).collect()
        }
        toml::Value::Integer(_) => vec![(path.to_owned(), false)],
        toml::Value::Float(_) => vec![(path.to_owned(), true)],
        _ => Vec::new(),
    }
}

fn values() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => (0..7_i32).prop_map(f64::from),
        2 => (7..300_i32).prop_map(f64::from),
        1 => (3.0..19.0f64).prop_map(|exponent| 10_f64.powf(exponent).round()),
        1 => (-8.0..0.0f64).prop_map(|exponent| 10_f64.powf(exponent)),
        1 => Just(-1.0),
    ]
}

fn changes() -> impl Strategy<Value = (String, Vec<(prop::sample::Index, f64)>)> {
    let name = prop::sample::select(Library { folder: None }.names().unwrap());
    (name, prop::collection::vec((any::<prop::sample::Index>(), values()), 1..3))
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        rng_seed: prop::test_runner::RngSeed::Fixed(1),
        ..ProptestConfig::with_cases(48)
    })]

    #[test]
    fn changed_numbers_give_a_plan_or_one_error((name, changes) in changes()) {
        let definition = load(&name, Scale::Smoke, &[]).unwrap();
        let all = numbers(&definition.to_table()["study"], "study");
        let settings: Vec<String> = changes
            .into_iter()
            .filter(|_| !all.is_empty())
            .map(|(index, value)| match index.get(&all) {
                (path, true) => format!("{path}={value:?}"),
                (path, false) => format!("{path}={}", value as i64),
            })
            .collect();
        let is_small = load(&name, Scale::Smoke, &settings).is_ok_and(|definition| {
            definition.study.data_sets().iter().all(|data| {
                let size = data.image_size.unwrap_or(32);
                let images = data.train.unwrap_or(50_000) + data.test.unwrap_or(10_000);
                images * size * size <= MOST_VALUES
            })
        });
        let folder = tempfile::tempdir().unwrap();
        let results = folder.path().display().to_string();
        let mut words = vec!["run", &name, "--scale", "smoke", "--plan", "--results", &results];
        settings.iter().for_each(|setting| words.extend(["--set", setting]));
        let program = Program::running("a1").unwrap();
        let options = Cli::try_parse_from(words).map(|cli| cli.options).unwrap();
        if is_small && let Err(error) = run(&Task::Run(&name, &options, &program), Device::Cpu) {
            let error = format!("{error:#}");
            prop_assert_eq!(error.trim_end().lines().count(), 1, "{:?}: {}", settings, error);
        }
        prop_assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}

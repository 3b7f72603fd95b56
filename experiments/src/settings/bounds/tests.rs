//! Tests that every number of every definition has bounds, and that no number outside them is accepted.

use std::collections::BTreeMap;

use datasets::{ImageSet, LoadOptions};
use proptest::prelude::*;
use smash::{Counts, Seed, Task};

use super::*;
use crate::settings::definition::{Definition, Scale, load, parse};
use crate::settings::library::Library;
use crate::settings::studies::{Data, Study};
use crate::tasks::setup::sampled_architecture;

fn names() -> Vec<String> {
    Library { folder: None }.names().unwrap()
}

/// Each number of a table with its path. Entries of a list have no step of their own in the path.
fn numbers<'a>(value: &'a mut toml::Value, path: &str) -> Vec<(String, &'a mut toml::Value)> {
    match value {
        toml::Value::Table(table) => {
            let inner = table.iter_mut();
            inner.flat_map(|(key, inner)| numbers(inner, &format!("{path}.{key}"))).collect()
        }
        toml::Value::Array(list) => list.iter_mut().flat_map(|inner| numbers(inner, path)).collect(),
        toml::Value::Integer(_) | toml::Value::Float(_) => vec![(path.to_string(), value)],
        _ => Vec::new(),
    }
}

/// A study as TOML.
fn study_of(definition: &Definition) -> toml::Value {
    definition.to_table().remove("study").unwrap()
}

/// Parses a definition with another study.
fn with_study(definition: &Definition, study: toml::Value) -> Result<Definition> {
    let mut table = definition.to_table();
    table.insert("study".into(), study);
    parse(&toml::to_string(&table)?, Scale::Paper, &[])
}

/// A definition for each kind of number, by the number's path, with its index among the numbers of the study.
fn one_of_each() -> BTreeMap<String, (Definition, usize)> {
    let mut found = BTreeMap::new();
    for (name, scale) in names().iter().flat_map(|name| Scale::ALL.map(|scale| (name.as_str(), scale))) {
        let definition = load(name, scale, &[]).unwrap();
        let mut study = study_of(&definition);
        let kind = study["kind"].to_string();
        for (index, (path, _)) in numbers(&mut study, "study").into_iter().enumerate() {
            found.entry(format!("{kind} {path}")).or_insert_with(|| (definition.clone(), index));
        }
    }
    found
}

fn is_quoted(path: &str) -> bool {
    path.contains("study.system.paper") || path.contains("study.system.quoted")
}

#[test]
fn each_number_is_refused_outside_its_bounds_by_name() {
    let all = one_of_each();
    assert!(all.len() > 100, "{}", all.len());
    for (path, (definition, index)) in &all {
        let key = path.rsplit('.').next().unwrap();
        let floats = [f64::NAN, f64::INFINITY, -0.5, 1e300].map(toml::Value::Float);
        for value in [-1, 0, 1, 1 << 32, i64::MAX].map(toml::Value::Integer).into_iter().chain(floats) {
            let mut study = study_of(definition);
            let (_, number) = numbers(&mut study, "study").swap_remove(*index);
            let was_float = number.is_float();
            // The parser refuses a fraction of a space's count, without the name.
            if value.is_float() && !was_float && path.contains(".space.") {
                continue;
            }
            *number = match value {
                toml::Value::Integer(value) if was_float => toml::Value::Float(value as f64),
                value => value,
            };
            let value = number.clone();
            let found = with_study(definition, study);
            let is_small = matches!(value.as_integer(), Some(0 | 1)) || matches!(value.as_float(), Some(0.0 | 1.0));
            match found {
                // A number of this size is a question of the setting, and the run has a size.
                Ok(definition) if is_small => drop(definition.study.check_size(1, &tasks(&definition.study))),
                Ok(_) => assert!(is_quoted(path), "{path} = {value} was accepted"),
                Err(error) => {
                    let error = format!("{error:#}");
                    let is_named = is_small || error.contains(key);
                    assert!(is_named && error.lines().count() == 1, "{path} = {value}: {error}");
                }
            }
        }
    }
}

#[test]
fn every_entry_of_the_table_is_a_setting() {
    let paths: Vec<String> = one_of_each().into_keys().collect();
    for Bounds { key, least, most, .. } in BOUNDS {
        assert!(least < most, "{key}");
        assert!(paths.iter().any(|path| path.ends_with(&format!(".{key}"))), "no definition has {key}");
    }
}

#[test]
fn a_number_without_bounds_is_named() {
    let settings: toml::Table = toml::from_str("known = { epochs = 1 }\nnew-number = 1").unwrap();
    let error = check("study", &settings).unwrap_err().to_string();
    assert!(error.starts_with("`study.new-number` has no bounds in "), "{error}");
    check_unparsed("study", &settings.into()).unwrap();
}

#[test]
fn counts_are_whole() {
    let error = format!("{:#}", load("fig4", Scale::Smoke, &["study.scored=1.5".into()]).unwrap_err());
    assert!(error.ends_with("`study.scored` must be a whole number from 1 to 100000, got 1.5"), "{error}");
}

#[test]
fn lists_have_bounds_too() {
    let refused = |setting: &str, expected: &str| {
        let error = format!("{:#}", load("fig4", Scale::Smoke, &[setting.to_owned()]).unwrap_err());
        assert!(error.contains(expected), "{error}");
    };
    refused("study.hypernet.layers=[]", "`study.hypernet.layers` has 0 entries, expected 1 to 32");
    refused("study.hypernet.layers=[0]", "`study.hypernet.layers` must be a whole number from 1 to 100, got 0");
    let many = format!("study.hypernet.layers=[{}]", "1,".repeat(33));
    refused(&many, "has 33 entries, expected 1 to 32");
    let budget = "study.space.budget=[1e-9, 1e-9]";
    refused(budget, "search space: `budget` up to 0.000000001 of 24 channels allows no op in block 0");
}

/// The tasks of a study's data sets: official sizes, or images of 32x32 pixels.
fn tasks(study: &Study) -> Vec<Task> {
    let task = |data: &&Data| {
        let options = LoadOptions { image_size: data.image_size, ..Default::default() };
        let Some(outline) = datasets::outline(&data.name, &options).ok().flatten() else {
            return Task::of_images(3, data.image_size.unwrap_or(32), 10);
        };
        let ImageSet { channels, depth, height, classes, .. } = outline.train;
        let stem_stride = if height < 64 { 1 } else { 2 };
        Task { image_depth: depth, stem_stride, ..Task::of_images(channels, height, classes) }
    };
    study.data_sets().iter().map(task).collect()
}

#[test]
fn a_run_that_is_too_large_is_refused_with_its_size() {
    for (name, scale) in names().iter().flat_map(|name| Scale::ALL.map(|scale| (name.as_str(), scale))) {
        let study = load(name, scale, &[]).unwrap().study;
        study.check_size(10, &tasks(&study)).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    let refused = |artefact: &str, set: &[&str], seeds: u64, expected: &str| {
        let set: Vec<String> = set.iter().map(|&setting| setting.into()).collect();
        let study = load(artefact, Scale::Smoke, &set).unwrap().study;
        let error = study.check_size(seeds, &tasks(&study)).unwrap_err().to_string();
        assert!(error.starts_with("the run is too large: up to ") && error.contains(expected), "{error}");
    };
    let units = "units of work, expected at most 200000";
    refused("fig4", &["study.scored=100000", "study.training-seeds=1000", "study.every=1"], 1, units);
    refused("fig5b", &["study.scored=100000", "study.members=1000"], 1, units);
    refused("table2", &["study.folds={count=1000,size=1}", "study.training-seeds=1000"], 1, units);
    refused("fig4", &["study.scored=100000", "study.shard=100000", "study.every=100000"], 500, "banks read by");
    refused("fig4", &["study.hypernet.growth=1000", "study.hypernet.layers=[100]"], 1, "weights and values in a SMASH");
    refused("fig4", &["study.smash.batch-size=65536", "study.data.image-size=512"], 1, "read by the ops of a network");
    // Sizes of one's own images are known only from the files.
    let study = load("fig4", Scale::Paper, &[]).unwrap().study;
    for (task, is_small) in [
        (Task::of_images(3, 32, 10), true),
        (Task::of_images(3, 512, 10), false),
        (Task { image_depth: 32, ..Task::of_images(1, 32, 10) }, false),
    ] {
        assert_eq!(study.check_size(1, &[task]).is_ok(), is_small, "{task:?}");
    }
}

#[test]
fn the_smallest_images_pass_all_halvings_of_a_network() {
    let with = |size: usize| load("fig4", Scale::Smoke, &[format!("study.data.image-size={size}")]);
    assert!(with(3).unwrap_err().to_string().contains("image-size"));
    let Study::Correlation(study) = with(4).unwrap().study else { unreachable!() };
    let task = Task::of_images(3, 4, 10);
    assert_eq!(task.smallest_image(), 4);
    let architecture = sampled_architecture(&study.space, Seed(0), 0);
    assert!(Counts::of(&study.space, task, &architecture).multiply_adds > 0);
}

/// Changes of a definition at smoke scale: for some of its numbers, another one from a wide range.
fn changes() -> impl Strategy<Value = (String, Vec<(prop::sample::Index, f64)>)> {
    let value = prop_oneof![
        (0..6_i32).prop_map(f64::from),
        (-3.0..20.0f64).prop_map(|exponent| 10_f64.powf(exponent).round()),
        (-8.0..1.0f64).prop_map(|exponent| 10_f64.powf(exponent)),
        Just(-1.0),
    ];
    let name = prop::sample::select(names());
    (name, prop::collection::vec((any::<prop::sample::Index>(), value), 1..4))
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        rng_seed: prop::test_runner::RngSeed::Fixed(1),
        ..ProptestConfig::with_cases(512)
    })]

    #[test]
    fn changed_numbers_give_an_error_or_a_run_of_bounded_size((name, changes) in changes()) {
        let definition = load(&name, Scale::Smoke, &[]).unwrap();
        let mut study = study_of(&definition);
        for (index, value) in changes {
            let mut all = numbers(&mut study, "study");
            if all.is_empty() {
                continue;
            }
            let place = index.index(all.len());
            let number = &mut *all[place].1;
            *number = if number.is_float() { value.into() } else { (value as i64).into() };
        }
        if let Ok(changed) = with_study(&definition, study) {
            let again = parse(&toml::to_string(&changed.to_table()).unwrap(), Scale::Paper, &[]).unwrap();
            prop_assert_eq!(again.hash(), changed.hash());
            let _ = changed.study.check_size(1, &tasks(&changed.study));
        }
    }
}

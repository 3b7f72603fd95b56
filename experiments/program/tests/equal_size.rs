//! Comparisons at equal sizes and with repeated searches, through the binary: what their tables hold.

mod binary;

use std::collections::BTreeSet;
use std::path::Path;

use binary::{error_of, experiments, succeeded};
use results::store::find_runs_below;
use results::{CandidateRow, SystemRow, SystemTrainingRow};
use smash::Task;
use smash::baselines::Baseline;
use smash::equal_size::{SizeCount, nearest};

/// The rows of the tables `systems`, `system-trainings` and `candidates` of an artefact at smoke scale.
fn run(artefact: &str, results: &Path) -> (Vec<SystemRow>, Vec<SystemTrainingRow>, Vec<CandidateRow>) {
    succeeded(&experiments(results, &[artefact, "--jobs", "2"]).output().unwrap());
    let runs = find_runs_below(results).unwrap().all().unwrap();
    let [run] = &runs[..] else { panic!("{} runs", runs.len()) };
    (run.read().unwrap(), run.read().unwrap(), run.read().unwrap())
}

fn of<'a>(systems: &'a [SystemRow], name: &str) -> Vec<&'a SystemRow> {
    systems.iter().filter(|row| row.system == name).collect()
}

#[test]
fn a_scaled_network_is_the_nearest_to_the_found_architecture() {
    let folder = tempfile::tempdir().unwrap();
    let (systems, trainings, _) = run("table3", folder.path());
    let [found] = of(&systems, "SMASHv2")[..] else { panic!("{systems:?}") };
    // The images of the smoke scale, and WRN-28-10's network there.
    let (task, wide) = (Task::of_images(3, 8, 10), Baseline::WideResnet { depth: 10, widen: 1 });
    for (count, budget) in SizeCount::ALL.into_iter().zip([found.parameters, found.multiply_adds]) {
        let name = format!("WRN-28-10, equal {}", count.name());
        let [row] = of(&systems, &name)[..] else { panic!("{systems:?}") };
        let expected = nearest(&wide, task, count, budget).unwrap();
        let counts = expected.counts();
        assert_eq!((row.parameters, row.multiply_adds), (counts.parameters, counts.multiply_adds));
        assert_eq!((row.budget, row.equal.as_deref()), (Some(budget), Some(count.name())));
        assert_eq!(row.network, Some(expected.name));
        assert!(trainings.iter().any(|training| training.system == name && training.error.is_some()), "{trainings:?}");
    }
    let [own] = of(&systems, "WRN-28-10")[..] else { panic!("{systems:?}") };
    assert_eq!((own.network.as_deref(), own.budget, own.training_seed), (Some("WRN-10-1"), None, None));
}

#[test]
fn a_budget_that_no_search_gives_is_refused_before_any_work() {
    let folder = tempfile::tempdir().unwrap();
    let error = error_of(&mut experiments(folder.path(), &["table3", "--set", "study.equal-size.to='WRN-28-10'"]));
    assert!(
        error.contains("table3") && error.contains("`study.equal-size.to`: expected a system with `smash`"),
        "{error}"
    );
    assert!(std::fs::read_dir(folder.path()).unwrap().next().is_none());
}

#[test]
fn repeated_searches_differ_and_scaled_networks_follow_them() {
    let folder = tempfile::tempdir().unwrap();
    let (systems, trainings, candidates) = run("transfer-modelnet10", folder.path());
    let of_search = |name: &str| {
        let rows = candidates.iter().filter(|row| row.search == name);
        rows.map(|row| (row.hash.clone(), row.error.map(f64::to_bits))).collect::<Vec<_>>()
    };
    let [first, second] = [1, 2].map(|number| of_search(&format!("On CIFAR-100, search {number}")));
    assert!(!first.is_empty() && first.len() == second.len() && first != second);
    assert_eq!(candidates.len(), 2 * first.len());
    let seeds = |rows: &[&SystemRow]| rows.iter().map(|row| row.training_seed).collect::<Vec<_>>();
    let found = of(&systems, "SMASHv2");
    assert_eq!(seeds(&found), [Some(0), Some(1)]);
    let scaled = of(&systems, "Voxel ResNet, equal parameters");
    assert_eq!(seeds(&scaled), [Some(0), Some(1)]);
    let budgets: Vec<Option<u64>> = scaled.iter().map(|row| row.budget).collect();
    assert_eq!(budgets, found.iter().map(|row| Some(row.parameters)).collect::<Vec<_>>());
    assert_eq!(seeds(&of(&systems, "Voxel ResNet")), [None]);
    // Every row has a training for each search, so differences are paired by search.
    let names: BTreeSet<&str> = systems.iter().map(|row| row.system.as_str()).collect();
    for name in names {
        let of_system = trainings.iter().filter(|row| row.system == name);
        assert_eq!(of_system.map(|row| row.training_seed).collect::<Vec<_>>(), [0, 1], "{name}");
    }
}

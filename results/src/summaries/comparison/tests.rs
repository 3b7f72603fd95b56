//! Tests of a small comparison with known statistics, and of its omissions.

use proptest::prelude::*;

use super::*;

fn system(seed: u64, system: &str, parameters: u64) -> SystemRow {
    SystemRow {
        seed,
        system: system.to_owned(),
        role: "hand-designed".to_owned(),
        parameters,
        multiply_adds: 1,
        depth: 10,
        json: None,
        network: None,
        equal: None,
        budget: None,
        training_seed: None,
    }
}

/// A network of WRN-28-10 that was scaled to a budget.
fn scaled(count: &str, budget: u64, network: &str, [parameters, multiply_adds]: [u64; 2]) -> SystemRow {
    SystemRow {
        multiply_adds,
        network: Some(network.to_owned()),
        equal: Some(count.to_owned()),
        budget: Some(budget),
        ..system(0, &format!("WRN-28-10, equal {count}"), parameters)
    }
}

fn training(system: &str, seed: u64, fold: Option<u32>, training_seed: u32, error: Option<f64>) -> SystemTrainingRow {
    SystemTrainingRow {
        seed,
        system: system.to_owned(),
        fold,
        training_seed,
        status: if error.is_some() { Status::Ok } else { Status::Failed },
        error,
        top5_error: error.map(|error| error / 2.0),
        train_loss: None,
        epochs: 1,
        message: None,
    }
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// Two systems on four folds, and a third system of the same root seed on other folds. System B fails on one fold.
fn folds() -> Vec<SystemTrainingRow> {
    let mut rows = Vec::new();
    for (fold, errors) in (0..).zip([[0.20, 0.25], [0.22, 0.24], [0.24, 0.29], [0.30, 0.0]]) {
        let failed = fold == 3;
        rows.push(training("A", 0, Some(fold), 0, Some(errors[0])));
        rows.push(training("B", 0, Some(fold), 0, Some(errors[1]).filter(|_| !failed)));
        rows.push(training("C", 0, Some(10 + fold), 0, Some(0.5)));
    }
    rows
}

#[test]
fn systems_are_listed_in_the_order_of_the_definition_and_missing_ones_are_not_zero() {
    let systems = [system(0, "A", 100), system(1, "A", 120), system(0, "B", 70)];
    let summary = summary(&names(&["not run", "B", "A"]), &systems, &folds(), &[]);
    let listed: Vec<&str> = summary.systems.iter().map(|system| &system.name[..]).collect();
    assert_eq!(listed, ["not run", "B", "A", "C"]);
    let [missing, b, a, _] = &summary.systems[..] else { panic!("four systems") };
    assert_eq!((missing.error, missing.parameters, missing.was_run()), (None, None, false));
    assert_eq!((a.parameters, b.left_out()), (Some([100, 120]), "1 failed".to_owned()));
    let error = b.error.unwrap();
    assert!((error.mean - 0.26).abs() < 1e-12 && error.n == 3);
    assert!((error.deviation.unwrap() - 0.0264575131106459).abs() < 1e-12);
    assert!((b.top5_error.unwrap().mean - 0.13).abs() < 1e-12);
    assert_eq!(summary.best().unwrap().0.name, "A");
    assert_eq!((summary.trainings(), summary.measured(), summary.seeds()), (11, 3, 1));
    let text = summary.to_string();
    assert!(
        text.contains("26.00 ± 2.65 % (n = 3), top-5 13.00 ± 1.32 % (n = 3), 1 failed") && text.contains("not run"),
        "{text}"
    );
}

#[test]
fn a_difference_pairs_equal_folds_and_otherwise_treats_systems_as_independent() {
    let summary = summary(&[], &[], &folds(), &[]);
    let paired = summary.error_difference("A", "B").unwrap();
    assert!((paired.estimate - 0.04).abs() < 1e-12, "{paired:?}");
    assert!(
        (paired.low + 0.00302652729749462).abs() < 1e-9 && (paired.high - 0.08302652729749462).abs() < 1e-9,
        "{paired:?}"
    );
    let independent = summary.error_difference("A", "C").unwrap();
    assert!((independent.estimate - 0.26).abs() < 1e-12, "{independent:?}");
    assert_eq!(summary.error_difference("A", "D"), None);
}

#[test]
fn root_seeds_are_averaged_and_two_trainings_have_no_interval() {
    let rows = [
        training("A", 0, None, 0, Some(0.1)),
        training("A", 0, None, 1, Some(0.2)),
        training("A", 1, None, 0, Some(0.3)),
        training("B", 0, None, 0, Some(0.3)),
    ];
    let summary = summary(&[], &[], &rows, &[]);
    let error = summary.systems[0].error.unwrap();
    assert!((error.mean - 0.225).abs() < 1e-12 && error.n == 3, "{error:?}");
    assert_eq!(summary.error_difference("A", "B"), None);
}

#[test]
fn a_scaled_network_is_named_by_its_size_and_a_size_that_is_not_reached_is_told() {
    let systems = [
        system(0, "SMASHv2", 1000),
        scaled("parameters", 1000, "WRN-10-0.5", [920, 7]),
        scaled("parameters", 1200, "WRN-10-0.625", [1250, 9]),
        scaled("multiply-adds", 50, "WRN-10-1", [9000, 59]),
    ];
    let summary = summary(&[], &systems, &[], &[]);
    let sizes: Vec<(String, String)> = summary
        .systems
        .iter()
        .filter_map(|system| system.equal.as_ref())
        .map(|equal| (equal.to_string(), equal.difference_text()))
        .collect();
    let expected = [
        ("WRN-10-0.5 to WRN-10-0.625 (for WRN-28-10, equal parameters)", "-8.0 %"),
        ("WRN-10-1 (for WRN-28-10, equal multiply-adds)", "+18.0 %, not within 10 %"),
    ];
    assert_eq!(sizes, expected.map(|(name, text)| (name.to_owned(), text.to_owned())));
    assert_eq!(summary.systems[1].multiply_adds, Some([7, 9]));
    let text = summary.to_string();
    assert!(
        text.contains("equal multiply-adds)") && text.contains(", +18.0 %, not within 10 % multiply-adds"),
        "{text}"
    );
}

#[test]
fn the_trainings_of_a_search_are_counted_separately() {
    let trial = |error: Option<f64>| TrialRow {
        seed: 0,
        system: "A".to_owned(),
        index: 0,
        hash: String::new(),
        canonical: None,
        json: String::new(),
        parameters: 1,
        error,
        status: if error.is_some() { Status::Ok } else { Status::Failed },
    };
    let trials = [trial(Some(0.5)), trial(None), trial(Some(0.4))];
    let summary = summary(&names(&["A", "B"]), &[], &[], &trials);
    let words = summary.systems[0].trials.unwrap().to_string();
    assert_eq!(words, "2 trainings and 1 failed ones, lowest validation error 40.00 %");
    assert_eq!(summary.systems[1].trials, None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn the_order_of_trainings_changes_nothing(shuffled in Just(folds()).prop_shuffle()) {
        let names = names(&["A", "B", "C"]);
        prop_assert_eq!(summary(&names, &[], &shuffled, &[]), summary(&names, &[], &folds(), &[]));
    }
}

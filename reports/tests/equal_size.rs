//! Tests of comparisons with networks at the size of a found architecture, on a made-up run.

mod made_up;
#[allow(dead_code, reason = "this file needs one of the made-up studies")]
#[path = "made_up/studies.rs"]
mod studies;

use std::path::Path;

use made_up::{newest, open_run, write};
use reports::{figure, report};
use results::{Status, SystemRow, SystemTrainingRow};
use studies::{COMPARISON, comparison};

/// Stores the comparison with two further rows: WRN-28-10 at the size of SMASHv2. One of them misses it by far.
fn equal_sizes(root: &Path) {
    comparison(root);
    let between = "between = [\"WRN-28-10\", \"SMASHv2\"]";
    let definition = COMPARISON
        .replace(between, "between = [\"SMASHv2\", \"WRN-28-10, equal parameters\"]")
        .replace("top5 = true", "top5 = true\nown-searches = true");
    assert_ne!(definition, COMPARISON);
    let dir = open_run(
        root,
        "table1",
        0,
        &format!("{definition}[study.equal-size]\nto = \"SMASHv2\"\nsystems = [\"WRN-28-10\"]\n"),
    );
    let system = |(name, count, budget, [parameters, multiply_adds]): (&str, Option<&str>, u64, [u64; 2])| SystemRow {
        seed: 0,
        system: count.map_or_else(|| name.to_owned(), |count| format!("WRN-28-10, equal {count}")),
        role: if name == "SMASHv2" { "SMASH" } else { "hand-designed" }.to_owned(),
        parameters,
        multiply_adds,
        depth: 26,
        json: None,
        network: (name != "SMASHv2").then(|| name.to_owned()),
        equal: count.map(str::to_owned),
        budget: count.map(|_| budget),
        training_seed: None,
    };
    let systems = [
        ("WRN-28-10", None, 0, [36_000_000, 5_000]),
        ("SMASHv2", None, 0, [1000, 100]),
        ("WRN-28-0.5", Some("parameters"), 1000, [950, 70]),
        ("WRN-28-1", Some("multiply-adds"), 100, [9000, 140]),
    ]
    .map(system);
    let training = |system: &SystemRow, training_seed: u32| SystemTrainingRow {
        seed: 0,
        system: system.system.clone(),
        fold: None,
        training_seed,
        status: Status::Ok,
        error: Some(
            0.25 + 0.02 * f64::from(if system.system == "SMASHv2" { training_seed % 2 } else { training_seed / 2 }),
        ),
        top5_error: Some(0.05),
        train_loss: None,
        epochs: 5,
        message: None,
    };
    write(&dir, &systems);
    write(&dir, &systems.iter().flat_map(|s| (0..4).map(move |t| training(s, t))).collect::<Vec<_>>());
}

#[test]
fn networks_of_equal_size_have_tables_of_their_own() {
    let root = tempfile::tempdir().unwrap();
    equal_sizes(root.path());
    let artefact = newest(root.path(), "table1").unwrap();
    let in_report = [
        "Equal parameters: each hand-designed network has the width that brings its parameters nearest to those of SMASHv2 (ours, laptop scale).",
        "| system | difference of parameters | parameters | multiply-adds | depth |",
        "| WRN-28-0.5 (ours, for WRN-28-10, equal parameters) | -5.0 % | 950 | 70 |",
        "| WRN-28-1 (ours, for WRN-28-10, equal multiply-adds) | +40.0 %, not within 10 % | 9000 | 140 |",
        "Each training of a found system has a SMASH network and a search of its own",
        "Claim: error of WRN-28-0.5 (ours, for WRN-28-10, equal parameters) - error of SMASHv2 (ours, laptop scale) > 0. Verdict: **undecided**",
    ];
    let report = report::markdown(std::slice::from_ref(&artefact), &[], None);
    for part in in_report {
        assert!(report.contains(part), "no `{part}` in\n{report}");
    }
    let svg = String::from_utf8(figure::svg(&artefact).unwrap()).unwrap();
    for part in ["WRN-28-0.5", "ours, for WRN-28-10, equal parameters", "hand-designed"] {
        assert!(svg.contains(part), "no `{part}` in\n{svg}");
    }
    // The first table has own sizes alone; the found system stands in all three.
    let lines = |start: &str| report.lines().filter(|line| line.starts_with(start)).count();
    assert_eq!([lines("| WRN-10-2 "), lines("| WRN-28-0.5 "), lines("| SMASHv2 (ours")], [1, 1, 3], "{report}");
}

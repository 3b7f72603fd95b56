//! Tests of the comparison of two starts, on made-up trainings.

use proptest::prelude::*;

use super::*;

const EPOCHS: u32 = 2;

/// One training: two validation errors, and the test error; `None` is a failure in the last epoch.
fn training(
    (seed, architecture, group): (u64, u32, &str),
    (form, start): (Form, Start),
    validation: [f64; 2],
    error: Option<f64>,
) -> (InitialisationRow, Vec<InitialisationCurveRow>) {
    let row = InitialisationRow {
        seed,
        architecture,
        group: group.into(),
        network: form.name().into(),
        start: start.name().into(),
        training_seed: 0,
        status: if error.is_some() { Status::Ok } else { Status::Failed },
        error,
        epochs: EPOCHS,
        message: None,
    };
    let curve = (1..=EPOCHS).map(|epoch| InitialisationCurveRow {
        seed,
        architecture,
        network: form.name().into(),
        start: start.name().into(),
        training_seed: 0,
        epoch,
        validation_error: (error.is_some() || epoch < EPOCHS).then(|| validation[epoch as usize - 1]),
    });
    (row, curve.collect())
}

type Tables = (Vec<InitialisationRow>, Vec<InitialisationCurveRow>);

fn tables(trainings: impl IntoIterator<Item = (InitialisationRow, Vec<InitialisationCurveRow>)>) -> Tables {
    let (rows, curves): (Vec<_>, Vec<_>) = trainings.into_iter().unzip();
    (rows, curves.concat())
}

/// Four architectures, of which both networks gain 0.1 after the first epoch. At the end those with BatchNorm lose 0.02, and those with
/// WeightNorm gain 0.01.
fn four() -> Vec<(InitialisationRow, Vec<InitialisationCurveRow>)> {
    let mut trainings = Vec::new();
    for architecture in 0..4 {
        let own = 0.01 * f64::from(architecture);
        for (form, change) in [(Form::BatchNorm, 0.02), (Form::WeightNorm, -0.01)] {
            let of = (0, architecture, SAMPLED);
            trainings.push(training(of, (form, Start::Standard), [0.5 + own, 0.3], Some(0.25 + own)));
            trainings.push(training(of, (form, Start::Generated), [0.4 + own, 0.3], Some(0.25 + own + change)));
        }
    }
    trainings
}

fn estimate(interval: Option<Interval>) -> f64 {
    (interval.unwrap().estimate * 1e9).round() / 1e9
}

#[test]
fn the_starts_are_compared_by_architecture() {
    let (rows, curves) = tables(four());
    let summary = summary(&rows, &curves).unwrap();
    assert_eq!(summary.n(), 4);
    assert_eq!(estimate(summary.first_epoch_gain()), 0.1);
    assert_eq!(estimate(summary.standard_start_gain()), 0.02);
    assert_eq!(estimate(summary.disparity), 0.03);
    let resulting = &summary.comparisons[0];
    assert_eq!(resulting.signs, Signs { positive: 4, zero: 0, negative: 0 });
    // Without noise the difference of a pair has no spread, though errors differ between architectures.
    let gain = resulting.epochs[0].gain.unwrap();
    assert!(gain.high - gain.low < 1e-9, "{gain:?}");
    let [standard, _] = resulting.epochs[0].intervals;
    assert!(standard.unwrap().high - standard.unwrap().low > 0.005, "{standard:?}");
    assert_eq!((summary.comparisons[2].n, &summary.comparisons[2].end), (0, &None));
}

#[test]
fn a_failed_training_takes_its_pair_out_and_is_no_error() {
    let mut trainings = four();
    trainings[1] = training((0, 0, SAMPLED), (Form::BatchNorm, Start::Generated), [0.9, 0.9], None);
    let (rows, curves) = tables(trainings);
    let found = summary(&rows, &curves).unwrap();
    assert_eq!((found.n(), found.comparisons[0].failed, found.comparisons[0].incomplete), (3, [0, 1], 1));
    assert_eq!(estimate(found.first_epoch_gain()), 0.1);
    assert_eq!(found.left_out(), "1 pairs with a training that failed or is missing");
    // Two pairs say nothing about their spread.
    let two = tables(four().into_iter().take(8));
    assert_eq!(summary(&two.0, &two.1).unwrap().standard_start_gain(), None);
}

#[test]
fn an_unknown_name_is_an_error() {
    for (column, expected) in
        [("group", "unknown group `x`"), ("network", "unknown network `x`"), ("start", "unknown start `x`")]
    {
        let (mut rows, curves) = tables(four());
        let cell = match column {
            "group" => &mut rows[0].group,
            "network" => &mut rows[0].network,
            _ => &mut rows[0].start,
        };
        *cell = "x".into();
        assert_eq!(summary(&rows, &curves).unwrap_err().to_string(), format!("table `initialisations`: {expected}"));
    }
    assert_eq!(summary(&[], &[]).unwrap().n(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn the_order_of_rows_changes_nothing(shuffled in Just(four()).prop_shuffle()) {
        let [(rows, curves), (expected_rows, expected_curves)] = [tables(shuffled), tables(four())];
        prop_assert_eq!(summary(&rows, &curves).unwrap(), summary(&expected_rows, &expected_curves).unwrap());
    }
}

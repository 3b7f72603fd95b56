//! Tests of a small table with known statistics, and of its omissions.

use proptest::prelude::*;

use super::*;

fn row(architecture: u32, corruption: &str, draw: u32, error: Option<f64>) -> CorruptionRow {
    CorruptionRow {
        seed: 1,
        architecture,
        corruption: corruption.to_owned(),
        draw,
        error,
        loss: None,
        status: if error.is_some() { Status::Ok } else { Status::Failed },
    }
}

/// Four architectures with two corruptions and two draws each. The correct encoding is best, best, tied with one, and beaten.
fn four_architectures() -> Vec<CorruptionRow> {
    let errors = [(0.5, [0.6, 0.55]), (0.5, [0.7, 0.51]), (0.5, [0.5, 0.6]), (0.5, [0.4, 0.9])];
    let mut rows = Vec::new();
    for (architecture, (correct, corrupted)) in (0..).zip(errors) {
        let all = [(CORRECT, correct), ("reads", corrupted[0]), ("dilations", corrupted[1])];
        for (name, error) in all {
            rows.push(row(architecture, name, 0, Some(error - 0.05)));
            rows.push(row(architecture, name, 1, Some(error + 0.05)));
        }
    }
    rows
}

#[test]
fn shares_increases_and_p_values_agree_with_hand_computation() {
    let summary = summary(&four_architectures());
    let [dilations, reads] = &summary.corruptions[..] else { panic!("two corruptions") };
    assert_eq!([&dilations.name[..], &reads.name], ["dilations", "reads"]);
    assert_eq!(dilations.increases, [vec![0.05, 0.01, 0.1, 0.4]]);
    assert_eq!(reads.increases, [vec![0.1, 0.2, 0.0, -0.1]]);
    let increase = dilations.increase.unwrap();
    assert!((increase.estimate - 0.14).abs() < 1e-12 && increase.low > 0.0, "{increase:?}");
    assert_eq!(reads.signs.share().unwrap().estimate, 2.5 / 4.0);
    // Four positive differences: 2 / 2⁴.
    assert_eq!(dilations.wilcoxon, Some(0.125));
    assert_eq!(summary.together.increases, [vec![0.075, 0.105, 0.05, 0.15]]);
    // It is best twice, and once tied with one other.
    assert_eq!(summary.correct_is_best.unwrap().estimate, 2.5 / 4.0);
    assert_eq!((summary.n(), summary.left_out()), (4, String::new()));
}

#[test]
fn skipped_failed_and_missing_pairs_are_counted_and_never_zero() {
    let mut rows = four_architectures();
    rows.push(CorruptionRow { status: Status::Skipped, ..row(0, "units", 0, None) });
    // The number of draws differs from that of the correct encoding.
    rows.push(row(1, "units", 0, Some(0.9)));
    rows.extend([row(2, "units", 0, Some(0.9)), row(2, "units", 1, None)]);
    rows.push(row(4, CORRECT, 0, None));
    rows.push(row(5, CORRECT, 0, Some(0.5)));
    let summary = summary(&rows);
    let units = &summary.corruptions[2];
    assert_eq!((&units.name[..], units.signs.n(), units.increase), ("units", 0, None));
    assert_eq!(units.left_out(), "1 cannot be corrupted like this, 4 incomplete");
    assert_eq!(summary.left_out(), "1 without an error by the correct encoding, 1 without any corrupted encoding");
    assert_eq!(summary.n(), 4);
    assert!(summary.to_string().contains("(left out: 1 cannot be corrupted like this, 4 incomplete)"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn the_order_of_rows_changes_nothing(shuffled in Just(four_architectures()).prop_shuffle()) {
        prop_assert_eq!(summary(&shuffled), summary(&four_architectures()));
    }
}

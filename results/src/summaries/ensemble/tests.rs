//! Tests of a small ensemble with known statistics, and of its omissions.

use proptest::prelude::*;

use super::*;
use crate::tables::Status;

fn row(member: u32, architecture: u32, draw: u32, error: Option<f64>) -> MemberScoreRow {
    MemberScoreRow {
        seed: 5,
        member,
        architecture,
        draw,
        error,
        loss: None,
        status: if error.is_some() { Status::Ok } else { Status::Failed },
    }
}

/// Three members with two draws around each score. The last member reverses the order of the first two.
fn three_members() -> Vec<MemberScoreRow> {
    let scores = [[0.2, 0.3, 0.4, 0.5], [0.3, 0.4, 0.5, 0.6], [0.5, 0.4, 0.3, 0.2]];
    let mut rows = Vec::new();
    for (member, scores) in (0..).zip(scores) {
        for (architecture, score) in (0..).zip(scores) {
            rows.push(row(member, architecture, 0, Some(score - 0.1)));
            rows.push(row(member, architecture, 1, Some(score + 0.1)));
        }
    }
    rows
}

#[test]
fn the_mean_over_pairs_and_the_parts_of_the_variance_agree_with_hand_computation() {
    let summary = summary(&three_members());
    assert_eq!((summary.members, summary.n(), summary.left_out()), (3, 4, String::new()));
    // The taus of the three pairs are 1, -1 and -1.
    assert!((summary.agreement.unwrap().estimate + 1.0 / 3.0).abs() < 1e-12);
    let shares = summary.shares.unwrap();
    // Computed with NumPy.
    assert!((shares.architectures - 0.09433962264150947).abs() < 1e-12);
    assert!((shares.members - 0.15094339622641506).abs() < 1e-12);
    assert!((shares.rest - 0.7547169811320754).abs() < 1e-12);
    let first = &summary.seeds[0].ranked[0];
    assert_eq!(first.architecture, 0);
    assert!((first.mean - 1.0 / 3.0).abs() < 1e-12);
    assert!((first.deviation.unwrap() - 0.1527525231651947).abs() < 1e-12);
}

#[test]
fn an_architecture_without_a_score_by_every_member_is_left_out_and_counted() {
    let mut rows = three_members();
    rows.push(row(0, 4, 0, Some(0.5)));
    rows[0] = row(0, 0, 0, None);
    let summary = summary(&rows);
    assert_eq!(summary.n(), 3);
    assert_eq!(summary.left_out(), "2 without a score by every HyperNet");
}

#[test]
fn one_member_agrees_with_nobody() {
    let rows: Vec<_> = three_members().into_iter().filter(|row| row.member == 0).collect();
    let one = summary(&rows);
    assert_eq!((one.n(), one.agreement, one.shares), (4, None, None));
    assert_eq!(one.seeds[0].ranked[0].deviation, None);
    assert_eq!(summary(&[]).agreement, None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn the_order_of_rows_changes_nothing(shuffled in Just(three_members()).prop_shuffle()) {
        prop_assert_eq!(summary(&shuffled), summary(&three_members()));
    }
}

//! The numbers of two devices, compared.

use std::path::Path;

use results::store::{StoredRun, find_runs_below};
use results::{EpochRow, Row, ScoreRow, TruthRow};

/// Figure 4 with a SMASH training of a few small steps. Over more of them, the rounding of two devices spreads.
pub const FIG4: [&str; 5] = ["fig4", "--set", "study.smash.epochs=2", "--set", "study.smash.learning-rate=0.001"];

/// Largest differences of losses between two runs of `fig4`: of the SMASH network's training, of scores, and of trainings.
pub fn largest_deviations(folders: [&Path; 2]) -> [f64; 3] {
    let runs = folders.map(|folder| find_runs_below(folder).unwrap().all().unwrap().remove(0));
    [
        // The other epochs are those of the trainings, which the last number covers.
        largest_deviation::<EpochRow>(&runs, |row| Some(if row.architecture.is_some() { 0.0 } else { row.train_loss })),
        largest_deviation::<ScoreRow>(&runs, |row| row.loss),
        largest_deviation::<TruthRow>(&runs, |row| row.train_loss),
    ]
}

fn largest_deviation<R: Row>(runs: &[StoredRun; 2], number: impl Fn(&R) -> Option<f64>) -> f64 {
    let [first, second] = [0, 1].map(|index: usize| runs[index].read::<R>().unwrap());
    assert_eq!(first.len(), second.len(), "rows of {}", R::NAME);
    let pairs = first.iter().zip(&second).map(|(first, second)| match (number(first), number(second)) {
        (Some(first), Some(second)) => (first - second).abs(),
        _ => panic!("a missing number in {}", R::NAME),
    });
    pairs.fold(0.0, f64::max)
}

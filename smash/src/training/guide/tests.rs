//! Laws of the guides, with losses that a function of the architecture gives.

use smash_space::task::Task;

use super::*;

const GUIDED: [Sampling; 3] = [Sampling::Bandit, Sampling::SuccessiveHalving, Sampling::PolicyGradient];

fn space() -> SearchSpace {
    SearchSpace { base_channels: 2, max_channels: 4, ..SearchSpace::smash_v2(2, 1) }
}

fn drawn(sampling: Sampling, rng: &mut ChaCha8Rng) -> Architecture {
    let space = space();
    sampling.draw(&space, Limits::of(&space), Task::of_images(3, 8, 10), rng)
}

fn rng(turn: usize) -> ChaCha8Rng {
    Seed(5).rng(Stream::SmashArchitecture, &[turn as u64])
}

/// Lets a guide choose for some turns, and gives the choices. The loss of an architecture is `loss`.
fn guided(sampling: Sampling, turns: usize, loss: impl Fn(&Architecture) -> f64) -> Vec<Architecture> {
    let (mut guide, scale) = (Guide::new(sampling).unwrap(), Scale::of(&space(), Seed(5)));
    let choose = |turn| {
        let (architecture, choice) = guide.choose(&scale, Seed(5), rng(turn), |_, rng| drawn(sampling, rng));
        guide.learn(&choice, loss(&architecture));
        architecture
    };
    (0..turns).map(choose).collect()
}

/// A vector of the given first numbers.
fn vector(first: &[f64]) -> Vec<f64> {
    let mut vector = vec![0.0; LENGTH];
    vector[..first.len()].copy_from_slice(first);
    vector
}

fn ops(architecture: &Architecture) -> f64 {
    architecture.blocks.iter().map(|block| block.ops.len()).sum::<usize>() as f64
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len() as f64;
    values.sum::<f64>() / count
}

#[test]
fn rewards_are_distances_below_the_running_mean_in_deviations() {
    let mut losses = Losses::default();
    assert_eq!(losses.reward(2.0), 0.0);
    assert_eq!(losses.reward(1.0), 0.0, "no variance is known");
    // The mean is 1.5 and the variance 1 / 2.
    assert!((losses.reward(1.5 - 0.5_f64.sqrt()) - 1.0).abs() < 1e-12);
    assert_eq!(losses.reward(100.0), -MOST_REWARD);
}

#[test]
fn a_policy_without_weight_is_the_papers_distribution() {
    let guide = Guide::new(Sampling::PolicyGradient).unwrap();
    let scale = Scale::of(&space(), Seed(5));
    let mut places = [0; CANDIDATES];
    for turn in 0..800 {
        let (architecture, choice) = guide.choose(&scale, Seed(5), rng(turn), |_, rng| drawn(Sampling::Paper, rng));
        let mut draws = rng(turn);
        let drawn: Vec<Architecture> = (0..CANDIDATES).map(|_| drawn(Sampling::Paper, &mut draws)).collect();
        assert_eq!(architecture, drawn[choice.place]);
        places[choice.place] += 1;
    }
    // Expected 100 each, with a standard deviation of 9.4.
    assert!(places.iter().all(|place| (60..=140).contains(place)), "{places:?}");
}

#[test]
fn a_bandit_prefers_the_better_arm_and_still_tries_the_rare_one() {
    let arms = [vector(&[1.0, 0.0]), vector(&[0.0, 1.0])];
    let Some(Guide { learned: Learned::Bandit { mut inverse, mut rewarded }, .. }) = Guide::new(Sampling::Bandit)
    else {
        panic!("the bandit is a bandit");
    };
    // A small reward, given often, does not outweigh an arm that was never tried.
    (0..100).for_each(|_| add_to_bandit(&mut inverse, &mut rewarded, &arms[0], 0.2));
    assert_eq!(best(&inverse, &rewarded, &arms), 1);
    let mut taken = [0; 2];
    for _ in 0..200 {
        let arm = best(&inverse, &rewarded, &arms);
        taken[arm] += 1;
        add_to_bandit(&mut inverse, &mut rewarded, &arms[arm], [0.2, -0.2][arm]);
    }
    assert!(taken[1] >= 2 && taken[0] > 150, "{taken:?}");
}

/// The sums A and b, from their definition.
#[test]
fn a_bandit_keeps_the_inverse_of_its_sum() {
    let Some(Guide { learned: Learned::Bandit { mut inverse, mut rewarded }, .. }) = Guide::new(Sampling::Bandit)
    else {
        panic!("the bandit is a bandit");
    };
    let vectors: Vec<Vec<f64>> =
        (0..40).map(|index| (0..LENGTH).map(|place| ((index * LENGTH + place) as f64).sin()).collect()).collect();
    vectors.iter().for_each(|x| add_to_bandit(&mut inverse, &mut rewarded, x, 1.0));
    // A of the first unit vector is a unit vector plus a sum over all vectors. A⁻¹ takes it back.
    let of_first = |row: usize| f64::from(u8::from(row == 0)) + vectors.iter().map(|x| x[0] * x[row]).sum::<f64>();
    let back = product(&inverse, &(0..LENGTH).map(of_first).collect::<Vec<_>>());
    assert!(back.iter().zip(vector(&[1.0])).all(|(found, expected)| (found - expected).abs() < 1e-9), "{back:?}");
}

#[test]
fn a_pool_is_halved_to_its_better_half_and_then_drawn_anew() {
    let choices = guided(Sampling::SuccessiveHalving, 2 * POOL_TURNS, ops);
    let (first, second) = choices.split_at(POOL_TURNS);
    let rungs: Vec<&[Architecture]> = first.chunks(POOL).collect();
    for (rung, turns) in rungs.iter().enumerate() {
        let size = POOL >> rung;
        assert!(turns[size..].iter().zip(*turns).all(|(later, earlier)| later == earlier), "they take turns");
        if let Some(next) = rungs.get(rung + 1) {
            let survivors = &next[..size / 2];
            let leave: Vec<&Architecture> =
                turns[..size].iter().filter(|architecture| !survivors.contains(architecture)).collect();
            assert!(leave.len() <= size / 2 && survivors.iter().all(|survivor| turns[..size].contains(survivor)));
        }
    }
    assert_ne!(rungs[0], &second[..POOL], "a new pool");
}

#[test]
fn the_half_with_larger_sums_stays() {
    let mut pool = vec![(0, 0.5), (3, -1.0), (4, 2.0), (9, 0.1)];
    halve(&mut pool);
    assert_eq!(pool, [(0, 0.5), (4, 2.0)]);
}

/// A network with few ops has a low loss, so the mean number of ops falls below that of the paper's distribution.
#[test]
fn every_guide_lowers_the_loss() {
    const TURNS: usize = 3_000;
    let paper = mean((0..TURNS).map(|turn| ops(&drawn(Sampling::Paper, &mut rng(turn)))));
    for sampling in GUIDED {
        let losses: Vec<f64> = guided(sampling, TURNS, ops).iter().map(ops).collect();
        let last = mean(losses[TURNS / 2..].iter().copied());
        assert!(last < paper - 0.3, "{sampling:?}: {last}, {paper}");
        if sampling == Sampling::PolicyGradient {
            let first = mean(losses[..TURNS / 10].iter().copied());
            assert!(last < first - 0.3, "the policy starts at the paper's distribution: {first}, {last}");
        }
    }
}

#[test]
fn a_state_comes_back_to_the_bit_and_knows_its_training() {
    for (other, sampling) in [2, 0, 1].into_iter().zip(GUIDED) {
        let scale = Scale::of(&space(), Seed(5));
        let mut guide = Guide::new(sampling).unwrap();
        for turn in 0..20 {
            let (architecture, choice) = guide.choose(&scale, Seed(5), rng(turn), |_, rng| drawn(sampling, rng));
            guide.learn(&choice, ops(&architecture));
        }
        let text = guide.text();
        assert_eq!(Guide::parse(&text).unwrap(), guide);
        assert!(guide.fits(sampling, 20));
        assert!(!guide.fits(sampling, 21) && !guide.fits(GUIDED[other], 20) && !guide.fits(Sampling::Paper, 20));
        assert!(Guide::parse(&text[..text.len() - 1]).is_err());
    }
    assert!(Guide::parse("").is_err());
}

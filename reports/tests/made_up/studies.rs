//! Made-up tables of every kind of study.

pub mod initialisation;
pub mod normalisation;

use std::path::Path;

use results::{
    ArchitectureFeatureRow, ArchitectureRow, CandidateRow, CorruptionRow, EpochRow, MemberScoreRow, OpValueRow,
    PhaseCostRow, PredictionRow, ProxyRow, RunDir, SampleRow, ScoreRow, Status, SystemRow, SystemTrainingRow,
    TrainingCurveRow, TrialRow, TruthRow, WeightsRow,
};

use crate::made_up::{open_run, write};

/// A value in [0, 1) without a visible pattern, different for each pair of numbers.
fn jitter(first: u32, second: u32) -> f64 {
    let mixed = first.wrapping_mul(0x9E37_79B9) ^ second.wrapping_mul(0x85EB_CA6B).rotate_left(13);
    f64::from(mixed.wrapping_mul(0xC2B2_AE35) >> 8) / f64::from(1 << 24)
}

/// An architecture of one block in its stored form. Each number gives another one.
pub fn architecture(number: u32) -> String {
    let kernel = 3 + 2 * number;
    format!(
        r#"{{"version":1,"blocks":[{{"bank_size":1,"ops":[{{"reads":[0],"writes":[0],"units":1,"convs":[{{"kernel":[{kernel},3],"dilation":[1,1],"groups":1}},null,null,null]}}]}}]}}"#
    )
}

fn architecture_row(index: u32) -> ArchitectureRow {
    ArchitectureRow {
        seed: 0,
        architecture: index,
        hash: format!("{index:08x}"),
        canonical: None,
        json: architecture(index),
        parameters: 1000 + u64::from(index) * 7 % 13,
        multiply_adds: 1000 + u64::from(index) * 5 % 17,
        ops: 8,
        depth: 8,
    }
}

/// A made-up correlation study.
pub struct Correlation<'a> {
    /// Number of architectures.
    pub n: u32,
    /// How much smaller the scores are than elsewhere.
    pub lower: f64,
    /// Whether true errors rise with the scores.
    pub ranked: bool,
    /// Kind of the figure.
    pub figure: &'a str,
    /// Further keys of the definition.
    pub keys: &'a str,
}

impl<'a> Correlation<'a> {
    /// A plain study of n architectures, with further keys of its definition.
    pub fn of(n: u32, keys: &'a str) -> Self {
        Self { n, lower: 0.0, ranked: true, figure: "scatter-error-bars", keys }
    }
}

/// Stores architectures, scores with two draws, true errors with two trainings, and the counted weights.
pub fn correlation(root: &Path, artefact: &str, study: Correlation) -> RunDir {
    let Correlation { n, lower, ranked, figure, keys } = study;
    let definition = format!(
        "{keys}\n[study]\nkind = \"correlation\"\n[figure]\nkind = \"{figure}\"\ntitle = \"Crippled HyperNet\"\n\
         x_label = \"SMASH score (validation error, generated weights)\"\ny_label = \"True error (test error)\"\n"
    );
    let dir = open_run(root, artefact, 0, &definition);
    let score = |architecture, draw| ScoreRow {
        seed: 0,
        architecture,
        draw,
        error: Some(0.8 - lower + 0.1 * jitter(architecture, 0) + 0.02 * jitter(architecture, 1 + draw)),
        loss: None,
        status: Status::Ok,
    };
    let truth = |architecture, training_seed| TruthRow {
        seed: 0,
        architecture,
        training_seed,
        status: Status::Ok,
        error: Some(
            0.3 + 0.1 * jitter(architecture, if ranked { 0 } else { 8 })
                + 0.02 * jitter(architecture, 9 + training_seed),
        ),
        validation_error: None,
        train_error: Some(0.25),
        train_loss: None,
        epochs: 5,
        message: None,
    };
    let weights =
        |architecture| WeightsRow { seed: 0, architecture, generated: 1000, learned: if ranked { 500 } else { 4000 } };
    let epoch = |(unit, epoch, train_error): (&str, u32, f64)| EpochRow {
        seed: 0,
        unit: unit.into(),
        architecture: None,
        training_seed: None,
        epoch,
        learning_rate: 0.1,
        train_loss: 1.0,
        train_error,
        validation_error: None,
    };
    let epochs = [("smash", 0, 0.875), ("smash", 1, 0.375), ("smash-shared", 0, 0.5)];
    write(&dir, &epochs.map(epoch));
    write(&dir, &(0..n).map(architecture_row).collect::<Vec<_>>());
    write(&dir, &(0..n).flat_map(|a| [score(a, 0), score(a, 1)]).collect::<Vec<_>>());
    write(&dir, &(0..n).flat_map(|a| [truth(a, 0), truth(a, 1)]).collect::<Vec<_>>());
    write(&dir, &(0..n).map(weights).collect::<Vec<_>>());
    dir
}

/// Stores a study of 30 architectures with three predictors: a right one, a wrong one, and one without values.
pub fn predictors(root: &Path, artefact: &str, figure: &str, keys: &str) {
    let n = 30;
    let study = Correlation { figure, ..Correlation::of(n, keys) };
    let dir = correlation(root, artefact, study);
    let row = |(predictor, sign, cost): (&str, Option<f64>, f64), architecture| PredictionRow {
        seed: 0,
        architecture,
        predictor: predictor.into(),
        status: if sign.is_some() { Status::Ok } else { Status::Failed },
        value: sign.map(|sign| sign * jitter(architecture, 0)),
        cost,
        shared_cost: 0.0,
    };
    let predictors = [("right", Some(1.0), 2.5e9), ("wrong", Some(-1.0), 0.0), ("nothing", None, 320.0)];
    let rows = predictors.into_iter().flat_map(|predictor| (0..n).map(move |index| row(predictor, index)));
    write(&dir, &rows.collect::<Vec<_>>());
}

/// Stores the study of [`predictors`] with curves of three epochs and features, for simulated searches.
pub fn search_cost(root: &Path) {
    let keys = "claim = { statistic = \"search-cost-gain\", greater_than = 0.0 }\n";
    predictors(root, "search-cost", "search-cost", keys);
    let definition = format!(
        "{keys}[study]\nkind = \"correlation\"\nsearch-cost = {{ draws = 50 }}\n[figure]\nkind = \"search-cost\"\n\
         title = \"Cost of a search\"\nx_label = \"Cost in trainings\"\ny_label = \"Test error\"\n"
    );
    let dir = open_run(root, "search-cost", 0, &definition);
    let curve = |architecture: u32, training_seed: u32, epoch: u32| TrainingCurveRow {
        seed: 0,
        architecture,
        training_seed,
        epoch,
        validation_error: Some(0.5 + 0.1 * jitter(architecture, 0) - 0.05 * f64::from(epoch)),
        multiply_adds: 1e9 * f64::from(epoch),
    };
    let feature = |architecture: u32| ArchitectureFeatureRow {
        seed: 0,
        architecture,
        feature: "block 1: mean kernel".into(),
        value: f64::from(architecture),
    };
    let trainings = (0..30).flat_map(|architecture| [(architecture, 0), (architecture, 1)]);
    let epochs = trainings.flat_map(|(architecture, seed)| (1..=3).map(move |epoch| curve(architecture, seed, epoch)));
    write(&dir, &epochs.collect::<Vec<_>>());
    write(&dir, &(0..30).map(feature).collect::<Vec<_>>());
}

/// Stores scores of n architectures by three HyperNets that mostly agree.
pub fn ensemble(root: &Path, n: u32) {
    let definition = "[study]\nkind = \"ensemble\"\n[claim]\nstatistic = \"member-agreement\"\ngreater_than = 0.0\n\
         [figure]\nkind = \"score-rank\"\ntitle = \"Scores averaged over HyperNets\"\n\
         x_label = \"Rank by mean score\"\ny_label = \"SMASH score (validation error)\"\n";
    let dir = open_run(root, "fig5b", 0, definition);
    write(&dir, &(0..n).map(architecture_row).collect::<Vec<_>>());
    let row = |member: u32, architecture: u32| MemberScoreRow {
        seed: 0,
        member,
        architecture,
        draw: 0,
        error: Some(
            0.5 + 0.02 * f64::from(member) + 0.2 * jitter(architecture, 0) + 0.05 * jitter(architecture, 1 + member),
        ),
        loss: None,
        status: Status::Ok,
    };
    write(&dir, &(0..n).flat_map(|a| (0..3).map(move |member| row(member, a))).collect::<Vec<_>>());
}

/// Stores encodings of n architectures. A quarter of them have no other of equal length.
pub fn corruption(root: &Path, n: u32) {
    let definition = "[study]\nkind = \"corruption\"\n[claim]\nstatistic = \"correct-is-best\"\ngreater_than = 0.5\n\
         [figure]\nkind = \"corruption-bars\"\ntitle = \"Weights from a corrupted encoding\"\n\
         x_label = \"Increase of validation error (percentage points)\"\ny_label = \"Corrupted part\"\n";
    let dir = open_run(root, "encoding-corruption", 0, definition);
    let mut rows = Vec::new();
    for architecture in 0..n {
        for (index, name) in (0..).zip(["none", "dilations", "reads", "writes", "units", "all", "other"]) {
            let skipped = name == "other" && architecture % 4 == 3;
            let raised = if index == 0 { 0.0 } else { 0.01 * f64::from(index) * jitter(architecture, index) - 0.01 };
            rows.push(CorruptionRow {
                seed: 0,
                architecture,
                corruption: name.to_owned(),
                draw: 0,
                error: (!skipped).then_some(0.6 + raised),
                loss: None,
                status: if skipped { Status::Skipped } else { Status::Ok },
            });
        }
    }
    write(&dir, &rows);
}

/// Stores ten steps by each method from each start.
pub fn proxy(root: &Path, starts: u32) {
    let definition = "[study]\nkind = \"proxy-gradient\"\n[claim]\nstatistic = \"gradient-gain\"\ngreater_than = 0.0\n\
         [figure]\nkind = \"descent\"\ntitle = \"Architectural gradient descent by proxy\"\n\
         x_label = \"Step\"\ny_label = \"Lowest validation error so far\"\n";
    let dir = open_run(root, "gradient-by-proxy", 0, definition);
    let mut rows = Vec::new();
    for (start, (index, method)) in (0..starts).flat_map(|start| [(start, (1, "gradient")), (start, (2, "random"))]) {
        for step in 0..=10 {
            let random = jitter(100 * start + step, if step == 0 { 0 } else { index });
            rows.push(ProxyRow {
                seed: 0,
                start,
                method: method.to_owned(),
                step,
                hash: String::new(),
                canonical: None,
                changes: 2,
                error: Some(0.6 + 0.1 * random - 0.004 * f64::from(step / index)),
                loss: None,
                status: Status::Ok,
            });
        }
    }
    write(&dir, &rows);
}

fn candidates(searches: &[&str], n: u32) -> Vec<CandidateRow> {
    let mut rows = Vec::new();
    for (number, search) in (0..).zip(searches) {
        for index in 0..n {
            let (stage, lower) = match index {
                _ if index < n / 2 => ("random", 0.0),
                _ if index < 3 * n / 4 => ("perturbation", 0.05),
                _ => ("chain", 0.08),
            };
            rows.push(CandidateRow {
                seed: 0,
                search: (*search).to_owned(),
                stage: stage.to_owned(),
                index,
                hash: format!("{:08x}", 1000 * number + index),
                canonical: None,
                json: architecture(0),
                parameters: 12_345,
                error: Some(0.5 - lower + 0.1 * jitter(index, number)),
                status: Status::Ok,
            });
        }
    }
    rows
}

/// Stores three searches of n candidates each.
pub fn search(root: &Path, n: u32) {
    let definition = "[study]\nkind = \"search\"\n[figure]\nkind = \"search-progress\"\ntitle = \"Search by SMASH score\"\n\
         x_label = \"Architectures scored\"\ny_label = \"Lowest SMASH score so far\"\n";
    let dir = open_run(root, "appendix-e", 0, definition);
    write(&dir, &candidates(&["SMASHv1", "SMASHv2", "SMASHv2, 3x3 only"], n));
}

/// Definition of a comparison. A search found one of its systems; another one has numbers only from the paper. Its words name the
/// paper's data, and the run used others.
pub const COMPARISON: &str = r#"
statement = "WRN-28-10 has the lower error."
[claim]
statistic = "error-difference"
greater_than = 0.0
between = ["WRN-28-10", "SMASHv2"]
[figure]
kind = "system-bars"
title = "Error on ImageNet32x32"
x_label = "Test error"
y_label = "System"
[study]
kind = "comparison"
top5 = true
[[study.searches]]
name = "On CIFAR-100"
data = { name = "shapes", image-size = 16 }
[[study.system]]
name = "WRN-28-10"
here = "WRN-10-2"
baseline = { network = "wide-resnet", depth = 10, widen = 2 }
paper = { error = 17.54, top5 = 5.2, deviation = 1.14, parameters = 36.5, depth = 28 }
[[study.system]]
name = "SMASHv2"
smash = { search = "On CIFAR-100" }
paper = { error = 20.6 }
[[study.system]]
name = "Large-Scale Evolution"
trained-search = { trials = 6, method = { method = "regularised-evolution" } }
[[study.system]]
name = "NASNet"
paper = { error = 3.65 }
"#;

/// Stores four trainings of each system, one of which failed, and the searches that found two of the systems.
pub fn comparison(root: &Path) {
    let dir = open_run(root, "table1", 0, COMPARISON);
    let systems = [
        ("WRN-28-10", "hand-designed", 0.2),
        ("SMASHv2", "SMASH", 0.25),
        ("Large-Scale Evolution", "trained search", 0.24),
    ];
    let system = |(system, role, _): (&str, &str, f64)| SystemRow {
        seed: 0,
        system: system.to_owned(),
        role: role.to_owned(),
        parameters: 1_234_567,
        multiply_adds: 1,
        depth: 28,
        json: None,
        network: None,
        equal: None,
        budget: None,
        training_seed: None,
    };
    let training = |(name, _, error): (&str, &str, f64), training_seed: u32| {
        let failed = name == "SMASHv2" && training_seed == 3;
        SystemTrainingRow {
            seed: 0,
            system: name.to_owned(),
            fold: None,
            training_seed,
            status: if failed { Status::Failed } else { Status::Ok },
            error: (!failed).then_some(error + 0.02 * jitter(training_seed, name.len() as u32)),
            top5_error: (!failed).then_some(error / 4.0),
            train_loss: None,
            epochs: 5,
            message: None,
        }
    };
    let trial = |index| TrialRow {
        seed: 0,
        system: "Large-Scale Evolution".to_owned(),
        index,
        hash: String::new(),
        canonical: None,
        json: architecture(0),
        parameters: 1,
        error: Some(0.4 - 0.01 * f64::from(index)),
        status: Status::Ok,
    };
    write(&dir, &systems.map(system));
    write(&dir, &systems.into_iter().flat_map(|s| (0..4).map(move |t| training(s, t))).collect::<Vec<_>>());
    write(&dir, &(0..6).map(trial).collect::<Vec<_>>());
    write(&dir, &candidates(&["On CIFAR-100"], 40));
}

/// Stores 40 draws of a space with 100 banks and of another one. `keys` holds claims.
pub fn sampling(root: &Path, keys: &str) {
    let definition = format!(
        "{keys}\n[study]\nkind = \"sampling\"\n[[study.spaces]]\nname = \"A\"\n\
         paper = {{ banks = 100, rarely-above = 5.0, parameters = 4.6, depth = 116 }}\n\
         [[study.spaces]]\nname = \"B\"\npaper = {{}}\n\
         [figure]\nkind = \"histograms\"\ntitle = \"Sampled architectures\"\n"
    );
    let dir = open_run(root, "sampling", 0, &definition);
    let row = |(space, draw): (&str, u32)| SampleRow {
        seed: 0,
        space: space.into(),
        draw,
        // Every fourth draw is isomorphic to the first.
        canonical: format!("{:016x}", if draw % 4 == 0 { 0 } else { draw }),
        parameters: 3_000_000 + 50_000 * u64::from(draw),
        multiply_adds: 1_000_000_000 + u64::from(draw),
        depth: 100 + draw,
        ops_block_1: 10,
        ops_block_2: 20,
        ops_block_3: 30 + draw % 3,
        banks_block_1: 20,
        banks_block_2: 30,
        banks_block_3: 40 + draw,
    };
    let rows: Vec<SampleRow> =
        ["A", "B"].into_iter().flat_map(|space| (0..40).map(move |draw| (space, draw))).map(row).collect();
    write(&dir, &rows);
    let value = |(space, value)| OpValueRow { seed: 0, space, quantity: "groups".into(), value, count: 40 };
    write(&dir, &[("A".to_owned(), 1), ("B".to_owned(), 1), ("B".to_owned(), 8)].map(value));
}

/// Stores the costs of a search in two phases over five architectures, and of a hand-designed network. `between` names the costs of the
/// claim.
pub fn cost(root: &Path, between: &str) {
    let definition = format!(
        "claim = {{ statistic = \"cost-reduction\", greater_than = 9.5, between = {between} }}\n[study]\nkind = \"cost\"\n\
         [[study.system]]\nname = \"WRN\"\nbaseline = {{}}\n[[study.system]]\nname = \"Evolution\"\n\
         quoted = {{ flops = 1e20, source = \"somebody\" }}\n[[study.system]]\nname = \"Policy\"\n\
         quoted = {{ gpu-days = 100.0, source = \"nobody\" }}\n[figure]\nkind = \"cost-marks\"\ntitle = \"Costs\"\n\
         x_label = \"Multiply-adds, as a power of ten\"\ny_label = \"System\"\n"
    );
    let dir = open_run(root, "cost", 0, &definition);
    let row = |system: &str, phase: &str, architecture: Option<u32>, multiply_adds| PhaseCostRow {
        seed: 0,
        system: system.into(),
        phase: phase.into(),
        architecture,
        multiply_adds,
    };
    let mut rows = vec![row("WRN", "training", None, 4e17)];
    for architecture in 0..5 {
        let size = 1.0 + 0.01 * f64::from(architecture);
        let phases = [("HyperNet", 1e15), ("scores", 3e15), ("training", 8e15)];
        rows.extend(phases.map(|(phase, cost)| row("SMASH", phase, Some(architecture), size * cost)));
    }
    write(&dir, &rows);
}

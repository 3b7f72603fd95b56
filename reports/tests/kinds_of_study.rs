//! Tests of every kind of study, from its tables to statistics, figure and report, on made-up runs.

mod made_up;
#[path = "made_up/studies.rs"]
mod studies;

use made_up::{newest, open_run, write};
use reports::artefact::{Artefact, shown_title};
use reports::figure::definition::FigureKind;
use reports::report::readme;
use reports::{figure, report};
use results::store::find_runs;
use results::summaries::text::SIGN;
use results::{ArchitectureRow, PredictionRow, Status};
use studies::{
    COMPARISON, Correlation, comparison, correlation, corruption, cost, ensemble, initialisation, normalisation,
    predictors, proxy, sampling, search, search_cost,
};

/// Draws twice, and checks that figure and report contain the given texts. Before a run, a definition is refused if the kind of its
/// figure does not list the study; the kinds that are refused must be ones that cannot be drawn here.
fn check(artefact: &Artefact, in_figure: &[&str], in_report: &[&str]) {
    let study = artefact.group.manifest().definition["study"]["kind"].as_str().unwrap();
    let (shown, others): (Vec<FigureKind>, Vec<FigureKind>) =
        FigureKind::ALL.into_iter().partition(|kind| kind.studies().contains(&study));
    assert!(shown.contains(&artefact.figure.as_ref().unwrap().kind), "{study}");
    assert!(others.iter().all(|&kind| artefact.findings.figure(kind).is_err()), "{study}");
    let svg = figure::svg(artefact).unwrap();
    assert_eq!(svg, figure::svg(artefact).unwrap());
    let svg = String::from_utf8(svg).unwrap();
    let report = report::markdown(std::slice::from_ref(artefact), &[], None);
    for (text, parts) in [(&svg, in_figure), (&report, in_report)] {
        for part in parts {
            assert!(text.contains(part), "no `{part}` in\n{text}");
        }
    }
}

#[test]
fn predictors_are_compared_with_the_first() {
    let root = tempfile::tempdir().unwrap();
    let claim = "claim = { statistic = \"partial-kendall\", greater_than = 0.0 }\n";
    predictors(root.path(), "rivals", "tau-cost", claim);
    let rivals = newest(root.path(), "rivals").unwrap();
    let in_report = [
        "| right | 30 | +0.",
        "| wrong | 30 | -0.",
        "| -1.00 [-1.00, -1.00] | -0.9",
        "| nothing | 0 | undefined |  |  | undefined | 320 |",
        "| 2.5e9 |",
        "Noise ceiling: with these trainings",
        "Verdict: **held**",
    ];
    check(&rivals, &["right", "wrong", "2.5e9", "320, τ undefined"], &in_report);
    predictors(root.path(), "ladder", "tau-changes", "fronts = true\n");
    let ladder = newest(root.path(), "ladder").unwrap();
    let in_report = ["| wrong | 30 | -0.", "| front by multiply-adds and |", "| nothing | 0 | 0.0 | 0.0 |"];
    check(&ladder, &["against right", "wrong"], &in_report);
}

#[test]
fn searches_are_drawn_by_cost_and_compared_with_random_search() {
    let root = tempfile::tempdir().unwrap();
    search_cost(root.path());
    let artefact = newest(root.path(), "search-cost").unwrap();
    let in_figure =
        ["random search: 5 % to 95 % of the searches", "Hyperband", "regularised evolution", "right with parameters"];
    let in_report = [
        "| search | before the first training | 5 trainings | 10 trainings |",
        "| random search | 0.00 trainings | ",
        // A prediction of 2.5e9 multiply-adds for each of 30 architectures, and trainings of 3e9.
        "| right | 25.00 trainings | none | none | none | ",
        "| wrong | 0.00 trainings | ",
        "A training costs 3.0e9 multiply-adds on average, and 30 architectures can be trained.",
        "Gain over random search at the cost of 35.0 trainings: ",
        "Claim: gain of SMASH over random search at equal cost > 0. Verdict: **",
    ];
    check(&artefact, &in_figure, &in_report);
}

#[test]
fn divergences_are_drawn_by_rate_and_true_errors_are_paired() {
    let root = tempfile::tempdir().unwrap();
    normalisation::store(root.path());
    let artefact = newest(root.path(), "normalisation").unwrap();
    let in_figure =
        ["share that diverges, by learning rate", "true error above BatchNorm, in points", "0.001", "weight-norm"];
    let in_report = [
        "| normalisation | rate 0.001 | rate 0.01 | all rates | share that diverges | lowest training error of a rate |",
        "| simple-weight-norm | 0 of 10 | 0 of 10 | 0 of 20 | 0 % [0, 16] | 50.00 % |",
        "| weight-norm | 0 of 10 | 10 of 10 | 10 of 20 | 50 % [",
        "| simple-weight-norm | 0 of 10 | ",
        "| +1.00 [+1.00, +1.00] points | 10 |",
        "| +5.00 [+5.00, +5.00] points | 9 | 1 unpaired, because a training diverged |",
        "Claim: share diverged with weight-norm - share with simple-weight-norm > 0.1. Verdict: **held**",
        "Claim: share that trains with simple WeightNorm > 0.5. Verdict: **held**",
        "Claim: error of batch-norm - error of simple-weight-norm > -0.02. Verdict: **held**",
        "Left out: 1 diverged in fixed networks.",
    ];
    check(&artefact, &in_figure, &in_report);
}

/// A definition with one axis of conditions, whose first point is a predictor.
fn conditions(predictor: &str) -> String {
    format!(
        "[study]\nkind = \"correlation\"\n[figure]\nkind = \"condition-panels\"\ntitle = \"Conditions\"\n\
         [[figure.panel]]\nname = \"learning rate\"\npoints = [\n\
         {{ label = \"high\", predictor = \"{predictor}\" }}, {{ label = \"plain\", predictor = \"right\" }},\n\
         {{ label = \"lost\", predictor = \"nothing\" }}]\n"
    )
}

#[test]
fn conditions_stand_in_panels_with_the_standard_marked() {
    let root = tempfile::tempdir().unwrap();
    predictors(root.path(), "conditions", "condition-panels", "");
    open_run(root.path(), "conditions", 0, &conditions("wrong"));
    let artefact = newest(root.path(), "conditions").unwrap();
    let in_report = [
        "| axis | point | n | Kendall τ | τ given parameters | precision at 10 % |",
        "| learning rate | high | 30 | -0.",
        "| learning rate | plain (standard) | 30 | +0.",
        "| learning rate | lost | 0 | undefined | undefined | undefined |",
    ];
    check(&artefact, &["learning rate", "high", "plain", "n/a", "given the number of parameters"], &in_report);
    open_run(root.path(), "conditions", 0, &conditions("missing"));
    let error = format!("{:#}", newest(root.path(), "conditions").unwrap_err());
    let expected = "the definition's `figure`: panel `learning rate`: the study has no predictor `missing`";
    assert!(error.contains(expected), "{error}");
}

#[test]
fn a_correlation_has_its_regime_beside_the_papers() {
    let root = tempfile::tempdir().unwrap();
    correlation(root.path(), "fig4", Correlation::of(30, ""));
    let in_report = [
        "| learned / generated weights | 12.0 * | 0.90 |",
        "| N_max / N | 7 | 7 |",
        "| training error of the SMASH network, last epoch | 37.50 % | not given |",
        "| training error of the trained networks, last epoch | 25.00 % | not given |",
        "| spread over noise of the true errors | ",
    ];
    check(&newest(root.path(), "fig4").unwrap(), &[], &in_report);
}

#[test]
fn a_study_is_shown_beside_the_study_that_it_is_compared_with() {
    let root = tempfile::tempdir().unwrap();
    let keys = "compared_with = \"fig4\"\nstatement = \"Lower scores, no correlation.\"\n\
        claim = { statistic = \"level-drop\", greater_than = 0.1 }\n";
    correlation(root.path(), "high-budget", Correlation { lower: 0.2, ranked: false, ..Correlation::of(30, keys) });
    let alone = newest(root.path(), "high-budget").unwrap();
    let nothing = "No result of `fig4` at this scale, on this data set and on this class of device (cpu) is";
    let in_report = ["The paper: Lower scores", nothing, "Verdict: **undecided**"];
    check(&alone, &["n = 30 architectures", "± 1 standard deviation"], &in_report);
    correlation(root.path(), "fig4", Correlation::of(40, ""));
    let beside = newest(root.path(), "high-budget").unwrap();
    let parts = [
        "| here | 1 | 4.00 | 6",
        "| fig4 | 1 | 0.50 | 8",
        "| fig4 - here |  |  | +2",
        "Claim: drop of the mean score > 0.1. Verdict: **held**",
        "Compared with fig4, laptop scale, shapes, cpu, seeds 0, commit 0123456789ab (dirty):",
    ];
    check(&beside, &["fig4, for comparison"], &parts);
    // Its own 30 points, the 40 of fig4, and one of each in the legend.
    let svg = String::from_utf8(figure::svg(&beside).unwrap()).unwrap();
    assert_eq!(svg.matches("<circle").count(), 30 + 40 + 2);
    assert!(beside.headline().starts_with("drop of the mean score +2"), "{}", beside.headline());
    assert!(beside.findings.to_string().contains("reference - here: mean score +2"), "{}", beside.findings);
}

#[test]
fn each_claim_has_its_verdict_and_equal_architectures_are_paired() {
    let root = tempfile::tempdir().unwrap();
    let keys = "compared_with = \"fig4\"\nclaim = [{ statistic = \"level-drop\", greater_than = 0.1 }, \
        { statistic = \"top-models-rise\", greater_than = 0.0 }, { statistic = \"tau-drop\", greater_than = 0.0 }]\n";
    correlation(root.path(), "high-budget", Correlation { lower: 0.2, ranked: false, ..Correlation::of(40, keys) });
    correlation(root.path(), "fig4", Correlation::of(40, ""));
    let beside = newest(root.path(), "high-budget").unwrap();
    let parts = [
        "| here - fig4 |  |  |  |  |  | +",
        "Both have the same root seeds and architectures. Every resample",
        "Claim: drop of the mean score > 0.1. Verdict: **held**",
        "Claim: rise of the best tenth's true error > 0. Verdict: **",
        "Claim: drop of Kendall τ > 0. Verdict: **",
    ];
    check(&beside, &[], &parts);
    let block = readme::block(std::slice::from_ref(&beside), &beside, "figures");
    // The figure itself, and a line for each claim with a link to it.
    assert_eq!(block.matches("(figures/high-budget-laptop-shapes.svg)").count(), 1 + 3, "{block}");
    assert!(block.contains(" | drop of the mean score > 0.1 | held |"), "{block}");
    assert!(beside.headline().contains("points; rise of the best tenth's true error +"), "{}", beside.headline());
}

#[test]
fn an_ensemble_is_drawn_by_rank() {
    let root = tempfile::tempdir().unwrap();
    for n in [3, 60] {
        ensemble(root.path(), n);
        let artefact = newest(root.path(), "fig5b").unwrap();
        let parts = ["mean of 3 HyperNets ± 1 standard deviation", "Rank by mean score", "between architectures"];
        check(&artefact, &parts, &["Mean Kendall τ between two of 3 HyperNets"]);
        let svg = String::from_utf8(figure::svg(&artefact).unwrap()).unwrap();
        assert_eq!(svg.matches("<circle").count(), n as usize + 1);
    }
    let artefact = newest(root.path(), "fig5b").unwrap();
    assert!(report::markdown(&[artefact], &[], None).contains("Verdict: **held**"));
}

#[test]
fn every_corruption_has_its_line() {
    let root = tempfile::tempdir().unwrap();
    for n in [3, 60] {
        corruption(root.path(), n);
        let artefact = newest(root.path(), "encoding-corruption").unwrap();
        let count = format!("n = {n} architectures");
        check(
            &artefact,
            &["dilations", "all corruptions, mean", "correct encoding is better", &count],
            &["| units | ", "cannot be corrupted like this", "The correct encoding has the lowest error of all in"]
                [if n == 3 { 2 } else { 0 }..],
        );
    }
}

#[test]
fn both_methods_of_the_gradient_by_proxy_are_drawn_from_one_start() {
    let root = tempfile::tempdir().unwrap();
    for starts in [2, 12] {
        proxy(root.path(), starts);
        let artefact = newest(root.path(), "gradient-by-proxy").unwrap();
        let count = format!("n = {starts} starting points");
        let undecided = ["undefined", "Verdict: **undecided**"];
        let in_report: &[&str] = if starts == 2 { &undecided } else { &["| random steps - gradient |"] };
        check(&artefact, &["gradient, mean", "random steps, mean", "start", &count], in_report);
    }
}

#[test]
fn two_starts_are_drawn_by_epoch_and_judged_at_the_first_epoch_and_at_the_end() {
    let root = tempfile::tempdir().unwrap();
    initialisation::store(root.path(), 2);
    let two = newest(root.path(), "warm-init").unwrap();
    check(&two, &["BatchNorm, standard"], &["undefined", "Verdict: **undecided**"]);
    initialisation::store(root.path(), 12);
    let artefact = newest(root.path(), "warm-init").unwrap();
    let in_report = [
        "| sampled | BatchNorm | validation, epoch 1 | 12 | ",
        "| sampled | WeightNorm | test, at the end | 12 | ",
        "| best by score | BatchNorm | test, at the end | 2 | ",
        "- sampled, BatchNorm: 12 better from standard weights, 0 tied, 0 better from generated ones",
        "Claim: gain by generated initial weights after the first epoch > 0. Verdict: **held**",
        "Claim: gain by standard initial weights at the end > 0. Verdict: **held**",
        "Claim: gain by standard initial weights, BatchNorm minus WeightNorm > 0. Verdict: **held**",
    ];
    check(&artefact, &["WeightNorm, generated", "n = 12 architectures"], &in_report);
}

#[test]
fn a_search_is_drawn_with_its_stages_and_its_best_architectures_are_listed() {
    let root = tempfile::tempdir().unwrap();
    for n in [4, 60] {
        search(root.path(), n);
        let artefact = newest(root.path(), "appendix-e").unwrap();
        let parts = ["perturbation begins", "SMASHv2, 3x3 only", "Architectures scored"];
        check(&artefact, &parts, &["| SMASHv1 | ", "| 12345 | chain |", "improvement over the lowest score"]);
        assert!(artefact.headline().starts_with("lowest score: SMASHv"), "{}", artefact.headline());
    }
}

#[test]
fn a_comparison_keeps_quoted_numbers_apart() {
    let root = tempfile::tempdir().unwrap();
    comparison(root.path());
    let artefact = newest(root.path(), "table1").unwrap();
    let in_report = [
        "| paper, quoted |",
        "| 17.54 ± 1.14 %, top-5 5.2 %, 36.5 M parameters, depth 28 |",
        "| NASNet | not run | not run | not run | not run | not run |  | 3.65 % |",
        "| 1 failed | 20.6 % |",
        "Left out: 1 training failed.",
        "Regularised evolution, 6 trainings (ours, for Large-Scale Evolution): 6 trainings, lowest validation error 35.00 %",
        "Claim: error of SMASHv2 (ours, laptop scale) - error of WRN-10-2 (ours, for WRN-28-10) > 0. Verdict: **held**",
        "| On shapes 16x16 | 40 |",
        "SMASH searched on shapes 16x16.",
    ];
    let in_figure = ["not run", "(n = 3), 1 failed", "hand-designed", "trained search", "error by chance 90.00 %"];
    check(&artefact, &in_figure, &in_report);
    let svg = String::from_utf8(figure::svg(&artefact).unwrap()).unwrap();
    // The best system is at the top.
    let height = |name: &str| {
        let (before, _) = svg.split_once(&format!(">{name}")).unwrap();
        let (_, y) = before.rsplit_once(" y=\"").unwrap();
        y.split('"').next().unwrap().parse::<f64>().unwrap()
    };
    let heights = ["WRN-10-2", "Regularised evolution", "SMASHv2", "NASNet"].map(height);
    assert!(heights.is_sorted(), "{heights:?}");
    assert!(!svg.contains("17.54") && !svg.contains("3.65"), "a quoted number is drawn");
    // A name of a system and the note on it are two lines.
    for part in ["Error on shapes", ">WRN-10-2<", ">ours, for WRN-28-10<", "searched on shapes 16x16"] {
        assert!(svg.contains(part), "no `{part}` in\n{svg}");
    }
    let report = report::markdown(std::slice::from_ref(&artefact), &[], None);
    let printed = artefact.findings.to_string();
    for text in [svg, report, printed, readme::block(std::slice::from_ref(&artefact), &artefact, "figures")] {
        assert!(!text.contains("CIFAR") && !text.contains("ImageNet"), "a data set that was not used:\n{text}");
    }
}

#[test]
fn no_title_of_a_published_run_names_data_that_it_did_not_use() {
    let baselines = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../results/baselines");
    let sets = [
        ("cifar10", "CIFAR-10"),
        ("cifar100", "CIFAR-100"),
        ("stl10", "STL-10"),
        ("imagenet32", "ImageNet32x32"),
        ("modelnet10", "ModelNet10"),
    ];
    let (mut replaced, runs) = (0, find_runs(&baselines, None).unwrap().all().unwrap());
    for run in &runs {
        let (manifest, title) = (&run.manifest, shown_title(&run.manifest));
        let used = [&manifest.dataset].into_iter().chain(&manifest.other_datasets);
        let used: Vec<&str> = used.map(|set| set.name.as_str()).collect();
        let words = || title.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
        let named = sets.iter().filter(|(_, written)| words().any(|word| word == *written));
        for (name, _) in named {
            assert!(used.contains(name), "{title}: {used:?}");
        }
        replaced += usize::from(title != manifest.title);
    }
    assert!(replaced > 0 && replaced < runs.len(), "{replaced} of {}", runs.len());
}

#[test]
fn parameters_have_one_sign_in_print_and_tables() {
    let root = tempfile::tempdir().unwrap();
    let dir = correlation(root.path(), "rivals", Correlation { figure: "tau-cost", ..Correlation::of(30, "") });
    let architectures: Vec<ArchitectureRow> = newest(root.path(), "rivals").unwrap().group.read().unwrap();
    let row = |row: &ArchitectureRow| PredictionRow {
        seed: 0,
        architecture: row.architecture,
        predictor: "parameters".into(),
        status: Status::Ok,
        value: Some(-(row.parameters as f64)),
        cost: 0.0,
        shared_cost: 0.0,
    };
    write(&dir, &architectures.iter().map(row).collect::<Vec<_>>());
    let rivals = newest(root.path(), "rivals").unwrap();
    let report = report::markdown(std::slice::from_ref(&rivals), &[], None);
    let printed = rivals.findings.to_string();
    let mut taus = Vec::new();
    for text in [&report, &printed] {
        // One row stands beside the score, the other among the predictors.
        let rows =
            text.lines().map(|line| line.trim_start_matches("| ")).filter(|line| line.starts_with("parameters "));
        let tau = |line: &str| {
            line.split_whitespace().find(|word| word.starts_with(['+', '-']) && word.contains('.')).map(str::to_owned)
        };
        taus.extend(rows.map(|line| tau(line).unwrap()));
    }
    assert!(taus.len() == 4 && taus.iter().all(|tau| *tau == taus[0]), "{taus:?}");
    for text in [&report, &printed, &rivals.findings.caption().join("\n")] {
        assert_eq!(text.matches(SIGN).count(), 1, "{text}");
    }
}

#[test]
fn draws_are_compared_with_the_papers_statements() {
    let root = tempfile::tempdir().unwrap();
    let claim = |statistic: &str, of: &str| {
        format!("claim = {{ statistic = \"{statistic}\", greater_than = 0.5, of = \"{of}\" }}\n")
    };
    sampling(root.path(), &claim("spare-banks", "A"));
    let artefact = newest(root.path(), "sampling").unwrap();
    let in_report = [
        "| distinct architectures | A | 31 of 40 draws |",
        "| at most 100 banks in a block | A | 100.00 % [91.24, 100.00], most banks: 79 |",
        // The mean block uses (20 + 30 + 59.5) / 3 banks.
        "| mean share of the 100 banks left unused | A | 63.50 % [",
        // 3 million and 40 steps of 0.05 million make 4.95 million.
        "| at most 5 M parameters | A | 100.00 % [",
        "| groups | 1, 1, 1, 1, 1 | 1, 1, 1, 8, 8 |",
        "Claim: A: mean share of the stated banks left unused > 0.5. Verdict: **held**",
    ];
    check(&artefact, &["groups", "million parameters", "A: 31 of 40 draws are distinct"], &in_report);
    for (claim, expected) in [
        (claim("spare-banks", "C"), "`of` names `C`, which is no space of the study"),
        (claim("spare-banks", "B"), "the paper's numbers for `B` lack those of `B: mean share of the stated banks"),
    ] {
        sampling(root.path(), &claim);
        let error = format!("{:#}", newest(root.path(), "sampling").unwrap_err());
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn costs_are_counted_beside_quoted_budgets() {
    let root = tempfile::tempdir().unwrap();
    cost(root.path(), "[\"SMASH, search\", \"Evolution, search\"]");
    let artefact = newest(root.path(), "cost").unwrap();
    let in_report = [
        "| WRN |  |  | 4.0e17 |  |",
        "| Evolution |  | 1.0e20 FLOPs, 5.0e19 multiply-adds |  |  |",
        "| Policy |  | 100 GPU-days |  |  |",
        "| SMASH | 4.1e15 [4.0e15, 4.2e15] |  | 8.2e15 [8.0e15, 8.3e15] | 0.50 |",
        "| SMASH | scores | 3.1e15 | 75.0 % |",
        "Quoted budgets: Evolution: 1.0e20 FLOPs (somebody); Policy: 100 GPU-days (nobody).",
        "Claim: orders of magnitude from SMASH, search to Evolution, search > 9.5. Verdict: **not held**",
    ];
    check(&artefact, &["search, quoted", "one training, counted", "training 4.0e17"], &in_report);
    cost(root.path(), "[\"SMASH\", \"WRN, training\"]");
    let error = format!("{:#}", newest(root.path(), "cost").unwrap_err());
    assert!(error.contains("`between` names `SMASH`; expected a system with"), "{error}");
}

#[test]
fn a_claim_or_figure_of_another_kind_of_study_is_an_error() {
    let check = |keys: &str, expected: &str| {
        let root = tempfile::tempdir().unwrap();
        correlation(root.path(), "fig5a", Correlation::of(5, keys));
        let drawn = newest(root.path(), "fig5a").and_then(|artefact| figure::svg(&artefact));
        let message = format!("{:#}", drawn.unwrap_err());
        assert!(message.contains(expected), "{message}");
    };
    check(
        "claim = { statistic = \"search-gain\", greater_than = 0.0 }",
        "the definition's `claim`: `gain of the search over random sampling > 0` is no statistic of this kind of study",
    );
    check("claim = { statistic = \"tau-drop\", greater_than = 0.0 }", "without `compared_with`");
    let root = tempfile::tempdir().unwrap();
    let unknown = COMPARISON.replace("\"SMASHv2\"]", "\"SMASHv3\"]");
    let wrong_figure = COMPARISON.replace("system-bars", "descent");
    let without_label = COMPARISON.replace("y_label", "# y_label");
    for (definition, expected) in [
        (unknown, "this run has no system `SMASHv3`"),
        (wrong_figure, "a figure of kind \"descent\" does not fit its kind of study"),
        (without_label, "the definition's `figure`: expected `x_label` and `y_label`"),
    ] {
        comparison(root.path());
        open_run(root.path(), "table1", 0, &definition);
        let drawn = newest(root.path(), "table1").and_then(|artefact| figure::svg(&artefact));
        let message = format!("{:#}", drawn.unwrap_err());
        assert!(message.contains(expected), "{message}");
    }
}

//! The ledger of the paper's claims: against the definitions and the tests that it names, and through the binary.

#[allow(dead_code, reason = "this file needs few of the made-up runs")]
mod made_up;
#[allow(dead_code, reason = "this file needs few of the made-up studies")]
#[path = "made_up/studies.rs"]
mod studies;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use made_up::{newest, open_run, write};
use reports::ledger::{Check, statements};
use results::{Claim, Claims, PredictionRow, Status};
use serde_json::Value;
use studies::{Correlation, correlation};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The claims of every built-in definition, by the name of the artefact.
fn definitions() -> BTreeMap<String, Vec<Claim>> {
    let files = fs::read_dir(repository().join("experiments/definitions")).unwrap().map(|entry| entry.unwrap().path());
    let claims = |path: PathBuf| {
        let definition: toml::Table = fs::read_to_string(&path).unwrap().parse().unwrap();
        let claims = definition.get("claim").map(|claims| claims.clone().try_into::<Claims>().unwrap());
        (path.file_stem().unwrap().to_str().unwrap().to_owned(), claims.unwrap_or_default().0)
    };
    files.filter(|path| path.extension().is_some_and(|end| end == "toml")).map(claims).collect()
}

#[test]
fn statements_and_definitions_make_the_same_claims() {
    let (definitions, statements) = (definitions(), statements().unwrap());
    let mut named: Vec<(&str, &Claim)> = Vec::new();
    for statement in &statements {
        match &statement.check {
            Check::Claim { artefact, claim } => {
                let claims = definitions.get(artefact);
                let claims = claims.unwrap_or_else(|| panic!("{}: there is no artefact `{artefact}`", statement.says));
                assert!(claims.contains(claim), "{}: `{artefact}` does not claim {claim}", statement.says);
                named.push((artefact, claim));
            }
            Check::Tests(_) | Check::Refuted(_) | Check::Untestable(_) => {}
        }
    }
    for (artefact, claims) in &definitions {
        for claim in claims {
            assert!(named.contains(&(artefact, claim)), "no statement names the claim of `{artefact}`: {claim}");
        }
    }
}

#[test]
fn every_test_that_a_statement_names_is_there() {
    for statement in statements().unwrap() {
        let (Check::Tests(tests) | Check::Refuted(tests)) = &statement.check else { continue };
        for test in tests {
            let (file, name) = test.split_once("::").unwrap_or_else(|| panic!("{test}: expected FILE::NAME"));
            let text = fs::read_to_string(repository().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
            assert!(text.contains(&format!("fn {name}(")), "{}: {file} has no test `{name}`", statement.says);
        }
    }
}

fn reports(arguments: &[&str], root: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_reports")).args(arguments).arg("--results").arg(root).output().unwrap()
}

/// The standard output of a command that succeeds.
fn printed(arguments: &[&str], root: &Path) -> String {
    let output = reports(arguments, root);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The statements about a statistic of an artefact.
fn about<'a>(ledger: &'a Value, artefact: &str, statistic: &str) -> Vec<&'a Value> {
    let is_about = |one: &&Value| one["artefact"] == artefact && one["claim"]["statistic"] == statistic;
    ledger.as_array().unwrap().iter().filter(is_about).collect()
}

#[test]
fn without_results_every_statement_is_there_and_none_is_judged() {
    let root = tempfile::tempdir().unwrap();
    let ledger: Value = serde_json::from_str(&printed(&["claims", "--json"], root.path())).unwrap();
    let all = ledger.as_array().unwrap();
    assert_eq!(all.len(), statements().unwrap().len());
    assert!(all.iter().all(|one| one["results"].as_array().unwrap().is_empty()), "{ledger}");
    let text = printed(&["claims"], root.path());
    assert!(text.contains("Stored results give 0 verdicts: 0 held, 0 not held, 0 undecided."), "{text}");
    assert!(text.contains("    not run           ") && text.contains("    cannot be tested  "), "{text}");
}

#[test]
fn stored_results_judge_the_claims_of_built_in_artefacts_and_no_others() {
    let root = tempfile::tempdir().unwrap();
    // The run of fig4 states no claim, as one of an older program, and that of rivals has no predictors.
    for artefact in ["fig4", "rivals", "mine"] {
        correlation(root.path(), artefact, Correlation::of(30, ""));
    }
    let ledger: Value = serde_json::from_str(&printed(&["claims", "--json"], root.path())).unwrap();
    for one in about(&ledger, "fig4", "kendall") {
        let [result] = &one["results"].as_array().unwrap()[..] else { panic!("{one}") };
        assert_eq!((&result["scale"], &result["dataset"]), (&"laptop".into(), &"shapes".into()));
        assert_eq!(result["judged"]["verdict"], "held", "{result}");
        let interval = ["low", "value", "high"].map(|name| result["judged"][name].as_f64().unwrap());
        assert!(interval.is_sorted() && interval[0] > 0.0, "{result}");
        assert_eq!(result["departures"], serde_json::json!(["learned / generated weights"]));
    }
    let [excess] = about(&ledger, "fig4", "score-excess")[..] else { panic!("{ledger}") };
    assert_eq!(excess["results"][0]["judged"]["verdict"], "held", "{excess}");
    // One network has no spread of levels.
    let [spread] = about(&ledger, "fig4", "level-spread")[..] else { panic!("{ledger}") };
    assert_eq!(
        (&spread["results"][0]["judged"]["verdict"], &spread["results"][0]["judged"]["value"]),
        (&"undecided".into(), &Value::Null)
    );
    let [partial] = about(&ledger, "rivals", "partial-kendall")[..] else { panic!("{ledger}") };
    assert!(partial["results"][0]["judged"].is_null(), "{partial}");
    assert!(partial["results"][0]["problem"].as_str().unwrap().contains("without predictors"), "{partial}");
    assert!(!ledger.to_string().contains("/mine/"));

    let text = printed(&["claims", "--scale", "laptop"], root.path());
    assert!(text.contains("    held              fig4; Kendall τ > 0; laptop, shapes; +0."), "{text}");
    assert!(text.contains("departs in 1 of 10: learned / generated weights"), "{text}");
    assert!(
        text.contains("    no statistic      rivals; ")
            && text.contains(" whose results lack the statistic, ")
            && text.contains("without predictors"),
        "{text}"
    );
    let other_scale = printed(&["claims", "--scale", "paper"], root.path());
    assert!(other_scale.contains("    not run           fig4; Kendall τ > 0"), "{other_scale}");
}

#[test]
fn the_reports_begin_with_the_ledger() {
    let (root, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    correlation(root.path(), "fig4", Correlation::of(30, ""));
    let folder = out.path().to_str().unwrap();
    let read = |name: &str| fs::read_to_string(out.path().join(name)).unwrap();
    printed(&["report", "--out", folder], root.path());
    let text = read("REPORT.md");
    let places = [
        "# Results",
        "## Claims of the paper",
        "The ledger has ",
        "| laptop, shapes | held | +0.",
        "## Figure 4: laptop",
    ];
    let places = places.map(|part| text.find(part));
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{places:?}\n{text}");
    assert!(text.contains("| fig4 | laptop, shapes | learned / generated weights |"), "{text}");
    let page = read("report.html");
    let (ledger, _) = page.split_once("<h2 id=\"claims\">").unwrap().1.split_once("</section>").unwrap();
    let row = "<td><a href=\"#fig4-laptop-shapes\">fig4</a></td><td>Kendall τ &gt; 0</td><td>laptop, shapes</td>\
        <td><span class=\"badge held\">held</span></td>";
    assert!(ledger.contains(row), "{ledger}");
    // The report of one artefact says nothing about the others.
    printed(&["report", "fig4", "--out", folder], root.path());
    assert!(["REPORT.md", "report.html"].iter().all(|name| !read(name).contains("Claims of the paper")));
}

#[test]
fn levels_of_two_networks_are_compared() {
    let root = tempfile::tempdir().unwrap();
    let run = correlation(root.path(), "fig4", Correlation::of(30, ""));
    // The second network gives the same scores, half as far apart as architectures differ.
    let prediction = |(predictor, shift): (&str, f64)| {
        let row = move |(predictor, architecture): (String, u32)| PredictionRow {
            seed: 0,
            architecture,
            predictor,
            status: Status::Ok,
            value: Some(0.5 + shift + 0.01 * f64::from(architecture)),
            cost: 1.0,
            shared_cost: 1.0,
        };
        (0..30).map(|architecture| (predictor.to_owned(), architecture)).map(row).collect::<Vec<_>>()
    };
    write(&run, &[("one", 0.0), ("two", 0.1)].map(prediction).concat());
    let definition = "[study]\nkind = 'correlation'\n[[study.network]]\nname = 'second'\nmember = 1\n[[study.predictor]]\nname = 'one'\n\
        method = { kind = 'score', draws = 2 }\n[[study.predictor]]\nname = 'two'\nmethod = { kind = 'score', networks = ['second'], draws = 2 }\n";
    open_run(root.path(), "fig4", 0, definition);
    let paragraphs = newest(root.path(), "fig4").unwrap().findings.paragraphs().join("\n");
    // 0.1 / sqrt(2), and the standard deviation of 0.01 times 0 to 29.
    let expected = "Levels of 2 networks (root seeds: 1): their mean scores have a standard deviation of 7.07 % within a root seed. \
        The scores of one network have 8.80 % between architectures";
    assert!(paragraphs.contains(expected), "{paragraphs}");
    assert!(paragraphs.contains("The ratio is 0.80 [0.36, 25."), "{paragraphs}");
}

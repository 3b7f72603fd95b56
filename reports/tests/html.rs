//! Tests of the HTML report on made-up runs: it is whole, needs nothing else, and takes no text for markup.

#[path = "html/browser.rs"]
mod browser;
mod made_up;
#[path = "made_up/studies.rs"]
mod studies;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::LazyLock;

use made_up::{newest, write};
use reports::artefact::Artefact;
use reports::figure::{Look, drawn};
use reports::ledger::statements;
use reports::report::claims::Ledger;
use reports::report::history::histories;
use reports::report::html;
use results::store::{find_runs, latest_groups};
use results::{ArchitectureRow, RunDir, RunKey};

/// The page of all stored runs.
fn page(root: &Path) -> anyhow::Result<String> {
    let runs = find_runs(root, None)?.all()?;
    let artefacts: Vec<Artefact> = latest_groups(runs.clone())
        .into_iter()
        .map(|group| Artefact::load(group, root))
        .collect::<anyhow::Result<_>>()?;
    let statements = statements()?;
    let ledger = Ledger::new(&statements, &artefacts);
    html::page(&artefacts, &drawn(&artefacts, Look::default())?, &[], Some(&ledger), &histories(runs))
}

/// The page of runs of most kinds of study, made twice from the same runs.
static PAGES: LazyLock<[String; 2]> = LazyLock::new(|| {
    let root = tempfile::tempdir().unwrap();
    store_all(root.path());
    [(); 2].map(|()| page(root.path()).unwrap())
});

fn store_all(root: &Path) {
    let claim = "claim = { statistic = \"kendall\", greater_than = 0.0 }\n";
    studies::correlation(root, "fig4", studies::Correlation::of(20, claim));
    studies::ensemble(root, 12);
    studies::corruption(root, 12);
    studies::proxy(root, 12);
    studies::search(root, 8);
    studies::comparison(root);
    studies::normalisation::store(root);
    studies::predictors(root, "rivals", "tau-cost", "");
    studies::search_cost(root);
    studies::initialisation::store(root, 6);
    studies::sampling(root, "");
    studies::cost(root, "[\"SMASH, search\", \"Evolution, search\"]");
}

/// The values of an attribute, in order.
fn values<'a>(page: &'a str, attribute: &str) -> Vec<&'a str> {
    let mark = format!(" {attribute}=\"");
    let value = |part: &'a str| part.split('"').next().unwrap();
    page.split(&mark[..]).skip(1).map(value).collect()
}

#[test]
fn the_page_is_whole_and_every_reference_has_its_target() {
    let [found, again] = &*PAGES;
    assert!(found == again, "equal results give equal bytes");

    let ids = values(found, "id");
    let unique: BTreeSet<&str> = ids.iter().copied().collect();
    assert_eq!(ids.len(), unique.len(), "an id is there twice");
    let links = values(found, "href").into_iter().map(|link| link.strip_prefix('#').unwrap());
    let named = ["data-drawing", "aria-labelledby"].map(|name| values(found, name)).concat();
    for name in links.chain(named) {
        assert!(unique.contains(name), "no id `{name}`");
    }
    for artefact in [
        "fig4",
        "fig5b",
        "encoding-corruption",
        "gradient-by-proxy",
        "appendix-e",
        "table1",
        "warm-init",
        "normalisation",
        "sampling",
        "cost",
    ] {
        let id = format!("{artefact}-laptop-shapes");
        assert!(found.contains(&format!("<h2 id=\"{id}\">")), "no section `{id}`");
        assert!(found.contains(&format!("<a href=\"#{id}\">")), "`{id}` is not in the contents");
    }
    // Each point of fig4 and fig5b has a link and a row; each point of rivals and search-cost has a row. The page draws each of the 30
    // different architectures once.
    assert_eq!(found.matches("<a href=\"#fig4-laptop-shapes-0-").count(), 20);
    assert_eq!(found.matches("<a href=\"#fig5b-laptop-shapes-0-").count(), 12);
    assert_eq!(values(found, "data-drawing").len(), 20 + 12 + 30 + 30);
    assert_eq!(found.matches("<symbol ").count(), 30);
    for part in [
        "seed 0, architecture 7: SMASH score ",
        "cargo xtask reproduce fig4 --scale laptop --dataset shapes --seeds 1 --set study.scored=50",
        "git checkout 0123456789ab # and the changes that were not committed",
        "<span class=\"badge held\">held</span> Claim: Kendall τ &gt; 0. Found: Kendall τ +",
        "<td>shapes, test (2000 examples): aaaa",
        "No correlation is stored from more than one commit",
    ] {
        assert!(found.contains(part), "no `{part}`");
    }
}

#[test]
fn nothing_is_fetched() {
    let found = &PAGES[0];
    for (at, _) in found.match_indices("http") {
        let is_name = ["http://www.w3.org/2000/svg\"", "http-equiv="].iter().any(|name| found[at..].starts_with(name));
        assert!(is_name, "{}", found[at..].chars().take(80).collect::<String>());
    }
    for loader in [" src=", "<link", "<img", "<iframe", "@import", "url(h", "url(\"", "fetch(", "import("] {
        assert!(!found.contains(loader), "{loader}");
    }
    assert!(found.contains("content=\"default-src 'none';"));
}

#[test]
fn headings_leave_out_no_level() {
    let found = &PAGES[0];
    let level = |(at, _): (usize, &str)| found[at + 2..].chars().next().and_then(|digit| digit.to_digit(10));
    let levels: Vec<u32> = found.match_indices("<h").filter_map(level).collect();
    assert_eq!(levels.iter().filter(|level| **level == 1).count(), 1);
    assert_eq!(levels[0], 1);
    assert!(levels.windows(2).all(|pair| pair[1] <= pair[0] + 1), "{levels:?}");
}

#[test]
fn text_of_results_is_no_markup() {
    let root = tempfile::tempdir().unwrap();
    let evil = "<script>alert('x')</script>\" onload=\"y";
    let keys = format!("statement = '''{evil}'''\nanalysis = '''`{evil}`'''\n");
    studies::correlation(root.path(), evil, studies::Correlation::of(5, &keys));
    let found = page(root.path()).unwrap();
    assert_eq!(found.matches("<script>").count(), 1);
    assert!(!found.contains("onload=\"y"));
    assert!(found.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&quot; onload=&quot;y"));
}

#[test]
fn a_history_has_every_stored_commit_in_the_order_of_time() {
    let root = tempfile::tempdir().unwrap();
    studies::correlation(root.path(), "fig4", studies::Correlation::of(12, ""));
    store_again(root.path(), "aaaaaaaaaaaa", "2025-03-01T00:00:00Z");
    let broken = store_again(root.path(), "bbbbbbbbbbbb", "2024-01-01T00:00:00Z");
    std::fs::remove_file(broken.table::<ArchitectureRow>().path).unwrap();
    let found = page(root.path()).unwrap();
    let (_, history) = found.split_once("<h2 id=\"history\">").unwrap();
    let places = ["bbbbbbbbbbbb", "0123456789ab (dirty)", "aaaaaaaaaaaa"].map(|commit| history.find(commit));
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{places:?}\n{history}");
    assert_eq!(history.matches("class=\"interval\"").count(), 2);
    assert!(history.contains("<td>not readable: "), "{history}");
}

#[test]
fn sources_without_a_commit_cannot_be_checked_out() {
    let root = tempfile::tempdir().unwrap();
    studies::correlation(root.path(), "fig4", studies::Correlation::of(12, ""));
    store_again(root.path(), "unknown-1a2b3c4d", "2025-03-01T00:00:00Z");
    let found = page(root.path()).unwrap();
    assert!(found.contains("git named no commit") && !found.contains("git checkout"), "{found}");
}

/// Stores the run of fig4 again, with another commit and another time.
fn store_again(root: &Path, commit: &str, end: &str) -> RunDir {
    let run = find_runs(root, Some("fig4")).unwrap().runs.remove(0);
    let mut manifest = run.manifest;
    (manifest.commit, manifest.end, manifest.dirty) = (commit.to_owned(), Some(end.to_owned()), false);
    let key = RunKey {
        artefact: manifest.artefact.clone(),
        scale: manifest.scale.clone(),
        device_class: manifest.device_class.clone(),
        commit: manifest.commit.clone(),
        dirty: false,
        definition_hash: manifest.definition_hash.clone(),
        seed: manifest.seed,
    };
    let dir = RunDir::new(root, &key);
    dir.create().unwrap();
    for entry in std::fs::read_dir(run.dir.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            std::fs::copy(&path, dir.path().join(path.file_name().unwrap())).unwrap();
        }
    }
    dir.write_manifest(&manifest).unwrap();
    dir
}

#[test]
fn the_command_names_the_device_class_of_the_run() {
    let root = tempfile::tempdir().unwrap();
    studies::correlation(root.path(), "fig4", studies::Correlation::of(5, ""));
    let mut artefact = newest(root.path(), "fig4").unwrap();
    artefact.group.runs[0].manifest.device_class = "wgpu".to_owned();
    let figures = drawn(std::slice::from_ref(&artefact), Look::default()).unwrap();
    let page = html::page(&[artefact], &figures, &[], None, &[]).unwrap();
    assert!(page.contains("--device wgpu"), "{page}");
}

#[test]
fn a_result_to_compare_with_that_cannot_be_read_is_named() {
    let root = tempfile::tempdir().unwrap();
    studies::correlation(root.path(), "high-budget", studies::Correlation::of(5, "compared_with = \"fig4\"\n"));
    let broken = root.path().join("fig4/laptop/cpu/commit/definition/seed-0");
    std::fs::create_dir_all(&broken).unwrap();
    std::fs::write(broken.join("manifest.toml"), "broken").unwrap();
    let artefact = newest(root.path(), "high-budget").unwrap();
    let report = reports::report::markdown(&[artefact], &[], None);
    let expected = format!("**Left out, because it cannot be read:** {}", broken.display());
    assert!(report.contains("nothing to compare with.") && report.contains(&expected), "{report}");
}

#[test]
fn an_architecture_that_cannot_be_drawn_is_named() {
    let root = tempfile::tempdir().unwrap();
    studies::correlation(root.path(), "fig4", studies::Correlation::of(5, ""));
    let run = find_runs(root.path(), Some("fig4")).unwrap().runs.remove(0);
    let mut rows: Vec<ArchitectureRow> = run.read().unwrap();
    rows[3].json = studies::architecture(3).replace("\"units\":1", "\"units\":0");
    write(&run.dir, &rows);
    let artefact = newest(root.path(), "fig4").unwrap();
    let figures = drawn(std::slice::from_ref(&artefact), Look::default()).unwrap();
    let message = format!("{:#}", html::page(&[artefact], &figures, &[], None, &[]).unwrap_err());
    let expected = "fig4-laptop-shapes: architectures: seed 0, architecture 3: block 0: op 0: units must be a multiple";
    assert!(message.contains(expected), "{message}");
}

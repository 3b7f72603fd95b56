//! Definitions in files of a user's own, through the binary.

mod binary;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use binary::{error_of, experiments, files, other, succeeded, tables, without_identity};
use results::Manifest;

/// Figure 4 with another title and with fewer architectures at smoke scale.
fn own() -> String {
    let fig4 = Path::new(env!("CARGO_MANIFEST_DIR")).join("../definitions/fig4.toml");
    let text = fs::read_to_string(fig4).unwrap();
    let own = text.replacen("title = \"SMASH score against true error\"", "title = \"My own\"", 1);
    let own = own.replacen("scored = 6", "scored = 4", 1);
    assert!(own.contains("My own") && own.contains("scored = 4"));
    own
}

/// The tables of a run by their file names, without what differs between artefacts.
fn by_name(results: &Path) -> BTreeMap<String, Vec<u8>> {
    let name = |path: PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
    tables(results).into_iter().map(|(path, bytes)| (name(path), without_identity(&bytes))).collect()
}

/// The recipe of CONTRIBUTING.md without a rebuild: copy a definition, change it, plan it, run it.
#[test]
fn a_changed_copy_of_a_definition_runs_without_a_rebuild() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    // The name is as long as `fig4`, so that files of both have equal sizes.
    fs::create_dir(at("d")).unwrap();
    fs::write(at("d/mine.toml"), own()).unwrap();
    let file = at("d/mine.toml");
    let file = file.to_str().unwrap();

    let plan = experiments(&at("r"), &["--definition", file, "--plan"]).output().unwrap();
    succeeded(&plan);
    assert!(String::from_utf8(plan.stdout).unwrap().contains("train resulting networks"));
    assert!(!at("r/mine").exists());

    // Workers read the file too, and they get its name in another form.
    succeeded(&experiments(&at("r"), &["--definition", file, "--jobs", "2"]).output().unwrap());
    let manifest = files(&at("r/mine")).into_iter().find(|file| file.ends_with("manifest.toml")).unwrap();
    let manifest = Manifest::read(&manifest).unwrap();
    assert_eq!((manifest.artefact.as_str(), manifest.title.as_str()), ("mine", "My own"));
    assert_eq!(manifest.definition["study"]["scored"].as_integer(), Some(4));

    succeeded(&experiments(&at("set"), &["fig4", "--set", "study.scored=4"]).output().unwrap());
    assert_eq!(by_name(&at("r")), by_name(&at("set")));
    // The same run, by name and folder: nothing is left to do.
    let before = by_name(&at("r"));
    let definitions = at("d");
    succeeded(&experiments(&at("r"), &["mine", "--definitions", definitions.to_str().unwrap()]).output().unwrap());
    let mut by_variable = experiments(&at("r"), &["mine"]);
    succeeded(&by_variable.env("SMASH_DEFINITIONS", &definitions).output().unwrap());
    assert_eq!(by_name(&at("r")), before);
}

#[test]
fn a_file_takes_parts_of_another_file_and_both_are_listed() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let path = folder.path().to_str().unwrap().to_owned();
    fs::write(at("own.toml"), own()).unwrap();
    let taking = "title = 'Taken'\npaper = '-'\nanalysis = ''\n\
        [takes]\nfrom = 'own'\nparts = ['data', 'space', 'resulting', 'fast']\n\
        [study]\nkind = 'fidelity'\narchitectures = 2\ntraining-seeds = 1\n";
    fs::write(at("taking.toml"), taking).unwrap();
    succeeded(&experiments(&at("r"), &["taking", "--definitions", &path, "--plan"]).output().unwrap());

    let list = other(&["list", "--definitions", &path]).output().unwrap();
    succeeded(&list);
    let list = String::from_utf8(list.stdout).unwrap();
    for line in ["fig4 ", "own ", "taking "] {
        assert!(list.lines().any(|listed| listed.starts_with(line)), "no `{line}` in\n{list}");
    }
    let built_in = String::from_utf8(other(&["list"]).output().unwrap().stdout).unwrap();
    assert_eq!(list.lines().count(), built_in.lines().count() + 2);
}

#[test]
fn a_faulty_file_is_one_error_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let write = |name: &str, text: &str| {
        let file = at(name);
        fs::write(&file, text).unwrap();
        file.to_str().unwrap().to_owned()
    };
    let error = |words: &[&str]| error_of(&mut experiments(&at("r"), words));
    for (name, text, expected) in [
        ("a.toml", own().replace("noise-draws = 1", "noise-drawz = 1"), "noise-drawz"),
        ("b.toml", own().replace("[study]", "[study"), "line "),
        ("c.toml", "[takes]\nfrom = 'c'\nparts = ['data']".to_owned(), "in a circle"),
        ("fig4.toml", own(), "a built-in artefact is named `fig4`"),
        ("My own.toml", own(), "small letters"),
        ("d.json", own(), "NAME.toml"),
    ] {
        let file = write(name, &text);
        let found = error(&["--definition", &file]);
        assert!(found.contains(&file) && found.contains(expected), "{found}");
        fs::remove_file(file).unwrap();
    }
    let missing = at("none.toml");
    assert!(error(&["--definition", missing.to_str().unwrap()]).contains("no such file"));
    let missing = at("none");
    assert!(error(&["fig4", "--definitions", missing.to_str().unwrap()]).contains("none"));
    assert!(!at("r").exists());
}

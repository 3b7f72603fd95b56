//! Rules of this repository that neither rustfmt nor clippy knows, as ordinary tests.

mod circles;
mod prose;

use std::fs;
use std::path::Path;

use toml::Table;

use crate::checks::tables::files_below;
use crate::process::root;

/// Code fragments that must not be committed, each cut in two so that this file may hold it.
const FORBIDDEN: [&str; 5] = [
    concat!("to", "do!("),
    concat!("unimple", "mented!("),
    concat!("db", "g!("),
    concat!("#[ig", "nore"),
    concat!("should_", "panic"),
];

/// Folders that exist on one machine only.
const MACHINE_FOLDERS: [&str; 3] = [concat!("/wo", "rk/"), concat!("/ho", "me/"), concat!("/ro", "ot/")];

/// The attribute that allows unsafe code, which the lints of the workspace deny, cut in two as above; and the files that may have
/// it.
const UNSAFE: &str = concat!("allow(uns", "afe_code)");
const MAY_BE_UNSAFE: [&str; 3] =
    ["experiments/src/cuda.rs", "smash/kernels/src/primitive.rs", "smash/kernels/src/convolution/gpu.rs"];

const MAX_LINES: usize = 450;

/// Folders that hold nothing committed, and `.ci`, which may know the machine it runs on.
const SKIPPED: [&str; 5] = [".ci", ".git", "data", "results/runs", "target"];

/// The dependencies that a crate of this workspace may have.
struct Boundary {
    /// Folder of the package. Its name is the same with hyphens for slashes.
    member: &'static str,
    /// Packages of the workspace that it may use.
    may_use: &'static [&'static str],
    /// Outside crates it must not use, including any whose name continues with a hyphen.
    must_not_use: &'static [&'static str],
}

const BOUNDARIES: [Boundary; 11] = [
    Boundary { member: "datasets", may_use: &[], must_not_use: &["clap", "indicatif", "polars"] },
    Boundary { member: "smash/space", may_use: &[], must_not_use: &["burn", "clap", "indicatif", "polars"] },
    Boundary { member: "smash/emulator", may_use: &[], must_not_use: &["burn", "clap", "indicatif", "polars"] },
    Boundary { member: "smash/kernels", may_use: &["smash-space"], must_not_use: &["clap", "indicatif", "polars"] },
    Boundary {
        member: "smash",
        may_use: &["datasets", "smash-kernels", "smash-space"],
        must_not_use: &["clap", "indicatif", "polars"],
    },
    Boundary {
        member: "experiments",
        may_use: &["datasets", "results", "smash"],
        must_not_use: &["pdf-writer", "tiny-skia"],
    },
    Boundary {
        member: "experiments/program",
        may_use: &["experiments", "experiments-label", "results", "smash", "smash-emulator"],
        must_not_use: &["burn"],
    },
    Boundary { member: "experiments/label", may_use: &[], must_not_use: &["burn", "clap", "indicatif", "polars"] },
    Boundary { member: "results", may_use: &[], must_not_use: &["burn", "clap", "indicatif"] },
    Boundary { member: "reports", may_use: &["results", "smash-space"], must_not_use: &["burn"] },
    Boundary {
        member: "xtask",
        may_use: &["experiments-label", "smash-emulator"],
        must_not_use: &["burn", "pdf-writer", "polars", "tiny-skia"],
    },
];

#[test]
fn files_are_tidy() {
    let mut problems = Vec::new();
    for path in files_below(root(), &SKIPPED).unwrap() {
        let extension = path.extension().and_then(|extension| extension.to_str());
        if !matches!(extension, Some("rs" | "toml" | "md")) {
            continue;
        }
        let found = match fs::read_to_string(root().join(&path)) {
            Err(error) => vec![format!("not readable as text: {error}")],
            Ok(text) if extension == Some("rs") => {
                [text_problems(&text), rust_problems(&text), unsafe_problems(&path, &text)].concat()
            }
            Ok(text) => text_problems(&text),
        };
        problems.extend(found.iter().map(|problem| format!("{}: {problem}", path.display())));
    }
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}

#[test]
fn crates_keep_their_boundaries() {
    let manifest = |folder: &str| -> Table {
        let text = fs::read_to_string(root().join(folder).join("Cargo.toml")).unwrap();
        text.parse().unwrap()
    };
    let workspace = manifest("");
    let members = workspace["workspace"]["members"].as_array().unwrap().iter();
    let mut members: Vec<_> = members.map(|member| member.as_str().unwrap()).collect();
    members.sort_unstable();
    let mut known: Vec<_> = BOUNDARIES.iter().map(|boundary| boundary.member).collect();
    known.sort_unstable();
    assert_eq!(members, known, "members of the workspace, and members with a boundary");

    let mut problems = Vec::new();
    for boundary in &BOUNDARIES {
        let found = manifest_problems(boundary, &manifest(boundary.member));
        problems.extend(found.iter().map(|problem| format!("{}/Cargo.toml: {problem}", boundary.member)));
    }
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}

#[test]
fn the_readme_mentions_every_artefact() {
    let definitions = root().join("experiments/definitions");
    if !definitions.is_dir() {
        return;
    }
    let readme = fs::read_to_string(root().join("README.md")).unwrap_or_default();
    let names: Vec<_> = files_below(&definitions, &[])
        .unwrap()
        .iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .filter_map(|path| path.file_stem()?.to_str().map(String::from))
        .collect();
    let missing: Vec<_> = names.iter().filter(|name| !mentions(&readme, name)).collect();
    assert!(missing.is_empty(), "README.md does not mention {missing:?}");
}

fn text_problems(text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    for (line_number, line) in (1..).zip(text.lines()) {
        if line.ends_with([' ', '\t']) {
            problems.push(format!("line {line_number}: trailing white space"));
        }
        for folder in MACHINE_FOLDERS {
            if names_absolute_path(line, folder) {
                problems.push(format!("line {line_number}: a path of one machine, `{folder}`"));
            }
        }
    }
    problems
}

/// Whether the folder begins a path here, rather than being in the middle of a longer one.
fn names_absolute_path(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(start, _)| {
        let before = line[..start].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || "._-~/}".contains(c))
    })
}

fn rust_problems(text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    if !text.starts_with("//!") {
        problems.push("first line: expected `//!` and the subject of the file".into());
    }
    let n_lines = text.lines().count();
    if n_lines > MAX_LINES {
        problems.push(format!("{n_lines} lines, expected at most {MAX_LINES}"));
    }
    for (line_number, line) in (1..).zip(text.lines()) {
        if line.contains('\t') {
            problems.push(format!("line {line_number}: a tab"));
        }
        for fragment in FORBIDDEN {
            if line.contains(fragment) {
                problems.push(format!("line {line_number}: `{fragment}`"));
            }
        }
    }
    problems
}

fn unsafe_problems(path: &Path, text: &str) -> Vec<String> {
    let is_allowed = MAY_BE_UNSAFE.iter().any(|file| path == *file);
    let lines = (1..).zip(text.lines()).filter(|(_, line)| line.contains(UNSAFE) && !is_allowed);
    lines
        .map(|(line_number, _)| format!("line {line_number}: `{UNSAFE}`, expected in {MAY_BE_UNSAFE:?} only"))
        .collect()
}

fn manifest_problems(boundary: &Boundary, manifest: &Table) -> Vec<String> {
    let mut problems = Vec::new();
    for dependency in dependencies(manifest) {
        let is_member = BOUNDARIES.iter().any(|other| other.member.replace('/', "-") == dependency);
        let is_foreign = boundary.must_not_use.iter().any(|foreign| {
            dependency.strip_prefix(foreign).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        });
        if is_foreign || (is_member && !boundary.may_use.contains(&dependency)) {
            problems.push(format!("{} must not depend on {dependency}", boundary.member));
        }
    }
    let package = manifest.get("package");
    for (name, value) in
        [("package.license", package.and_then(|package| package.get("license"))), ("lints", manifest.get("lints"))]
    {
        if value.and_then(|value| value.get("workspace")?.as_bool()) != Some(true) {
            problems.push(format!("expected `{name}.workspace = true`"));
        }
    }
    problems
}

/// Names of the dependencies of every kind: normal, development, build, per target.
fn dependencies(manifest: &Table) -> Vec<&str> {
    let mut names = Vec::new();
    for (section, value) in manifest {
        let Some(table) = value.as_table() else { continue };
        if section.ends_with("dependencies") {
            names.extend(table.keys().map(String::as_str));
        } else {
            names.extend(dependencies(table));
        }
    }
    names
}

/// Whether the text contains the name as a separate word.
fn mentions(text: &str, name: &str) -> bool {
    text.split(|c: char| !c.is_alphanumeric() && c != '-' && c != '_').any(|word| word == name)
}

#[test]
fn a_tidy_file_has_no_problems() {
    let text = "//! One line.\n\nfn main() {}\n";
    assert_eq!([text_problems(text), rust_problems(text)].concat(), Vec::<String>::new());
}

#[test]
fn planted_code_is_found() {
    for fragment in FORBIDDEN {
        let text = format!("//! Subject.\nfn f() {{ {fragment} }}\n");
        assert_eq!(rust_problems(&text), [format!("line 2: `{fragment}`")]);
    }
    assert_eq!(rust_problems("//! Subject.\n\tfn f() {}\n"), ["line 2: a tab"]);
    assert_eq!(rust_problems("fn f() {}\n").len(), 1);
    assert_eq!(rust_problems(&"//! Line.\n".repeat(MAX_LINES)), Vec::<String>::new());
    assert_eq!(rust_problems(&"//! Line.\n".repeat(MAX_LINES + 1)).len(), 1);
}

#[test]
fn planted_unsafe_code_is_found() {
    let text = format!("//! Subject.\n#[{UNSAFE}]\n");
    assert_eq!(unsafe_problems(Path::new("smash/kernels/src/primitive.rs"), &text), Vec::<String>::new());
    assert_eq!(unsafe_problems(Path::new("smash/src/scoring.rs"), &text).len(), 1);
}

#[test]
fn planted_text_is_found() {
    assert_eq!(text_problems("one\ntwo \n"), ["line 2: trailing white space"]);
    for folder in MACHINE_FOLDERS {
        assert_eq!(text_problems(&format!("see `{folder}notes`")).len(), 1, "{folder}");
        assert_eq!(text_problems(&format!("{folder}notes")).len(), 1, "{folder}");
        let inside = format!("https://example.org{folder} some{folder}notes $BASE}}{folder}notes");
        assert_eq!(text_problems(&inside), Vec::<String>::new(), "{folder}");
    }
}

#[test]
fn planted_dependencies_are_found() {
    let boundary = Boundary { member: "reports", may_use: &["results"], must_not_use: &["burn"] };
    let manifest = "[package]\nlicense.workspace = true\n[lints]\nworkspace = true\n";
    let check = |dependencies: &str, expected: &[&str]| {
        let manifest: Table = format!("{manifest}{dependencies}").parse().unwrap();
        let found = manifest_problems(&boundary, &manifest);
        assert_eq!(found, expected, "{dependencies}");
    };
    check("[dependencies]\nresults.workspace = true\nburnish = \"1\"\n", &[]);
    check("[dependencies]\n# burn = \"1\"\n", &[]);
    for dependency in [
        "[dependencies]\nburn = \"1\"\n",
        "[dev-dependencies]\nburn.workspace = true\n",
        "[target.'cfg(unix)'.dependencies]\nburn={ version = \"1\" }\n",
        "[dependencies.burn]\nversion = \"1\"\n",
    ] {
        check(dependency, &["reports must not depend on burn"]);
    }
    check("[dependencies]\nburn-cuda = \"1\"\n", &["reports must not depend on burn-cuda"]);
    check("[dependencies]\nsmash.workspace = true\n", &["reports must not depend on smash"]);
}

#[test]
fn a_manifest_without_the_common_lints_or_licence_is_found() {
    let boundary = Boundary { member: "results", may_use: &[], must_not_use: &[] };
    assert_eq!(
        manifest_problems(&boundary, &"[package]\nlicense = \"MIT\"\n".parse().unwrap()),
        ["expected `package.license.workspace = true`", "expected `lints.workspace = true`",]
    );
}

#[test]
fn a_name_is_mentioned_only_as_a_whole_word() {
    assert!(mentions("`cargo xtask reproduce fig4`.", "fig4"));
    assert!(mentions("| [crippled-hypernet](a.svg) |", "crippled-hypernet"));
    assert!(!mentions("fig4b and fig4-small", "fig4"));
}

//! Notices of the packages of other people that the programs are built from: names, versions, licences and their texts.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use walkdir::WalkDir;

use crate::process::{Gpu, cargo};

/// The packages whose programs are packed.
const PROGRAMS: [&str; 2] = ["experiments-program", "reports"];

/// Starts of the names of files that hold a licence or a notice.
const STARTS: [&str; 6] = ["LICENSE", "LICENCE", "UNLICENSE", "COPYING", "COPYRIGHT", "NOTICE"];

/// Extensions of files of these names that hold code.
const CODE: [&str; 7] = ["c", "h", "json", "py", "rs", "sh", "toml"];

/// The notices of the programs, with or without the CUDA backend.
///
/// # Errors
/// If cargo cannot describe the packages, or a file cannot be read.
pub fn text(gpu: Gpu) -> Result<String> {
    notices(&linked(&metadata(gpu)?)?)
}

/// The description that cargo gives of all packages.
fn metadata(gpu: Gpu) -> Result<Value> {
    let mut command = cargo()?;
    command.args(["metadata", "--format-version", "1", "--locked", "--filter-platform", &platform()?]);
    command.args(gpu.features());
    Ok(serde_json::from_slice(&output(&mut command)?)?)
}

/// The platform that cargo builds for.
fn platform() -> Result<String> {
    let version = String::from_utf8(output(cargo()?.arg("-vV"))?)?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).context("cargo -vV: expected a line `host: `")
}

fn output(command: &mut Command) -> Result<Vec<u8>> {
    let output = command.output().context("cargo: cannot be started")?;
    ensure!(output.status.success(), "cargo: {}", String::from_utf8_lossy(&output.stderr).trim_end());
    Ok(output.stdout)
}

/// The packages of other people that the programs depend on, by name and version. Packages for builds and tests alone are left
/// out.
fn linked(metadata: &Value) -> Result<Vec<&Value>> {
    let list =
        |value: &Value, name: &str| value.as_array().cloned().with_context(|| format!("cargo metadata: no `{name}`"));
    let packages = metadata["packages"].as_array().context("cargo metadata: no `packages`")?;
    let mut needs: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for node in list(&metadata["resolve"]["nodes"], "nodes")? {
        let is_linked = |need: &&Value| {
            need["dep_kinds"].as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind["kind"].is_null()))
        };
        let needed = list(&node["deps"], "deps")?;
        let needed = needed.iter().filter(is_linked).filter_map(|need| Some(need["pkg"].as_str()?.to_owned()));
        needs.insert(node["id"].as_str().unwrap_or_default().to_owned(), needed.collect());
    }
    let is_program = |package: &&Value| {
        package["source"].is_null() && package["name"].as_str().is_some_and(|name| PROGRAMS.contains(&name))
    };
    let id = |package: &Value| package["id"].as_str().unwrap_or_default().to_owned();
    let mut open: Vec<String> = packages.iter().filter(is_program).map(id).collect();
    let mut found = BTreeSet::new();
    while let Some(next) = open.pop() {
        open.extend(needs.get(&next).into_iter().flatten().filter(|need| !found.contains(*need)).cloned());
        found.insert(next);
    }
    let mut linked: Vec<&Value> =
        packages.iter().filter(|package| !package["source"].is_null() && found.contains(&id(package))).collect();
    linked.sort_by_key(|package| name(package));
    Ok(linked)
}

/// Name and version of a package.
fn name(package: &Value) -> String {
    format!("{} {}", package["name"].as_str().unwrap_or("?"), package["version"].as_str().unwrap_or("?"))
}

/// A line for each package, then each text of a licence, once for all packages that share it.
fn notices(packages: &[&Value]) -> Result<String> {
    let mut notices = "The programs `experiments` and `reports` are built from these packages of other people, and from the standard library\n\
         of Rust (MIT OR Apache-2.0, https://github.com/rust-lang/rust). Their licences follow.\n\n"
        .to_owned();
    let mut owners: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for package in packages {
        let word = |key: &str, missing: &str| package[key].as_str().unwrap_or(missing).to_owned();
        let manifest = word("manifest_path", "");
        let folder = Path::new(&manifest).parent().context("cargo metadata: no folder of a package")?;
        let texts = texts(folder)?;
        let remark = if texts.is_empty() { "; its sources hold no text of the licence" } else { "" };
        let (licence, place) = (word("license", "see the text"), word("repository", "crates.io"));
        notices.push_str(&format!("{}: {licence}, {place}{remark}\n", name(package)));
        for text in texts {
            owners.entry(text).or_default().push(name(package));
        }
    }
    let mut owners: Vec<(Vec<String>, String)> = owners.into_iter().map(|(text, owners)| (owners, text)).collect();
    owners.sort();
    for (owners, text) in owners {
        notices.push_str(&format!("\n{}\n{}\n\n{text}\n", "=".repeat(80), owners.join(", ")));
    }
    Ok(notices)
}

/// The texts of licences and notices below the folder of a package. Code of other people in it has its own.
fn texts(folder: &Path) -> Result<BTreeSet<String>> {
    let mut texts = BTreeSet::new();
    for entry in WalkDir::new(folder) {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().to_uppercase();
        let is_code = entry.path().extension().is_some_and(|extension| CODE.iter().any(|code| extension == *code));
        if entry.file_type().is_file() && !is_code && STARTS.iter().any(|start| name.starts_with(start)) {
            let bytes = fs::read(entry.path()).with_context(|| entry.path().display().to_string())?;
            texts.insert(String::from_utf8_lossy(&bytes).replace("\r\n", "\n").trim_end().to_owned());
        }
    }
    Ok(texts)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn linked_packages_are_named_once_with_the_texts_that_they_share() {
        let folder = tempfile::tempdir().unwrap();
        let package = |name: &str, is_own: bool| {
            let own = folder.path().join(name);
            fs::create_dir_all(own.join("bundled")).unwrap();
            json!({"id": name, "name": name, "version": "1.0.0", "license": "MIT", "manifest_path": own.join("Cargo.toml"),
                "source": if is_own { Value::Null } else { json!("registry") }})
        };
        let need = |name: &str, kind: Value| json!({"pkg": name, "dep_kinds": [{"kind": kind}]});
        let metadata = json!({
            "packages": [
                package("experiments-program", true), package("results", true), package("b", false), package("a", false),
                package("silent", false), package("test-only", false), package("build-only", false), package("other", false),
            ],
            "resolve": {"nodes": [
                {"id": "experiments-program", "deps": [need("results", Value::Null), need("test-only", json!("dev")), need("a", Value::Null)]},
                {"id": "results", "deps": [need("b", Value::Null), need("build-only", json!("build"))]},
                {"id": "a", "deps": [need("b", Value::Null), need("silent", Value::Null)]},
                {"id": "b", "deps": [need("a", Value::Null)]},
            ]},
        });
        for (place, text) in [
            ("a/LICENSE-MIT", "shared\r\ntext\n"),
            ("b/licence.txt", "shared\ntext"),
            ("b/bundled/COPYING", "of C"),
            ("b/license.rs", "no"),
        ] {
            fs::write(folder.path().join(place), text).unwrap();
        }
        let notices = notices(&linked(&metadata).unwrap()).unwrap();
        let (_, listed) = notices.split_once("follow.\n\n").unwrap();
        let rule = "=".repeat(80);
        let expected = format!(
            "a 1.0.0: MIT, crates.io\nb 1.0.0: MIT, crates.io\n\
             silent 1.0.0: MIT, crates.io; its sources hold no text of the licence\n\
             \n{rule}\na 1.0.0, b 1.0.0\n\nshared\ntext\n\n{rule}\nb 1.0.0\n\nof C\n"
        );
        assert_eq!(listed, expected);
    }

    #[test]
    fn the_packages_of_the_programs_are_found() {
        let metadata = metadata(Gpu::Without).unwrap();
        let names: Vec<&str> =
            linked(&metadata).unwrap().iter().filter_map(|package| package["name"].as_str()).collect();
        for expected in ["burn", "libmimalloc-sys", "plotters", "polars-io", "serde", "tiny-skia"] {
            assert!(names.contains(&expected), "{expected}: {names:?}");
        }
        for other in ["criterion", "experiments-program", "proptest", "smash"] {
            assert!(!names.contains(&other), "{other}");
        }
    }
}

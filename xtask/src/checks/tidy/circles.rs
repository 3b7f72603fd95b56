//! No two files of a package use each other, not even by way of others: a reader can start with the files that use none.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::checks::tables::files_below;
use crate::process::root;

/// Folders of the packages.
const PACKAGES: [&str; 8] =
    ["datasets", "experiments", "reports", "results", "smash", "smash/kernels", "smash/space", "xtask"];

/// The path of a module below its package, such as `["store", "files"]`; empty for `lib.rs`.
type Module = Vec<String>;

/// The modules that each module uses.
type Uses = BTreeMap<Module, BTreeSet<Module>>;

#[test]
fn no_files_use_each_other_in_a_circle() {
    let mut circles = Vec::new();
    for package in PACKAGES {
        let uses = uses_of(&root().join(package).join("src"));
        assert!(uses.values().any(|used| !used.is_empty()), "{package}: no `use` was read");
        circles.extend(circle(&uses).map(|circle| format!("{package}: {circle}")));
    }
    assert!(circles.is_empty(), "\n{}\n", circles.join("\n"));
}

/// Reads the `use` items of all files below a folder. Tests at the end of a file may use what they like.
fn uses_of(folder: &Path) -> Uses {
    let files = files_below(folder, &[]).unwrap();
    let rust = files.iter().filter(|path| path.extension().is_some_and(|e| e == "rs"));
    let texts: BTreeMap<Module, String> =
        rust.map(|path| (module_of(path), fs::read_to_string(folder.join(path)).unwrap())).collect();
    let uses = texts.iter().map(|(module, text)| {
        let used = used_paths(module, text).into_iter().filter_map(|path| owner(&path, &texts));
        (module.clone(), used.filter(|used| used != module).collect())
    });
    uses.collect()
}

fn module_of(path: &Path) -> Module {
    let path = path.with_extension("");
    let parts = path.iter().map(|part| part.to_string_lossy().into_owned());
    parts.filter(|part| part != "lib" && part != "mod").collect()
}

/// The module that holds the item of a path: the longest beginning that is a file. A module's own items do not count as
/// the use of the files below it.
fn owner(path: &[String], texts: &BTreeMap<Module, String>) -> Option<Module> {
    let beginnings = (1..=path.len()).rev().map(|length| path[..length].to_vec());
    beginnings.into_iter().find(|beginning| texts.contains_key(beginning))
}

/// The paths of the `use` items from `crate` and `super`, as modules below the package with the item last.
fn used_paths(module: &Module, text: &str) -> Vec<Module> {
    let code = text.split("#[cfg(test)]").next().expect("a text has a beginning");
    let lines: Vec<&str> = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let mut paths = Vec::new();
    for item in lines.join("\n").split("use ").skip(1) {
        let item = item.split(';').next().expect("an item has a beginning");
        for path in expanded(item) {
            let mut parts: Vec<String> = path.split("::").map(|part| part.trim().to_owned()).collect();
            let mut base = match parts.remove(0).as_str() {
                "crate" => Vec::new(),
                "super" => module[..module.len().saturating_sub(1)].to_vec(),
                _ => continue,
            };
            while parts.first().is_some_and(|part| part == "super") {
                parts.remove(0);
                base.pop();
            }
            let names = parts.iter().map(|part| part.split(" as ").next().unwrap_or(part).to_owned());
            paths.push(base.into_iter().chain(names.filter(|name| name != "self")).collect());
        }
    }
    paths
}

/// `a::{b, c::{d, e}}` as `a::b`, `a::c::d` and `a::c::e`.
fn expanded(item: &str) -> Vec<String> {
    let Some((start, rest)) = item.split_once('{') else {
        return vec![item.trim().to_owned()];
    };
    let inner = rest.rsplit_once('}').map_or(rest, |(inner, _)| inner);
    let (mut parts, mut depth) = (vec![String::new()], 0);
    for letter in inner.chars() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        parts.last_mut().expect("one at least").push(letter);
    }
    let parts = parts.iter().filter(|part| !part.trim().is_empty());
    parts.flat_map(|part| expanded(part)).map(|part| format!("{}{part}", start.trim())).collect()
}

/// A circle in words, if there is one.
fn circle(uses: &Uses) -> Option<String> {
    let mut left = uses.clone();
    // A module that uses none of those that are left is on no circle.
    while let Some(free) = left.iter().find(|(_, used)| used.is_empty()).map(|(module, _)| module.clone()) {
        left.remove(&free);
        left.values_mut().for_each(|used| {
            used.remove(&free);
        });
    }
    let mut path: Vec<&Module> = vec![left.keys().next()?];
    loop {
        let next = left[*path.last()?].first()?;
        if let Some(start) = path.iter().position(|module| *module == next) {
            let names = path[start..].iter().chain([&next]).map(|module| module.join("/"));
            return Some(names.collect::<Vec<_>>().join(" uses "));
        }
        path.push(next);
    }
}

#[test]
fn a_circle_is_found_by_way_of_others_and_groups() {
    let module = |name: &str| -> Module { name.split('/').map(String::from).collect() };
    let texts = [
        ("a", "use crate::b::{self, C};\nuse std::fs;"),
        ("b", "use super::room::{one::{X, Y}, two::Z as Q};\n// use crate::a::X;"),
        ("room/one", "use crate::d;\n#[cfg(test)]\nmod tests {\n    use crate::a::A;\n}"),
        ("room/two", "use std::{fmt,\n    io};"),
        ("d", ""),
    ];
    let with = |change: Option<(&str, &str)>| -> Uses {
        let texts: BTreeMap<Module, String> =
            texts.iter().copied().chain(change).map(|(name, text)| (module(name), text.to_owned())).collect();
        let used = |(module, text): (&Module, &String)| {
            let owners = used_paths(module, text).into_iter().filter_map(|path| owner(&path, &texts));
            (module.clone(), owners.collect())
        };
        texts.iter().map(used).collect()
    };
    let uses = with(None);
    assert_eq!(uses[&module("b")], BTreeSet::from([module("room/one"), module("room/two")]));
    assert_eq!(circle(&uses), None);
    let found = circle(&with(Some(("d", "pub use crate::a::A;")))).unwrap();
    assert_eq!(found, "a uses b uses room/one uses d uses a");
}

//! The data sets that a run used, in place of those that the words of its definition name.
//!
//! A definition speaks of the paper's data, and smaller scales run it on other data. A reader sees the name of the data that were
//! used.

use results::Manifest;

/// Data sets by their names on the command line, and as the paper writes them.
const WRITTEN: [(&str, &str); 5] = [
    ("cifar10", "CIFAR-10"),
    ("cifar100", "CIFAR-100"),
    ("stl10", "STL-10"),
    ("imagenet32", "ImageNet32x32"),
    ("modelnet10", "ModelNet10"),
];

/// A name that stands for two of them.
const EITHER_CIFAR: &str = "CIFAR";

/// Words about a whole run. A name of a set that the run did not use becomes the set that it trained on.
pub(crate) fn of_run(manifest: &Manifest, words: &str) -> String {
    let sets = [&manifest.dataset].into_iter().chain(&manifest.other_datasets);
    let used: Vec<&str> = sets.map(|set| written(&set.name)).collect();
    with_sets(words, |name| if used.contains(&name) { name } else { used[0] })
}

/// Words about a search, or about a system that it found. Any name of a set becomes the set that the search used.
pub(crate) fn of_search(manifest: &Manifest, search: &str, words: &str) -> String {
    let used = searched_on(manifest, search);
    with_sets(words, |_| &used)
}

/// The data set of a search, with the size of its images if the definition has one: `shapes 16x16`.
pub(crate) fn searched_on(manifest: &Manifest, search: &str) -> String {
    let study = manifest.definition.get("study");
    let searches = study.and_then(|study| study.get("searches")?.as_array());
    let named = |one: &&toml::Value| one.get("name").and_then(toml::Value::as_str) == Some(search);
    let own = searches.and_then(|searches| searches.iter().find(named)?.get("data"));
    let data = own.or_else(|| study?.get("data"));
    let name = data.and_then(|data| data.get("name")?.as_str()).unwrap_or(&manifest.dataset.name);
    match data.and_then(|data| data.get("image-size")?.as_integer()) {
        Some(size) => format!("{} {size}x{size}", written(name)),
        None => written(name).to_owned(),
    }
}

/// The name of a data set in words.
fn written(name: &str) -> &str {
    WRITTEN.iter().find(|(known, _)| *known == name).map_or(name, |(_, written)| written)
}

/// The words with another name in place of each name of a data set.
fn with_sets<'a>(words: &str, other: impl Fn(&'static str) -> &'a str) -> String {
    let (mut text, mut rest) = (String::new(), words);
    while let Some((start, name)) = first_set(rest) {
        text += &rest[..start];
        text += other(name);
        rest = &rest[start + name.len()..];
    }
    text + rest
}

/// The place and the name of the first data set in some words. The longest name counts if several begin there.
fn first_set(words: &str) -> Option<(usize, &'static str)> {
    let names = WRITTEN.iter().map(|(_, written)| *written).chain([EITHER_CIFAR]);
    let found = names.filter_map(|name| Some((words.find(name)?, name)));
    found.min_by_key(|(start, name)| (*start, usize::MAX - name.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_name_of_a_set_is_replaced() {
        let replaced = |words| with_sets(words, |_| "shapes");
        assert_eq!(replaced("Error on CIFAR, from CIFAR-100 and CIFAR-10"), "Error on shapes, from shapes and shapes");
        assert_eq!(replaced("Error on ImageNet32x32"), "Error on shapes");
        assert_eq!(replaced("SMASHv2 (3x3)"), "SMASHv2 (3x3)");
        assert_eq!([written("cifar100"), written("solids")], ["CIFAR-100", "solids"]);
    }
}

//! The parts that a definition takes from another one.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, anyhow, bail, ensure};
use serde::Deserialize;

use crate::settings::library::Library;
use crate::settings::overlay::{merge, named};

/// Key of the parts of a scale's overlay that are for single data sets.
pub const ON: &str = "on";

/// The table of a definition, with the parts that it takes from other definitions. These may take parts themselves.
///
/// # Errors
/// Text that is not TOML, or parts that do not exist.
pub fn table(text: &str, library: Library<'_>) -> Result<toml::Table> {
    with_taken(text, library, &[])
}

/// As [`table`], for a definition that the definitions of a chain take parts from.
fn with_taken(text: &str, library: Library<'_>, chain: &[&str]) -> Result<toml::Table> {
    let mut table: toml::Table = toml::from_str(text).map_err(|error: toml::de::Error| {
        // TOML's error has the place in its first line, then an excerpt. The reason follows.
        let text = error.to_string();
        anyhow!("{}: {}", text.lines().next().unwrap_or_default(), error.message().replace('\n', " "))
    })?;
    let Some(takes) = table.remove("takes") else {
        return Ok(table);
    };
    let takes: Takes =
        takes.try_into().map_err(|error| anyhow!("`takes`: {}", error.to_string().trim().replace('\n', " ")))?;
    let from = takes.from.as_str();
    let longer = [chain, &[from]].concat();
    ensure!(!chain.contains(&from), "`takes.from`: the definitions take parts in a circle: {}", longer.join(", "));
    let source = library.find(from).context("`takes.from`")?;
    let mut inherited = takes.table(&with_taken(&source.text, library, &longer).context(source.place)?)?;
    merge(&mut inherited, table);
    Ok(inherited)
}

/// Parts of the study that a definition takes from another one, at all scales. Its own settings override them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Takes {
    from: String,
    parts: Vec<String>,
    /// Which entries to take from lists whose entries have a `name`. Each entry is copied once for each of the names that it gets
    /// here. If not given, all entries are taken under their own names.
    entries: Option<BTreeMap<String, Vec<String>>>,
}

impl Takes {
    fn table(&self, other: &toml::Table) -> Result<toml::Table> {
        let mut missing: BTreeSet<&String> = self.parts.iter().collect();
        let mut unused: BTreeSet<&str> = self.entries.iter().flatten().map(|(name, _)| name.as_str()).collect();
        let mut parts_of = |table: &toml::Table| {
            let study = table.get("study").and_then(toml::Value::as_table);
            let parts = self.parts.iter().filter_map(|part| {
                let settings = study?.get(part)?.clone();
                missing.remove(part);
                for name in settings.as_array().into_iter().flatten().filter_map(named) {
                    unused.remove(name);
                }
                Some((part.clone(), self.chosen(settings)))
            });
            toml::Table::from_iter([("study".to_string(), toml::Value::Table(parts.collect()))])
        };
        let mut table = parts_of(other);
        let scales = other.get("scale").and_then(toml::Value::as_table).into_iter().flatten();
        let scales = scales.filter_map(|(scale, overlay)| {
            let overlay = overlay.as_table()?;
            let mut parts = parts_of(overlay);
            let on = overlay.get(ON).and_then(toml::Value::as_table).into_iter().flatten();
            let on = on.filter_map(|(name, overlay)| Some((name.clone(), parts_of(overlay.as_table()?).into())));
            let on = toml::Table::from_iter(on);
            if !on.is_empty() {
                parts.insert(ON.to_string(), on.into());
            }
            Some((scale.clone(), toml::Value::Table(parts)))
        });
        table.insert("scale".to_string(), toml::Value::Table(scales.collect()));
        if let Some(part) = missing.first() {
            bail!("`takes.parts`: the study of `{}` has no `{part}` at any scale", self.from);
        }
        if let Some(entry) = unused.first() {
            bail!("`takes.entries`: no list that is taken from `{}` has an entry `{entry}` at any scale", self.from);
        }
        Ok(table)
    }

    fn chosen(&self, settings: toml::Value) -> toml::Value {
        let (toml::Value::Array(list), Some(entries)) = (&settings, &self.entries) else {
            return settings;
        };
        let copies = |entry: &toml::Value| -> Vec<toml::Value> {
            let names = named(entry).and_then(|name| entries.get(name));
            let copy = |name: &String| {
                let mut copy = entry.clone();
                if let Some(table) = copy.as_table_mut() {
                    table.insert("name".into(), name.clone().into());
                }
                copy
            };
            names.into_iter().flatten().map(copy).collect()
        };
        list.iter().flat_map(copies).collect::<Vec<_>>().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn taken_entries_are_copied_under_the_names_they_get() {
        let parse = |text| toml::from_str::<toml::Table>(text).unwrap();
        let takes = "from = 'fig4'\nparts = ['list']\nentries = { b = ['x', 'y'] }";
        let takes: Takes = toml::from_str(takes).unwrap();
        let list = parse("list = [{ name = 'a' }, { name = 'b', v = 1 }]").remove("list").unwrap();
        let expected = parse("list = [{ name = 'x', v = 1 }, { name = 'y', v = 1 }]");
        assert_eq!(takes.chosen(list), expected["list"]);
    }

    #[test]
    fn files_of_the_folder_give_parts_too_but_not_in_a_circle() {
        let folder = tempfile::tempdir().unwrap();
        let library = Library { folder: Some(folder.path()) };
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("first.toml", "[takes]\nfrom = 'fig4'\nparts = ['space']\n[study]\nscored = 7");
        let taken = table("[takes]\nfrom = 'first'\nparts = ['scored', 'space']", library).unwrap();
        assert_eq!(taken["study"]["scored"].as_integer(), Some(7));
        assert_eq!(taken["study"]["space"]["base-channels"].as_integer(), Some(6));
        assert_eq!(taken["scale"]["smoke"]["study"]["space"]["base-channels"].as_integer(), Some(2));

        write("second.toml", "[takes]\nfrom = 'third'\nparts = ['data']");
        write("third.toml", "[takes]\nfrom = 'second'\nparts = ['data']");
        for (text, expected) in [
            ("[takes]\nfrom = 'second'\nparts = ['data']", "circle: second, third, second"),
            ("[takes]\nfrom = 'fig4'\nparts = ['spice']", "the study of `fig4` has no `spice`"),
            (
                "[takes]\nfrom = 'appendix-e'\nparts = ['searches']\nentries = { SMASHv2 = ['a'], SMASHv3 = ['b'] }",
                "`takes.entries`: no list that is taken from `appendix-e` has an entry `SMASHv3`",
            ),
            ("[takes]\nfrom = 'fig9'\nparts = []", "`takes.from`: unknown artefact `fig9`"),
            ("[takes]\nform = 'fig4'\nparts = []", "unknown field `form`"),
            ("title = 'a'\nstudy = { kind 3 }", "line 2"),
        ] {
            let error = format!("{:#}", table(text, library).unwrap_err());
            assert!(error.contains(expected) && error.lines().count() == 1, "{error}");
        }
    }
}

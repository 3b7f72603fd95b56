//! Merging TOML tables: a definition, the overlay of a scale, and single settings.

/// Merges an overlay into a table. Tables are merged, and so are lists whose entries have a `name`, by that name. Any other value
/// replaces the old one, as an empty list does.
pub fn merge(base: &mut toml::Table, overlay: toml::Table) {
    for (key, value) in overlay {
        match (base.get_mut(&key), value) {
            (Some(toml::Value::Table(inner)), toml::Value::Table(part)) => merge(inner, part),
            (Some(toml::Value::Array(inner)), toml::Value::Array(part))
                if !part.is_empty() && part.iter().all(|entry| named(entry).is_some()) =>
            {
                merge_by_name(inner, part);
            }
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

/// The `name` of an entry of a list, if the entry is a table that has one.
pub fn named(entry: &toml::Value) -> Option<&str> {
    entry.as_table()?.get("name")?.as_str()
}

fn merge_by_name(base: &mut Vec<toml::Value>, overlay: Vec<toml::Value>) {
    for entry in overlay {
        let known = base.iter_mut().find(|known| named(known) == named(&entry));
        match (known.and_then(toml::Value::as_table_mut), entry) {
            (Some(known), toml::Value::Table(entry)) => merge(known, entry),
            (_, entry) => base.push(entry),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_named_entries_are_merged_by_name() {
        let parse = |text| toml::from_str::<toml::Table>(text).unwrap();
        let mut base =
            parse("list = [{ name = 'a', x = 1, y = 2 }, { name = 'b', x = 3 }]\nplain = [1, 2]\nempty = [1]");
        merge(&mut base, parse("list = [{ name = 'b', x = 4 }, { name = 'c' }]\nplain = [3]\nempty = []"));
        let expected =
            "list = [{ name = 'a', x = 1, y = 2 }, { name = 'b', x = 4 }, { name = 'c' }]\nplain = [3]\nempty = []";
        assert_eq!(base, parse(expected));
    }
}

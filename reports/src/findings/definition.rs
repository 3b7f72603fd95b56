//! Parts of a run's definition that reports read.

use anyhow::{Context, Result};
use results::store::Group;
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// A part of a group's definition; `None` if it has no such key.
///
/// # Errors
/// If the part is malformed. The error names the manifest and the key.
pub(crate) fn part<T: DeserializeOwned>(group: &Group, name: &str) -> Result<Option<T>> {
    let value = group.manifest().definition.get(name).cloned();
    value.map(toml::Value::try_into).transpose().with_context(|| place(group, name))
}

/// Where a part of a group's definition stands: the manifest and the key.
pub(crate) fn place(group: &Group, name: &str) -> String {
    let path = group.runs[0].dir.manifest_path();
    format!("{}: the definition's `{name}`", path.display())
}

/// The name of the kind of a group's study; `None` without a study.
///
/// # Errors
/// If the study is malformed.
pub(crate) fn kind_of_study(group: &Group) -> Result<Option<String>> {
    #[derive(Deserialize)]
    struct Study {
        kind: String,
    }
    Ok(part::<Study>(group, "study")?.map(|study| study.kind))
}

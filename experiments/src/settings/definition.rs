//! Definitions of artefacts: TOML at the paper's settings, with an overlay for each other scale.

use std::str::FromStr;

use anyhow::{Context, Result, bail, ensure};
use datasets::{KNOWN_DATA_SETS, kind_and_path};
use results::store::manifest::{check_levels, deciding_part};
use results::summaries::figure::FigureDefinition;
use serde::{Deserialize, Serialize};

use crate::settings::bounds;
use crate::settings::library::{Library, Source};
use crate::settings::overlay::merge;
use crate::settings::studies::Study;
use crate::settings::takes::{self, ON};

/// The size of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Runs every code path in seconds.
    Smoke,
    /// Gives a result worth reading in at most half an hour on two cores.
    Laptop,
    /// Takes about an hour on one data-centre GPU.
    Gpu,
    /// Uses the paper's own numbers.
    Paper,
}

impl Scale {
    /// All scales, from the smallest.
    pub const ALL: [Self; 4] = [Self::Smoke, Self::Laptop, Self::Gpu, Self::Paper];

    /// Name as on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Smoke => "smoke",
            Self::Laptop => "laptop",
            Self::Gpu => "gpu",
            Self::Paper => "paper",
        }
    }
}

impl FromStr for Scale {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|scale| scale.name() == text);
        found.ok_or_else(|| "expected smoke, laptop, gpu or paper".to_string())
    }
}

/// An artefact at one scale.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    /// The title, in one line.
    pub title: String,
    /// Place in the paper.
    pub paper: String,
    /// The paper's statement, in a sentence or two.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statement: Option<String>,
    /// Prose for the report.
    pub analysis: String,
    /// The artefact whose scores and correlation the report shows beside this artefact's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compared_with: Option<String>,
    /// Whether the report compares fronts of error and multiply-adds, of a correlation study with predictors.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fronts: bool,
    /// The claims, which are checked by machine. A definition may have none.
    #[serde(default, rename = "claim", skip_serializing_if = "results::Claims::is_empty")]
    pub claims: results::Claims,
    /// The figure, if there is one. It is kept as it was written, for the reports.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub figure: Option<toml::Table>,
    /// The study to run.
    pub study: Study,
}

impl Library<'_> {
    /// The definition of an artefact with the overlay of a scale. The settings of the command line override both: `KEY=VALUE` in
    /// TOML, such as `study.data.train=100`.
    ///
    /// # Errors
    /// An unknown artefact, or a definition with an unknown or missing key; the error names file and place.
    pub fn load(self, name: &str, scale: Scale, set: &[String]) -> Result<Definition> {
        let Source { mut place, text } = self.find(name)?;
        for setting in set {
            place += &format!(" with --set {setting}");
        }
        self.parse(&text, scale, set).context(place)
    }

    /// Loads the definition at every scale, because lists, plans and manifests read it at several. It does so for each data set
    /// that the scale has settings for, too.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn load_at_all_scales(self, name: &str) -> Result<()> {
        let Source { place, text } = self.find(name)?;
        let table = takes::table(&text, self).with_context(|| place.clone())?;
        for scale in Scale::ALL {
            resolved(table.clone(), scale, &[]).with_context(|| place.clone())?;
            let on = table.get("scale").and_then(|scales| scales.get(scale.name())?.get(ON)?.as_table());
            for data_set in on.into_iter().flat_map(toml::Table::keys) {
                let set = format!("study.data.name = {}", toml::Value::from(data_set.as_str()));
                resolved(table.clone(), scale, &[set])
                    .with_context(|| format!("{place}: `scale.{}.{ON}.{data_set}`", scale.name()))?;
            }
        }
        Ok(())
    }

    /// Parses the text of a definition and merges the overlay of a scale and single settings, `KEY=VALUE` in TOML, into it. The
    /// overlay of a scale may have parts for single data sets: `[scale.laptop.on.cifar100.study.data]`.
    ///
    /// # Errors
    /// Text that is no definition; the error names the key.
    pub fn parse(self, text: &str, scale: Scale, set: &[String]) -> Result<Definition> {
        resolved(takes::table(text, self)?, scale, set)
    }
}

/// A built-in definition; see [`Library::load`].
///
/// # Errors
/// As [`Library::load`].
pub fn load(name: &str, scale: Scale, set: &[String]) -> Result<Definition> {
    Library::default().load(name, scale, set)
}

/// A definition that takes parts of built-in ones only; see [`Library::parse`].
///
/// # Errors
/// As [`Library::parse`].
pub fn parse(text: &str, scale: Scale, set: &[String]) -> Result<Definition> {
    Library::default().parse(text, scale, set)
}

/// The definition in a table that has all the parts it takes.
fn resolved(mut table: toml::Table, scale: Scale, set: &[String]) -> Result<Definition> {
    let mut scales = match table.remove("scale") {
        Some(toml::Value::Table(scales)) => scales,
        Some(_) => bail!("`scale` must be a table"),
        None => toml::Table::new(),
    };
    if let Some(unknown) = scales.keys().find(|key| Scale::from_str(key).is_err()) {
        bail!("`scale.{unknown}`: expected smoke, laptop, gpu or paper");
    }
    scales.iter().try_for_each(|(scale, overlay)| check_data_sets(scale, overlay))?;
    let mut on = toml::Table::new();
    match scales.remove(scale.name()) {
        Some(toml::Value::Table(mut overlay)) => {
            on = match overlay.remove(ON) {
                Some(toml::Value::Table(on)) => on,
                Some(_) => bail!("`scale.{}.{ON}` must be a table", scale.name()),
                None => on,
            };
            merge(&mut table, overlay);
        }
        Some(_) => bail!("`scale.{}` must be a table", scale.name()),
        None => {}
    }
    let mut settings = toml::Table::new();
    for setting in set {
        // The error omits TOML's excerpt of the place, which takes several lines for these few words.
        let setting = toml::from_str(setting).map_err(|error: toml::de::Error| {
            anyhow::anyhow!("`{setting}` is not KEY=VALUE in TOML, with quotes around text: {}", error.message())
        })?;
        merge(&mut settings, setting);
    }
    match data_set(&settings).or(data_set(&table)).and_then(|name| on.remove(name)) {
        Some(toml::Value::Table(overlay)) => merge(&mut table, overlay),
        Some(_) => bail!("`scale.{}.{ON}` must hold tables", scale.name()),
        None => {}
    }
    merge(&mut table, settings);
    check_levels(&table).map_err(anyhow::Error::msg)?;
    if let Some(study) = table.get("study") {
        bounds::check_unparsed("study", study)?;
    }
    let kind_of_study = table.get("study").and_then(|study| study.get("kind")?.as_str()).unwrap_or_default().to_owned();
    let mut definition: Definition = toml::Value::Table(table)
        .try_into()
        // The error is put on one line: TOML puts the place on another.
        .map_err(|error| anyhow::anyhow!("{}", error.to_string().trim().replace('\n', " ")))?;
    definition.study.validate()?;
    definition.study.quote_for_data_set();
    let has_predictors = matches!(&definition.study, Study::Correlation(study) if !study.predictors.is_empty());
    ensure!(!definition.fronts || has_predictors, "`fronts` belongs to correlation studies with predictors");
    if let Some(figure) = &definition.figure {
        check_figure(figure, &kind_of_study)?;
    }
    Ok(definition)
}

/// Checks the names of the data sets that a scale has settings for.
fn check_data_sets(scale: &str, overlay: &toml::Value) -> Result<()> {
    let on = overlay.get(ON).and_then(toml::Value::as_table).into_iter().flat_map(toml::Table::keys);
    for name in on {
        ensure!(
            KNOWN_DATA_SETS.contains(&name.as_str()) || kind_and_path(name).is_some(),
            "`scale.{scale}.{ON}.{name}`: unknown data set; known: {}, folder:DIR, npz:FILE",
            KNOWN_DATA_SETS.join(", ")
        );
    }
    Ok(())
}

/// Checks that the reports can draw the figure; otherwise a run would end before its definition is refused.
fn check_figure(figure: &toml::Table, kind_of_study: &str) -> Result<()> {
    let figure: FigureDefinition = figure
        .clone()
        .try_into()
        .map_err(|error| anyhow::anyhow!("`figure`: {}", error.to_string().trim().replace('\n', " ")))?;
    figure.check().map_err(|problem| anyhow::anyhow!("`figure`: {problem}"))?;
    let studies = figure.kind.studies();
    ensure!(
        studies.contains(&kind_of_study),
        "`figure.kind`: it shows a study of kind {}, not of kind `{kind_of_study}`",
        studies.join(" or ")
    );
    Ok(())
}

/// The name of the data set that a table of settings gives.
fn data_set(table: &toml::Table) -> Option<&str> {
    table.get("study")?.get("data")?.get("name")?.as_str()
}

impl Definition {
    /// The resolved definition as TOML.
    pub fn to_table(&self) -> toml::Table {
        toml::Table::try_from(self).expect("a definition is plain data")
    }

    /// SHA-256 of the part of the resolved definition that decides the tables, in hexadecimal.
    pub fn hash(&self) -> String {
        hash_of(&self.to_table())
    }
}

fn hash_of(definition: &toml::Table) -> String {
    let text = toml::to_string(&deciding_part(definition)).expect("a definition is plain data");
    crate::provenance::sha256(text.as_bytes())
}

#[cfg(test)]
mod tests;

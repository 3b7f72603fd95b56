//! Compares two results by their manifests: whether they are comparable, and their costs.

use std::collections::BTreeSet;
use std::fmt;

use crate::store::manifest::{Manifest, deciding_part};

/// Aspects that two results must share to be comparable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aspect {
    /// The artefact.
    Artefact,
    /// The scale.
    Scale,
    /// Every key of the resolved definition that decides scores and true errors.
    Definition,
    /// Name, size and digest of the data sets.
    Data,
    /// The kind of device.
    Device,
    /// Root seeds and sampled architectures.
    Sampling,
    /// Data for which the statistic is defined.
    Statistic,
}

impl Aspect {
    /// Its name for people and programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Artefact => "artefact",
            Self::Scale => "scale",
            Self::Definition => "definition",
            Self::Data => "data",
            Self::Device => "device class",
            Self::Sampling => "sampling",
            Self::Statistic => "statistic",
        }
    }
}

/// A reason why two results cannot be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// The aspect in which they differ.
    pub aspect: Aspect,
    /// How they differ, in words.
    pub detail: String,
}

/// Writes a line such as `definition: study.smash.epochs is 50 in base, 40 in head`.
impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.aspect.name(), self.detail)
    }
}

/// Number of differing keys that are named; further ones are only counted.
const NAMED_KEYS: usize = 5;

/// Length of the longest text that is shown. A longer text is prose, and is only said to differ.
const SHOWN_TEXT: usize = 60;

/// All reasons why the results of two manifests cannot be compared; empty if they can be.
pub fn reasons(base: &Manifest, head: &Manifest) -> Vec<Reason> {
    let mut reasons = Vec::new();
    let mut differ = |aspect, base: &str, head: &str| {
        if base != head {
            let detail = format!("{base} in base, {head} in head");
            reasons.push(Reason { aspect, detail });
        }
    };
    differ(Aspect::Artefact, &base.artefact, &head.artefact);
    differ(Aspect::Scale, &base.scale, &head.scale);
    let data = |manifest: &Manifest| {
        let all = std::iter::once(&manifest.dataset).chain(&manifest.other_datasets);
        let text = all.map(|set| {
            let [train, test] =
                [&set.train, &set.test].map(|split| format!("{} ({:.8})", split.examples, split.sha256));
            format!("{} with {train} training and {test} test examples", set.name)
        });
        text.collect::<Vec<_>>().join(" and ")
    };
    differ(Aspect::Data, &data(base), &data(head));
    differ(Aspect::Device, &base.device_class, &head.device_class);
    let keys = differing_keys(&compared_part(&base.definition), &compared_part(&head.definition));
    if !keys.is_empty() {
        let more = match keys.len().saturating_sub(NAMED_KEYS) {
            0 => String::new(),
            more => format!("; and {more} more"),
        };
        let named: Vec<&str> = keys.iter().take(NAMED_KEYS).map(String::as_str).collect();
        reasons.push(Reason { aspect: Aspect::Definition, detail: format!("{}{more}", named.join("; ")) });
    }
    reasons
}

/// The part of a definition that decides scores and true errors. Further networks, predictors and simulated searches change
/// neither.
fn compared_part(definition: &toml::Table) -> toml::Table {
    let mut part = deciding_part(definition);
    if let Some(toml::Value::Table(study)) = part.get_mut("study") {
        study.retain(|key, _| !matches!(key, "network" | "predictor" | "search-cost"));
    }
    part
}

/// Lists the keys in which two definitions differ, with both values: `study.every is 4 in base, 5 in head`.
fn differing_keys(base: &toml::Table, head: &toml::Table) -> Vec<String> {
    let mut lines = Vec::new();
    let keys: BTreeSet<&String> = base.keys().chain(head.keys()).collect();
    for key in keys {
        match (base.get(key), head.get(key)) {
            (Some(toml::Value::Table(base)), Some(toml::Value::Table(head))) => {
                let inner = differing_keys(base, head).into_iter();
                lines.extend(inner.map(|line| format!("{key}.{line}")));
            }
            (base, head) if base == head => {}
            (base, head) => {
                let shown = [base, head].map(|value| value.map_or("absent".to_owned(), ToString::to_string));
                let is_prose = shown.iter().any(|text| text.len() > SHOWN_TEXT || text.contains('\n'));
                lines.push(match (is_prose, shown) {
                    (true, _) => format!("{key} differs in its text"),
                    (false, [base, head]) => format!("{key} is {base} in base, {head} in head"),
                });
            }
        }
    }
    lines
}

/// Warnings to the reader about two results, which may be compared all the same.
pub fn warnings(base: &Manifest, head: &Manifest) -> Vec<String> {
    let facts = |manifest: &Manifest| {
        [
            ("processor", manifest.host.cpu.clone()),
            ("device", manifest.device.clone()),
            ("number of threads", manifest.host.threads.to_string()),
            ("version of burn", manifest.burn_version.clone()),
            ("lock file", format!("{:.8}", manifest.lock_hash)),
        ]
    };
    let mut warnings = Vec::new();
    for ((what, base), (_, head)) in facts(base).into_iter().zip(facts(head)) {
        if base != head {
            warnings.push(format!("{what}: {base} in base, {head} in head"));
        }
    }
    for (side, manifest) in [("base", base), ("head", head)] {
        if manifest.dirty {
            warnings.push(format!("{side}: the working tree differed from its commit"));
        }
    }
    warnings
}

/// A cost on both sides.
#[derive(Clone, Debug, PartialEq)]
pub struct Cost {
    /// Source of the cost: a kind of unit, or all units.
    pub what: String,
    /// Values in base and in head, where they were measured.
    pub values: [Option<f64>; 2],
}

impl Cost {
    /// Head divided by base.
    pub fn ratio(&self) -> Option<f64> {
        let [base, head] = self.values;
        base.filter(|&base| base > 0.0).and_then(|base| head.map(|head| head / base))
    }
}

/// Seconds of work for each kind of unit and in total, summed over the runs of a side. A kind has no sum if a run did
/// not measure it, such as when a pool supplied the unit.
pub fn times(sides: [&[&Manifest]; 2]) -> Vec<Cost> {
    let kinds: BTreeSet<&String> = sides.iter().flat_map(|side| side.iter()).flat_map(|m| m.timings.keys()).collect();
    let mut costs: Vec<Cost> = kinds
        .into_iter()
        .map(|kind| Cost {
            what: kind.clone(),
            values: sides.map(|side| side.iter().map(|manifest| manifest.timings.get(kind).copied()).sum()),
        })
        .collect();
    costs.push(Cost {
        what: "all work".to_owned(),
        values: [0, 1].map(|side| costs.iter().map(|cost| cost.values[side]).sum()),
    });
    costs
}

/// The highest resident memory of a side's runs, in bytes.
pub fn peak_memory(sides: [&[&Manifest]; 2]) -> Cost {
    let peak = |side: &[&Manifest]| {
        let peaks: Option<Vec<u64>> = side.iter().map(|manifest| manifest.peak_memory_bytes).collect();
        peaks?.into_iter().max().map(|bytes| bytes as f64)
    };
    Cost { what: "peak memory".to_owned(), values: sides.map(peak) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::manifest::tests::sample;

    /// The reasons as text, for a head that differs from the sample by a change.
    fn reasons_of(change: impl FnOnce(&mut Manifest)) -> Vec<String> {
        let mut head = sample();
        change(&mut head);
        reasons(&sample(), &head).iter().map(Reason::to_string).collect()
    }

    #[test]
    fn differences_that_prevent_a_comparison_are_named() {
        assert_eq!(reasons_of(|_| ()), [""; 0]);
        assert_eq!(reasons_of(|m| m.artefact = "fig5a".to_owned()), ["artefact: fig4 in base, fig5a in head"]);
        assert_eq!(reasons_of(|m| m.scale = "gpu".to_owned()), ["scale: laptop in base, gpu in head"]);
        assert_eq!(reasons_of(|m| m.device_class = "h100".to_owned()), ["device class: cpu in base, h100 in head"]);
        let data = reasons_of(|m| m.dataset.test.sha256 = "f".repeat(64));
        assert_eq!(data.len(), 1);
        assert!(data[0].starts_with("data: shapes with 2000 (aaaaaaaa) training"), "{data:?}");
        assert!(data[0].contains("1000 (bbbbbbbb)") && data[0].contains("1000 (ffffffff)"));
        let other = reasons_of(|m| m.other_datasets.push(m.dataset.clone()));
        assert!(other.len() == 1 && other[0].starts_with("data: shapes with"), "{other:?}");
    }

    #[test]
    fn the_first_differing_keys_of_a_definition_are_named() {
        let table = |text: &str| text.parse::<toml::Table>().unwrap();
        let base = table("analysis = 'a'\n[study]\nevery = 4\nkind = 'correlation'\n[study.smash]\nepochs = 50");
        let head = table(&format!(
            "analysis = '{}'\n[study]\nkind = 'correlation'\n[study.smash]\nepochs = 40\nrate = 0.5",
            "word ".repeat(20)
        ));
        assert_eq!(
            differing_keys(&base, &head),
            [
                "analysis differs in its text",
                "study.every is 4 in base, absent in head",
                "study.smash.epochs is 50 in base, 40 in head",
                "study.smash.rate is absent in base, 0.5 in head",
            ]
        );
        assert_eq!(differing_keys(&base, &base), [""; 0]);
        let many = reasons_of(|m| {
            let keys = (0..7).map(|key| (format!("k{key}"), toml::Value::Integer(key)));
            m.definition.extend(keys);
        });
        assert_eq!(many.len(), 1);
        assert!(many[0].contains("k4 is absent in base, 4 in head; and 2 more"), "{many:?}");
        let reworded = reasons_of(|m| m.definition["title"] = "Figure 4, reworded".into());
        assert_eq!(reworded, [""; 0]);
        let mut base = sample();
        base.definition.insert("study".to_owned(), toml::Table::new().into());
        let mut head = base.clone();
        let further = table(
            "predictor = [{ name = 'parameters' }]\nnetwork = [{ name = 'second' }]\nsearch-cost = { draws = 1 }",
        );
        head.definition.insert("study".to_owned(), further.into());
        assert_eq!(reasons(&base, &head), []);
    }

    #[test]
    fn another_machine_is_only_a_warning() {
        let mut head = sample();
        head.host.cpu = "Another CPU".to_owned();
        head.burn_version = "0.22.0".to_owned();
        head.dirty = true;
        assert_eq!(reasons(&sample(), &head), []);
        assert_eq!(
            warnings(&sample(), &head),
            [
                "processor: Some CPU in base, Another CPU in head",
                "version of burn: 0.21.0 in base, 0.22.0 in head",
                "head: the working tree differed from its commit",
            ]
        );
    }

    #[test]
    fn a_missing_measurement_has_no_cost() {
        let (base, mut head) = (sample(), sample());
        head.timings.remove("score");
        head.timings.insert("truth".to_owned(), 300.0);
        head.peak_memory_bytes = None;
        let costs = times([&[&base, &base], &[&head]]);
        let expected = [
            ("score", [Some(25.0), None], None),
            ("truth", [Some(1200.0), Some(300.0)], Some(0.25)),
            // Without one of its parts, the total is unknown.
            ("all work", [Some(1225.0), None], None),
        ];
        for (cost, (what, values, ratio)) in costs.iter().zip(expected) {
            assert_eq!((cost.what.as_str(), cost.values, cost.ratio()), (what, values, ratio));
        }
        assert_eq!(costs.len(), 3);
        let peak = peak_memory([&[&base], &[&head]]);
        assert_eq!((peak.values, peak.ratio()), ([Some((1 << 30) as f64), None], None));
    }
}

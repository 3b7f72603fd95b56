//! The levels of the scores of a correlation study: beside those of other SMASH networks, and beside the true errors.

use anyhow::Result;
use results::statistics::bootstrap::Interval;
use results::store::Group;
use results::summaries::levels::{Levels, levels};
use results::summaries::text::{percent, points_text, ratio_text};
use results::{CorrelationSummary, PredictionRow};
use serde::Deserialize;

use super::definition::part;

/// The levels of a study's scores.
#[derive(Clone, Debug)]
pub(super) struct LevelFindings {
    /// The networks that differ in their seed alone; `None` if no root seed has two of them.
    networks: Option<Levels>,
    /// Mean score minus mean true error, with the architectures of the coefficients; `None` for scores by loss.
    pub excess: Option<Interval>,
}

/// The part of a study that describes its networks and predictors.
#[derive(Default, Deserialize)]
struct Study {
    #[serde(default)]
    network: Vec<toml::Table>,
    #[serde(default)]
    predictor: Vec<Predictor>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Predictor {
    name: String,
    method: toml::Table,
    max_budget: Option<f64>,
}

impl LevelFindings {
    /// Compares the scores of a group of runs. `summary` is that of the same study.
    pub fn load(group: &Group, summary: &CorrelationSummary) -> Result<Self> {
        let study: Study = part(group, "study")?.unwrap_or_default();
        let predictions = group.read_if_there::<PredictionRow>()?.unwrap_or_default();
        Ok(Self { networks: levels(&predictions, &study.of_equal_networks()), excess: summary.excess() })
    }

    /// The ratio of the spread between networks to the spread between architectures.
    pub fn spread(&self) -> Option<Interval> {
        self.networks.and_then(|networks| networks.ratio)
    }

    /// The levels in words.
    pub fn paragraph(&self) -> Option<String> {
        let networks = self.networks.map(|levels| {
            format!(
                "Levels of {} networks (root seeds: {}): their mean scores have a standard deviation of {} within a root seed. The \
                 scores of one network have {} between architectures, and the mean true error is the same for all networks of a \
                 root seed. The ratio is {}, with an interval over networks.",
                levels.networks,
                levels.seeds,
                percent(levels.between_networks),
                percent(levels.between_architectures),
                ratio_text(levels.ratio)
            )
        });
        let excess =
            self.excess.map(|excess| format!("Mean score minus mean true error: {}.", points_text(Some(excess))));
        let words: Vec<String> = excess.into_iter().chain(networks).collect();
        (!words.is_empty()).then(|| words.join(" "))
    }
}

impl Study {
    /// The predictors that are the error of one network each, where the networks differ in their seed alone.
    fn of_equal_networks(&self) -> Vec<String> {
        let differs_in_seed = |network: &&toml::Table| {
            network.iter().all(|(key, value)| match key.as_str() {
                "name" | "member" => true,
                "hypernet" => value.as_bool() == Some(true),
                "smash" => value.as_table().is_some_and(toml::Table::is_empty),
                _ => false,
            })
        };
        let others = self.network.iter().filter(differs_in_seed);
        let names: Vec<&str> = others.filter_map(|network| network.get("name")?.as_str()).chain(["plain"]).collect();
        // The network of a score, and its other settings.
        let single = |predictor: &Predictor| {
            let mut settings = predictor.method.clone();
            let word =
                |settings: &toml::Table, key: &str| settings.get(key).and_then(toml::Value::as_str).map(str::to_owned);
            let networks = match settings.remove("networks") {
                None => vec!["plain".to_owned()],
                Some(networks) => networks.try_into::<Vec<String>>().unwrap_or_default(),
            };
            let is_by_error = word(&settings, "by").is_none_or(|by| by == "error");
            let is_score =
                word(&settings, "kind").as_deref() == Some("score") && predictor.max_budget.is_none() && is_by_error;
            match &networks[..] {
                [network] if is_score && names.contains(&network.as_str()) => Some((network.clone(), settings)),
                _ => None,
            }
        };
        let mut chosen: Vec<(&Predictor, String, toml::Table)> = Vec::new();
        for predictor in &self.predictor {
            let Some((network, settings)) = single(predictor) else { continue };
            let is_alike = chosen.first().is_none_or(|(_, _, first)| *first == settings);
            if is_alike && chosen.iter().all(|(_, other, _)| *other != network) {
                chosen.push((predictor, network, settings));
            }
        }
        chosen.into_iter().map(|(predictor, ..)| predictor.name.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        toml::from_str::<Study>(text).unwrap().of_equal_networks()
    }

    #[test]
    fn only_single_networks_that_differ_in_their_seed_are_compared() {
        let networks = "[[network]]\nname = 'second'\nmember = 1\nhypernet = true\nsmash = {}\n[[network]]\nname = 'shared'\n\
            hypernet = false\n[[network]]\nname = 'long'\nsmash = { epochs = 9 }\n";
        let score =
            |name: &str, keys: &str| format!("[[predictor]]\nname = '{name}'\nmethod = {{ kind = 'score', {keys} }}\n");
        let all = [
            networks.to_owned(),
            score("first", "networks = ['plain'], draws = 2"),
            score("again", "networks = ['plain'], draws = 2"),
            score("second", "networks = ['second'], draws = 2"),
            score("more draws", "networks = ['second'], draws = 8"),
            score("both", "networks = ['plain', 'second'], draws = 2"),
            score("shared", "networks = ['shared'], draws = 2"),
            score("long", "networks = ['long'], draws = 2"),
            "[[predictor]]\nname = 'parameters'\nmethod = { kind = 'parameters' }\n".to_owned(),
        ];
        assert_eq!(names(&all.concat()), ["first", "second"]);
        // The default is the plain network, and losses are no errors.
        assert_eq!(names(&[score("loss", "draws = 1, by = 'loss'"), score("plain", "draws = 1")].concat()), ["plain"]);
        assert!(names("kind = 'correlation'").is_empty());
    }
}

//! A correlation study's SMASH networks with all their settings, and the rules for its predictors and searches.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail, ensure};
use smash::training::smash_training::SmashTraining;
use smash::{HyperNetConfig, Memory, OpNormalisation, SearchSpace};

use crate::settings::bounds::check_space;
use crate::settings::networks::PLAIN;
use crate::settings::overlay::merge;
use crate::settings::predictors::{Method, Predictor};
use crate::settings::studies::CorrelationStudy;

/// A SMASH network with all its settings.
#[derive(Clone, Debug)]
pub struct NetworkSettings {
    /// Its name.
    pub name: String,
    /// See [`FurtherNetwork::member`](crate::settings::networks::FurtherNetwork::member).
    pub member: u64,
    /// Size of its HyperNet, if it has one.
    pub hypernet: Option<HyperNetConfig>,
    /// Its training.
    pub smash: SmashTraining,
    /// The space whose architectures it runs.
    pub space: SearchSpace,
    /// Numbers of epochs, ascending, after which predictors look at it before the end of its training.
    pub kept: Vec<usize>,
}

impl CorrelationStudy {
    /// Removes everything that neither gives the study's own scores nor the true errors.
    pub fn keep_only_scores(&mut self) {
        self.networks.clear();
        self.predictors.clear();
        self.search_cost = None;
    }

    /// Checks what simulated searches need.
    ///
    /// # Errors
    /// No predictor, or architectures that are scored and not trained.
    pub fn check_search_cost(&self) -> Result<()> {
        if self.search_cost.is_none() {
            return Ok(());
        }
        ensure!(!self.predictors.is_empty(), "`study.search-cost`: expected at least one predictor to search by");
        ensure!(
            self.trained_every() == 1,
            "`study.search-cost`: expected `every = 1`, because searches need all architectures trained; got {}",
            self.every
        );
        Ok(())
    }

    /// The settings of all networks, the plain one first.
    ///
    /// # Errors
    /// Settings that `study.smash` does not have, or a name that is taken or cannot be a file name.
    pub fn network_settings(&self) -> Result<Vec<NetworkSettings>> {
        let mut all = vec![NetworkSettings {
            name: PLAIN.into(),
            member: 0,
            hypernet: Some(self.hypernet.clone()),
            smash: self.smash.clone(),
            space: self.space.clone(),
            kept: self.kept(PLAIN, self.smash.epochs),
        }];
        for network in &self.networks {
            let place = || format!("network `{}`", network.name);
            let is_letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            ensure!(
                !network.name.is_empty() && network.name.chars().all(is_letter),
                "{}: expected a name of small letters, digits and hyphens",
                place()
            );
            ensure!(all.iter().all(|other| other.name != network.name), "{}: another network has this name", place());
            ensure!(
                network.hypernet || network.hypernet_size.is_none(),
                "{}: `hypernet-size` needs a HyperNet, but `hypernet` is false",
                place()
            );
            ensure!(
                network.hypernet || network.compression.is_none(),
                "{}: `compression` needs a HyperNet, but `hypernet` is false",
                place()
            );
            let mut smash = toml::Table::try_from(&self.smash).expect("settings are plain data");
            merge(&mut smash, network.smash.clone());
            let smash: SmashTraining = smash.try_into().with_context(place)?;
            let hypernet = network.hypernet_size.as_ref().unwrap_or(&self.hypernet);
            let [low, high] = self.space.budget;
            all.push(NetworkSettings {
                name: network.name.clone(),
                member: network.member,
                hypernet: network.hypernet.then(|| hypernet.clone()),
                kept: self.kept(&network.name, smash.epochs),
                smash,
                space: SearchSpace {
                    bottleneck: network.bottleneck.unwrap_or(self.space.bottleneck),
                    budget: [low, network.max_budget.unwrap_or(high)],
                    compression: network.compression.or(self.space.compression),
                    ..self.space.clone()
                },
            });
        }
        Ok(all)
    }

    /// Numbers of epochs after which predictors look at a network before the last of its `epochs`.
    fn kept(&self, network: &str, epochs: usize) -> Vec<usize> {
        let methods = self.predictors.iter().map(|predictor| &predictor.method);
        let of_network = methods.filter(|method| method.networks().iter().any(|name| name == network));
        let before_end: BTreeSet<usize> =
            of_network.filter_map(Method::after_epochs).filter(|&after| after < epochs).collect();
        before_end.into_iter().collect()
    }

    /// The space of the architectures that a predictor rates.
    pub fn rated_space(&self, predictor: &Predictor) -> SearchSpace {
        let [low, high] = self.space.budget;
        SearchSpace { budget: [low, predictor.max_budget.unwrap_or(high)], ..self.space.clone() }
    }

    /// Checks the predictors and the networks that they name.
    ///
    /// # Errors
    /// The first fault, naming the predictor.
    pub fn check_predictors(&self) -> Result<()> {
        let networks = self.network_settings()?;
        for (index, predictor) in self.predictors.iter().enumerate() {
            let place = || format!("predictor `{}`", predictor.name);
            let is_taken = self.predictors[..index].iter().any(|other| other.name == predictor.name);
            ensure!(!is_taken, "{}: another predictor has this name", place());
            let rated = self.rated_space(predictor);
            check_space(&rated).with_context(|| format!("{}: `max-budget`", place()))?;
            for name in predictor.method.networks() {
                let network = networks.iter().find(|network| network.name == *name);
                let network = network.with_context(|| format!("{}: there is no network `{name}`", place()))?;
                check_fit(predictor, &rated, network).with_context(place)?;
            }
            if let Method::Score(score) = &predictor.method {
                ensure!(!score.networks.is_empty(), "{}: expected at least one network", place());
            }
        }
        let needed = |name: &str| {
            let mut named = self.predictors.iter().flat_map(|predictor| predictor.method.networks());
            named.any(|network| network == name)
        };
        match networks.iter().skip(1).find(|network| !needed(&network.name)) {
            Some(network) => bail!("network `{}`: no predictor needs it", network.name),
            None => Ok(()),
        }
    }
}

/// Checks that a network has the states and runs the architectures that a predictor needs.
fn check_fit(predictor: &Predictor, rated: &SearchSpace, network: &NetworkSettings) -> Result<()> {
    let (name, epochs) = (&network.name, network.smash.epochs);
    if let Some(after) = predictor.method.after_epochs() {
        ensure!(
            (1..=epochs).contains(&after),
            "`after-epochs` must be from 1 to the epochs of network `{name}` ({epochs}), got {after}"
        );
    }
    let normalisation = network.smash.normalisation;
    ensure!(
        matches!(predictor.method, Method::Score(_)) || normalisation == OpNormalisation::SimpleWeightNorm,
        "network `{name}` has `{}` in its ops; a warm score needs `{}`",
        normalisation.name(),
        OpNormalisation::SimpleWeightNorm.name()
    );
    ensure!(
        matches!(predictor.method, Method::Score(_)) || network.smash.memory == Memory::default(),
        "network `{name}` has another `memory` than the paper's, which a warm score needs"
    );
    let [most, of_network] = [rated, &network.space].map(|space| space.budget[1]);
    ensure!(
        most <= of_network,
        "network `{name}` runs architectures up to a budget of {of_network}; expected a `max-budget` of at most this, got {most}"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use smash::predictors::Costs;
    use smash::sampling::sample;
    use smash::{Limits, Seed, Stream, Task};

    use super::NetworkSettings;
    use crate::settings::definition::{Scale, load};
    use crate::settings::studies::Study;

    /// Figure 4 at smoke scale with a further network and a predictor; `network` and `predictor` are their settings in TOML.
    fn with(network: &str, predictor: &str) -> anyhow::Result<Study> {
        let set = [
            format!("study.network=[{{ name = 'other'{network} }}]"),
            format!("study.predictor=[{{ name = 'score', {predictor} }}]"),
        ];
        load("fig4", Scale::Smoke, &set).map(|definition| definition.study)
    }

    #[test]
    fn a_run_needs_the_noise_draws_of_its_predictors() {
        let draws = |name: &str, set: &[String]| load(name, Scale::Laptop, set).unwrap().study.noise_draws();
        assert_eq!(draws("ladder", &[]), 8);
        assert_eq!(draws("ladder", &["study.noise-draws=20".into()]), 20);
    }

    #[test]
    fn a_network_keeps_the_states_that_predictors_ask_for() {
        let kept = |after: usize| {
            let score =
                format!("method = {{ kind = 'score', networks = ['other'], draws = 1, after-epochs = {after} }}");
            let Study::Correlation(study) = with(", smash = { epochs = 4 }", &score).unwrap() else {
                panic!("figure 4 is a correlation study");
            };
            study.network_settings().unwrap().into_iter().map(|network| network.kept).collect::<Vec<_>>()
        };
        let none: Vec<usize> = Vec::new();
        assert_eq!(kept(1), [none.clone(), vec![1]]);
        // This is the trained network, which is stored anyway.
        assert_eq!(kept(4), [none.clone(), none]);
    }

    #[test]
    fn each_point_of_conditions_is_one_of_its_predictors() {
        for scale in Scale::ALL {
            let definition = load("conditions", scale, &[]).unwrap();
            let Study::Correlation(study) = &definition.study else {
                panic!("conditions is a correlation study");
            };
            let panels = definition.figure.as_ref().unwrap()["panel"].as_array().unwrap();
            let points = panels.iter().flat_map(|panel| panel["points"].as_array().unwrap());
            let named: BTreeSet<&str> = points.map(|point| point["predictor"].as_str().unwrap()).collect();
            let predictors: BTreeSet<&str> = study.predictors.iter().map(|predictor| predictor.name.as_str()).collect();
            assert_eq!(named, predictors);
        }
    }

    #[test]
    fn a_sampling_without_a_guide_is_refused_with_the_known_ones() {
        let error =
            format!("{:#}", with(", smash = { sampling = 'greedy' }", "method = { kind = 'parameters' }").unwrap_err());
        for name in
            ["network `other`", "`greedy`", "`size-balanced`", "`bandit`", "`successive-halving`", "`policy-gradient`"]
        {
            assert!(error.contains(name), "no {name} in {error}");
        }
    }

    #[test]
    fn fronts_need_predictors() {
        let error = load("fig4", Scale::Smoke, &["fronts=true".into()]).unwrap_err();
        assert!(format!("{error:#}").contains("`fronts` belongs to correlation studies with predictors"), "{error:#}");
    }

    /// Larger encodings make a step more costly, so their networks have fewer epochs.
    #[test]
    fn networks_of_weight_compression_cost_as_much_as_the_plain_one() {
        for scale in [Scale::Laptop, Scale::Gpu, Scale::Paper] {
            let Study::Correlation(study) = load("weight-compression", scale, &[]).unwrap().study else {
                panic!("weight-compression is a correlation study");
            };
            let task = Task::of_images(3, study.data.image_size.unwrap_or(32), 100);
            let cost = |network: &NetworkSettings| {
                let step = |index| {
                    let mut rng = Seed(0).rng(Stream::ScoredArchitecture, &[index]);
                    let architecture = sample(&study.space, Limits::of(&study.space), &mut rng);
                    let costs = Costs::of(&network.space, task, network.hypernet.as_ref(), &architecture);
                    costs.score_training_step(network.smash.batch_size)
                };
                network.smash.epochs as f64 * (0..20).map(step).sum::<u64>() as f64
            };
            let networks = study.network_settings().unwrap();
            let plain = cost(&networks[0]);
            for network in networks.iter().filter(|network| network.name != "largest-all-epochs") {
                let ratio = cost(network) / plain;
                assert!((0.85..1.15).contains(&ratio), "{scale:?}, `{}`: {ratio}", network.name);
            }
        }
    }

    #[test]
    fn settings_that_do_not_fit_a_network_are_refused_by_name() {
        let score =
            |settings: &str| format!("method = {{ kind = 'score', networks = ['other'], draws = 1{settings} }}");
        let (plain, limited) = (score(""), format!("{}, max-budget = 0.5", score("")));
        with(", max-budget = 0.5", &limited).unwrap();
        with(", hypernet-size = { growth = 1, layers = [1] }", &plain).unwrap();
        for (network, predictor, expected) in [
            (", smash = { epochs = 2 }", score(", after-epochs = 3"), "epochs of network `other` (2), got 3"),
            ("", score(", after-epochs = 0"), "after-epochs` must be a whole number from 1 to 100000, got 0"),
            (
                ", max-budget = 0.5",
                plain.clone(),
                "up to a budget of 0.5; expected a `max-budget` of at most this, got 1",
            ),
            (", max-budget = 0.01", limited.clone(), "network `other`"),
            ("", format!("{plain}, max-budget = 2.0"), "predictor.max-budget` must be above 0 and at most 1, got 2"),
            (
                ", hypernet = false, hypernet-size = { growth = 1, layers = [1] }",
                plain.clone(),
                "`hypernet-size` needs a HyperNet",
            ),
            (
                ", hypernet = false, compression = { rows = 1, columns = 1 }",
                plain.clone(),
                "`compression` needs a HyperNet",
            ),
            (", compression = { rows = 3, columns = 1 }", plain.clone(), "a divisor of r * N (8), got 3"),
            (", smash = { learned-convolution = 3 }", plain.clone(), "network `other`"),
            (
                ", smash = { normalisation = 'none' }",
                "method = { kind = 'warm-score', network = 'other' }".to_owned(),
                "network `other` has `none` in its ops; a warm score needs `simple-weight-norm`",
            ),
            (
                ", smash = { memory = { read = 'attention' } }",
                "method = { kind = 'warm-score', network = 'other' }".to_owned(),
                "network `other` has another `memory` than the paper's, which a warm score needs",
            ),
            (
                ", smash = { memory = { persistence = 1.5 } }",
                plain.clone(),
                "smash.memory.persistence` must be from 0 to 1, got 1.5",
            ),
            (
                ", smash = { memory = { write = 'overwrite', persistence = 0.1 } }",
                plain.clone(),
                "network `other`: `smash.memory.persistence` must be 0 where `smash.memory.write` is not `add`, got 0.1",
            ),
            (", smash = { memory = { write = 'append' } }", plain.clone(), "append"),
            (", smash = { stem = 'sobel' }", plain.clone(), "sobel"),
            (
                ", smash = { op-forms = 'varied', normalisation = 'norm-prop' }",
                plain.clone(),
                "network `other`: `smash.op-forms` must be `paper` where `smash.normalisation` is `norm-prop`",
            ),
        ] {
            let error = format!("{:#}", with(network, &predictor).unwrap_err());
            assert!(error.contains(expected), "{error}");
        }
    }
}

//! Access to the settings that all study kinds share, and the rules that settings must keep.

use anyhow::{Context, Result, bail, ensure};
use smash::training::smash_training::SmashTraining;
use smash::{LearnedConvolutions, ResultingTraining, SearchSpace};

use crate::settings::studies::{ComparisonStudy, Data, SmashSearch, Study, Subject, System, SystemKind};

impl Study {
    /// The images.
    fn data(&self) -> &Data {
        match self {
            Self::Correlation(study) => &study.data,
            Self::Fidelity(study) => &study.data,
            Self::Benchmark(study) => &study.data,
            Self::Throughput(study) => &study.data,
            Self::Ensemble(study) => &study.data,
            Self::Corruption(study) => &study.data,
            Self::ProxyGradient(study) => &study.data,
            Self::Search(study) => &study.data,
            Self::Comparison(study) => &study.data,
            Self::Drawing(study) => &study.data,
        }
    }

    /// Replaces each system's quoted numbers by the paper's numbers on this data set, if it quotes any.
    pub fn quote_for(&mut self, dataset: &str) {
        if let Self::Comparison(study) = self {
            for system in &mut study.systems {
                system.paper = system.paper_on.remove(dataset).or(system.paper.take());
            }
        }
    }

    /// The searches by SMASH score.
    pub fn searches_mut(&mut self) -> &mut [SmashSearch] {
        match self {
            Self::Search(study) => &mut study.searches,
            Self::Comparison(study) => &mut study.searches,
            _ => &mut [],
        }
    }

    fn searches(&self) -> &[SmashSearch] {
        match self {
            Self::Search(study) => &study.searches,
            Self::Comparison(study) => &study.searches,
            _ => &[],
        }
    }

    /// The study's images, then the images of each search that has its own.
    pub fn data_sets(&self) -> Vec<&Data> {
        let own = self.searches().iter().filter_map(|search| search.data.as_ref());
        [self.data()].into_iter().chain(own).collect()
    }

    /// The recipes of fully trained networks.
    pub fn trainings_mut(&mut self) -> Vec<&mut ResultingTraining> {
        match self {
            Self::Correlation(study) => vec![&mut study.resulting, &mut study.fast],
            Self::Fidelity(study) => vec![&mut study.resulting, &mut study.fast],
            Self::Benchmark(study) => vec![&mut study.resulting],
            Self::Throughput(study) => vec![&mut study.resulting],
            Self::Comparison(study) => {
                let ComparisonStudy { training, systems, .. } = &mut **study;
                let searches = systems.iter_mut().filter_map(|system| system.trained_search.as_mut());
                let of_trials = searches.map(|search| &mut search.training);
                [training].into_iter().chain(of_trials).collect()
            }
            Self::Ensemble(_) | Self::Corruption(_) | Self::ProxyGradient(_) | Self::Search(_) | Self::Drawing(_) => {
                Vec::new()
            }
        }
    }

    /// Largest number of noise draws z per score; 0 if nothing is scored.
    pub fn noise_draws(&self) -> usize {
        match self {
            Self::Correlation(study) => study.noise_draws,
            Self::Ensemble(study) => study.noise_draws,
            Self::Corruption(study) => study.noise_draws,
            Self::ProxyGradient(study) => study.noise_draws,
            Self::Search(_) | Self::Comparison(_) => {
                let draws = self.searches().iter().map(|search| search.noise_draws);
                draws.max().unwrap_or(0)
            }
            Self::Fidelity(_) | Self::Benchmark(_) | Self::Throughput(_) | Self::Drawing(_) => 0,
        }
    }

    /// Checks all settings.
    ///
    /// # Errors
    /// The first invalid setting, named by its key.
    pub fn validate(&self) -> Result<()> {
        for data in self.data_sets() {
            at_least_one("data", &[("validation", data.validation)])?;
        }
        for search in self.searches() {
            search.validate().with_context(|| format!("search `{}`", search.name))?;
        }
        // Every number at the top of a study is a count, and only `first` may be 0.
        let settings = toml::Table::try_from(self).expect("settings are plain data");
        for (key, value) in &settings {
            let is_count = key != "first" && value.is_integer();
            ensure!(!is_count || value.as_integer() > Some(0), "`study.{key}` must be at least 1");
        }
        match self {
            Self::Correlation(study) => {
                for network in study.network_settings()? {
                    let place = || format!("network `{}`", network.name);
                    check_smash(&network.space, &network.smash).with_context(place)?;
                }
                study.check_predictors()?;
                study.check_search_cost()?;
                check_trainings(&[("resulting", &study.resulting), ("fast", &study.fast)])
            }
            Self::Fidelity(study) => {
                study.space.validate()?;
                check_trainings(&[("resulting", &study.resulting), ("fast", &study.fast)])
            }
            Self::Benchmark(study) => {
                study.space.validate()?;
                check_trainings(&[("resulting", &study.resulting)])
            }
            Self::Throughput(study) => {
                check_smash(&study.space, &study.smash)?;
                check_trainings(&[("resulting", &study.resulting)])
            }
            Self::Ensemble(study) => check_smash(&study.space, &study.smash),
            Self::Corruption(study) => check_smash(&study.space, &study.smash),
            Self::ProxyGradient(study) => check_smash(&study.space, &study.smash),
            Self::Search(study) => {
                ensure!(!study.searches.is_empty(), "`study.searches` must have at least one");
                Ok(())
            }
            Self::Comparison(study) => study.validate(),
            Self::Drawing(study) => study.subjects.iter().try_for_each(|subject| match subject {
                Subject::Sampled { space } => Ok(space.validate()?),
                Subject::Named { .. } => Ok(()),
            }),
        }
    }
}

impl SmashSearch {
    fn validate(&self) -> Result<()> {
        let counts = [("noise-draws", self.noise_draws), ("plan.random", self.plan.random)];
        at_least_one("search", &counts)?;
        check_smash(&self.space, &self.smash)
    }
}

impl ComparisonStudy {
    fn validate(&self) -> Result<()> {
        if let Some(folds) = &self.folds {
            at_least_one("study.folds", &[("count", folds.count), ("size", folds.size)])?;
        }
        check_trainings(&[("training", &self.training)])?;
        for system in &self.systems {
            self.check_system(system).with_context(|| format!("system `{}`", system.name))?;
        }
        Ok(())
    }

    fn check_system(&self, system: &System) -> Result<()> {
        let same_name = self.systems.iter().filter(|other| other.name == system.name);
        ensure!(same_name.count() == 1, "another system has this name");
        let ways = [system.baseline.is_some(), system.smash.is_some(), system.trained_search.is_some()];
        ensure!(
            ways.iter().filter(|is_given| **is_given).count() <= 1,
            "expected one of `baseline`, `smash` and `trained-search`"
        );
        let search = match system.kind() {
            Some(SystemKind::Smash(smash)) => &smash.search,
            Some(SystemKind::TrainedSearch(search)) => {
                at_least_one("trained-search", &[("trials", search.trials)])?;
                search.method.validate()?;
                check_trainings(&[("trained-search.training", &search.training)])?;
                &search.space_of
            }
            Some(SystemKind::Baseline(_)) => return Ok(()),
            None if system.paper.is_some() => return Ok(()),
            None => bail!("expected a way to run it, or quoted numbers"),
        };
        let known: Vec<&str> = self.searches.iter().map(|search| search.name.as_str()).collect();
        ensure!(known.contains(&search.as_str()), "no search is called `{search}`; known: {}", known.join(", "));
        Ok(())
    }
}

fn check_smash(space: &SearchSpace, smash: &SmashTraining) -> Result<()> {
    space.validate()?;
    let per_block = match smash.learned_convolutions {
        LearnedConvolutions::OneForAll => 1,
        LearnedConvolutions::PerBlock(sets) => sets,
    };
    let counts = [
        ("epochs", smash.epochs),
        ("batch-size", smash.batch_size),
        ("architectures-per-step", smash.architectures_per_step),
        ("learned-convolutions.per-block", per_block),
    ];
    at_least_one("smash", &counts)?;
    if let Some(last) = smash.average_last {
        let epochs = smash.epochs;
        ensure!(
            (1..=epochs).contains(&last),
            "`smash.average-last` must be from 1 to the number of epochs ({epochs}), got {last}"
        );
    }
    Ok(())
}

fn check_trainings(trainings: &[(&str, &ResultingTraining)]) -> Result<()> {
    trainings.iter().try_for_each(|(name, training)| {
        let counts = [("epochs", training.epochs), ("batch-size", training.batch_size)];
        at_least_one(name, &counts)
    })
}

fn at_least_one(place: &str, counts: &[(&str, usize)]) -> Result<()> {
    for (key, value) in counts {
        ensure!(*value > 0, "`{place}.{key}` must be at least 1");
    }
    Ok(())
}

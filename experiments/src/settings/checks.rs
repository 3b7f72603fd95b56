//! Access to the settings that all study kinds share, and the rules that settings must keep.

use anyhow::{Context, Result, bail, ensure};
use smash::training::smash_training::SmashTraining;
use smash::{Memory, OpForms, OpNormalisation, ResultingTraining, SearchSpace, Write};

use crate::settings::bounds::{self, check_space};
use crate::settings::comparison::SystemKind;
use crate::settings::studies::{ComparisonStudy, Data, SmashSearch, Study, Subject, System};

/// The images of a study and its searches by SMASH score, borrowed as constants or, with `mut`, to change them.
macro_rules! data_and_searches {
    ($study:expr $(, $mutable:ident)?) => {
        match $study {
            Study::Correlation(study) => (&$($mutable)? study.data, &$($mutable)? []),
            Study::Fidelity(study) => (&$($mutable)? study.data, &$($mutable)? []),
            Study::Benchmark(study) => (&$($mutable)? study.data, &$($mutable)? []),
            Study::Throughput(study) => (&$($mutable)? study.data, &$($mutable)? []),
            Study::Ensemble(study) => (&$($mutable)? study.data, &$($mutable)? []),
            Study::Corruption(study) => (&$($mutable)? study.data, &$($mutable)? []),
            Study::ProxyGradient(study) => (&$($mutable)? study.data, &$($mutable)? []),
            Study::Search(study) => (&$($mutable)? study.data, &$($mutable)? study.searches),
            Study::Comparison(study) => (&$($mutable)? study.data, &$($mutable)? study.searches),
            Study::Initialisation(study) => (&$($mutable)? study.data, &$($mutable)? []),
            Study::Normalisation(study) => (&$($mutable)? study.data, &$($mutable)? []),
            Study::Drawing(study) => (&$($mutable)? study.data, &$($mutable)? []),
            Study::Sampling(study) => (&$($mutable)? study.data, &$($mutable)? []),
            Study::Cost(study) => (&$($mutable)? study.data, &$($mutable)? study.searches),
        }
    };
}

impl Study {
    fn parts(&self) -> (&Data, &[SmashSearch]) {
        data_and_searches!(self)
    }

    fn parts_mut(&mut self) -> (&mut Data, &mut [SmashSearch]) {
        data_and_searches!(self, mut)
    }

    /// Replaces each system's quoted numbers by the paper's numbers on the study's data set, if it quotes any.
    pub fn quote_for_data_set(&mut self) {
        if let Self::Comparison(study) = self {
            let ComparisonStudy { data, systems, .. } = &mut **study;
            for system in systems {
                system.paper = system.paper_on.remove(&data.name).or(system.paper.take());
            }
        }
    }

    /// The searches by SMASH score.
    pub fn searches_mut(&mut self) -> &mut [SmashSearch] {
        self.parts_mut().1
    }

    /// As [`Study::searches_mut`].
    pub fn searches(&self) -> &[SmashSearch] {
        self.parts().1
    }

    /// The study's images, then the images of each search that has its own.
    pub fn data_sets(&self) -> Vec<&Data> {
        let (data, searches) = self.parts();
        [data].into_iter().chain(searches.iter().filter_map(|search| search.data.as_ref())).collect()
    }

    /// As [`Self::data_sets`], to change them.
    pub fn data_sets_mut(&mut self) -> Vec<&mut Data> {
        let (data, searches) = self.parts_mut();
        [data].into_iter().chain(searches.iter_mut().filter_map(|search| search.data.as_mut())).collect()
    }

    /// The recipes of fully trained networks.
    pub fn trainings_mut(&mut self) -> Vec<&mut ResultingTraining> {
        match self {
            Self::Correlation(study) => vec![&mut study.resulting, &mut study.fast],
            Self::Fidelity(study) => vec![&mut study.resulting, &mut study.fast],
            Self::Benchmark(study) => vec![&mut study.resulting],
            Self::Throughput(study) => vec![&mut study.resulting],
            Self::Initialisation(study) => vec![&mut study.resulting],
            Self::Normalisation(study) => vec![&mut study.resulting],
            Self::Comparison(study) => {
                let ComparisonStudy { training, systems, .. } = &mut **study;
                let searches = systems.iter_mut().filter_map(|system| system.trained_search.as_mut());
                let of_trials = searches.map(|search| &mut search.training);
                [training].into_iter().chain(of_trials).collect()
            }
            Self::Ensemble(_)
            | Self::Corruption(_)
            | Self::ProxyGradient(_)
            | Self::Search(_)
            | Self::Drawing(_)
            | Self::Sampling(_)
            | Self::Cost(_) => Vec::new(),
        }
    }

    /// Largest number of noise draws z per score; 0 if nothing is scored.
    pub fn noise_draws(&self) -> usize {
        match self {
            Self::Correlation(study) => {
                let of_predictors = study.predictors.iter().map(|predictor| predictor.method.draws());
                of_predictors.fold(study.noise_draws, usize::max)
            }
            Self::Ensemble(study) => study.noise_draws,
            Self::Corruption(study) => study.noise_draws,
            Self::ProxyGradient(study) => study.noise_draws,
            Self::Initialisation(study) => study.noise_draws,
            Self::Search(_) | Self::Comparison(_) => {
                let draws = self.searches().iter().map(|search| search.noise_draws);
                draws.max().unwrap_or(0)
            }
            Self::Fidelity(_)
            | Self::Benchmark(_)
            | Self::Throughput(_)
            | Self::Normalisation(_)
            | Self::Drawing(_)
            | Self::Sampling(_)
            | Self::Cost(_) => 0,
        }
    }

    /// Checks all settings.
    ///
    /// # Errors
    /// The first invalid setting, named by its key.
    pub fn validate(&self) -> Result<()> {
        bounds::check("study", self)?;
        for search in self.searches() {
            check_smash(&search.space, &search.smash).with_context(|| format!("search `{}`", search.name))?;
        }
        match self {
            Self::Correlation(study) => {
                for network in study.network_settings()? {
                    let place = || format!("network `{}`", network.name);
                    bounds::check("smash", &network.smash).with_context(place)?;
                    check_smash(&network.space, &network.smash).with_context(place)?;
                }
                study.check_predictors()?;
                study.check_search_cost()
            }
            Self::Fidelity(study) => check_space(&study.space),
            Self::Benchmark(study) => check_space(&study.space),
            Self::Throughput(study) => check_smash(&study.space, &study.smash),
            Self::Ensemble(study) => check_smash(&study.space, &study.smash),
            Self::Corruption(study) => check_smash(&study.space, &study.smash),
            Self::ProxyGradient(study) => check_smash(&study.space, &study.smash),
            Self::Search(study) => {
                ensure!(!study.searches.is_empty(), "`study.searches`: expected at least one search");
                Ok(())
            }
            Self::Comparison(study) => study.validate(),
            Self::Initialisation(study) => {
                let (best, candidates) = (study.best, study.candidates);
                ensure!(
                    best <= candidates,
                    "`study.best` must be at most `study.candidates` ({candidates}), got {best}"
                );
                let normalisation = study.smash.normalisation;
                ensure!(
                    normalisation == OpNormalisation::SimpleWeightNorm,
                    "`study.smash.normalisation` must be `{}`, whose weights are the generated ones, got `{}`",
                    OpNormalisation::SimpleWeightNorm.name(),
                    normalisation.name()
                );
                ensure!(
                    study.smash.memory == Memory::default(),
                    "`study.smash.memory` must be the paper's, which the networks trained from generated weights have"
                );
                check_smash(&study.space, &study.smash)
            }
            Self::Normalisation(study) => {
                check_smash(&study.space, &study.smash)?;
                study.check_lists()
            }
            Self::Drawing(study) => study.subjects.iter().try_for_each(|subject| match subject {
                Subject::Sampled { space } => check_space(space),
                Subject::Named { .. } => Ok(()),
            }),
            Self::Sampling(study) => study.validate(),
            Self::Cost(study) => study.validate(),
        }
    }
}

impl ComparisonStudy {
    fn validate(&self) -> Result<()> {
        ensure!(!self.systems.is_empty(), "`study.system`: expected at least one system");
        for system in &self.systems {
            self.check_system(system).with_context(|| format!("system `{}`", system.name))?;
        }
        self.check_rows()
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
                search.method.validate()?;
                &search.space_of
            }
            Some(SystemKind::Baseline(_)) => return Ok(()),
            None if system.paper.is_some() => return Ok(()),
            None => bail!("expected one of `baseline`, `smash`, `trained-search` and `paper`"),
        };
        let known: Vec<&str> = self.searches.iter().map(|search| search.name.as_str()).collect();
        ensure!(known.contains(&search.as_str()), "no search is called `{search}`; known: {}", known.join(", "));
        Ok(())
    }
}

fn check_smash(space: &SearchSpace, smash: &SmashTraining) -> Result<()> {
    check_space(space)?;
    if let Some(last) = smash.average_last {
        let epochs = smash.epochs;
        ensure!(
            (1..=epochs).contains(&last),
            "`smash.average-last` must be from 1 to the number of epochs ({epochs}), got {last}"
        );
    }
    let Memory { write, persistence, .. } = smash.memory;
    ensure!(
        persistence == 0.0 || write == Write::Add,
        "`smash.memory.persistence` must be 0 where `smash.memory.write` is not `add`, got {persistence}"
    );
    ensure!(
        smash.op_forms == OpForms::Paper || smash.normalisation != OpNormalisation::NormProp,
        "`smash.op-forms` must be `paper` where `smash.normalisation` is `{}`, which has a ReLU of its own",
        OpNormalisation::NormProp.name()
    );
    Ok(())
}

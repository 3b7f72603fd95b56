//! Settings of the studies that sample and count, and train nothing.

use anyhow::{Context, Result, bail, ensure};
use results::summaries::cost::Quoted;
use results::summaries::sampling::Stated;
use serde::{Deserialize, Serialize};
use smash::baselines::Baseline;
use smash::{SearchSpace, Task};

use crate::settings::bounds::check_space;
use crate::settings::parts::{Data, SmashSearch};

/// Settings of a sampling study (paper, appendices A and C).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SamplingStudy {
    /// Number of architectures drawn from each space.
    pub draws: usize,
    /// Number of architectures that one unit of work draws.
    pub shard: usize,
    /// The images; the smallest kind is enough, because sizes are counted for CIFAR-100.
    pub data: Data,
    /// The spaces.
    pub spaces: Vec<SampledSpace>,
}

/// A space that is sampled.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SampledSpace {
    /// Its name, such as `SMASHv1`.
    pub name: String,
    /// The paper's statements about it, as numbers.
    pub paper: Stated,
    /// The space.
    pub space: SearchSpace,
}

/// Settings of a study of costs (paper, abstract and section 4.4).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CostStudy {
    /// Number of architectures over which the cost of each search is averaged.
    pub architectures: usize,
    /// Number of architectures that one unit of work counts.
    pub shard: usize,
    /// The images; the smallest kind is enough, because costs are counted for CIFAR-100.
    pub data: Data,
    /// Training images of a resulting or hand-designed network.
    pub training_images: usize,
    /// Number of them that a search holds out for scores.
    pub validation_images: usize,
    /// Epochs of the training of a resulting or hand-designed network.
    pub epochs: usize,
    /// Searches by SMASH score, whose cost is counted.
    pub searches: Vec<SmashSearch>,
    /// The other systems, in the order of the table.
    #[serde(rename = "system")]
    pub systems: Vec<CountedSystem>,
}

/// A system beside the searches by SMASH score: either a hand-designed network or a quoted budget.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CountedSystem {
    /// Its name, such as `WRN-28-10`.
    pub name: String,
    /// A hand-designed network, whose training is counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Baseline>,
    /// The published budget of its search; the report shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quoted: Option<Quoted>,
}

impl SamplingStudy {
    /// Checks the rules of this kind of study.
    ///
    /// # Errors
    /// The first invalid setting.
    pub fn validate(&self) -> Result<()> {
        check_names("spaces", self.spaces.iter().map(|sampled| sampled.name.as_str()))?;
        let space =
            |sampled: &SampledSpace| check_space(&sampled.space).with_context(|| format!("space `{}`", sampled.name));
        self.spaces.iter().try_for_each(space)
    }
}

impl CostStudy {
    /// Checks the rules of this kind of study. Those of its searches are checked with the searches of other kinds.
    ///
    /// # Errors
    /// The first invalid setting.
    pub fn validate(&self) -> Result<()> {
        let searches = self.searches.iter().map(|search| search.name.as_str());
        check_names("searches` and `study.system", searches.chain(self.systems.iter().map(|s| s.name.as_str())))?;
        for search in &self.searches {
            ensure!(search.data.is_none(), "search `{}`: nothing is trained here, so expected no `data`", search.name);
        }
        ensure!(
            self.validation_images < self.training_images,
            "`study.validation-images` must be below `study.training-images` ({}), got {}",
            self.training_images,
            self.validation_images
        );
        for system in &self.systems {
            let place = || format!("system `{}`", system.name);
            match (&system.baseline, &system.quoted) {
                (Some(baseline), None) => drop(baseline.blueprint(Task::CIFAR_100).with_context(place)?),
                (None, Some(quoted)) => ensure!(
                    quoted.is_one_budget(),
                    "{}: `quoted` must have either `flops`, or `gpu-days` with or without `peak-flops`",
                    place()
                ),
                _ => bail!("{}: expected either `baseline` or `quoted`", place()),
            }
        }
        Ok(())
    }
}

/// Checks that a list has at least one entry, and that no two have the same name.
fn check_names<'a>(list: &str, names: impl Iterator<Item = &'a str>) -> Result<()> {
    let mut known: Vec<&str> = Vec::new();
    for name in names {
        ensure!(!known.contains(&name), "`study.{list}`: two entries have the name `{name}`");
        known.push(name);
    }
    ensure!(!known.is_empty(), "`study.{list}`: expected at least one entry");
    Ok(())
}

#[cfg(test)]
mod tests {
    use smash::{HyperNetConfig, SearchSpace};

    use crate::settings::definition::{Scale, load};
    use crate::settings::studies::Study;

    #[test]
    fn every_scale_has_the_papers_spaces() {
        let spaces = [SearchSpace::smash_v1(12, 30), SearchSpace::smash_v2(12, 4)];
        for scale in Scale::ALL {
            let (Study::Sampling(sampling), Study::Cost(cost)) =
                (load("sampling", scale, &[]).unwrap().study, load("cost", scale, &[]).unwrap().study)
            else {
                panic!("`sampling` and `cost` name other kinds of study");
            };
            assert_eq!(sampling.spaces.iter().map(|sampled| &sampled.space).collect::<Vec<_>>(), spaces.each_ref());
            assert_eq!(sampling.spaces[0].paper.banks, Some(spaces[0].max_banks() as u32));
            assert_eq!(cost.searches.iter().map(|search| &search.space).collect::<Vec<_>>(), spaces.each_ref());
            assert!(cost.searches.iter().all(|search| search.hypernet == HyperNetConfig::default()));
            assert_eq!((cost.training_images, cost.validation_images, cost.epochs), (50_000, 5_000, 300));
        }
    }

    #[test]
    fn settings_that_contradict_each_other_are_refused_by_name() {
        let refused = |artefact: &str, setting: &str, expected: &str| {
            let error = format!("{:#}", load(artefact, Scale::Smoke, &[setting.to_owned()]).unwrap_err());
            assert!(error.contains(expected) && error.lines().count() == 1, "{setting}: {error}");
        };
        let below = "`study.validation-images` must be below `study.training-images` (50000), got 50000";
        refused("cost", "study.validation-images=50000", below);
        let either = "expected either `baseline` or `quoted`";
        refused("cost", "study.system=[{name='A'}]", &format!("system `A`: {either}"));
        let quoted = "quoted={flops=1.0, source='x'}";
        refused(
            "cost",
            &format!("study.system=[{{name='WRN-28-10', {quoted}}}]"),
            &format!("system `WRN-28-10`: {either}"),
        );
        refused("cost", &format!("study.system=[{{name='SMASHv1', {quoted}}}]"), "two entries have the name `SMASHv1`");
        let peak = "study.system=[{name='A', quoted={peak-flops=1.0, source='x'}}]";
        refused("cost", peak, "system `A`: `quoted` must have either `flops`, or `gpu-days`");
        refused("sampling", "study.spaces=[]", "`study.spaces`: expected at least one entry");
        refused(
            "sampling",
            "study.spaces=[{name='SMASHv1', space={depth=0}}]",
            "space `SMASHv1`: search space: `depth`",
        );
    }
}

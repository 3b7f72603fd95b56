//! The search study: the best architectures by SMASH score, to be drawn (paper, appendices C and E).

use anyhow::Result;
use burn::tensor::backend::AutodiffBackend;

use crate::engine::study::Study;
use crate::engine::unit::{Kind, Unit, gather};
use crate::settings::studies::{SearchStudy, SmashSearch};
use crate::tasks::score_search::ScoreSearch;
use crate::tasks::setup::Setup;
use crate::tasks::smash_network::epochs_of;

/// One seed of a search study.
pub struct SearchRun<'a, B: AutodiffBackend> {
    study: &'a SearchStudy,
    /// The study's images, then the images of each search that has its own.
    setups: Vec<Setup<'a, B>>,
}

impl<'a, B: AutodiffBackend> SearchRun<'a, B> {
    /// Searches with the images of `setups`, as [`crate::settings::studies::Study::data_sets`] lists them.
    pub fn new(study: &'a SearchStudy, setups: Vec<Setup<'a, B>>) -> Self {
        Self { study, setups }
    }

    fn searches(&self) -> impl Iterator<Item = ScoreSearch<'_, B>> {
        searches(&self.study.searches, &self.setups, 1)
    }
}

/// The searches of a study, each with its images. Several `members` of each differ by their random numbers.
pub fn searches<'a, B: AutodiffBackend>(
    searches: &'a [SmashSearch],
    setups: &'a [Setup<'a, B>],
    members: usize,
) -> impl Iterator<Item = ScoreSearch<'a, B>> {
    (0..members).flat_map(move |member| {
        let mut own = setups.iter().skip(1);
        searches.iter().enumerate().map(move |(index, search)| {
            let setup = match search.data {
                Some(_) => own.next().expect("images for each search that has its own"),
                None => &setups[0],
            };
            let number = member * searches.len() + index;
            ScoreSearch { search, number, member: (members > 1).then_some(member), setup }
        })
    })
}

impl<B: AutodiffBackend> Study for SearchRun<'_, B> {
    fn stages(&self) -> Vec<Kind> {
        vec![Kind::TrainSmash, Kind::Search]
    }

    fn units(&self, stage: usize) -> Vec<Unit<'_>> {
        match stage {
            0 => self.searches().map(|score_search| score_search.smash().unit()).collect(),
            _ => self.searches().map(ScoreSearch::unit).collect(),
        }
    }

    fn write_tables(&self) -> Result<()> {
        let dir = self.setups[0].dir;
        dir.write(&epochs_of(self.searches().map(ScoreSearch::smash))?)?;
        dir.write(&gather::<results::CandidateRow>(&self.units(1))?)?;
        Ok(())
    }
}

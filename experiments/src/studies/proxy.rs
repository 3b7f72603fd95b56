//! The proxy-gradient study: architectural gradient descent by proxy against random perturbation (paper, section 4.2).
//!
//! Both methods start at the same architecture. In each step, a method proposes a changed architecture and scores it. A proposal
//! that scores better than the state becomes the state. Both methods have the same number of scored proposals, each with the same
//! number of changed elements. The gradient method computes gradients in addition.
//!
//! While the state stays the same, so does its gradient. The next proposal then changes the elements with the largest predicted
//! gain after the elements that were tried in vain.

use anyhow::Result;
use burn::tensor::backend::AutodiffBackend;
use results::ProxyRow;
use results::store::identity::StoredFile;
use results::tables::write_table;
use smash::scoring::proxy::{EncodingGradient, Step, encoding_gradient, gradient_step, random_step};
use smash::scoring::score_noise;
use smash::{Architecture, SmashNet, Stream};

use crate::engine::study::Study;
use crate::engine::unit::{Done, Kind, Unit, gather};
use crate::settings::studies::ProxyStudy;
use crate::tasks::scores::{Scored, Scorer, mean_error, mean_of_all, status_of};
use crate::tasks::setup::Setup;
use crate::tasks::smash_network::SmashRun;

/// One seed of a proxy-gradient study.
pub struct ProxyRun<'a, B: AutodiffBackend> {
    study: &'a ProxyStudy,
    setup: Setup<'a, B>,
    starts: Vec<Architecture>,
}

/// How a method proposes a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    Gradient,
    Random,
}

impl Method {
    fn name(self) -> &'static str {
        match self {
            Self::Gradient => "gradient",
            Self::Random => "random",
        }
    }
}

impl<'a, B: AutodiffBackend> ProxyRun<'a, B> {
    /// Samples the starting points.
    pub fn new(study: &'a ProxyStudy, setup: Setup<'a, B>) -> Self {
        Self { study, starts: setup.sample(&study.space, study.starts), setup }
    }

    fn smash(&self) -> SmashRun<'_, B> {
        let study = self.study;
        SmashRun::only(&self.setup, &study.space, &study.hypernet, &study.smash)
    }

    fn output(&self, start: usize) -> StoredFile {
        self.setup.dir.unit::<ProxyRow>(&format!("proxy-{start:04}"))
    }

    fn descent_units(&self) -> Vec<Unit<'_>> {
        let unit = |start: usize| Unit {
            kind: Kind::Descend,
            name: format!("seed {}, descent from start {start}", self.setup.seed.0),
            output: self.output(start),
            beside: None,
            supplied: None,
            steps: 2 * (self.study.steps + 1),
            work: Box::new(move |done| {
                let net = self.smash().tracked_network()?;
                let mut rows = self.descend(&net, start, Method::Gradient, done)?;
                rows.extend(self.descend(&net, start, Method::Random, done)?);
                Ok(write_table(&self.output(start), &rows)?)
            }),
        };
        (0..self.study.starts).map(unit).collect()
    }

    fn descend(&self, net: &SmashNet<B>, start: usize, method: Method, done: Done<'_>) -> Result<Vec<ProxyRow>> {
        let (study, seed) = (self.study, self.setup.seed);
        let valid = net.valid();
        let scorer = Scorer::new(&self.setup, &valid, study.noise_draws);
        let row = |step: usize, architecture: &Architecture, changes: usize, scored: &[Scored]| {
            let error = mean_error(scored);
            ProxyRow {
                seed: seed.0,
                start: start as u32,
                method: method.name().into(),
                step: step as u32,
                hash: architecture.hash(),
                canonical: Some(architecture.canonical_hash(&study.space)),
                changes: changes as u32,
                error,
                loss: mean_of_all(scored.iter().map(|scored| scored.loss)),
                status: status_of(error.is_some()),
            }
        };
        let mut state = self.starts[start].clone();
        let scored = scorer.scores(&state);
        let mut best = mean_error(&scored);
        let mut rows = vec![row(0, &state, 0, &scored)];
        done(1)?;
        let mut gradient: Option<EncodingGradient> = None;
        // Number of elements that were tried in vain since the state changed.
        let mut tried = 0;
        for step in 1..=study.steps {
            let Step { architecture, changed } = match method {
                Method::Gradient => {
                    if gradient.is_none() {
                        let noise = score_noise(seed, 0);
                        gradient = Some(encoding_gradient(net, &state, &noise, self.setup.validation())?);
                    }
                    let gradient = gradient.as_ref().expect("just computed");
                    gradient_step(&study.space, &state, gradient, tried, study.changes)
                }
                Method::Random => {
                    let key = [start as u64, step as u64];
                    let mut rng = seed.rng(Stream::ProxyStep, &key);
                    random_step(&study.space, &state, study.changes, &mut rng)
                }
            };
            let scored = scorer.scores(&architecture);
            let error = mean_error(&scored);
            rows.push(row(step, &architecture, changed, &scored));
            tried += changed;
            if error.is_some_and(|error| best.is_none_or(|best| error < best)) {
                best = error;
                state = architecture;
                gradient = None;
                tried = 0;
            }
            done(1)?;
        }
        Ok(rows)
    }
}

impl<B: AutodiffBackend> Study for ProxyRun<'_, B> {
    fn stages(&self) -> Vec<Kind> {
        vec![Kind::TrainSmash, Kind::Descend]
    }

    fn units(&self, stage: usize) -> Vec<Unit<'_>> {
        match stage {
            0 => vec![self.smash().unit()],
            _ => self.descent_units(),
        }
    }

    fn write_tables(&self) -> Result<()> {
        let dir = self.setup.dir;
        dir.write(&self.setup.architecture_rows(&self.study.space, &self.starts))?;
        dir.write(&self.smash().epochs()?)?;
        dir.write(&gather::<ProxyRow>(&self.descent_units())?)?;
        Ok(())
    }
}

//! Encodings that misstate an architecture, to test whether the HyperNet listens to them (paper, section 4.2).

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::architecture::{Architecture, Op};
use crate::elements::dilations;
use crate::encoding::Encoding;
use crate::sampling::{BlockState, Limits, sample, subset};
use crate::space::SearchSpace;

/// Number of draws of another architecture. Some per cent of the draws have a given length.
const ATTEMPTS: usize = 2000;
/// Number of draws of another value. The true one is rarely more likely than all others together.
const REDRAWS: usize = 100;

/// The part of an architecture that an encoding misstates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Corruption {
    /// The dilation of each convolution.
    Dilations,
    /// The banks that each op reads.
    Reads,
    /// The banks that each op writes.
    Writes,
    /// The number of output units of each op.
    Units,
    /// All four of these.
    All,
    /// Everything: the encoding is another architecture's.
    Other,
}

impl Corruption {
    /// Every kind.
    pub const KINDS: [Self; 6] = [Self::Dilations, Self::Reads, Self::Writes, Self::Units, Self::All, Self::Other];

    /// The name in definitions and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dilations => "dilations",
            Self::Reads => "reads",
            Self::Writes => "writes",
            Self::Units => "units",
            Self::All => "all",
            Self::Other => "other",
        }
    }

    fn includes(self, part: Self) -> bool {
        self == part || self == Self::All
    }
}

/// The corrupted encoding of an architecture. It is as long as the true one, so that its weights fit.
///
/// Each value is replaced by a different one. It is drawn from the values that would be legal in its place if all else
/// were true. A value without an alternative stays. With another number of units, the marked rows change too, as in any
/// encoding. The weights of rows without marks are still generated.
///
/// `None` if the architecture admits no other value at all, or no other architecture of its length was found.
pub fn corrupt(
    space: &SearchSpace,
    architecture: &Architecture,
    corruption: Corruption,
    rng: &mut ChaCha8Rng,
) -> Option<Encoding> {
    let truth = Encoding::new(space, architecture);
    if corruption == Corruption::Other {
        let slices = |other: &Architecture| other.blocks.iter().map(|block| block.slices(space)).sum::<usize>();
        let drawn = (0..ATTEMPTS).map(|_| sample(space, Limits::of(space), rng));
        let mut others = drawn.filter(|other| slices(other) == slices(architecture) && other != architecture);
        return others.next().map(|other| Encoding::new(space, &other));
    }
    let mut lie = architecture.clone();
    for (index, block) in lie.blocks.iter_mut().enumerate() {
        let mut state = BlockState::whole(space, index, block.bank_size);
        for (op, truth) in block.ops.iter_mut().zip(&architecture.blocks[index].ops) {
            *op = corrupt_op(&state, truth, corruption, rng);
            state.apply(truth);
        }
    }
    let encoding = Encoding::new(space, &lie);
    (encoding != truth).then_some(encoding)
}

fn corrupt_op(state: &BlockState<'_>, truth: &Op, corruption: Corruption, rng: &mut ChaCha8Rng) -> Op {
    let mut op = truth.clone();
    if corruption.includes(Corruption::Reads) && truth.reads.len() < state.written {
        op.reads = different(&truth.reads, || subset(0..state.written, truth.reads.len(), rng));
    }
    if corruption.includes(Corruption::Writes) {
        op.writes = different(&truth.writes, || state.draw_writes(truth.units, rng));
    }
    if corruption.includes(Corruption::Units) {
        op.units = another(&truth.units, state.unit_options(), rng);
    }
    if corruption.includes(Corruption::Dilations) {
        for conv in op.convs.iter_mut().flatten() {
            conv.dilation = another(&conv.dilation, dilations(state.space, conv.kernel), rng);
        }
    }
    op
}

/// The first of some draws that differs from the truth, or the truth if none does.
fn different<T: Clone + PartialEq>(truth: &T, mut draw: impl FnMut() -> T) -> T {
    let mut draws = (0..REDRAWS).map(|_| draw());
    draws.find(|value| value != truth).unwrap_or(truth.clone())
}

/// One of the options that differ from the truth, drawn uniformly; the truth if there is none.
fn another<T: Clone + PartialEq>(truth: &T, mut options: Vec<T>, rng: &mut ChaCha8Rng) -> T {
    options.retain(|option| option != truth);
    match options.len() {
        0 => truth.clone(),
        count => options.swap_remove(rng.random_range(0..count)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::EncodingLayout;
    use crate::space::Compression;
    use rand::SeedableRng;

    /// Channels in which two encodings differ, in some rows.
    fn differing(a: &Encoding, b: &Encoding, rows: impl Fn(usize) -> bool) -> Vec<usize> {
        let [channels, units, slices] = a.shape;
        let differs = |channel: &usize| {
            let mut cells = (0..units).filter(|&unit| rows(unit)).flat_map(|unit| (0..slices).map(move |s| (unit, s)));
            cells.any(|(unit, slice)| a.at(*channel, unit, slice) != b.at(*channel, unit, slice))
        };
        (0..channels).filter(differs).collect()
    }

    #[test]
    fn a_corruption_changes_its_own_channels_and_nothing_else() {
        for space in [SearchSpace::smash_v1(4, 2), SearchSpace::smash_v2(4, 2)] {
            let layout = EncodingLayout::new(&space);
            let mut rng = ChaCha8Rng::seed_from_u64(1);
            for _ in 0..20 {
                let architecture = sample(&space, Limits::of(&space), &mut rng);
                let truth = Encoding::new(&space, &architecture);
                for (corruption, channels) in [
                    (Corruption::Reads, layout.reads..layout.writes),
                    (Corruption::Writes, layout.writes..layout.block),
                    (Corruption::Dilations, layout.dilation..layout.kernel),
                ] {
                    let lie = corrupt(&space, &architecture, corruption, &mut rng).expect("there are other values");
                    assert_eq!(lie.shape, truth.shape);
                    let differing = differing(&truth, &lie, |_| true);
                    assert!(!differing.is_empty(), "{corruption:?}");
                    assert!(differing.iter().all(|channel| channels.contains(channel)), "{corruption:?}");
                }
                let lie = corrupt(&space, &architecture, Corruption::Units, &mut rng).expect("there are other units");
                assert_eq!(lie.shape, truth.shape);
                // Row 0 is marked for any number of units.
                let differing = differing(&truth, &lie, |unit| unit == 0);
                let channels = layout.units..layout.dilation;
                assert!(!differing.is_empty() && differing.iter().all(|channel| channels.contains(channel)));
            }
        }
    }

    #[test]
    fn corrupted_encodings_fit_differ_and_repeat() {
        let paper = SearchSpace::smash_v1(4, 2);
        let cell = paper.cell();
        let finer =
            SearchSpace { compression: Some(Compression { columns: cell.columns / 3, ..cell }), ..paper.clone() };
        for (seed, space) in (0..10).flat_map(|seed| [(seed, &paper), (seed, &finer)]) {
            let architecture = sample(space, Limits::of(space), &mut ChaCha8Rng::seed_from_u64(seed));
            let truth = Encoding::new(space, &architecture);
            for corruption in Corruption::KINDS {
                let draw = || corrupt(space, &architecture, corruption, &mut ChaCha8Rng::seed_from_u64(seed + 100));
                let lie = draw().expect("this space has other values for every part");
                assert_eq!(lie.shape, truth.shape, "{corruption:?}");
                assert_ne!(lie, truth, "{corruption:?}");
                assert_eq!(draw(), Some(lie), "{corruption:?}");
            }
        }
    }

    #[test]
    fn without_another_value_there_is_no_corrupted_encoding() {
        let mut space = SearchSpace::smash_v1(4, 2);
        space.max_dilation = 1;
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let architecture = sample(&space, Limits::of(&space), &mut rng);
        assert_eq!(corrupt(&space, &architecture, Corruption::Dilations, &mut rng), None);
    }

    #[test]
    fn the_stored_names_equal_those_of_the_tables() {
        for corruption in Corruption::KINDS {
            let stored = serde_json::to_value(corruption).expect("plain data");
            assert_eq!(stored, corruption.name());
        }
    }
}

//! The drawing study: architectures that a figure shows, and their encodings (paper, figures 1 and 3). Nothing is trained.

use anyhow::Result;
use burn::tensor::backend::AutodiffBackend;
use results::{DrawingRow, EncodingCellRow};
use smash::encoding::EncodingLayout;
use smash::named_blocks;
use smash::sampling::sample;
use smash::{Architecture, Encoding, Limits, SearchSpace, Stream};

use crate::engine::study::Study;
use crate::engine::unit::{Kind, Unit};
use crate::settings::studies::{DrawingStudy, Pattern, Subject};
use crate::tasks::setup::Setup;

/// One seed of a drawing study.
pub struct DrawingRun<'a, B: AutodiffBackend> {
    study: &'a DrawingStudy,
    setup: Setup<'a, B>,
}

/// An architecture to draw.
struct Drawing {
    name: String,
    space: SearchSpace,
    architecture: Architecture,
}

impl Pattern {
    /// The architecture that has it in all blocks.
    pub fn architecture(self) -> Architecture {
        match self {
            Self::Resnet => named_blocks::resnet(),
            Self::Densenet => named_blocks::densenet(),
            Self::Fractalnet => named_blocks::fractalnet(),
        }
    }
}

impl<'a, B: AutodiffBackend> DrawingRun<'a, B> {
    /// Draws the architectures that the study names.
    pub fn new(study: &'a DrawingStudy, setup: Setup<'a, B>) -> Self {
        Self { study, setup }
    }

    fn drawings(&self) -> Vec<Drawing> {
        let drawing = |(index, subject): (usize, &Subject)| match subject {
            Subject::Named { pattern } => {
                let name = match pattern {
                    Pattern::Resnet => "ResNet",
                    Pattern::Densenet => "DenseNet",
                    Pattern::Fractalnet => "FractalNet",
                };
                Drawing { name: name.into(), space: named_blocks::space(), architecture: pattern.architecture() }
            }
            Subject::Sampled { space } => {
                let mut rng = self.setup.seed.rng(Stream::Drawing, &[index as u64]);
                Drawing {
                    name: format!("sample {index}"),
                    architecture: sample(space, Limits::of(space), &mut rng),
                    space: (**space).clone(),
                }
            }
        };
        self.study.subjects.iter().enumerate().map(drawing).collect()
    }
}

impl<B: AutodiffBackend> Study for DrawingRun<'_, B> {
    fn stages(&self) -> Vec<Kind> {
        Vec::new()
    }

    fn units(&self, stage: usize) -> Vec<Unit<'_>> {
        unreachable!("a drawing study has no stage {stage}")
    }

    fn write_tables(&self) -> Result<()> {
        let seed = self.setup.seed.0;
        let (mut rows, mut cells) = (Vec::new(), Vec::new());
        for Drawing { name, space, architecture } in self.drawings() {
            let encoding = self.study.encoding.then(|| Encoding::new(&space, &architecture));
            let size = |axis: usize| encoding.as_ref().map(|encoding| encoding.shape[axis] as u32);
            rows.push(DrawingRow {
                seed,
                drawing: name.clone(),
                json: architecture.to_json(),
                base_channels: space.base_channels as u32,
                width: space.width as u32,
                encoding_channels: size(0),
                encoding_units: size(1),
                encoding_slices: size(2),
            });
            cells.extend(encoding.iter().flat_map(|encoding| hot_cells(seed, &name, &space, encoding)));
        }
        self.setup.dir.write(&rows)?;
        Ok(self.setup.dir.write(&cells)?)
    }
}

fn hot_cells(seed: u64, drawing: &str, space: &SearchSpace, encoding: &Encoding) -> Vec<EncodingCellRow> {
    let layout = EncodingLayout::new(space);
    let [channels, units, slices] = encoding.shape;
    let mut rows = Vec::new();
    for channel in 0..channels {
        for unit in 0..units {
            for slice in 0..slices {
                if encoding.at(channel, unit, slice) > 0.0 {
                    rows.push(EncodingCellRow {
                        seed,
                        drawing: drawing.into(),
                        part: part_of(&layout, channel).into(),
                        channel: channel as u32,
                        unit: unit as u32,
                        slice: slice as u32,
                    });
                }
            }
        }
    }
    rows
}

/// The part of the encoding that a channel belongs to.
fn part_of(layout: &EncodingLayout, channel: usize) -> &'static str {
    let firsts = [
        (layout.groups, "groups"),
        (layout.pattern, "pattern"),
        (layout.kernel, "kernel"),
        (layout.dilation, "dilation"),
        (layout.units, "units"),
        (layout.block, "block"),
        (layout.writes, "writes"),
        (layout.reads, "reads"),
    ];
    // The list goes from the last part to the first. A part that a space leaves out starts where the next part does, which comes
    // before it here.
    let part = firsts.iter().find(|(first, _)| *first <= channel);
    part.expect("the first part starts at 0").1
}

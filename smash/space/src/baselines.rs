//! Hand-designed networks that the paper compares SMASH with, as blueprints.
//!
//! The originals have strided convolutions. Here these run at full resolution, and every second pixel of the result is
//! kept. This is the same function at four times the cost of that one layer.

use serde::{Deserialize, Serialize};

use crate::blueprint::Activation;
use crate::blueprint::{Blueprint, ConvShape, Value};
use crate::error::BaselineError;
use crate::task::Task;

/// Channels of a Wide ResNet's stem, and of its first stage for each widening factor.
const WRN_CHANNELS: usize = 16;

/// A hand-designed network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", tag = "network")]
pub enum Baseline {
    /// WRN-depth-widen (Zagoruyko and Komodakis 2016).
    WideResnet {
        /// Convolutions on the longest path, 6N + 4.
        depth: usize,
        /// Widening factor.
        widen: usize,
    },
    /// DenseNet with bottlenecks and compression by half (Huang et al. 2017).
    DensenetBc {
        /// Convolutions on the longest path, 6N + 4, the output layer included.
        depth: usize,
        /// Growth rate k.
        growth: usize,
    },
    /// FractalNet (Larsson et al. 2017).
    Fractalnet {
        /// Columns of each block.
        columns: usize,
        /// Channels of each block.
        channels: Vec<usize>,
        /// Drop-path: half of the steps local, half global.
        #[serde(rename = "drop-path")]
        drop_path: bool,
        /// Percentage of values that dropout zeroes after each convolution of each block; empty without dropout.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        dropout: Vec<usize>,
    },
    /// Shake-Shake with two branches and a coefficient for each image (Gastaldi 2017).
    ShakeShake {
        /// Convolutions on the longest path, 6N + 2.
        depth: usize,
        /// Channels of the first stage.
        width: usize,
    },
    /// A residual network on voxels with 3x3x3 convolutions, in place of the larger one of Brock et al. 2016.
    VoxelResnet {
        /// Convolutions on the longest path, 6N + 2.
        depth: usize,
        /// Channels of the first stage.
        width: usize,
    },
}

impl Baseline {
    /// The network for a task.
    ///
    /// # Errors
    /// A depth that the network's formula does not give, or a number that must be at least 1. Images for a network on
    /// volumes, or volumes for a network on images. Examples that are too small to be halved as often as the network
    /// does. Dropout for another number of blocks.
    pub fn blueprint(&self, task: Task) -> Result<Blueprint, BaselineError> {
        self.of_width(task, self.width())
    }

    /// The number of channels that all wider parts of the network follow. It is the growth rate of a DenseNet, and the
    /// number of channels of the first stage or block elsewhere. A Wide ResNet has 16 for each widening factor.
    pub fn width(&self) -> usize {
        match *self {
            Self::WideResnet { widen, .. } => WRN_CHANNELS * widen,
            Self::DensenetBc { growth, .. } => growth,
            Self::Fractalnet { ref channels, .. } => channels.first().copied().unwrap_or(0),
            Self::ShakeShake { width, .. } | Self::VoxelResnet { width, .. } => width,
        }
    }

    /// The network with another width, everything else being equal.
    ///
    /// # Errors
    /// As [`Self::blueprint`].
    pub fn of_width(&self, task: Task, width: usize) -> Result<Blueprint, BaselineError> {
        match *self {
            Self::WideResnet { depth, .. } => {
                let blocks = blocks_of(depth, 4)?;
                at_least_one("widen", width)?;
                check_task(task, false, 2)?;
                let widen = width as f64 / WRN_CHANNELS as f64;
                Ok(wide_resnet(format!("WRN-{depth}-{widen}"), task, blocks, [WRN_CHANNELS, width]))
            }
            Self::DensenetBc { depth, .. } => {
                let layers = blocks_of(depth, 4)?;
                at_least_one("growth", width)?;
                check_task(task, false, 2)?;
                Ok(densenet_bc(format!("DenseNet-BC, depth {depth}, k = {width}"), task, layers, width))
            }
            Self::Fractalnet { columns, ref channels, drop_path, ref dropout } => {
                at_least_one("columns", columns)?;
                at_least_one("channels", channels.iter().copied().min().unwrap_or(0))?;
                at_least_one("channels", width)?;
                check_dropout(dropout, channels.len())?;
                check_task(task, false, channels.len() as u32)?;
                // All blocks keep their ratio to the first one, rounded.
                let first = channels[0];
                let scaled = channels.iter().map(|channels| ((2 * channels * width + first) / (2 * first)).max(1));
                let scaled: Vec<usize> = scaled.collect();
                let words: Vec<String> = scaled.iter().map(usize::to_string).collect();
                let name = format!("FractalNet of {columns} columns, {} channels", words.join("-"));
                let percents = dropout.iter().copied().chain(std::iter::repeat(0));
                let blocks: Vec<FractalBlock> = scaled
                    .into_iter()
                    .zip(percents)
                    .map(|(channels, dropout)| FractalBlock { channels, drop_path, dropout })
                    .collect();
                Ok(fractalnet(name, task, columns, &blocks))
            }
            Self::ShakeShake { depth, .. } => {
                let blocks = blocks_of(depth, 2)?;
                at_least_one("width", width)?;
                check_task(task, false, 2)?;
                Ok(shake_shake(format!("Shake-Shake {depth} 2x{width}d"), task, blocks, width))
            }
            Self::VoxelResnet { depth, .. } => {
                let blocks = blocks_of(depth, 2)?;
                at_least_one("width", width)?;
                check_task(task, true, 2)?;
                Ok(wide_resnet(format!("Voxel ResNet {depth}, width {width}"), task, blocks, [width, width]))
            }
        }
    }
}

/// N for a depth of 6N + `rest`.
fn blocks_of(depth: usize, rest: usize) -> Result<usize, BaselineError> {
    match depth.checked_sub(rest) {
        Some(convs) if convs > 0 && convs.is_multiple_of(6) => Ok(convs / 6),
        _ => {
            Err(BaselineError { setting: "depth", expected: format!("6 N + {rest} for some N from 1, found {depth}") })
        }
    }
}

fn at_least_one(setting: &'static str, value: usize) -> Result<(), BaselineError> {
    match value {
        0 => Err(BaselineError { setting, expected: "at least 1, found 0".into() }),
        _ => Ok(()),
    }
}

fn check_dropout(dropout: &[usize], blocks: usize) -> Result<(), BaselineError> {
    let is_for_all = dropout.is_empty() || dropout.len() == blocks;
    if !is_for_all || dropout.iter().any(|&percent| percent >= 100) {
        let expected = format!("a percentage below 100 for each of the {blocks} blocks, or none, found {dropout:?}");
        return Err(BaselineError { setting: "dropout", expected });
    }
    Ok(())
}

fn check_task(task: Task, needs_volumes: bool, halvings: u32) -> Result<(), BaselineError> {
    let is_volume = task.image_depth > 1;
    if is_volume != needs_volumes {
        let words = |is_volume| if is_volume { "volumes" } else { "images" };
        return Err(BaselineError {
            setting: "network",
            expected: format!("one for {}, found one for {}", words(is_volume), words(needs_volumes)),
        });
    }
    let pixels = task.image_size / task.stem_stride;
    if pixels >> halvings == 0 {
        return Err(BaselineError {
            setting: "network",
            expected: format!("one that halves {pixels} pixels fewer than {halvings} times"),
        });
    }
    Ok(())
}

/// The first convolution, halved where the task asks for it.
fn stem(blueprint: &mut Blueprint, images: Value, channels: usize) -> Value {
    let value = blueprint.conv(&[images], Activation::Identity, channels, ConvShape::exact(3));
    match blueprint.task.stem_stride {
        2 => blueprint.subsample(value, 0),
        _ => value,
    }
}

/// Three stages of pre-activation residual blocks; the channels of the stem and of the first stage are given.
fn wide_resnet(name: String, task: Task, blocks: usize, [first, width]: [usize; 2]) -> Blueprint {
    let (mut blueprint, images) = Blueprint::new(name, task);
    let mut value = stem(&mut blueprint, images, first);
    for stage in 0..3 {
        let outputs = width << stage;
        for block in 0..blocks {
            let is_halved = stage > 0 && block == 0;
            let normalised = blueprint.norm(&[value]);
            let mut inner = blueprint.conv(&[normalised], Activation::Relu, outputs, ConvShape::square(3));
            let mut shortcut = if blueprint.size(value).channels == outputs { value } else { normalised };
            if is_halved {
                inner = blueprint.subsample(inner, 0);
                shortcut = blueprint.subsample(shortcut, 0);
            }
            if blueprint.size(shortcut).channels != outputs {
                shortcut = blueprint.conv(&[shortcut], Activation::Relu, outputs, ConvShape::square(1));
            }
            let inner = blueprint.norm(&[inner]);
            let inner = blueprint.conv(&[inner], Activation::Relu, outputs, ConvShape::square(3));
            value = blueprint.add([shortcut, inner]);
        }
    }
    let normalised = blueprint.norm(&[value]);
    let features = blueprint.relu(normalised);
    blueprint.classify(features)
}

fn densenet_bc(name: String, task: Task, layers: usize, growth: usize) -> Blueprint {
    let (mut blueprint, images) = Blueprint::new(name, task);
    let mut banks = vec![stem(&mut blueprint, images, 2 * growth)];
    for block in 0..3 {
        for _ in 0..layers {
            let normalised = blueprint.norm(&banks);
            let narrowed = blueprint.conv(&[normalised], Activation::Relu, 4 * growth, ConvShape::square(1));
            let normalised = blueprint.norm(&[narrowed]);
            banks.push(blueprint.conv(&[normalised], Activation::Relu, growth, ConvShape::square(3)));
        }
        let normalised = blueprint.norm(&banks);
        if block < 2 {
            let channels = blueprint.size(normalised).channels / 2;
            let narrowed = blueprint.conv(&[normalised], Activation::Relu, channels, ConvShape::square(1));
            banks = vec![blueprint.halve(narrowed)];
        } else {
            let features = blueprint.relu(normalised);
            return blueprint.classify(features);
        }
    }
    unreachable!("there are three blocks")
}

/// A block of a FractalNet.
#[derive(Clone, Copy)]
struct FractalBlock {
    channels: usize,
    drop_path: bool,
    /// In percent.
    dropout: usize,
}

fn fractalnet(name: String, task: Task, columns: usize, blocks: &[FractalBlock]) -> Blueprint {
    /// The outputs of the columns of a block, the deepest first.
    fn outputs(blueprint: &mut Blueprint, input: Value, columns: usize, block: FractalBlock) -> Vec<Value> {
        let unit = |blueprint: &mut Blueprint| {
            let mut value = blueprint.conv(&[input], Activation::Identity, block.channels, ConvShape::square(3));
            if block.dropout > 0 {
                value = blueprint.dropout(value, block.dropout);
            }
            let normalised = blueprint.norm(&[value]);
            blueprint.relu(normalised)
        };
        if columns == 1 {
            return vec![unit(blueprint)];
        }
        let shallow = unit(blueprint);
        let half = outputs(blueprint, input, columns - 1, block);
        let half = joined(blueprint, &half, block);
        let mut outputs = outputs(blueprint, half, columns - 1, block);
        outputs.push(shallow);
        outputs
    }
    fn joined(blueprint: &mut Blueprint, columns: &[Value], block: FractalBlock) -> Value {
        match columns {
            [column] => *column,
            _ => blueprint.join(columns, block.drop_path),
        }
    }
    let (mut blueprint, images) = Blueprint::new(name, task);
    let mut value = images;
    for &block in blocks {
        let columns = outputs(&mut blueprint, value, columns, block);
        let output = joined(&mut blueprint, &columns, block);
        value = blueprint.max_halve(output);
    }
    blueprint.classify(value)
}

fn shake_shake(name: String, task: Task, blocks: usize, width: usize) -> Blueprint {
    let (mut blueprint, images) = Blueprint::new(name, task);
    let first = stem(&mut blueprint, images, 16);
    let mut value = blueprint.norm(&[first]);
    for stage in 0..3 {
        let outputs = width << stage;
        for block in 0..blocks {
            let is_halved = stage > 0 && block == 0;
            let branch = |blueprint: &mut Blueprint| {
                let inner = blueprint.conv(&[value], Activation::Relu, outputs, ConvShape::square(3));
                let inner = if is_halved { blueprint.subsample(inner, 0) } else { inner };
                let inner = blueprint.norm(&[inner]);
                let inner = blueprint.conv(&[inner], Activation::Relu, outputs, ConvShape::square(3));
                blueprint.norm(&[inner])
            };
            let branches = [branch(&mut blueprint), branch(&mut blueprint)];
            let residual = blueprint.shake(branches);
            let shortcut = shake_shortcut(&mut blueprint, value, outputs, is_halved);
            value = blueprint.add([shortcut, residual]);
        }
    }
    let features = blueprint.relu(value);
    blueprint.classify(features)
}

/// The shortcut of a Shake-Shake block: the identity, or a 1x1 convolution where the number of channels changes. Where
/// the resolution changes, two 1x1 convolutions of half the channels each see different pixels.
fn shake_shortcut(blueprint: &mut Blueprint, value: Value, outputs: usize, is_halved: bool) -> Value {
    if !is_halved {
        if blueprint.size(value).channels == outputs {
            return value;
        }
        let conv = blueprint.conv(&[value], Activation::Relu, outputs, ConvShape::square(1));
        return blueprint.norm(&[conv]);
    }
    let halves = [0, 1].map(|offset| {
        let seen = blueprint.subsample(value, offset);
        let channels = if offset == 0 { outputs / 2 } else { outputs - outputs / 2 };
        blueprint.conv(&[seen], Activation::Relu, channels, ConvShape::square(1))
    });
    blueprint.norm(&halves)
}

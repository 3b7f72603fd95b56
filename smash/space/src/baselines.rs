//! Hand-designed networks that the paper compares SMASH with, as blueprints.
//!
//! The originals have strided convolutions. Here these run at full resolution, and every second pixel of the result is
//! kept. This is the same function at four times the cost of that one layer.

use serde::{Deserialize, Serialize};

use crate::blueprint::Activation;
use crate::blueprint::{Blueprint, ConvShape, Value};
use crate::error::BaselineError;
use crate::task::Task;

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
    /// FractalNet (Larsson et al. 2017), without dropout.
    Fractalnet {
        /// Columns of each block.
        columns: usize,
        /// Channels of each block.
        channels: Vec<usize>,
        /// Drop-path: half of the steps local, half global.
        #[serde(rename = "drop-path")]
        drop_path: bool,
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
    /// does.
    pub fn blueprint(&self, task: Task) -> Result<Blueprint, BaselineError> {
        match *self {
            Self::WideResnet { depth, widen } => {
                let blocks = blocks_of(depth, 4)?;
                at_least_one("widen", widen)?;
                check_task(task, false, 2)?;
                Ok(wide_resnet(format!("WRN-{depth}-{widen}"), task, blocks, [16, 16 * widen]))
            }
            Self::DensenetBc { depth, growth } => {
                let layers = blocks_of(depth, 4)?;
                at_least_one("growth", growth)?;
                check_task(task, false, 2)?;
                Ok(densenet_bc(format!("DenseNet-BC-{depth}-{growth}"), task, layers, growth))
            }
            Self::Fractalnet { columns, ref channels, drop_path } => {
                at_least_one("columns", columns)?;
                at_least_one("channels", channels.iter().copied().min().unwrap_or(0))?;
                check_task(task, false, channels.len() as u32)?;
                Ok(fractalnet("FractalNet".into(), task, columns, channels, drop_path))
            }
            Self::ShakeShake { depth, width } => {
                let blocks = blocks_of(depth, 2)?;
                at_least_one("width", width)?;
                check_task(task, false, 2)?;
                Ok(shake_shake(format!("Shake-Shake-{depth}-2x{width}d"), task, blocks, width))
            }
            Self::VoxelResnet { depth, width } => {
                let blocks = blocks_of(depth, 2)?;
                at_least_one("width", width)?;
                check_task(task, true, 2)?;
                Ok(wide_resnet(format!("Voxel-ResNet-{depth}-{width}"), task, blocks, [width, width]))
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

fn fractalnet(name: String, task: Task, columns: usize, channels: &[usize], drop_path: bool) -> Blueprint {
    /// The outputs of the columns of a block, the deepest first.
    fn block(blueprint: &mut Blueprint, input: Value, columns: usize, channels: usize, drop_path: bool) -> Vec<Value> {
        let unit = |blueprint: &mut Blueprint| {
            let value = blueprint.conv(&[input], Activation::Identity, channels, ConvShape::square(3));
            let normalised = blueprint.norm(&[value]);
            blueprint.relu(normalised)
        };
        if columns == 1 {
            return vec![unit(blueprint)];
        }
        let shallow = unit(blueprint);
        let half = block(blueprint, input, columns - 1, channels, drop_path);
        let half = joined(blueprint, &half, drop_path);
        let mut outputs = block(blueprint, half, columns - 1, channels, drop_path);
        outputs.push(shallow);
        outputs
    }
    fn joined(blueprint: &mut Blueprint, columns: &[Value], drop_path: bool) -> Value {
        match columns {
            [column] => *column,
            _ => blueprint.join(columns, drop_path),
        }
    }
    let (mut blueprint, images) = Blueprint::new(name, task);
    let mut value = images;
    for &channels in channels {
        let outputs = block(&mut blueprint, value, columns, channels, drop_path);
        let output = joined(&mut blueprint, &outputs, drop_path);
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

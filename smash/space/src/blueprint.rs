//! A network with free weights as plain data: the steps from images to classes, and the sizes of all values between
//! them.
//!
//! The resulting network of an architecture and the hand-designed networks are all blueprints. So the same code counts,
//! trains and measures them. Sizes are for one image. For volumes ([`Task::image_depth`] above 1) every value has a
//! depth too. Every kernel larger than 1 is then as deep as it is high.

use serde::Serialize;

use crate::architecture::Architecture;
use crate::counts::Counts;
use crate::op_normalisation::OpNormalisation;
use crate::space::SearchSpace;
use crate::task::Task;

mod resulting;

/// The activation of a convolution's input. Kernels apply it as they read the input.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(into = "f32")]
pub enum Activation {
    /// No change.
    Identity,
    /// Negative values become 0.
    Relu,
    /// Negative values are multiplied by a factor.
    LeakyRelu(f32),
}

impl Activation {
    /// Factor on negative values.
    pub fn slope(self) -> f32 {
        match self {
            Self::Identity => 1.0,
            Self::Relu => 0.0,
            Self::LeakyRelu(slope) => slope,
        }
    }
}

impl From<Activation> for f32 {
    fn from(activation: Activation) -> Self {
        activation.slope()
    }
}

/// A value that flows between steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Value(usize);

impl Value {
    /// Its index in the order of creation.
    pub fn index(self) -> usize {
        self.0
    }
}

/// One step. Inputs in a list are concatenated along their channels. Every step makes one value, except [`Step::Cut`],
/// which makes one for each part.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "step", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum Step {
    /// A convolution without bias that keeps height and width.
    Conv {
        /// The values read.
        inputs: Vec<Value>,
        /// The activation of the inputs; its slope in stored steps.
        #[serde(rename = "slope")]
        activation: Activation,
        /// Dilation factor `[height, width]`.
        dilation: [usize; 2],
        /// Convolution groups.
        groups: usize,
        /// Whether it may multiply with less precision, where that is requested.
        may_round: bool,
        /// Whether its weight is divided by its Euclidean norm (simple WeightNorm); left out of stored steps if not.
        #[serde(rename = "weight-norm", skip_serializing_if = "is_off")]
        simple_weight_norm: bool,
    },
    /// BatchNorm.
    Norm {
        /// The values read.
        inputs: Vec<Value>,
    },
    /// ReLU.
    Relu {
        /// The value read.
        input: Value,
    },
    /// The 1x1 convolution of an op behind a ReLU, with a normalisation in place of BatchNorm.
    Pointwise {
        /// The values read.
        inputs: Vec<Value>,
        /// The normalisation.
        normalisation: OpNormalisation,
    },
    /// The sum of two values.
    Add {
        /// The values.
        inputs: [Value; 2],
    },
    /// The first `count` parts of `channels` channels each. Channels after them are dropped.
    Cut {
        /// The value cut.
        input: Value,
        /// Channels of each part.
        channels: usize,
        /// Number of parts.
        count: usize,
    },
    /// Average over 2x2 squares.
    Halve {
        /// The value read.
        input: Value,
    },
    /// Maximum over 2x2 squares.
    MaxHalve {
        /// The value read.
        input: Value,
    },
    /// Every second row and column, from one of the first two.
    Subsample {
        /// The value read.
        input: Value,
        /// 0 or 1.
        offset: usize,
    },
    /// The mean of some values, the columns of a fractal block (Larsson et al. 2017).
    Join {
        /// The values, deepest column first.
        inputs: Vec<Value>,
        /// Whether values are dropped at random in training.
        drop_path: bool,
    },
    /// Zeroes at random in training, where the other values are scaled up. In evaluation nothing changes.
    Dropout {
        /// The value read.
        input: Value,
        /// Percentage of values that become 0.
        percent: usize,
    },
    /// A convex combination of two values (Gastaldi 2017). It is random for each image, and the backward pass draws
    /// another one. In evaluation it is their mean.
    Shake {
        /// The values.
        inputs: [Value; 2],
    },
}

fn is_off(switch: &bool) -> bool {
    !switch
}

impl Step {
    /// The values read.
    pub fn inputs(&self) -> &[Value] {
        match self {
            Self::Conv { inputs, .. }
            | Self::Norm { inputs }
            | Self::Pointwise { inputs, .. }
            | Self::Join { inputs, .. } => inputs,
            Self::Add { inputs } | Self::Shake { inputs } => inputs,
            Self::Relu { input }
            | Self::Dropout { input, .. }
            | Self::Cut { input, .. }
            | Self::Halve { input }
            | Self::MaxHalve { input }
            | Self::Subsample { input, .. } => std::slice::from_ref(input),
        }
    }
}

/// Size of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Channels.
    pub channels: usize,
    /// Height and width.
    pub pixels: usize,
    /// Slices of a volume; 1 for images.
    pub depth: usize,
}

/// A network with free weights, without its weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Blueprint {
    /// Name in errors: the hash of an architecture, or the name of a hand-designed network.
    pub name: String,
    /// The task that it is built for.
    pub task: Task,
    /// The steps in order.
    pub steps: Vec<Step>,
    /// Shape of the weight of each convolution, `[channels_out, channels_in / groups, height, width]`. On volumes
    /// channels_in counts all slices that a kernel larger than 1 reads.
    pub convs: Vec<[usize; 4]>,
    /// Channels of each BatchNorm.
    pub norms: Vec<usize>,
    /// Normalisation and output channels of each [`Step::Pointwise`].
    pub op_norms: Vec<(OpNormalisation, usize)>,
    /// Sizes of all values.
    pub sizes: Vec<Size>,
    /// The value that the output layer reads, averaged over all pixels.
    pub features: Value,
    /// Convolutions on the longest path to each value.
    depths: Vec<u32>,
    multiply_adds: u64,
}

impl Counts {
    /// Counts the resulting network of `architecture`. All its weights are free.
    pub fn of(space: &SearchSpace, task: Task, architecture: &Architecture) -> Self {
        Blueprint::of(space, task, architecture).counts()
    }
}

impl Blueprint {
    /// A blueprint without steps, and the value of its images.
    pub fn new(name: String, task: Task) -> (Self, Value) {
        let images = Size { channels: task.image_channels, pixels: task.image_size, depth: task.image_depth };
        let blueprint = Self {
            name,
            task,
            steps: Vec::new(),
            convs: Vec::new(),
            norms: Vec::new(),
            op_norms: Vec::new(),
            sizes: vec![images],
            features: Value(0),
            depths: vec![0],
            multiply_adds: 0,
        };
        (blueprint, Value(0))
    }

    /// Whether examples are volumes.
    pub fn is_volume(&self) -> bool {
        self.task.image_depth > 1
    }

    /// Slices that a kernel of this height reads.
    pub fn kernel_depth(&self, height: usize) -> usize {
        if self.is_volume() { height } else { 1 }
    }

    /// Size of a value.
    pub fn size(&self, value: Value) -> Size {
        self.sizes[value.0]
    }

    fn channels(&self, inputs: &[Value]) -> usize {
        inputs.iter().map(|&input| self.size(input).channels).sum()
    }

    fn push(&mut self, step: Step, size: Size) -> Value {
        let deepest = step.inputs().iter().map(|input| self.depths[input.0]).max();
        let convs = u32::from(matches!(step, Step::Conv { .. } | Step::Pointwise { .. }));
        self.depths.push(deepest.expect("a step has inputs") + convs);
        self.sizes.push(size);
        self.steps.push(step);
        Value(self.sizes.len() - 1)
    }

    /// A convolution of `outputs` channels.
    ///
    /// # Panics
    /// If groups do not divide the channels.
    pub fn conv(&mut self, inputs: &[Value], activation: Activation, outputs: usize, shape: ConvShape) -> Value {
        let ConvShape { kernel: [height, width], dilation, groups, may_round, simple_weight_norm } = shape;
        let channels = self.channels(inputs);
        assert!(
            channels.is_multiple_of(groups) && outputs.is_multiple_of(groups),
            "{channels} to {outputs} channels in {groups} groups"
        );
        let weight = [outputs, channels / groups * self.kernel_depth(height), height, width];
        let Size { pixels, depth, .. } = self.size(inputs[0]);
        let weights: usize = weight.iter().product();
        self.multiply_adds += (weights * pixels * pixels * depth) as u64;
        self.convs.push(weight);
        let step = Step::Conv { inputs: inputs.to_vec(), activation, dilation, groups, may_round, simple_weight_norm };
        let size = Size { channels: outputs, pixels, depth };
        self.push(step, size)
    }

    /// The 1x1 convolution of an op behind a ReLU, of `outputs` channels, with a normalisation in place of BatchNorm.
    pub fn pointwise(&mut self, inputs: &[Value], outputs: usize, normalisation: OpNormalisation) -> Value {
        let (channels, size) = (self.channels(inputs), self.size(inputs[0]));
        self.multiply_adds += (outputs * channels * size.pixels * size.pixels * size.depth) as u64;
        self.convs.push([outputs, channels, 1, 1]);
        self.op_norms.push((normalisation, outputs));
        let step = Step::Pointwise { inputs: inputs.to_vec(), normalisation };
        self.push(step, Size { channels: outputs, ..size })
    }

    /// BatchNorm.
    pub fn norm(&mut self, inputs: &[Value]) -> Value {
        let channels = self.channels(inputs);
        self.norms.push(channels);
        let size = Size { channels, ..self.size(inputs[0]) };
        self.push(Step::Norm { inputs: inputs.to_vec() }, size)
    }

    /// ReLU.
    pub fn relu(&mut self, input: Value) -> Value {
        self.push(Step::Relu { input }, self.size(input))
    }

    /// The sum of two values of the same size.
    pub fn add(&mut self, inputs: [Value; 2]) -> Value {
        let [left, right] = inputs.map(|input| self.size(input));
        assert_eq!(left, right, "summands");
        self.push(Step::Add { inputs }, left)
    }

    /// The first `count` parts of `channels` channels each.
    pub fn cut(&mut self, input: Value, channels: usize, count: usize) -> Vec<Value> {
        let size = Size { channels, ..self.size(input) };
        self.steps.push(Step::Cut { input, channels, count });
        let first = self.sizes.len();
        self.sizes.resize(first + count, size);
        self.depths.resize(first + count, self.depths[input.0]);
        (first..first + count).map(Value).collect()
    }

    /// Half the height and width, and half the depth of volumes. An odd last row, column or slice is dropped.
    pub fn halve(&mut self, input: Value) -> Value {
        let size = self.halved(input);
        self.push(Step::Halve { input }, size)
    }

    /// As [`Self::halve`], with maxima; for images only.
    pub fn max_halve(&mut self, input: Value) -> Value {
        assert!(!self.is_volume(), "maxima are for images");
        let size = self.halved(input);
        self.push(Step::MaxHalve { input }, size)
    }

    /// Every second row and column, and every second slice of volumes.
    pub fn subsample(&mut self, input: Value, offset: usize) -> Value {
        let size = self.halved(input);
        self.push(Step::Subsample { input, offset }, size)
    }

    fn halved(&self, input: Value) -> Size {
        let Size { channels, pixels, depth } = self.size(input);
        assert!(pixels > 1, "{}: a map of {pixels} pixels cannot be halved", self.name);
        Size { channels, pixels: pixels / 2, depth: if self.is_volume() { (depth / 2).max(1) } else { 1 } }
    }

    /// The mean of some values, with drop-path if requested.
    pub fn join(&mut self, inputs: &[Value], drop_path: bool) -> Value {
        let step = Step::Join { inputs: inputs.to_vec(), drop_path };
        self.push(step, self.size(inputs[0]))
    }

    /// Dropout of a percentage of values.
    pub fn dropout(&mut self, input: Value, percent: usize) -> Value {
        self.push(Step::Dropout { input, percent }, self.size(input))
    }

    /// A random convex combination of two values.
    pub fn shake(&mut self, inputs: [Value; 2]) -> Value {
        self.push(Step::Shake { inputs }, self.size(inputs[0]))
    }

    /// Sets the value that the output layer reads.
    pub fn classify(mut self, features: Value) -> Self {
        self.features = features;
        self
    }

    /// Size and cost of the network as computed. A subsampled convolution counts at the resolution at which it runs.
    pub fn counts(&self) -> Counts {
        let convs: usize = self.convs.iter().map(|shape| shape.iter().product::<usize>()).sum();
        let norms: usize = self.norms.iter().map(|channels| 2 * channels).sum();
        let of_op = |&(normalisation, channels): &(OpNormalisation, usize)| {
            channels * normalisation.learned().into_iter().filter(|is_learned| *is_learned).count()
        };
        let op_norms: usize = self.op_norms.iter().map(of_op).sum();
        let channels = self.size(self.features).channels;
        Counts {
            parameters: (convs + norms + op_norms + self.task.classes * (channels + 1)) as u64,
            multiply_adds: self.multiply_adds + (self.task.classes * channels) as u64,
            depth: self.depths[self.features.0] + 1,
        }
    }
}

/// Shape of a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvShape {
    /// Kernel size `[height, width]`.
    pub kernel: [usize; 2],
    /// Dilation factor `[height, width]`.
    pub dilation: [usize; 2],
    /// Convolution groups.
    pub groups: usize,
    /// See [`Step::Conv`].
    pub may_round: bool,
    /// See [`Step::Conv`].
    pub simple_weight_norm: bool,
}

impl ConvShape {
    /// A square kernel, neither dilated nor grouped.
    pub fn square(size: usize) -> Self {
        Self { kernel: [size; 2], dilation: [1, 1], groups: 1, may_round: true, simple_weight_norm: false }
    }

    /// The same in full precision, for stems and transitions.
    pub fn exact(size: usize) -> Self {
        Self { may_round: false, ..Self::square(size) }
    }
}

//! The golden files' own types: settings and architectures under the released code's names.
#![expect(missing_docs, reason = "the names are the released code's")]

use std::collections::BTreeMap;

use crate::space::{BankSizes, Bottleneck, Patterns, SearchSpace, Units};
use crate::{Architecture, Block, Conv, Op};
use serde::Deserialize;

#[derive(Deserialize)]
pub struct Golden {
    pub config: Config,
    pub cases: Vec<Case>,
}

/// Settings of the released code, under its names.
#[derive(Deserialize)]
#[allow(non_snake_case)]
pub struct Config {
    depth: usize,
    width: usize,
    N: usize,
    N_max: usize,
    pub nClasses: usize,
    bottleneck: usize,
    max_bottleneck: usize,
    depth_compression: usize,
    max_dilate: usize,
    max_kernel: usize,
    max_groups: usize,
    pub var_op: bool,
    var_ks: bool,
    var_group: bool,
}

#[derive(Deserialize)]
pub struct Case {
    pub case: usize,
    pub labels: Vec<i32>,
    pub loss: f64,
    pub gradient_norms: BTreeMap<String, f64>,
    pub architecture: GoldenArchitecture,
}

/// An architecture as the golden files write it.
#[derive(Deserialize)]
pub struct GoldenArchitecture {
    blocks: Vec<GoldenBlock>,
}

#[derive(Deserialize)]
struct GoldenBlock {
    bank_size: usize,
    ops: Vec<GoldenOp>,
}

#[derive(Deserialize)]
#[allow(non_snake_case)]
struct GoldenOp {
    read: Vec<usize>,
    write: Vec<usize>,
    G: usize,
    op: [u8; 4],
    dilation: Vec<[usize; 2]>,
    kernel: Vec<[usize; 2]>,
    groups: Vec<usize>,
}

impl Config {
    /// The search space of the released code at these settings.
    pub fn space(&self) -> SearchSpace {
        SearchSpace {
            depth: self.depth,
            width: self.width,
            base_channels: self.N,
            max_channels: self.N_max,
            depth_compression: self.depth_compression,
            bottleneck: Bottleneck::Released { ratio: self.bottleneck, cap: self.max_bottleneck },
            patterns: if self.var_op { Patterns::UpToFour } else { Patterns::Single },
            max_kernel: if self.var_ks { self.max_kernel } else { 3 },
            max_dilation: self.max_dilate,
            square: false,
            max_groups: if self.var_group { self.max_groups } else { 1 },
            bank_sizes: BankSizes::Variable,
            units: Units::NearReads,
            budget: [0.3, 1.0],
            compression: None,
        }
    }
}

impl GoldenArchitecture {
    pub fn to_architecture(&self) -> Architecture {
        let op = |op: &GoldenOp| {
            let mut convs = [None; 4];
            for (slot, conv) in convs.iter_mut().enumerate().filter(|(slot, _)| op.op[*slot] == 1) {
                let [kernel, dilation] = [op.kernel[slot], op.dilation[slot]];
                *conv = Some(Conv { kernel, dilation, groups: op.groups[slot] });
            }
            Op { reads: op.read.clone(), writes: op.write.clone(), units: op.G, convs }
        };
        let block = |block: &GoldenBlock| Block { bank_size: block.bank_size, ops: block.ops.iter().map(op).collect() };
        Architecture { blocks: self.blocks.iter().map(block).collect() }
    }
}

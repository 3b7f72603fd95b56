//! Checkpoints in the safetensors format, which Python can read too: parameters by name, and a short text.

use std::collections::{BTreeMap, HashMap};

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::prelude::*;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use crate::error::{CheckpointError, DeviceError};

/// The one key of the file's metadata; a single key keeps the bytes of the file in a fixed order.
const METADATA_KEY: &str = "smash";

/// A tensor in host memory.
#[derive(Clone, Debug, PartialEq)]
pub struct HostTensor {
    /// Size of each dimension.
    pub shape: Vec<usize>,
    /// Values in row-major order.
    pub values: Vec<f32>,
}

/// The contents of a checkpoint file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Checkpoint {
    /// Tensors by name, such as `hypernet.convs.0`.
    pub tensors: BTreeMap<String, HostTensor>,
    /// Free text of the writer, stored in the file's metadata.
    pub metadata: String,
}

impl HostTensor {
    /// Copies a tensor from its device.
    ///
    /// # Panics
    /// If the device could not compute it, with the cause. A GPU reports the faults of earlier kernels here.
    pub fn of<B: Backend, const D: usize>(tensor: Tensor<B, D>) -> Self {
        Self::read(tensor).unwrap_or_else(|fault| panic!("{fault}"))
    }

    /// As [`Self::of`].
    ///
    /// # Errors
    /// A device that could not compute the tensor.
    pub fn read<B: Backend, const D: usize>(tensor: Tensor<B, D>) -> Result<Self, DeviceError> {
        let shape = tensor.dims().to_vec();
        let data = tensor.try_into_data().map_err(|fault| DeviceError::new(&fault.to_string()))?;
        Ok(Self { shape, values: data.convert::<f32>().into_vec().expect("converted to f32") })
    }

    /// Copies the only value of a tensor from its device.
    ///
    /// # Panics
    /// As [`Self::of`].
    pub fn scalar<B: Backend>(tensor: Tensor<B, 1>) -> f64 {
        Self::of(tensor).values[0].into()
    }
}

impl Checkpoint {
    /// The bytes of a safetensors file. The same checkpoint always gives the same bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let bytes: BTreeMap<&str, (Vec<u8>, &[usize])> = self
            .tensors
            .iter()
            .map(|(name, tensor)| {
                let bytes = tensor.values.iter().flat_map(|value| value.to_le_bytes()).collect();
                (name.as_str(), (bytes, tensor.shape.as_slice()))
            })
            .collect();
        let views = bytes.iter().map(|(name, (bytes, shape))| {
            let view = TensorView::new(Dtype::F32, shape.to_vec(), bytes).expect("four bytes for each value");
            (*name, view)
        });
        let metadata = HashMap::from([(METADATA_KEY.to_string(), self.metadata.clone())]);
        safetensors::serialize(views, Some(metadata)).expect("valid tensors always serialise")
    }

    /// Reads the bytes of a safetensors file.
    ///
    /// # Errors
    /// Bytes that are not a safetensors file, or a tensor that is not float32.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CheckpointError> {
        let format = |reason: String| CheckpointError::Format { reason };
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(|error| format(error.to_string()))?;
        let file = SafeTensors::deserialize(bytes).map_err(|error| format(error.to_string()))?;
        let mut tensors = BTreeMap::new();
        for (name, view) in file.iter() {
            if view.dtype() != Dtype::F32 {
                return Err(format(format!("tensor `{name}` is {:?}, expected F32", view.dtype())));
            }
            let chunks = view.data().chunks_exact(4);
            let values = chunks.map(|bytes| f32::from_le_bytes(bytes.try_into().expect("4 bytes"))).collect();
            tensors.insert(name.to_string(), HostTensor { shape: view.shape().to_vec(), values });
        }
        let metadata = header.metadata().as_ref().and_then(|map| map.get(METADATA_KEY)).cloned().unwrap_or_default();
        Ok(Self { tensors, metadata })
    }

    /// Adds all parameters of a module. Their names start with `prefix`.
    pub fn add<B: Backend, M: Module<B>>(&mut self, prefix: &str, module: &M) {
        struct Collector<'a> {
            checkpoint: &'a mut Checkpoint,
            path: Vec<String>,
        }
        impl<B: Backend> ModuleVisitor<B> for Collector<'_> {
            fn enter_module(&mut self, name: &str, _container_type: &str) {
                self.path.push(name.to_string());
            }
            fn exit_module(&mut self, _name: &str, _container_type: &str) {
                self.path.pop();
            }
            fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<B, D>>) {
                self.checkpoint.tensors.insert(self.path.join("."), HostTensor::of(param.val()));
            }
        }
        module.visit(&mut Collector { checkpoint: self, path: vec![prefix.to_string()] });
    }

    /// Takes the parameters of a module out of the checkpoint.
    ///
    /// # Errors
    /// A tensor that is missing or has another shape.
    pub fn restore<B: Backend, M: Module<B>>(&mut self, prefix: &str, module: M) -> Result<M, CheckpointError> {
        struct Restorer<'a> {
            checkpoint: &'a mut Checkpoint,
            path: Vec<String>,
            failure: Option<CheckpointError>,
        }
        impl<B: Backend> ModuleMapper<B> for Restorer<'_> {
            fn enter_module(&mut self, name: &str, _container_type: &str) {
                self.path.push(name.to_string());
            }
            fn exit_module(&mut self, _name: &str, _container_type: &str) {
                self.path.pop();
            }
            fn map_float<const D: usize>(&mut self, param: Param<Tensor<B, D>>) -> Param<Tensor<B, D>> {
                let expected = param.val();
                match self.checkpoint.take_shaped(&self.path.join("."), &expected.dims()) {
                    Ok(values) => {
                        let tensor = Tensor::from_data(TensorData::new(values, expected.dims()), &expected.device());
                        let tensor = tensor.set_require_grad(expected.is_require_grad());
                        Param::initialized(ParamId::new(), tensor)
                    }
                    Err(error) => {
                        self.failure.get_or_insert(error);
                        param
                    }
                }
            }
        }
        let mut restorer = Restorer { checkpoint: self, path: vec![prefix.to_string()], failure: None };
        let module = module.map(&mut restorer);
        restorer.failure.map_or(Ok(module), Err)
    }

    /// Takes one tensor out.
    ///
    /// # Errors
    /// The tensor is missing.
    pub fn take(&mut self, name: &str) -> Result<HostTensor, CheckpointError> {
        self.tensors.remove(name).ok_or_else(|| CheckpointError::Missing { name: name.to_string() })
    }

    /// Takes the values of a tensor of this shape.
    ///
    /// # Errors
    /// The tensor is missing or has another shape.
    pub fn take_shaped(&mut self, name: &str, expected: &[usize]) -> Result<Vec<f32>, CheckpointError> {
        let HostTensor { shape, values } = self.take(name)?;
        if shape != expected {
            return Err(CheckpointError::Shape { name: name.to_string(), found: shape, expected: expected.to_vec() });
        }
        Ok(values)
    }

    /// Checks that everything was taken.
    ///
    /// # Errors
    /// A tensor that no part of the network took.
    pub fn finish(self) -> Result<(), CheckpointError> {
        match self.tensors.into_keys().next() {
            Some(name) => Err(CheckpointError::Unknown { name }),
            None => Ok(()),
        }
    }
}

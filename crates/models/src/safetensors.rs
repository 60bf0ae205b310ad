//! Float tensors from one or many safetensors files, each taken once and by name.

use std::collections::BTreeMap;
use std::path::Path;

use safetensors::{Dtype, SafeTensors};

use crate::error::ModelError;
use crate::float::{Matrix, check_finite};
use crate::import::{read_bounded, read_json};

/// Largest weight file that is read into memory.
const FILE_LIMIT_BYTES: u64 = 32 << 30;

/// Named f32 tensors not taken yet.
#[derive(Debug, Default)]
pub(crate) struct Tensors {
    by_name: BTreeMap<String, (Vec<usize>, Vec<f32>)>,
}

impl Tensors {
    /// Reads `model.safetensors`, or the shards that its index names.
    pub(crate) fn of_model(directory: &Path) -> Result<Self, ModelError> {
        let whole = directory.join("model.safetensors");
        let index = directory.join("model.safetensors.index.json");
        let mut tensors = Self::default();
        if whole.is_file() {
            tensors.add_file(&whole)?;
            return Ok(tensors);
        }
        if !index.is_file() {
            refuse_pickle(directory, &["pytorch_model.bin", "pytorch_model.bin.index.json"])?;
            return Err(ModelError::MissingFile {
                path: whole,
                hint: "put model.safetensors, or its index and shards, beside config.json",
            });
        }
        tensors.add_shards(directory, &index)?;
        Ok(tensors)
    }

    fn add_shards(&mut self, directory: &Path, index: &Path) -> Result<(), ModelError> {
        let index = read_json(index)?;
        let damaged = |reason: String| ModelError::Damaged {
            file: "model.safetensors.index.json".into(),
            reason,
        };
        let map = index.get("weight_map").and_then(|map| map.as_object());
        let map = map.ok_or_else(|| damaged("weight_map is missing".into()))?;
        let mut shards: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (tensor, shard) in map {
            let shard = shard.as_str().ok_or_else(|| damaged(format!("{tensor} names no file")))?;
            // A shard lies in this directory, whatever the index says.
            if shard.is_empty() || shard.contains(['/', '\\']) || shard.starts_with('.') {
                return Err(damaged(format!("shard {shard:?} is not a plain file name")));
            }
            shards.entry(shard).or_default().push(tensor);
        }
        for (shard, names) in shards {
            let mut part = Self::default();
            part.add_file(&directory.join(shard))?;
            for name in names {
                let Some(tensor) = part.by_name.remove(name) else {
                    return Err(damaged(format!("{shard} lacks tensor {name}")));
                };
                self.by_name.insert(name.to_owned(), tensor);
            }
            if let Some(name) = part.by_name.keys().next() {
                return Err(damaged(format!(
                    "{shard} holds {name}, which the index does not name"
                )));
            }
        }
        Ok(())
    }

    /// Reads one file.
    pub(crate) fn add_file(&mut self, path: &Path) -> Result<(), ModelError> {
        let bytes = read_bounded(path, FILE_LIMIT_BYTES)?;
        let name = path.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
        self.add_bytes(&name, &bytes)
    }

    /// Parses one file's bytes.
    pub(crate) fn add_bytes(&mut self, file: &str, bytes: &[u8]) -> Result<(), ModelError> {
        let parsed = SafeTensors::deserialize(bytes).map_err(|error| ModelError::Damaged {
            file: file.into(),
            reason: error.to_string(),
        })?;
        for (name, view) in parsed.iter() {
            let values = decode(name, view.dtype(), view.data())?;
            check_finite(name, &values)?;
            self.by_name.insert(name.to_owned(), (view.shape().to_vec(), values));
        }
        Ok(())
    }

    /// Takes a matrix of a known shape.
    pub(crate) fn matrix(
        &mut self,
        name: &str,
        rows: usize,
        cols: usize,
    ) -> Result<Matrix, ModelError> {
        Ok(Matrix::new(rows, cols, self.take(name, &[rows, cols])?))
    }

    /// Takes a vector of a known length.
    pub(crate) fn vector(&mut self, name: &str, len: usize) -> Result<Vec<f32>, ModelError> {
        self.take(name, &[len])
    }

    fn take(&mut self, name: &str, expected: &[usize]) -> Result<Vec<f32>, ModelError> {
        let Some((shape, values)) = self.by_name.remove(name) else {
            return Err(ModelError::MissingTensor { tensor: name.into() });
        };
        if shape != expected {
            let (found, expected) = (shape, expected.to_vec());
            return Err(ModelError::ShapeMismatch { tensor: name.into(), found, expected });
        }
        Ok(values)
    }

    /// The shape of a tensor that is still there.
    pub(crate) fn shape(&self, name: &str) -> Option<&[usize]> {
        self.by_name.get(name).map(|(shape, _)| shape.as_slice())
    }

    /// Drops tensors that carry nothing.
    pub(crate) fn forget(&mut self, useless: impl Fn(&str) -> bool) {
        self.by_name.retain(|name, _| !useless(name));
    }

    /// Refuses whatever nobody took.
    pub(crate) fn end(self) -> Result<(), ModelError> {
        match self.by_name.into_keys().next() {
            None => Ok(()),
            Some(tensor) => Err(ModelError::UnexpectedTensor { tensor }),
        }
    }
}

/// Says that a pickle is the reason when one lies where safetensors should.
pub(crate) fn refuse_pickle(directory: &Path, names: &[&str]) -> Result<(), ModelError> {
    match names.iter().map(|name| directory.join(name)).find(|path| path.is_file()) {
        Some(path) => Err(ModelError::Pickle { path }),
        None => Ok(()),
    }
}

fn decode(name: &str, dtype: Dtype, bytes: &[u8]) -> Result<Vec<f32>, ModelError> {
    let halves = || bytes.as_chunks::<2>().0.iter().map(|b| u16::from_le_bytes(*b));
    match dtype {
        Dtype::F32 => Ok(bytes.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect()),
        Dtype::BF16 => Ok(halves().map(|h| f32::from_bits(u32::from(h) << 16)).collect()),
        Dtype::F16 => Ok(halves().map(half_to_float).collect()),
        other => {
            Err(ModelError::UnsupportedDtype { tensor: name.into(), dtype: format!("{other:?}") })
        }
    }
}

/// IEEE binary16 to binary32, exact.
fn half_to_float(half: u16) -> f32 {
    let sign = if half >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, fraction) = (i32::from(half >> 10 & 0x1f), f32::from(half & 0x3ff));
    match exponent {
        0 => sign * fraction * (2.0f32).powi(-24),
        31 if fraction == 0.0 => sign * f32::INFINITY,
        31 => f32::NAN,
        _ => sign * (1.0 + fraction / 1024.0) * (2.0f32).powi(exponent - 15),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_become_the_floats_they_stand_for() {
        let pairs = [
            (0x0000, 0.0),
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x7bff, 65_504.0),
            (0x0001, 5.960_464_5e-8),
            (0x3555, 0.333_251_95),
        ];
        for (half, float) in pairs {
            assert_eq!(half_to_float(half), float);
        }
        assert!(half_to_float(0x7c00).is_infinite());
        assert!(half_to_float(0x7e00).is_nan());
    }
}

//! Hugging Face directories: `config.json` and one `model.safetensors`.

use std::collections::HashMap;
use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize_to_file};

use crate::config::LlamaConfig;
use crate::error::TrainingError;
use crate::params::Weights;

impl Weights {
    /// Loads `config.json` and every `.safetensors` file of a directory.
    ///
    /// # Errors
    /// When a file is absent or malformed, a tensor is missing or has another shape.
    pub fn load_hf(directory: &Path) -> Result<Self, TrainingError> {
        let config = LlamaConfig::from_hf(&directory.join("config.json"))?;
        let mut weights = Self::zeros(&config);
        let mut wanted: HashMap<_, _> = weights
            .layout
            .tensors(&config)
            .into_iter()
            .map(|(name, shape, range)| (name, (shape, range)))
            .collect();
        for path in safetensors_files(directory)? {
            let bytes =
                std::fs::read(&path).map_err(|source| TrainingError::file(&path, source))?;
            let file = SafeTensors::deserialize(&bytes)
                .map_err(|error| TrainingError::malformed(path.display().to_string(), error))?;
            for (name, view) in file.iter() {
                if let Some((shape, range)) = wanted.remove(name) {
                    if view.shape() != shape {
                        return Err(TrainingError::Shape {
                            name: name.to_owned(),
                            expected: shape,
                            found: view.shape().to_vec(),
                        });
                    }
                    read_floats(name, &view, &mut weights.data[range])?;
                }
            }
        }
        match wanted.into_keys().min() {
            Some(name) => Err(TrainingError::Missing(name)),
            None => Ok(weights),
        }
    }

    /// Writes `model.safetensors` in f32; `config.json` and the tokenizer are the caller's.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save_safetensors(&self, path: &Path) -> Result<(), TrainingError> {
        let tensors: Vec<(String, Vec<usize>, Vec<u8>)> =
            self.tensors().map(|(name, shape, values)| (name, shape, to_bytes(values))).collect();
        write_tensors(path, &tensors, None)
    }
}

pub(crate) fn to_bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

pub(crate) fn write_tensors(
    path: &Path,
    tensors: &[(String, Vec<usize>, Vec<u8>)],
    metadata: Option<HashMap<String, String>>,
) -> Result<(), TrainingError> {
    let mut views = Vec::with_capacity(tensors.len());
    for (name, shape, bytes) in tensors {
        let view = TensorView::new(Dtype::F32, shape.clone(), bytes)
            .map_err(|error| TrainingError::malformed(name.clone(), error))?;
        views.push((name.as_str(), view));
    }
    serialize_to_file(views, metadata, path)
        .map_err(|error| TrainingError::file(path, std::io::Error::other(error.to_string())))
}

pub(crate) fn read_floats(
    name: &str,
    view: &TensorView<'_>,
    out: &mut [f32],
) -> Result<(), TrainingError> {
    let bytes = view.data();
    match view.dtype() {
        Dtype::F32 => {
            for (to, from) in out.iter_mut().zip(bytes.chunks_exact(4)) {
                *to = f32::from_le_bytes([from[0], from[1], from[2], from[3]]);
            }
        }
        Dtype::BF16 => {
            for (to, from) in out.iter_mut().zip(bytes.chunks_exact(2)) {
                *to = f32::from_bits(u32::from(u16::from_le_bytes([from[0], from[1]])) << 16);
            }
        }
        Dtype::F16 => {
            for (to, from) in out.iter_mut().zip(bytes.chunks_exact(2)) {
                *to = half_to_f32(u16::from_le_bytes([from[0], from[1]]));
            }
        }
        other => {
            return Err(TrainingError::Unsupported(format!("tensor {name} of type {other:?}")));
        }
    }
    match out.iter().all(|value| value.is_finite()) {
        true => Ok(()),
        false => Err(TrainingError::malformed(name, "a weight is not a finite number")),
    }
}

fn half_to_f32(bits: u16) -> f32 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let exponent = i32::from((bits >> 10) & 0x1f);
    let fraction = f32::from(bits & 0x3ff);
    match exponent {
        0 => sign * fraction * 2.0f32.powi(-24),
        31 => f32::NAN,
        _ => sign * (1.0 + fraction / 1024.0) * 2.0f32.powi(exponent - 15),
    }
}

fn safetensors_files(directory: &Path) -> Result<Vec<std::path::PathBuf>, TrainingError> {
    let listing =
        std::fs::read_dir(directory).map_err(|source| TrainingError::file(directory, source))?;
    let mut found = Vec::new();
    for entry in listing {
        let path = entry.map_err(|source| TrainingError::file(directory, source))?.path();
        if path.extension().is_some_and(|extension| extension == "safetensors") {
            found.push(path);
        }
    }
    found.sort();
    if found.is_empty() {
        return Err(TrainingError::malformed(
            directory.display().to_string(),
            "no .safetensors file",
        ));
    }
    Ok(found)
}

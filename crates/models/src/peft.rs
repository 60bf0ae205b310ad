//! PEFT adapter directories, both ways.

use std::collections::HashMap;
use std::path::Path;

use safetensors::tensor::{Dtype, TensorView, serialize};
use serde_json::{Value, json};
use tributary_tensor::Shape;

use crate::adapter::{FloatAdapter, FloatAdapterLayer, FloatLowRank};
use crate::error::ModelError;
use crate::float::Matrix;
use crate::huggingface::{PROJECTIONS, interleave, split_halves};
use crate::import::{read_json, write_file};
use crate::safetensors::{Tensors, refuse_pickle};

/// A parsed PEFT directory. Its matrices are in Hugging Face order until a base's shape is known.
#[derive(Debug)]
pub struct PeftAdapter {
    /// Name of the base that the adapter says it was trained on.
    pub base_name: Option<String>,
    rank: u32,
    alpha: f32,
    tensors: Tensors,
}

impl PeftAdapter {
    /// Reads adapter_config.json and adapter_model.safetensors.
    pub fn read(directory: &Path) -> Result<Self, ModelError> {
        let config = read_json(&directory.join("adapter_config.json"))?;
        let (rank, alpha) = parse_config(&config)?;
        let weights = directory.join("adapter_model.safetensors");
        if !weights.is_file() {
            refuse_pickle(directory, &["adapter_model.bin"])?;
            return Err(ModelError::MissingFile {
                path: weights,
                hint: "an adapter directory holds adapter_model.safetensors",
            });
        }
        let mut tensors = Tensors::default();
        tensors.add_file(&weights)?;
        let base_name = config.get("base_model_name_or_path").and_then(Value::as_str);
        Ok(Self { base_name: base_name.map(str::to_owned), rank, alpha, tensors })
    }

    /// Fits the matrices to a base.
    pub fn fit(mut self, shape: &Shape) -> Result<FloatAdapter, ModelError> {
        let mut layers = Vec::new();
        for index in 0..shape.layers {
            let mut layer = FloatAdapterLayer::default();
            for (place, (_, rows, cols)) in shape.projections().into_iter().enumerate() {
                *layer.place_mut(place) = self.take(index, place, (rows, cols), shape)?;
            }
            layers.push(layer);
        }
        self.tensors.end()?;
        let adapter = FloatAdapter { rank: self.rank, alpha: self.alpha, layers };
        adapter.check(shape)?;
        Ok(adapter)
    }

    fn take(
        &mut self,
        layer: u32,
        place: usize,
        (rows, cols): (usize, usize),
        shape: &Shape,
    ) -> Result<Option<FloatLowRank>, ModelError> {
        let [a, b] = names(layer, place);
        if self.tensors.shape(&a).is_none() && self.tensors.shape(&b).is_none() {
            return Ok(None);
        }
        let rank = self.rank as usize;
        let a = self.tensors.matrix(&a, rank, cols)?;
        let mut b = self.tensors.matrix(&b, rows, rank)?;
        if place < 2 {
            b = interleave(&b, shape.head_dim as usize);
        }
        Ok(Some(FloatLowRank { a, b }))
    }
}

fn names(layer: u32, place: usize) -> [String; 2] {
    let path = format!("base_model.model.model.layers.{layer}.{}", PROJECTIONS[place]);
    ["lora_A", "lora_B"].map(|factor| format!("{path}.{factor}.weight"))
}

fn parse_config(config: &Value) -> Result<(u32, f32), ModelError> {
    let unsupported = |feature: &str, found: &Value| {
        Err(ModelError::UnsupportedFeature { feature: feature.into(), found: found.to_string() })
    };
    let bad = |field: &str, expected: &str| ModelError::Json {
        file: "adapter_config.json".into(),
        reason: format!("{field} must be {expected}"),
    };
    let Some(fields) = config.as_object() else { return Err(bad("the top level", "an object")) };
    let kind = fields.get("peft_type").unwrap_or(&Value::Null);
    if kind.as_str() != Some("LORA") {
        return unsupported("peft_type", kind);
    }
    let absent = |value: &Value| match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::String(text) => text == "none",
        Value::Bool(true) | Value::Number(_) => false,
    };
    let refused = [
        "use_dora",
        "modules_to_save",
        "rank_pattern",
        "alpha_pattern",
        "fan_in_fan_out",
        "bias",
        "lora_bias",
        "trainable_token_indices",
        "megatron_config",
    ];
    for feature in refused {
        if let Some(value) = fields.get(feature).filter(|value| !absent(value)) {
            return unsupported(feature, value);
        }
    }
    let rank = fields.get("r").and_then(Value::as_u64).and_then(|r| u32::try_from(r).ok());
    let rank = rank.filter(|r| (1..=256).contains(r)).ok_or_else(|| bad("r", "1 to 256"))?;
    let alpha = fields.get("lora_alpha").and_then(Value::as_f64).filter(|a| a.is_finite());
    let mut alpha = alpha.ok_or_else(|| bad("lora_alpha", "a number"))?;
    if fields.get("use_rslora").and_then(Value::as_bool) == Some(true) {
        // alpha / sqrt(r) instead of alpha / r.
        alpha *= f64::from(rank).sqrt();
    }
    Ok((rank, alpha as f32))
}

/// Writes a directory that PEFT loads onto the original Hugging Face base.
pub fn write_peft(
    directory: &Path,
    adapter: &FloatAdapter,
    shape: &Shape,
    base_name: &str,
) -> Result<(), ModelError> {
    adapter.check(shape)?;
    std::fs::create_dir_all(directory)
        .map_err(|source| ModelError::Write { path: directory.into(), source })?;
    let mut buffers: Vec<(String, Vec<usize>, Vec<u8>)> = Vec::new();
    let mut targets: Vec<&str> = Vec::new();
    let width = shape.head_dim as usize;
    for (index, layer) in (0..shape.layers).zip(&adapter.layers) {
        for (place, low) in layer.places().into_iter().enumerate() {
            let Some(low) = low else { continue };
            let target = PROJECTIONS[place].split_once('.').map_or("", |(_, name)| name);
            if !targets.contains(&target) {
                targets.push(target);
            }
            let [a, b] = names(index, place);
            let half_split = if place < 2 { split_halves(&low.b, width) } else { low.b.clone() };
            buffers.push(buffer(a, &low.a));
            buffers.push(buffer(b, &half_split));
        }
    }
    let views: Result<HashMap<String, TensorView<'_>>, _> = buffers
        .iter()
        .map(|(name, shape, bytes)| {
            TensorView::new(Dtype::F32, shape.clone(), bytes).map(|view| (name.clone(), view))
        })
        .collect();
    let damaged = |error: safetensors::SafeTensorError| ModelError::Damaged {
        file: "adapter_model.safetensors".into(),
        reason: error.to_string(),
    };
    let views = views.map_err(damaged)?;
    let metadata = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    let bytes = serialize(views, Some(metadata)).map_err(damaged)?;
    write_file(&directory.join("adapter_model.safetensors"), &bytes)?;
    let config = json!({
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base_name,
        "r": adapter.rank,
        "lora_alpha": adapter.alpha,
        "lora_dropout": 0.0,
        "bias": "none",
        "fan_in_fan_out": false,
        "inference_mode": true,
        "target_modules": targets,
    });
    let text = format!("{config:#}\n");
    write_file(&directory.join("adapter_config.json"), text.as_bytes())
}

fn buffer(name: String, matrix: &Matrix) -> (String, Vec<usize>, Vec<u8>) {
    let bytes = matrix.values.iter().flat_map(|v| v.to_le_bytes()).collect();
    (name, vec![matrix.rows, matrix.cols], bytes)
}

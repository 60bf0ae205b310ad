//! A Hugging Face Llama directory: config.json, safetensors, tokenizer.json, chat template.

use std::path::Path;

use serde_json::{Map, Value};
use tributary_tensor::Shape;

use crate::error::ModelError;
use crate::float::{FloatLayer, FloatModel, Matrix, Rope, RopeScaling};
use crate::import::read_json;
use crate::safetensors::Tensors;

/// Longest context that the tables of the format allow.
const CONTEXT_LIMIT: u64 = 65_536;

/// Reads the weights of a directory.
pub(crate) fn read_model(directory: &Path) -> Result<FloatModel, ModelError> {
    let config = Config::parse(&read_json(&directory.join("config.json"))?)?;
    config.shape.check()?;
    let mut tensors = Tensors::of_model(directory)?;
    let float = assemble(&config, &mut tensors)?;
    tensors.forget(|name| name.ends_with("rotary_emb.inv_freq"));
    tensors.end()?;
    float.check()?;
    Ok(float)
}

fn assemble(config: &Config, tensors: &mut Tensors) -> Result<FloatModel, ModelError> {
    let shape = config.shape;
    let (d, vocab) = (shape.hidden as usize, shape.vocab as usize);
    let embedding = tensors.matrix("model.embed_tokens.weight", vocab, d)?;
    let mut layers = Vec::new();
    for index in 0..shape.layers {
        layers.push(read_layer(tensors, index, &shape)?);
    }
    let final_norm = tensors.vector("model.norm.weight", d)?;
    let head = if config.tied {
        tensors.forget(|name| name == "lm_head.weight");
        None
    } else {
        Some(tensors.matrix("lm_head.weight", vocab, d)?)
    };
    Ok(FloatModel {
        shape,
        rope: config.rope,
        norm_epsilon: config.norm_epsilon,
        embedding,
        layers,
        final_norm,
        head,
    })
}

/// File names of the seven projections, in file order.
pub(crate) const PROJECTIONS: [&str; 7] = [
    "self_attn.q_proj",
    "self_attn.k_proj",
    "self_attn.v_proj",
    "self_attn.o_proj",
    "mlp.gate_proj",
    "mlp.up_proj",
    "mlp.down_proj",
];

fn read_layer(tensors: &mut Tensors, index: u32, shape: &Shape) -> Result<FloatLayer, ModelError> {
    let d = shape.hidden as usize;
    let name = |part: &str| format!("model.layers.{index}.{part}.weight");
    let attention_norm = tensors.vector(&name("input_layernorm"), d)?;
    let mlp_norm = tensors.vector(&name("post_attention_layernorm"), d)?;
    let mut matrix = |place: usize| {
        let (_, rows, cols) = shape.projections()[place];
        tensors.matrix(&name(PROJECTIONS[place]), rows, cols)
    };
    let width = shape.head_dim as usize;
    Ok(FloatLayer {
        attention_norm,
        q: interleave(&matrix(0)?, width),
        k: interleave(&matrix(1)?, width),
        v: matrix(2)?,
        o: matrix(3)?,
        mlp_norm,
        gate: matrix(4)?,
        up: matrix(5)?,
        down: matrix(6)?,
    })
}

/// Rows of each head from half-split order `(i, i + width / 2)` to pairs `(2i, 2i + 1)`.
pub(crate) fn interleave(matrix: &Matrix, width: usize) -> Matrix {
    permute(matrix, width, |i| i / 2 + i % 2 * (width / 2))
}

/// The inverse of [`interleave`].
pub(crate) fn split_halves(matrix: &Matrix, width: usize) -> Matrix {
    permute(matrix, width, |i| if i < width / 2 { 2 * i } else { 2 * (i - width / 2) + 1 })
}

fn permute(matrix: &Matrix, width: usize, source: impl Fn(usize) -> usize) -> Matrix {
    let rows = (0..matrix.rows).map(|row| row / width * width + source(row % width));
    let values = rows.flat_map(|row| matrix.row(row).iter().copied()).collect();
    Matrix::new(matrix.rows, matrix.cols, values)
}

/// What config.json says, checked.
struct Config {
    shape: Shape,
    rope: Rope,
    norm_epsilon: f32,
    tied: bool,
}

impl Config {
    fn parse(json: &Value) -> Result<Self, ModelError> {
        let Some(fields) = json.as_object() else {
            return Err(bad("the top level", "an object"));
        };
        check_architecture(fields)?;
        check_features(fields)?;
        let hidden = dimension(fields, "hidden_size")?;
        let heads = dimension(fields, "num_attention_heads")?;
        let head_dim = match optional(fields, "head_dim") {
            Some(_) => dimension(fields, "head_dim")?,
            None => hidden / heads.max(1),
        };
        let kv_heads = match optional(fields, "num_key_value_heads") {
            Some(_) => dimension(fields, "num_key_value_heads")?,
            None => heads,
        };
        let context = dimension(fields, "max_position_embeddings")?;
        let shape = Shape {
            hidden,
            layers: dimension(fields, "num_hidden_layers")?,
            heads,
            kv_heads,
            head_dim,
            ffn: dimension(fields, "intermediate_size")?,
            vocab: dimension(fields, "vocab_size")?,
            context: u64::from(context).min(CONTEXT_LIMIT) as u32,
        };
        let tied = flag(fields, "tie_word_embeddings")?;
        let norm_epsilon = number(fields, "rms_norm_eps")?.unwrap_or(1e-6) as f32;
        Ok(Self { shape, rope: rope(fields)?, norm_epsilon, tied })
    }
}

fn check_architecture(fields: &Map<String, Value>) -> Result<(), ModelError> {
    let named = fields.get("architectures").and_then(Value::as_array).and_then(|a| a.first());
    let found = named.or_else(|| fields.get("model_type")).and_then(Value::as_str);
    match found {
        Some("LlamaForCausalLM" | "llama") => Ok(()),
        other => Err(ModelError::UnsupportedArchitecture {
            found: other.unwrap_or("nothing named in config.json").to_owned(),
        }),
    }
}

fn check_features(fields: &Map<String, Value>) -> Result<(), ModelError> {
    let unsupported = |feature: &str, found: String| {
        Err(ModelError::UnsupportedFeature { feature: feature.into(), found })
    };
    for feature in ["attention_bias", "mlp_bias"] {
        if flag(fields, feature)? {
            return unsupported(feature, "true".into());
        }
    }
    if let Some(found) = optional(fields, "quantization_config") {
        let method = found.get("quant_method").and_then(Value::as_str).unwrap_or("unnamed");
        return unsupported("quantization_config", method.to_owned());
    }
    match optional(fields, "hidden_act").map(|act| act.as_str()) {
        None | Some(Some("silu" | "swish")) => Ok(()),
        Some(found) => unsupported("hidden_act", found.unwrap_or("not a text").to_owned()),
    }
}

fn rope(fields: &Map<String, Value>) -> Result<Rope, ModelError> {
    // Newer files keep everything in rope_parameters.
    let parameters = optional(fields, "rope_parameters").and_then(Value::as_object);
    let scaling = parameters.or(optional(fields, "rope_scaling").and_then(Value::as_object));
    let within = parameters.map_or(Ok(None), |p| number(p, "rope_theta"))?;
    let theta = match within {
        Some(theta) => theta,
        None => number(fields, "rope_theta")?.unwrap_or(10_000.0),
    };
    let Some(scaling) = scaling else { return Ok(Rope { theta, scaling: RopeScaling::None }) };
    let kind = optional(scaling, "rope_type").or(optional(scaling, "type"));
    let field = |name: &'static str| -> Result<f64, ModelError> {
        let value = number(scaling, name)?.filter(|v| v.is_finite() && *v > 0.0);
        value.ok_or_else(|| bad(name, "a positive number"))
    };
    let scaling = match kind.and_then(Value::as_str) {
        None | Some("default") => RopeScaling::None,
        Some("linear") => RopeScaling::Linear { factor: field("factor")? },
        Some("llama3") => RopeScaling::Llama3 {
            factor: field("factor")?,
            low_frequency_factor: field("low_freq_factor")?,
            high_frequency_factor: field("high_freq_factor")?,
            original_context: field("original_max_position_embeddings")?,
        },
        Some(other) => {
            return Err(ModelError::UnsupportedFeature {
                feature: "rope_scaling".into(),
                found: other.to_owned(),
            });
        }
    };
    Ok(Rope { theta, scaling })
}

fn optional<'a>(fields: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    fields.get(name).filter(|value| !value.is_null())
}

fn dimension(fields: &Map<String, Value>, name: &'static str) -> Result<u32, ModelError> {
    let value = optional(fields, name).and_then(Value::as_u64);
    let value = value.and_then(|v| u32::try_from(v).ok()).filter(|&v| v > 0);
    value.ok_or_else(|| bad(name, "a positive whole number"))
}

fn number(fields: &Map<String, Value>, name: &'static str) -> Result<Option<f64>, ModelError> {
    match optional(fields, name) {
        None => Ok(None),
        Some(value) => value.as_f64().map(Some).ok_or_else(|| bad(name, "a number")),
    }
}

fn flag(fields: &Map<String, Value>, name: &str) -> Result<bool, ModelError> {
    match optional(fields, name) {
        None => Ok(false),
        Some(value) => value.as_bool().ok_or_else(|| bad(name, "true or false")),
    }
}

fn bad(field: &str, expected: &str) -> ModelError {
    ModelError::Json { file: "config.json".into(), reason: format!("{field} must be {expected}") }
}

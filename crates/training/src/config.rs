//! The shape of a Llama model.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::TrainingError;

/// The order of the two halves of a rotary pair inside a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RopeLayout {
    /// Pairs (i, i + head/2), as in Hugging Face checkpoints.
    HalfSplit,
    /// Pairs (2i, 2i + 1), as in EXI8 and llama2.c.
    Interleaved,
}

/// Configuration of a Llama model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LlamaConfig {
    /// Vocabulary size.
    pub vocab: usize,
    /// Width of the residual stream.
    pub hidden: usize,
    /// Blocks.
    pub layers: usize,
    /// Query heads.
    pub heads: usize,
    /// Key and value heads.
    pub kv_heads: usize,
    /// Width of one head.
    pub head_dim: usize,
    /// Width of the MLP.
    pub ffn: usize,
    /// Longest sequence.
    pub context: usize,
    /// Epsilon of the norms.
    pub norm_eps: f32,
    /// Base of the rotary frequencies.
    pub rope_theta: f32,
    /// Order of the rotary pairs.
    pub rope: RopeLayout,
    /// Whether head and embedding are one matrix.
    pub tied: bool,
}

impl LlamaConfig {
    /// Reads the `config.json` of a Hugging Face directory.
    ///
    /// # Errors
    /// When the file is absent, malformed or describes another architecture.
    pub fn from_hf(path: &Path) -> Result<Self, TrainingError> {
        let text = std::fs::read(path).map_err(|source| TrainingError::file(path, source))?;
        let hf: HfConfig = serde_json::from_slice(&text)
            .map_err(|error| TrainingError::malformed(path.display().to_string(), error))?;
        hf.into_config()
    }

    /// The `config.json` of the model.
    #[must_use]
    pub fn to_hf(&self, bos: u32, eos: u32, pad: u32) -> serde_json::Value {
        serde_json::json!({
            "architectures": ["LlamaForCausalLM"],
            "model_type": "llama",
            "hidden_act": "silu",
            "vocab_size": self.vocab,
            "hidden_size": self.hidden,
            "num_hidden_layers": self.layers,
            "num_attention_heads": self.heads,
            "num_key_value_heads": self.kv_heads,
            "head_dim": self.head_dim,
            "intermediate_size": self.ffn,
            "max_position_embeddings": self.context,
            "rms_norm_eps": self.norm_eps,
            "rope_theta": self.rope_theta,
            "rope_scaling": null,
            "tie_word_embeddings": self.tied,
            "attention_bias": false,
            "mlp_bias": false,
            "bos_token_id": bos,
            "eos_token_id": eos,
            "pad_token_id": pad,
            "torch_dtype": "float32"
        })
    }

    pub(crate) fn q_dim(&self) -> usize {
        self.heads * self.head_dim
    }

    pub(crate) fn kv_dim(&self) -> usize {
        self.kv_heads * self.head_dim
    }

    /// Number of parameters.
    #[must_use]
    pub fn parameters(&self) -> usize {
        crate::params::Layout::new(self).total
    }

    pub(crate) fn check(&self) -> Result<(), TrainingError> {
        let positive = [
            self.vocab,
            self.hidden,
            self.layers,
            self.heads,
            self.kv_heads,
            self.head_dim,
            self.ffn,
            self.context,
        ];
        if positive.contains(&0) || positive.iter().any(|size| *size > 1 << 20) {
            return Err(TrainingError::Unsupported("a dimension is zero or absurdly large".into()));
        }
        if !self.heads.is_multiple_of(self.kv_heads) || !self.head_dim.is_multiple_of(2) {
            return Err(TrainingError::Unsupported(format!(
                "{} heads over {} key heads of width {}",
                self.heads, self.kv_heads, self.head_dim
            )));
        }
        Ok(())
    }
}

#[derive(Deserialize)]
struct HfConfig {
    model_type: String,
    vocab_size: usize,
    hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    num_key_value_heads: Option<usize>,
    head_dim: Option<usize>,
    intermediate_size: usize,
    #[serde(default = "default_context")]
    max_position_embeddings: usize,
    #[serde(default = "default_eps")]
    rms_norm_eps: f32,
    #[serde(default = "default_theta")]
    rope_theta: f32,
    #[serde(default)]
    rope_scaling: Option<serde_json::Value>,
    #[serde(default)]
    tie_word_embeddings: bool,
    #[serde(default)]
    attention_bias: bool,
    #[serde(default)]
    mlp_bias: bool,
}

fn default_context() -> usize {
    2048
}

fn default_eps() -> f32 {
    1e-6
}

fn default_theta() -> f32 {
    10_000.0
}

impl HfConfig {
    fn into_config(self) -> Result<LlamaConfig, TrainingError> {
        if self.model_type != "llama" {
            return Err(TrainingError::Unsupported(format!("model type {}", self.model_type)));
        }
        if self.attention_bias || self.mlp_bias {
            return Err(TrainingError::Unsupported("biases in linear layers".into()));
        }
        if self.rope_scaling.is_some_and(|scaling| !scaling.is_null()) {
            return Err(TrainingError::Unsupported("rope scaling in the float reference".into()));
        }
        if self.num_attention_heads == 0 {
            return Err(TrainingError::Unsupported("a model without heads".into()));
        }
        let config = LlamaConfig {
            vocab: self.vocab_size,
            hidden: self.hidden_size,
            layers: self.num_hidden_layers,
            heads: self.num_attention_heads,
            kv_heads: self.num_key_value_heads.unwrap_or(self.num_attention_heads),
            head_dim: self.head_dim.unwrap_or(self.hidden_size / self.num_attention_heads),
            ffn: self.intermediate_size,
            context: self.max_position_embeddings,
            norm_eps: self.rms_norm_eps,
            rope_theta: self.rope_theta,
            rope: RopeLayout::HalfSplit,
            tied: self.tie_word_embeddings,
        };
        config.check()?;
        Ok(config)
    }
}

//! The model card: what is known about a stored model, in JSON.

use serde::{Deserialize, Serialize};
use tributary_primitives::Digest;
use tributary_tensor::{LimbCount, Model};

use crate::evaluate::Evaluation;
use crate::fold::QuantizedModel;
use crate::tokenizer::Tokenizer;

/// The dimensions, as the card prints them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardShape {
    /// Width of the residual stream.
    pub hidden: u32,
    /// Number of layers.
    pub layers: u32,
    /// Query heads.
    pub heads: u32,
    /// Key and value heads.
    pub kv_heads: u32,
    /// Width of one head.
    pub head_dim: u32,
    /// Width of the MLP.
    pub ffn: u32,
    /// Number of tokens.
    pub vocab: u32,
    /// Longest sequence.
    pub context: u32,
}

/// A measured loss with its text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CardMeasure {
    /// What the text was.
    pub text: String,
    /// BLAKE3 of the text.
    pub text_digest: Digest,
    /// The figures.
    #[serde(flatten)]
    pub evaluation: Evaluation,
}

/// What is known about a stored model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Card {
    /// Name for people.
    pub name: String,
    /// Where the weights came from.
    pub source: String,
    /// Licence of the weights.
    pub licence: String,
    /// Digest of model.exi8.
    pub digest: Digest,
    /// Digest of tokenizer.json.
    pub tokenizer: Digest,
    /// Trained values in the float original, or in the integers when there is none.
    pub parameters: u64,
    /// Dimensions.
    pub shape: CardShape,
    /// Profile of the integer format.
    pub profile: String,
    /// Digest of the calibration text, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration_digest: Option<Digest>,
    /// Measured losses.
    #[serde(default)]
    pub measures: Vec<CardMeasure>,
    /// Anything a recipe wants to keep.
    #[serde(default, skip_serializing_if = "serde_json::Value::is_null")]
    pub recipe: serde_json::Value,
}

impl Card {
    /// A card of what can be read off a model.
    #[must_use]
    pub fn of(name: &str, source: &str, model: &QuantizedModel, tokenizer: &Tokenizer) -> Self {
        let s = model.model.shape;
        Self {
            name: name.to_owned(),
            source: source.to_owned(),
            licence: "unknown".to_owned(),
            digest: model.digest(),
            tokenizer: tokenizer.digest(),
            parameters: parameters(&model.model),
            shape: CardShape {
                hidden: s.hidden,
                layers: s.layers,
                heads: s.heads,
                kv_heads: s.kv_heads,
                head_dim: s.head_dim,
                ffn: s.ffn,
                vocab: s.vocab,
                context: s.context,
            },
            profile: profile(&model.model),
            calibration_digest: None,
            measures: Vec::new(),
            recipe: serde_json::Value::Null,
        }
    }
}

fn parameters(model: &Model) -> u64 {
    let linears = model.layers.iter().flat_map(|l| l.linears());
    let weights: usize = linears.map(|l| l.rows() * l.cols()).sum();
    let d = model.shape.hidden as usize;
    let norms = (2 * model.layers.len() + 1) * d;
    (weights + norms + model.shape.vocab as usize * d) as u64
}

fn profile(model: &Model) -> String {
    use tributary_tensor::Limbs;
    let named = [("D1", Limbs::D1), ("D2", Limbs::D2), ("D3", Limbs::D3)];
    let l = model.limbs;
    named.into_iter().find(|(_, limbs)| *limbs == l).map_or_else(
        || {
            let sites = [l.norm, l.key, l.output, l.down, l.head];
            let digit = |count: &LimbCount| if *count == LimbCount::One { '1' } else { '2' };
            format!("limbs {}", sites.iter().map(digit).collect::<String>())
        },
        |(name, _)| name.to_owned(),
    )
}

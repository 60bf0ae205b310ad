//! Perplexity of float weights on a text.

use crate::error::TrainingError;
use crate::lora::Lora;
use crate::model::{Batch, Network};
use crate::params::Weights;
use crate::rope::Rope;

/// How well a model predicts a text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Perplexity {
    /// e to the mean loss.
    pub perplexity: f64,
    /// Mean loss per token in nats.
    pub loss: f64,
    /// Tokens predicted.
    pub tokens: usize,
}

/// Perplexity over `ids` in windows that begin with the model's first token of the text or `bos`.
///
/// # Errors
/// When the text is too short or an id is outside the vocabulary.
pub fn float_perplexity(
    weights: &Weights,
    lora: Option<&Lora>,
    ids: &[u32],
    window: usize,
) -> Result<Perplexity, TrainingError> {
    let vocab = weights.config.vocab;
    if let Some(id) = ids.iter().find(|id| **id as usize >= vocab) {
        return Err(TrainingError::malformed("text", format!("id {id} of {vocab}")));
    }
    let window = window.clamp(1, weights.config.context);
    let rope = Rope::new(&weights.config);
    let network = Network { weights, rope: &rope, lora };
    let (mut loss, mut tokens) = (0.0, 0);
    for start in (0..ids.len()).step_by(window) {
        let end = (start + window + 1).min(ids.len());
        let mut batch = Batch::default();
        batch.push(&ids[start..end], |_| true);
        if batch.learned() == 0 {
            continue;
        }
        loss += network.loss(&network.forward(&batch), &batch, 0.0).loss;
        tokens += batch.learned();
    }
    if tokens == 0 {
        return Err(TrainingError::malformed("text", "too short to predict a token"));
    }
    let loss = loss / tokens as f64;
    Ok(Perplexity { perplexity: loss.exp(), loss, tokens })
}

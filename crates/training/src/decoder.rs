//! Token-by-token decoding in candle with a key-value cache: the float peer that benchmarks put
//! beside the exact engine.

use candle_core::{D, Device, Tensor};

use crate::error::TrainingError;
use crate::params::Projection;
use crate::reference::CandleModel;

/// A batch of sequences that grow by one token each step.
pub struct CandleDecoder<'a> {
    model: &'a CandleModel,
    cache: Vec<Option<(Tensor, Tensor)>>,
    position: usize,
}

impl<'a> CandleDecoder<'a> {
    /// An empty batch.
    #[must_use]
    pub fn new(model: &'a CandleModel) -> Self {
        Self { model, cache: vec![None; model.config.layers], position: 0 }
    }

    /// Appends one token to every sequence; logits are batch x vocab.
    ///
    /// # Errors
    /// When candle fails or the batch changes its size.
    pub fn step(&mut self, tokens: &[u32]) -> Result<Tensor, TrainingError> {
        let model = self.model;
        let ids = Tensor::from_slice(tokens, tokens.len(), &Device::Cpu)?;
        let mut x = model.embed(&ids)?;
        for layer in 0..model.config.layers {
            let n = model.norm(&x, 1 + layer * 9)?;
            x = (x + self.attention(layer, &n)?)?;
            x = (&x + model.mlp(layer, &x)?)?;
        }
        self.position += 1;
        model.head(&x)
    }

    fn attention(&mut self, layer: usize, n: &Tensor) -> Result<Tensor, TrainingError> {
        let c = &self.model.config;
        let batch = n.dim(0)?;
        let heads = |x: Tensor, count: usize| x.reshape((batch * count, 1, c.head_dim));
        let q = heads(self.model.linear(layer, Projection::Q, n)?, c.heads)?;
        let k = heads(self.model.linear(layer, Projection::K, n)?, c.kv_heads)?;
        let v = heads(self.model.linear(layer, Projection::V, n)?, c.kv_heads)?;
        let q = self.model.rotate(&q, self.position)?;
        let k = self.model.rotate(&k, self.position)?;
        let (k, v) = match &self.cache[layer] {
            None => (k, v),
            Some((keys, values)) => (Tensor::cat(&[keys, &k], 1)?, Tensor::cat(&[values, &v], 1)?),
        };
        self.cache[layer] = Some((k.clone(), v.clone()));
        // One row of queries per key head: the group shares keys and values.
        let q = q.reshape((batch * c.kv_heads, c.heads / c.kv_heads, c.head_dim))?;
        let scale = 1.0 / (c.head_dim as f64).sqrt();
        let scores = (q.matmul(&k.t()?)? * scale)?;
        let mixed = candle_nn::ops::softmax(&scores, D::Minus1)?.matmul(&v)?;
        self.model.linear(layer, Projection::O, &mixed.reshape((batch, c.q_dim()))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{LlamaConfig, RopeLayout};
    use crate::params::Weights;

    #[test]
    fn decoding_step_by_step_equals_the_whole_sequence() {
        let config = LlamaConfig {
            vocab: 37,
            hidden: 24,
            layers: 2,
            heads: 4,
            kv_heads: 2,
            head_dim: 6,
            ffn: 20,
            context: 32,
            norm_eps: 1e-5,
            rope_theta: 10_000.0,
            rope: RopeLayout::HalfSplit,
            tied: true,
        };
        let model = CandleModel::new(&Weights::random(&config, 3), None).expect("it fits");
        let sequences = [[1u32, 5, 9, 30, 2, 2], [7, 7, 8, 1, 0, 36]];
        let mut decoder = CandleDecoder::new(&model);
        let mut last = None;
        for at in 0..6 {
            last = Some(decoder.step(&[sequences[0][at], sequences[1][at]]).expect("a step"));
        }
        let last: Vec<Vec<f32>> = last.expect("steps ran").to_vec2().expect("floats");
        for (sequence, row) in sequences.iter().zip(last) {
            let whole: Vec<Vec<f32>> =
                model.logits(sequence).expect("a pass").to_vec2().expect("floats");
            for (a, b) in row.iter().zip(&whole[5]) {
                assert!((a - b).abs() < 1e-4, "{a} against {b}");
            }
        }
    }
}

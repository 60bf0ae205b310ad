//! The float reference in candle: the same model built from a framework's operators, with its
//! autograd. It is the oracle of the hand-written passes and the peer of the benchmarks.

use candle_core::{D, DType, Device, Tensor, Var};

use crate::config::{LlamaConfig, RopeLayout};
use crate::error::TrainingError;
use crate::lora::Lora;
use crate::params::{Projection, Weights};

/// A model as candle variables.
pub struct CandleModel {
    pub(crate) config: LlamaConfig,
    tensors: Vec<Var>,
    lora: Option<(Vec<[(Var, Var); 7]>, f64)>,
    cos: Tensor,
    sin: Tensor,
}

impl CandleModel {
    /// Copies weights and adapter into candle.
    ///
    /// # Errors
    /// When candle refuses a tensor.
    pub fn new(weights: &Weights, lora: Option<&Lora>) -> Result<Self, TrainingError> {
        let device = Device::Cpu;
        let config = weights.config.clone();
        let mut tensors = Vec::new();
        for (_, shape, values) in weights.tensors() {
            tensors.push(Var::from_slice(values, shape, &device)?);
        }
        let lora = lora.map(|lora| candle_lora(&config, lora, &device)).transpose()?;
        let pairs = config.head_dim / 2;
        let angles: Vec<f32> = (0..config.context)
            .flat_map(|position| {
                let config = &config;
                (0..pairs).map(move |pair| {
                    let exponent = 2.0 * pair as f64 / config.head_dim as f64;
                    (position as f64 / f64::from(config.rope_theta).powf(exponent)) as f32
                })
            })
            .collect();
        let angles = Tensor::from_vec(angles, (config.context, pairs), &device)?;
        Ok(Self { cos: angles.cos()?, sin: angles.sin()?, config, tensors, lora })
    }

    /// Logits of one sequence, length x vocab.
    ///
    /// # Errors
    /// When candle fails, for instance on an id outside the vocabulary.
    pub fn logits(&self, tokens: &[u32]) -> Result<Tensor, TrainingError> {
        let length = tokens.len();
        let ids = Tensor::from_slice(tokens, length, &Device::Cpu)?;
        let mask: Vec<f32> = (0..length)
            .flat_map(|row| {
                (0..length).map(move |col| if col > row { f32::NEG_INFINITY } else { 0.0 })
            })
            .collect();
        let mask = Tensor::from_vec(mask, (1, length, length), &Device::Cpu)?;
        let mut x = self.embed(&ids)?;
        for layer in 0..self.config.layers {
            let n = self.norm(&x, 1 + layer * 9)?;
            x = (x + self.attention(layer, &n, &mask)?)?;
            x = (&x + self.mlp(layer, &x)?)?;
        }
        self.head(&x)
    }

    /// Summed cross entropy of the sequence's own next tokens.
    ///
    /// # Errors
    /// When candle fails.
    pub fn loss(&self, tokens: &[u32]) -> Result<Tensor, TrainingError> {
        let length = tokens.len().saturating_sub(1);
        let logits = self.logits(&tokens[..length])?;
        let targets = Tensor::from_slice(&tokens[1..], (length, 1), &Device::Cpu)?;
        let picked = candle_nn::ops::log_softmax(&logits, D::Minus1)?.gather(&targets, 1)?;
        Ok(picked.sum_all()?.neg()?)
    }

    /// The variables of the base, in the order of [`Weights::tensors`].
    #[must_use]
    pub fn variables(&self) -> &[Var] {
        &self.tensors
    }

    /// The variables of the adapter of one projection.
    #[must_use]
    pub fn adapter(&self, layer: usize, projection: Projection) -> Option<(&Var, &Var)> {
        let (layers, _) = self.lora.as_ref()?;
        let (a, b) = &layers.get(layer)?[projection as usize];
        Some((a, b))
    }

    pub(crate) fn embed(&self, ids: &Tensor) -> Result<Tensor, TrainingError> {
        Ok(self.tensors[0].embedding(ids)?)
    }

    pub(crate) fn mlp(&self, layer: usize, x: &Tensor) -> Result<Tensor, TrainingError> {
        let n = self.norm(x, 2 + layer * 9)?;
        let gate = self.linear(layer, Projection::Gate, &n)?.silu()?;
        let act = (gate * self.linear(layer, Projection::Up, &n)?)?;
        self.linear(layer, Projection::Down, &act)
    }

    pub(crate) fn head(&self, x: &Tensor) -> Result<Tensor, TrainingError> {
        let last = 1 + self.config.layers * 9;
        let head = if self.config.tied { 0 } else { last + 1 };
        Ok(self.norm(x, last)?.matmul(&self.tensors[head].t()?)?)
    }

    pub(crate) fn norm(&self, x: &Tensor, gain: usize) -> Result<Tensor, TrainingError> {
        let mean = x.sqr()?.mean_keepdim(D::Minus1)?;
        let scale = (mean + f64::from(self.config.norm_eps))?.sqrt()?;
        Ok(x.broadcast_div(&scale)?.broadcast_mul(&self.tensors[gain])?)
    }

    pub(crate) fn linear(
        &self,
        layer: usize,
        projection: Projection,
        x: &Tensor,
    ) -> Result<Tensor, TrainingError> {
        let weight = &self.tensors[3 + layer * 9 + projection as usize];
        let y = x.matmul(&weight.t()?)?;
        let Some((layers, scale)) = &self.lora else {
            return Ok(y);
        };
        let (a, b) = &layers[layer][projection as usize];
        Ok((y + (x.matmul(&a.t()?)?.matmul(&b.t()?)? * *scale)?)?)
    }

    fn attention(&self, layer: usize, n: &Tensor, mask: &Tensor) -> Result<Tensor, TrainingError> {
        let c = &self.config;
        let length = n.dim(0)?;
        let heads = |x: Tensor, count: usize| -> Result<Tensor, TrainingError> {
            Ok(x.reshape((length, count, c.head_dim))?.transpose(0, 1)?.contiguous()?)
        };
        let q = self.rotate(&heads(self.linear(layer, Projection::Q, n)?, c.heads)?, 0)?;
        let k = self.rotate(&heads(self.linear(layer, Projection::K, n)?, c.kv_heads)?, 0)?;
        let v = heads(self.linear(layer, Projection::V, n)?, c.kv_heads)?;
        let repeat = |x: Tensor| -> Result<Tensor, TrainingError> {
            let group = c.heads / c.kv_heads;
            let shape = (c.kv_heads, group, length, c.head_dim);
            Ok(x.unsqueeze(1)?.broadcast_as(shape)?.reshape((c.heads, length, c.head_dim))?)
        };
        let (k, v) = (repeat(k)?, repeat(v)?);
        let scale = 1.0 / (c.head_dim as f64).sqrt();
        let scores = (q.matmul(&k.t()?)? * scale)?.broadcast_add(mask)?;
        let mixed = candle_nn::ops::softmax(&scores, D::Minus1)?.matmul(&v)?;
        let joined = mixed.transpose(0, 1)?.reshape((length, c.q_dim()))?;
        self.linear(layer, Projection::O, &joined)
    }

    /// Rotates heads x length x width, the first row standing at `start`.
    pub(crate) fn rotate(&self, x: &Tensor, start: usize) -> Result<Tensor, TrainingError> {
        let (count, length, head_dim) = x.dims3()?;
        let pairs = head_dim / 2;
        let cos = self.cos.narrow(0, start, length)?.unsqueeze(0)?;
        let sin = self.sin.narrow(0, start, length)?.unsqueeze(0)?;
        let (first, second) = match self.config.rope {
            RopeLayout::HalfSplit => (x.narrow(2, 0, pairs)?, x.narrow(2, pairs, pairs)?),
            RopeLayout::Interleaved => {
                let split = x.reshape((count, length, pairs, 2))?;
                (split.narrow(3, 0, 1)?.squeeze(3)?, split.narrow(3, 1, 1)?.squeeze(3)?)
            }
        };
        let a = (first.broadcast_mul(&cos)? - second.broadcast_mul(&sin)?)?;
        let b = (first.broadcast_mul(&sin)? + second.broadcast_mul(&cos)?)?;
        Ok(match self.config.rope {
            RopeLayout::HalfSplit => Tensor::cat(&[a, b], 2)?,
            RopeLayout::Interleaved => {
                Tensor::stack(&[a, b], 3)?.reshape((count, length, head_dim))?
            }
        }
        .to_dtype(DType::F32)?)
    }
}

type CandlePairs = Vec<[(Var, Var); 7]>;

fn candle_lora(
    config: &LlamaConfig,
    lora: &Lora,
    device: &Device,
) -> Result<(CandlePairs, f64), TrainingError> {
    let rank = lora.config.rank;
    let mut layers = Vec::with_capacity(lora.layers());
    for layer in 0..lora.layers() {
        let mut pairs = Vec::with_capacity(7);
        for projection in Projection::ALL {
            let (outputs, inputs) = projection.shape(config);
            let pair = lora.pair(layer, projection);
            pairs.push((
                Var::from_slice(pair.a, (rank, inputs), device)?,
                Var::from_slice(pair.b, (outputs, rank), device)?,
            ));
        }
        let block: [(Var, Var); 7] = pairs
            .try_into()
            .map_err(|_| TrainingError::malformed("adapter", "a block has seven projections"))?;
        layers.push(block);
    }
    Ok((layers, f64::from(lora.config.alpha) / rank as f64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backward::Gradient;
    use crate::lora::LoraConfig;
    use crate::model::{Batch, Network};
    use crate::rope::Rope;

    fn config(rope: RopeLayout, tied: bool) -> LlamaConfig {
        LlamaConfig {
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
            rope,
            tied,
        }
    }

    fn sequences() -> Vec<Vec<u32>> {
        [9usize, 14, 2, 5]
            .iter()
            .enumerate()
            .map(|(index, length)| {
                (0..*length).map(|at| ((at * 7 + index * 5) % 37) as u32).collect()
            })
            .collect()
    }

    fn batch() -> Batch {
        let mut batch = Batch::default();
        sequences().iter().for_each(|tokens| batch.push(tokens, |_| true));
        batch
    }

    fn oracle(model: &CandleModel) -> (f64, candle_core::backprop::GradStore) {
        let mut total: Option<Tensor> = None;
        for tokens in sequences() {
            let loss = model.loss(&tokens).expect("candle runs");
            total = Some(match total {
                None => loss,
                Some(sum) => (sum + loss).expect("scalars add"),
            });
        }
        let total = total.expect("there are sequences");
        let loss = f64::from(total.to_scalar::<f32>().expect("a scalar"));
        (loss, total.backward().expect("autograd runs"))
    }

    fn assert_close(name: &str, ours: &[f32], theirs: &Tensor) {
        let theirs: Vec<f32> = theirs.flatten_all().unwrap().to_vec1().unwrap();
        assert_eq!(ours.len(), theirs.len());
        let size = theirs.iter().fold(1e-3f32, |top, value| top.max(value.abs()));
        for (at, (a, b)) in ours.iter().zip(&theirs).enumerate() {
            assert!((a - b).abs() < 2e-4 * size, "{name}[{at}]: {a} against {b} of {size}");
        }
    }

    #[test]
    fn base_gradients_equal_autograd() {
        for (rope, tied) in [(RopeLayout::HalfSplit, true), (RopeLayout::Interleaved, false)] {
            let config = config(rope, tied);
            let mut weights = Weights::random(&config, 3);
            weights.data.iter_mut().for_each(|value| *value *= 1.3);
            let tables = Rope::new(&config);
            let mut gradient = vec![0.0; weights.data.len()];
            let network = Network { weights: &weights, rope: &tables, lora: None };
            let loss = network.loss_and_gradient(&batch(), 1.0, &mut Gradient::Base(&mut gradient));
            let model = CandleModel::new(&weights, None).expect("candle takes the weights");
            let (expected, store) = oracle(&model);
            assert!((loss - expected).abs() < 1e-3, "{loss} against {expected}");
            let tensors = weights.layout.tensors(&config);
            for ((name, _, range), variable) in tensors.iter().zip(model.variables()) {
                let theirs = store.get(variable).expect("every weight has a gradient");
                assert_close(name, &gradient[range.clone()], theirs);
            }
        }
    }

    #[test]
    fn adapter_gradients_equal_autograd() {
        let config = config(RopeLayout::Interleaved, false);
        let weights = Weights::random(&config, 4);
        let mut lora = Lora::new(&config, LoraConfig { rank: 3, alpha: 6.0 }, 5);
        for (at, value) in lora.data.iter_mut().enumerate() {
            *value += ((at % 13) as f32 - 6.0) * 0.01;
        }
        let tables = Rope::new(&config);
        let mut gradient = vec![0.0; lora.data.len()];
        let network = Network { weights: &weights, rope: &tables, lora: Some(&lora) };
        let loss = network.loss_and_gradient(&batch(), 1.0, &mut Gradient::Lora(&mut gradient));
        let model = CandleModel::new(&weights, Some(&lora)).expect("candle takes the weights");
        let (expected, store) = oracle(&model);
        assert!((loss - expected).abs() < 1e-3, "{loss} against {expected}");
        for layer in 0..config.layers {
            for projection in Projection::ALL {
                let (a, b) = model.adapter(layer, projection).expect("there is an adapter");
                let place = &lora.pairs[layer][projection as usize];
                let name = format!("layer {layer} {projection:?}");
                assert_close(&name, &gradient[place.a.clone()], store.get(a).expect("A"));
                assert_close(&name, &gradient[place.b.clone()], store.get(b).expect("B"));
            }
        }
    }
}

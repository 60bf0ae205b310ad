//! All weights of a model in one flat buffer, with names and ranges.

use std::ops::Range;

use rand::Rng;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::config::LlamaConfig;

/// The seven projections of a block, in the order of EXI8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Projection {
    /// Query.
    Q,
    /// Key.
    K,
    /// Value.
    V,
    /// Attention output.
    O,
    /// MLP gate.
    Gate,
    /// MLP up.
    Up,
    /// MLP down.
    Down,
}

impl Projection {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Q, Self::K, Self::V, Self::O, Self::Gate, Self::Up, Self::Down];

    /// Name inside a Hugging Face checkpoint, below `model.layers.N.`.
    #[must_use]
    pub fn hf_name(self) -> &'static str {
        match self {
            Self::Q => "self_attn.q_proj",
            Self::K => "self_attn.k_proj",
            Self::V => "self_attn.v_proj",
            Self::O => "self_attn.o_proj",
            Self::Gate => "mlp.gate_proj",
            Self::Up => "mlp.up_proj",
            Self::Down => "mlp.down_proj",
        }
    }

    /// Outputs and inputs of the projection.
    #[must_use]
    pub fn shape(self, config: &LlamaConfig) -> (usize, usize) {
        match self {
            Self::Q => (config.q_dim(), config.hidden),
            Self::K | Self::V => (config.kv_dim(), config.hidden),
            Self::O => (config.hidden, config.q_dim()),
            Self::Gate | Self::Up => (config.ffn, config.hidden),
            Self::Down => (config.hidden, config.ffn),
        }
    }
}

/// Where each tensor of a block lies.
#[derive(Clone, Debug)]
pub(crate) struct BlockLayout {
    pub attention_norm: Range<usize>,
    pub mlp_norm: Range<usize>,
    pub projections: [Range<usize>; 7],
}

/// Where each tensor of the model lies in the flat buffer.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    pub embedding: Range<usize>,
    pub blocks: Vec<BlockLayout>,
    pub final_norm: Range<usize>,
    /// The same range as the embedding when tied.
    pub head: Range<usize>,
    pub total: usize,
}

impl Layout {
    pub(crate) fn new(config: &LlamaConfig) -> Self {
        let mut at = 0;
        let mut take = |length: usize| {
            let range = at..at + length;
            at += length;
            range
        };
        let embedding = take(config.vocab * config.hidden);
        let blocks = (0..config.layers)
            .map(|_| BlockLayout {
                attention_norm: take(config.hidden),
                mlp_norm: take(config.hidden),
                projections: Projection::ALL.map(|projection| {
                    let (outputs, inputs) = projection.shape(config);
                    take(outputs * inputs)
                }),
            })
            .collect();
        let final_norm = take(config.hidden);
        let head = if config.tied { embedding.clone() } else { take(config.vocab * config.hidden) };
        Self { embedding, blocks, final_norm, head, total: at }
    }

    /// Name, shape and range of every tensor, in Hugging Face terms.
    pub(crate) fn tensors(&self, config: &LlamaConfig) -> Vec<(String, Vec<usize>, Range<usize>)> {
        let d = config.hidden;
        let mut all = vec![(
            "model.embed_tokens.weight".to_owned(),
            vec![config.vocab, d],
            self.embedding.clone(),
        )];
        for (index, block) in self.blocks.iter().enumerate() {
            let name = |rest: &str| format!("model.layers.{index}.{rest}.weight");
            all.push((name("input_layernorm"), vec![d], block.attention_norm.clone()));
            all.push((name("post_attention_layernorm"), vec![d], block.mlp_norm.clone()));
            for (projection, range) in Projection::ALL.iter().zip(&block.projections) {
                let (outputs, inputs) = projection.shape(config);
                all.push((name(projection.hf_name()), vec![outputs, inputs], range.clone()));
            }
        }
        all.push(("model.norm.weight".to_owned(), vec![d], self.final_norm.clone()));
        if !config.tied {
            all.push(("lm_head.weight".to_owned(), vec![config.vocab, d], self.head.clone()));
        }
        all
    }
}

/// A model: configuration and weights.
#[derive(Clone, Debug)]
pub struct Weights {
    /// The shape.
    pub config: LlamaConfig,
    pub(crate) layout: Layout,
    pub(crate) data: Vec<f32>,
}

impl Weights {
    /// All weights zero, gains one.
    #[must_use]
    pub fn zeros(config: &LlamaConfig) -> Self {
        let layout = Layout::new(config);
        let mut data = vec![0.0; layout.total];
        for block in &layout.blocks {
            data[block.attention_norm.clone()].fill(1.0);
            data[block.mlp_norm.clone()].fill(1.0);
        }
        data[layout.final_norm.clone()].fill(1.0);
        Self { config: config.clone(), layout, data }
    }

    /// Seeded random weights: normal, 0.02 for the embedding, 1/sqrt(inputs) for projections,
    /// smaller for those that write to the residual stream.
    #[must_use]
    pub fn random(config: &LlamaConfig, seed: u64) -> Self {
        let mut weights = Self::zeros(config);
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let residual = 1.0 / (2.0 * config.layers as f32).sqrt();
        for (name, shape, range) in weights.layout.tensors(config) {
            if shape.len() < 2 {
                continue;
            }
            let deviation = if name.contains("embed") || name.contains("lm_head") {
                0.02
            } else if name.contains("o_proj") || name.contains("down_proj") {
                residual / (shape[1] as f32).sqrt()
            } else {
                1.0 / (shape[1] as f32).sqrt()
            };
            for value in &mut weights.data[range] {
                *value = normal(&mut rng) * deviation;
            }
        }
        weights
    }

    pub(crate) fn part(&self, range: &Range<usize>) -> &[f32] {
        &self.data[range.clone()]
    }

    /// The embedding, vocab x hidden.
    #[must_use]
    pub fn embedding(&self) -> &[f32] {
        self.part(&self.layout.embedding)
    }

    /// The embedding, to fill.
    pub fn embedding_mut(&mut self) -> &mut [f32] {
        let range = self.layout.embedding.clone();
        &mut self.data[range]
    }

    /// The output head, vocab x hidden; the embedding when tied.
    #[must_use]
    pub fn head(&self) -> &[f32] {
        self.part(&self.layout.head)
    }

    /// The output head, to fill.
    pub fn head_mut(&mut self) -> &mut [f32] {
        let range = self.layout.head.clone();
        &mut self.data[range]
    }

    /// A projection of a block, outputs x inputs.
    #[must_use]
    pub fn projection(&self, layer: usize, projection: Projection) -> &[f32] {
        self.part(&self.layout.blocks[layer].projections[projection as usize])
    }

    /// A projection of a block, to fill.
    pub fn projection_mut(&mut self, layer: usize, projection: Projection) -> &mut [f32] {
        let range = self.layout.blocks[layer].projections[projection as usize].clone();
        &mut self.data[range]
    }

    /// Every tensor: Hugging Face name, shape, values.
    pub fn tensors(&self) -> impl Iterator<Item = (String, Vec<usize>, &[f32])> {
        self.layout
            .tensors(&self.config)
            .into_iter()
            .map(|(name, shape, range)| (name, shape, &self.data[range]))
    }
}

/// A standard normal number by Box and Muller.
pub(crate) fn normal<R: Rng>(rng: &mut R) -> f32 {
    let a: f32 = 1.0 - rng.random::<f32>();
    let b: f32 = rng.random();
    (-2.0 * a.ln()).sqrt() * (std::f32::consts::TAU * b).cos()
}

//! Low-rank adapters: per block and projection y = W x + scale * B (A x).

use std::ops::Range;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::config::LlamaConfig;
use crate::params::{Projection, normal};

/// Rank and strength of an adapter.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LoraConfig {
    /// Rank.
    pub rank: usize,
    /// Strength; the factor in front of B A is alpha / rank.
    pub alpha: f32,
}

/// The two ranges of one projection's adapter.
#[derive(Clone, Debug)]
pub(crate) struct Pair {
    pub a: Range<usize>,
    pub b: Range<usize>,
}

/// An adapter on all seven projections of every block, in one flat buffer.
#[derive(Clone, Debug)]
pub struct Lora {
    /// Rank and strength.
    pub config: LoraConfig,
    pub(crate) pairs: Vec<[Pair; 7]>,
    pub(crate) data: Vec<f32>,
}

/// One projection's adapter, borrowed.
#[derive(Clone, Copy, Debug)]
pub struct LoraPair<'a> {
    /// rank x inputs
    pub a: &'a [f32],
    /// outputs x rank
    pub b: &'a [f32],
    /// The factor in front of B A.
    pub scale: f32,
    /// The rank.
    pub rank: usize,
}

impl Lora {
    /// A fresh adapter: A random by the seed, B zero, so that the model is unchanged.
    #[must_use]
    pub fn new(model: &LlamaConfig, config: LoraConfig, seed: u64) -> Self {
        let mut at = 0;
        let mut take = |length: usize| {
            let range = at..at + length;
            at += length;
            range
        };
        let pairs: Vec<[Pair; 7]> = (0..model.layers)
            .map(|_| {
                Projection::ALL.map(|projection| {
                    let (outputs, inputs) = projection.shape(model);
                    Pair { a: take(config.rank * inputs), b: take(outputs * config.rank) }
                })
            })
            .collect();
        let mut data = vec![0.0; at];
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        for (pair, projection) in pairs.iter().flat_map(|block| block.iter().zip(Projection::ALL)) {
            let (_, inputs) = projection.shape(model);
            let deviation = 1.0 / (inputs as f32).sqrt();
            for value in &mut data[pair.a.clone()] {
                *value = normal(&mut rng) * deviation;
            }
        }
        Self { config, pairs, data }
    }

    /// Blocks.
    #[must_use]
    pub fn layers(&self) -> usize {
        self.pairs.len()
    }

    /// The adapter of one projection.
    #[must_use]
    pub fn pair(&self, layer: usize, projection: Projection) -> LoraPair<'_> {
        let pair = &self.pairs[layer][projection as usize];
        LoraPair {
            a: &self.data[pair.a.clone()],
            b: &self.data[pair.b.clone()],
            scale: self.config.alpha / self.config.rank as f32,
            rank: self.config.rank,
        }
    }

    /// Number of trained parameters.
    #[must_use]
    pub fn parameters(&self) -> usize {
        self.data.len()
    }
}

//! The forward pass on packed segments, keeping what the backward pass needs.

use crate::attention::{self, Heads};
use crate::gemm::{Mat, product};
use crate::kernels::{cross_entropy, rms_norm, swiglu};
use crate::lora::Lora;
use crate::params::{Projection, Weights};
use crate::rope::Rope;

/// The target of a token that is not learned.
pub const IGNORE: u32 = u32::MAX;

/// Sequences laid one after the other; attention never crosses their borders.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// Input tokens of all sequences.
    pub tokens: Vec<u32>,
    /// The token that follows each, or [`IGNORE`].
    pub targets: Vec<u32>,
    /// Length of each sequence.
    pub segments: Vec<usize>,
}

impl Batch {
    /// Adds a sequence. `learned[i]` says whether token i is to be predicted.
    pub fn push(&mut self, tokens: &[u32], learned: impl Fn(usize) -> bool) {
        if tokens.len() < 2 {
            return;
        }
        let length = tokens.len() - 1;
        self.tokens.extend_from_slice(&tokens[..length]);
        for (at, token) in tokens.iter().enumerate().skip(1) {
            self.targets.push(if learned(at) { *token } else { IGNORE });
        }
        self.segments.push(length);
    }

    /// How many tokens are learned.
    #[must_use]
    pub fn learned(&self) -> usize {
        self.targets.iter().filter(|target| **target != IGNORE).count()
    }

    fn positions(&self) -> Vec<u32> {
        self.segments.iter().flat_map(|length| 0..*length as u32).collect()
    }
}

/// What one block leaves for the backward pass.
pub(crate) struct BlockCache {
    pub x: Vec<f32>,
    pub inverse: Vec<f32>,
    pub n: Vec<f32>,
    pub q: Vec<f32>,
    pub k: Vec<f32>,
    pub v: Vec<f32>,
    pub probabilities: Vec<f32>,
    pub attended: Vec<f32>,
    pub middle: Vec<f32>,
    pub middle_inverse: Vec<f32>,
    pub middle_n: Vec<f32>,
    pub gate: Vec<f32>,
    pub up: Vec<f32>,
    pub act: Vec<f32>,
    /// A x of each projection, when there is an adapter.
    pub low: [Vec<f32>; 7],
}

/// What the whole pass leaves.
pub(crate) struct Cache {
    pub positions: Vec<u32>,
    pub blocks: Vec<BlockCache>,
    pub x: Vec<f32>,
    pub inverse: Vec<f32>,
    pub n: Vec<f32>,
}

/// A model ready to run: weights, rotary tables and an optional adapter.
pub(crate) struct Network<'a> {
    pub weights: &'a Weights,
    pub rope: &'a Rope,
    pub lora: Option<&'a Lora>,
}

impl Network<'_> {
    /// Runs all blocks and the last norm.
    pub(crate) fn forward(&self, batch: &Batch) -> Cache {
        let config = &self.weights.config;
        let (d, count) = (config.hidden, batch.tokens.len());
        let positions = batch.positions();
        let embedding = self.weights.embedding();
        let mut x = Vec::with_capacity(count * d);
        for token in &batch.tokens {
            x.extend_from_slice(&embedding[*token as usize * d..][..d]);
        }
        let mut blocks = Vec::with_capacity(config.layers);
        for layer in 0..config.layers {
            let (cache, next) = self.block(layer, x, &positions, &batch.segments);
            blocks.push(cache);
            x = next;
        }
        let mut n = vec![0.0; x.len()];
        let mut inverse = vec![0.0; count];
        let gain = self.weights.part(&self.weights.layout.final_norm);
        rms_norm(&x, gain, config.norm_eps, &mut n, &mut inverse);
        Cache { positions, blocks, x, inverse, n }
    }

    fn block(
        &self,
        layer: usize,
        x: Vec<f32>,
        positions: &[u32],
        segments: &[usize],
    ) -> (BlockCache, Vec<f32>) {
        let config = &self.weights.config;
        let layout = &self.weights.layout.blocks[layer];
        let count = positions.len();
        let mut low: [Vec<f32>; 7] = Default::default();
        let mut n = vec![0.0; x.len()];
        let mut inverse = vec![0.0; count];
        let gain = self.weights.part(&layout.attention_norm);
        rms_norm(&x, gain, config.norm_eps, &mut n, &mut inverse);
        let mut q = self.linear(layer, Projection::Q, &n, &mut low);
        let mut k = self.linear(layer, Projection::K, &n, &mut low);
        let v = self.linear(layer, Projection::V, &n, &mut low);
        self.rope.rotate(&mut q, config.q_dim(), positions, 1.0);
        self.rope.rotate(&mut k, config.kv_dim(), positions, 1.0);
        let mut probabilities = vec![0.0; attention::probabilities_len(config, segments)];
        let mut attended = vec![0.0; count * config.q_dim()];
        let heads = Heads { q: &q, k: &k, v: &v };
        attention::forward(config, segments, heads, &mut probabilities, &mut attended);
        let mut middle = self.linear(layer, Projection::O, &attended, &mut low);
        add(&mut middle, &x);
        let mut middle_n = vec![0.0; x.len()];
        let mut middle_inverse = vec![0.0; count];
        let gain = self.weights.part(&layout.mlp_norm);
        rms_norm(&middle, gain, config.norm_eps, &mut middle_n, &mut middle_inverse);
        let gate = self.linear(layer, Projection::Gate, &middle_n, &mut low);
        let up = self.linear(layer, Projection::Up, &middle_n, &mut low);
        let mut act = vec![0.0; gate.len()];
        swiglu(&gate, &up, &mut act);
        let mut next = self.linear(layer, Projection::Down, &act, &mut low);
        add(&mut next, &middle);
        let cache = BlockCache {
            x,
            inverse,
            n,
            q,
            k,
            v,
            probabilities,
            attended,
            middle,
            middle_inverse,
            middle_n,
            gate,
            up,
            act,
            low,
        };
        (cache, next)
    }

    fn linear(
        &self,
        layer: usize,
        projection: Projection,
        x: &[f32],
        low: &mut [Vec<f32>; 7],
    ) -> Vec<f32> {
        let (outputs, inputs) = projection.shape(&self.weights.config);
        let count = x.len() / inputs;
        let weights = Mat::rows(self.weights.projection(layer, projection), inputs);
        let x = Mat::rows(x, inputs);
        let mut y = vec![0.0; count * outputs];
        product((&mut y, outputs), (count, inputs, outputs), x, weights.t(), (false, 1.0));
        if let Some(lora) = self.lora {
            let pair = lora.pair(layer, projection);
            let mut z = vec![0.0; count * pair.rank];
            let (a, b) = (Mat::rows(pair.a, inputs), Mat::rows(pair.b, pair.rank));
            product((&mut z, pair.rank), (count, inputs, pair.rank), x, a.t(), (false, 1.0));
            let z_rows = Mat::rows(&z, pair.rank);
            let shape = (count, pair.rank, outputs);
            product((&mut y, outputs), shape, z_rows, b.t(), (true, pair.scale));
            low[projection as usize] = z;
        }
        y
    }

    /// Logits of the rows of the last norm's output.
    pub(crate) fn logits(&self, n: &[f32]) -> Vec<f32> {
        let config = &self.weights.config;
        let count = n.len() / config.hidden;
        let mut logits = vec![0.0; count * config.vocab];
        product(
            (&mut logits, config.vocab),
            (count, config.hidden, config.vocab),
            Mat::rows(n, config.hidden),
            Mat::rows(self.weights.head(), config.hidden).t(),
            (false, 1.0),
        );
        logits
    }

    /// Sum of the losses, the rows that were learned and the gradient of their logits, each
    /// times `weight`.
    pub(crate) fn loss(&self, cache: &Cache, batch: &Batch, weight: f32) -> LossRows {
        let d = self.weights.config.hidden;
        let rows: Vec<usize> =
            (0..batch.targets.len()).filter(|row| batch.targets[*row] != IGNORE).collect();
        let mut inputs = Vec::with_capacity(rows.len() * d);
        for row in &rows {
            inputs.extend_from_slice(&cache.n[row * d..][..d]);
        }
        let targets: Vec<u32> = rows.iter().map(|row| batch.targets[*row]).collect();
        let mut logits = self.logits(&inputs);
        let loss = cross_entropy(&mut logits, self.weights.config.vocab, &targets, weight);
        LossRows { loss, rows, inputs, gradient: logits }
    }
}

/// The outcome of the head.
pub(crate) struct LossRows {
    pub loss: f64,
    pub rows: Vec<usize>,
    pub inputs: Vec<f32>,
    pub gradient: Vec<f32>,
}

pub(crate) fn add(to: &mut [f32], from: &[f32]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to += from;
    }
}

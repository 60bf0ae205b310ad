//! The backward pass, written by hand: gradients of all weights, or of an adapter alone, in
//! which case no gradient of a frozen weight is ever formed.

use crate::attention::{self, Heads, HeadsGradient};
use crate::gemm::{Mat, product};
use crate::kernels::{rms_norm_backward, swiglu_backward};
use crate::model::{Batch, BlockCache, LossRows, Network};
use crate::params::Projection;

/// Where gradients go: a buffer shaped like the weights or like the adapter.
pub(crate) enum Gradient<'a> {
    Base(&'a mut [f32]),
    Lora(&'a mut [f32]),
}

impl Network<'_> {
    /// Adds the gradient of the summed loss times `weight`; returns the summed loss.
    pub(crate) fn loss_and_gradient(
        &self,
        batch: &Batch,
        weight: f32,
        gradient: &mut Gradient<'_>,
    ) -> f64 {
        let mut cache = self.forward(batch);
        let head = self.loss(&cache, batch, weight);
        let dn = self.head_backward(&head, batch.tokens.len(), gradient);
        let layout = &self.weights.layout;
        let mut dx = vec![0.0; dn.len()];
        let gain = self.weights.part(&layout.final_norm);
        let dgain = base_part(gradient, &layout.final_norm);
        rms_norm_backward((&cache.x, gain, &cache.inverse), &dn, &mut dx, dgain);
        for layer in (0..self.weights.config.layers).rev() {
            if let Some(block) = cache.blocks.pop() {
                let inputs = (batch, cache.positions.as_slice());
                self.block_backward((layer, &block), inputs, &mut dx, gradient);
            }
        }
        if let Gradient::Base(base) = gradient {
            let d = self.weights.config.hidden;
            for (token, dx) in batch.tokens.iter().zip(dx.chunks_exact(d)) {
                let at = layout.embedding.start + *token as usize * d;
                crate::model::add(&mut base[at..at + d], dx);
            }
        }
        head.loss
    }

    fn head_backward(
        &self,
        head: &LossRows,
        count: usize,
        gradient: &mut Gradient<'_>,
    ) -> Vec<f32> {
        let config = &self.weights.config;
        let (d, vocab, rows) = (config.hidden, config.vocab, head.rows.len());
        let dlogits = Mat::rows(&head.gradient, vocab);
        if let Some(dhead) = base_part(gradient, &self.weights.layout.head) {
            let inputs = Mat::rows(&head.inputs, d);
            product((dhead, d), (vocab, rows, d), dlogits.t(), inputs, (true, 1.0));
        }
        let mut picked = vec![0.0; rows * d];
        let weights = Mat::rows(self.weights.head(), d);
        product((&mut picked, d), (rows, vocab, d), dlogits, weights, (false, 1.0));
        let mut dn = vec![0.0; count * d];
        for (row, from) in head.rows.iter().zip(picked.chunks_exact(d)) {
            dn[row * d..][..d].copy_from_slice(from);
        }
        dn
    }

    /// Turns `dx`, the gradient of the block's output, into that of its input.
    fn block_backward(
        &self,
        (layer, cache): (usize, &BlockCache),
        (batch, positions): (&Batch, &[u32]),
        dx: &mut [f32],
        gradient: &mut Gradient<'_>,
    ) {
        let mut dn = vec![0.0; dx.len()];
        self.mlp_backward((layer, cache), dx, &mut dn, gradient);
        let config = &self.weights.config;
        let layout = &self.weights.layout.blocks[layer];
        let mut dattended = vec![0.0; cache.attended.len()];
        self.linear_backward(
            (layer, Projection::O),
            cache,
            (&cache.attended, dx),
            (&mut dattended, false),
            gradient,
        );
        let mut dq = vec![0.0; cache.q.len()];
        let mut dk = vec![0.0; cache.k.len()];
        let mut dv = vec![0.0; cache.v.len()];
        let heads = Heads { q: &cache.q, k: &cache.k, v: &cache.v };
        let out = HeadsGradient { q: &mut dq, k: &mut dk, v: &mut dv };
        let after = (cache.probabilities.as_slice(), dattended.as_slice());
        attention::backward(config, &batch.segments, heads, after, out);
        self.rope.rotate(&mut dq, config.q_dim(), positions, -1.0);
        self.rope.rotate(&mut dk, config.kv_dim(), positions, -1.0);
        for (projection, dy, keep) in
            [(Projection::Q, &dq, false), (Projection::K, &dk, true), (Projection::V, &dv, true)]
        {
            let to = (&mut *dn, keep);
            self.linear_backward((layer, projection), cache, (&cache.n, dy), to, gradient);
        }
        let gain = self.weights.part(&layout.attention_norm);
        let dgain = base_part(gradient, &layout.attention_norm);
        rms_norm_backward((&cache.x, gain, &cache.inverse), &dn, dx, dgain);
    }

    /// The half of a block behind its attention; `dn` is left as room for the other half.
    fn mlp_backward(
        &self,
        (layer, cache): (usize, &BlockCache),
        dx: &mut [f32],
        dn: &mut [f32],
        gradient: &mut Gradient<'_>,
    ) {
        let layout = &self.weights.layout.blocks[layer];
        let mut dact = vec![0.0; cache.act.len()];
        self.linear_backward(
            (layer, Projection::Down),
            cache,
            (&cache.act, dx),
            (&mut dact, false),
            gradient,
        );
        let mut dup = vec![0.0; dact.len()];
        swiglu_backward(&cache.gate, &cache.up, &mut dact, &mut dup);
        self.linear_backward(
            (layer, Projection::Gate),
            cache,
            (&cache.middle_n, &dact),
            (&mut *dn, false),
            gradient,
        );
        self.linear_backward(
            (layer, Projection::Up),
            cache,
            (&cache.middle_n, &dup),
            (&mut *dn, true),
            gradient,
        );
        let gain = self.weights.part(&layout.mlp_norm);
        let dgain = base_part(gradient, &layout.mlp_norm);
        rms_norm_backward((&cache.middle, gain, &cache.middle_inverse), dn, dx, dgain);
    }

    /// Gradient of one projection; `dx.1` says whether `dx.0` is added to or overwritten.
    fn linear_backward(
        &self,
        (layer, projection): (usize, Projection),
        cache: &BlockCache,
        (x, dy): (&[f32], &[f32]),
        (dx, keep): (&mut [f32], bool),
        gradient: &mut Gradient<'_>,
    ) {
        let (outputs, inputs) = projection.shape(&self.weights.config);
        let count = x.len() / inputs;
        let (x, dy) = (Mat::rows(x, inputs), Mat::rows(dy, outputs));
        let weights = Mat::rows(self.weights.projection(layer, projection), inputs);
        product((dx, inputs), (count, outputs, inputs), dy, weights, (keep, 1.0));
        let range = &self.weights.layout.blocks[layer].projections[projection as usize];
        if let Some(dw) = base_part(gradient, range) {
            product((dw, inputs), (outputs, count, inputs), dy.t(), x, (true, 1.0));
        }
        let (Some(lora), Gradient::Lora(out)) = (self.lora, gradient) else {
            return;
        };
        let pair = lora.pair(layer, projection);
        let place = &lora.pairs[layer][projection as usize];
        let rank = pair.rank;
        let mut dz = vec![0.0; count * rank];
        let b = Mat::rows(pair.b, rank);
        product((&mut dz, rank), (count, outputs, rank), dy, b, (false, pair.scale));
        let z = Mat::rows(&cache.low[projection as usize], rank);
        let db = &mut out[place.b.clone()];
        product((db, rank), (outputs, count, rank), dy.t(), z, (true, pair.scale));
        let dz = Mat::rows(&dz, rank);
        product((&mut out[place.a.clone()], inputs), (rank, count, inputs), dz.t(), x, (true, 1.0));
        product((dx, inputs), (count, rank, inputs), dz, Mat::rows(pair.a, inputs), (true, 1.0));
    }
}

fn base_part<'a>(
    gradient: &'a mut Gradient<'_>,
    range: &std::ops::Range<usize>,
) -> Option<&'a mut [f32]> {
    match gradient {
        Gradient::Base(base) => Some(&mut base[range.clone()]),
        Gradient::Lora(_) => None,
    }
}

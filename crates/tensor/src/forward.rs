//! The transformer step for any mix of prefill chunks and single tokens.

use crate::adapter::{Adapter, AdapterLayer, LowRank};
use crate::attention;
use crate::backend::Backend;
use crate::cache::KvCache;
use crate::error::TensorError;
use crate::gemm::{Activations, Target, project};
use crate::kernels::Kernels;
use crate::model::{Layer, Model, Norm};
use crate::norm::normalise;
use crate::rounding::{rsh, sat};

/// Clamp of the i16 sites.
const SITE: i32 = 23_170;
/// Fraction and clamp of logits.
const LOGIT: Target = Target { fraction: 14, bound: 1 << 29 };

/// Which rows of a segment need logits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// None: an inner chunk of a prompt.
    None,
    /// The last: the next token is about to be chosen.
    Last,
    /// Every row: replay and evaluation.
    All,
}

/// Consecutive tokens of one sequence, appended to its cache.
#[derive(Debug)]
pub struct Segment<'a> {
    /// The tokens.
    pub tokens: &'a [u32],
    /// The sequence's cache; its length is the first token's position.
    pub cache: &'a mut KvCache,
    /// The adapter of this sequence.
    pub adapter: Option<&'a Adapter>,
    /// Which logits to return.
    pub want: Want,
}

/// Rows of logits, i32 at fraction 14.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logits {
    /// Number of rows.
    pub rows: usize,
    /// Values per row.
    pub vocab: usize,
    /// Row-major values.
    pub values: Vec<i32>,
}

impl Logits {
    /// One row.
    #[must_use]
    pub fn row(&self, index: usize) -> &[i32] {
        &self.values[index * self.vocab..(index + 1) * self.vocab]
    }
}

/// Runs every segment and returns its wanted logits, in segment order. A refusal changes nothing.
pub fn forward(
    model: &Model,
    segments: &mut [Segment<'_>],
    backend: &Backend,
) -> Result<Vec<Logits>, TensorError> {
    segments.iter().try_for_each(|segment| check(model, segment))?;
    let kernels = backend.kernels();
    let Some(pool) = backend.pool().filter(|_| segments.len() > 1) else {
        return Ok(run(model, segments, kernels));
    };
    let groups = split(segments, pool.current_num_threads());
    let mut parts: Vec<Vec<Logits>> = groups.iter().map(|_| Vec::new()).collect();
    pool.scope(|scope| {
        for (group, part) in groups.into_iter().zip(&mut parts) {
            scope.spawn(move |_| *part = run(model, group, kernels));
        }
    });
    Ok(parts.into_iter().flatten().collect())
}

fn check(model: &Model, segment: &Segment<'_>) -> Result<(), TensorError> {
    let (vocab, context) = (model.shape.vocab, model.shape.context);
    if segment.cache.shape() != model.shape() {
        return Err(TensorError::ForeignCache);
    }
    if let Some(&token) = segment.tokens.iter().find(|&&token| token >= vocab) {
        return Err(TensorError::UnknownToken { token, vocab });
    }
    let wanted = segment.cache.len() + segment.tokens.len();
    if wanted > context as usize {
        return Err(TensorError::ContextFull { wanted, context });
    }
    segment.adapter.map_or(Ok(()), |adapter| adapter.check(model))
}

/// Cuts the segments into at most `parts` runs of about equally many tokens.
fn split<'s, 'a>(mut segments: &'s mut [Segment<'a>], parts: usize) -> Vec<&'s mut [Segment<'a>]> {
    let mut groups = Vec::with_capacity(parts);
    for left in (1..=parts).rev() {
        let total: usize = segments.iter().map(|s| s.tokens.len()).sum();
        let mut taken = 0;
        let count = segments
            .iter()
            .take_while(|s| {
                let fits = taken == 0 || taken + s.tokens.len() / 2 < total.div_ceil(left);
                taken += s.tokens.len();
                fits || left == 1
            })
            .count();
        let (group, rest) = segments.split_at_mut(count);
        if !group.is_empty() {
            groups.push(group);
        }
        segments = rest;
    }
    groups
}

/// One row of the step: which segment and which position.
#[derive(Clone, Copy)]
struct Place {
    segment: usize,
    position: usize,
}

struct Step<'m, 's, 'a> {
    model: &'m Model,
    kernels: &'static Kernels,
    segments: &'s mut [Segment<'a>],
    places: Vec<Place>,
    /// The residual stream, row-major.
    residual: Vec<i32>,
}

fn run(model: &Model, segments: &mut [Segment<'_>], kernels: &'static Kernels) -> Vec<Logits> {
    let mut places = Vec::new();
    for (segment, s) in segments.iter().enumerate() {
        let first = s.cache.len();
        places.extend((0..s.tokens.len()).map(|i| Place { segment, position: first + i }));
    }
    let residual = segments.iter().flat_map(|s| s.tokens).flat_map(|&t| embed(model, t)).collect();
    let mut step = Step { model, kernels, segments, places, residual };
    for (index, layer) in model.layers.iter().enumerate() {
        step.attention(index, layer);
        step.mlp(index, layer);
    }
    for segment in step.segments.iter_mut() {
        segment.cache.advance(segment.tokens.len());
    }
    step.logits()
}

fn embed(model: &Model, token: u32) -> impl Iterator<Item = i32> + '_ {
    let (token, d) = (token as usize, model.shape.hidden as usize);
    let shift = i32::from(model.embedding.exponents[token]) - model.residual_fraction;
    (token * d..(token + 1) * d)
        .map(move |i| sat(rsh(model.embedding.value(i).into(), shift), model.residual_clamp))
}

impl<'a> Step<'_, '_, 'a> {
    fn normed(&self, norm: &Norm) -> Vec<i32> {
        let d = self.model.shape.hidden as usize;
        let mut out = vec![0; self.residual.len()];
        for (row, out) in self.residual.chunks_exact(d).zip(out.chunks_exact_mut(d)) {
            normalise(self.kernels, self.model, norm, row, out);
        }
        out
    }

    fn add(&mut self, contribution: &[i32]) {
        for (residual, &add) in self.residual.iter_mut().zip(contribution) {
            *residual = residual.wrapping_add(add);
        }
    }

    /// Each row's adapter path at one place of one layer.
    fn low_rank(
        &self,
        layer: usize,
        pick: impl Fn(&'a AdapterLayer) -> Option<&'a LowRank>,
    ) -> impl Fn(usize) -> Option<&'a LowRank> {
        let per_segment: Vec<_> =
            self.segments.iter().map(|s| s.adapter.and_then(|a| pick(&a.layers[layer]))).collect();
        let of_row: Vec<_> = self.places.iter().map(|p| per_segment[p.segment]).collect();
        move |row| of_row[row]
    }

    fn attention(&mut self, index: usize, layer: &Layer) {
        let (model, kernels) = (self.model, self.kernels);
        let f = layer.fractions;
        let normed = self.normed(&layer.attention_norm);
        let fractions = std::iter::repeat(layer.attention_norm.fraction);
        let d = model.shape.hidden as usize;
        let x = Activations::quantise(kernels, &normed, d, fractions, model.limbs.norm);
        let site = |fraction| Target { fraction, bound: SITE };
        let q_low = self.low_rank(index, |l| l.q.as_ref());
        let k_low = self.low_rank(index, |l| l.k.as_ref());
        let v_low = self.low_rank(index, |l| l.v.as_ref());
        let mut q = project(kernels, &layer.q, &x, q_low, site(f.q));
        let mut k = project(kernels, &layer.k, &x, k_low, site(f.k));
        let v = project(kernels, &layer.v, &x, v_low, site(f.v));
        self.remember(index, layer, &mut k, &v);
        let mixed = self.mix(index, f.q, &mut q);
        let width = model.shape.q_width();
        let fractions = std::iter::repeat(f.v);
        let x = Activations::quantise(kernels, &mixed, width, fractions, model.limbs.output);
        let out = project(
            kernels,
            &layer.o,
            &x,
            self.low_rank(index, |l| l.o.as_ref()),
            Target { fraction: model.residual_fraction, bound: model.residual_clamp },
        );
        self.add(&out);
    }

    /// Rotates keys and appends them and the values to the caches.
    fn remember(&mut self, index: usize, layer: &Layer, k: &mut [i32], v: &[i32]) {
        let width = self.model.shape.head_dim as usize;
        let kv_width = self.model.shape.kv_width();
        let rows = k.chunks_exact_mut(kv_width).zip(v.chunks_exact(kv_width));
        for (place, (k, v)) in self.places.iter().zip(rows) {
            let cache = &mut *self.segments[place.segment].cache;
            let heads = k.chunks_exact_mut(width).zip(v.chunks_exact(width)).enumerate();
            for (head, (key, value)) in heads {
                attention::rotate(self.model, place.position, key);
                let cache = cache.head_mut(index, head);
                let key = (&*key, layer.fractions.k);
                attention::append(self.kernels, self.model.limbs.key, cache, key, value);
            }
        }
    }

    fn mix(&self, index: usize, fraction: i32, q: &mut [i32]) -> Vec<i32> {
        let width = self.model.shape.head_dim as usize;
        let q_width = self.model.shape.q_width();
        let mut out = vec![0; q.len()];
        let mut scratch = attention::Scratch::default();
        let rows = q.chunks_exact_mut(q_width).zip(out.chunks_exact_mut(q_width));
        for (place, (q, out)) in self.places.iter().zip(rows) {
            let cache = &*self.segments[place.segment].cache;
            let heads = q.chunks_exact_mut(width).zip(out.chunks_exact_mut(width)).enumerate();
            for (head, (q, out)) in heads {
                attention::rotate(self.model, place.position, q);
                let cache = attention::kv_head(cache, self.model, index, head);
                let len = place.position + 1;
                attention::attend(self.kernels, (cache, len), (q, fraction), &mut scratch, out);
            }
        }
        out
    }

    fn mlp(&mut self, index: usize, layer: &Layer) {
        let (model, kernels) = (self.model, self.kernels);
        let f = layer.fractions;
        let normed = self.normed(&layer.mlp_norm);
        let fractions = std::iter::repeat(layer.mlp_norm.fraction);
        let d = model.shape.hidden as usize;
        let x = Activations::quantise(kernels, &normed, d, fractions, model.limbs.norm);
        let site = |fraction| Target { fraction, bound: SITE };
        let gate_low = self.low_rank(index, |l| l.gate.as_ref());
        let up_low = self.low_rank(index, |l| l.up.as_ref());
        let gate = project(kernels, &layer.gate, &x, gate_low, site(f.gate));
        let mut products = project(kernels, &layer.up, &x, up_low, site(f.up));
        let silu = model.silu(index);
        for (up, &gate) in products.iter_mut().zip(&gate) {
            // |silu| and |up| are at most 23,170, so the product is below 2^29.1.
            *up = up.wrapping_mul(silu[(gate + 32_768) as usize].into());
        }
        let ffn = model.shape.ffn as usize;
        let fractions = std::iter::repeat(f.gate + f.up);
        let x = Activations::quantise(kernels, &products, ffn, fractions, model.limbs.down);
        let out = project(
            kernels,
            &layer.down,
            &x,
            self.low_rank(index, |l| l.down.as_ref()),
            Target { fraction: model.residual_fraction, bound: model.residual_clamp },
        );
        self.add(&out);
    }

    fn logits(&self) -> Vec<Logits> {
        let (model, kernels) = (self.model, self.kernels);
        let (d, vocab) = (model.shape.hidden as usize, model.shape.vocab as usize);
        let mut wanted = Vec::new();
        let mut counts = Vec::with_capacity(self.segments.len());
        let mut first = 0;
        for segment in self.segments.iter() {
            let rows = segment.tokens.len();
            let take = match segment.want {
                Want::None => 0,
                Want::Last => rows.min(1),
                Want::All => rows,
            };
            wanted.extend(first + rows - take..first + rows);
            counts.push(take);
            first += rows;
        }
        let mut normed = vec![0; wanted.len() * d];
        for (&row, out) in wanted.iter().zip(normed.chunks_exact_mut(d)) {
            let residual = &self.residual[row * d..(row + 1) * d];
            normalise(kernels, model, &model.final_norm, residual, out);
        }
        let fractions = std::iter::repeat(model.final_norm.fraction);
        let x = Activations::quantise(kernels, &normed, d, fractions, model.limbs.head);
        let values = project(kernels, &model.head, &x, |_| None, LOGIT);
        let mut rest = values.as_slice();
        counts
            .into_iter()
            .map(|rows| {
                let (values, left) = rest.split_at(rows * vocab);
                rest = left;
                Logits { rows, vocab, values: values.to_vec() }
            })
            .collect()
    }
}

//! The short, slow, scalar twin of the engine: one token at a time, wide integers, no cleverness.
//!
//! It reads in the order of the specification's section 3 and is what the kernels are tested
//! against.

use crate::adapter::{Adapter, LowRank};
use crate::error::TensorError;
use crate::linear::Linear;
use crate::model::{Layer, LimbCount, Model, Norm};
use crate::rounding::{bit_length, rsh, sat};
use crate::tables;

/// Clamp of the i16 sites.
const SITE: i32 = 23_170;

/// A quantised row: whole values (both limbs joined) at one fraction.
struct Row {
    values: Vec<i64>,
    limbs: LimbCount,
    fraction: i32,
}

/// Keys and values of one layer and one kv head, token after token.
#[derive(Debug, Clone, Default)]
struct Head {
    keys: Vec<(Vec<i64>, i32)>,
    values: Vec<(Vec<i64>, i32)>,
}

/// The reference's own cache.
#[derive(Debug, Clone)]
pub struct Cache {
    heads: Vec<Vec<Head>>,
    len: usize,
}

impl Cache {
    /// An empty cache for this model.
    #[must_use]
    pub fn new(model: &Model) -> Self {
        let layer = vec![Head::default(); model.shape.kv_heads as usize];
        Self { heads: vec![layer; model.layers.len()], len: 0 }
    }
}

/// Feeds one token and returns the logits of the position it stands at.
pub fn step(
    model: &Model,
    cache: &mut Cache,
    adapter: Option<&Adapter>,
    token: u32,
) -> Result<Vec<i32>, TensorError> {
    let (vocab, context) = (model.shape.vocab, model.shape.context);
    if token >= vocab {
        return Err(TensorError::UnknownToken { token, vocab });
    }
    if cache.len >= context as usize {
        return Err(TensorError::ContextFull { wanted: cache.len + 1, context });
    }
    let mut residual = embed(model, token as usize);
    for (index, layer) in model.layers.iter().enumerate() {
        let low = adapter.map(|a| &a.layers[index]);
        let normed = norm(model, &layer.attention_norm, &residual);
        let x = quantise(&normed, layer.attention_norm.fraction, model.limbs.norm);
        let f = layer.fractions;
        let q = linear(&layer.q, low.and_then(|l| l.q.as_ref()), &x, f.q, SITE);
        let k = linear(&layer.k, low.and_then(|l| l.k.as_ref()), &x, f.k, SITE);
        let v = linear(&layer.v, low.and_then(|l| l.v.as_ref()), &x, f.v, SITE);
        let heads = &mut cache.heads[index];
        let mixed = attend(model, layer, heads, cache.len, [&q, &k, &v]);
        let x = quantise(&mixed, f.v, model.limbs.output);
        let out = linear(
            &layer.o,
            low.and_then(|l| l.o.as_ref()),
            &x,
            model.residual_fraction,
            model.residual_clamp,
        );
        add(&mut residual, &out);

        let normed = norm(model, &layer.mlp_norm, &residual);
        let x = quantise(&normed, layer.mlp_norm.fraction, model.limbs.norm);
        let gate = linear(&layer.gate, low.and_then(|l| l.gate.as_ref()), &x, f.gate, SITE);
        let up = linear(&layer.up, low.and_then(|l| l.up.as_ref()), &x, f.up, SITE);
        let silu = tables::silu(f.gate);
        let products: Vec<i64> = gate
            .iter()
            .zip(&up)
            .map(|(&g, &u)| i64::from(silu[(g + 32_768) as usize]) * u)
            .collect();
        let x = quantise(&products, f.gate + f.up, model.limbs.down);
        let out = linear(
            &layer.down,
            low.and_then(|l| l.down.as_ref()),
            &x,
            model.residual_fraction,
            model.residual_clamp,
        );
        add(&mut residual, &out);
    }
    cache.len += 1;
    let normed = norm(model, &model.final_norm, &residual);
    let x = quantise(&normed, model.final_norm.fraction, model.limbs.head);
    let logits = linear(&model.head, None, &x, 14, 1 << 29);
    Ok(logits.into_iter().map(|logit| logit as i32).collect())
}

fn embed(model: &Model, token: usize) -> Vec<i64> {
    let d = model.shape.hidden as usize;
    let shift = i32::from(model.embedding.exponents[token]) - model.residual_fraction;
    (0..d)
        .map(|i| {
            let value = model.embedding.value(token * d + i);
            sat(rsh(value.into(), shift), model.residual_clamp).into()
        })
        .collect()
}

fn add(residual: &mut [i64], out: &[i64]) {
    for (value, add) in residual.iter_mut().zip(out) {
        *value += add;
        assert!(value.abs() <= 1 << 29, "the residual clamp bounds the stream");
    }
}

fn magnitude(row: &[i64]) -> u64 {
    row.iter().map(|x| x.unsigned_abs()).max().unwrap_or(0)
}

/// The unit vector `R / |R|` at the norm's fraction.
fn norm(model: &Model, norm: &Norm, residual: &[i64]) -> Vec<i64> {
    let m = magnitude(residual);
    if m == 0 {
        return vec![0; residual.len()];
    }
    let d = u64::from(model.shape.hidden);
    let log_d = bit_length(d - 1); // ceil(log2 d)
    let t = bit_length(m) - 15;
    let b = 15 - (log_d + 1) / 2;
    let k0 = 15 - b;
    let u: Vec<i64> = residual.iter().map(|&r| sat(rsh(r.into(), t), 32_767).into()).collect();
    let squares: i128 = u.iter().map(|&u| rsh(u.into(), k0)).map(|v| v * v).sum();
    let shift = 2 * (t + k0);
    let epsilon = i128::from(model.epsilon);
    let epsilon = if shift >= 0 { epsilon >> shift } else { epsilon << -shift };
    let ss = (squares + epsilon).min(1 << 30) as u64;
    let k = (bit_length(ss) - 16 + 1).div_euclid(2); // ceil((bl - 16) / 2)
    let mantissa = if k >= 0 { ss >> (2 * k) } else { ss << (-2 * k) };
    let factor = i64::from(tables::RSQ[mantissa as usize - (1 << 14)]);
    u.iter()
        .zip(&norm.shifts)
        .map(|(&u, &c)| {
            assert!((u * factor).abs() <= 1 << 29);
            let shift = k0 + 21 + k - norm.fraction + i32::from(c);
            sat(rsh((u * factor).into(), shift), 32_767).into()
        })
        .collect()
}

fn quantise(row: &[i64], fraction: i32, limbs: LimbCount) -> Row {
    let (bits, bound) = match limbs {
        LimbCount::One => (7, 127),
        LimbCount::Two => (14, 16_256),
    };
    let e = (bit_length(magnitude(row)) - bits).max(0);
    let values = row.iter().map(|&x| sat(rsh(x.into(), e), bound).into()).collect();
    Row { values, limbs, fraction: fraction - e }
}

/// `W_j . x` for every output, and the fraction of the result without `w_j`.
fn dot(linear: &Linear, x: &Row) -> (Vec<i64>, i32) {
    let sums = |limb: &dyn Fn(i64) -> i64, j: usize| -> i64 {
        let terms = x.values.iter().enumerate();
        terms.map(|(i, &x)| i64::from(linear.weight(j, i)) * limb(x)).sum()
    };
    let rows = 0..linear.rows();
    match x.limbs {
        LimbCount::One => (rows.map(|j| sums(&|x| x, j)).collect(), x.fraction),
        LimbCount::Two => {
            let high_and_low = |j| {
                let low = rsh(sums(&|x| x & 127, j).into(), 7) as i64;
                sums(&|x| x >> 7, j) + low
            };
            (rows.map(high_and_low).collect(), x.fraction - 7)
        }
    }
}

fn linear(base: &Linear, low: Option<&LowRank>, x: &Row, fraction: i32, bound: i32) -> Vec<i64> {
    let (sums, x_fraction) = dot(base, x);
    let mut out: Vec<i128> = sums
        .iter()
        .zip(base.exponents())
        .map(|(&acc, &w)| {
            assert!(acc.abs() < 1_065_353_216, "a linear sum leaves the field");
            rsh(acc.into(), w + x_fraction - fraction)
        })
        .collect();
    if let Some(low) = low {
        let (z, z_fraction) = dot(low.a(), x);
        let z = quantise(&z, low.a_exponent() + z_fraction, LimbCount::One);
        let (sums, z_fraction) = dot(low.b(), &z);
        for ((h, &acc), &w) in out.iter_mut().zip(&sums).zip(low.b().exponents()) {
            *h += rsh(acc.into(), w + z_fraction - fraction);
        }
    }
    out.into_iter().map(|h| sat(h, bound).into()).collect()
}

fn rotate(model: &Model, position: usize, head: &[i64]) -> Vec<i64> {
    let half = head.len() / 2;
    let mut out = Vec::with_capacity(head.len());
    for (i, pair) in head.chunks_exact(2).enumerate() {
        let cos = i128::from(model.rope.cos[position * half + i]);
        let sin = i128::from(model.rope.sin[position * half + i]);
        let (x0, x1) = (i128::from(pair[0]), i128::from(pair[1]));
        out.push(sat(rsh(x0 * cos - x1 * sin, 14), 32_767).into());
        out.push(sat(rsh(x0 * sin + x1 * cos, 14), 32_767).into());
    }
    out
}

fn attend(
    model: &Model,
    layer: &Layer,
    heads: &mut [Head],
    position: usize,
    [q, k, v]: [&[i64]; 3],
) -> Vec<i64> {
    let width = model.shape.head_dim as usize;
    let group = (model.shape.heads / model.shape.kv_heads) as usize;
    let f = layer.fractions;
    for (head, (k, v)) in heads.iter_mut().zip(k.chunks(width).zip(v.chunks(width))) {
        let key = quantise(&rotate(model, position, k), f.k, model.limbs.key);
        head.keys.push((key.values, key.fraction));
        let value = quantise(v, f.v, LimbCount::One);
        head.values.push((value.values, f.v - value.fraction));
    }
    let mut out = Vec::with_capacity(q.len());
    for (index, q) in q.chunks(width).enumerate() {
        let q = quantise(&rotate(model, position, q), f.q, LimbCount::One);
        out.extend(attend_head(&heads[index / group], &q));
    }
    out
}

fn attend_head(head: &Head, q: &Row) -> Vec<i64> {
    let score = |(key, fraction): &(Vec<i64>, i32)| -> i64 {
        let dot: i64 = key.iter().zip(&q.values).map(|(k, q)| k * q).sum();
        sat(rsh(dot.into(), q.fraction + fraction - 12), 1 << 29).into()
    };
    let scores: Vec<i64> = head.keys.iter().map(score).collect();
    let max = scores.iter().copied().max().unwrap_or(0);
    let weights: Vec<i64> =
        scores.iter().map(|s| tables::EXP[(max - s).min(65_535) as usize].into()).collect();
    let sum: i64 = weights.iter().sum();
    let top = head.values.iter().map(|(_, e)| *e).max().unwrap_or(0);
    let kk = bit_length(sum as u64) - 15;
    let mantissa = rsh_floor(sum, kk);
    let reciprocal = i128::from(tables::REC[mantissa as usize - (1 << 14)]);
    (0..q.values.len())
        .map(|i| {
            let (mut high, mut low) = (0i64, 0i64);
            for (&p, (value, e)) in weights.iter().zip(&head.values) {
                let p = rsh(p.into(), top - e) as i64;
                high += (p >> 7) * value[i];
                low += (p & 127) * value[i];
            }
            assert!(high.abs() < 1_065_353_216 && low.abs() < 1_065_353_216);
            let y = high + rsh(low.into(), 7) as i64;
            let y16 = i128::from(sat(rsh(y.into(), kk), 32_767));
            // y carries p >> 7, so 2^7 of the weights' scale is already gone.
            sat(rsh(y16 * reciprocal, 22 - top), 32_767).into()
        })
        .collect()
}

fn rsh_floor(x: i64, shift: i32) -> i64 {
    if shift >= 0 { x >> shift } else { x << -shift }
}

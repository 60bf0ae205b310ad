//! Rotation, cache and exact softmax attention of one row.

use crate::cache::{HeadCache, KEY_TOKENS, KvCache, VALUE_WIDTH};
use crate::kernels::{Kernels, MIX_CHUNK, Requant};
use crate::model::{LimbCount, Model};
use crate::rounding::{bit_length, exponent_one, exponent_two, rsh, rsh_right, rsh_wide, sat};
use crate::tables;

/// Rotates one head in place: pairs `(2i, 2i + 1)`.
pub(crate) fn rotate(model: &Model, position: usize, head: &mut [i32]) {
    let half = head.len() / 2;
    let cos = &model.rope.cos[position * half..][..half];
    let sin = &model.rope.sin[position * half..][..half];
    for (pair, (&c, &s)) in head.chunks_exact_mut(2).zip(cos.iter().zip(sin)) {
        let (c, s) = (i32::from(c), i32::from(s));
        // |x| <= 23,170 keeps each product below 2^28.6 and the sum below 2^30.
        let (x0, x1) = (pair[0], pair[1]);
        let turned = [
            x0.wrapping_mul(c).wrapping_sub(x1.wrapping_mul(s)),
            x0.wrapping_mul(s).wrapping_add(x1.wrapping_mul(c)),
        ];
        pair[0] = rsh_right(turned[0], 14).clamp(-32_767, 32_767);
        pair[1] = rsh_right(turned[1], 14).clamp(-32_767, 32_767);
    }
}

fn rounded(x: i32, exponent: i32, bound: i32) -> i32 {
    let x = if exponent > 0 { rsh_right(x, exponent) } else { x };
    x.clamp(-bound, bound)
}

/// Appends a rotated key and a value to a head's cache.
pub(crate) fn append(
    kernels: &Kernels,
    limbs: LimbCount,
    cache: &mut HeadCache,
    (key, key_fraction): (&[i32], i32),
    value: &[i32],
) {
    let max = (kernels.max_abs)(key);
    let (exponent, bound) = match limbs {
        LimbCount::One => (exponent_one(max), 127),
        LimbCount::Two => (exponent_two(max), 16_256),
    };
    let value_exponent = exponent_one((kernels.max_abs)(value));
    cache.push(
        key.iter().map(|&x| rounded(x, exponent, bound) as i16),
        key_fraction - exponent,
        value.iter().map(|&x| rounded(x, value_exponent, 127) as i8),
        value_exponent,
    );
}

/// Buffers of one thread's attention.
#[derive(Default)]
pub(crate) struct Scratch {
    q: Vec<i16>,
    dots: Vec<i32>,
    scores: Vec<i32>,
    weights: Vec<i16>,
    mixed: Vec<i32>,
    sums: Vec<i64>,
}

/// Attends one rotated query head over the first `len` tokens of a kv head.
pub(crate) fn attend(
    kernels: &Kernels,
    (cache, len): (&HeadCache, usize),
    (q, q_fraction): (&[i32], i32),
    scratch: &mut Scratch,
    out: &mut [i32],
) {
    let width = q.len();
    let exponent = exponent_one((kernels.max_abs)(q));
    scratch.q.clear();
    scratch.q.extend(q.iter().map(|&x| rounded(x, exponent, 127) as i16));
    let blocks = len.div_ceil(KEY_TOKENS);
    scratch.dots.resize(blocks * KEY_TOKENS, 0);
    (kernels.scores)(&cache.keys[..blocks * width / 2], &scratch.q, &mut scratch.dots);
    scratch.scores.resize(len, 0);
    let rule =
        Requant { exponents: &cache.key_fractions[..len], shift: q_fraction - exponent - 12 };
    score(kernels, &scratch.dots[..len], rule, &mut scratch.scores);
    let exponents = &cache.value_exponents[..len];
    let top = (kernels.largest)(exponents);
    let max = (kernels.largest)(&scratch.scores);
    let sum = weigh(&scratch.scores, max, top, exponents, &mut scratch.weights);
    let groups = width.div_ceil(VALUE_WIDTH);
    scratch.sums.clear();
    scratch.sums.resize(width, 0);
    let values = cache.values[..len.div_ceil(2) * groups].chunks(MIX_CHUNK / 2 * groups);
    for (values, weights) in values.zip(scratch.weights.chunks(MIX_CHUNK)) {
        scratch.mixed.clear();
        scratch.mixed.resize(groups * VALUE_WIDTH, 0);
        (kernels.mix)(values, weights, &mut scratch.mixed);
        for (sum, &part) in scratch.sums.iter_mut().zip(&scratch.mixed) {
            *sum += i64::from(part);
        }
    }
    normalise(&scratch.sums, sum, top, out);
}

/// `sat(rsh(dot, ...), 2^29)` for every key.
fn score(kernels: &Kernels, dots: &[i32], rule: Requant<'_>, scores: &mut [i32]) {
    const BOUND: i32 = 1 << 29;
    if (kernels.requant_any)(dots, rule, scores) {
        (kernels.clamp)(scores, BOUND);
        return;
    }
    for ((score, &dot), &fraction) in scores.iter_mut().zip(dots).zip(rule.exponents) {
        *score = sat(rsh(dot.into(), fraction + rule.shift), BOUND);
    }
}

/// Softmax weights in the values' common exponent, an even number of them, and their sum before
/// that.
fn weigh(scores: &[i32], max: i32, top: i32, exponents: &[i32], weights: &mut Vec<i16>) -> u64 {
    let table: &[u16; 65_536] = &tables::EXP;
    let mut sum = 0u64;
    weights.clear();
    weights.extend(scores.iter().zip(exponents).map(|(&score, &exponent)| {
        // Scores lie within 2^29 of zero.
        let index = max.wrapping_sub(score).clamp(0, 65_535) as u16;
        let p = i32::from(table[usize::from(index)]);
        sum = sum.wrapping_add(p as u64);
        let shift = top.wrapping_sub(exponent);
        (if shift > 0 { rsh_right(p, shift) } else { p }) as i16
    }));
    if weights.len() % 2 == 1 {
        weights.push(0);
    }
    sum
}

/// Divides the mixed values by the sum of weights, once per output.
fn normalise(sums: &[i64], sum: u64, top: i32, out: &mut [i32]) {
    let kk = bit_length(sum) - 15;
    let mantissa = if kk >= 0 { sum >> kk } else { sum << -kk };
    let reciprocal = i64::from(tables::REC[mantissa as usize - (1 << 14)]);
    for (out, &mixed) in out.iter_mut().zip(sums) {
        // high + rsh(low, 7) equals rsh(128 high + low, 7).
        let y = rsh_wide(mixed, 7);
        let y16 = rsh_wide(y, kk).clamp(-32_767, 32_767);
        *out = rsh_wide(y16 * reciprocal, 22 - top).clamp(-32_767, 32_767) as i32;
    }
}

/// The cache head that a query head reads.
pub(crate) fn kv_head<'a>(
    cache: &'a KvCache,
    model: &Model,
    layer: usize,
    head: usize,
) -> &'a HeadCache {
    let group = (model.shape.heads / model.shape.kv_heads) as usize;
    cache.head(layer, head / group)
}

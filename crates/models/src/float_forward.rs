//! The plain float forward pass: what perplexity and calibration are measured against.

use crate::adapter::{FloatAdapter, FloatLowRank};
use crate::float::{FloatModel, Matrix};

/// Runs a whole sequence and returns the logits of every position, row-major, fixed order.
/// `observe` sees each normalised row before its gain, with the index of its norm.
pub(crate) fn logits(
    model: &FloatModel,
    adapter: Option<&FloatAdapter>,
    ids: &[u32],
    observe: &mut dyn FnMut(usize, &[f32]),
) -> Vec<f32> {
    let d = model.shape.hidden as usize;
    let mut residual: Vec<f32> =
        ids.iter().flat_map(|&id| model.embedding.row(id as usize).iter().copied()).collect();
    let frequencies = model.rope.frequencies(model.shape.head_dim as usize);
    for (index, layer) in model.layers.iter().enumerate() {
        let low = |place: usize| {
            adapter.and_then(|a| Some((a.layers[index].places()[place]?, a.scale() as f32)))
        };
        let epsilon = model.norm_epsilon;
        let x = norm(&residual, &layer.attention_norm, epsilon, &mut |r| observe(2 * index, r));
        let mut q = project(&layer.q, low(0), &x);
        let mut k = project(&layer.k, low(1), &x);
        let v = project(&layer.v, low(2), &x);
        rotate(&mut q, model.shape.q_width(), &frequencies);
        rotate(&mut k, model.shape.kv_width(), &frequencies);
        let mixed = attend(model, &q, &k, &v);
        add(&mut residual, &project(&layer.o, low(3), &mixed));
        let x = norm(&residual, &layer.mlp_norm, epsilon, &mut |r| observe(2 * index + 1, r));
        let gate = project(&layer.gate, low(4), &x);
        let mut up = project(&layer.up, low(5), &x);
        up.iter_mut().zip(&gate).for_each(|(u, &g)| *u *= g / (1.0 + (-g).exp()));
        add(&mut residual, &project(&layer.down, low(6), &up));
    }
    let last = 2 * model.layers.len();
    let x = norm(&residual, &model.final_norm, model.norm_epsilon, &mut |r| observe(last, r));
    debug_assert_eq!(x.len(), ids.len() * d);
    project(model.head(), None, &x)
}

fn add(residual: &mut [f32], contribution: &[f32]) {
    residual.iter_mut().zip(contribution).for_each(|(r, c)| *r += c);
}

fn norm(rows: &[f32], gain: &[f32], epsilon: f32, observe: &mut dyn FnMut(&[f32])) -> Vec<f32> {
    let mut out = Vec::with_capacity(rows.len());
    let mut unit = vec![0.0; gain.len()];
    for row in rows.chunks_exact(gain.len()) {
        let mean = row.iter().map(|r| r * r).sum::<f32>() / gain.len() as f32;
        let scale = 1.0 / (mean + epsilon).sqrt();
        unit.iter_mut().zip(row).for_each(|(u, r)| *u = r * scale);
        observe(&unit);
        out.extend(unit.iter().zip(gain).map(|(u, g)| u * g));
    }
    out
}

/// Sixteen running sums, added in a fixed order.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let (mut sums, (a16, a_rest), (b16, b_rest)) =
        ([0.0f32; 16], a.as_chunks::<16>(), b.as_chunks::<16>());
    for (a, b) in a16.iter().zip(b16) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f32>() + rest
}

fn project(base: &Matrix, low: Option<(&FloatLowRank, f32)>, x: &[f32]) -> Vec<f32> {
    let mut out = product(base, x);
    if let Some((low, scale)) = low {
        let expanded = product(&low.b, &product(&low.a, x));
        out.iter_mut().zip(expanded).for_each(|(h, add)| *h += scale * add);
    }
    out
}

fn product(matrix: &Matrix, x: &[f32]) -> Vec<f32> {
    let mut out = vec![0.0; x.len() / matrix.cols * matrix.rows];
    for (x, out) in x.chunks_exact(matrix.cols).zip(out.chunks_exact_mut(matrix.rows)) {
        for (out, row) in out.iter_mut().zip(matrix.values.chunks_exact(matrix.cols)) {
            *out = dot(row, x);
        }
    }
    out
}

fn rotate(rows: &mut [f32], width: usize, frequencies: &[f64]) {
    for (position, row) in rows.chunks_exact_mut(width).enumerate() {
        for head in row.chunks_exact_mut(2 * frequencies.len()) {
            for (pair, frequency) in head.chunks_exact_mut(2).zip(frequencies) {
                let (sin, cos) = (position as f64 * frequency).sin_cos();
                let (sin, cos) = (sin as f32, cos as f32);
                let (x0, x1) = (pair[0], pair[1]);
                (pair[0], pair[1]) = (x0 * cos - x1 * sin, x0 * sin + x1 * cos);
            }
        }
    }
}

fn attend(model: &FloatModel, q: &[f32], k: &[f32], v: &[f32]) -> Vec<f32> {
    let width = model.shape.head_dim as usize;
    let (q_width, kv_width) = (model.shape.q_width(), model.shape.kv_width());
    let group = (model.shape.heads / model.shape.kv_heads) as usize;
    let scale = 1.0 / (width as f32).sqrt();
    let mut out = vec![0.0; q.len()];
    let mut scores = Vec::new();
    let rows = q.chunks_exact(q_width).zip(out.chunks_exact_mut(q_width)).enumerate();
    for (position, (q, out)) in rows {
        let heads = q.chunks_exact(width).zip(out.chunks_exact_mut(width)).enumerate();
        for (head, (q, out)) in heads {
            let at = |j: usize| j * kv_width + head / group * width;
            scores.clear();
            scores.extend((0..=position).map(|j| dot(q, &k[at(j)..][..width]) * scale));
            let max = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            scores.iter_mut().for_each(|s| *s = (*s - max).exp());
            let sum: f32 = scores.iter().sum();
            for (j, p) in scores.iter().enumerate() {
                let p = p / sum;
                out.iter_mut().zip(&v[at(j)..][..width]).for_each(|(o, v)| *o += p * v);
            }
        }
    }
    out
}

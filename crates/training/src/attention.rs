//! Causal attention inside each segment of a packed batch, with its backward pass.

use crate::config::LlamaConfig;
use crate::gemm::{Mat, product};
use crate::kernels::{causal_softmax, softmax_backward};

/// Queries, keys and values after the rotation, one row per token.
#[derive(Clone, Copy)]
pub(crate) struct Heads<'a> {
    pub q: &'a [f32],
    pub k: &'a [f32],
    pub v: &'a [f32],
}

/// Gradients of the same.
pub(crate) struct HeadsGradient<'a> {
    pub q: &'a mut [f32],
    pub k: &'a mut [f32],
    pub v: &'a mut [f32],
}

/// Offsets of one head's columns.
struct Columns {
    q: usize,
    kv: usize,
    q_width: usize,
    kv_width: usize,
    head_dim: usize,
    scale: f32,
}

fn columns(config: &LlamaConfig, head: usize) -> Columns {
    Columns {
        q: head * config.head_dim,
        kv: head / (config.heads / config.kv_heads) * config.head_dim,
        q_width: config.q_dim(),
        kv_width: config.kv_dim(),
        head_dim: config.head_dim,
        scale: 1.0 / (config.head_dim as f32).sqrt(),
    }
}

/// Size of the probabilities of all heads and segments.
pub(crate) fn probabilities_len(config: &LlamaConfig, segments: &[usize]) -> usize {
    config.heads * segments.iter().map(|length| length * length).sum::<usize>()
}

/// Writes the attention output and keeps the probabilities.
pub(crate) fn forward(
    config: &LlamaConfig,
    segments: &[usize],
    heads: Heads<'_>,
    probabilities: &mut [f32],
    out: &mut [f32],
) {
    let (mut start, mut at) = (0, 0);
    for &length in segments {
        for head in 0..config.heads {
            let c = columns(config, head);
            let p = &mut probabilities[at..at + length * length];
            let q = Mat::rows(&heads.q[start * c.q_width + c.q..], c.q_width);
            let k = Mat::rows(&heads.k[start * c.kv_width + c.kv..], c.kv_width);
            let v = Mat::rows(&heads.v[start * c.kv_width + c.kv..], c.kv_width);
            product((p, length), (length, c.head_dim, length), q, k.t(), (false, 1.0));
            causal_softmax(p, length, c.scale);
            let o = &mut out[start * c.q_width + c.q..];
            let p = Mat::rows(p, length);
            product((o, c.q_width), (length, length, c.head_dim), p, v, (false, 1.0));
            at += length * length;
        }
        start += length;
    }
}

/// Writes the gradients of queries, keys and values from that of the output.
pub(crate) fn backward(
    config: &LlamaConfig,
    segments: &[usize],
    heads: Heads<'_>,
    (probabilities, dout): (&[f32], &[f32]),
    gradient: HeadsGradient<'_>,
) {
    let group = config.heads / config.kv_heads;
    let longest = segments.iter().copied().max().unwrap_or(0);
    let mut dp = vec![0.0; longest * longest];
    let (mut start, mut at) = (0, 0);
    for &length in segments {
        let square = (length, length);
        for head in 0..config.heads {
            let c = columns(config, head);
            let (qs, ks) = (start * c.q_width + c.q, start * c.kv_width + c.kv);
            let q = Mat::rows(&heads.q[qs..], c.q_width);
            let k = Mat::rows(&heads.k[ks..], c.kv_width);
            let v = Mat::rows(&heads.v[ks..], c.kv_width);
            let d_out = Mat::rows(&dout[qs..], c.q_width);
            let p = &probabilities[at..at + length * length];
            let dp = &mut dp[..length * length];
            let shared = (head % group != 0, 1.0);
            let to_head = (square.0, square.1, c.head_dim);
            product((dp, length), (length, c.head_dim, length), d_out, v.t(), (false, 1.0));
            product(
                (&mut gradient.v[ks..], c.kv_width),
                to_head,
                Mat::rows(p, length).t(),
                d_out,
                shared,
            );
            softmax_backward(p, dp, length, c.scale);
            let ds = Mat::rows(dp, length);
            product((&mut gradient.q[qs..], c.q_width), to_head, ds, k, (false, 1.0));
            product((&mut gradient.k[ks..], c.kv_width), to_head, ds.t(), q, shared);
            at += length * length;
        }
        start += length;
    }
}

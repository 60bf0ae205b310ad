//! Rotary position embedding on rows of heads.

use crate::config::{LlamaConfig, RopeLayout};

/// Cosines and sines for every position and pair.
#[derive(Clone, Debug)]
pub(crate) struct Rope {
    cos: Vec<f32>,
    sin: Vec<f32>,
    head_dim: usize,
    layout: RopeLayout,
}

impl Rope {
    pub(crate) fn new(config: &LlamaConfig) -> Self {
        let pairs = config.head_dim / 2;
        let mut cos = Vec::with_capacity(config.context * pairs);
        let mut sin = Vec::with_capacity(config.context * pairs);
        for position in 0..config.context {
            for pair in 0..pairs {
                let exponent = 2.0 * pair as f64 / config.head_dim as f64;
                let angle = position as f64 / f64::from(config.rope_theta).powf(exponent);
                cos.push(angle.cos() as f32);
                sin.push(angle.sin() as f32);
            }
        }
        Self { cos, sin, head_dim: config.head_dim, layout: config.rope }
    }

    /// Rotates every head of every row; `direction` is 1 forward and -1 for the gradient.
    pub(crate) fn rotate(&self, rows: &mut [f32], width: usize, positions: &[u32], direction: f32) {
        let pairs = self.head_dim / 2;
        for (row, position) in rows.chunks_exact_mut(width).zip(positions) {
            let at = *position as usize * pairs;
            let (cos, sin) = (&self.cos[at..at + pairs], &self.sin[at..at + pairs]);
            for head in row.chunks_exact_mut(self.head_dim) {
                match self.layout {
                    RopeLayout::HalfSplit => {
                        let (first, second) = head.split_at_mut(pairs);
                        for (((x, y), c), s) in first.iter_mut().zip(second).zip(cos).zip(sin) {
                            (*x, *y) = turn(*x, *y, *c, *s * direction);
                        }
                    }
                    RopeLayout::Interleaved => {
                        for ((pair, c), s) in head.chunks_exact_mut(2).zip(cos).zip(sin) {
                            (pair[0], pair[1]) = turn(pair[0], pair[1], *c, *s * direction);
                        }
                    }
                }
            }
        }
    }
}

#[inline(always)]
fn turn(x: f32, y: f32, c: f32, s: f32) -> (f32, f32) {
    (x * c - y * s, x * s + y * c)
}

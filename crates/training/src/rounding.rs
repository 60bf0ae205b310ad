//! Weights as the exact format will round them: i8 rows with one power-of-two exponent each,
//! norm gains folded in. The last part of a base's training takes its gradients there, so that
//! what is served was trained and not only rounded.

use pulp::Arch;

use crate::config::LlamaConfig;
use crate::params::{Projection, Weights};

/// The rounded twin of some weights; its head is a matrix of its own.
pub(crate) struct Rounded {
    pub weights: Weights,
}

impl Rounded {
    pub(crate) fn new(config: &LlamaConfig) -> Self {
        let config = LlamaConfig { tied: false, ..config.clone() };
        Self { weights: Weights::zeros(&config) }
    }

    /// Rounds every matrix; gains are copied.
    pub(crate) fn take(&mut self, from: &Weights) {
        let config = &from.config;
        let to = &mut self.weights;
        let shared = from.layout.final_norm.end;
        to.data[..shared].copy_from_slice(&from.data[..shared]);
        let ones = vec![1.0; config.hidden.max(config.ffn).max(config.q_dim())];
        let d = config.hidden;
        round_rows(from.embedding(), &ones[..d], 1.0, to.embedding_mut());
        for layer in 0..config.layers {
            let block = &from.layout.blocks[layer];
            for projection in Projection::ALL {
                let (_, inputs) = projection.shape(config);
                let gain = match projection {
                    Projection::Q | Projection::K | Projection::V => {
                        from.part(&block.attention_norm)
                    }
                    Projection::Gate | Projection::Up => from.part(&block.mlp_norm),
                    Projection::O | Projection::Down => &ones[..inputs],
                };
                let factor = match projection {
                    Projection::Q => std::f32::consts::LOG2_E / (config.head_dim as f32).sqrt(),
                    _ => 1.0,
                };
                let factor = if inputs == d && !matches!(projection, Projection::O) {
                    factor * (d as f32).sqrt()
                } else {
                    factor
                };
                let rows = from.projection(layer, projection);
                round_rows(rows, gain, factor, to.projection_mut(layer, projection));
            }
        }
        let gain = from.part(&from.layout.final_norm);
        round_rows(from.head(), gain, (d as f32).sqrt(), to.head_mut());
    }

    /// Brings a gradient at the rounded weights into the shape of the weights themselves.
    pub(crate) fn fold_gradient(&self, of: &Weights, gradient: &mut [f32]) {
        if of.config.tied {
            let head = self.weights.layout.head.clone();
            let (shared, own) = gradient.split_at_mut(head.start);
            crate::model::add(&mut shared[of.layout.embedding.clone()], own);
        }
    }
}

/// Rounds rows folded with `gain` and `factor`, and takes the fold away again.
fn round_rows(rows: &[f32], gain: &[f32], factor: f32, out: &mut [f32]) {
    let width = gain.len();
    let mut folded = vec![0.0f32; width];
    Arch::new().dispatch(
        #[inline(always)]
        || {
            for (row, out) in rows.chunks_exact(width).zip(out.chunks_exact_mut(width)) {
                let mut top = 0.0f32;
                for ((folded, value), gain) in folded.iter_mut().zip(row).zip(gain) {
                    *folded = value * gain * factor;
                    top = top.max(folded.abs());
                }
                if top == 0.0 || !top.is_finite() {
                    out.copy_from_slice(row);
                    continue;
                }
                let scale = (127.0 / top).log2().floor().exp2();
                let finer = scale * 2.0;
                let chosen =
                    if loss(&folded, finer) < loss(&folded, scale) { finer } else { scale };
                for (((out, folded), value), gain) in out.iter_mut().zip(&folded).zip(row).zip(gain)
                {
                    let fold = gain * factor;
                    let exact = nearest(*folded, chosen) / chosen / fold;
                    *out = if fold == 0.0 { *value } else { exact };
                }
            }
        },
    );
}

#[inline(always)]
fn nearest(value: f32, scale: f32) -> f32 {
    let scaled = (value * scale).clamp(-127.0, 127.0);
    // Adding and taking away 1.5 * 2^23 rounds half to even.
    (scaled + 12_582_912.0) - 12_582_912.0
}

#[inline(always)]
fn loss(row: &[f32], scale: f32) -> f32 {
    let mut lanes = [0.0f32; 16];
    for part in row.chunks(16) {
        for (lane, value) in lanes.iter_mut().zip(part) {
            let error = nearest(*value, scale) / scale - value;
            *lane += error * error;
        }
    }
    lanes.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tributary_models::{QuantizeOptions, quantize};

    #[test]
    fn rounded_weights_are_the_ones_that_the_exact_format_stores() {
        let config = LlamaConfig {
            vocab: 40,
            hidden: 32,
            layers: 2,
            heads: 4,
            kv_heads: 2,
            head_dim: 8,
            ffn: 48,
            context: 64,
            norm_eps: 1e-5,
            rope_theta: 10_000.0,
            rope: crate::config::RopeLayout::Interleaved,
            tied: true,
        };
        let mut weights = Weights::random(&config, 8);
        let blocks = weights.layout.blocks.clone();
        for (at, range) in blocks.iter().flat_map(|b| [&b.attention_norm, &b.mlp_norm]).enumerate()
        {
            for (index, gain) in weights.data[range.clone()].iter_mut().enumerate() {
                *gain = 0.7 + 0.05 * ((index + at) % 13) as f32;
            }
        }
        let float = weights.to_float_model();
        let exact = quantize(&float, &QuantizeOptions::default()).expect("it converts");
        let served = Weights::from_float_model(&exact.dequantize()).expect("it fits");
        let mut rounded = Rounded::new(&config);
        rounded.take(&weights);
        let same = |a: &[f32], b: &[f32]| {
            let close = a.iter().zip(b).filter(|(a, b)| (*a - *b).abs() < 1e-5).count();
            close as f64 / a.len() as f64
        };
        for layer in 0..config.layers {
            for projection in Projection::ALL {
                let ours = rounded.weights.projection(layer, projection);
                let share = same(ours, served.projection(layer, projection));
                assert!(share > 0.99, "{layer} {projection:?}: {share}");
            }
        }
        assert!(same(rounded.weights.embedding(), served.embedding()) > 0.99);
        assert!(same(rounded.weights.head(), served.head()) > 0.99);
    }
}

//! The element-wise parts of the transformer, each with its backward pass. Loops are compiled
//! once per instruction set and chosen at run time.

use pulp::Arch;

/// e^x by a polynomial on the fraction and the exponent bits; relative error below 3e-7.
#[inline(always)]
#[allow(clippy::excessive_precision)]
fn exp(x: f32) -> f32 {
    let x = x.clamp(-87.0, 88.0);
    let scaled = x * std::f32::consts::LOG2_E;
    let whole = (scaled + 12_582_912.0) - 12_582_912.0;
    let f = (x - whole * 0.693_359_375) + whole * 2.121_944_4e-4;
    let mut p = 1.987_569_15e-4_f32;
    p = p * f + 1.398_199_95e-3;
    p = p * f + 8.333_451_9e-3;
    p = p * f + 4.166_579_6e-2;
    p = p * f + 1.666_666_5e-1;
    p = p * f + 0.5;
    let y = p * f * f + f + 1.0;
    let bits = (whole as i32).wrapping_add(127).wrapping_shl(23);
    y * f32::from_bits(bits as u32)
}

#[inline(always)]
fn sum_by(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0.0f32; 16];
    let (head, tail) = (a.len() / 16 * 16, a.len() % 16);
    for (x, y) in a[..head].chunks_exact(16).zip(b[..head].chunks_exact(16)) {
        for lane in 0..16 {
            lanes[lane] += x[lane] * y[lane];
        }
    }
    let mut sum: f32 = lanes.iter().sum();
    for at in head..head + tail {
        sum += a[at] * b[at];
    }
    sum
}

/// y = x / rms(x) * gain; keeps 1 / rms for the backward pass.
pub(crate) fn rms_norm(x: &[f32], gain: &[f32], eps: f32, y: &mut [f32], inverse: &mut [f32]) {
    let d = gain.len();
    Arch::new().dispatch(
        #[inline(always)]
        || {
            for ((x, y), inverse) in
                x.chunks_exact(d).zip(y.chunks_exact_mut(d)).zip(inverse.iter_mut())
            {
                let scale = 1.0 / (sum_by(x, x) / d as f32 + eps).sqrt();
                *inverse = scale;
                for ((y, x), gain) in y.iter_mut().zip(x).zip(gain) {
                    *y = x * scale * gain;
                }
            }
        },
    );
}

/// Adds the gradient of the input to `dx` and, where asked, of the gain to `dgain`.
pub(crate) fn rms_norm_backward(
    (x, gain, inverse): (&[f32], &[f32], &[f32]),
    dy: &[f32],
    dx: &mut [f32],
    mut dgain: Option<&mut [f32]>,
) {
    let d = gain.len();
    Arch::new().dispatch(
        #[inline(always)]
        || {
            let mut weighted = vec![0.0f32; d];
            for (((x, dy), dx), scale) in x
                .chunks_exact(d)
                .zip(dy.chunks_exact(d))
                .zip(dx.chunks_exact_mut(d))
                .zip(inverse.iter().copied())
            {
                for ((w, dy), gain) in weighted.iter_mut().zip(dy).zip(gain) {
                    *w = dy * gain;
                }
                let pull = sum_by(&weighted, x) * scale * scale * scale / d as f32;
                for ((dx, w), x) in dx.iter_mut().zip(&weighted).zip(x) {
                    *dx += w * scale - x * pull;
                }
                if let Some(dgain) = dgain.as_deref_mut() {
                    for ((dgain, dy), x) in dgain.iter_mut().zip(dy).zip(x) {
                        *dgain += dy * x * scale;
                    }
                }
            }
        },
    );
}

/// act = silu(gate) * up.
pub(crate) fn swiglu(gate: &[f32], up: &[f32], act: &mut [f32]) {
    Arch::new().dispatch(
        #[inline(always)]
        || {
            for ((act, gate), up) in act.iter_mut().zip(gate).zip(up) {
                *act = gate / (1.0 + exp(-gate)) * up;
            }
        },
    );
}

/// Turns `dact` into the gradient of the gate and writes that of up to `dup`.
pub(crate) fn swiglu_backward(gate: &[f32], up: &[f32], dact: &mut [f32], dup: &mut [f32]) {
    Arch::new().dispatch(
        #[inline(always)]
        || {
            for (((dact, dup), gate), up) in dact.iter_mut().zip(dup.iter_mut()).zip(gate).zip(up) {
                let sigmoid = 1.0 / (1.0 + exp(-gate));
                let silu = gate * sigmoid;
                *dup = *dact * silu;
                *dact *= up * (sigmoid + silu * (1.0 - sigmoid));
            }
        },
    );
}

/// Softmax of row i over its first i + 1 entries, after scaling; the rest becomes zero.
pub(crate) fn causal_softmax(scores: &mut [f32], width: usize, scale: f32) {
    Arch::new().dispatch(
        #[inline(always)]
        || {
            for (i, row) in scores.chunks_exact_mut(width).enumerate() {
                let (seen, hidden) = row.split_at_mut(i + 1);
                let top = seen.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                for value in seen.iter_mut() {
                    *value = exp((*value - top) * scale);
                }
                let total: f32 = seen.iter().sum();
                for value in seen.iter_mut() {
                    *value /= total;
                }
                hidden.fill(0.0);
            }
        },
    );
}

/// Turns the gradient of the probabilities into that of the scores before scaling.
pub(crate) fn softmax_backward(p: &[f32], dp: &mut [f32], width: usize, scale: f32) {
    Arch::new().dispatch(
        #[inline(always)]
        || {
            for (p, dp) in p.chunks_exact(width).zip(dp.chunks_exact_mut(width)) {
                let pull = sum_by(p, dp);
                for (dp, p) in dp.iter_mut().zip(p) {
                    *dp = p * (*dp - pull) * scale;
                }
            }
        },
    );
}

/// Cross entropy of each row of logits against its target; the logits become the gradient of
/// the sum, times `weight`. Returns the sum of the losses.
pub(crate) fn cross_entropy(logits: &mut [f32], width: usize, targets: &[u32], weight: f32) -> f64 {
    Arch::new().dispatch(
        #[inline(always)]
        || {
            let mut loss = 0.0f64;
            for (row, target) in logits.chunks_exact_mut(width).zip(targets) {
                let target = *target as usize;
                let mut lanes = [f32::NEG_INFINITY; 16];
                for part in row.chunks_exact(16) {
                    for lane in 0..16 {
                        lanes[lane] =
                            if part[lane] > lanes[lane] { part[lane] } else { lanes[lane] };
                    }
                }
                let rest = row.chunks_exact(16).remainder();
                let top = lanes.iter().chain(rest).copied().fold(f32::NEG_INFINITY, f32::max);
                let wanted = row[target];
                for value in row.iter_mut() {
                    *value = exp(*value - top);
                }
                let total = row.iter().map(|value| f64::from(*value)).sum::<f64>();
                loss += total.ln() - f64::from(wanted - top);
                let scale = weight / total as f32;
                for value in row.iter_mut() {
                    *value *= scale;
                }
                row[target] -= weight;
            }
            loss
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exponential_is_within_three_parts_in_ten_million() {
        for step in -8000..8000 {
            let x = step as f32 / 100.0;
            let exact = f64::from(x).exp();
            let error = (f64::from(exp(x)) - exact).abs() / exact;
            assert!(error < 3e-7, "exp({x}) is off by {error}");
        }
    }
}

//! What text says about a model's channels, for shifts that keep massive channels from
//! destroying the others.

use tributary_tensor::Norm;

use crate::error::ModelError;
use crate::float::{FloatModel, Matrix};
use crate::quantize::{fold_columns, plain_norm};

/// Largest magnitude of each normalised channel before the gain, per norm, measured on text.
#[derive(Debug, Clone, PartialEq)]
pub struct Calibration {
    /// `2 * layers + 1` rows of `hidden` values.
    pub channels: Vec<Vec<f32>>,
}

impl Calibration {
    /// Shifts and fractions of every norm.
    pub(crate) fn norms(&self, float: &FloatModel) -> Result<Vec<Norm>, ModelError> {
        let expected = 2 * float.layers.len() + 1;
        let d = float.shape.hidden as usize;
        if self.channels.len() != expected || self.channels.iter().any(|c| c.len() != d) {
            return Err(ModelError::ShapeMismatch {
                tensor: "calibration".into(),
                found: vec![self.channels.len(), self.channels.first().map_or(0, Vec::len)],
                expected: vec![expected, d],
            });
        }
        let mut norms = Vec::with_capacity(expected);
        for (layer, channels) in float.layers.iter().zip(self.channels.chunks(2)) {
            let attention = [&layer.q, &layer.k, &layer.v];
            let mlp = [&layer.gate, &layer.up];
            norms.push(norm(&channels[0], &layer.attention_norm, &attention));
            norms.push(norm(&channels[1], &layer.mlp_norm, &mlp));
        }
        norms.push(norm(&self.channels[expected - 1], &float.final_norm, &[float.head()]));
        let plain = plain_norm(&float.shape);
        Ok(norms.into_iter().map(|n| n.unwrap_or_else(|| plain.clone())).collect())
    }
}

fn norm(largest: &[f32], gain: &[f32], consumers: &[&Matrix]) -> Option<Norm> {
    let d = largest.len();
    let mut weights = vec![0.0f64; d];
    let gain: Vec<f64> = gain.iter().map(|&g| g.into()).collect();
    for matrix in consumers {
        for row in fold_columns(matrix, &gain, 1.0).iter() {
            weights.iter_mut().zip(row).for_each(|(m, w)| *m = m.max(w.abs()));
        }
    }
    let raw: Vec<Option<i32>> = largest
        .iter()
        .zip(&weights)
        .map(|(&a, &m)| {
            let ratio = (f64::from(a) / m).sqrt().log2().round_ties_even();
            ratio.is_finite().then_some(ratio as i32)
        })
        .collect();
    let least = raw.iter().flatten().copied().min()?;
    let shifts: Vec<u8> =
        raw.iter().map(|c| (c.unwrap_or(least) - least).clamp(0, 15) as u8).collect();
    let root = (d as f64).sqrt();
    let top = largest
        .iter()
        .zip(&shifts)
        .map(|(&a, &c)| f64::from(a) / f64::from(1u32 << c) / root)
        .fold(0.0, f64::max);
    let fraction = (32_767.0 / (4.0 * top)).log2().floor();
    let fraction = if fraction.is_finite() { (fraction as i32).clamp(10, 20) } else { 14 };
    Some(Norm { shifts, fraction })
}

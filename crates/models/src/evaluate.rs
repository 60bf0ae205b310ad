//! Perplexity of the integer model beside its float original, teacher-forced on the same text.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use tributary_tensor::{Adapter, Backend, KvCache, Model, Segment, Want, forward};

use crate::adapter::FloatAdapter;
use crate::calibration::Calibration;
use crate::error::ModelError;
use crate::float::FloatModel;
use crate::float_forward;

/// Fewest tokens that a measurement rests on.
const LEAST_TOKENS: usize = 64;

/// A measurement on some text.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Predicted tokens.
    pub tokens: u64,
    /// Perplexity of the integer model.
    pub exi8_perplexity: f64,
    /// Perplexity of the float model.
    pub float_perplexity: f64,
    /// `exp(mean difference of log loss) - 1`, in percent: positive is worse.
    pub delta_percent: f64,
    /// Standard error of that.
    pub standard_error_percent: f64,
    /// Positions where both would choose the same token, in percent.
    pub agreement_percent: f64,
}

/// The two sides of a measurement: float and integer model, each with its adapter.
#[derive(Debug, Clone, Copy)]
pub struct Sides<'a> {
    /// The float original.
    pub float: &'a FloatModel,
    /// The integer model.
    pub model: &'a Model,
    /// Both forms of one adapter.
    pub adapter: Option<(&'a FloatAdapter, &'a Adapter)>,
}

/// Measures on `ids`, cut into windows of at most `window` tokens, each beginning afresh with
/// `bos` where there is one.
pub fn evaluate(
    sides: &Sides<'_>,
    ids: &[u32],
    bos: Option<u32>,
    window: usize,
) -> Result<Evaluation, ModelError> {
    let vocab = sides.model.shape.vocab;
    if ids.len() < LEAST_TOKENS {
        return Err(ModelError::TooLittleText { tokens: ids.len(), least: LEAST_TOKENS });
    }
    if let Some(&token) = ids.iter().find(|&&id| id >= vocab) {
        return Err(tributary_tensor::TensorError::UnknownToken { token, vocab }.into());
    }
    let room = window.min(sides.model.shape.context as usize).max(2);
    let windows: Vec<Vec<u32>> = windows(ids, bos, room).collect();
    // Windows are independent; their order is kept, so the sums do not depend on threads.
    let rows: Result<Vec<Vec<Position>>, ModelError> =
        windows.par_iter().map(|window| measure(sides, window)).collect();
    Ok(finish(&rows?.concat()))
}

/// One predicted token.
#[derive(Clone, Copy)]
struct Position {
    float_loss: f64,
    exact_loss: f64,
    agreed: bool,
}

fn measure(sides: &Sides<'_>, window: &[u32]) -> Result<Vec<Position>, ModelError> {
    let vocab = sides.model.shape.vocab as usize;
    let inputs = &window[..window.len() - 1];
    let float_adapter = sides.adapter.map(|(float, _)| float);
    let float = float_forward::logits(sides.float, float_adapter, inputs, &mut |_, _| ());
    let exact = integer_logits(sides, inputs)?;
    let rows = float.chunks_exact(vocab).zip(exact.chunks_exact(vocab)).zip(&window[1..]);
    Ok(rows
        .map(|((float, exact), &target)| {
            let exact: Vec<f64> = exact.iter().map(|&l| f64::from(l) / 16_384.0).collect();
            let float: Vec<f64> = float.iter().map(|&l| f64::from(l)).collect();
            Position {
                float_loss: loss(&float, target as usize),
                exact_loss: loss(&exact, target as usize),
                agreed: best(&float) == best(&exact),
            }
        })
        .collect())
}

fn integer_logits(sides: &Sides<'_>, ids: &[u32]) -> Result<Vec<i32>, ModelError> {
    let mut cache = KvCache::new(sides.model);
    let mut out = Vec::new();
    for tokens in ids.chunks(64) {
        let adapter = sides.adapter.map(|(_, exact)| exact);
        let segment = Segment { tokens, cache: &mut cache, adapter, want: Want::All };
        let logits = forward(sides.model, &mut [segment], &Backend::default())?;
        out.extend(logits.into_iter().flat_map(|l| l.values));
    }
    Ok(out)
}

fn windows(ids: &[u32], bos: Option<u32>, window: usize) -> impl Iterator<Item = Vec<u32>> + '_ {
    let room = window + 1 - usize::from(bos.is_some());
    ids.chunks(room)
        .map(move |chunk| bos.into_iter().chain(chunk.iter().copied()).collect::<Vec<_>>())
        .filter(|window| window.len() >= 2)
}

fn finish(positions: &[Position]) -> Evaluation {
    let n = positions.len().max(1) as f64;
    let sum = |value: fn(&Position) -> f64| positions.iter().map(value).sum::<f64>();
    let mean = sum(|p| p.exact_loss - p.float_loss) / n;
    let squares: f64 = positions.iter().map(|p| (p.exact_loss - p.float_loss - mean).powi(2)).sum();
    let error = (squares / (n - 1.0).max(1.0) / n).sqrt();
    Evaluation {
        tokens: positions.len() as u64,
        exi8_perplexity: (sum(|p| p.exact_loss) / n).exp(),
        float_perplexity: (sum(|p| p.float_loss) / n).exp(),
        delta_percent: 100.0 * (mean.exp() - 1.0),
        standard_error_percent: 100.0 * mean.exp() * error,
        agreement_percent: 100.0 * sum(|p| f64::from(u8::from(p.agreed))) / n,
    }
}

fn best(logits: &[f64]) -> usize {
    let first = (0, f64::NEG_INFINITY);
    let pick = |best: (usize, f64), (i, &l): (usize, &f64)| if l > best.1 { (i, l) } else { best };
    logits.iter().enumerate().fold(first, pick).0
}

fn loss(logits: &[f64], target: usize) -> f64 {
    let max = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = logits.iter().map(|l| (l - max).exp()).sum();
    max + sum.ln() - logits[target]
}

/// Measures the largest normalised channels on text, for [`crate::QuantizeOptions`].
#[must_use]
pub fn calibrate(float: &FloatModel, ids: &[u32], bos: Option<u32>) -> Calibration {
    let width = float.shape.hidden as usize;
    let mut channels = vec![vec![0.0f32; width]; 2 * float.layers.len() + 1];
    let legal: Vec<u32> = ids.iter().copied().filter(|&id| id < float.shape.vocab).collect();
    for window in windows(&legal, bos, (float.shape.context as usize).min(256).max(2)) {
        let inputs = &window[..window.len() - 1];
        float_forward::logits(float, None, inputs, &mut |norm, row| {
            channels[norm].iter_mut().zip(row).for_each(|(m, r)| *m = m.max(r.abs()));
        });
    }
    Calibration { channels }
}

/// Text to measure on.
#[derive(Debug, Clone, Copy)]
pub struct Text<'a> {
    /// Its tokens, without bos.
    pub ids: &'a [u32],
    /// Begins every window, where the model has such a token.
    pub bos: Option<u32>,
    /// Longest window.
    pub window: usize,
}

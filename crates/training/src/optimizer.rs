//! AdamW on a flat buffer, with gradient clipping.

use pulp::Arch;

/// The two moments and the step count.
#[derive(Clone, Debug)]
pub(crate) struct AdamW {
    pub first: Vec<f32>,
    pub second: Vec<f32>,
    pub step: u64,
    pub beta: (f32, f32),
    pub decay: f32,
}

impl AdamW {
    pub(crate) fn new(size: usize, beta: (f32, f32), decay: f32) -> Self {
        Self { first: vec![0.0; size], second: vec![0.0; size], step: 0, beta, decay }
    }

    /// One step; `decays` names the ranges that are pulled to zero.
    pub(crate) fn update(
        &mut self,
        data: &mut [f32],
        gradient: &[f32],
        rate: f32,
        decays: &[std::ops::Range<usize>],
    ) {
        self.step += 1;
        let (b1, b2) = self.beta;
        let power = self.step.min(1 << 20) as i32;
        let unbias1 = 1.0 / (1.0 - b1.powi(power));
        let unbias2 = 1.0 / (1.0 - b2.powi(power));
        for range in decays {
            let keep = 1.0 - rate * self.decay;
            data[range.clone()].iter_mut().for_each(|value| *value *= keep);
        }
        let (first, second) = (&mut self.first, &mut self.second);
        Arch::new().dispatch(
            #[inline(always)]
            || {
                for (((value, g), m), v) in
                    data.iter_mut().zip(gradient).zip(first.iter_mut()).zip(second.iter_mut())
                {
                    *m = b1 * *m + (1.0 - b1) * g;
                    *v = b2 * *v + (1.0 - b2) * g * g;
                    *value -= rate * (*m * unbias1) / ((*v * unbias2).sqrt() + 1e-8);
                }
            },
        );
    }
}

/// Scales the gradient down to the norm; returns the norm it had.
pub(crate) fn clip(gradient: &mut [f32], limit: f32) -> f32 {
    let total: f64 = gradient
        .chunks(4096)
        .map(|part| part.iter().map(|value| value * value).sum::<f32>())
        .map(f64::from)
        .sum();
    let norm = total.sqrt() as f32;
    if norm > limit {
        let scale = limit / norm;
        gradient.iter_mut().for_each(|value| *value *= scale);
    }
    norm
}

//! The norm on the fast path: the unit vector of the residual stream.

use crate::kernels::Kernels;
use crate::model::{Model, Norm};
use crate::rounding::bit_length;
use crate::tables;

/// Writes the normalised row to `u`.
pub(crate) fn normalise(
    kernels: &Kernels,
    model: &Model,
    norm: &Norm,
    residual: &[i32],
    u: &mut [i32],
) {
    let max = (kernels.max_abs)(residual);
    if max == 0 {
        u.fill(0);
        return;
    }
    let t = bit_length(max.into()) - 15;
    let k0 = (bit_length(u64::from(model.shape.hidden) - 1) + 1) / 2;
    let squares = (kernels.norm_statistic)(residual, t, k0, u);
    let shift = 2 * (t + k0);
    let epsilon = i128::from(model.epsilon);
    let epsilon = if shift >= 0 { epsilon >> shift } else { epsilon << -shift };
    let ss = (i128::from(squares) + epsilon).min(1 << 30) as u64;
    let k = (bit_length(ss) - 15).div_euclid(2);
    let mantissa = if k >= 0 { ss >> (2 * k) } else { ss << (-2 * k) };
    let factor = i32::from(tables::RSQ[mantissa as usize - (1 << 14)]);
    let shift = k0 + 21 + k - norm.fraction;
    // k0 >= 1, k >= 0 and a fraction of at most 20 leave a right shift.
    (kernels.norm_scale)(u, factor, shift, &norm.shifts);
}

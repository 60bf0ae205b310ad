//! Plain Rust for every platform.

use super::{Bytes, Kernels, elementwise};
use crate::backend::Isa;
use crate::linear::{BLOCK, GROUP, Lane};

pub(super) const TABLE: Kernels = Kernels {
    isa: Isa::Portable,
    dot,
    max_abs: elementwise::max_abs,
    quantise_one: elementwise::quantise_one,
    quantise_two: elementwise::quantise_two,
    requant_one: elementwise::requant_one,
    requant_two: elementwise::requant_two,
    clamp: elementwise::clamp,
    norm_statistic: elementwise::norm_statistic,
    norm_scale: elementwise::norm_scale,
    scores: elementwise::scores,
    mix: elementwise::mix,
};

fn dot(lanes: &[Lane], offsets: &[i32], x: Bytes<'_>, out: &mut [i32]) {
    let rows = x.values.chunks_exact(x.groups * GROUP);
    for (x, out) in rows.zip(out.chunks_exact_mut(offsets.len())) {
        let blocks = lanes.chunks_exact(x.len() / GROUP);
        for ((lanes, offsets), out) in
            blocks.zip(offsets.chunks_exact(BLOCK)).zip(out.chunks_exact_mut(BLOCK))
        {
            let mut sums = [0i32; BLOCK];
            for (lane, x) in lanes.iter().zip(x.chunks_exact(GROUP)) {
                for (sum, weights) in sums.iter_mut().zip(lane.0.chunks_exact(GROUP)) {
                    for (&weight, &x) in weights.iter().zip(x) {
                        *sum = sum.wrapping_add(i32::from(weight).wrapping_mul(i32::from(x)));
                    }
                }
            }
            for ((out, sum), offset) in out.iter_mut().zip(sums).zip(offsets) {
                *out = sum.wrapping_sub(*offset);
            }
        }
    }
}

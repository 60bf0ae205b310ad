//! Plain Rust for every platform.

use super::{Bytes, Kernels, elementwise};
use crate::backend::Isa;
use crate::cache::{KEY_TOKENS, KeyLane, VALUE_WIDTH, ValueLane};
use crate::linear::{BLOCK, GROUP, Lane};

pub(super) const TABLE: Kernels = Kernels {
    isa: Isa::Portable,
    dot,
    max_abs: elementwise::max_abs,
    quantise_one: elementwise::quantise_one,
    quantise_two: elementwise::quantise_two,
    join: elementwise::join,
    requant_right: elementwise::requant_right,
    requant_any: elementwise::requant_any,
    clamp: elementwise::clamp,
    norm_statistic: elementwise::norm_statistic,
    norm_scale: elementwise::norm_scale,
    largest: elementwise::largest,
    scores,
    mix,
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

fn scores(keys: &[KeyLane], q: &[i16], out: &mut [i32]) {
    let (pairs, _) = q.as_chunks::<2>();
    for (block, out) in keys.chunks_exact(pairs.len()).zip(out.chunks_exact_mut(KEY_TOKENS)) {
        out.fill(0);
        for (lane, q) in block.iter().zip(pairs) {
            for (out, k) in out.iter_mut().zip(lane.0.as_chunks::<2>().0) {
                *out = out.wrapping_add(pair(*k, *q));
            }
        }
    }
}

fn mix(values: &[ValueLane], p: &[i16], y: &mut [i32]) {
    let groups = y.len() / VALUE_WIDTH;
    for (lanes, p) in values.chunks_exact(groups).zip(p.as_chunks::<2>().0) {
        for (lane, y) in lanes.iter().zip(y.chunks_exact_mut(VALUE_WIDTH)) {
            for (y, v) in y.iter_mut().zip(lane.0.as_chunks::<2>().0) {
                *y = y.wrapping_add(pair([v[0].into(), v[1].into()], *p));
            }
        }
    }
}

fn pair(a: [i16; 2], b: [i16; 2]) -> i32 {
    let product = |i: usize| i32::from(a[i]).wrapping_mul(b[i].into());
    product(0).wrapping_add(product(1))
}

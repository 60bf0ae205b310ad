//! AVX-512 VNNI: `vpdpbusd` on bytes with zero point 128, corrected by 128 times the row's sum.
#![allow(unsafe_code)]

use std::arch::x86_64::{
    _mm256_load_si256, _mm512_add_epi32, _mm512_cvtepi8_epi16, _mm512_dpbusd_epi32,
    _mm512_load_si512, _mm512_loadu_si512, _mm512_madd_epi16, _mm512_set1_epi32,
    _mm512_setzero_si512, _mm512_storeu_si512, _mm512_sub_epi32,
};

use super::{Bytes, Kernels, elementwise};
use crate::backend::Isa;
use crate::cache::{KEY_TOKENS, KeyLane, VALUE_WIDTH, ValueLane};
use crate::linear::{BLOCK, GROUP, Lane};

pub(super) static TABLE: Kernels = Kernels {
    isa: Isa::Avx512Vnni,
    dot,
    max_abs,
    quantise_one,
    quantise_two,
    join,
    requant_right,
    requant_any,
    clamp,
    norm_statistic,
    norm_scale,
    largest,
    scores,
    mix,
};

pub(super) fn detected() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512vnni")
}

elementwise::compile_all_for!("avx512f,avx512bw,avx512vl,avx512vnni");

fn dot(lanes: &[Lane], offsets: &[i32], x: Bytes<'_>, out: &mut [i32]) {
    // SAFETY: this table is handed out only after `detected()` found the features.
    unsafe { dot_inner(lanes, offsets, x, out) }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
fn dot_inner(lanes: &[Lane], offsets: &[i32], x: Bytes<'_>, out: &mut [i32]) {
    let (width, stride) = (x.groups * GROUP, offsets.len());
    let mut rows = x.values.chunks_exact(4 * width);
    let mut outs = out.chunks_exact_mut(4 * stride);
    for (x, out) in rows.by_ref().zip(outs.by_ref()) {
        sweep::<4>(lanes, offsets, x, out);
    }
    let rest = rows.remainder().chunks_exact(width);
    for (x, out) in rest.zip(outs.into_remainder().chunks_exact_mut(stride)) {
        sweep::<1>(lanes, offsets, x, out);
    }
}

/// `ROWS` rows of bytes against every block, four blocks at a time.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
fn sweep<const ROWS: usize>(lanes: &[Lane], offsets: &[i32], x: &[u8], out: &mut [i32]) {
    let groups = x.len() / ROWS / GROUP;
    let blocks = offsets.len() / BLOCK;
    let mut block = 0;
    while block + 4 <= blocks {
        tile::<ROWS, 4>(&lanes[block * groups..], offsets, x, block, out);
        block += 4;
    }
    while block < blocks {
        tile::<ROWS, 1>(&lanes[block * groups..], offsets, x, block, out);
        block += 1;
    }
}

/// `ROWS` rows against `BLOCKS` blocks of sixteen outputs, all sums in registers.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
fn tile<const ROWS: usize, const BLOCKS: usize>(
    lanes: &[Lane],
    offsets: &[i32],
    x: &[u8],
    first: usize,
    out: &mut [i32],
) {
    let (width, stride) = (x.len() / ROWS, offsets.len());
    let groups = width / GROUP;
    // Slices of one known length let the loop run without bounds checks.
    let mut columns: [&[Lane]; BLOCKS] = [&[]; BLOCKS];
    for (block, column) in columns.iter_mut().enumerate() {
        *column = &lanes[block * groups..][..groups];
    }
    let mut rows: [&[[u8; GROUP]]; ROWS] = [&[]; ROWS];
    for (row, bytes) in rows.iter_mut().enumerate() {
        *bytes = &x[row * width..][..width].as_chunks::<GROUP>().0[..groups];
    }
    let mut sums = [[_mm512_setzero_si512(); BLOCKS]; ROWS];
    for group in 0..groups {
        let mut weights = [_mm512_setzero_si512(); BLOCKS];
        for (weights, column) in weights.iter_mut().zip(&columns) {
            let lane: *const Lane = &raw const column[group];
            // SAFETY: a lane is 64 bytes, aligned to 64.
            *weights = unsafe { _mm512_load_si512(lane.cast()) };
        }
        for (row, sums) in rows.iter().zip(&mut sums) {
            let x = _mm512_set1_epi32(i32::from_le_bytes(row[group]));
            for (sum, weights) in sums.iter_mut().zip(weights) {
                *sum = _mm512_dpbusd_epi32(*sum, x, weights);
            }
        }
    }
    for block in 0..BLOCKS {
        let start = (first + block) * BLOCK;
        let offset = &offsets[start..start + BLOCK];
        // SAFETY: `offset` holds sixteen values.
        let offset = unsafe { _mm512_loadu_si512(offset.as_ptr().cast()) };
        for (row, sums) in sums.iter().enumerate() {
            let out = &mut out[row * stride + start..][..BLOCK];
            let sum = _mm512_sub_epi32(sums[block], offset);
            // SAFETY: `out` holds sixteen values.
            unsafe { _mm512_storeu_si512(out.as_mut_ptr().cast(), sum) };
        }
    }
}

fn scores(keys: &[KeyLane], q: &[i16], out: &mut [i32]) {
    // SAFETY: this table is handed out only after `detected()` found the features.
    unsafe { scores_inner(keys, q, out) }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
fn scores_inner(keys: &[KeyLane], q: &[i16], out: &mut [i32]) {
    let (pairs, _) = q.as_chunks::<2>();
    for (block, out) in keys.chunks_exact(pairs.len()).zip(out.chunks_exact_mut(KEY_TOKENS)) {
        let mut sum = _mm512_setzero_si512();
        for (lane, q) in block.iter().zip(pairs) {
            // SAFETY: a lane is 64 bytes, aligned to 64.
            let k = unsafe { _mm512_load_si512(lane.0.as_ptr().cast()) };
            sum = _mm512_add_epi32(sum, _mm512_madd_epi16(k, _mm512_set1_epi32(both(*q))));
        }
        // SAFETY: `out` holds sixteen values.
        unsafe { _mm512_storeu_si512(out.as_mut_ptr().cast(), sum) };
    }
}

fn mix(values: &[ValueLane], p: &[i16], y: &mut [i32]) {
    // SAFETY: this table is handed out only after `detected()` found the features.
    unsafe { mix_inner(values, p, y) }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
fn mix_inner(values: &[ValueLane], p: &[i16], y: &mut [i32]) {
    let groups = y.len() / VALUE_WIDTH;
    for (group, y) in y.chunks_exact_mut(VALUE_WIDTH).enumerate() {
        let lanes = values.iter().skip(group).step_by(groups);
        // SAFETY: `y` holds sixteen values.
        let mut sum = unsafe { _mm512_loadu_si512(y.as_ptr().cast()) };
        for (lane, p) in lanes.zip(p.as_chunks::<2>().0) {
            // SAFETY: a lane is 32 bytes, aligned to 32.
            let bytes = unsafe { _mm256_load_si256(lane.0.as_ptr().cast()) };
            let p = _mm512_set1_epi32(both(*p));
            sum = _mm512_add_epi32(sum, _mm512_madd_epi16(_mm512_cvtepi8_epi16(bytes), p));
        }
        // SAFETY: `y` holds sixteen values.
        unsafe { _mm512_storeu_si512(y.as_mut_ptr().cast(), sum) };
    }
}

/// Two i16 in one i32.
fn both([low, high]: [i16; 2]) -> i32 {
    i32::from(high) << 16 | i32::from(low as u16)
}

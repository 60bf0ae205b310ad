//! AVX2: `maddubs` on magnitudes, exact because 2 * 128 * 127 stays below 2^15.
#![allow(unsafe_code)]

use std::arch::x86_64::{
    __m256i, _mm_load_si128, _mm256_abs_epi8, _mm256_add_epi32, _mm256_cvtepi8_epi16,
    _mm256_load_si256, _mm256_loadu_si256, _mm256_madd_epi16, _mm256_maddubs_epi16,
    _mm256_set1_epi8, _mm256_set1_epi16, _mm256_set1_epi32, _mm256_setzero_si256, _mm256_sign_epi8,
    _mm256_storeu_si256, _mm256_sub_epi8,
};

use super::{Bytes, Kernels, elementwise};
use crate::backend::Isa;
use crate::cache::{KEY_TOKENS, KeyLane, VALUE_WIDTH, ValueLane};
use crate::linear::{BLOCK, GROUP, Lane};

pub(super) static TABLE: Kernels = Kernels {
    isa: Isa::Avx2,
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
    is_x86_feature_detected!("avx2")
}

elementwise::compile_all_for!("avx2");

fn dot(lanes: &[Lane], offsets: &[i32], x: Bytes<'_>, out: &mut [i32]) {
    let (width, stride) = (x.groups * GROUP, offsets.len());
    let mut rows = x.values.chunks_exact(2 * width);
    let mut outs = out.chunks_exact_mut(2 * stride);
    for (x, out) in rows.by_ref().zip(outs.by_ref()) {
        // SAFETY: this table is handed out only after `detected()` found AVX2.
        unsafe { tile::<2>(lanes, x, stride, out) };
    }
    let (x, out) = (rows.remainder(), outs.into_remainder());
    if !x.is_empty() {
        // SAFETY: as above.
        unsafe { tile::<1>(lanes, x, stride, out) };
    }
}

/// `ROWS` rows of bytes against every block.
#[target_feature(enable = "avx2")]
fn tile<const ROWS: usize>(lanes: &[Lane], x: &[u8], stride: usize, out: &mut [i32]) {
    let width = x.len() / ROWS;
    let zero_point = _mm256_set1_epi8(-128);
    let ones = _mm256_set1_epi16(1);
    let groups = width / GROUP;
    let mut rows: [&[[u8; GROUP]]; ROWS] = [&[]; ROWS];
    for (row, bytes) in rows.iter_mut().enumerate() {
        *bytes = &x[row * width..][..width].as_chunks::<GROUP>().0[..groups];
    }
    for (block, lanes) in lanes.chunks_exact(groups).enumerate() {
        let mut sums = [[_mm256_setzero_si256(); 2]; ROWS];
        for (group, lane) in lanes.iter().enumerate() {
            // SAFETY: a lane is 64 bytes, aligned to 64.
            let weights = unsafe {
                let pointer: *const __m256i = lane.0.as_ptr().cast();
                [_mm256_load_si256(pointer), _mm256_load_si256(pointer.add(1))]
            };
            for (row, sums) in sums.iter_mut().enumerate() {
                let x = _mm256_set1_epi32(i32::from_le_bytes(rows[row][group]));
                let x = _mm256_sub_epi8(x, zero_point);
                // The magnitude of -128 is 128 as an unsigned byte, which is what maddubs reads.
                let magnitude = _mm256_abs_epi8(x);
                for (sum, weights) in sums.iter_mut().zip(weights) {
                    let signed = _mm256_sign_epi8(weights, x);
                    let pairs = _mm256_maddubs_epi16(magnitude, signed);
                    *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(pairs, ones));
                }
            }
        }
        for (row, sums) in sums.iter().enumerate() {
            let out = &mut out[row * stride + block * BLOCK..][..BLOCK];
            // SAFETY: `out` holds 16 values, two registers of eight.
            unsafe {
                let pointer: *mut __m256i = out.as_mut_ptr().cast();
                _mm256_storeu_si256(pointer, sums[0]);
                _mm256_storeu_si256(pointer.add(1), sums[1]);
            }
        }
    }
}

fn scores(keys: &[KeyLane], q: &[i16], out: &mut [i32]) {
    // SAFETY: this table is handed out only after `detected()` found AVX2.
    unsafe { scores_inner(keys, q, out) }
}

#[target_feature(enable = "avx2")]
fn scores_inner(keys: &[KeyLane], q: &[i16], out: &mut [i32]) {
    let (pairs, _) = q.as_chunks::<2>();
    for (block, out) in keys.chunks_exact(pairs.len()).zip(out.chunks_exact_mut(KEY_TOKENS)) {
        let mut sums = [_mm256_setzero_si256(); 2];
        for (lane, q) in block.iter().zip(pairs) {
            let q = _mm256_set1_epi32(both(*q));
            for (half, sum) in sums.iter_mut().enumerate() {
                // SAFETY: a lane is 64 bytes, aligned to 64: two registers.
                let k = unsafe { _mm256_load_si256(lane.0.as_ptr().cast::<__m256i>().add(half)) };
                *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(k, q));
            }
        }
        // SAFETY: `out` holds 16 values, two registers of eight.
        unsafe {
            let pointer: *mut __m256i = out.as_mut_ptr().cast();
            _mm256_storeu_si256(pointer, sums[0]);
            _mm256_storeu_si256(pointer.add(1), sums[1]);
        }
    }
}

fn mix(values: &[ValueLane], p: &[i16], y: &mut [i32]) {
    // SAFETY: this table is handed out only after `detected()` found AVX2.
    unsafe { mix_inner(values, p, y) }
}

#[target_feature(enable = "avx2")]
fn mix_inner(values: &[ValueLane], p: &[i16], y: &mut [i32]) {
    let groups = y.len() / VALUE_WIDTH;
    for (group, y) in y.chunks_exact_mut(VALUE_WIDTH).enumerate() {
        let lanes = values.iter().skip(group).step_by(groups);
        let (low, high) = y.split_at_mut(VALUE_WIDTH / 2);
        // SAFETY: each half holds eight values.
        let mut sums = unsafe {
            [_mm256_loadu_si256(low.as_ptr().cast()), _mm256_loadu_si256(high.as_ptr().cast())]
        };
        for (lane, p) in lanes.zip(p.as_chunks::<2>().0) {
            let p = _mm256_set1_epi32(both(*p));
            for (half, sum) in sums.iter_mut().enumerate() {
                // SAFETY: a lane is 32 bytes, aligned to 32: two halves of sixteen.
                let bytes = unsafe { _mm_load_si128(lane.0.as_ptr().add(16 * half).cast()) };
                *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(_mm256_cvtepi8_epi16(bytes), p));
            }
        }
        // SAFETY: each half holds eight values.
        unsafe {
            _mm256_storeu_si256(low.as_mut_ptr().cast(), sums[0]);
            _mm256_storeu_si256(high.as_mut_ptr().cast(), sums[1]);
        }
    }
}

/// Two i16 in one i32.
fn both([low, high]: [i16; 2]) -> i32 {
    i32::from(high) << 16 | i32::from(low as u16)
}

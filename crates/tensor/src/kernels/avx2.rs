//! AVX2: `maddubs` on magnitudes, exact because 2 * 128 * 127 stays below 2^15.
#![allow(unsafe_code)]

use std::arch::x86_64::{
    __m256i, _mm256_abs_epi8, _mm256_add_epi32, _mm256_load_si256, _mm256_madd_epi16,
    _mm256_maddubs_epi16, _mm256_set1_epi8, _mm256_set1_epi16, _mm256_set1_epi32,
    _mm256_setzero_si256, _mm256_sign_epi8, _mm256_storeu_si256, _mm256_sub_epi8,
};

use super::{Bytes, Kernels, elementwise};
use crate::backend::Isa;
use crate::linear::{BLOCK, GROUP, Lane};

pub(super) static TABLE: Kernels = Kernels {
    isa: Isa::Avx2,
    dot,
    max_abs,
    quantise_one,
    quantise_two,
    requant_one,
    requant_two,
    clamp,
    norm_statistic,
    norm_scale,
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

//! The inner loops, once per instruction set, behind one table of functions.
//!
//! Every function is exact integer arithmetic, so the tables agree bit for bit. Unsafe code
//! lives in this folder alone.

use crate::backend::Isa;
use crate::cache::{KeyLane, ValueLane};
use crate::linear::Lane;

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod elementwise;
mod portable;

/// Bytes of activations with zero point 128, rows of `groups * 4`.
#[derive(Clone, Copy)]
pub(crate) struct Bytes<'a> {
    pub(crate) groups: usize,
    pub(crate) values: &'a [u8],
}

/// How sums become values: `rsh(acc, exponent + shift)`.
#[derive(Clone, Copy)]
pub(crate) struct Requant<'a> {
    pub(crate) exponents: &'a [i32],
    pub(crate) shift: i32,
}

/// The inner loops of one instruction set.
pub(crate) struct Kernels {
    pub(crate) isa: Isa,
    /// `out[r][j] = sum_k (x[r][k] - 128) * W[j][k]` for whole blocks of outputs; `offsets[j]`
    /// is `128 * sum_k W[j][k]`.
    pub(crate) dot: fn(lanes: &[Lane], offsets: &[i32], x: Bytes<'_>, out: &mut [i32]),
    /// Largest magnitude.
    pub(crate) max_abs: fn(row: &[i32]) -> u32,
    /// One-limb quantisation to bytes with zero point 128.
    pub(crate) quantise_one: fn(row: &[i32], exponent: i32, out: &mut [u8]),
    /// Two-limb quantisation, both limbs with zero point 128.
    pub(crate) quantise_two: fn(row: &[i32], exponent: i32, high: &mut [u8], low: &mut [u8]),
    /// `high += rsh(low, 7)`: one sum from those of two limbs.
    pub(crate) join: fn(high: &mut [i32], low: &[i32]),
    /// Sums to unclamped values; every shift is at least 1.
    pub(crate) requant_right: fn(acc: &[i32], rule: Requant<'_>, out: &mut [i32]),
    /// Sums to unclamped values with shifts of any sign; false when one does not fit in 31 bits.
    pub(crate) requant_any: fn(acc: &[i32], rule: Requant<'_>, out: &mut [i32]) -> bool,
    /// Clamp to `[-bound, bound]`.
    pub(crate) clamp: fn(row: &mut [i32], bound: i32),
    /// `u = sat(rsh(row, t), 32767)`, returning `sum rsh(u, k0)^2`.
    pub(crate) norm_statistic: fn(row: &[i32], t: i32, k0: i32, u: &mut [i32]) -> i32,
    /// `u = sat(rsh(u * factor, shift + c), 32767)`; every shift is at least 1.
    pub(crate) norm_scale: fn(u: &mut [i32], factor: i32, shift: i32, c: &[u8]),
    /// Largest value.
    pub(crate) largest: fn(row: &[i32]) -> i32,
    /// `out[j] = k_j . q` for whole blocks of sixteen keys.
    pub(crate) scores: fn(keys: &[KeyLane], q: &[i16], out: &mut [i32]),
    /// `y[i] += sum_j p_j * v_j[i]` over pairs of tokens, at most [`MIX_CHUNK`] tokens so that
    /// 32 bits hold the sum.
    pub(crate) mix: fn(values: &[ValueLane], p: &[i16], y: &mut [i32]),
}

/// Tokens that one [`Kernels::mix`] call may sum: 512 * 16,383 * 127 < 2^30.
pub(crate) const MIX_CHUNK: usize = 512;

/// Plain Rust.
pub(crate) static PORTABLE: Kernels = portable::TABLE;

/// The table of an instruction set, when this machine has it.
pub(crate) fn table(isa: Isa) -> Option<&'static Kernels> {
    match isa {
        Isa::Portable => Some(&PORTABLE),
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => avx2::detected().then_some(&avx2::TABLE),
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512Vnni => avx512::detected().then_some(&avx512::TABLE),
        #[cfg(not(target_arch = "x86_64"))]
        _ => None,
    }
}

//! The loops that the compiler vectorises by itself, compiled once per instruction set.

use super::Requant;
use crate::rounding::rsh_right;

#[inline(always)]
pub(super) fn max_abs(row: &[i32]) -> u32 {
    row.iter().fold(0, |max, x| max.max(x.unsigned_abs()))
}

#[inline(always)]
fn rounded(x: i32, exponent: i32, bound: i32) -> i32 {
    let x = if exponent > 0 { rsh_right(x, exponent) } else { x };
    x.clamp(-bound, bound)
}

#[inline(always)]
pub(super) fn quantise_one(row: &[i32], exponent: i32, out: &mut [u8]) {
    for (byte, &x) in out.iter_mut().zip(row) {
        *byte = rounded(x, exponent, 127).wrapping_add(128) as u8;
    }
}

#[inline(always)]
pub(super) fn quantise_two(row: &[i32], exponent: i32, high: &mut [u8], low: &mut [u8]) {
    for ((high, low), &x) in high.iter_mut().zip(low.iter_mut()).zip(row) {
        let x = rounded(x, exponent, 16_256);
        *high = (x >> 7).wrapping_add(128) as u8;
        *low = (x & 127 | 128) as u8;
    }
}

#[inline(always)]
pub(super) fn join(high: &mut [i32], low: &[i32]) {
    for (high, &low) in high.iter_mut().zip(low) {
        *high = high.wrapping_add(rsh_right(low, 7));
    }
}

#[inline(always)]
pub(super) fn requant_right(acc: &[i32], rule: Requant<'_>, out: &mut [i32]) {
    for ((out, &acc), &exponent) in out.iter_mut().zip(acc).zip(rule.exponents) {
        *out = rsh_right(acc, exponent.wrapping_add(rule.shift));
    }
}

#[inline(always)]
pub(super) fn requant_any(acc: &[i32], rule: Requant<'_>, out: &mut [i32]) -> bool {
    let mut lost = 0i32;
    for ((out, &acc), &exponent) in out.iter_mut().zip(acc).zip(rule.exponents) {
        let shift = exponent.wrapping_add(rule.shift);
        let right = rsh_right(acc, shift.max(1));
        let by = shift.wrapping_neg().clamp(0, 30);
        // One bit of room beyond the shifted value, so that two of them add up within 32 bits.
        let back = (acc << (by + 1)) >> (by + 1);
        let far = if shift < -30 { acc } else { 0 };
        lost |= if shift < 1 { (back ^ acc) | far } else { 0 };
        *out = if shift < 1 { acc << by } else { right };
    }
    lost == 0
}

#[inline(always)]
pub(super) fn clamp(row: &mut [i32], bound: i32) {
    for x in row {
        *x = (*x).clamp(-bound, bound);
    }
}

#[inline(always)]
pub(super) fn norm_statistic(row: &[i32], t: i32, k0: i32, u: &mut [i32]) -> i32 {
    let mut sum = 0i32;
    for (u, &r) in u.iter_mut().zip(row) {
        let scaled = if t > 0 { rsh_right(r, t) } else { r.wrapping_shl(t.unsigned_abs()) };
        *u = scaled.clamp(-32_767, 32_767);
        let v = if k0 > 0 { rsh_right(*u, k0) } else { *u };
        sum = sum.wrapping_add(v.wrapping_mul(v));
    }
    sum
}

#[inline(always)]
pub(super) fn norm_scale(u: &mut [i32], factor: i32, shift: i32, c: &[u8]) {
    for (u, &c) in u.iter_mut().zip(c) {
        let shift = shift.wrapping_add(i32::from(c));
        *u = rsh_right(u.wrapping_mul(factor), shift).clamp(-32_767, 32_767);
    }
}

#[inline(always)]
pub(super) fn largest(row: &[i32]) -> i32 {
    row.iter().fold(i32::MIN, |max, &x| max.max(x))
}

/// Wraps every loop of this file for one instruction set. The including file allows unsafe code
/// and offers `detected()`, which guards its table.
macro_rules! compile_for {
    ($features:literal; $($name:ident ( $($arg:ident : $type:ty),* ) $(-> $out:ty)?;)*) => {$(
        pub(super) fn $name($($arg: $type),*) $(-> $out)? {
            #[target_feature(enable = $features)]
            fn inner($($arg: $type),*) $(-> $out)? {
                crate::kernels::elementwise::$name($($arg),*)
            }
            // SAFETY: the table that names this function is handed out only after `detected()`
            // found the features on this machine.
            unsafe { inner($($arg),*) }
        }
    )*};
}
pub(super) use compile_for;

/// Names every loop with its signature, for [`compile_for`].
macro_rules! compile_all_for {
    ($features:literal) => {
        crate::kernels::elementwise::compile_for! { $features;
            max_abs(row: &[i32]) -> u32;
            quantise_one(row: &[i32], exponent: i32, out: &mut [u8]);
            quantise_two(row: &[i32], exponent: i32, high: &mut [u8], low: &mut [u8]);
            join(high: &mut [i32], low: &[i32]);
            requant_right(acc: &[i32], rule: crate::kernels::Requant<'_>, out: &mut [i32]);
            requant_any(acc: &[i32], rule: crate::kernels::Requant<'_>, out: &mut [i32]) -> bool;
            clamp(row: &mut [i32], bound: i32);
            norm_statistic(row: &[i32], t: i32, k0: i32, u: &mut [i32]) -> i32;
            norm_scale(u: &mut [i32], factor: i32, shift: i32, c: &[u8]);
            largest(row: &[i32]) -> i32;
        }
    };
}
pub(super) use compile_all_for;

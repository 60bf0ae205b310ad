//! The rounding and saturation rules that every EXI8 value obeys. Normative.

/// `floor(x / 2^shift + 1/2)`: ties go up, also for negatives. A shift of zero or less
/// multiplies exactly. The shift is limited to [-40, 62].
#[must_use]
pub fn rsh(x: i128, shift: i32) -> i128 {
    let shift = shift.clamp(-40, 62);
    if shift > 0 { (x + (1i128 << (shift - 1))) >> shift } else { x << -shift }
}

/// Clamps to `[-bound, bound]`.
#[must_use]
pub fn sat(x: i128, bound: i32) -> i32 {
    let bound = i128::from(bound);
    // The clamped value lies within an i32 by construction.
    x.clamp(-bound, bound) as i32
}

/// Bit length: `bl(0) = 0`.
#[must_use]
pub fn bit_length(x: u64) -> i32 {
    64 - x.leading_zeros() as i32
}

/// `rsh` then `sat` on 32-bit values, for the fast path: equal to
/// `sat(rsh(x, shift), bound)` whenever `shift >= 1`.
#[inline(always)]
#[must_use]
pub fn rsh_right(x: i32, shift: i32) -> i32 {
    // floor(x/2^s + 1/2) = floor((floor(x/2^(s-1)) + 1) / 2), which never leaves 32 bits.
    let before = if shift > 32 { 31 } else { shift - 1 };
    (x >> (before & 31)).wrapping_add(1) >> 1
}

/// The exponent of a one-limb row whose largest magnitude is `max`.
#[inline(always)]
#[must_use]
pub fn exponent_one(max: u32) -> i32 {
    (32 - max.leading_zeros() as i32 - 7).max(0)
}

/// The exponent of a two-limb row whose largest magnitude is `max`.
#[inline(always)]
#[must_use]
pub fn exponent_two(max: u32) -> i32 {
    (32 - max.leading_zeros() as i32 - 14).max(0)
}

/// `rsh` on 64 bits, for values below 2^40 and shifts from -20.
#[inline(always)]
#[must_use]
pub(crate) fn rsh_wide(x: i64, shift: i32) -> i64 {
    if shift > 0 { (x + (1i64 << (shift - 1))) >> shift } else { x << -shift }
}

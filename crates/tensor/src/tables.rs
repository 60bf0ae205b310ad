//! The constant tables of the format version, computed in integers and pinned by hash in tests.
//!
//! Rounding is half to even of the real formula. Powers of two come from a 62-bit fixed-point
//! ladder of square roots, so no platform's mathematics library has a say.

use std::sync::{Arc, LazyLock, Mutex};

/// `EXP[i] = round(16383 * 2^(-i/4096))`, with `EXP[65535] = 0`.
pub static EXP: LazyLock<Box<[u16; 65_536]>> = LazyLock::new(make_exp);
/// `RSQ[i - 2^14] = round(2^21 / sqrt(i))` for `2^14 <= i < 2^16`.
pub static RSQ: LazyLock<Vec<u16>> = LazyLock::new(make_rsq);
/// `REC[i - 2^14] = min(32767, round(2^29 / i))` for `2^14 <= i < 2^15`.
pub static REC: LazyLock<Vec<u16>> = LazyLock::new(make_rec);

/// `SILU_f[h + 32768] = round(2^f * silu(h / 2^f))` for every i16 `h`.
///
/// # Panics
/// When `fraction` is outside 2 to 13, which model construction excludes.
#[must_use]
pub fn silu(fraction: i32) -> Arc<Vec<i16>> {
    static TABLES: Mutex<[Option<Arc<Vec<i16>>>; 14]> = Mutex::new([const { None }; 14]);
    assert!((2..=13).contains(&fraction), "checked when the model was made");
    let mut tables = TABLES.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let slot = &mut tables[fraction as usize];
    Arc::clone(slot.get_or_insert_with(|| Arc::new(make_silu(fraction))))
}

/// Fraction of the fixed-point numbers below.
const ONE: u128 = 1 << 62;
/// `ln 2` and `log2 e` at 62 and 60 bits.
const LN_2: u128 = 0x2c5c_85fd_f473_de6b;
const LOG2_E_60: u128 = 0x1715_4765_2b82_fe17;

/// `2^(-i/4096)` at 62 bits, `i < 4096`.
static POWERS: LazyLock<Vec<u64>> = LazyLock::new(|| {
    // roots[j] = 2^(-1/2^(j+1)), each the square root of the one before.
    let mut roots = [0u128; 12];
    let mut value = ONE / 2;
    for root in &mut roots {
        value = (value << 62).isqrt();
        *root = value;
    }
    (0..4096usize)
        .map(|i| {
            let bits = (0..12).filter(|j| i >> (11 - j) & 1 == 1);
            bits.fold(ONE, |product, j| (product * roots[j]) >> 62) as u64
        })
        .collect()
});

fn make_exp() -> Box<[u16; 65_536]> {
    let mut table = Box::new([0; 65_536]);
    for (i, entry) in table.iter_mut().enumerate() {
        let product = 16_383 * u128::from(POWERS[i % 4096]);
        *entry = round_half_even(product, 62 + (i / 4096) as u32) as u16;
    }
    table[65_535] = 0;
    table
}

fn make_rsq() -> Vec<u16> {
    (1u128 << 14..1 << 16)
        .map(|i| {
            // r = floor(2^21 / sqrt i); up when 2^21 / sqrt i > r + 1/2 (no tie: i is not a
            // square times a power of four with an odd half).
            let r = ((1u128 << 42) / i).isqrt();
            let up = (2 * r + 1) * (2 * r + 1) * i < 1 << 44;
            (r + u128::from(up)) as u16
        })
        .collect()
}

fn make_rec() -> Vec<u16> {
    (1u64 << 14..1 << 15)
        .map(|i| {
            let (quotient, rest) = ((1u64 << 29) / i, (1u64 << 29) % i);
            let up = 2 * rest > i || (2 * rest == i && quotient % 2 == 1);
            (quotient + u64::from(up)).min(32_767) as u16
        })
        .collect()
}

fn make_silu(fraction: i32) -> Vec<i16> {
    (-32_768i64..32_768)
        .map(|h| {
            let e = exp_negative(h.unsigned_abs(), fraction as u32);
            // silu(x) = x / (1 + e^-x), and for negative x: x e^x / (1 + e^x).
            let numerator =
                if h < 0 { u128::from(h.unsigned_abs()) * e } else { (h as u128) * ONE };
            let rounded = divide_half_even(numerator, ONE + e) as i64;
            (if h < 0 { -rounded } else { rounded }) as i16
        })
        .collect()
}

/// `e^(-h / 2^fraction)` at 62 bits.
fn exp_negative(h: u64, fraction: u32) -> u128 {
    // y = h log2(e) / 2^fraction at 60 bits; 2^-y from its whole part, 12 bits and the rest.
    let y = (u128::from(h) * LOG2_E_60) >> fraction;
    let (whole, part) = ((y >> 60) as u32, y & ((1 << 60) - 1));
    let (index, rest) = ((part >> 48) as usize, part & ((1 << 48) - 1));
    // e^-t with t = rest ln 2 < 2^-12: three terms leave less than 2^-52.
    let t = ((rest << 2) * LN_2) >> 62;
    let t2 = (t * t) >> 62;
    let t3 = (t2 * t) >> 62;
    let t4 = (t3 * t) >> 62;
    let series = ONE - t + t2 / 2 - t3 / 6 + t4 / 24;
    let value = (u128::from(POWERS[index]) * series) >> 62;
    value.checked_shr(whole).unwrap_or(0)
}

fn round_half_even(value: u128, shift: u32) -> u128 {
    divide_half_even(value, 1 << shift)
}

fn divide_half_even(numerator: u128, denominator: u128) -> u128 {
    let (quotient, rest) = (numerator / denominator, numerator % denominator);
    let up = 2 * rest > denominator || (2 * rest == denominator && quotient % 2 == 1);
    quotient + u128::from(up)
}

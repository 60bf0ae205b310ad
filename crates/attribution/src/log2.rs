//! Binary logarithms in Q16 without a float, so that two machines never differ by a bit.

/// Fraction bits.
const FRACTION: u32 = 16;

/// `floor(log2(value) * 2^16)` for `value >= 1`; 0 for 0.
///
/// Squares the mantissa once per fraction bit; the 62-bit mantissa keeps every bit exact for
/// the counts an index can hold.
pub(crate) fn log2_q16(value: u64) -> u64 {
    if value == 0 {
        return 0;
    }
    let whole = u64::from(63 - value.leading_zeros());
    // The mantissa in [1, 2) with 62 fraction bits.
    let mut mantissa = u128::from(value) << 62 >> whole;
    let mut fraction = 0u64;
    for _ in 0..FRACTION {
        mantissa = (mantissa * mantissa) >> 62;
        fraction <<= 1;
        if mantissa >> 63 == 1 {
            fraction |= 1;
            mantissa >>= 1;
        }
    }
    (whole << FRACTION) | fraction
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_of_two_are_exact() {
        for power in 0..63 {
            assert_eq!(log2_q16(1 << power), power << 16);
        }
    }

    #[test]
    fn other_numbers_agree_with_the_float_logarithm_to_the_last_bit() {
        for value in (1..200_000u64).chain([4_296_338, 16_700_000, u64::from(u32::MAX)]) {
            let float = ((value as f64).log2() * 65_536.0).floor() as u64;
            let ours = log2_q16(value);
            // The float itself may round up onto an integer.
            assert!(ours == float || ours + 1 == float, "{value}: {ours} against {float}");
        }
    }

    #[test]
    fn a_larger_number_never_has_a_smaller_logarithm() {
        let mut previous = 0;
        for value in 1..100_000 {
            let current = log2_q16(value);
            assert!(current >= previous);
            previous = current;
        }
    }
}

//! Money: whole wei of OPEN in a `u128`. 1 OPEN = 10^18 wei; the supply of 10^27 wei fits with
//! 11 decimal digits to spare. Arithmetic is checked; there is no lossy conversion.

use std::{fmt, iter::Sum, str::FromStr};

use alloy_primitives::U256;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Wei in one OPEN.
pub const OPEN: Amount = Amount(1_000_000_000_000_000_000);
/// All OPEN there will ever be, in wei (10^27).
pub const TOTAL_SUPPLY: Amount = Amount(1_000_000_000_000_000_000_000_000_000);

/// An amount of OPEN in wei. JSON form: a decimal string of wei.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(u128);

/// Why a text or a number is not an amount.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum AmountError {
    /// The text is not a decimal number of OPEN.
    #[error("`{0}` is not an amount: write OPEN with at most 18 decimals, such as `1.5`")]
    Malformed(String),
    /// The number is larger than a `u128` of wei.
    #[error("the amount does not fit: the whole supply is 1000000000 OPEN")]
    TooLarge,
}

impl Amount {
    /// No money.
    pub const ZERO: Amount = Amount(0);

    /// From whole wei.
    pub const fn from_wei(wei: u128) -> Self {
        Self(wei)
    }

    /// Whole wei.
    pub const fn wei(self) -> u128 {
        self.0
    }

    /// True when there is nothing.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// Sum, or `None` beyond `u128`.
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(wei) => Some(Self(wei)),
            None => None,
        }
    }

    /// Difference, or `None` below zero.
    pub const fn checked_sub(self, other: Self) -> Option<Self> {
        match self.0.checked_sub(other.0) {
            Some(wei) => Some(Self(wei)),
            None => None,
        }
    }

    /// Product with a count, or `None` beyond `u128`.
    pub const fn checked_mul(self, count: u128) -> Option<Self> {
        match self.0.checked_mul(count) {
            Some(wei) => Some(Self(wei)),
            None => None,
        }
    }

    /// Difference, never below zero.
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// Sum, never beyond `u128::MAX`. For display totals only.
    pub const fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// `floor(self * part / whole)` with a 256-bit product; zero when `whole` is zero.
    pub fn mul_div(self, part: u128, whole: u128) -> Self {
        if whole == 0 {
            return Self::ZERO;
        }
        let product = U256::from(self.0) * U256::from(part) / U256::from(whole);
        Self(u128::try_from(product).unwrap_or(u128::MAX))
    }

    /// As the 256-bit word of the ABI.
    pub fn to_u256(self) -> U256 {
        U256::from(self.0)
    }

    /// From a 256-bit word of the ABI.
    pub fn try_from_u256(word: U256) -> Result<Self, AmountError> {
        u128::try_from(word).map(Self).map_err(|_| AmountError::TooLarge)
    }

    /// In OPEN, with exactly the decimals it has: `1.5`, `0.000000000000000001`, `20`.
    pub fn to_open(self) -> String {
        let whole = self.0 / OPEN.0;
        let fraction = self.0 % OPEN.0;
        if fraction == 0 {
            return whole.to_string();
        }
        let digits = format!("{fraction:018}");
        format!("{whole}.{}", digits.trim_end_matches('0'))
    }

    /// In OPEN, cut (not rounded) to a few significant decimals for people: `0.00192`.
    pub fn to_open_short(self) -> String {
        let text = self.to_open();
        let Some((whole, fraction)) = text.split_once('.') else { return text };
        let zeros = fraction.len() - fraction.trim_start_matches('0').len();
        let keep = if whole == "0" { zeros + 3 } else { 4 };
        let cut = fraction.get(..keep.min(fraction.len())).unwrap_or(fraction);
        let cut = cut.trim_end_matches('0');
        if cut.is_empty() { whole.to_owned() } else { format!("{whole}.{cut}") }
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} OPEN", self.to_open())
    }
}

impl FromStr for Amount {
    type Err = AmountError;

    /// Reads OPEN with up to 18 decimals, with or without the word `OPEN` behind it.
    fn from_str(text: &str) -> Result<Self, AmountError> {
        let malformed = || AmountError::Malformed(text.chars().take(40).collect());
        let number = text.trim().trim_end_matches("OPEN").trim();
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        if (whole.is_empty() && fraction.is_empty())
            || fraction.len() > 18
            || !digits(whole)
            || !digits(fraction)
        {
            return Err(malformed());
        }
        let parse = |part: &str| if part.is_empty() { Ok(0) } else { part.parse::<u128>() };
        let whole = parse(whole).map_err(|_| AmountError::TooLarge)?;
        let fraction = parse(&format!("{fraction:0<18}")).map_err(|_| malformed())?;
        let wei = whole.checked_mul(OPEN.0).and_then(|w| w.checked_add(fraction));
        wei.map(Self).ok_or(AmountError::TooLarge)
    }
}

impl Sum for Amount {
    /// Panics beyond `u128`: only for amounts that together are bounded by the supply.
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::ZERO, |a, b| a.checked_add(b).expect("a sum of parts of the supply"))
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Wei {
            Text(String),
            Number(u64),
        }
        match Wei::deserialize(deserializer)? {
            Wei::Text(text) => text.parse().map(Self).map_err(serde::de::Error::custom),
            Wei::Number(number) => Ok(Self(number.into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn amounts_read_like_people_write_them() {
        assert_eq!("1.5".parse(), Ok(Amount(1_500_000_000_000_000_000)));
        assert_eq!("0.000000000000000001 OPEN".parse(), Ok(Amount(1)));
        assert_eq!("-1".parse::<Amount>(), Err(AmountError::Malformed("-1".into())));
        assert!("1.0000000000000000001".parse::<Amount>().is_err());
        assert_eq!("9".repeat(39).parse::<Amount>(), Err(AmountError::TooLarge));
        assert_eq!(Amount(1_920_000_123_000_000).to_open_short(), "0.00192");
        assert_eq!(Amount::from_wei(20 * OPEN.0).to_open_short(), "20");
    }

    proptest! {
        #[test]
        fn text_and_json_lose_nothing(wei in any::<u128>()) {
            let amount = Amount(wei);
            prop_assert_eq!(amount.to_open().parse::<Amount>(), Ok(amount));
            let json = serde_json::to_string(&amount).unwrap();
            prop_assert_eq!(serde_json::from_str::<Amount>(&json).unwrap(), amount);
        }

        #[test]
        fn mul_div_never_exceeds_the_whole(wei: u128, part in 0u128..1_000, rest in 1u128..1_000) {
            prop_assert!(Amount(wei).mul_div(part, part + rest) <= Amount(wei));
        }
    }
}

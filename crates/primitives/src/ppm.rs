//! Parts per million: how a whole is split. Always at most 1,000,000.

use serde::{Deserialize, Serialize};

use crate::Amount;

/// A share of a whole, in millionths.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(try_from = "u32", into = "u32")]
pub struct Ppm(u32);

/// A share above the whole.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0} parts per million is more than the whole (1000000)")]
pub struct PpmError(pub u32);

impl Ppm {
    /// The whole.
    pub const ONE: Ppm = Ppm(1_000_000);
    /// Nothing.
    pub const ZERO: Ppm = Ppm(0);

    /// A constant share in percent; a compile error above 100.
    pub const fn percent(percent: u32) -> Self {
        assert!(percent <= 100);
        Self(percent * 10_000)
    }

    /// Millionths.
    pub const fn millionths(self) -> u32 {
        self.0
    }

    /// The share of an amount, floored: the remainder stays with the payer of the split.
    pub fn of(self, whole: Amount) -> Amount {
        whole.mul_div(u128::from(self.0), 1_000_000)
    }
}

impl TryFrom<u32> for Ppm {
    type Error = PpmError;

    fn try_from(millionths: u32) -> Result<Self, PpmError> {
        if millionths <= 1_000_000 { Ok(Self(millionths)) } else { Err(PpmError(millionths)) }
    }
}

impl From<Ppm> for u32 {
    fn from(share: Ppm) -> u32 {
        share.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_floors_and_never_exceeds_the_whole() {
        assert_eq!(Ppm::percent(45).of(Amount::from_wei(101)), Amount::from_wei(45));
        assert_eq!(Ppm::ONE.of(Amount::from_wei(u128::MAX)), Amount::from_wei(u128::MAX));
        assert_eq!(Ppm::try_from(1_000_001), Err(PpmError(1_000_001)));
    }
}

//! How a chain cuts a fee. The numbers are genesis parameters of `royalties`.

use serde::{Deserialize, Serialize};

use crate::Ppm;

/// Who takes what part: of the compute fee the protocol, of the licence fee the protocol, the
/// models and the backers. Each part is floored; what they leave is the provider's and the data's.
///
/// **Invariant:** the parts of the licence fee are at most the whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Raw", into = "Raw")]
pub struct FeeParts {
    raw: Raw,
}

/// The parts before they are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    compute_protocol_ppm: Ppm,
    licence_protocol_ppm: Ppm,
    lineage_ppm: Ppm,
    backers_ppm: Ppm,
}

/// Parts of a licence fee beyond the whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the parts of a licence fee are {0} millionths, more than the whole")]
pub struct FeePartsError(pub u64);

impl FeeParts {
    /// The main network's.
    pub const MAIN: Self = Self {
        raw: Raw {
            compute_protocol_ppm: Ppm::percent(4),
            licence_protocol_ppm: Ppm::percent(5),
            lineage_ppm: Ppm::percent(40),
            backers_ppm: Ppm::percent(10),
        },
    };

    /// Protocol of compute; protocol, models and backers of the licence fee.
    pub fn new(compute_protocol: Ppm, licence: [Ppm; 3]) -> Result<Self, FeePartsError> {
        let [licence_protocol_ppm, lineage_ppm, backers_ppm] = licence;
        let compute_protocol_ppm = compute_protocol;
        Raw { compute_protocol_ppm, licence_protocol_ppm, lineage_ppm, backers_ppm }.try_into()
    }

    /// The protocol's part of the compute fee; the rest is the provider's.
    pub fn compute_protocol(&self) -> Ppm {
        self.raw.compute_protocol_ppm
    }

    /// The protocol's part of the licence fee.
    pub fn licence_protocol(&self) -> Ppm {
        self.raw.licence_protocol_ppm
    }

    /// The models' part of the licence fee.
    pub fn lineage(&self) -> Ppm {
        self.raw.lineage_ppm
    }

    /// The backers' part of the licence fee.
    pub fn backers(&self) -> Ppm {
        self.raw.backers_ppm
    }
}

impl TryFrom<Raw> for FeeParts {
    type Error = FeePartsError;

    fn try_from(raw: Raw) -> Result<Self, FeePartsError> {
        let parts = [raw.licence_protocol_ppm, raw.lineage_ppm, raw.backers_ppm];
        let sum: u64 = parts.iter().map(|part| u64::from(part.millionths())).sum();
        if sum <= u64::from(Ppm::ONE.millionths()) {
            Ok(Self { raw })
        } else {
            Err(FeePartsError(sum))
        }
    }
}

impl From<FeeParts> for Raw {
    fn from(parts: FeeParts) -> Self {
        parts.raw
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_beyond_the_whole_are_refused_also_when_read() {
        let half = Ppm::percent(50);
        assert!(FeeParts::new(Ppm::ONE, [half, half, Ppm::ZERO]).is_ok());
        let more = FeeParts::new(Ppm::ZERO, [half, half, Ppm::percent(1)]);
        assert_eq!(more, Err(FeePartsError(1_010_000)));
        let json = serde_json::to_string(&FeeParts::MAIN).unwrap();
        assert_eq!(serde_json::from_str::<FeeParts>(&json).unwrap(), FeeParts::MAIN);
        assert!(serde_json::from_str::<FeeParts>(&json.replace("400000", "900000")).is_err());
    }
}

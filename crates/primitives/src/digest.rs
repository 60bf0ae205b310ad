//! BLAKE3-256 digests: the names of blobs, records, models, adapters, tokenizers and traces.

use std::{fmt, str::FromStr};

use alloy_primitives::B256;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A BLAKE3 digest of 32 bytes. Text and JSON form: 64 lower-case hex digits.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

/// A text that is not 64 hex digits.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not a digest: 64 hex digits are needed")]
pub struct DigestError(String);

impl Digest {
    /// Stands where there is nothing to digest (no adapter, no snapshot).
    pub const ZERO: Digest = Digest([0; 32]);

    /// BLAKE3 of the bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }

    /// BLAKE3 in derive-key mode: the same bytes under two domains never meet.
    pub fn derive(domain: &str, bytes: &[u8]) -> Self {
        Self(blake3::derive_key(domain, bytes))
    }

    /// True for the digest that stands for nothing.
    pub fn is_zero(&self) -> bool {
        self.0 == [0; 32]
    }

    /// The first 8 hex digits, for people.
    pub fn short(&self) -> String {
        hex::encode(&self.0[..4])
    }

    /// As a 32-byte word of the ABI.
    pub const fn to_b256(self) -> B256 {
        B256::new(self.0)
    }
}

impl From<B256> for Digest {
    fn from(word: B256) -> Self {
        Self(word.0)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    /// Reads 64 hex digits, with or without `0x`.
    fn from_str(text: &str) -> Result<Self, DigestError> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text.trim_start_matches("0x"), &mut bytes)
            .map_err(|_| DigestError(text.chars().take(80).collect()))?;
        Ok(Self(bytes))
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

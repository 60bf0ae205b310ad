//! The one encoding that is hashed: a domain, then fields, each with its length.

use alloy_primitives::{Address, B256};

use crate::{Amount, Digest};

/// Builds bytes that no other sequence of fields can produce: variable parts carry their length
/// as `u64` little-endian, fixed parts their fixed width.
#[derive(Clone, Debug, Default)]
pub struct Canonical(Vec<u8>);

impl Canonical {
    /// Starts with the domain.
    pub fn new(domain: &str) -> Self {
        Self::default().bytes(domain.as_bytes())
    }

    /// Appends bytes behind their length.
    pub fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
        self.0.extend_from_slice(bytes);
        self
    }

    /// Appends an integer as `u64` little-endian.
    pub fn u64(mut self, value: u64) -> Self {
        self.0.extend_from_slice(&value.to_le_bytes());
        self
    }

    /// Appends an amount as `u128` little-endian.
    pub fn amount(mut self, value: Amount) -> Self {
        self.0.extend_from_slice(&value.wei().to_le_bytes());
        self
    }

    /// Appends a digest.
    pub fn digest(mut self, value: &Digest) -> Self {
        self.0.extend_from_slice(&value.0);
        self
    }

    /// Appends a 32-byte word.
    pub fn word(mut self, value: &B256) -> Self {
        self.0.extend_from_slice(value.as_slice());
        self
    }

    /// Appends an address.
    pub fn address(mut self, value: &Address) -> Self {
        self.0.extend_from_slice(value.as_slice());
        self
    }

    /// Appends token ids as `u32` little-endian behind their count.
    pub fn tokens(mut self, ids: &[u32]) -> Self {
        self = self.u64(ids.len() as u64);
        for id in ids {
            self.0.extend_from_slice(&id.to_le_bytes());
        }
        self
    }

    /// The bytes so far.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// BLAKE3 of the bytes so far.
    pub fn finish(self) -> Digest {
        Digest::of(&self.0)
    }
}

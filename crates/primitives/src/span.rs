//! Attribution: which records an answer quotes, and who is paid what for it.

use alloy_primitives::{Address, B256};
use serde::{Deserialize, Serialize};

use crate::{Amount, Canonical, DatanetId, Digest, ModelId, Party, Ppm, Role};

/// A stretch of the completion that stands verbatim in the snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// First completion token.
    pub start: u32,
    /// One past the last completion token.
    pub end: u32,
    /// First byte of the completion text.
    pub byte_start: u32,
    /// One past the last byte of the completion text.
    pub byte_end: u32,
    /// Occurrences in the snapshot.
    pub count: u32,
    /// Self-information in bits, Q16 fixed point.
    pub bits_q16: u64,
    /// Records that hold it, owner first, at most ten.
    pub records: Vec<Digest>,
    /// Who contributed the owning record.
    pub contributor: Address,
}

/// Q16 bits as decimal text with two decimals, without a float.
pub fn bits_to_string(bits_q16: u64) -> String {
    let hundredths = (u128::from(bits_q16) * 100) >> 16;
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

impl Span {
    /// Commits to a list of spans.
    pub fn digest_all(spans: &[Span]) -> Digest {
        let mut encoding = Canonical::new("tributary spans v1").u64(spans.len() as u64);
        for span in spans {
            encoding = encoding
                .u64(span.start.into())
                .u64(span.end.into())
                .u64(span.byte_start.into())
                .u64(span.byte_end.into())
                .u64(span.count.into())
                .u64(span.bits_q16)
                .address(&span.contributor)
                .u64(span.records.len() as u64);
            for record in &span.records {
                encoding = encoding.digest(record);
            }
        }
        encoding.finish()
    }
}

/// One payee's part of one fee.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// Why.
    pub role: Role,
    /// Who.
    pub party: Party,
    /// How much.
    pub amount: Amount,
    /// For data: the record that earned it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<Digest>,
    /// For lineage: the model that earned it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelId>,
}

impl Share {
    /// Commits to a list of shares.
    pub fn digest_all(shares: &[Share]) -> Digest {
        let mut encoding = Canonical::new("tributary shares v1").u64(shares.len() as u64);
        for share in shares {
            encoding = encoding
                .u64(share.role as u64)
                .word(&share.party.0)
                .amount(share.amount)
                .digest(&share.record.unwrap_or_default())
                .u64(share.model.unwrap_or_default().0);
        }
        encoding.finish()
    }
}

/// The frozen data an adapter was trained on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotRef {
    /// The datanet; none for a model without data.
    pub datanet: DatanetId,
    /// Its version.
    pub version: u32,
    /// Keccak root over the accepted contributions.
    pub root: B256,
}

/// A served model and its ancestors, nearest first: who owns each and what climbs on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lineage {
    /// The served model, then its ancestors in breadth-first order.
    pub steps: Vec<LineageStep>,
}

/// One model of a lineage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineageStep {
    /// The model.
    pub model: ModelId,
    /// Who owns it now.
    pub owner: Address,
    /// Its parents and the part of its income that climbs to each.
    pub parents: Vec<(ModelId, Ppm)>,
}

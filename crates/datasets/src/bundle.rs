//! A contribution as one blob: canonical JSONL, one record a line, and what commits to it.
//!
//! Each line is a record's canonical bytes, so a line's BLAKE3 is its record id.

use serde::{Deserialize, Serialize};
use tributary_primitives::{B256, Digest, limits};
use tributary_proofs::items;

use crate::{DatasetError, Record};

/// What goes on chain for a contribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commitment {
    /// Keccak root over the record ids.
    pub items_root: B256,
    /// Records.
    pub item_count: u32,
    /// BLAKE3 of the blob.
    pub data_commit: Digest,
}

/// The records of one contribution with their blob.
#[derive(Clone, Debug, PartialEq)]
pub struct Bundle {
    blob: Vec<u8>,
    records: Vec<Record>,
    record_ids: Vec<Digest>,
    commitment: Commitment,
}

impl Bundle {
    /// Bundles records in their order. No records, or more than a contribution may have, are
    /// refused.
    pub fn build(records: Vec<Record>) -> Result<Self, DatasetError> {
        if records.is_empty() {
            return Err(DatasetError::Empty);
        }
        if records.len() > limits::CONTRIBUTION_ROWS {
            return Err(DatasetError::TooManyRows { limit: limits::CONTRIBUTION_ROWS });
        }
        let mut blob = Vec::new();
        let mut record_ids = Vec::with_capacity(records.len());
        for record in &records {
            let line = record.canonical_bytes();
            record_ids.push(Digest::of(&line));
            blob.extend_from_slice(&line);
            blob.push(b'\n');
        }
        let commitment = Commitment {
            items_root: items::root(&words(&record_ids)),
            item_count: records.len() as u32,
            data_commit: Digest::of(&blob),
        };
        Ok(Self { blob, records, record_ids, commitment })
    }

    /// Opens a blob that anybody may have sent and checks all that was committed.
    pub fn open(blob: &[u8], promised: &Commitment) -> Result<Self, DatasetError> {
        let found = Digest::of(blob);
        if found != promised.data_commit {
            return Err(mismatch("the digest", found, promised.data_commit));
        }
        let text = blob.strip_suffix(b"\n").ok_or(DatasetError::Empty)?;
        let mut records = Vec::new();
        for (line, row) in text.split(|byte| *byte == b'\n').zip(1u64..) {
            if line.len() > limits::ROW_SIZE_BYTES {
                let limit_bytes = limits::ROW_SIZE_BYTES;
                return Err(DatasetError::RowTooLarge { row, limit_bytes });
            }
            let record =
                Record::from_json(line).map_err(|reason| DatasetError::Row { row, reason })?;
            if record.canonical_bytes() != line {
                return Err(DatasetError::NotCanonical { row });
            }
            if records.len() >= limits::CONTRIBUTION_ROWS {
                return Err(DatasetError::TooManyRows { limit: limits::CONTRIBUTION_ROWS });
            }
            records.push(record);
        }
        let bundle = Self::build(records)?;
        let found = bundle.commitment;
        if found.item_count != promised.item_count {
            return Err(mismatch("the number of records", found.item_count, promised.item_count));
        }
        if found.items_root != promised.items_root {
            return Err(mismatch("the root of the records", found.items_root, promised.items_root));
        }
        Ok(bundle)
    }

    /// The blob to keep and serve.
    pub fn blob(&self) -> &[u8] {
        &self.blob
    }

    /// The records, in order.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// Their ids, in order.
    pub fn record_ids(&self) -> &[Digest] {
        &self.record_ids
    }

    /// What goes on chain.
    pub fn commitment(&self) -> Commitment {
        self.commitment
    }
}

/// Record ids as the words that `proofs` hashes.
pub(crate) fn words(ids: &[Digest]) -> Vec<B256> {
    ids.iter().map(|id| id.to_b256()).collect()
}

fn mismatch(
    what: &'static str,
    found: impl std::fmt::Display,
    promised: impl std::fmt::Display,
) -> DatasetError {
    DatasetError::Mismatch { what, found: found.to_string(), promised: promised.to_string() }
}

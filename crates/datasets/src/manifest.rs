//! A snapshot: the accepted contributions of a datanet in the order of their acceptance, frozen
//! under one root. An item proof has two parts: the record under its contribution's root, and
//! the contribution under the snapshot's.

use serde::{Deserialize, Serialize};
use tributary_primitives::{Address, B256, ContributionId, DatanetId, Digest, SnapshotRef};
use tributary_proofs::{ContributionLeaf, contributions, items};

use crate::{Bundle, Commitment, DatasetError, bundle::words};

/// One accepted contribution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestEntry {
    /// Its id on chain.
    pub contribution: ContributionId,
    /// Who contributed it.
    pub contributor: Address,
    /// Keccak root over its record ids.
    pub items_root: B256,
    /// Its records.
    pub item_count: u32,
    /// BLAKE3 of its blob.
    pub data_commit: Digest,
    /// True when it was withdrawn before this version: it stays a leaf, and its records are
    /// neither trained on nor paid.
    #[serde(default)]
    pub tombstoned: bool,
}

/// A frozen version of a datanet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The datanet.
    pub datanet: DatanetId,
    /// Its version, from 1.
    pub version: u32,
    /// Its contributions, in the order of their acceptance.
    pub entries: Vec<ManifestEntry>,
}

/// Shows that a record is part of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemProof {
    /// The contribution's id.
    pub contribution: ContributionId,
    /// Who contributed it.
    pub contributor: Address,
    /// Root over its records.
    pub items_root: B256,
    /// Its records.
    pub item_count: u32,
    /// Place of the record in the contribution.
    pub item_index: u64,
    /// Siblings under `items_root`, from the leaf up.
    pub item_path: Vec<B256>,
    /// Place of the contribution in the snapshot.
    pub contribution_index: u64,
    /// Siblings under the snapshot's root, from the leaf up.
    pub contribution_path: Vec<B256>,
}

impl ManifestEntry {
    /// What its blob must be.
    pub fn commitment(&self) -> Commitment {
        Commitment {
            items_root: self.items_root,
            item_count: self.item_count,
            data_commit: self.data_commit,
        }
    }

    fn leaf(&self) -> ContributionLeaf {
        ContributionLeaf {
            contribution: self.contribution.0,
            contributor: self.contributor,
            items_root: self.items_root,
            item_count: self.item_count.into(),
        }
    }
}

impl Manifest {
    /// The snapshot's root, as the chain computes it.
    pub fn root(&self) -> Result<B256, DatasetError> {
        contributions::root(&self.leaves()).map_err(|error| DatasetError::Proof(error.to_string()))
    }

    /// How receipts and models name it.
    pub fn snapshot_ref(&self) -> Result<SnapshotRef, DatasetError> {
        Ok(SnapshotRef { datanet: self.datanet, version: self.version, root: self.root()? })
    }

    /// Records in it, withdrawn ones included.
    pub fn items(&self) -> u64 {
        self.entries.iter().map(|entry| u64::from(entry.item_count)).sum()
    }

    /// Proves one record. `bundle` is the contribution's.
    pub fn prove(
        &self,
        contribution_index: usize,
        item_index: usize,
        bundle: &Bundle,
    ) -> Result<ItemProof, DatasetError> {
        let missing =
            DatasetError::NoSuchItem { contribution: contribution_index, item: item_index };
        let entry = match self.entries.get(contribution_index) {
            Some(entry) if item_index < bundle.records().len() => entry,
            _ => return Err(missing),
        };
        if entry.commitment() != bundle.commitment() {
            return Err(missing);
        }
        let failed = |error: tributary_proofs::ProofError| DatasetError::Proof(error.to_string());
        let item_path =
            items::prove(&words(bundle.record_ids()), item_index as u64).map_err(failed)?;
        let contribution_path =
            contributions::prove(&self.leaves(), contribution_index as u64).map_err(failed)?;
        Ok(ItemProof {
            contribution: entry.contribution,
            contributor: entry.contributor,
            items_root: entry.items_root,
            item_count: entry.item_count,
            item_index: item_index as u64,
            item_path,
            contribution_index: contribution_index as u64,
            contribution_path,
        })
    }

    fn leaves(&self) -> Vec<ContributionLeaf> {
        self.entries.iter().map(ManifestEntry::leaf).collect()
    }
}

impl ItemProof {
    /// True when the record stands in the snapshot under `root`, contributed by
    /// [`ItemProof::contributor`].
    pub fn verify(&self, root: &B256, record_id: &Digest) -> bool {
        let leaf = ContributionLeaf {
            contribution: self.contribution.0,
            contributor: self.contributor,
            items_root: self.items_root,
            item_count: self.item_count.into(),
        };
        items::verify(
            &self.items_root,
            self.item_count.into(),
            self.item_index,
            &record_id.to_b256(),
            &self.item_path,
        ) && contributions::verify(root, self.contribution_index, &leaf, &self.contribution_path)
    }
}

//! What a gateway publishes for each posted root: the receipts that are new and all leaves. The
//! chain holds its hash, so a gateway cannot show one epoch to one person and another to the
//! next.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tributary_primitives::{Address, Amount, B256, Canonical, Party, Role, Share};
use tributary_proofs::{SumLeaf, SumTree};

/// The data behind one posted root.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EpochData {
    /// Who posts.
    pub gateway: Address,
    /// Which epoch.
    pub epoch: u64,
    /// Hash of the data of the gateway's epoch before; zero for its first.
    pub previous: B256,
    /// Receipts that were settled in this epoch.
    pub receipts: Vec<EpochReceipt>,
    /// What every party was ever owed, sorted by role and party.
    pub leaves: Vec<Leaf>,
}

/// A settled receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EpochReceipt {
    /// Its id.
    pub id: B256,
    /// Its shares.
    pub shares: Vec<Share>,
}

/// One party's leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leaf {
    /// Why it is owed.
    pub role: Role,
    /// Who.
    pub party: Party,
    /// All that it was ever owed by this gateway.
    pub cumulative: Amount,
}

/// Why an epoch cannot be closed.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum EpochError {
    /// A party's sum does not fit.
    #[error("the sum of {role:?} {party:?} does not fit")]
    TooMuch {
        /// The role.
        role: Role,
        /// The party.
        party: Party,
    },
    /// The tree could not be built.
    #[error("the tree could not be built: {0}")]
    Tree(String),
}

impl EpochData {
    /// Closes an epoch: the leaves of the one before, and the shares of the new receipts.
    pub fn next(
        gateway: Address,
        epoch: u64,
        previous: Option<&EpochData>,
        receipts: Vec<EpochReceipt>,
    ) -> Result<Self, EpochError> {
        let mut sums: BTreeMap<(Role, Party), Amount> = previous
            .map(|data| data.leaves.iter().map(|leaf| ((leaf.role, leaf.party), leaf.cumulative)))
            .into_iter()
            .flatten()
            .collect();
        for share in receipts.iter().flat_map(|receipt| &receipt.shares) {
            let Share { role, party, amount, .. } = *share;
            let sum = sums.entry((role, party)).or_default();
            *sum = sum.checked_add(amount).ok_or(EpochError::TooMuch { role, party })?;
        }
        let leaf = |((role, party), cumulative)| Leaf { role, party, cumulative };
        Ok(Self {
            gateway,
            epoch,
            previous: previous.map_or(B256::ZERO, EpochData::hash),
            receipts,
            leaves: sums.into_iter().map(leaf).collect(),
        })
    }

    /// What goes on chain as `dataHash`.
    pub fn hash(&self) -> B256 {
        let mut encoding = Canonical::new("tributary epoch data v1")
            .address(&self.gateway)
            .u64(self.epoch)
            .word(&self.previous)
            .u64(self.receipts.len() as u64);
        for receipt in &self.receipts {
            encoding = encoding.word(&receipt.id).digest(&Share::digest_all(&receipt.shares));
        }
        encoding = encoding.u64(self.leaves.len() as u64);
        for leaf in &self.leaves {
            encoding = encoding.u64(leaf.role as u64).word(&leaf.party.0).amount(leaf.cumulative);
        }
        encoding.finish().to_b256()
    }

    /// The Merkle-sum tree over the leaves, for root, total and claims.
    pub fn tree(&self) -> Result<SumTree, EpochError> {
        let leaf = |leaf: &Leaf| SumLeaf {
            role: leaf.role as u8,
            party: leaf.party.0,
            cumulative: leaf.cumulative.wei(),
        };
        SumTree::new(self.leaves.iter().map(leaf).collect())
            .map_err(|error| EpochError::Tree(error.to_string()))
    }

    /// What a party is owed in all.
    pub fn cumulative(&self, role: Role, party: &Party) -> Option<Amount> {
        let leaf = self.leaves.iter().find(|leaf| leaf.role == role && leaf.party == *party);
        leaf.map(|leaf| leaf.cumulative)
    }
}

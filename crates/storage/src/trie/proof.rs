//! EIP-1186 proofs.

use super::{NodeSource, Tree};
use crate::{Account, Result};
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_rlp::EMPTY_STRING_CODE;
use alloy_trie::{EMPTY_ROOT_HASH, Nibbles};

/// Proof of one storage slot against the account's storage root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotProof {
    /// Slot.
    pub slot: U256,
    /// Value, zero when absent.
    pub value: U256,
    /// Nodes from the storage root to the slot.
    pub proof: Vec<Bytes>,
}

/// Proof of an account against the state root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountProof {
    /// Whose.
    pub address: Address,
    /// The account, `None` when absent.
    pub account: Option<Account>,
    /// Root of its storage trie.
    pub storage_root: B256,
    /// Nodes from the state root to the account.
    pub account_proof: Vec<Bytes>,
    /// Slots asked for, in order.
    pub storage: Vec<SlotProof>,
}

/// Nodes from a root towards `keccak256(key)`.
pub(crate) fn trie_proof<S: NodeSource>(
    source: &S,
    owner: Option<B256>,
    root: B256,
    key: &[u8],
) -> Result<Vec<Bytes>> {
    if root == EMPTY_ROOT_HASH {
        return Ok(absent_proof());
    }
    Tree::new(source, owner, root).proof(&Nibbles::unpack(keccak256(key)))
}

/// The proof that an empty trie holds nothing.
pub(crate) fn absent_proof() -> Vec<Bytes> {
    vec![Bytes::from_static(&[EMPTY_STRING_CODE])]
}

//! The Ethereum state trie over nodes stored by path.
//!
//! Every node whose RLP has 32 bytes or more (and the root) lies in the database under its owner
//! (none for the account trie, the hashed address for a storage trie) and its path from the root.

mod proof;
mod tree;

pub use proof::{AccountProof, SlotProof};
pub(crate) use proof::{absent_proof, trie_proof};
pub(crate) use tree::Tree;
#[cfg(test)]
pub(crate) use tree::decode_node;

use crate::Result;
use crate::state::HashedChange;
use alloy_primitives::{B256, Bytes, U256};
use alloy_rlp::Encodable;
use alloy_trie::{EMPTY_ROOT_HASH, Nibbles, TrieAccount};
use std::collections::BTreeMap;

/// Reads stored trie nodes.
pub(crate) trait NodeSource {
    /// RLP of the node at a path, which must exist.
    fn node(&self, owner: Option<B256>, path: &Nibbles) -> Result<Bytes>;
}

/// Nodes to write (`Some`) and to delete (`None`), by path.
pub(crate) type NodeUpdates = BTreeMap<Nibbles, Option<Bytes>>;

/// What happened to one storage trie.
#[derive(Debug, Clone, Default)]
pub(crate) struct StorageTrieUpdates {
    /// All nodes from before are gone.
    pub(crate) wiped: bool,
    pub(crate) nodes: NodeUpdates,
}

/// What happened to all tries in one block.
#[derive(Debug, Clone, Default)]
pub(crate) struct TrieUpdates {
    pub(crate) account_nodes: NodeUpdates,
    pub(crate) storage: BTreeMap<B256, StorageTrieUpdates>,
}

/// Applies hashed changes to the tries: fills in the new storage roots, returns the new state root.
pub(crate) fn seal_hashed<S: NodeSource>(
    source: &S,
    parent_root: B256,
    changes: &mut BTreeMap<B256, HashedChange>,
) -> Result<(B256, TrieUpdates)> {
    let mut updates = TrieUpdates::default();
    let mut accounts = Tree::new(source, None, parent_root);
    for (key, change) in changes.iter_mut() {
        let path = Nibbles::unpack(key);
        let Some(flat) = &mut change.account else {
            updates
                .storage
                .insert(*key, StorageTrieUpdates { wiped: true, nodes: NodeUpdates::new() });
            accounts.remove(&path)?;
            continue;
        };
        if change.wiped || !change.storage.is_empty() {
            let root = if change.wiped { EMPTY_ROOT_HASH } else { flat.storage_root };
            let (root, nodes) = update_storage(source, *key, root, &change.storage)?;
            flat.storage_root = root;
            updates.storage.insert(*key, StorageTrieUpdates { wiped: change.wiped, nodes });
        }
        let mut value = Vec::with_capacity(112);
        TrieAccount {
            nonce: flat.account.nonce,
            balance: flat.account.balance,
            storage_root: flat.storage_root,
            code_hash: flat.account.code_hash,
        }
        .encode(&mut value);
        accounts.insert(&path, value)?;
    }
    let (root, nodes) = accounts.finish();
    updates.account_nodes = nodes;
    Ok((root, updates))
}

fn update_storage<S: NodeSource>(
    source: &S,
    owner: B256,
    root: B256,
    slots: &BTreeMap<B256, U256>,
) -> Result<(B256, NodeUpdates)> {
    let mut tree = Tree::new(source, Some(owner), root);
    for (slot, value) in slots {
        let path = Nibbles::unpack(slot);
        if value.is_zero() {
            tree.remove(&path)?;
        } else {
            tree.insert(&path, alloy_rlp::encode(value))?;
        }
    }
    Ok(tree.finish())
}

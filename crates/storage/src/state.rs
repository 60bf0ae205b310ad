//! Accounts, diffs and sealed diffs.

use crate::trie::{NodeSource, TrieUpdates, seal_hashed};
use crate::{Result, StorageError};
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256, keccak256};
use alloy_trie::{EMPTY_ROOT_HASH, Nibbles};
use std::collections::BTreeMap;

/// An account as the EVM sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Account {
    /// Transactions sent, or contracts created.
    pub nonce: u64,
    /// Wei.
    pub balance: U256,
    /// keccak256 of the code.
    pub code_hash: B256,
}

impl Default for Account {
    fn default() -> Self {
        Self { nonce: 0, balance: U256::ZERO, code_hash: KECCAK256_EMPTY }
    }
}

impl Account {
    /// Empty by EIP-161.
    pub fn is_empty(&self) -> bool {
        self.nonce == 0 && self.balance.is_zero() && self.code_hash == KECCAK256_EMPTY
    }
}

/// What a block did to one account.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AccountChange {
    /// The account afterwards; `None` when it was removed.
    pub account: Option<Account>,
    /// The old storage was dropped before `storage` was written.
    pub wiped: bool,
    /// Slots written, with their value afterwards.
    pub storage: BTreeMap<U256, U256>,
}

/// What a block did to the state, in canonical order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StateDiff {
    /// By address.
    pub accounts: BTreeMap<Address, AccountChange>,
    /// New code by its hash.
    pub codes: BTreeMap<B256, Bytes>,
}

/// A change to the state made by a dev cheat code, part of a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StateEdit {
    /// Sets a balance; the difference moves from or to the launch bucket.
    Balance {
        /// Whose.
        address: Address,
        /// Wei afterwards.
        balance: U256,
    },
    /// Sets a nonce.
    Nonce {
        /// Whose.
        address: Address,
        /// Afterwards.
        nonce: u64,
    },
    /// Sets the code.
    Code {
        /// Whose.
        address: Address,
        /// Afterwards.
        code: Bytes,
    },
    /// Sets one storage slot.
    Storage {
        /// Whose.
        address: Address,
        /// Slot.
        slot: U256,
        /// Value afterwards.
        value: U256,
    },
}

/// An account as the state trie holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FlatAccount {
    pub(crate) account: Account,
    pub(crate) storage_root: B256,
}

/// [`AccountChange`] under hashed keys.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct HashedChange {
    pub(crate) account: Option<FlatAccount>,
    pub(crate) wiped: bool,
    pub(crate) storage: BTreeMap<B256, U256>,
}

/// A diff with its root and trie nodes, ready to be committed or built upon.
#[derive(Debug, Clone)]
pub struct SealedState {
    diff: StateDiff,
    pub(crate) hashed: BTreeMap<B256, HashedChange>,
    pub(crate) trie: TrieUpdates,
    parent_root: B256,
    root: B256,
}

impl SealedState {
    /// Seals an allocation on the empty state.
    pub fn from_empty(diff: StateDiff) -> Result<Self> {
        Self::seal(&EmptyState, EMPTY_ROOT_HASH, diff)
    }

    /// State root afterwards.
    pub fn root(&self) -> B256 {
        self.root
    }

    /// State root before.
    pub fn parent_root(&self) -> B256 {
        self.parent_root
    }

    /// The diff.
    pub fn diff(&self) -> &StateDiff {
        &self.diff
    }

    pub(crate) fn seal<S: StateSource>(
        source: &S,
        parent_root: B256,
        diff: StateDiff,
    ) -> Result<Self> {
        let mut hashed = BTreeMap::new();
        for (address, change) in &diff.accounts {
            let key = keccak256(address);
            let storage_root =
                source.flat_account(key)?.map_or(EMPTY_ROOT_HASH, |flat| flat.storage_root);
            let storage = change
                .storage
                .iter()
                .map(|(slot, value)| (keccak256(slot.to_be_bytes::<32>()), *value))
                .collect();
            hashed.insert(
                key,
                HashedChange {
                    account: change.account.map(|account| FlatAccount { account, storage_root }),
                    wiped: change.wiped || change.account.is_none(),
                    storage,
                },
            );
        }
        Self::seal_hashed(source, parent_root, diff, hashed)
    }

    /// Seals changes whose `storage_root` fields hold the root *before* the change.
    pub(crate) fn seal_hashed<S: NodeSource>(
        source: &S,
        parent_root: B256,
        diff: StateDiff,
        mut hashed: BTreeMap<B256, HashedChange>,
    ) -> Result<Self> {
        let (root, trie) = seal_hashed(source, parent_root, &mut hashed)?;
        Ok(Self { diff, hashed, trie, parent_root, root })
    }
}

/// Reads flat accounts and trie nodes.
pub(crate) trait StateSource: NodeSource {
    /// The account under a hashed address.
    fn flat_account(&self, key: B256) -> Result<Option<FlatAccount>>;
}

/// The state before genesis.
pub(crate) struct EmptyState;

impl NodeSource for EmptyState {
    fn node(&self, _owner: Option<B256>, path: &Nibbles) -> Result<Bytes> {
        Err(StorageError::corrupt(format!("the empty trie has no node at {path:?}")))
    }
}

impl StateSource for EmptyState {
    fn flat_account(&self, _key: B256) -> Result<Option<FlatAccount>> {
        Ok(None)
    }
}

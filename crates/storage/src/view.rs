//! Reading state: of the head, of an older block, or of pending blocks above the head.

use crate::block::SealedHeader;
use crate::history;
use crate::snapshot::Snapshot;
use crate::state::{Account, FlatAccount, SealedState, StateDiff, StateSource};
use crate::trie::{AccountProof, NodeSource, SlotProof, absent_proof, trie_proof};
use crate::{Result, StorageError};
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256, keccak256};
use alloy_trie::{EMPTY_ROOT_HASH, Nibbles};
use std::sync::Arc;

/// A consistent picture of the state after one block. Cloning is cheap.
///
/// A view pins the database pages it reads: hold one for a request, not for minutes.
#[derive(Clone)]
pub struct StateView {
    snapshot: Arc<Snapshot>,
    /// The snapshot's head.
    base: u64,
    /// Flat reads go through history when the view is older than the snapshot's head.
    past: Option<u64>,
    /// Sealed changes above the base, oldest first.
    layers: Vec<Layer>,
    header: SealedHeader,
}

#[derive(Clone)]
struct Layer {
    number: u64,
    hash: B256,
    state: Arc<SealedState>,
}

impl core::fmt::Debug for StateView {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "StateView({} {})", self.header.number, self.header.hash)
    }
}

impl StateView {
    /// State of the snapshot's head.
    pub(crate) fn latest(snapshot: Arc<Snapshot>, header: SealedHeader) -> Self {
        Self { snapshot, base: header.number, past: None, layers: Vec::new(), header }
    }

    /// Flat state of an older block.
    pub(crate) fn historical(&self, header: SealedHeader) -> Self {
        Self {
            snapshot: self.snapshot.clone(),
            base: self.base,
            past: Some(header.number),
            layers: Vec::new(),
            header,
        }
    }

    pub(crate) fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    pub(crate) fn base(&self) -> u64 {
        self.base
    }

    /// The block whose state this is.
    pub fn header(&self) -> &SealedHeader {
        &self.header
    }

    /// Height of that block.
    pub fn number(&self) -> u64 {
        self.header.number
    }

    /// Root of this state.
    pub fn state_root(&self) -> B256 {
        self.header.state_root
    }

    /// An account, `None` when it does not exist.
    pub fn account(&self, address: Address) -> Result<Option<Account>> {
        Ok(self.flat_account(keccak256(address))?.map(|flat| flat.account))
    }

    /// A storage slot, zero when it was never written.
    pub fn storage(&self, address: Address, slot: U256) -> Result<U256> {
        self.hashed_slot(keccak256(address), keccak256(slot.to_be_bytes::<32>()))
    }

    /// Code by its hash.
    pub fn code(&self, code_hash: B256) -> Result<Bytes> {
        if code_hash == KECCAK256_EMPTY || code_hash.is_zero() {
            return Ok(Bytes::new());
        }
        for layer in self.layers.iter().rev() {
            if let Some(code) = layer.state.diff().codes.get(&code_hash) {
                return Ok(code.clone());
            }
        }
        self.snapshot
            .code(code_hash)?
            .ok_or_else(|| StorageError::corrupt(format!("code {code_hash} is missing")))
    }

    /// Code of an account.
    pub fn code_at(&self, address: Address) -> Result<Bytes> {
        match self.account(address)? {
            None => Ok(Bytes::new()),
            Some(account) => self.code(account.code_hash),
        }
    }

    /// Hash of this block or one of its ancestors.
    pub fn block_hash(&self, number: u64) -> Result<Option<B256>> {
        if number > self.header.number {
            return Ok(None);
        }
        if number == self.header.number {
            return Ok(Some(self.header.hash));
        }
        if let Some(layer) = self.layers.iter().find(|layer| layer.number == number) {
            return Ok(Some(layer.hash));
        }
        self.snapshot.block_hash(number)
    }

    /// Applies a diff: the state root and trie nodes afterwards.
    pub fn seal(&self, diff: StateDiff) -> Result<SealedState> {
        let view = self.with_trie()?;
        SealedState::seal(&view, view.state_root(), diff)
    }

    /// The state after a child block that is not committed yet.
    pub fn extend(&self, header: &SealedHeader, state: Arc<SealedState>) -> Self {
        let mut child = self.clone();
        child.layers.push(Layer { number: header.number, hash: header.hash, state });
        child.header = header.clone();
        child
    }

    /// EIP-1186 proof of an account and some of its slots against [`Self::state_root`].
    pub fn proof(&self, address: Address, slots: &[U256]) -> Result<AccountProof> {
        let view = self.with_trie()?;
        let key = keccak256(address);
        let flat = view.flat_account(key)?;
        let storage_root = flat.map_or(EMPTY_ROOT_HASH, |flat| flat.storage_root);
        let account_proof = trie_proof(&view, None, view.state_root(), address.as_slice())?;
        let mut storage = Vec::with_capacity(slots.len());
        for &slot in slots {
            let slot_bytes = slot.to_be_bytes::<32>();
            let proof = if storage_root == EMPTY_ROOT_HASH {
                absent_proof()
            } else {
                trie_proof(&view, Some(key), storage_root, &slot_bytes)?
            };
            let value = view.hashed_slot(key, keccak256(slot_bytes))?;
            storage.push(SlotProof { slot, value, proof });
        }
        let account = flat.map(|flat| flat.account);
        Ok(AccountProof { address, account, storage_root, account_proof, storage })
    }

    /// This view with trie nodes at hand: an older state becomes the head plus a reverse layer.
    fn with_trie(&self) -> Result<Self> {
        let Some(number) = self.past else { return Ok(self.clone()) };
        if self.base.saturating_sub(number) > history::PROOF_DEPTH {
            return Err(StorageError::ProofTooOld { number, limit: history::PROOF_DEPTH });
        }
        let head = self
            .snapshot
            .header(self.base)?
            .ok_or_else(|| StorageError::corrupt("the head has no header"))?;
        let mut view = Self::latest(self.snapshot.clone(), head);
        let target = self
            .snapshot
            .header(number)?
            .ok_or(StorageError::UnknownBlock { number, head: self.base })?;
        let undone = history::undo(&view, &target)?;
        view.layers.push(Layer { number, hash: target.hash, state: Arc::new(undone) });
        view.layers.extend(self.layers.iter().cloned());
        view.header = self.header.clone();
        Ok(view)
    }

    fn hashed_slot(&self, owner: B256, slot: B256) -> Result<U256> {
        for layer in self.layers.iter().rev() {
            if let Some(change) = layer.state.hashed.get(&owner) {
                if let Some(value) = change.storage.get(&slot) {
                    return Ok(*value);
                }
                if change.wiped {
                    return Ok(U256::ZERO);
                }
            }
        }
        if let Some(number) = self.past
            && let Some(value) = self.snapshot.slot_after(number, owner, slot)?
        {
            return Ok(value);
        }
        self.snapshot.slot(owner, slot)
    }
}

impl StateSource for StateView {
    fn flat_account(&self, key: B256) -> Result<Option<FlatAccount>> {
        for layer in self.layers.iter().rev() {
            if let Some(change) = layer.state.hashed.get(&key) {
                return Ok(change.account);
            }
        }
        if let Some(number) = self.past
            && let Some(account) = self.snapshot.account_after(number, key)?
        {
            return Ok(account);
        }
        self.snapshot.account(key)
    }
}

impl NodeSource for StateView {
    fn node(&self, owner: Option<B256>, path: &Nibbles) -> Result<Bytes> {
        let missing =
            || StorageError::corrupt(format!("trie node at {path:?} of {owner:?} was removed"));
        for layer in self.layers.iter().rev() {
            let found = match owner {
                None => layer.state.trie.account_nodes.get(path),
                Some(owner) => match layer.state.trie.storage.get(&owner) {
                    None => None,
                    Some(storage) => match storage.nodes.get(path) {
                        None if storage.wiped => return Err(missing()),
                        found => found,
                    },
                },
            };
            if let Some(found) = found {
                return found.clone().ok_or_else(missing);
            }
        }
        self.snapshot.node(owner, path)
    }
}

//! Going back: the reverse diff from the head to an older block.

use crate::block::SealedHeader;
use crate::state::{HashedChange, SealedState, StateDiff, StateSource};
use crate::view::StateView;
use crate::{Result, StorageError};
use alloy_primitives::{B256, U256};
use std::collections::{BTreeMap, BTreeSet};

/// How many blocks back a proof or a sealing may reach.
pub(crate) const PROOF_DEPTH: u64 = 4_096;

/// The changes that lead from the head back to `target`, sealed and checked against its root.
pub(crate) fn undo(head: &StateView, target: &SealedHeader) -> Result<SealedState> {
    let changes = undo_changes(head, target)?;
    let sealed = SealedState::seal_hashed(head, head.state_root(), StateDiff::default(), changes)?;
    if sealed.root() != target.state_root {
        return Err(StorageError::corrupt(format!(
            "undoing to block {} gives root {}, its header has {}",
            target.number,
            sealed.root(),
            target.state_root
        )));
    }
    Ok(sealed)
}

fn undo_changes(head: &StateView, target: &SealedHeader) -> Result<BTreeMap<B256, HashedChange>> {
    let snapshot = head.snapshot();
    let mut accounts = BTreeSet::new();
    let mut slots: BTreeMap<B256, BTreeSet<B256>> = BTreeMap::new();
    for number in target.number.saturating_add(1)..=head.base() {
        let keys = snapshot.changed_keys(number)?;
        accounts.extend(keys.accounts);
        for owned in keys.slots {
            accounts.insert(owned.owner);
            slots.entry(owned.owner).or_default().extend(owned.slots);
        }
    }
    let past = head.historical(target.clone());
    let mut changes = BTreeMap::new();
    for key in accounts {
        let before = past.flat_account(key)?;
        let mut storage: BTreeMap<B256, U256> = BTreeMap::new();
        for slot in slots.get(&key).into_iter().flatten() {
            let value = match snapshot.slot_after(target.number, key, *slot)? {
                Some(value) => value,
                None => snapshot.slot(key, *slot)?,
            };
            storage.insert(*slot, value);
        }
        // Sealing starts from the root the account has now.
        let now = head.flat_account(key)?;
        let account = before.map(|mut flat| {
            flat.storage_root = now.map_or(alloy_trie::EMPTY_ROOT_HASH, |flat| flat.storage_root);
            flat
        });
        let wiped = account.is_none() || now.is_none();
        changes.insert(key, HashedChange { account, wiped, storage });
    }
    Ok(changes)
}

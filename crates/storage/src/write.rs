//! The one durable transaction per block, and its undoing.

use crate::block::{SealedBlock, SealedHeader, TxReceipt};
use crate::codec::{self, ChangedKeys};
use crate::snapshot::Snapshot;
use crate::state::{HashedChange, SealedState};
use crate::tables::{self, ByNumber, Bytes as ByteTable, meta};
use crate::trie::NodeUpdates;
use crate::{Result, StorageError};
use alloy_primitives::{B256, U256};
use redb::{ReadableTable, Table, WriteTransaction};
use std::collections::{BTreeMap, BTreeSet};

type Rows<'txn> = Table<'txn, &'static [u8], &'static [u8]>;

fn rows<'txn>(txn: &'txn WriteTransaction, table: ByteTable) -> Result<Rows<'txn>> {
    txn.open_table(table).map_err(StorageError::write)
}

/// Creates every table, so that readers find them all.
pub(crate) fn create_tables(txn: &WriteTransaction) -> Result<()> {
    for table in [
        tables::NUMBERS,
        tables::TX_INDEX,
        tables::CODES,
        tables::ACCOUNTS,
        tables::SLOTS,
        tables::ACCOUNT_NODES,
        tables::STORAGE_NODES,
        tables::ACCOUNT_HISTORY,
        tables::SLOT_HISTORY,
    ] {
        rows(txn, table)?;
    }
    for table in [tables::HEADERS, tables::BODIES, tables::RECEIPTS, tables::CHANGES] {
        txn.open_table(table).map_err(StorageError::write)?;
    }
    Ok(())
}

/// Writes a meta value.
pub(crate) fn put_meta(txn: &WriteTransaction, key: &str, value: &[u8]) -> Result<()> {
    let mut table = txn.open_table(tables::META).map_err(StorageError::write)?;
    table.insert(key, value).map_err(StorageError::write)?;
    Ok(())
}

/// Everything one block brings.
pub(crate) fn put_block(
    txn: &WriteTransaction,
    block: &SealedBlock,
    receipts: &[TxReceipt],
    state: &SealedState,
    history_depth: u64,
) -> Result<()> {
    let number = block.number();
    put_numbered(txn, tables::HEADERS, number, &codec::encode_header(&block.sealed_header()))?;
    let body = codec::encode_body(&block.transactions, &block.edits);
    put_numbered(txn, tables::BODIES, number, &body)?;
    put_numbered(txn, tables::RECEIPTS, number, &codec::encode_receipts(receipts))?;
    put(&mut rows(txn, tables::NUMBERS)?, block.hash.as_slice(), &number.to_be_bytes())?;
    let mut index = rows(txn, tables::TX_INDEX)?;
    for (position, tx) in (0u64..).zip(&block.transactions) {
        put(&mut index, tx.tx_hash().as_slice(), &codec::encode_location(number, position))?;
    }
    let mut codes = rows(txn, tables::CODES)?;
    for (hash, code) in &state.diff().codes {
        put(&mut codes, hash.as_slice(), code)?;
    }
    let keys = put_flat(txn, number, &state.hashed)?;
    put_numbered(txn, tables::CHANGES, number, &alloy_rlp::encode(&keys))?;
    put_nodes(txn, state)?;
    if let Some(old) = number.checked_sub(history_depth) {
        prune(txn, old)?;
    }
    put_meta(txn, meta::HEAD, &number.to_be_bytes())
}

/// Forgets what block `old` replaced: its own state becomes the oldest that can be read.
fn prune(txn: &WriteTransaction, old: u64) -> Result<()> {
    let mut changes = txn.open_table(tables::CHANGES).map_err(StorageError::write)?;
    let entry = changes.remove(old).map_err(StorageError::write)?;
    let Some(keys) = entry.map(|keys| ChangedKeys::decode_from(keys.value())).transpose()? else {
        return Ok(());
    };
    remove_history(txn, &keys, old)?;
    put_meta(txn, meta::OLDEST_STATE, &old.to_be_bytes())
}

fn remove_history(txn: &WriteTransaction, keys: &ChangedKeys, number: u64) -> Result<()> {
    let mut history = rows(txn, tables::ACCOUNT_HISTORY)?;
    for key in &keys.accounts {
        delete(&mut history, &tables::history_key(key.as_slice(), number))?;
    }
    let mut history = rows(txn, tables::SLOT_HISTORY)?;
    for owned in &keys.slots {
        for slot in &owned.slots {
            let key = tables::owned_key(&owned.owner, slot.as_slice());
            delete(&mut history, &tables::history_key(&key, number))?;
        }
    }
    Ok(())
}

/// Writes flat state and the history of what it replaced.
fn put_flat(
    txn: &WriteTransaction,
    number: u64,
    changes: &BTreeMap<B256, HashedChange>,
) -> Result<ChangedKeys> {
    let mut accounts = rows(txn, tables::ACCOUNTS)?;
    let mut account_history = rows(txn, tables::ACCOUNT_HISTORY)?;
    let mut slot_history = rows(txn, tables::SLOT_HISTORY)?;
    let mut slots = rows(txn, tables::SLOTS)?;
    let mut keys = ChangedKeys::default();
    for (key, change) in changes {
        let old = match &change.account {
            Some(flat) => put(&mut accounts, key.as_slice(), &codec::encode_account(flat))?,
            None => delete(&mut accounts, key.as_slice())?,
        };
        let entry = tables::history_key(key.as_slice(), number);
        put(&mut account_history, &entry, &old.unwrap_or_default())?;
        keys.accounts.push(*key);
        let mut changed = BTreeSet::new();
        let mut remember = |slot: B256, old: Option<Vec<u8>>| -> Result<()> {
            if changed.insert(slot) {
                let slot_key = tables::owned_key(key, slot.as_slice());
                let entry = tables::history_key(&slot_key, number);
                put(&mut slot_history, &entry, &old.unwrap_or_default())?;
            }
            Ok(())
        };
        if change.wiped {
            for slot_key in keys_of(&slots, key)? {
                let slot = codec::decode_hash(slot_key.get(32..).unwrap_or_default())?;
                let old = delete(&mut slots, &slot_key)?;
                remember(slot, old)?;
            }
        }
        if change.account.is_some() {
            for (slot, value) in &change.storage {
                let old = put_slot(&mut slots, key, slot, value)?;
                remember(*slot, old)?;
            }
        }
        keys.push_slots(*key, changed);
    }
    Ok(keys)
}

fn put_slot(
    slots: &mut Rows<'_>,
    owner: &B256,
    slot: &B256,
    value: &U256,
) -> Result<Option<Vec<u8>>> {
    let key = tables::owned_key(owner, slot.as_slice());
    if value.is_zero() {
        delete(slots, &key)
    } else {
        put(slots, &key, &codec::encode_value(value))
    }
}

fn put_nodes(txn: &WriteTransaction, state: &SealedState) -> Result<()> {
    let mut nodes = rows(txn, tables::ACCOUNT_NODES)?;
    put_updates(&mut nodes, &[], &state.trie.account_nodes)?;
    let mut nodes = rows(txn, tables::STORAGE_NODES)?;
    for (owner, storage) in &state.trie.storage {
        if storage.wiped {
            for key in keys_of(&nodes, owner)? {
                delete(&mut nodes, &key)?;
            }
        }
        put_updates(&mut nodes, owner.as_slice(), &storage.nodes)?;
    }
    Ok(())
}

fn put_updates(table: &mut Rows<'_>, owner: &[u8], updates: &NodeUpdates) -> Result<()> {
    for (path, node) in updates {
        let mut key = owner.to_vec();
        key.extend_from_slice(&path.to_vec());
        match node {
            Some(rlp) => put(table, &key, rlp)?,
            None => delete(table, &key)?,
        };
    }
    Ok(())
}

/// Takes the blocks above `target` off again; `undone` leads from the head's state to its.
pub(crate) fn rewind(
    txn: &WriteTransaction,
    snapshot: &Snapshot,
    head: u64,
    target: &SealedHeader,
    undone: &SealedState,
) -> Result<()> {
    for number in (target.number.saturating_add(1)..=head).rev() {
        remove_block(txn, snapshot, number)?;
    }
    let mut accounts = rows(txn, tables::ACCOUNTS)?;
    let mut slots = rows(txn, tables::SLOTS)?;
    for (key, change) in &undone.hashed {
        if change.wiped {
            for slot_key in keys_of(&slots, key)? {
                delete(&mut slots, &slot_key)?;
            }
        }
        match &change.account {
            None => {
                delete(&mut accounts, key.as_slice())?;
            }
            Some(flat) => {
                put(&mut accounts, key.as_slice(), &codec::encode_account(flat))?;
                for (slot, value) in &change.storage {
                    put_slot(&mut slots, key, slot, value)?;
                }
            }
        }
    }
    drop((accounts, slots));
    put_nodes(txn, undone)?;
    put_meta(txn, meta::HEAD, &target.number.to_be_bytes())
}

fn remove_block(txn: &WriteTransaction, snapshot: &Snapshot, number: u64) -> Result<()> {
    let block = snapshot
        .block(number)?
        .ok_or_else(|| StorageError::corrupt(format!("block {number} is missing")))?;
    delete(&mut rows(txn, tables::NUMBERS)?, block.hash.as_slice())?;
    let mut index = rows(txn, tables::TX_INDEX)?;
    for tx in &block.transactions {
        delete(&mut index, tx.tx_hash().as_slice())?;
    }
    remove_history(txn, &snapshot.changed_keys(number)?, number)?;
    for table in [tables::HEADERS, tables::BODIES, tables::RECEIPTS, tables::CHANGES] {
        let mut table = txn.open_table(table).map_err(StorageError::write)?;
        table.remove(number).map_err(StorageError::write)?;
    }
    Ok(())
}

fn put_numbered(txn: &WriteTransaction, table: ByNumber, number: u64, value: &[u8]) -> Result<()> {
    let mut table = txn.open_table(table).map_err(StorageError::write)?;
    table.insert(number, value).map_err(StorageError::write)?;
    Ok(())
}

fn put(table: &mut Rows<'_>, key: &[u8], value: &[u8]) -> Result<Option<Vec<u8>>> {
    let old = table.insert(key, value).map_err(StorageError::write)?;
    Ok(old.map(|old| old.value().to_vec()))
}

fn delete(table: &mut Rows<'_>, key: &[u8]) -> Result<Option<Vec<u8>>> {
    let old = table.remove(key).map_err(StorageError::write)?;
    Ok(old.map(|old| old.value().to_vec()))
}

/// All keys that begin with an owner.
fn keys_of(table: &Rows<'_>, owner: &B256) -> Result<Vec<Vec<u8>>> {
    let range = table.range::<&[u8]>(owner.as_slice()..).map_err(StorageError::write)?;
    let mut keys = Vec::new();
    for entry in range {
        let (key, _) = entry.map_err(StorageError::write)?;
        if !key.value().starts_with(owner.as_slice()) {
            break;
        }
        keys.push(key.value().to_vec());
    }
    Ok(keys)
}

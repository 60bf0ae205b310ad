//! A consistent read-only picture of all tables.

use crate::block::{SealedBlock, SealedHeader, TxReceipt};
use crate::codec;
use crate::state::FlatAccount;
use crate::tables::{self, ByNumber, Bytes as ByteTable};
use crate::{Result, StorageError};
use alloy_primitives::{B256, Bytes, U256};
use alloy_trie::Nibbles;
use redb::{Database, ReadOnlyTable, ReadTransaction, ReadableDatabase};

type Rows = ReadOnlyTable<&'static [u8], &'static [u8]>;
type Numbered = ReadOnlyTable<u64, &'static [u8]>;

/// The tables as one commit left them.
pub(crate) struct Snapshot {
    headers: Numbered,
    numbers: Rows,
    bodies: Numbered,
    receipts: Numbered,
    tx_index: Rows,
    codes: Rows,
    pub(crate) accounts: Rows,
    pub(crate) slots: Rows,
    account_nodes: Rows,
    storage_nodes: Rows,
    account_history: Rows,
    slot_history: Rows,
    changes: Numbered,
    meta: ReadOnlyTable<&'static str, &'static [u8]>,
}

fn rows(txn: &ReadTransaction, table: ByteTable) -> Result<Rows> {
    txn.open_table(table).map_err(StorageError::read)
}

fn numbered(txn: &ReadTransaction, table: ByNumber) -> Result<Numbered> {
    txn.open_table(table).map_err(StorageError::read)
}

impl Snapshot {
    pub(crate) fn open(database: &Database) -> Result<Self> {
        let txn = database.begin_read().map_err(StorageError::read)?;
        Ok(Self {
            headers: numbered(&txn, tables::HEADERS)?,
            numbers: rows(&txn, tables::NUMBERS)?,
            bodies: numbered(&txn, tables::BODIES)?,
            receipts: numbered(&txn, tables::RECEIPTS)?,
            tx_index: rows(&txn, tables::TX_INDEX)?,
            codes: rows(&txn, tables::CODES)?,
            accounts: rows(&txn, tables::ACCOUNTS)?,
            slots: rows(&txn, tables::SLOTS)?,
            account_nodes: rows(&txn, tables::ACCOUNT_NODES)?,
            storage_nodes: rows(&txn, tables::STORAGE_NODES)?,
            account_history: rows(&txn, tables::ACCOUNT_HISTORY)?,
            slot_history: rows(&txn, tables::SLOT_HISTORY)?,
            changes: numbered(&txn, tables::CHANGES)?,
            meta: txn.open_table(tables::META).map_err(StorageError::read)?,
        })
    }

    pub(crate) fn meta(&self, key: &str) -> Result<Option<Vec<u8>>> {
        let value = self.meta.get(key).map_err(StorageError::read)?;
        Ok(value.map(|value| value.value().to_vec()))
    }

    pub(crate) fn meta_u64(&self, key: &str) -> Result<u64> {
        let value =
            self.meta(key)?.ok_or_else(|| StorageError::corrupt(format!("meta has no {key}")))?;
        codec::decode_u64(&value)
    }

    pub(crate) fn header(&self, number: u64) -> Result<Option<SealedHeader>> {
        let value = self.headers.get(number).map_err(StorageError::read)?;
        value.map(|value| codec::decode_header(value.value())).transpose()
    }

    pub(crate) fn block_hash(&self, number: u64) -> Result<Option<B256>> {
        let value = self.headers.get(number).map_err(StorageError::read)?;
        value
            .map(|value| {
                let hash = value.value().get(..32);
                codec::decode_hash(hash.unwrap_or_default())
            })
            .transpose()
    }

    pub(crate) fn number_of(&self, hash: B256) -> Result<Option<u64>> {
        let value = self.numbers.get(hash.as_slice()).map_err(StorageError::read)?;
        value.map(|value| codec::decode_u64(value.value())).transpose()
    }

    pub(crate) fn block(&self, number: u64) -> Result<Option<SealedBlock>> {
        let Some(header) = self.header(number)? else { return Ok(None) };
        let body = self
            .bodies
            .get(number)
            .map_err(StorageError::read)?
            .ok_or_else(|| StorageError::corrupt(format!("block {number} has no body")))?;
        let (transactions, edits) = codec::decode_body(body.value())?;
        Ok(Some(SealedBlock { hash: header.hash, header: header.header, transactions, edits }))
    }

    pub(crate) fn receipts(&self, number: u64) -> Result<Option<Vec<TxReceipt>>> {
        let value = self.receipts.get(number).map_err(StorageError::read)?;
        value.map(|value| codec::decode_receipts(value.value())).transpose()
    }

    pub(crate) fn tx_location(&self, hash: B256) -> Result<Option<(u64, u64)>> {
        let value = self.tx_index.get(hash.as_slice()).map_err(StorageError::read)?;
        value.map(|value| codec::decode_location(value.value())).transpose()
    }

    pub(crate) fn code(&self, hash: B256) -> Result<Option<Bytes>> {
        get(&self.codes, hash.as_slice())
    }

    pub(crate) fn account(&self, key: B256) -> Result<Option<FlatAccount>> {
        let value = self.accounts.get(key.as_slice()).map_err(StorageError::read)?;
        value.map(|value| codec::decode_account(value.value())).transpose()
    }

    pub(crate) fn slot(&self, owner: B256, slot: B256) -> Result<U256> {
        let key = tables::owned_key(&owner, slot.as_slice());
        let value = self.slots.get(key.as_slice()).map_err(StorageError::read)?;
        value.map_or(Ok(U256::ZERO), |value| codec::decode_value(value.value()))
    }

    pub(crate) fn node(&self, owner: Option<B256>, path: &Nibbles) -> Result<Bytes> {
        let path_bytes = path.to_vec();
        let node = match owner {
            None => get(&self.account_nodes, &path_bytes)?,
            Some(owner) => get(&self.storage_nodes, &tables::owned_key(&owner, &path_bytes))?,
        };
        node.ok_or_else(|| {
            StorageError::corrupt(format!("trie node at {path:?} of {owner:?} is missing"))
        })
    }

    /// The account as block `number` left it, when a later block changed it.
    pub(crate) fn account_after(
        &self,
        number: u64,
        key: B256,
    ) -> Result<Option<Option<FlatAccount>>> {
        let entry = first_after(&self.account_history, key.as_slice(), number)?;
        entry.map(|entry| codec::decode_account_entry(&entry)).transpose()
    }

    /// The slot as block `number` left it, when a later block changed it.
    pub(crate) fn slot_after(&self, number: u64, owner: B256, slot: B256) -> Result<Option<U256>> {
        let key = tables::owned_key(&owner, slot.as_slice());
        let entry = first_after(&self.slot_history, &key, number)?;
        entry.map(|entry| codec::decode_value(&entry)).transpose()
    }

    /// Keys changed by a block.
    pub(crate) fn changed_keys(&self, number: u64) -> Result<codec::ChangedKeys> {
        let value = self.changes.get(number).map_err(StorageError::read)?;
        let value = value
            .ok_or_else(|| StorageError::corrupt(format!("block {number} has no reverse diff")))?;
        codec::ChangedKeys::decode_from(value.value())
    }
}

fn get(table: &Rows, key: &[u8]) -> Result<Option<Bytes>> {
    let value = table.get(key).map_err(StorageError::read)?;
    Ok(value.map(|value| Bytes::copy_from_slice(value.value())))
}

/// The oldest history entry of a key that is younger than a height.
fn first_after(table: &Rows, key: &[u8], number: u64) -> Result<Option<Vec<u8>>> {
    let from = tables::history_key(key, number.saturating_add(1));
    let to = tables::history_key(key, u64::MAX);
    let mut range =
        table.range::<&[u8]>(from.as_slice()..=to.as_slice()).map_err(StorageError::read)?;
    match range.next() {
        None => Ok(None),
        Some(entry) => {
            let (_, value) = entry.map_err(StorageError::read)?;
            Ok(Some(value.value().to_vec()))
        }
    }
}

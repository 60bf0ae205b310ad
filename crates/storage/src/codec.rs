//! Canonical bytes of what the tables hold: RLP throughout.

use crate::block::{SealedHeader, Transaction, TxReceipt};
use crate::state::{Account, FlatAccount, StateEdit};
use crate::{Result, StorageError};
use alloy_consensus::{Header, ReceiptEnvelope};
use alloy_eips::eip2718::{Decodable2718, Encodable2718};
use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_rlp::{Decodable, Encodable, RlpDecodable, RlpEncodable};
use alloy_trie::TrieAccount;
use std::collections::BTreeSet;

fn damaged(what: &str, error: impl core::fmt::Display) -> StorageError {
    StorageError::corrupt(format!("{what}: {error}"))
}

pub(crate) fn encode_header(header: &SealedHeader) -> Vec<u8> {
    let mut out = header.hash.to_vec();
    header.header.encode(&mut out);
    out
}

pub(crate) fn decode_header(bytes: &[u8]) -> Result<SealedHeader> {
    let (hash, mut rest) =
        bytes.split_at_checked(32).ok_or_else(|| StorageError::corrupt("short header"))?;
    let header = Header::decode(&mut rest).map_err(|error| damaged("header", error))?;
    Ok(SealedHeader { hash: B256::from_slice(hash), header })
}

#[derive(RlpEncodable, RlpDecodable)]
struct Body {
    transactions: Vec<Bytes>,
    edits: Vec<Edit>,
}

/// `StateEdit` as a flat record: kind, address, slot, value, code.
#[derive(RlpEncodable, RlpDecodable)]
struct Edit {
    kind: u8,
    address: Address,
    slot: U256,
    value: U256,
    code: Bytes,
}

impl From<&StateEdit> for Edit {
    fn from(edit: &StateEdit) -> Self {
        let blank = |kind, address| Self {
            kind,
            address,
            slot: U256::ZERO,
            value: U256::ZERO,
            code: Bytes::new(),
        };
        match edit {
            StateEdit::Balance { address, balance } => {
                Self { value: *balance, ..blank(0, *address) }
            }
            StateEdit::Nonce { address, nonce } => {
                Self { value: U256::from(*nonce), ..blank(1, *address) }
            }
            StateEdit::Code { address, code } => Self { code: code.clone(), ..blank(2, *address) },
            StateEdit::Storage { address, slot, value } => {
                Self { slot: *slot, value: *value, ..blank(3, *address) }
            }
        }
    }
}

impl TryFrom<Edit> for StateEdit {
    type Error = StorageError;
    fn try_from(edit: Edit) -> Result<Self> {
        let Edit { kind, address, slot, value, code } = edit;
        Ok(match kind {
            0 => Self::Balance { address, balance: value },
            1 => {
                let nonce = value.try_into().map_err(|error| damaged("edit", error))?;
                Self::Nonce { address, nonce }
            }
            2 => Self::Code { address, code },
            3 => Self::Storage { address, slot, value },
            _ => return Err(StorageError::corrupt(format!("edit of kind {kind}"))),
        })
    }
}

impl StateEdit {
    /// Canonical bytes of a list of edits: what a header commits to.
    pub fn encode_list(edits: &[Self]) -> Vec<u8> {
        alloy_rlp::encode(edits.iter().map(Edit::from).collect::<Vec<_>>())
    }
}

pub(crate) fn encode_body(transactions: &[Transaction], edits: &[StateEdit]) -> Vec<u8> {
    alloy_rlp::encode(Body {
        transactions: transactions.iter().map(|tx| tx.encoded_2718().into()).collect(),
        edits: edits.iter().map(Edit::from).collect(),
    })
}

pub(crate) fn decode_body(mut bytes: &[u8]) -> Result<(Vec<Transaction>, Vec<StateEdit>)> {
    let body = Body::decode(&mut bytes).map_err(|error| damaged("body", error))?;
    let transactions = body
        .transactions
        .iter()
        .map(|raw| {
            Transaction::decode_2718(&mut raw.as_ref())
                .map_err(|error| damaged("transaction", error))
        })
        .collect::<Result<_>>()?;
    let edits = body.edits.into_iter().map(StateEdit::try_from).collect::<Result<_>>()?;
    Ok((transactions, edits))
}

#[derive(RlpEncodable, RlpDecodable)]
struct ReceiptRecord {
    envelope: Bytes,
    sender: Address,
    gas_used: u64,
    effective_gas_price: u128,
    created: Vec<Address>,
}

pub(crate) fn encode_receipts(receipts: &[TxReceipt]) -> Vec<u8> {
    let records: Vec<_> = receipts
        .iter()
        .map(|receipt| ReceiptRecord {
            envelope: receipt.envelope.encoded_2718().into(),
            sender: receipt.sender,
            gas_used: receipt.gas_used,
            effective_gas_price: receipt.effective_gas_price,
            created: receipt.contract_address.into_iter().collect(),
        })
        .collect();
    alloy_rlp::encode(records)
}

pub(crate) fn decode_receipts(mut bytes: &[u8]) -> Result<Vec<TxReceipt>> {
    Vec::<ReceiptRecord>::decode(&mut bytes)
        .map_err(|error| damaged("receipts", error))?
        .into_iter()
        .map(|record| {
            Ok(TxReceipt {
                envelope: ReceiptEnvelope::decode_2718(&mut record.envelope.as_ref())
                    .map_err(|error| damaged("receipt", error))?,
                sender: record.sender,
                gas_used: record.gas_used,
                effective_gas_price: record.effective_gas_price,
                contract_address: record.created.first().copied(),
            })
        })
        .collect()
}

pub(crate) fn encode_account(flat: &FlatAccount) -> Vec<u8> {
    alloy_rlp::encode(TrieAccount {
        nonce: flat.account.nonce,
        balance: flat.account.balance,
        storage_root: flat.storage_root,
        code_hash: flat.account.code_hash,
    })
}

pub(crate) fn decode_account(mut bytes: &[u8]) -> Result<FlatAccount> {
    let account = TrieAccount::decode(&mut bytes).map_err(|error| damaged("account", error))?;
    Ok(FlatAccount {
        account: Account {
            nonce: account.nonce,
            balance: account.balance,
            code_hash: account.code_hash,
        },
        storage_root: account.storage_root,
    })
}

/// A history entry of an account: empty bytes stand for "did not exist".
pub(crate) fn decode_account_entry(bytes: &[u8]) -> Result<Option<FlatAccount>> {
    if bytes.is_empty() { Ok(None) } else { decode_account(bytes).map(Some) }
}

pub(crate) fn encode_value(value: &U256) -> Vec<u8> {
    value.to_be_bytes_trimmed_vec()
}

pub(crate) fn decode_value(bytes: &[u8]) -> Result<U256> {
    U256::try_from_be_slice(bytes).ok_or_else(|| StorageError::corrupt("slot value too long"))
}

/// The keys one block changed.
#[derive(Debug, Default, RlpEncodable, RlpDecodable)]
pub(crate) struct ChangedKeys {
    pub(crate) accounts: Vec<B256>,
    pub(crate) slots: Vec<SlotKeys>,
}

/// Changed slots of one account.
#[derive(Debug, Default, RlpEncodable, RlpDecodable)]
pub(crate) struct SlotKeys {
    pub(crate) owner: B256,
    pub(crate) slots: Vec<B256>,
}

impl ChangedKeys {
    pub(crate) fn push_slots(&mut self, owner: B256, slots: BTreeSet<B256>) {
        if !slots.is_empty() {
            self.slots.push(SlotKeys { owner, slots: slots.into_iter().collect() });
        }
    }

    pub(crate) fn decode_from(mut bytes: &[u8]) -> Result<Self> {
        Self::decode(&mut bytes).map_err(|error| damaged("reverse diff", error))
    }
}

pub(crate) fn encode_location(number: u64, index: u64) -> [u8; 16] {
    let mut out = [0; 16];
    out[..8].copy_from_slice(&number.to_be_bytes());
    out[8..].copy_from_slice(&index.to_be_bytes());
    out
}

pub(crate) fn decode_location(bytes: &[u8]) -> Result<(u64, u64)> {
    let (number, index) =
        bytes.split_at_checked(8).ok_or_else(|| StorageError::corrupt("short location"))?;
    Ok((decode_u64(number)?, decode_u64(index)?))
}

pub(crate) fn decode_u64(bytes: &[u8]) -> Result<u64> {
    bytes
        .try_into()
        .map(u64::from_be_bytes)
        .map_err(|_| StorageError::corrupt("number is not 8 bytes"))
}

pub(crate) fn decode_hash(bytes: &[u8]) -> Result<B256> {
    B256::try_from(bytes).map_err(|_| StorageError::corrupt("hash is not 32 bytes"))
}
